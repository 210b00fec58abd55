"""What of a web page is policy: everything but furniture, machinery and what nobody sees."""

import re
from collections.abc import Iterator
from itertools import groupby

from domain.conversion.tally import Loss, Tally
from domain.conversion.tree import BLOCKS, Node

SILENT = frozenset(("title", "meta", "link", "base", "source", "track", "param", "wbr", "rp"))
LOSSES = {
    tag: loss
    for loss, tags in {
        Loss.SCRIPT: "script noscript template",
        Loss.STYLE: "style",
        Loss.NAVIGATION: "nav menu",
        Loss.PICTURE: "img image picture svg canvas map",
        Loss.RECORDING: "video audio bgsound",
        Loss.EMBEDDED: "iframe frame frameset object embed applet xml",
        Loss.FORMULA: "math",
        Loss.FIELD: "input button select textarea label legend datalist output meter progress",
        Loss.HIDDEN: "dialog",
        Loss.STRUCK: "del s strike",
    }.items()
    for tag in tags.split()
}
MACHINERY = SILENT | {"head", "script", "style", "noscript", "template"}
WORDLESS = (Loss.SCRIPT, Loss.STYLE, Loss.PICTURE, Loss.RECORDING, Loss.EMBEDDED, Loss.FORMULA)
ROLES = {
    "navigation": Loss.NAVIGATION,
    "search": Loss.FORM,
    "banner": Loss.PAGE_FRAME,
    "contentinfo": Loss.PAGE_FRAME,
}
WAY_BACK = re.compile(r"#(?:footnote|endnote)-ref-")
UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def prune(root: Node, tally: Tally) -> Node:
    """The part of a page that is its text; the rest is counted in `tally`."""
    mains = list(_mains(root))
    for around in _around(root) if mains else ():
        tally.leave_out(Loss.AROUND, around)
    title = [] if any(main.holds("h1") for main in mains) else _titles(root)[:1]
    parts: list[Node | str] = [*title, *mains] if mains else root.children
    return _kept(Node("html", children=parts), tally, inside=bool(mains))


def _titles(node: Node) -> list[Node]:
    """The main headings of a page: its title may stand before its main part."""
    found = []
    for child in node.children:
        if isinstance(child, Node):
            found += [child] if child.tag == "h1" else _titles(child)
    return found


def _mains(node: Node) -> list[Node]:
    found = []
    for child in node.children:
        if isinstance(child, Node):
            found += [child] if _is_main(child) else _mains(child)
    return found


def _is_main(node: Node) -> bool:
    return node.tag == "main" or node.attributes.get("role") == "main"


def _around(node: Node) -> Iterator[str]:
    """The passages of words that stand outside the main parts."""
    if not any(_mains(node)):
        words = _seen(node)
        if words.strip():
            yield words
        return
    for child in node.children:
        if isinstance(child, str):
            yield from [child] if child.strip() else []
        elif not _is_main(child):
            yield from _around(child)


def _seen(node: Node) -> str:
    """The words of a passage without what only machines read."""
    return "".join(
        child if isinstance(child, str) else f" {_seen(child)}"
        for child in (() if node.tag in MACHINERY else node.children)
    )


def _kept(node: Node, tally: Tally, *, inside: bool) -> Node:
    """A copy without what is left out; `inside` an article a header belongs to the text."""
    kept = Node(node.tag, node.attributes)
    inside = inside or node.tag in ("main", "article", "section")
    for child in _joined(node.children):
        if isinstance(child, str):
            kept.children.append(child)
            continue
        if child.tag in SILENT or _is_way_back(child):
            continue
        loss = _loss(child, inside=inside)
        if loss:
            tally.leave_out(loss, "" if loss in WORDLESS else _seen(child))
        else:
            kept.children.append(_kept(child, tally, inside=inside))
    kept.block = node.tag in BLOCKS or any(
        child.block for child in kept.children if isinstance(child, Node)
    )
    return kept


def _joined(children: list[Node | str]) -> Iterator[Node | str]:
    """The parser hands words over in pieces; marks are told from words in the whole."""
    for are_words, group in groupby(children, key=lambda child: isinstance(child, str)):
        if are_words:
            yield "".join(map(str, group))
        else:
            yield from group


def _is_way_back(node: Node) -> bool:
    """The arrow that mammoth puts after a footnote."""
    return node.tag == "a" and bool(WAY_BACK.match(node.attributes.get("href") or ""))


def _loss(node: Node, *, inside: bool) -> Loss | None:
    attributes = node.attributes
    if node.tag in LOSSES:
        return LOSSES[node.tag]
    if "hidden" in attributes or UNSEEN.search(attributes.get("style") or ""):
        return Loss.HIDDEN
    if (attributes.get("role") or "") in ROLES:
        return ROLES[attributes["role"]]
    if node.tag in ("header", "footer") and not inside and not node.holds("h1"):
        return Loss.PAGE_FRAME
    # Some servers wrap the whole page in a form: that one only loses its fields.
    if node.tag == "form" and not node.holds("main", "article", *HEADINGS):
        return Loss.FORM
    if attributes.get("class") == "table-of-contents" and node.tag == "p":
        return Loss.CONTENTS
    return None
