"""How all accounts stand towards a policy, in groups: a handful, however many accounts there are.

Who never decided anything is counted by the database. Of those who decided once, one of each group
that is alike is looked at; one by one are only those who decided more often, or whose account is
frozen or was a minor's.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, literal, or_, select
from sqlalchemy.orm import Mapped
from sqlmodel import Session, and_, col, exists, func

from database.approvals.approvals import Asserted, PolicyHistory, earliest_void
from database.people.stages import stages_after
from database.policies.voids import Reading
from database.tables import Account, Approval, AssertedVersion, Link, PolicyVersion
from domain.approvals.approvals import (
    Decided,
    Decision,
    Governing,
    InForce,
    Stage,
    Start,
)
from domain.approvals.governing import (
    governing,
)
from domain.people.account_holders import Status

ACCOUNTS_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the accounts of a group have in common.

    `carried`: approved versions that may carry over to a later one. `asks_approval`: whether the
    version that was asked about would not govern them without their approval.
    """

    status: str
    kind: str
    language: str
    governing: int
    accepted: int
    carried: frozenset[int]
    asks_approval: bool | None


def standings(
    session: Session, history: PolicyHistory, at: datetime, version: PolicyVersion | None = None
) -> Mapping[Standing, int]:
    """How many accounts stand how at an instant; those that no version governs yet are left out."""
    counts: Counter[Standing] = Counter()
    for status, kind, language, state, accounts in (
        *_of_the_silent(session, history, at),
        *_of_those_who_decided(session, history, at),
    ):
        standing = Standing(
            status=status,
            kind=kind,
            language=language,
            governing=state.number,
            accepted=state.accepted,
            carried=frozenset(w.number for w in state.approved if w.number >= state.number),
            asks_approval=history.needs_approval(state, version) if version else None,
        )
        counts[standing] += accounts
    return counts


def texts_in_use(session: Session, history: PolicyHistory, at: datetime) -> set[int]:
    """The versions from which the way to a new one has to be known before it is released (P6).

    Those that govern an open account, that were last accepted for it, and those whose approval may
    still carry over.
    """
    numbers: set[int] = set()
    for standing in standings(session, history, at):
        if standing.status == Status.OPEN:
            numbers |= {standing.governing, standing.accepted, *standing.carried}
    return numbers


_Found = tuple[str, str, str, Governing, int]


def _of_the_silent(session: Session, history: PolicyHistory, at: datetime) -> Iterator[_Found]:
    started = silent(history, at).subquery()
    alike = (started.c.status, started.c.kind, started.c.locale, started.c.asserted, started.c.past)
    groups = session.execute(select(*alike, func.count()).group_by(*alike)).all()
    for status, kind, language, asserted, past, accounts in groups:
        state = state_of_silent(history, at, asserted, past)
        if state is not None:
            yield status, kind, language, state, accounts


def silent(history: PolicyHistory, at: datetime) -> Select[Any]:
    """The accounts known at an instant whose holders never decided anything, frozen ones aside.

    Without a decision all depends on the start: the version that was `asserted`, if one was, and
    how many had come into force by then (`past`).
    """
    timeline = _timeline(history, at)
    since = func.coalesce(col(AssertedVersion.asserted_at), col(Account.recorded_at))
    past = [(since < entry.at, number) for number, entry in enumerate(timeline)]
    return (
        select(
            col(Account.id).label("account_id"),
            col(Account.external_id),
            col(Account.status),
            col(Account.kind),
            col(Account.locale),
            col(AssertedVersion.policy_version_id).label("asserted"),
            (case(*past, else_=len(timeline)) if past else literal(0)).label("past"),
        )
        .select_from(Account)
        .outerjoin(
            AssertedVersion,
            and_(
                col(AssertedVersion.account_id) == col(Account.id),
                col(AssertedVersion.policy_id) == history.policy.id,
            ),
        )
        .where(since <= at, ~is_looked_at_alone(history))
    )


def state_of_silent(
    history: PolicyHistory, at: datetime, asserted: UUID | None, past: int
) -> Governing | None:
    """How an account that `silent` found stands; None when no version governs it yet."""
    timeline = _timeline(history, at)
    start = _start(timeline, past, history.by_id[asserted].number if asserted else None)
    if start is None:
        return None
    return governing(
        at,
        start=start,
        timeline=timeline,
        decisions=(),
        ways=history.ways,
        reclassified=history.reclassified,
    )


