"""What a conversion left out or changed, counted, quoted, and told in sentences."""

from collections import Counter, defaultdict
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


MOST_QUOTED = 3
LONGEST_QUOTE = 80  # letters


class Tally(Counter[Loss]):
    """How many there are of each, and the words that went with those that had any."""

    def __init__(self) -> None:
        super().__init__()
        self.quotes: defaultdict[Loss, list[str]] = defaultdict(list)

    def leave_out(self, loss: Loss, words: str = "") -> None:
        """Count one more; what legal wrote in it can be recognised by its first words."""
        self[loss] += 1
        said = " ".join("".join(c if c.isprintable() else " " for c in words).split())
        if said:
            short = said if len(said) <= LONGEST_QUOTE else said[: LONGEST_QUOTE - 1] + "\u2026"
            self.quotes[loss].append(short)


PLURALS = {
    Loss.DRAWING: "drawings or charts",
    Loss.PAGE_FRAME: "page headers or footers",
    Loss.CONTENTS: "lines of the table of contents",
    Loss.AROUND: "passages outside the main part of the page",
    Loss.LINK: "links that lead neither to the web, nor to an address, nor to our site",
    Loss.UNKNOWN: "parts of an unknown kind",
}
FATES = {
    Loss.STYLE: (
        "was left out: text that it hides on the screen is read",
        "were left out: text that they hide on the screen is read",
    ),
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
    return tuple(_sentence(loss, tally[loss], tally.quotes[loss]) for loss in Loss if tally[loss])


def _sentence(loss: Loss, count: int, quotes: list[str]) -> str:
    one, several = FATES.get(loss, LEFT_OUT)
    told = f"1 {loss} {one}" if count == 1 else f"{count:,} {_plural(loss)} {several}"
    if not quotes:
        return f"{told}."
    shown = ", ".join(f'"{words}"' for words in quotes[:MOST_QUOTED])
    more = ", and more" if len(quotes) > MOST_QUOTED else ""
    return f"{told}: {shown}{more}."


def _plural(loss: Loss) -> str:
    return PLURALS.get(loss, loss + "s")
