"""The page of `promisekeeper assess --format html`: one file, to read, to file and to print.

It loads nothing and runs nothing: its policy allows its own style and no more.
"""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from domain.conversion import PolicyFile
from domain.materiality import Assessment, in_words
from domain.policies.side_by_side import Row, side_by_side
from translations.catalogues import SOURCE, speak

HERE = Path(__file__).parent
SHARED = HERE.parent / "web" / "pages"  # the redline of the website


def page(
    before: PolicyFile, after: PolicyFile, assessment: Assessment, *, names: tuple[str, str]
) -> str:
    """The same texts and names make the same page, byte for byte."""
    style = (HERE / "assess.css").read_text(encoding="utf-8")
    rows = side_by_side(before.text.text, after.text.text, assessment)
    return (
        _environment()
        .get_template("assess.html")
        .render(
            title=after.text.title or names[1],
            names=names,
            left_out=[(names[0], before.left_out), (names[1], after.left_out)],
            first_lines=(before.first_line, after.first_line),
            assessment=assessment,
            rows=rows,
            counts=_counts(rows),
            place_of={finding.id: row.number for row in reversed(rows) for finding in row.findings},
            to_decide=[one for one in assessment.findings if in_words.is_to_decide(one)],
            favourable=[one for one in assessment.findings if not in_words.is_to_decide(one)],
            stands_as=_stands_as,
            words=in_words,
            style=Markup(style),  # noqa: S704 - ours
            style_hash=b64encode(sha256(style.encode()).digest()).decode(),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader([HERE, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["happened"] = in_words.happened
    speak(SOURCE).teach(environment)
    return environment


def _stands_as(row: Row) -> str:
    """Under which choice of the filter a change is shown, `all` apart."""
    if row.change.cleared_as:
        return "harmless"
    return "decide" if any(map(in_words.is_to_decide, row.findings)) else "favourable"


def _counts(rows: tuple[Row, ...]) -> dict[str, int]:
    stand = [_stands_as(row) for row in rows if not row.departed]
    return {name: stand.count(name) for name in ("decide", "favourable", "harmless")}
