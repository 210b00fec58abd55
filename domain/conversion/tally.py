"""What a conversion left out or changed, counted, and told in sentences."""

from collections import Counter
from enum import StrEnum


class Loss(StrEnum):
    """A kind of thing that Markdown does not carry, as one of it is called."""

    PICTURE = "picture"
    RECORDING = "recording"
    DRAWING = "drawing or chart"
    FORMULA = "formula"
    EMBEDDED = "embedded object"
    COMMENT = "comment"
    DELETION = "tracked deletion"
    STRUCK = "struck-out passage"
    HIDDEN = "hidden passage"
    PAGE_FRAME = "page header or footer"
    CONTENTS = "line of the table of contents"
    MACRO = "macro project"
    SCRIPT = "script"
    STYLE = "style sheet"
    NAVIGATION = "navigation menu"
    AROUND = "passage outside the main part of the page"
    FORM = "form"
    FIELD = "form field"
    LINK = "link that leads neither to the web, nor to an address, nor to our site"
    FOOTNOTE = "footnote"
    INSERTION = "tracked insertion"
    MERGED = "merged table cell"
    NUMBERING = "list"
    HEADING_NUMBERS = "heading style"
    UNKNOWN = "part of an unknown kind"


Tally = Counter[Loss]

PLURALS = {
    Loss.DRAWING: "drawings or charts",
    Loss.PAGE_FRAME: "page headers or footers",
    Loss.CONTENTS: "lines of the table of contents",
    Loss.AROUND: "passages outside the main part of the page",
    Loss.LINK: "links that lead neither to the web, nor to an address, nor to our site",
    Loss.UNKNOWN: "parts of an unknown kind",
}
FATES = {
    Loss.LINK: ("became plain text", "became plain text"),
    Loss.FOOTNOTE: ("became text at the end", "became text at the end"),
    Loss.INSERTION: ("was taken as accepted", "were taken as accepted"),
    Loss.MERGED: ("is repeated in each place it covers", "are repeated in each place they cover"),
    Loss.NUMBERING: (
        "is counted 1, 2, 3 now: check references such as 3 (b)",
        "are counted 1, 2, 3 now: check references such as 3 (b)",
    ),
    Loss.HEADING_NUMBERS: (
        "lost the numbers that Word gave it: check references to sections",
        "lost the numbers that Word gave them: check references to sections",
    ),
}
LEFT_OUT = ("was left out", "were left out")


def sentences(tally: Tally) -> tuple[str, ...]:
    """A sentence for each kind, in the order of `Loss`."""
    return tuple(_sentence(loss, tally[loss]) for loss in Loss if tally[loss])


def _sentence(loss: Loss, count: int) -> str:
    one, several = FATES.get(loss, LEFT_OUT)
    if count == 1:
        return f"1 {loss} {one}."
    return f"{count:,} {PLURALS.get(loss, loss + 's')} {several}."
