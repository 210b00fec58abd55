"""A policy's Markdown, read into clauses: the paragraphs, list items, table rows and headings."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from itertools import count

from markdown_it import MarkdownIt
from markdown_it.token import Token

from domain.texts.layout import Layout, read_layout

# Raw HTML is never let through: it is read, and shown, as the characters it consists of.
PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": 100}).enable("table")

BELOW_EVERY_HEADING = 7
LONGEST_BOLD_HEADING = 80  # letters


class ClauseKind(StrEnum):
    PARAGRAPH = "paragraph"
    ITEM = "item"
    ROW = "row"
    HEADING = "heading"


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One statement of a policy with the place where it stands.

    `id` is made of the words alone, so it stays the same wherever the clause moves to, and
    `alignment.carried` hands it on to what an amendment makes of the clause; `stem` is
    the sentence that a list item completes, with all above it of a list in a list; `lines` are
    its first and last line, from 1.
    """

    id: str
    path: tuple[str, ...]
    kind: ClauseKind
    stem: str
    text: str
    lines: tuple[int, int]
    links: tuple[tuple[str, str], ...] = ()
    follows: str = field(default="", compare=False)


def read_clauses(markdown: str) -> tuple[Clause, ...]:
    """Read every clause in the order of the document; a document without words has none."""
    layout = read_layout(markdown)
    return _with_distinct_ids(_in_turn(_Reading(layout=layout).clauses()))


def _in_turn(clauses: Iterator[Clause]) -> Iterator[Clause]:
    """Each with the words before it in its section, which "this" and "it" may speak of."""
    before = ""
    for clause in clauses:
        yield replace(clause, follows=before)
        before = "" if clause.kind is ClauseKind.HEADING else clause.text


def clause_id(text: str) -> str:
    """Twelve hexadecimal digits that depend on the words only."""
    return sha256(" ".join(text.split()).encode(errors="replace")).hexdigest()[:12]


def _with_distinct_ids(clauses: Iterator[Clause]) -> tuple[Clause, ...]:
    seen: Counter[str] = Counter()
    distinct = []
    for clause in clauses:
        seen[clause.id] += 1
        repeated = seen[clause.id]
        distinct.append(clause if repeated == 1 else replace(clause, id=f"{clause.id}-{repeated}"))
    return tuple(distinct)


@dataclass(kw_only=True)
class _Reading:
    """Where we are in the document: under which headings, in which list, after which words."""

    layout: Layout
    headings: list[tuple[int, str]] = field(default_factory=list)
    stems: list[str] = field(default_factory=list)
    last_words: str = ""
    header: list[str] = field(default_factory=list)

    def clauses(self) -> Iterator[Clause]:
        tokens = PARSER.parse(self.layout.markdown)
        for position, token in enumerate(tokens):
            match token.type:
                case "bullet_list_open" | "ordered_list_open":
                    self.stems.append(self.last_words)
                case "bullet_list_close" | "ordered_list_close":
                    self.last_words = self.stems.pop()
                case "tr_open":
                    yield from self._row(tokens, position)
                case "fence" | "code_block":
                    yield from self._words(token, token.content)
                case "inline" if tokens[position - 1].type == "heading_open":
                    yield from self._heading(token, level=int(tokens[position - 1].tag[1]))
                case "inline" if tokens[position - 1].type == "paragraph_open":
                    yield from self._paragraph(token)

    def _heading(self, token: Token, level: int) -> Iterator[Clause]:
        self.headings = [(above, words) for above, words in self.headings if above < level]
        words = _plain(token)
        yield from self._clause(ClauseKind.HEADING, words, [token])
        self.headings.append((level, words))
        self.last_words = ""

    def _paragraph(self, token: Token) -> Iterator[Clause]:
        if not self.stems and _is_all_bold(token):
            yield from self._heading(token, level=BELOW_EVERY_HEADING)
            return
        for clause in self._words(token, _plain(token)):
            lead = _bold_lead(token) if clause.kind is ClauseKind.PARAGRAPH else ""
            yield replace(clause, path=(*clause.path, lead)) if lead else clause

    def _words(self, token: Token, words: str) -> Iterator[Clause]:
        in_list = bool(self.stems)
        kind = ClauseKind.ITEM if in_list else ClauseKind.PARAGRAPH
        yield from self._clause(kind, words, [token])
        self.last_words = " ".join(words.split())

    def _row(self, tokens: Sequence[Token], start: int) -> Iterator[Clause]:
        """A body row says `Header: cell; Header: cell`; a header says something if alone."""
        end = next(place for place in count(start) if tokens[place].type == "tr_close")
        inlines = [token for token in tokens[start:end] if token.type == "inline"]
        cells = [_plain(token) for token in inlines]
        if tokens[start + 1].type == "th_open":
            self.header = cells
            if tokens[end + 2].type == "table_close":
                yield from self._clause(ClauseKind.ROW, "; ".join(cells), inlines)
            return
        named = zip(self.header, cells, strict=False)
        words = "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)
        yield from self._clause(ClauseKind.ROW, words, inlines)

    def _clause(self, kind: ClauseKind, words: str, inlines: Sequence[Token]) -> Iterator[Clause]:
        text = " ".join(words.split())
        if not any(character.isalnum() for character in text):
            return
        yield Clause(
            id=clause_id(text),
            path=tuple(words for _, words in self.headings),
            kind=kind,
            stem=" ".join(stem for stem in self.stems if stem),
            text=text,
            lines=self.layout.lines(_span(inlines)),
            links=tuple(link for inline in inlines for link in _links(inline)),
        )


