"""What happens to an account: versions that come into force, words of its holder, by the day."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

from hypothesis import strategies as st

from domain.approvals.approvals import (
    Clean,
    Decided,
    Decision,
    Governing,
    InForce,
    Reclassified,
    Required,
    Stage,
    Start,
    Voided,
    Ways,
    by_no_law,
)
from domain.approvals.governing import (
    governing,
)

JOINED = datetime(2026, 1, 1, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
LATEST = 100
APPROVED, DECLINED = Decision.APPROVED, Decision.DECLINED
Story = tuple[Start, tuple[InForce, ...], tuple[Decided, ...], Clean]
"""An account, the versions that came into force, what its holder decided, what was clean."""


def day(number: int) -> datetime:
    return JOINED + number * ONE_DAY


def starting(number: int = 1, on: int = 0) -> Start:
    return Start(number=number, at=day(on), proof="asserted by omar at import, no proof")


def force(*days: int) -> tuple[InForce, ...]:
    """Version 1 in force from the first of the days, version 2 from the second, and so on."""
    return tuple(InForce(number=number, at=day(on)) for number, on in enumerate(days, start=1))


def decided(number: int, decision: Decision, on: int) -> Decided:
    return Decided(number=number, decision=decision, at=day(on), proof=f"approval of day {on}")


def voided(decision: Decided, on: int) -> Decided:
    void = Voided(at=day(on), proof="a wrong period in the mail, void 1")
    return replace(decision, voided=void)


def clean_except(*adverse: tuple[int, int]) -> Clean:
    """Every change is clean but these."""
    return lambda base, number: (base, number) not in adverse


ADVERSE = clean_except((1, 2))


def on(
    number: int,
    decisions: Sequence[Decided] = (),
    *,
    timeline: Sequence[InForce],
    clean: Clean,
    required: Required = by_no_law,
    start: Start | None = None,
    frozen: Sequence[Stage] = (),
    reclassified: Sequence[Reclassified] = (),
) -> Governing:
    """What governs an account on a day."""
    return governing(
        day(number),
        start=start or starting(),
        timeline=timeline,
        decisions=decisions,
        ways=Ways(clean=clean, required=required),
        frozen=frozen,
        reclassified=reclassified,
    )


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """An account, the versions that came into force, what its holder decided, what was adverse."""
    count = draw(st.integers(1, 6))
    days = sorted(draw(st.lists(st.integers(0, 60), min_size=count, max_size=count, unique=True)))
    numbers = st.integers(1, count)
    adverse = draw(st.sets(st.tuples(numbers, numbers).filter(lambda pair: pair[0] < pair[1])))
    taken = draw(
        st.lists(
            st.builds(decided, numbers, st.sampled_from([APPROVED, DECLINED]), st.integers(0, 60)),
            max_size=6,
            unique_by=lambda one: (one.number, one.at),
        )
    )
    voids = st.none() | st.integers(1, 60)
    decisions = [
        one if days is None else replace(one, voided=Voided(at=one.at + days * ONE_DAY, proof=""))
        for one in taken
        for days in [draw(voids)]
    ]
    start = starting(draw(numbers), draw(st.integers(0, 30)))
    return start, force(*days), tuple(decisions), clean_except(*adverse)


def told(story: Story, at: datetime, frozen: Sequence[Stage] = ()) -> Governing:
    start, timeline, decisions, clean = story
    return governing(
        at,
        start=start,
        timeline=timeline,
        decisions=decisions,
        ways=Ways(clean=clean),
        frozen=frozen,
    )


def without_late_voids(story: Story) -> Story:
    """The same until day 60, after which nothing is voided."""
    start, timeline, decisions, clean = story
    kept = tuple(
        replace(one, voided=None) if one.voided and one.voided.at > day(60) else one
        for one in decisions
    )
    return start, timeline, kept, clean


def bad_of(story: Story) -> list[tuple[int, int]]:
    """The changes of a story that are not clean."""
    *_, clean = story
    return [(a, b) for b in range(1, 7) for a in range(1, b) if not clean(a, b)]


def adverse_from(story: Story, bases: Iterable[int], *numbers: int) -> Clean:
    """Clean as in a story, except the ways from these of its versions to new ones."""
    return clean_except(*bad_of(story), *product(bases, numbers))
