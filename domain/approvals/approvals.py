"""What is known of an account: what its holder decided, about which versions (P5, P6). Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

Clean = Callable[[int, int], bool]
Required = Callable[[int, int], tuple[str, ...]]
Adverse = Callable[[int, int], frozenset[str]]


def by_no_law(_base: int, _number: int) -> tuple[str, ...]:
    """Where no law requires any change."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Ways:
    """What is known of the ways from the text of one version to that of another.

    `clean(a, b)`: no material adverse finding on it was confirmed. `required(a, b)`: the laws that
    require whatever is; none where there is more to it, or nothing. `adverse(a, b)`: what takes
    approval on it, by names that are the same whatever text it is seen from; without it each way
    that is not clean counts as adverse in its own manner.
    """

    clean: Clean
    required: Required = by_no_law
    adverse: Adverse | None = None

    def are_open(self, pairs: Iterable[tuple[int, int]]) -> bool:
        """Whether each of these takes nobody's approval: it is clean, or required by law."""
        return all(self.clean(*pair) or self.required(*pair) for pair in pairs)

    def shows(self, base: int, number: int) -> frozenset[str]:
        """What is adverse from one version to another, as whoever reads that change is shown it."""
        if self.adverse:
            return self.adverse(base, number)
        open_way = base == number or self.are_open([(base, number)])
        return frozenset() if open_way else frozenset({f"{base} to {number}"})

    def knowing(self, reclassified: Sequence["Reclassified"]) -> "Ways":
        """The same by what was found out until now (P2)."""
        wrong = frozenset[tuple[int, int]]().union(*(one.changes for one in reclassified))
        if not wrong:
            return self
        return Ways(
            clean=lambda a, b: (a, b) not in wrong and self.clean(a, b),
            required=lambda a, b: () if (a, b) in wrong else self.required(a, b),
            adverse=lambda a, b: self.shows(a, b).union(
                one.proof for one in reclassified if (a, b) in one.changes
            ),
        )


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
    """One recorded decision, and whether it was voided since.

    `base`: the version from which its holder was shown the change; None, or the version itself, for
    the whole text. `proof` names the row that holds it, in words; `row` is its id.
    """

    number: int
    base: int | None = None
    decision: Decision
    at: datetime
    proof: str
    row: UUID | None = None
    voided: Voided | None = None

    def stands(self, at: datetime) -> bool:
        """Whether it was taken by an instant, and not voided by then."""
        return self.at <= at and (self.voided is None or at < self.voided.at)


@dataclass(frozen=True, kw_only=True)
class Reclassified:
    """From this instant on a version takes approval that was released without asking for it (P2).

    `changes` are the ways (from, to) that it was found too late to be adverse on: to it, and to
    earlier versions that said the same. `proof` names the row.
    """

    number: int
    at: datetime
    changes: frozenset[tuple[int, int]]
    proof: str


@dataclass(frozen=True, kw_only=True)
class Start:
    """What governed the account when we first knew of it, and on whose word."""

    number: int
    at: datetime
    proof: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """From when, and until when if it is over, an account's holder was said to have died, or to be
    a minor."""

    at: datetime
    until: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether it is so at an instant."""
        return self.at <= moment and (self.until is None or moment < self.until)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A move of an account to a version, why it was allowed, and by which approval, if any; or, of
    the version that governs already, what proves it from then on.

    `required_by`: the laws because of which it needed no approval: a departure from P5, and never
    an approval. `clean_by`: the changes (from, to) that it took for clean, or for required by law.
    `in_error`: why it should not have been, where that was found out later; empty else.
    """

    number: int
    since: datetime
    because: str
    approval: Decided | None = field(default=None, compare=False)  # it may be voided later
    required_by: tuple[str, ...] = ()
    clean_by: frozenset[tuple[int, int]] = field(default=frozenset(), compare=False)
    in_error: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class Governing:
    """The version that governs an account at an instant, since when, and the moves that led there.

    `accepted` is the latest text the account holder accepted: changes are also measured from it, so
    that they cannot creep in small steps. `words` are the decisions that stand.
    """

    number: int
    since: datetime
    accepted: int
    steps: tuple[Step, ...]
    words: tuple[Decided, ...] = field(default=(), compare=False)  # they may be voided later
    heeded: tuple[Reclassified, ...] = field(default=(), compare=False)

    @property
    def moved_at(self) -> datetime | None:
        """The instant of the move by which it governs; None of what governed when the account was
        first known, as nobody here can tell since when."""
        return self.since if self.since > self.steps[0].since else None

    @property
    def approved(self) -> tuple[Decided, ...]:
        """The approvals that stand: those of the latest version first, and of one the first."""
        held = (word for word in self.words if word.decision is Decision.APPROVED)
        return tuple(sorted(held, key=lambda word: (-word.number, word.at)))


def in_force(at: datetime, timeline: Sequence[InForce]) -> InForce | None:
    """The version in force at an instant, or None before the first."""
    past = [entry for entry in timeline if entry.at <= at]
    return max(past, key=lambda entry: (entry.at, entry.number)) if past else None