def is_looked_at_alone(history: PolicyHistory) -> ColumnElement[bool]:
    """Of an account, whether its holder ever decided about a version of the policy, or it was
    frozen."""
    decided = exists().where(
        col(Approval.account_id) == col(Account.id),
        col(Approval.policy_version_id).in_(list(history.by_id)),
    )
    return or_(decided, col(Account.frozen_at).is_not(None))


def _timeline(history: PolicyHistory, at: datetime) -> list[InForce]:
    return sorted((e for e in history.timeline if e.at <= at), key=lambda entry: entry.at)


def _start(timeline: list[InForce], entries: int, asserted: int | None) -> Start | None:
    """Any instant after as many versions came into force is as good as another."""
    if not timeline:
        return None
    last = timeline[entries - 1] if entries else timeline[0]
    early = asserted is not None and not entries
    return Start(
        number=asserted or last.number,
        at=last.at - timedelta.resolution if early else last.at,
        proof="",
    )


def _of_those_who_decided(
    session: Session, history: PolicyHistory, at: datetime
) -> Iterator[_Found]:
    """Most differ from others in nothing but the instants, whose order alone counts."""
    alike = dict(session.execute(_decided_once(history, at)).all())
    firsts = sorted(alike)
    for begin in range(0, len(firsts), ACCOUNTS_AT_ONCE):
        some = firsts[begin : begin + ACCOUNTS_AT_ONCE]
        stands_for = col(Account.external_id).in_(some)
        yield from _one_by_one(session, history, at, stands_for, alike)
    yield from _one_by_one(session, history, at, ~_is_alike(history), {})


def _decided_once(history: PolicyHistory, at: datetime) -> Select[Any, int]:
    """Those who decided once, in groups whose instants lie alike between all that matter: the first
    account of each by external id, and how many it stands for."""
    matter = {entry.at for entry in history.timeline} | {one.at for one in history.reclassified}
    instants = sorted({*matter, *history.voids.instants, at})
    since = func.coalesce(col(AssertedVersion.asserted_at), col(Account.recorded_at))
    decided_at = col(Approval.decided_at)
    alike = (
        *(col(Account.status), col(Account.kind), col(Account.locale)),
        *(col(AssertedVersion.policy_version_id), _place(since, instants)),
        *(col(Approval.policy_version_id), col(Approval.decision), _place(decided_at, instants)),
        *(col(Approval.shown_from_version_id), col(Approval.language)),
        case((decided_at < since, -1), (decided_at > since, 1), else_=0),
    )
    found = (
        select(
            col(Account.external_id),
            *(part.label(f"part_{number}") for number, part in enumerate(alike)),
        )
        .select_from(Account)
        .join(
            Approval,
            and_(
                col(Approval.account_id) == col(Account.id),
                col(Approval.policy_version_id).in_(list(history.by_id)),
            ),
        )
        .outerjoin(
            AssertedVersion,
            and_(
                col(AssertedVersion.account_id) == col(Account.id),
                col(AssertedVersion.policy_id) == history.policy.id,
            ),
        )
        .where(_is_alike(history))
        .subquery()
    )
    parts = [found.c[f"part_{number}"] for number in range(len(alike))]
    return select(func.min(found.c.external_id), func.count()).group_by(*parts)


def _place(
    instant: ColumnElement[Any] | Mapped[datetime], instants: Sequence[datetime]
) -> ColumnElement[int]:
    """Where an instant lies between others, or on one of them."""
    places = [
        (when, 2 * number + on)
        for number, other in enumerate(instants)
        for on, when in enumerate((instant < other, instant == other))
    ]
    return case(*places, else_=2 * len(instants))


def _is_alike(history: PolicyHistory) -> ColumnElement[bool]:
    """Of an account that decided, whether it did so once, and nothing else about it has a time of
    its own: who stands so counts as all whose instants lie alike."""
    decisions = (
        select(func.count())
        .where(
            col(Approval.account_id) == col(Account.id),
            col(Approval.policy_version_id).in_(list(history.by_id)),
        )
        .correlate(Account)
        .scalar_subquery()
    )
    given_back = exists().where(
        col(Approval.account_id) == col(Account.id),
        col(Link.id) == col(Approval.link_id),
        col(Link.expires_at).is_not(None),
    )
    own = col(Account.frozen_at).is_(None), col(Account.minor_from).is_(None)
    return and_(*own, decisions == 1, ~given_back)


