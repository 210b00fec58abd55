"""Plain text as a person lays it out, rewritten as the Markdown that person meant.

Some policies are kept with one line to a paragraph, "1)" items without blank lines and headings
that are short bare lines. Markdown would glue such lines together, so they are spaced out first.
"""

import re
from dataclasses import dataclass

ITEM = re.compile(r"\s{0,3}(?:[-*+•]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
MARKDOWN_BLOCK = re.compile(r"\s{0,3}(?:#{1,6}\s|>|```|~~~|\||\S.*\|\s*$)")
SENTENCE_END = re.compile(r"[.:;?!\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)\]]*\s*$")
# The parser drops what is nested deeper than it follows; such a line is read as plain words.
TOO_DEEP = re.compile(
    r"^[ \t]*+(?:(?:[>*+-]|\d{1,9}[.)](?=[ \t]))[ \t]*+){20,}+(?=.*\w)|^[ \t]{60,}+", re.MULTILINE
)
LONGEST_HEADING = 80


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Markdown, and for each of its lines the 1-based line of the source it came from."""

    markdown: str
    source_lines: tuple[int, ...]

    def lines(self, span: tuple[int, int]) -> tuple[int, int]:
        """The first and last source line of a parser's half-open, 0-based span."""
        first, end = span
        return self.source_lines[first], self.source_lines[max(first, end - 1)]


def read_layout(text: str) -> Layout:
    """Leave Markdown alone; space out text that has one line to a paragraph."""
    text = TOO_DEEP.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = text.split("\n")
    if not _one_line_a_paragraph(lines):
        return Layout(markdown=text, source_lines=tuple(range(1, len(lines) + 2)))
    return _spaced_out(lines)


def _one_line_a_paragraph(lines: list[str]) -> bool:
    written = [line for line in lines if line.strip()]
    if len(written) < 2 or any(MARKDOWN_BLOCK.match(line) for line in written):
        return False
    blank = "\n".join(lines).strip().count("\n") + 1 - len(written)
    prose = [line for line in written if not ITEM.match(line) and not _is_heading(line)]
    finished = sum(bool(SENTENCE_END.search(line)) for line in prose)
    return blank <= 0.1 * len(written) and bool(prose) and finished >= 0.6 * len(prose)


def _is_heading(line: str) -> bool:
    words = line.strip()
    return (
        len(words) <= LONGEST_HEADING
        and words[:1].isupper()
        and not ITEM.match(line)
        and not re.search(r"[.:;?!,]$", words)
    )


def _spaced_out(lines: list[str]) -> Layout:
    spaced: list[str] = []
    source_lines: list[int] = []
    was_item = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        is_item = bool(ITEM.match(line))
        if spaced and not (is_item and was_item):
            spaced.append("")
            source_lines.append(number)
        if _is_heading(line):
            line = ("## " if spaced else "# ") + line.strip()  # noqa: PLW2901 # the line, as meant
        spaced.append(line)
        source_lines.append(number)
        was_item = is_item
    last = source_lines[-1] if source_lines else 1
    return Layout(markdown="\n".join(spaced) + "\n", source_lines=(*source_lines, last))
