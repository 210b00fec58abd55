"""What legal's answers teach: a labelled case for each pair of texts, and how often each rule was
right (P2). Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.policies.reviews import BY_LEGAL, UNDECIDED, FindingStatus

MISSED = "missed by the engine"
SOMEBODY = "[somebody]"
SURE = 3  # of the confidences 1 to 3: a person of legal read it and answers for it
_ADDRESS = re.compile(r"[^\s<>()\"“”,;:]+@[^\s<>()\"“”,;:]+\w")


class Label(StrEnum):
    """What a pair of texts means for people, in the words of labelled data."""

    ADVERSE_MATERIAL = "adverse_material"
    ADVERSE_MINOR = "adverse_minor"
    NEUTRAL = "neutral"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A finding that a pair of texts shows, and how legal stands to it: `people` decided so, for
    these reasons."""

    finding: str
    rule: str
    practice: str
    material_adverse: bool
    before: str | None
    after: str | None
    status: FindingStatus
    people: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CaseFinding:
    """A decided finding of a case. `by` is a role; who it was stays in the database."""

    finding: str
    rule: str
    answer: FindingStatus
    by: str
    people: int
    reason: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One line of labelled data, its fields named as `benchmarks.materiality` reads them."""

    id: str
    label: Label
    categories: tuple[str, ...]
    quote: str
    quote_in: str | None
    rationale: str
    confidence: int
    artifact: bool
    family: str
    findings: tuple[CaseFinding, ...]


@dataclass(frozen=True, kw_only=True)
class RuleAgreement:
    """How legal answered the findings of one rule; `rule` is `MISSED` for their own."""

    rule: str
    confirmed: int
    dismissed: int
    open: int

    @property
    def agreed(self) -> float | None:
        """The share of decided findings that legal confirmed; None where the engine said nothing,
        or legal has not yet."""
        decided = self.confirmed + self.dismissed
        return self.confirmed / decided if decided and self.rule != MISSED else None


def label_of(answers: Iterable[Answer]) -> Label | None:
    """The label that legal's answers give a pair of texts: the worst confirmed finding decides.

    None while an open finding could still change it, and where legal was asked nothing. A pair
    whose findings were all dismissed is neutral: that it is better for people, or the same in
    other words, nobody has said.
    """
    answers = tuple(answers)
    confirmed = [one for one in answers if one.status is FindingStatus.CONFIRMED]
    if any(one.material_adverse for one in confirmed):
        return Label.ADVERSE_MATERIAL
    if any(one.status in UNDECIDED for one in answers):
        return None
    if confirmed:
        return Label.ADVERSE_MINOR
    dismissed = any(one.status is FindingStatus.DISMISSED for one in answers)
    return Label.NEUTRAL if dismissed else None


def case_of(case_id: str, family: str, answers: Sequence[Answer]) -> Case | None:
    """The labelled case of a pair of texts; None while it has no label."""
    label = label_of(answers)
    if label is None:
        return None
    decisive = [one for one in answers if _carries(one, label)]
    quote, quote_in = _quote(decisive[0])
    return Case(
        id=case_id,
        label=label,
        categories=tuple(dict.fromkeys(one.practice for one in decisive)),
        quote=quote,
        quote_in=quote_in,
        rationale=_joined(reason for one in decisive for reason in one.reasons),
        confidence=SURE,
        artifact=False,
        family=family,
        findings=tuple(_case_finding(one) for one in answers if _is_decided(one)),
    )


def agreement(answers: Iterable[tuple[str, FindingStatus]]) -> tuple[RuleAgreement, ...]:
    """For each rule how often legal agreed, by its name; what the engine missed comes last.

    Takes the rule and the status of each finding; those that ask nothing of legal do not count.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for rule, status in answers:
        if status is not FindingStatus.NOTED:
            kind = FindingStatus.OPEN if status in UNDECIDED else status
            counts[rule][kind] += 1
    return tuple(
        RuleAgreement(
            rule=MISSED if rule == BY_LEGAL else rule,
            confirmed=counts[rule][FindingStatus.CONFIRMED],
            dismissed=counts[rule][FindingStatus.DISMISSED],
            open=counts[rule][FindingStatus.OPEN],
        )
        for rule in sorted(counts, key=lambda rule: (rule == BY_LEGAL, rule))
    )


def naming_nobody(text: str, names: Iterable[str]) -> str:
    """A text without these names, in any case of letters, and without mail addresses."""
    text = _ADDRESS.sub(SOMEBODY, text)
    for name in sorted({name for name in names if name}, key=lambda name: (-len(name), name)):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", SOMEBODY, text, flags=re.IGNORECASE)
    return text


def _carries(answer: Answer, label: Label) -> bool:
    if label is Label.NEUTRAL:
        return answer.status is FindingStatus.DISMISSED
    is_material = label is Label.ADVERSE_MATERIAL
    return answer.status is FindingStatus.CONFIRMED and answer.material_adverse is is_material


def _is_decided(answer: Answer) -> bool:
    return answer.status in (FindingStatus.CONFIRMED, FindingStatus.DISMISSED)


def _case_finding(answer: Answer) -> CaseFinding:
    return CaseFinding(
        finding=answer.finding,
        rule=answer.rule,
        answer=answer.status,
        by=BY_LEGAL,
        people=answer.people,
        reason=_joined(answer.reasons),
        before=answer.before,
        after=answer.after,
    )


def _quote(answer: Answer) -> tuple[str, str | None]:
    if answer.after:
        return answer.after, "after"
    return (answer.before, "before") if answer.before else ("", None)


def _joined(reasons: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(reasons))
