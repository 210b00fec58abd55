"""Where the links of a clause lead: what its words do not tell."""

import re
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from domain.materiality.assessment import Direction, Practice
from domain.materiality.context import charges
from domain.materiality.lexicon import LEXICON
from domain.materiality.rules import Found
from domain.materiality.words import LINK, words
from domain.texts.clauses import Clause

UNREAD = re.compile(r"no-?reply|do-?not-?reply")
# What says from where somebody comes, or in which language they read.
TRACKING = re.compile(r"utm_|lang$|locale$|hl$|ref$|pli$|source$")
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
    return bool(_compared(old, new))


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


def pages(targets: Iterable[str]) -> tuple[str, ...]:
    """The pages that links lead to, in order and however they are written.

    Of a mail address its domain, unless nobody reads what is sent there. `""` is the site that the
    policy itself is on.
    """
    return tuple(_page(target) for target in targets)


def sites(targets: Iterable[str]) -> tuple[str, ...]:
    """Whose pages or mailboxes they are."""
    return tuple(page.partition("/")[0] for page in pages(targets))


def _compared(
    old: tuple[Clause, ...], new: tuple[Clause, ...]
) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """The words of each old link that still stand, where they led, and where they lead now."""
    before, after = _targets(old), _targets(new)
    still_said = " ".join(clause.text for clause in new)
    return [
        (text, led, after.get(text, ()))
        for text, led in before.items()
        if text in still_said
        and led != after.get(text, ())
        # An address is one with and without a link.
        and (text in after or not LINK.fullmatch(text))
    ]


def _targets(clauses: Iterable[Clause]) -> dict[str, tuple[str, ...]]:
    """By their words, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for clause in clauses:
        for text, target in clause.links:
            if text:
                found[text].append(target)
    return {text: tuple(led) for text, led in found.items()}


def _page(target: str) -> str:
    try:
        address = urlsplit(target.casefold())
        values = parse_qsl(address.query, keep_blank_values=True)
    except ValueError:
        return target
    if address.scheme == "mailto" or (not address.scheme and "@" in address.path):
        mailbox, _, domain = address.path.rpartition("@")
        return domain.strip().rstrip(".,;)") + ("/" + mailbox if UNREAD.search(mailbox) else "")
    asked = [f"{name}={value}" for name, value in values if not TRACKING.match(name)]
    return "".join(
        (
            (address.hostname or "").removeprefix("www."),
            address.path.rstrip("/.,;)"),
            "?" * bool(asked) + "&".join(asked),
            "#" * bool(address.fragment) + address.fragment,
        )
    )


def _listed(targets: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(targets))
