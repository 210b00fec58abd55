"""Nobody is governed by words to their disadvantage that they were not shown (P5, P6)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from domain.approvals.approvals import (
    Decided,
    Decision,
    Governing,
    InForce,
    Reclassified,
    Start,
    Ways,
)
from domain.approvals.governing import (
    asks_from,
    governing,
)
from tests.domain.approvals.accounts_lives import (
    APPROVED,
    DECLINED,
    day,
    decided,
    force,
    starting,
    voided,
)

Words = frozenset[str]
LATE = "found too late"
WORDS = ("sold", "kept a year", "answered in ninety days", LATE)
TEXTS = st.frozensets(st.sampled_from(WORDS))


@dataclass(frozen=True, kw_only=True)
class Life:
    """Versions as the words to people's disadvantage in each, and what an account holder said.

    That a word is one of them may be found out only on a day; until then no way shows it.
    """

    texts: Mapping[int, Words]
    timeline: tuple[InForce, ...]
    start: Start
    decisions: tuple[Decided, ...]
    found_on: int

    def shown(self, base: int, number: int) -> Words:
        """What is worse in one version than in another, as it is known in the end."""
        return self.texts[number] - self.texts[base]

    @property
    def at_release(self) -> Ways:
        def adverse(base: int, number: int) -> Words:
            return self.shown(base, number) - {LATE}

        return Ways(clean=lambda base, number: not adverse(base, number), adverse=adverse)

    @property
    def found(self) -> Reclassified:
        wrong = ((a, b) for a in self.texts for b in self.texts if LATE in self.shown(a, b))
        proof = "reclassification 1"
        number = max(self.texts)
        return Reclassified(
            number=number, at=day(self.found_on), changes=frozenset(wrong), proof=proof
        )

    @property
    def known(self) -> Ways:
        return self.at_release.knowing([self.found])

    def at(self, moment: datetime) -> Governing:
        return governing(
            moment,
            start=self.start,
            timeline=self.timeline,
            decisions=self.decisions,
            ways=self.at_release,
            reclassified=[self.found],
        )

    def read_by(self, moment: datetime) -> Words:
        """All that was shown with the approvals that stand: the last word about a version."""
        read: Words = frozenset()
        for number in self.texts:
            said = [one for one in self.decisions if one.number == number and one.stands(moment)]
            last = max(said, key=lambda one: (one.at, one.decision is DECLINED), default=None)
            if last and last.decision is APPROVED:
                declined = [one.at for one in said if one.decision is DECLINED]
                since = max(declined, default=None)
                for one in said:
                    if one.decision is APPROVED and (since is None or one.at > since):
                        read |= self.shown(one.base, number) if one.base else self.texts[number]
        return read


@st.composite
def lives(draw: st.DrawFn) -> Life:
    count = draw(st.integers(2, 5))
    numbers = st.integers(1, count)
    days = draw(st.lists(st.integers(0, 60), min_size=count, max_size=count, unique=True))
    decisions = []
    for _ in range(draw(st.integers(0, 6))):
        number = draw(numbers)
        said = decided(number, draw(st.sampled_from(Decision)), draw(st.integers(0, 80)))
        said = replace(said, base=draw(st.integers(1, number - 1)) if number > 1 else None)
        void = draw(st.none() | st.integers(1, 40))
        decisions.append(said if void is None else voided(said, (said.at - day(0)).days + void))
    return Life(
        texts={number: draw(TEXTS) for number in range(1, count + 1)},
        timeline=force(*sorted(days)),
        start=starting(draw(numbers), draw(st.integers(0, 20))),
        decisions=tuple(decisions),
        found_on=draw(st.integers(0, 90)),
    )


@given(lives())
def test_whoever_is_governed_by_a_version_was_shown_all_its_adverse_words(life: Life) -> None:
    """P5, P6: since the text with which they began, whatever was approved from wherever, taken
    back, voided or found out too late."""
    for number in range(life.found_on, 121, 5):
        moment = max(day(number), life.start.at)
        state = life.at(moment)
        known = life.shown(life.start.number, state.number)
        if moment < life.found.at:
            known -= {LATE}
        assert known <= life.read_by(moment), state


@given(lives(), st.integers(0, 60))
def test_whoever_approves_what_they_are_shown_is_governed_by_it(life: Life, on: int) -> None:
    """P5, P6: the change is shown from where it has to be, so that no approval is in vain."""
    moment = max(day(on), life.start.at, life.found.at)
    number, effect = len(life.texts) + 1, day(200)
    life = replace(
        life,
        texts={**life.texts, number: frozenset(WORDS[:2])},
        timeline=(*life.timeline, InForce(number=number, at=effect)),
        decisions=tuple(
            replace(one, voided=None) if one.voided and one.voided.at > moment else one
            for one in life.decisions
            if one.at <= moment
        ),
    )
    base = asks_from(life.at(moment), number, life.known)
    if base is not None:
        said = replace(decided(number, APPROVED, 0), at=moment, base=base)
        life = replace(life, decisions=(*life.decisions, said))
    quiet = all(entry.at <= moment for entry in life.timeline[:-1])
    if quiet:
        assert life.at(effect).number == number


def life_of(*decisions: Decided, found_on: int = 90) -> Life:
    """Version 2 sells, version 3 answers later as well."""
    texts = {1: frozenset[str](), 2: frozenset({LATE}), 3: frozenset({LATE, "sold"})}
    return Life(
        texts=texts,
        timeline=force(0, 10, 60),
        start=starting(),
        decisions=decisions,
        found_on=found_on,
    )


def test_an_approval_of_what_changes_from_a_text_that_is_not_theirs_counts_no_more() -> None:
    """P6: Bob approved the change from version 2, which governed him in error; he is told so."""
    from_second = replace(decided(3, APPROVED, 20), base=2)
    assert life_of(from_second).at(day(61)).number == 3
    for found_on, since in ((30, day(30)), (70, day(70))):
        state = life_of(from_second, found_on=found_on).at(day(80))
        assert (state.number, state.since) == (1, since)
        assert "the approval of version 3 was of what changes since version 2" in (
            state.steps[-1].because
        )
        assert asks_from(state, 3, life_of(found_on=found_on).known) == 1
    anew = replace(decided(3, APPROVED, 40), base=1)
    assert life_of(from_second, anew, found_on=30).at(day(61)).number == 3


def test_what_crept_in_by_small_steps_is_shown_from_the_text_that_was_accepted() -> None:
    """P6: from version 2, which nobody minded, version 3 is clean too; from version 1 it is not."""
    crept: Callable[[int, int], Words] = lambda a, b: (  # noqa: E731 - a table of one line
        frozenset({"crept"}) if (a, b) == (1, 3) else frozenset()
    )
    ways = Ways(clean=lambda a, b: not crept(a, b), adverse=crept)
    state = governing(day(20), start=starting(), timeline=force(0, 10), decisions=(), ways=ways)
    assert (state.number, asks_from(state, 3, ways)) == (2, 1)