def _one_by_one(
    session: Session,
    history: PolicyHistory,
    at: datetime,
    which: ColumnElement[bool],
    alike: Mapping[str, int],
) -> Iterator[_Found]:
    """Look at these accounts; `alike` says for how many one stands."""
    known: dict[object, Governing] = {}
    after = ""
    while rows := session.execute(_next_decisions(history, after, which)).all():
        stages = stages_after(session, {row[0]: row[6:10] for row in rows})
        for account_id, of_account in groupby(rows, key=itemgetter(0)):
            decisions = list(of_account)
            _, after, status, kind, language, recorded_at, *_, asserted, asserted_at = decisions[0][
                :12
            ]
            frozen, minor = stages[account_id].frozen, stages[account_id].minor
            said = asserted and Asserted(
                number=history.by_id[asserted].number, by="", at=asserted_at
            )
            start = history.start(recorded_at, said)
            if start is None or start.at > at:
                continue
            words = tuple(
                Decided(
                    number=history.by_id[version].number,
                    base=history.by_id[base].number,
                    decision=Decision(decision),
                    at=on,
                    proof="",
                    voided=earliest_void(
                        Decision(decision),
                        on,
                        history.voids.of(Reading(version, base, read_in), on, link),
                        minor=minor,
                    ),
                )
                for *_, version, base, read_in, decision, on, link in decisions
                if on is not None and on <= at
            )
            shape = _shape(start, history, words, frozen)
            if shape not in known:
                known[shape] = governing(
                    at,
                    start=start,
                    timeline=history.timeline,
                    decisions=words,
                    ways=history.ways,
                    frozen=frozen,
                    reclassified=history.reclassified,
                )
            yield status, kind, language, known[shape], alike.get(after, 1)


def _shape(
    start: Start,
    history: PolicyHistory,
    words: Sequence[Decided],
    frozen: Sequence[Stage],
) -> object:
    """What of a past decides: the version it began with, what was said or voided, in what order."""
    voids = {word.voided.at for word in words if word.voided}
    stages = [instant for stage in frozen for instant in (stage.at, stage.until)]
    public = [*(e.at for e in history.timeline), *(one.at for one in history.reclassified)]
    instants = {start.at, *public, *(word.at for word in words), *voids}
    instants |= {stage for stage in stages if stage}
    place = {instant: number for number, instant in enumerate(sorted(instants))}
    return (
        start.number,
        place[start.at],
        tuple(stage and place[stage] for stage in stages),
        tuple(place[instant] for instant in public),
        tuple(
            (
                *(word.number, word.base, word.decision),
                *(place[word.at], word.voided and place[word.voided.at]),
            )
            for word in words
        ),
    )


def _next_decisions(history: PolicyHistory, after: str, which: ColumnElement[bool]) -> Select[Any]:
    """The decisions of the next of these accounts that have any, by external id."""
    accounts = (
        select(Account)
        .where(col(Account.external_id) > after, is_looked_at_alone(history), which)
        .order_by(col(Account.external_id))
        .limit(ACCOUNTS_AT_ONCE)
        .subquery()
    )
    return (
        select(
            accounts.c.id,
            accounts.c.external_id,
            accounts.c.status,
            accounts.c.kind,
            accounts.c.locale,
            accounts.c.recorded_at,
            accounts.c.frozen_at,
            accounts.c.thawed_at,
            accounts.c.minor_from,
            accounts.c.minor_until,
            col(AssertedVersion.policy_version_id),
            col(AssertedVersion.asserted_at),
            col(Approval.policy_version_id),
            col(Approval.shown_from_version_id),
            col(Approval.language),
            col(Approval.decision),
            col(Approval.decided_at),
            col(Approval.link_id),
        )
        .select_from(accounts)
        .outerjoin(
            Approval,
            and_(
                col(Approval.account_id) == accounts.c.id,
                col(Approval.policy_version_id).in_(list(history.by_id)),
            ),
        )
        .outerjoin(
            AssertedVersion,
            and_(
                col(AssertedVersion.account_id) == accounts.c.id,
                col(AssertedVersion.policy_id) == history.policy.id,
            ),
        )
        .order_by(accounts.c.external_id, col(Approval.decided_at), col(Approval.id))
    )
