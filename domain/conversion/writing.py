"""A tree of HTML, written as the Markdown that our clauses are read from."""

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from domain.conversion.grid import Cell, copied
from domain.conversion.tally import Loss, Tally
from domain.conversion.tree import Node
from domain.texts.rendering import SAFE_LINK

INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
MARKS = re.compile(r"[\\`*_\[\]<]|&(?=#?\w{1,31};)")
LINE_START = re.compile(r"^(?:([#>+=~|-])|(\d{1,9})([.)](?=\s|$)))", re.MULTILINE)
TYPED_BULLET = re.compile(r"^[\u00b7\u2022\u25aa\u25e6\u2023\uf0b7]\s+")
EMPHASIS = {"strong": "**", "b": "**", "em": "*", "i": "*"}
# Emphasis that begins and ends with a letter or digit is read as such, whatever stands beside it.
CORE = re.compile(r"^([\W_]*+)(.*[^\W_])([\W_]*)$", re.DOTALL)
BREAK = "\x1e"
LISTS = ("ul", "ol", "menu", "dir")
Nodes = Iterable[Node | str]


def write_markdown(root: Node, tally: Tally) -> str:
    """Markdown with headings, lists, tables, quotes, links and emphasis, and no other markup."""
    return "\n\n".join(_Writer(tally).blocks(root.children)) + "\n"


class _Writer:
    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def blocks(self, nodes: Nodes) -> Iterator[str]:
        """Each block of these nodes; words between blocks are paragraphs."""
        loose: list[Node | str] = []
        items: list[Node | str] = []
        for node in nodes:
            if isinstance(node, Node) and node.tag == "li":
                items.append(node)
                continue
            if isinstance(node, str) and not node.strip() and items:
                continue
            yield from self._list(Node("ul", children=items))
            items = []
            if isinstance(node, str) or not node.block:
                loose.append(node)
                continue
            yield from self._paragraphs(loose)
            loose = []
            yield from self._block(node)
        yield from self._paragraphs(loose)
        yield from self._list(Node("ul", children=items))

    def _block(self, node: Node) -> Iterator[str]:
        match node.tag:
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                words = self._flat(node)
                if words:
                    yield f"{'#' * int(node.tag[1])} {words}"
            case tag if tag in LISTS:
                yield from self._list(node)
            case "table":
                yield from self._table(node)
            case "blockquote":
                for block in self.blocks(node.children):
                    yield _indented(block, "> ", "> ")
            case "dt":
                yield from self._paragraphs([Node("strong", children=node.children)])
            case "pre":
                for part in re.split(r"\n\s*\n", node.words()):
                    yield from self._paragraphs([part])
            case _:
                yield from self.blocks(node.children)

    def _paragraphs(self, nodes: Sequence[Node | str]) -> Iterator[str]:
        """One, or several where two line breaks follow each other."""
        for part in re.split(rf"{BREAK}\s*{BREAK}[\s{BREAK}]*", self._inline(nodes)):
            lines = [_one_line(line) for line in part.split(BREAK)]
            words = "\n".join(line for line in lines if line)
            if not words:
                continue
            if TYPED_BULLET.match(words):
                yield _indented(_guarded(TYPED_BULLET.sub("", words)), "- ", "  ")
            else:
                yield _guarded(words).replace("\n", "  \n")

    def _list(self, node: Node) -> Iterator[str]:
        items: list[list[str]] = []
        for child in node.children:
            if isinstance(child, Node) and child.tag == "li":
                items.append(list(self.blocks(child.children)))
            else:  # a list that stands between items belongs to the one before it
                items = items or [[]]
                items[-1] += self.blocks([child])
        items = [item for item in items if item]
        if not items:
            return
        number = None
        if node.tag == "ol":
            start = node.attributes.get("start") or ""
            number = int(start) if re.fullmatch(r"[0-9]{1,8}", start) else 1
            if node.attributes.get("type") not in (None, "1"):
                self._tally[Loss.NUMBERING] += 1
        written = []
        for position, item in enumerate(items):
            marker = "- " if number is None else f"{number + position}. "
            written.append(_indented(_joined(item), marker, " " * len(marker)))
        yield "\n".join(written)

    def _table(self, table: Node) -> Iterator[str]:
        for caption in _children(table, "caption"):
            yield from self.blocks(caption.children)
        rows = list(_rows(table))
        widest = max((len(row) for row in rows), default=0)
        if len(rows) < 2 or widest < 2 or table.holds("table", "h1", "h2", "h3", "h4", "h5", "h6"):
            for row in rows:  # a frame around text, or a page laid out by a table
                for cell in row:
                    yield from self.blocks(cell.children)
            return
        cells = [[self._cell(node) for node in row] for row in rows]
        self._tally[Loss.MERGED] += sum(cell.merged for row in cells for cell in row)
        grid = [row for row in copied(cells) if any(row)]
        if grid:
            columns = max(map(len, grid))
            lines = [f"| {' | '.join(row + [''] * (columns - len(row)))} |" for row in grid]
            yield "\n".join([lines[0], f"|{' --- |' * columns}", *lines[1:]])

    def _cell(self, node: Node) -> Cell:
        words = ""
        for block in self._leaves(node.children):
            words += ("" if not words else " " if words[-1] in ".:;?!," else "; ") + block
        return Cell(
            words=words.replace("|", r"\|"),
            columns=_span(node, "colspan", 50),
            rows=_span(node, "rowspan", 1_000),
        )

    def _leaves(self, nodes: Nodes) -> Iterator[str]:
        """The lines of a cell: a table cannot hold blocks."""
        loose: list[Node | str] = []
        for node in nodes:
            if isinstance(node, str) or not node.block:
                loose.append(node)
                continue
            yield from self._line(loose)
            loose = []
            yield from self._leaves(node.children)
        yield from self._line(loose)

    def _line(self, nodes: Nodes) -> Iterator[str]:
        words = _one_line(self._inline(nodes).replace(BREAK, " "))
        if words:
            yield words

    def _flat(self, node: Node) -> str:
        return _one_line(self._inline(node.children).replace(BREAK, " "))

    def _inline(self, nodes: Nodes, within: frozenset[str] = frozenset()) -> str:
        return "".join(
            _escaped(node) if isinstance(node, str) else self._inline_element(node, within)
            for node in nodes
        )

    def _inline_element(self, node: Node, within: frozenset[str]) -> str:
        if node.tag == "br":
            return BREAK
        mark = EMPHASIS.get(node.tag)
        if mark and mark not in within:
            return _emphasised(self._inline(node.children, within | {mark}), mark)
        if node.tag == "a" and "a" not in within:
            return self._link(node, within)
        if node.tag == "sup" and node.words().strip().isdigit():
            return f"\\[{node.words().strip()}\\]"  # a note, and no digit of the figure before it
        if node.tag == "q":
            return f'"{self._inline(node.children, within)}"'
        return self._inline(node.children, within)

    def _link(self, node: Node, within: frozenset[str]) -> str:
        words = self._inline(node.children, within | {"a"})
        target = "".join((node.attributes.get("href") or "").split())
        if not words.strip() or not target or target.startswith("#"):
            return words
        if not SAFE_LINK.match(target) or CONTROL.search(target):
            self._tally[Loss.LINK] += 1
            return words
        safe = quote(target, safe="%/:?#@!$&'*+,;=~-._")
        inner = words.replace(BREAK, " ")
        return inner.replace(inner.strip(), f"[{inner.strip()}]({safe})", 1)


