"""HTML read into a small tree of our own, however it was meant to hurt."""

import re
from dataclasses import dataclass, field

from domain.texts.policy_text import PolicyRefused

DEEPEST = 100
MOST_ELEMENTS = 50_000
BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote body caption center dd details div dl dt fieldset figure "
        "figcaption footer form h1 h2 h3 h4 h5 h6 header hr html li main ol p pre section summary "
        "table tbody td tfoot th thead tr ul",
    )
)


@dataclass(slots=True)
class Node:
    """An element; `block` when it, or something in it, stands on lines of its own."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Node | str"] = field(default_factory=list)
    block: bool = False

    def words(self) -> str:
        """Its text without any markup."""
        return "".join(c if isinstance(c, str) else c.words() for c in self.children)

    def holds(self, *tags: str) -> bool:
        """Whether an element of one of these names stands anywhere inside."""
        return any(
            child.tag in tags or child.holds(*tags)
            for child in self.children
            if isinstance(child, Node)
        )


def read_tree(html: str) -> Node:
    """Read a page; raises PolicyRefused when it is nested too deep or has too many elements."""
    from lxml import etree

    # A target rather than lxml's own tree, which takes minutes over a tag with 200,000 attributes.
    target = _Growing()
    parser = etree.HTMLParser(target=target, encoding="utf-8", remove_pis=True)
    try:
        parser.feed(html.encode())
        parser.close()
    except etree.LxmlError:
        pass  # nothing in it to read: the tree is empty, and refused as that
    return target.root


class _Growing:
    """What the parser tells its events to."""

    def __init__(self) -> None:
        self.root = Node("html")
        self._open = [self.root]
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) > DEEPEST:
            raise PolicyRefused(
                f"The file is nested more than {DEEPEST} deep. Nothing was stored. "
                "Copy its text into a new document and try again."
            )
        if self._count > MOST_ELEMENTS:
            raise PolicyRefused(
                f"The file has more than {MOST_ELEMENTS:,} elements. Nothing was stored. "
                "Keep the part that is the policy and try again."
            )
        node = Node(tag, dict(attributes))
        self._open[-1].children.append(node)
        self._open.append(node)

    def end(self, tag: str) -> None:
        if len(self._open) > 1 and self._open[-1].tag == tag:
            self._open.pop()

    def data(self, text: str) -> None:
        self._open[-1].children.append(text)

    def close(self) -> None:
        """The parser asks for it."""
