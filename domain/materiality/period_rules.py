"""Rules about lengths of time: answers, retention, notice, breaches, and the age of a minor."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.materiality.assessment import Practice
from domain.materiality.periods import Period
from domain.materiality.reading import Reading
from domain.materiality.rules import Comparison, Found, adverse, favourable, rule

NO_DIFFERENCE = 0.5  # days: a month may have 30 or 31


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a period is for, and whether a longer one is worse for the person."""

    role: str
    practice: Practice
    longer_is_worse: bool
    sentence: str
    basis: str


RESPONSE = Kind(
    role="response",
    practice=Practice.DEADLINES,
    longer_is_worse=True,
    sentence="Requests would be answered within {new} instead of {old}.",
    basis="colorado.6.04.rights",
)
RETENTION = Kind(
    role="retention",
    practice=Practice.RETENTION,
    longer_is_worse=True,
    sentence="{about} would be kept for {new} instead of {old}.",
    basis="wp260.impact",
)
NOTICE = Kind(
    role="notice",
    practice=Practice.NOTICE_OF_CHANGE,
    longer_is_worse=False,
    sentence="People would be told {new} ahead instead of {old}.",
    basis="wp260.notice_of_change",
)
BREACH = Kind(
    role="breach",
    practice=Practice.SECURITY,
    longer_is_worse=True,
    sentence="People would hear of an incident within {new} instead of {old}.",
    basis="wp260.impact",
)


@rule("deadlines")
def response_time(comparison: Comparison) -> Iterator[Found]:
    """P21: the time in which requests are answered became longer, shorter or vanished."""
    yield from _compared(comparison, RESPONSE)


@rule("retention")
def retention_time(comparison: Comparison) -> Iterator[Found]:
    """P33: data is kept for longer, for less long, or without a fixed end."""
    yield from _compared(comparison, RETENTION)
    if (
        comparison.after.says("open_ended")
        and not comparison.before.says("open_ended")
        and "keep" in comparison.after.allowed
    ):
        yield adverse(
            "open_ended",
            Practice.RETENTION,
            "Data would be kept without a fixed end.",
            RETENTION.basis,
            sure=comparison.amended,
        )


@rule("notice")
def notice_time(comparison: Comparison) -> Iterator[Found]:
    """P7: people are told of changes later, or earlier, than before."""
    yield from _compared(comparison, NOTICE)


@rule("breach")
def breach_notice_time(comparison: Comparison) -> Iterator[Found]:
    """P32: people hear of security incidents later, or sooner."""
    yield from _compared(comparison, BREACH)


@rule("minors")
def age_of_minors(comparison: Comparison) -> Iterator[Found]:
    """P18: the age below which a person is protected as a minor was lowered or raised."""
    if not (comparison.before.says("minors") and comparison.after.says("minors")):
        return
    for old, new in zip(comparison.before.ages, comparison.after.ages, strict=False):
        sentence = f"The age limit for minors would be {new} instead of {old}."
        if new < old:
            yield adverse("age_lowered", Practice.MINORS, sentence, "wp260.impact", sure=True)
        elif new > old:
            yield favourable("age_raised", Practice.MINORS, sentence)


def _compared(comparison: Comparison, kind: Kind) -> Iterator[Found]:
    old = [period for period in comparison.before.periods if period.role == kind.role]
    new = [period for period in comparison.after.periods if period.role == kind.role]
    if comparison.amended and old and not comparison.after.periods:
        yield adverse(
            "period_removed",
            kind.practice,
            f"The fixed period of {old[0].words} is no longer given here.",
            kind.basis,
            counter_evidence=comparison.new_version.covering(
                comparison.old_text, lambda reading: _gives(reading, old[0])
            ),
        )
    for before, after in _paired(old, new):
        longer = after.days > before.days
        sentence = _sentence(kind, before, after)
        aspect = "longer" if longer else "shorter"
        if longer == kind.longer_is_worse:
            yield adverse(aspect, kind.practice, sentence, kind.basis, sure=True)
        else:
            yield favourable(aspect, kind.practice, sentence, kind.basis)


def _gives(reading: Reading, period: Period) -> bool:
    return any(
        other.role == period.role and abs(other.days - period.days) <= NO_DIFFERENCE
        for other in reading.periods
    )


def _paired(old: list[Period], new: list[Period]) -> list[tuple[Period, Period]]:
    """Periods that differ, in the order of the text; of unequal numbers, the longest ones."""
    if not old or not new:
        return []
    if len(old) != len(new):
        old, new = ([max(side, key=lambda period: period.days)] for side in (old, new))
    pairs = zip(old, new, strict=True)
    return [
        (before, after) for before, after in pairs if abs(before.days - after.days) > NO_DIFFERENCE
    ]


def _sentence(kind: Kind, before: Period, after: Period) -> str:
    about = after.about or before.about or "data"
    return kind.sentence.format(
        about=about[:1].upper() + about[1:], old=before.words, new=after.words
    )
