"""A Word file (.docx), turned into HTML by mammoth after everything hostile is out of it."""

from collections.abc import Iterator
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser, tostring
from zipfile import ZipFile

from domain.conversion.tally import Loss, Tally
from domain.texts.policy_text import PolicyRefused

LARGEST_UNPACKED = 12_000_000
DEEPEST = 100
MOST_ELEMENTS = 150_000
STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Heading 7'] => h6:fresh
p[style-name='Heading 8'] => h6:fresh
p[style-name='Heading 9'] => h6:fresh
p[style-name^='toc '] => p.table-of-contents:fresh
p[style-name^='TOC '] => p.table-of-contents:fresh
strike => s
"""
BROKEN = (
    "The Word file is broken and cannot be read. Nothing was stored. "
    "Open it in Word, save it again as .docx and try again."
)
LEFT_BEHIND = ("word/comments", "word/header", "word/footer", "word/settings", "word/people")
TEXTS = ("document", "footnotes", "endnotes")
COUNTED = {
    "commentReference": Loss.COMMENT,
    "footnoteReference": Loss.FOOTNOTE,
    "endnoteReference": Loss.FOOTNOTE,
    "object": Loss.EMBEDDED,
    "oMath": Loss.FORMULA,
}
TRACKED = {
    "del": Loss.DELETION,
    "moveFrom": Loss.DELETION,
    "ins": Loss.INSERTION,
    "moveTo": Loss.INSERTION,
}


def is_word(names: list[str]) -> bool:
    """Whether a zip file with these entries is a Word document."""
    return any(name.startswith("word/document") and name.endswith(".xml") for name in names)


def word_html(package: ZipFile, tally: Tally) -> str:
    """The text as HTML. Raises PolicyRefused when it is broken, too deep or too large unpacked."""
    import mammoth

    clean = _cleaned(package, tally)
    try:
        converted = mammoth.convert_to_html(
            clean,
            style_map=STYLES,
            include_embedded_style_map=False,
            convert_image=mammoth.images.img_element(lambda _: {"src": ""}),
        )
    except Exception as error:  # whatever a broken file makes the reader stumble over
        raise PolicyRefused(BROKEN) from error
    tally[Loss.UNKNOWN] += sum("unrecognised element" in m.message for m in converted.messages)
    html: str = converted.value
    return html


def _cleaned(package: ZipFile, tally: Tally) -> BytesIO:
    """A package with the text, its styles and its links alone: no pictures, macros or settings."""
    names = [name for name in package.namelist() if name.endswith((".xml", ".rels"))]
    for name in package.namelist():
        tally[Loss.MACRO] += name.endswith("vbaProject.bin")
    left, room = LARGEST_UNPACKED, MOST_ELEMENTS
    parts = {}
    for name in dict.fromkeys(names):
        if name.startswith("word/") and name.count("/") > 1 and not name.endswith(".rels"):
            continue
        raw = _unpacked(package, name, left)
        left -= len(raw)
        parts[name], room = _parsed(raw, room)
    hidden = _hidden_styles([*parts.values()], tally)
    clean = BytesIO()
    with ZipFile(clean, "w") as copy:
        for name, root in parts.items():
            if name.startswith(LEFT_BEHIND):
                if name.startswith(("word/header", "word/footer")) and any(_texts(root)):
                    tally.leave_out(Loss.PAGE_FRAME, " ".join(_texts(root)))
                continue
            if _kind(root) in TEXTS:
                _count(root, tally)
                _without_hidden(root, hidden, tally)
            copy.writestr(name, tostring(root, encoding="utf-8"))
    clean.seek(0)
    return clean


def _unpacked(package: ZipFile, name: str, most: int) -> bytes:
    try:
        with package.open(name) as part:
            raw = part.read(most + 1)
    except Exception as error:  # zipfile raises a dozen kinds for broken or encrypted entries
        raise PolicyRefused(BROKEN) from error
    if len(raw) > most:
        raise PolicyRefused(
            f"The Word file unpacks to more than {LARGEST_UNPACKED // 1_000_000} MB of text. "
            "Nothing was stored. Copy the policy into a new document and try again."
        )
    return raw


class _Guarded(TreeBuilder):
    """Refuses what Word never writes: document types, and with them entities, and deep nesting.

    `room` is how many elements are still allowed.
    """

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        self.room -= 1
        if self.room < 0:
            raise PolicyRefused(
                f"The Word file has more than {MOST_ELEMENTS:,} elements. Nothing was stored. "
                "Copy the policy into a new document and try again."
            )
        if self._depth > DEEPEST:
            raise PolicyRefused(
                f"The Word file is nested more than {DEEPEST} deep. Nothing was stored. "
                "Copy the policy into a new document and try again."
            )
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002
        raise PolicyRefused(BROKEN)


def _parsed(raw: bytes, room: int) -> tuple[Element, int]:
    """The root of a part, and how many elements are allowed after it."""
    target = _Guarded(room)
    parser = XMLParser(target=target)  # noqa: S314 - _Guarded refuses entities
    try:
        parser.feed(raw)
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as error:
        if isinstance(error, PolicyRefused):
            raise
        raise PolicyRefused(BROKEN) from error
    return root, target.room


def _kind(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _named(element: Element, *kinds: str) -> Iterator[Element]:
    return (child for child in element if _kind(child) in kinds)


def _texts(root: Element) -> Iterator[str]:
    return (t.text for t in root.iter() if _kind(t) == "t" and t.text and t.text.strip())


def _value(element: Element, name: str) -> str:
    return next((v for key, v in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _vanishes(properties: Element) -> bool:
    return any(
        _value(mark, "val") not in ("0", "false", "off") for mark in _named(properties, "vanish")
    )


def _hidden_styles(roots: list[Element], tally: Tally) -> frozenset[str]:
    """The ids of styles that hide text; headings that Word numbers are counted on the way."""
    hidden = set()
    for root in roots:
        if _kind(root) != "styles":
            continue
        for style in _named(root, "style"):
            if any(_vanishes(properties) for properties in _named(style, "rPr")):
                hidden.add(_value(style, "styleId"))
            named = next((_value(name, "val") for name in _named(style, "name")), "")
            numbered = any(any(_named(p, "numPr")) for p in _named(style, "pPr"))
            tally[Loss.HEADING_NUMBERS] += named.lower().startswith("heading ") and numbered
    return frozenset(hidden)


def _count(root: Element, tally: Tally) -> None:
    for element in root.iter():
        kind = _kind(element)
        if kind in COUNTED:
            tally[COUNTED[kind]] += 1
        elif kind in TRACKED:
            tally[TRACKED[kind]] += any(True for _ in _named(element, "r", "p", "hyperlink"))
        elif kind == "drawing":
            inside = {_kind(part) for part in element.iter()}
            tally[Loss.DRAWING] += not inside & {"blip", "txbxContent"}


def _without_hidden(root: Element, hidden: frozenset[str], tally: Tally) -> None:
    for parent in root.iter():
        styled = any(
            _value(style, "val") in hidden
            for properties in _named(parent, "pPr")
            for style in _named(properties, "pStyle")
        )
        gone = [child for child in parent if _is_hidden(child, hidden, paragraph=styled)]
        if gone:
            tally.leave_out(Loss.HIDDEN, " ".join(text for run in gone for text in _texts(run)))
            parent[:] = [child for child in parent if child not in gone]


def _is_hidden(run: Element, hidden: frozenset[str], *, paragraph: bool) -> bool:
    if _kind(run) != "r":
        return False
    return paragraph or any(
        _vanishes(properties)
        or any(_value(style, "val") in hidden for style in _named(properties, "rStyle"))
        for properties in _named(run, "rPr")
    )