def _is_all_bold(inline: Token) -> bool:
    """Whether somebody made a heading by hand: a short line in bold that is no sentence."""
    words = _plain(inline).strip()
    if not words or len(words) > LONGEST_BOLD_HEADING or words.endswith((".", ";", ",", ":")):
        return False
    bold = 0
    for token in inline.children or []:
        bold += {"strong_open": 1, "strong_close": -1}.get(token.type, 0)
        if token.content.strip() and not bold:
            return False
    return True


def _bold_lead(inline: Token) -> str:
    """What a paragraph is about if it begins like a definition: `**Cookies.** We use two.`"""
    children = inline.children or []
    bold = [place for place, token in enumerate(children) if token.type.startswith("strong_")]
    if len(bold) < 2 or any(token.content.strip() for token in children[: bold[0]]):
        return ""
    lead = "".join(token.content for token in children[bold[0] : bold[1]]).strip()
    rest = "".join(token.content for token in children[bold[1] :])
    broken = any(token.type.endswith("break") for token in children[bold[1] + 1 : bold[1] + 3])
    ends = (
        broken or lead.endswith((".", ":")) or rest.lstrip().startswith((":", ".", "-", "\u2013"))
    )
    fits = rest.strip(" :.") and len(lead) <= LONGEST_BOLD_HEADING
    return lead.rstrip(".: ") if ends and fits else ""


def _span(inlines: Sequence[Token]) -> tuple[int, int]:
    """The lines of the parser that they stand on: the cells of a row all on the same."""
    start, end = inlines[0].map or (0, 1)
    return start, end


def _links(inline: Token) -> Iterator[tuple[str, str]]:
    """The words of each link and its target."""
    children = inline.children or []
    for place, token in enumerate(children):
        if token.type == "link_open":
            end = next(n for n in count(place) if children[n].type == "link_close")
            words = "".join(child.content or " " for child in children[place + 1 : end])
            yield " ".join(words.split()), str(token.attrs["href"])


def _plain(inline: Token) -> str:
    """The words a reader sees: no markup, the text of links, the description of pictures."""
    words = []
    for token in inline.children or []:
        if token.type in ("softbreak", "hardbreak"):
            words.append(" ")
        elif token.type == "image":
            words.append(_plain(token))
        else:
            words.append(token.content)
    return "".join(words)
