"""Which version governs an account, and what proves it (P5, P6): a fold over dated events. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Clean = Callable[[int, int], bool]


class Decision(StrEnum):
    """What an account holder decided about a version; the latest one counts."""

    APPROVED = "approved"
    DECLINED = "declined"


@dataclass(frozen=True, kw_only=True)
class InForce:
    """A version and the instant from which it is in force; that instant is its own already."""

    number: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Voided:
    """From this instant a decision counts for nothing. `proof` names the row, and says why."""

    at: datetime
    proof: str


@dataclass(frozen=True, kw_only=True)
class Decided:
    """One recorded decision, and whether it was voided since. `proof` names its row."""

    number: int
    decision: Decision
    at: datetime
    proof: str
    voided: Voided | None = None

    def stands(self, at: datetime) -> bool:
        """Whether it was taken by an instant, and not voided by then."""
        return self.at <= at and (self.voided is None or at < self.voided.at)


@dataclass(frozen=True, kw_only=True)
class Start:
    """What governed the account when we first knew of it, and on whose word."""

    number: int
    at: datetime
    proof: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """A move of an account to a version, and why it was allowed."""

    number: int
    since: datetime
    because: str


@dataclass(frozen=True, kw_only=True)
class Governing:
    """The version that governs an account at an instant, since when, and the moves that led there.

    `accepted` is the last version the account holder accepted: changes are also measured from it,
    so that they cannot creep in small steps.
    """

    number: int
    since: datetime
    accepted: int
    steps: tuple[Step, ...]


def governing(
    at: datetime,
    *,
    start: Start,
    timeline: Sequence[InForce],
    decisions: Sequence[Decided],
    clean: Clean,
) -> Governing:
    """Answer for one account and one instant, past or present.

    `clean(a, b)` says that no material adverse finding between the texts of two versions is
    confirmed. The account moves to the version in force if it approved that version, or one since
    the governing one that differs from it cleanly, or if both its governing and its last accepted
    version do. It moves at the later of decision and in force, never backdated, and never to a
    version that was already overtaken. A decline after an approval takes that approval away from
    its instant: the fold is run again without it, and what governed until then stays told.
    """
    state = _started(start)
    held: list[Decided] = []
    past: list[datetime] = []
    for moment in _moments(at, start, timeline, decisions):
        past.append(moment)
        before, held = held, _approvals_held(moment, decisions)
        numbers = {approval.number for approval in held}
        lost = [approval for approval in before if approval.number not in numbers]
        if lost:
            again = _fold(start, past, timeline, held, clean)
            state = _fall_back(state, again, moment, lost)
        else:
            state = _move(state, moment, timeline, held, clean)
    return state


def in_force(at: datetime, timeline: Sequence[InForce]) -> InForce | None:
    """The version in force at an instant, or None before the first."""
    past = [entry for entry in timeline if entry.at <= at]
    return max(past, key=lambda entry: (entry.at, entry.number)) if past else None


def needs_approval(state: Governing, number: int, clean: Clean) -> bool:
    """Whether an account in this state has to approve version `number` before it governs (P5)."""
    return not (clean(state.number, number) and clean(state.accepted, number))


def _started(start: Start) -> Governing:
    return Governing(
        number=start.number,
        since=start.at,
        accepted=start.number,
        steps=(Step(number=start.number, since=start.at, because=start.proof),),
    )


def _moments(
    at: datetime, start: Start, timeline: Sequence[InForce], decisions: Sequence[Decided]
) -> list[datetime]:
    """The instants at which anything may change, the start among them."""
    voids = (decided.voided.at for decided in decisions if decided.voided)
    moments = {start.at, *(e.at for e in timeline), *(d.at for d in decisions), *voids}
    return sorted(moment for moment in moments if start.at <= moment <= at)


def _approvals_held(at: datetime, decisions: Sequence[Decided]) -> list[Decided]:
    """The approvals that stand at an instant, each with the first of its repetitions."""
    held: dict[int, Decided] = {}
    standing = [decided for decided in decisions if decided.stands(at)]
    for decided in sorted(standing, key=lambda decided: decided.at):
        if decided.decision is Decision.APPROVED:
            held.setdefault(decided.number, decided)
        else:
            held.pop(decided.number, None)
    return list(held.values())


def _fold(
    start: Start,
    moments: Sequence[datetime],
    timeline: Sequence[InForce],
    held: Sequence[Decided],
    clean: Clean,
) -> Governing:
    state = _started(start)
    for moment in moments:
        given = [approval for approval in held if approval.at <= moment]
        state = _move(state, moment, timeline, given, clean)
    return state


def _fall_back(
    state: Governing, again: Governing, moment: datetime, lost: Sequence[Decided]
) -> Governing:
    """From what governed until this moment to what governs without the approvals lost in it."""
    if again.number == state.number:
        return Governing(
            number=state.number, since=state.since, accepted=again.accepted, steps=state.steps
        )
    why = " and ".join(_lost_in_words(approval, moment) for approval in lost)
    step = Step(number=again.number, since=moment, because=f"{why}: {again.steps[-1].because}")
    return Governing(
        number=again.number, since=moment, accepted=again.accepted, steps=(*state.steps, step)
    )


def _lost_in_words(approval: Decided, moment: datetime) -> str:
    of = f"the approval of version {approval.number}"
    if approval.voided and approval.voided.at == moment:
        return f"{of} was voided ({approval.voided.proof})"
    return f"{of} was taken back"


def _move(
    state: Governing,
    moment: datetime,
    timeline: Sequence[InForce],
    held: Sequence[Decided],
    clean: Clean,
) -> Governing:
    accepted = max(held, key=lambda approval: approval.at).number if held else state.accepted
    current = in_force(moment, timeline)
    because = _reason_to_move(state, current.number, accepted, held, clean) if current else None
    if current is None or because is None or current.number == state.number:
        return Governing(
            number=state.number, since=state.since, accepted=accepted, steps=state.steps
        )
    step = Step(number=current.number, since=moment, because=because)
    return Governing(
        number=current.number, since=moment, accepted=accepted, steps=(*state.steps, step)
    )


def _reason_to_move(
    state: Governing, number: int, accepted: int, held: Sequence[Decided], clean: Clean
) -> str | None:
    for approval in held:
        if approval.number == number:
            return f"approved version {number}: {approval.proof}"
    for approval in sorted(held, key=lambda approval: -approval.number):
        if state.number <= approval.number < number and clean(approval.number, number):
            return (
                f"approved version {approval.number} ({approval.proof}), and version {number} "
                f"changes nothing in it to the account holder's disadvantage"
            )
    if clean(state.number, number) and clean(accepted, number):
        return f"version {number} changes nothing to the account holder's disadvantage"
    return None
