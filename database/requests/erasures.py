"""Erasures that were granted: thought over by their person, begun, and done at every source (P13).

Whoever calls holds the request, and its account where a hold must not come in between.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, or_
from sqlmodel import Session, col, select

from database.facts import record
from database.mail.mail_rows import Batch
from database.mail.outbox import ACCOUNT, BY_POST, REQUEST, REQUESTER, Queued, queue, states
from database.people.links import REQUEST_ERASURE, add_link
from database.requests import data_corrections, restrictions, source_tasks, tombstones
from database.requests.identity import (
    account_of,
    is_verified,
    language_on_file,
    other_accounts,
)
from database.tables import Account, DataSubjectRequest, Erasure, Link, RequestedRight, SourceTask
from domain.account_holders import Status
from domain.data_subject_requests import RightState, State
from domain.erasures import (
    OF_THE_POLICY,
    ErasureGround,
    Life,
    SourceEnd,
    Stage,
    begins_at,
    source_end,
)
from domain.legal_holds import EVERYWHERE, keeps
from domain.personal_data import OWN_SOURCE, DataRole, Verb
from domain.restrictions import Reason
from domain.source_tasks import OPEN_TASKS, Asked, TaskState

ANNOUNCED = "erasure_announced"
"""The step, and the template, of the mail that says when it begins."""
NOT_OUT = frozenset({"queued", "sending", "unknown", "operator"})
"""States of mails that may still have to go to an address."""
ONE_CALL = timedelta(minutes=10)
"""A source that is asked has answered by then, or never will."""
DATA_GOES = (
    "Data of this account is being erased at this moment, so no hold was placed. Try again in ten "
    "minutes: the page of the request says then what each source did."
)


class ErasureRefused(Exception):
    """This cannot be chosen (any more); nothing changed."""


def grant(
    transaction: Session,
    request: DataSubjectRequest,
    right: RequestedRight,
    ground: ErasureGround,
    *,
    on_hold: Collection[str],
    now: datetime,
) -> None:
    """An erasure is decided: its person hears when it begins, and may think it over. One that has
    begun goes on. `on_hold` are the sources that holds stand on."""
    erasure = of_right(transaction, right.id) or Erasure(
        request_id=request.id, right_id=right.id, ground=ground, granted_at=now
    )
    erasure.problem = ""
    if erasure.begun_at is not None and not erase_tasks(transaction, erasure):
        erasure.begun_at = None  # a hold kept everything, so that nothing began
    if erasure.begun_at is not None:
        _ask_again(transaction, erasure, on_hold, now)
    else:
        nothing_goes = EVERYWHERE in on_hold
        at_once = nothing_goes or ground is ErasureGround.MINOR
        erasure.ground, erasure.granted_at = ground, now
        erasure.skipped_at = erasure.dropped_at = None
        erasure.begins_at = begins_at(now, request.due_at, of_minor=at_once)
        if erasure.begins_at > now:
            _announce(transaction, request, erasure, now)
    transaction.add(erasure)
    record(transaction, "erasure.granted", request.id, now, right=right.id, ground=ground)


def grounds_of(session: Session, request: DataSubjectRequest) -> tuple[ErasureGround, ...]:
    """Why data may be erased for a request: the four grounds of the policy; and that its holder is
    a minor, where somebody reported it, or the company says so (P18)."""
    account = account_of(session, request)
    if account is None:
        return OF_THE_POLICY
    reported = any(
        one.reason == Reason.MINOR_REPORT and one.lifted_at is None
        for one in restrictions.of_account(session, account.id)
    )
    is_minor = account.minor_from is not None and account.minor_until is None
    return (*OF_THE_POLICY, ErasureGround.MINOR) if reported or is_minor else OF_THE_POLICY


def of_right(session: Session, right_id: UUID) -> Erasure | None:
    """The erasure of a right, if it was ever granted."""
    return session.exec(select(Erasure).where(Erasure.right_id == right_id)).first()


def of_request(session: Session, request_id: UUID) -> Erasure | None:
    """The erasure that a request asks for, if it was ever granted."""
    return session.exec(select(Erasure).where(Erasure.request_id == request_id)).first()


def life_of(erasure: Erasure) -> Life:
    """What has happened to it."""
    return Life(
        begins_at=erasure.begins_at,
        skipped_at=erasure.skipped_at,
        dropped_at=erasure.dropped_at,
        begun_at=erasure.begun_at,
        ended_at=erasure.ended_at,
    )


def is_under_way(session: Session, request_id: UUID) -> bool:
    """Whether an answer has to wait for an erasure that was granted."""
    erasure = of_request(session, request_id)
    return erasure is not None and life_of(erasure).stage in {Stage.COOLING_OFF, Stage.ERASING}


def take_back(transaction: Session, right_id: UUID) -> None:
    """What was decided holds no more: nothing begins. What has begun cannot be taken back."""
    erasure = of_right(transaction, right_id)
    if erasure is not None and erasure.begun_at is None:
        erasure.begins_at = erasure.skipped_at = None
        transaction.add(erasure)


def skip_the_wait(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """Its person wants it now; twice is harmless. Raises ErasureRefused."""
    erasure = _waiting(transaction, request)
    if erasure.skipped_at is None:
        erasure.skipped_at = now
        transaction.add(erasure)
        record(transaction, "erasure.wait_skipped", request.id, now)


def drop(transaction: Session, request: DataSubjectRequest, now: datetime) -> Erasure:
    """Its person keeps the data. Raises ErasureRefused."""
    erasure = _waiting(transaction, request)
    erasure.dropped_at = now
    transaction.add(erasure)
    record(transaction, "erasure.dropped", request.id, now)
    return erasure


def next_at(session: Session, request: DataSubjectRequest) -> datetime | None:
    """When an erasure goes on by itself; None where something else has to happen first."""
    erasure = of_request(session, request.id)
    if erasure is None:
        return None
    match life_of(erasure).stage:
        case Stage.COOLING_OFF if _may_begin(session, request, erasure):
            held_until = request.disclosure_held_until or erasure.granted_at
            return max(life_of(erasure).may_begin_at or erasure.granted_at, held_until)
        case Stage.ERASING if may_end(session, erasure):
            return erasure.begun_at
        case Stage.DONE if our_own_is_due(session, request, erasure):
            return erasure.ended_at
    return None


def standing(
    session: Session, request: DataSubjectRequest, sources: source_tasks.Sources
) -> Asked | None:
    """How far a request is with the data sources, and with an erasure or a correction that goes on
    by itself; None when nothing is to come."""
    asked = source_tasks.standing(session, request, sources) or Asked()
    erasure = of_request(session, request.id)
    instants = [asked.next_at, next_at(session, request)]
    if not is_under_way(session, request.id):
        instants.append(data_corrections.done_at(session, request))
    asked = replace(asked, next_at=min((at for at in instants if at), default=None))
    ours_is_next = erasure is not None and our_own_is_next(session, request, erasure)
    if erasure and ours_is_next and not _others_wait(session, request, erasure):
        asked = replace(asked, waiting=(*asked.waiting, OWN_SOURCE))
    return asked if asked.is_open else None


def begin_if_due(
    transaction: Session,
    request: DataSubjectRequest,
    sources: source_tasks.Sources,
    *,
    on_hold: Collection[str],
    now: datetime,
) -> None:
    """Have every source erase that no hold stands on: the point of no return. Our own database is
    last, as it knows who is to be erased elsewhere."""
    due_at, erasure = next_at(transaction, request), of_request(transaction, request.id)
    if erasure is None or erasure.begun_at or due_at is None or due_at > now:
        return
    ours = [name for name, role in sources.items() if role is DataRole.CONTROLLER]
    erasure.held_back = [name for name in ours if keeps(name, on_hold)]
    erasure.begun_at = now
    transaction.add(erasure)
    _ask(transaction, erasure, set(ours) - set(erasure.held_back), now)
    record(transaction, "erasure.begun", request.id, now, held_back=erasure.held_back)


def claim(
    transaction: Session,
    task: SourceTask,
    names: Iterable[str],
    *,
    on_hold: Collection[str],
    now: datetime,
) -> bool:
    """Whether a source may be asked to erase at this moment. The account is held: until the claim
    is over no hold can come. Under one the source is left alone, and what it has held back.

    `names` are the pseudonyms of whoever is erased.
    """
    erasure = of_right(transaction, task.right_id)
    if erasure is None or erasure.begun_at is None:
        return False
    if keeps(task.source, on_hold):
        hold_back(transaction, erasure, on_hold, now)
        return False
    erasure.claimed_until = now + ONE_CALL
    transaction.add(erasure)
    tombstones.lay(transaction, erasure.id, names, now)
    return True


def give_back(transaction: Session, right_id: UUID) -> None:
    """The source that was asked has answered, or not."""
    erasure = of_right(transaction, right_id)
    if erasure is not None:
        erasure.claimed_until = None
        transaction.add(erasure)


def hold_back(
    transaction: Session, erasure: Erasure, on_hold: Collection[str], now: datetime
) -> None:
    """Holds stand in the way of what is not erased yet: those sources are asked no more."""
    for task in erase_tasks(transaction, erasure):
        if task.state in OPEN_TASKS and keeps(task.source, on_hold):
            task.state, task.next_try_at, task.settled_at = TaskState.DROPPED, None, now
            transaction.add(task)
            erasure.held_back = sorted({*erasure.held_back, task.source})
            transaction.add(erasure)


def hold_back_of_account(
    transaction: Session, account_id: UUID, on_hold: Collection[str], now: datetime
) -> None:
    """A hold comes: nothing more is erased under it. Raises ErasureRefused while a source is asked,
    as nobody knows then what is gone."""
    for erasure in _of_account(transaction, account_id):
        if erasure.claimed_until is not None and erasure.claimed_until > now:
            raise ErasureRefused(DATA_GOES)
        if erasure.begun_at is not None:
            hold_back(transaction, erasure, on_hold, now)


def resume(transaction: Session, account_id: UUID, now: datetime) -> tuple[UUID, ...]:
    """No hold stands on an account any more: what it kept back is erased now, where the answer is
    out; the requests."""
    resumed = []
    for erasure in _of_account(transaction, account_id):
        if erasure.begun_at is None or erasure.ended_at is None or not erasure.held_back:
            continue
        _ask(transaction, erasure, erasure.held_back, now)
        erasure.held_back = []
        transaction.add(erasure)
        record(transaction, "erasure.resumed", erasure.request_id, now)
        resumed.append(erasure.request_id)
    return tuple(resumed)


def may_end(session: Session, erasure: Erasure) -> bool:
    """Whether every source that was asked is done with it, and people need not look first."""
    right = session.get_one(RequestedRight, erasure.right_id)
    disputed_at = session.get_one(DataSubjectRequest, erasure.request_id).disputed_at
    asked = last_erase_tasks(session, erasure)
    return (
        right.state == RightState.DECIDED
        and disputed_at is None
        and not erasure.problem
        and all(task.state not in OPEN_TASKS for task in asked)
    )


def our_own_is_next(session: Session, request: DataSubjectRequest, erasure: Erasure) -> bool:
    """Whether nothing is left to be erased but what our own database has."""
    return (
        request.answered_at is not None
        and bool(erasure.kept_by_us)
        and not erasure.held_back
        and OWN_SOURCE not in receipts_of(session, erasure)
        and all(task.state not in OPEN_TASKS for task in last_erase_tasks(session, erasure))
    )


def our_own_is_due(session: Session, request: DataSubjectRequest, erasure: Erasure) -> bool:
    """Whether it is to be erased now: the answer is out, and with it all that has to reach the
    address which we know from there."""
    return (
        our_own_is_next(session, request, erasure)
        and not _mails_wait(session, request)
        and not _others_wait(session, request, erasure)
    )


def waits_for_other_answers(
    session: Session, request: DataSubjectRequest, erasure: Erasure
) -> bool:
    """Whether our own database is the last that is left, and erased only once another request is
    answered, as it knows where that answer goes."""
    return our_own_is_next(session, request, erasure) and _others_wait(session, request, erasure)


def due_in_our_own(session: Session) -> Sequence[UUID]:
    """The requests whose erasure nothing but our own database is left of, which is due."""
    rows = session.exec(
        select(Erasure, DataSubjectRequest)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(Erasure.request_id))
        .where(
            col(Erasure.ended_at).is_not(None),
            col(DataSubjectRequest.answered_at).is_not(None),
            ~exists().where(
                col(SourceTask.right_id) == col(Erasure.right_id),
                col(SourceTask.source) == OWN_SOURCE,
                col(SourceTask.verb) == Verb.ERASE,
                col(SourceTask.state) != TaskState.DROPPED,
            ),
        )
    ).all()
    return [request.id for erasure, request in rows if our_own_is_due(session, request, erasure)]


def erase_our_own(
    transaction: Session, request: DataSubjectRequest, erasure: Erasure, now: datetime
) -> None:
    """Have our own database erased; the account is closed first, so that nothing is written to
    it."""
    account = account_of(transaction, request)
    if account is not None and account.status != Status.CLOSED:
        account.status, account.closed_at = Status.CLOSED, now
        transaction.add(account)
    _ask(transaction, erasure, [OWN_SOURCE], now, ours_too=True)


def kept_elsewhere(session: Session, right: RequestedRight) -> tuple[str, ...]:
    """The sources, but our own, of which we know that they keep something: what they did says it,
    else what they said that they would do."""
    asked = {
        (task.source, task.verb): task
        for task in source_tasks.tasks_of(session, right.request_id)
        if task.right_id == right.id and task.receipt is not None
    }
    found = {source: asked[source, verb] for source, verb in asked if verb == Verb.LOCATE}
    found |= {source: asked[source, verb] for source, verb in asked if verb == Verb.ERASE}
    return tuple(
        source
        for source, task in sorted(found.items())
        if source_end(source, task.receipt or {}) is SourceEnd.KEPT
    )


def erase_tasks(session: Session, erasure: Erasure) -> Sequence[SourceTask]:
    """What sources were asked to erase, every round."""
    return session.exec(
        select(SourceTask)
        .where(SourceTask.right_id == erasure.right_id, SourceTask.verb == Verb.ERASE)
        .order_by(col(SourceTask.created_at), col(SourceTask.id))
    ).all()


def last_erase_tasks(session: Session, erasure: Erasure) -> Sequence[SourceTask]:
    """The same, of each source the last round."""
    return source_tasks.last_rounds(erase_tasks(session, erasure))


def receipts_of(session: Session, erasure: Erasure) -> Mapping[str, SourceTask]:
    """By source, the last thing that it was asked to erase, where it was not held back since."""
    return {
        task.source: task
        for task in last_erase_tasks(session, erasure)
        if task.state != TaskState.DROPPED
    }


def _ask_again(
    transaction: Session, erasure: Erasure, on_hold: Collection[str], now: datetime
) -> None:
    """What a hold kept back, and does no more."""
    free = [name for name in erasure.held_back if not keeps(name, on_hold)]
    erasure.held_back = [name for name in erasure.held_back if name not in free]
    _ask(transaction, erasure, free, now)


def _ask(
    transaction: Session,
    erasure: Erasure,
    names: Iterable[str],
    now: datetime,
    *,
    ours_too: bool = False,
) -> None:
    right = transaction.get_one(RequestedRight, erasure.right_id)
    for name in sorted(names):
        if ours_too or name != OWN_SOURCE:
            source_tasks.add_task(transaction, right, name, Verb.ERASE, now)


def _others_wait(session: Session, request: DataSubjectRequest, erasure: Erasure) -> bool:
    """Whether another request of whoever is erased has still to be answered.

    One that nobody has shown to be the account holder's counts only if it came before the erasure
    began: anybody can make one, and would put the erasure off for ever.
    """
    account_ids = [one.id for one in other_accounts(session, request)]
    others = session.exec(
        select(DataSubjectRequest).where(
            col(DataSubjectRequest.account_id).in_([request.account_id, *account_ids]),
            DataSubjectRequest.id != request.id,
            or_(
                col(DataSubjectRequest.verified_at).is_not(None),
                col(DataSubjectRequest.received_at) < erasure.begun_at,
            ),
            col(DataSubjectRequest.state).not_in([State.CLOSED, State.PURGED]),
        )
    ).all()
    return any(one.answered_at is None or _mails_wait(session, one) for one in others)


def _mails_wait(session: Session, request: DataSubjectRequest) -> bool:
    return bool(states(session, Batch(subject_id=request.id)).keys() & NOT_OUT)


def _may_begin(session: Session, request: DataSubjectRequest, erasure: Erasure) -> bool:
    """Whether what allowed it still does: it is decided, and we know who asks (P19)."""
    right = session.get_one(RequestedRight, erasure.right_id)
    return right.state == RightState.DECIDED and is_verified(request)


def _waiting(transaction: Session, request: DataSubjectRequest) -> Erasure:
    erasure = of_request(transaction, request.id)
    if erasure is None or life_of(erasure).stage is not Stage.COOLING_OFF:
        raise ErasureRefused(
            "This erasure waits for nobody any more: it has begun, or was dropped."
        )
    return erasure


def _of_account(session: Session, account_id: UUID) -> Sequence[Erasure]:
    return session.exec(
        select(Erasure)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(Erasure.request_id))
        .where(DataSubjectRequest.account_id == account_id)
        .order_by(col(Erasure.id))
    ).all()


def _announce(
    transaction: Session, request: DataSubjectRequest, erasure: Erasure, now: datetime
) -> None:
    """Tell the address on file when it begins, with a link to have it at once or not at all."""
    account = account_of(transaction, request)
    link = _link(transaction, request, account, now)
    on_file = account is not None and bool(account.email)
    mail = Queued(
        subject_kind=REQUEST,
        subject_id=request.id,
        addressee_kind=ACCOUNT if on_file else REQUESTER,
        addressee_id=account.id if account is not None and on_file else request.id,
        step=f"{ANNOUNCED}#{erasure.granted_at:%Y%m%dT%H%M%S}",
        template=ANNOUNCED,
        variant=request.id,
        language=language_on_file(transaction, request),
        link_id=link.id,
        state="queued" if on_file or request.contact_email else BY_POST,
    )
    queue(transaction, [mail], now)


def _link(
    transaction: Session, request: DataSubjectRequest, account: Account | None, now: datetime
) -> Link:
    known = transaction.exec(
        select(Link).where(Link.subject_id == request.id, Link.purpose == REQUEST_ERASURE)
    ).first()
    if known is not None:
        return known
    link = add_link(
        transaction,
        purpose=REQUEST_ERASURE,
        subject_id=request.id,
        account_id=account.id if account else None,
        now=now,
    )
    transaction.flush()
    return link