def _children(node: Node, *tags: str) -> Iterator[Node]:
    return (c for c in node.children if isinstance(c, Node) and c.tag in tags)


def _rows(table: Node) -> Iterator[list[Node]]:
    for part in _children(table, "thead", "tbody", "tfoot", "tr"):
        if part.tag != "tr":
            yield from _rows(part)
            continue
        cells = list(_children(part, "td", "th"))
        if cells:
            yield cells


def _span(cell: Node, name: str, most: int) -> int:
    given = cell.attributes.get(name) or ""
    return max(1, min(most, int(given))) if re.fullmatch(r"[0-9]{1,8}", given) else 1


def _escaped(text: str) -> str:
    text = CONTROL.sub(" ", text.translate(INVISIBLE))
    return MARKS.sub(lambda mark: "\\" + mark[0], " ".join(re.split(r"\s+", text)))


def _guarded(words: str) -> str:
    """No line begins like a heading, a quote, a list or a rule."""
    return LINE_START.sub(
        lambda start: f"\\{start[1]}" if start[1] else f"{start[2]}\\{start[3]}", words
    )


def _emphasised(words: str, mark: str) -> str:
    core = CORE.match(words)
    if not core or "](" in words or BREAK in words:
        return words
    return f"{core[1]}{mark}{core[2]}{mark}{core[3]}"


def _one_line(words: str) -> str:
    # Two bold runs side by side are one.
    return " ".join(words.split()).replace("****", "")


def _joined(blocks: Sequence[str]) -> str:
    """The blocks of a list item; a list follows its words on the next line."""
    text = blocks[0]
    for block in blocks[1:]:
        text += ("\n" if block.startswith(("- ", "1. ")) else "\n\n") + block
    return text


def _indented(block: str, first: str, others: str) -> str:
    head, *tail = block.split("\n")
    return "\n".join([first + head, *(others + line if line else others.rstrip() for line in tail)])
