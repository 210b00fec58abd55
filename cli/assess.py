"""`promisekeeper assess`: what a change of the policy means, offline and in well under a second."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from domain.conversion import PolicyFile
    from domain.materiality import Assessment, Finding


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    HTML = "html"


def assess_command(
    old: Annotated[
        Path, typer.Argument(help="The text in force: Markdown, .docx or .html", show_default=False)
    ],
    new: Annotated[
        Path, typer.Argument(help="The text to come: Markdown, .docx or .html", show_default=False)
    ],
    output_format: Annotated[
        Format, typer.Option("--format", help="text in colour, json, or html to print")
    ] = Format.TEXT,
) -> None:
    """Compare two versions of a policy: the changes, what they mean for people, and the verdict."""
    from domain.materiality import assess

    read = _read(old), _read(new)
    assessment = assess(*(file.text.text for file in read))
    match output_format:
        case Format.JSON:
            told = {**assessment.to_json_dict(), "left_out": _left_out(*read)}
            written = json.dumps(told, indent=2, ensure_ascii=False)
            sys.stdout.write(f"{written}\n")
        case Format.HTML:
            from cli.assess_page import page

            sys.stdout.write(page(*read, assessment, names=(old.name, new.name)))
        case Format.TEXT:
            _print_text(assessment, *read)


def _read(path: Path) -> "PolicyFile":
    """Read a policy or stop with exit code 2 and words that say what to do."""
    from cli.printing import tell_what_was_left_out
    from domain.conversion import read_policy_file
    from domain.texts.policy_text import PolicyRefused

    try:
        file = read_policy_file(path.read_bytes(), path.name)
    except PolicyRefused as refusal:
        raise _stop(f"{path}: {refusal}") from refusal
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _stop(f"{path}: {reason}. Give the path of a policy you can read.") from error
    tell_what_was_left_out(path, file)
    return file


def _left_out(before: "PolicyFile", after: "PolicyFile") -> dict[str, tuple[str, ...]]:
    """What of a Word file or a web page was not read, and so not compared."""
    return {"before": before.left_out, "after": after.left_out}


def _stop(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)


def _print_text(assessment: "Assessment", before: "PolicyFile", after: "PolicyFile") -> None:
    from rich.console import Console
    from rich.text import Text

    from domain.materiality.in_words import VERDICTS, language_note

    console = Console(highlight=False, soft_wrap=True)
    style = "bold " + _colour(assessment.verdict)
    console.print(Text(VERDICTS[assessment.verdict], style=style))
    note = language_note(assessment.findings)
    if note:
        console.print(Text(f"\n{note}", style="yellow"))
    for finding in assessment.findings:
        _print_finding(console, finding, before, after)
    _print_cleared(console, assessment)


def _print_finding(
    console: "Console", finding: "Finding", before: "PolicyFile", after: "PolicyFile"
) -> None:
    from rich.text import Text

    from domain.materiality.in_words import (
        NOT_ENGLISH,
        about,
        bases,
        figures,
        file_lines,
        nature,
        track_record,
    )

    kind = f"{nature(finding)}; {about(finding.practice)}; rule {finding.rule}"
    lines = file_lines(finding, before.first_line, after.first_line)
    place = f"{' > '.join(finding.section)} {f'({lines})' if lines else ''}".strip()
    differing = figures(finding.before or "", finding.after or "")
    record = track_record(finding)
    told = (finding.id, "bold"), "  ", (finding.explanation, _colour_of(finding))
    console.print()
    console.print(Text.assemble(*told))
    console.print(Text(f"    {kind}"))
    if record:
        console.print(Text(f"    {record}"))
    console.print(Text(f"    {place}", style="dim"))
    console.print(_quoted(finding))
    if differing and finding.rule == NOT_ENGLISH:
        console.print(Text(f"    figures: {differing}"))
    for basis in bases(finding.basis):
        console.print(Text(f"    why it matters: {basis}", style="dim"))
    if finding.counter_evidence:
        console.print(Text(f"    may still be covered by: {finding.counter_evidence}"))


def _print_cleared(console: "Console", assessment: "Assessment") -> None:
    from rich.text import Text

    from domain.materiality.in_words import happened, reasons

    cleared = [change for change in assessment.changes if change.cleared_as]
    if not cleared:
        return
    console.print(Text("\nShown to be harmless", style="bold"))
    meanings: dict[str, str] = {}
    for change in cleared:
        meanings |= reasons(change.cleared_as or "")
        words = change.after or change.before or ""
        shown = words if len(words) <= 90 else words[:89] + "\u2026"
        what = happened(change.kind, change.moved)
        shown_by = "" if change.cleared_as == what.lower() else f", {change.cleared_as}"
        console.print(Text(f"    {what}{shown_by}: {shown}", style="dim"))
    for name, meaning in meanings.items():
        console.print(Text(f"    ({name}: {meaning})"))


def _quoted(finding: "Finding") -> "Text":
    """The redline of the quotes: deletions in [-...-], insertions in {+...+}, coloured as well."""
    from rich.text import Text

    from domain.texts.redline import redline

    text = Text("    ")
    for segment in redline(finding.before or "", finding.after or ""):
        match segment.kind:
            case "same":
                text.append(segment.text)
            case "deleted":
                text.append(f"[-{segment.text}-]", style="red")
            case "inserted":
                text.append(f"{{+{segment.text}+}}", style="green")
    return text


def _colour(verdict: str) -> str:
    return {"material_adverse": "red", "adverse_minor": "yellow", "needs_review": "yellow"}.get(
        verdict, "green"
    )


def _colour_of(finding: "Finding") -> str:
    return {"adverse": "red", "unclear": "yellow", "favourable": "green"}.get(finding.direction, "")
