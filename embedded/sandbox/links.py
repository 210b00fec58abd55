"""The links in a mail, as its reader could follow them."""

import re
from html.parser import HTMLParser

_ADDRESS_IN_TEXT = re.compile(r"https?://[^\s<>\"']+")


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href")
        if tag == "a" and address:
            self.addresses.append(address)


def links_of(text: str, html: str) -> list[str]:
    """Return every address in the HTML and the text once, in the order of reading."""
    anchors = _Anchors()
    anchors.feed(html)
    in_text = [address.rstrip(".,;:!?)") for address in _ADDRESS_IN_TEXT.findall(text)]
    return list(dict.fromkeys([*anchors.addresses, *in_text]))
