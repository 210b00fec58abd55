"""`docs/reference.md` names every setting and every command as the code has them, and no other."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import typer
import typer.main
from pydantic import SecretStr
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from cli.main import app
from settings import (
    DEVELOPMENT_API_KEY,
    DEVELOPMENT_DATA_KEY,
    DEVELOPMENT_LINK_KEY,
    DEVELOPMENT_SESSION_KEY,
    DEVELOPMENT_SUPPRESSION_KEY,
    ROOT,
    Settings,
)

REFERENCE = ROOT / "docs" / "reference.md"
DEVELOPMENT_KEYS = (
    DEVELOPMENT_API_KEY,
    DEVELOPMENT_DATA_KEY,
    DEVELOPMENT_LINK_KEY,
    DEVELOPMENT_SESSION_KEY,
    DEVELOPMENT_SUPPRESSION_KEY,
)
HEADINGS_OF_TABLES = ("| setting |", "| option |", "|---")
Reference = Mapping[str, list[str]]
"""What stands under each heading: sentences, and rows of tables."""


def test_every_setting_is_in_the_reference() -> None:
    differences = _differences({"## Settings": list(_settings())}, _documented("## Settings"))
    assert not differences, differences


def test_every_command_is_in_the_reference_with_its_options() -> None:
    differences = _differences(dict(_commands()), _documented("### `promisekeeper "))
    assert not differences, differences


def test_a_missing_and_a_stale_line_are_named() -> None:
    code = {"## Settings": ["| `A` |", "| `B` |"], "### `promisekeeper new`": []}
    page = {"## Settings": ["| `A` |", "| `C` |"], "### `promisekeeper old`": []}
    assert _differences(code, page).splitlines()[1:] == [
        "  missing under ## Settings: | `B` |",
        "  stale under ## Settings: | `C` |",
        "  missing: ### `promisekeeper new`",
        "  stale: ### `promisekeeper old`",
    ]


def _documented(prefix: str) -> Reference:
    sections: dict[str, list[str]] = {}
    heading = ""
    for line in REFERENCE.read_text("utf-8").splitlines():
        if line.startswith("#"):
            heading = line
            sections[heading] = []
        elif line and not line.startswith(HEADINGS_OF_TABLES):
            sections[heading].append(line)
    return {name: rows for name, rows in sections.items() if name.startswith(prefix)}


def _differences(code: Reference, page: Reference) -> str:
    found = []
    for heading, lines in code.items():
        if heading not in page:
            found.append(f"missing: {heading}")
        there = page.get(heading, [])
        found += [f"missing under {heading}: {line}" for line in lines if line not in there]
        found += [f"stale under {heading}: {line}" for line in there if line not in lines]
    found += [f"stale: {heading}" for heading in page if heading not in code]
    return "\n  ".join(["docs/reference.md is not what the code says:", *found]) if found else ""


def _settings() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        yield f"| `PROMISEKEEPER_{name.upper()}` | {_value(field.default)} | {field.description} |"


def _commands() -> Iterator[tuple[str, list[str]]]:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    yield from _commands_of(root, "promisekeeper")


def _commands_of(group: TyperGroup, path: str) -> Iterator[tuple[str, list[str]]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands_of(command, f"{path} {name}")
        elif isinstance(command, TyperCommand):
            parameters = [
                parameter
                for parameter in command.params
                if isinstance(parameter, TyperArgument | TyperOption)
            ]
            arguments = "".join(
                f" {parameter.opts[0].upper()}"
                for parameter in parameters
                if isinstance(parameter, TyperArgument)
            )
            meaning = " ".join((command.help or "").split())
            yield f"### `{path} {name}{arguments}`", [meaning, *map(_option, parameters)]


def _option(parameter: TyperArgument | TyperOption) -> str:
    named = isinstance(parameter, TyperOption)
    name = parameter.opts[0] if named else parameter.opts[0].upper()
    default = "required" if parameter.required else _value(parameter.default)
    return f"| `{name}` | {default} | {parameter.help}{_choices(parameter)} |"


def _choices(parameter: TyperArgument | TyperOption) -> str:
    kind = parameter.type_descriptor.annotation
    if not isinstance(kind, type) or not issubclass(kind, StrEnum):
        return ""
    return ": " + ", ".join(f"`{choice}`" for choice in kind)


def _value(default: object) -> str:
    match default:
        case None | "" | ():
            return "none"
        case bool():
            return "on" if default else "off"
        case SecretStr():
            return _value(default.get_secret_value())
        case tuple():
            return _value(",".join(str(item) for item in default))
        case Path():
            return f"`{default.as_posix()}`"
        case _ if default in DEVELOPMENT_KEYS:
            return "a key for development"
        case _:
            return f"`{default}`"
