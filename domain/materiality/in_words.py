"""What the codes of an assessment mean, for people who read no codes."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from domain.materiality.assessment import Direction, Finding, Practice, Verdict
from domain.texts.alignment import ChangeKind

NOT_ENGLISH = "language.not_english"
FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
COLORADO = "Colorado 4 CCR 904-3 Rule 6.04"
WP260 = "WP260 rev.01 (transparency)"

VERDICTS: Mapping[Verdict, str] = {
    Verdict.IDENTICAL: "Identical: the two texts are the same.",
    Verdict.EDITORIAL: "Editorial: nothing changes for people.",
    Verdict.NEUTRAL: "Neutral: there are changes, and none is to people's disadvantage.",
    Verdict.FAVOURABLE: "Favourable: what changes is to people's advantage.",
    Verdict.ADVERSE_MINOR: "Adverse in small things: legal decides.",
    Verdict.NEEDS_REVIEW: "Needs review: a person has to read what no rule could settle.",
    Verdict.MATERIAL_ADVERSE: "Material adverse change: it needs people's approval.",
}

KINDS: Mapping[str, str] = {
    ChangeKind.ADDED: "New",
    ChangeKind.REMOVED: "Taken out",
    ChangeKind.AMENDED: "Changed",
    ChangeKind.MOVED: "Moved",
    ChangeKind.SPLIT: "Split in two",
    ChangeKind.MERGED: "Put together",
    ChangeKind.UNCHANGED: "Unchanged",
}

PRACTICES: Mapping[str, str] = {
    Practice.DATA_COLLECTION: "what data is collected",
    Practice.PURPOSE: "what data is used for",
    Practice.SHARING_SALE: "sharing and sale",
    Practice.RETENTION: "how long data is kept",
    Practice.USER_RIGHTS: "people's rights",
    Practice.CONSENT_OPTOUT: "consent and ways to say no",
    Practice.NOTICE_OF_CHANGE: "notice of changes",
    Practice.SECURITY: "security",
    Practice.MINORS: "minors",
    Practice.TRANSFERS: "transfers abroad",
    Practice.LEGAL_BASIS: "legal basis",
    Practice.AI_TRAINING: "training of artificial intelligence",
    Practice.DEADLINES: "time to answer",
    Practice.CONTACT: "contact",
    Practice.OTHER: "other practices",
}

# In our words, not the source's: what kind of change it calls material.
BASES: Mapping[str, str] = {
    "colorado.6.04.categories": f"{COLORADO}: the categories of personal data",
    "colorado.6.04.purposes": f"{COLORADO}: the purposes of the processing",
    "colorado.6.04.sharing": f"{COLORADO}: the act of sharing data with third parties",
    "colorado.6.04.recipients": f"{COLORADO}: the categories of third parties that get data",
    "colorado.6.04.rights": f"{COLORADO}: the ways to exercise rights",
    "colorado.6.04.secondary_use": f"{COLORADO}: a secondary use, which needs consent",
    "wp260.purpose": f"{WP260}: a change of purpose is always told",
    "wp260.rights": f"{WP260}: a change in how people exercise their rights is always told",
    "wp260.recipients": f"{WP260}: more kinds of recipients are a fundamental change",
    "wp260.impact": f"{WP260}: the impact on people, and how much it would surprise them",
    "wp260.notice_of_change": f"{WP260}: how and how early people are told of changes",
    "policy.own_words": "The policy's own words: a substantive and adverse impact on privacy",
}

REASONS: Mapping[str, str] = {
    "formatting": "the words, figures and signs are the same; only their layout differs",
    "spelling": "the same words, shortened or spelled in another way",
    "length of time": "the same length of time, written in another way",
    "spacing": "the letters are the same; only the spaces between them differ",
    "moved": "the same words stand in another place, and what stands above them "
    "does not turn their meaning",
    "reordered": "the same list in another order, of things that are only named",
    "typing correction": "only a slip of typing or a small word like an article differs",
    "date of the document": "only the date of the document differs",
    "year of copyright": "only the year of the copyright differs",
    "numbering": "the same heading under another number",
    "link or address": "only a link or a mail address differs",
    "contact details": "only an address, or a name in it, differs, and not that of the controller",
    "pointer": "only says where something else is to be read",
    "heading": "a heading, which promises nothing and allows nothing",
    "stated elsewhere": "the other version says the same in another place",
    "weighed": "no word that differs speaks of a change for people: weighed on labelled changes",
}


def happened(kind: str, moved: bool) -> str:  # noqa: FBT001 - a filter of the pages
    """What became of a clause: `Changed, and moved`."""
    return KINDS[kind] + (", and moved" if moved and kind != ChangeKind.MOVED else "")


def about(practice: str) -> str:
    """What a finding is about."""
    return PRACTICES[practice]


def nature(finding: Finding) -> str:
    """Which way a finding goes, and how much."""
    if finding.direction is Direction.UNCLEAR:
        return "unclear, to be judged"
    return f"{finding.direction}, {finding.severity}"


def track_record(finding: Finding) -> str | None:
    """How sure the rule is: its measured record, never an invented number."""
    if finding.right is None:
        return None
    right, of = finding.right.right, finding.right.of
    return f"this rule was right {right} of {of} times on changes read by people"


def reasons(cleared_as: str) -> dict[str, str]:
    """Each thing that shows a change harmless, by its name, and what that means."""
    return {name: REASONS.get(name, name) for name in cleared_as.split(", ")}


def bases(codes: Iterable[str]) -> tuple[str, ...]:
    """Where it is written that such a change matters."""
    return tuple(BASES.get(code, code) for code in codes)


def file_lines(finding: Finding, old_first: int | None, new_first: int | None) -> str:
    """Where the quotes stand in two files whose texts begin in these lines; None has no lines."""
    spans = ("old", finding.lines.before, old_first), ("new", finding.lines.after, new_first)
    return ", ".join(
        f"{name} line {span[0] + first - 1}" for name, span, first in spans if span and first
    )


def is_to_decide(finding: Finding) -> bool:
    """Every adverse or unclear finding goes to legal (P2)."""
    return finding.direction in (Direction.ADVERSE, Direction.UNCLEAR)


def language_note(findings: Iterable[Finding]) -> str | None:
    """What works and what does not when a text is not in English."""
    if all(finding.rule != NOT_ENGLISH for finding in findings):
        return None
    return (
        "At least one of the two texts is not in English. Clauses are brought together, moves and "
        "figures that differ are shown; the rules that tell which way a change goes read English "
        "only. So a person has to read every change of words, and none is called adverse or "
        "favourable."
    )


def figures(before: str, after: str) -> str | None:
    """The numbers that differ, in any language: `30 gone; 60, 90 new`."""
    old, new = (Counter(FIGURE.findall(text)) for text in (before, after))
    told = [
        f"{', '.join(left.elements())} {word}"
        for left, word in ((old - new, "gone"), (new - old, "new"))
        if left
    ]
    return "; ".join(told) or None
