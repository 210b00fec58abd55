"""Where the links of a clause lead: what its words do not tell."""

from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import urlsplit

from domain.clauses import Clause
from domain.materiality.assessment import Direction, Practice
from domain.materiality.context import charges
from domain.materiality.lexicon import LEXICON
from domain.materiality.rules import Found
from domain.materiality.words import LINK, words

LINK_RULE = "link.elsewhere"
IDLE = frozenset(
    f"words.{mark}"
    for mark in (
        "grammar",
        "english",
        "personal",
        "contact",
        "pointer",
        "policy",
        "change",
        "document_date",
        "definition",
        "corporate",
    )
)


def links_differ(old: tuple[Clause, ...], new: tuple[Clause, ...]) -> bool:
    """Whether a link that both have leads somewhere else now, or the words lost their link."""
    return any(before != after for _, before, after in _compared(old, new))


def led_elsewhere(
    old: tuple[Clause, ...], new: tuple[Clause, ...], *, english: bool
) -> Found | None:
    """A link to another site, or none any more; and to another page, where data or what people can
    do is spoken of (P10, P15). In a language that is not read, that may be everywhere."""
    matters = not english or any(says_by_link(clause) for clause in (*old, *new))
    told = [
        f'"{text}" leads to {_listed(after)} instead of {_listed(before)}'
        if after
        else f'"{text}" leads nowhere any more; it led to {_listed(before)}'
        for text, before, after in _compared(old, new)
        if not after or sites(before) != sites(after) or (matters and pages(before) != pages(after))
    ]
    if not told:
        return None
    return Found(
        aspect="",
        direction=Direction.UNCLEAR,
        practice=Practice.OTHER,
        explanation=f"{'; '.join(told)}. A person has to look at what is there now.",
    )


def says_by_link(clause: Clause) -> bool:
    """Whether it speaks of data or of what people can do, so that a link may be part of it."""
    text = f"{clause.stem} {clause.text}"
    labels = {mention.label for mention in LEXICON.mentions(words(text))}
    return bool(charges(text)) or not labels <= IDLE


def pages(targets: Iterable[str]) -> frozenset[str]:
    """The pages and mail domains that links lead to, however they are written.

    `""` is a place on the page that the policy itself is on.
    """
    return frozenset(_page(target) for target in targets)


def sites(targets: Iterable[str]) -> frozenset[str]:
    """Whose pages or mailboxes they are."""
    return frozenset(page.partition("/")[0] for page in pages(targets))


def _compared(
    old: tuple[Clause, ...], new: tuple[Clause, ...]
) -> list[tuple[str, frozenset[str], frozenset[str]]]:
    """The words of each old link that still stand, where they led, and where they lead now."""
    before, after = _targets(old), _targets(new)
    still_said = " ".join(clause.text for clause in new)
    return [
        (text, led, after.get(text, frozenset()))
        for text, led in before.items()
        if text in still_said
    ]


def _targets(clauses: Iterable[Clause]) -> dict[str, frozenset[str]]:
    """By their words; what is itself an address tells where it leads, and is compared as words."""
    found: dict[str, set[str]] = defaultdict(set)
    for clause in clauses:
        for text, target in clause.links:
            if text and not LINK.search(text):
                found[text].add(target)
    return {text: frozenset(led) for text, led in found.items()}


def _page(target: str) -> str:
    try:
        address = urlsplit(target.lower())
    except ValueError:
        return target
    if address.scheme == "mailto" or (not address.scheme and "@" in address.path):
        return address.path.rpartition("@")[2].strip()
    return (address.hostname or "").removeprefix("www.") + address.path.rstrip("/.,;)")


def _listed(targets: frozenset[str]) -> str:
    return ", ".join(sorted(targets))
