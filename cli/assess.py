"""`promisekeeper assess`: what a change of the policy means, offline and in well under a second."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.text import Text

    from domain.materiality import Assessment, Finding
    from domain.policy_text import PolicyText

PAGE = "assess.html"


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    HTML = "html"


def assess_command(
    old: Annotated[Path, typer.Argument(help="The text in force, Markdown", show_default=False)],
    new: Annotated[Path, typer.Argument(help="The text to come, Markdown", show_default=False)],
    output_format: Annotated[
        Format, typer.Option("--format", help="text in colour, json, or html to print")
    ] = Format.TEXT,
) -> None:
    """Compare two versions of a policy: the changes, what they mean for people, and the verdict."""
    from domain.materiality import assess

    before, after = _read(old), _read(new)
    assessment = assess(before.text, after.text)
    match output_format:
        case Format.JSON:
            written = json.dumps(assessment.to_json_dict(), indent=2, ensure_ascii=False)
            sys.stdout.write(f"{written}\n")
        case Format.HTML:
            sys.stdout.write(_page(after, assessment, names=(old.name, new.name)))
        case Format.TEXT:
            _print_text(assessment, before, after)


def _read(path: Path) -> "PolicyText":
    """Read a policy or stop with exit code 2 and words that say what to do."""
    from domain.policy_text import PolicyRefused, read_policy_text

    try:
        return read_policy_text(path.read_bytes())
    except PolicyRefused as refusal:
        raise _stop(f"{path}: {refusal}") from refusal
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _stop(f"{path}: {reason}. Give the path of a policy you can read.") from error


def _stop(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)


def _print_text(assessment: "Assessment", before: "PolicyText", after: "PolicyText") -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(_headline(assessment), style="bold " + _colour(assessment.verdict)))
    for finding in assessment.findings:
        place = " > ".join(finding.section)
        console.print()
        console.print(
            Text.assemble((finding.id, "bold"), "  ", (finding.explanation, _colour_of(finding)))
        )
        console.print(Text(f"    {_nature(finding)}; {finding.practice}; rule {finding.rule}"))
        console.print(Text(f"    {place}{_file_lines(finding, before, after)}", style="dim"))
        console.print(_quoted(finding))
        if finding.counter_evidence:
            console.print(Text(f"    may still be covered by: {finding.counter_evidence}"))
    cleared = [change for change in assessment.changes if change.cleared_as]
    if cleared:
        console.print(Text("\nShown to be harmless", style="bold"))
    for change in cleared:
        words = change.after or change.before or ""
        shown = words if len(words) <= 90 else words[:89] + "\u2026"
        console.print(Text(f"    {change.kind}, {change.cleared_as}: {shown}", style="dim"))


def _quoted(finding: "Finding") -> "Text":
    """The redline of the quotes: deletions in [-...-], insertions in {+...+}, coloured as well."""
    from rich.text import Text

    from domain.redline import redline

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


def _page(after: "PolicyText", assessment: "Assessment", *, names: tuple[str, str]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from domain.redline import redline

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    findings = {finding.id: finding for finding in assessment.findings}
    return environment.get_template(PAGE).render(
        title=after.title or names[1],
        names=names,
        headline=_headline(assessment),
        assessment=assessment,
        nature=_nature,
        changes=[
            {
                "change": change,
                "segments": redline(change.before or "", change.after or ""),
                "findings": [findings[key] for key in change.findings],
            }
            for change in assessment.changes
        ],
    )


def _headline(assessment: "Assessment") -> str:
    from domain.materiality import Verdict

    return {
        Verdict.IDENTICAL: "Identical: the two texts are the same.",
        Verdict.EDITORIAL: "Editorial: nothing changes for people.",
        Verdict.NEUTRAL: "Neutral: there are changes, and none is to people's disadvantage.",
        Verdict.FAVOURABLE: "Favourable: what changes is to people's advantage.",
        Verdict.ADVERSE_MINOR: "Adverse in small things: legal decides.",
        Verdict.NEEDS_REVIEW: "Needs review: a person has to read what no rule could settle.",
        Verdict.MATERIAL_ADVERSE: "Material adverse change: it needs people's approval.",
    }[assessment.verdict]


def _nature(finding: "Finding") -> str:
    if finding.direction == "unclear":
        return "unclear, to be judged"
    return f"{finding.direction}, {finding.severity}"


def _colour(verdict: str) -> str:
    return {"material_adverse": "red", "adverse_minor": "yellow", "needs_review": "yellow"}.get(
        verdict, "green"
    )


def _colour_of(finding: "Finding") -> str:
    return {"adverse": "red", "unclear": "yellow", "favourable": "green"}.get(finding.direction, "")


def _file_lines(finding: "Finding", before: "PolicyText", after: "PolicyText") -> str:
    """Where the quotes stand in the two files, front matter counted."""
    places = [
        f"{name} line {span[0] + text.first_line - 1}"
        for name, span, text in (
            ("old", finding.lines.before, before),
            ("new", finding.lines.after, after),
        )
        if span
    ]
    return f" ({', '.join(places)})"
