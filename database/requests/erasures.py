"""Erasures that were granted: thought over by their person, begun, and done at every source (P13).

Whoever calls holds the request, and its account where a hold must not come in between.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import String, cast
from sqlmodel import Session, col, select

from database.facts import record
from database.mail.outbox import BY_POST, REQUEST, REQUESTER, Queued, queue
from database.people.links import REQUEST_ERASURE, add_link
from database.requests import (
    asked_tasks,
    data_corrections,
    restrictions,
    source_tasks,
    tombstones,
)
from database.requests.erase_tasks import erase_tasks, is_open, last_erase_tasks
from database.requests.erasure_gate import why_not_now, why_not_there
from database.requests.identity import account_of, address_on_file, language_on_file
from database.requests.own_erasure import is_needed, our_own_is_due, our_own_is_next
from database.requests.same_person import is_about, person_asked_about
from database.requests.standing_holds import sources_kept_on_hold, sources_on_hold
from database.tables import (
    Account,
    DataSubjectRequest,
    Erasure,
    Link,
    OutboxMail,
    RequestedRight,
    SourceTask,
)
from database.writing import held
from domain.people.restrictions import Reason
from domain.requests.data_subject_requests import RightState
from domain.requests.erasures import (
    OF_THE_POLICY,
    ErasureGround,
    Life,
    Stage,
    begins_at,
)
from domain.requests.legal_holds import EVERYWHERE, keeps
from domain.requests.personal_data import OWN_SOURCE, DataRole, Person, Verb
from domain.requests.source_tasks import OPEN_TASKS, Asked, TaskState

ANNOUNCED = "erasure_announced"
"""The step, and the template, of the mail that says when it begins."""
TOLD = frozenset({"accepted", "delivered", "complained", "posted"})
"""States of mails that their person can have read."""
ONE_CALL = timedelta(minutes=20)
"""A source that is asked has answered by then, or never will: a try may wait ten minutes for a
worker, and takes ten at most."""
UNTIL_LOOKED_AT_AGAIN = timedelta(hours=1)
"""So long a source waits before it is looked whether it may be asked now."""
ASKED_NOW = (
    "A source is asked to erase at this moment, or a worker died over it: it waits for that."
)
DATA_GOES = (
    "Data of this account is being erased at this moment, so no hold was placed. Try again in "
    "twenty minutes: the page of the request says then what each source did."
)


class ErasureRefused(Exception):
    """This cannot be chosen (any more); nothing changed."""


def grant(
    transaction: Session,
    request: DataSubjectRequest,
    right: RequestedRight,
    ground: ErasureGround,
    now: datetime,
) -> None:
    """An erasure is decided: its person hears when it begins, and may think it over. One that has
    begun goes on. The request is held."""
    on_hold = _kept_on_hold(transaction, request)
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
        erasure.begins_at = now if at_once else begins_at(now, now, request.due_at)
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


def life_of(session: Session, erasure: Erasure) -> Life:
    """What has happened to it."""
    return Life(
        begins_at=_begins_at(session, erasure),
        skipped_at=erasure.skipped_at,
        dropped_at=erasure.dropped_at,
        begun_at=erasure.begun_at,
        ended_at=erasure.ended_at,
    )


def is_under_way(session: Session, request_id: UUID) -> bool:
    """Whether an answer has to wait for an erasure that was granted."""
    erasure = of_request(session, request_id)
    stage = life_of(session, erasure).stage if erasure else None
    return stage in {Stage.COOLING_OFF, Stage.ERASING}


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
    life = life_of(session, erasure)
    match life.stage:
        case Stage.COOLING_OFF if _may_begin(session, request, erasure):
            held_until = request.disclosure_held_until or erasure.granted_at
            return max(life.may_begin_at or erasure.granted_at, held_until)
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
    if erasure and ours_is_next and not is_needed(session, request, erasure):
        asked = replace(asked, waiting=(*asked.waiting, OWN_SOURCE))
    return asked if asked.is_open else None


def begin_if_due(
    transaction: Session,
    request: DataSubjectRequest,
    sources: source_tasks.Sources,
    now: datetime,
) -> None:
    """Have every source erase that no hold stands on: the point of no return. Our own database is
    last, as it knows who is to be erased elsewhere."""
    due_at, erasure = next_at(transaction, request), of_request(transaction, request.id)
    if erasure is None or erasure.begun_at or due_at is None or due_at > now:
        return
    on_hold = _kept_on_hold(transaction, request)
    ours = [name for name, role in sources.items() if role is DataRole.CONTROLLER]
    erasure.held_back = [name for name in ours if keeps(name, on_hold)]
    erasure.begun_at = now
    transaction.add(erasure)
    _ask(transaction, erasure, set(ours) - set(erasure.held_back), now)
    record(transaction, "erasure.begun", request.id, now, held_back=erasure.held_back)


def claim(
    transaction: Session,
    request: DataSubjectRequest,
    task: SourceTask,
    names: Iterable[str],
    now: datetime,
) -> bool:
    """Whether a source may be asked to erase at this moment: for `ONE_CALL` no hold can come, and
    nobody else asks. Under a hold the source is left alone, and what it has held back; where
    something else stands against it, or somebody asks, it waits. The request is held.

    `names` are the pseudonyms of whoever is erased.
    """
    task, erasure = held(transaction, SourceTask, task.id), of_right(transaction, task.right_id)
    if erasure is None or erasure.begun_at is None or task.state != TaskState.WAITING:
        return False
    on_hold = _kept_on_hold(transaction, request)
    if keeps(task.source, on_hold):
        hold_back(transaction, erasure, on_hold, now)
        return False
    if erasure.claimed_until is not None and erasure.claimed_until > now:
        asked_tasks.wait(transaction, task, ASKED_NOW, erasure.claimed_until)
        return False
    if refusal := why_not_there(transaction, request, task.source):
        asked_tasks.wait(transaction, task, refusal, now + UNTIL_LOOKED_AT_AGAIN)
        return False
    erasure.claimed_until = now + ONE_CALL
    transaction.add(erasure)
    tombstones.lay(transaction, erasure.id, names, now)
    return True


def give_back(transaction: Session, right_id: UUID, claimed_at: datetime) -> None:
    """The source that was claimed then has answered, or not; nobody gives back a later claim."""
    erasure = of_right(transaction, right_id)
    if erasure is not None and erasure.claimed_until == claimed_at + ONE_CALL:
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


def hold_back_of(transaction: Session, person: Person, now: datetime) -> None:
    """A hold comes: nothing more is erased under it. Raises ErasureRefused while a source is asked,
    as nobody knows then what is gone. The accounts of the person are held."""
    theirs = select(Erasure, DataSubjectRequest).join(
        DataSubjectRequest, col(DataSubjectRequest.id) == col(Erasure.request_id)
    )
    for erasure, request in transaction.exec(
        theirs.where(is_about(transaction, person)).order_by(col(Erasure.id))
    ).all():
        if erasure.claimed_until is not None and erasure.claimed_until > now:
            raise ErasureRefused(DATA_GOES)
        if erasure.begun_at is not None:
            hold_back(transaction, erasure, _on_hold(transaction, request), now)


def resume(transaction: Session, now: datetime) -> tuple[UUID, ...]:
    """A hold is released: what was kept back, and none covers any more, is erased now, where it is
    decided; the requests."""
    kept_back = select(Erasure, DataSubjectRequest).join(
        DataSubjectRequest, col(DataSubjectRequest.id) == col(Erasure.request_id)
    )
    resumed = []
    for erasure, request in transaction.exec(
        kept_back.where(cast(Erasure.held_back, String) != "[]").order_by(col(Erasure.id))
    ).all():
        on_hold = _on_hold(transaction, request)
        right = transaction.get_one(RequestedRight, erasure.right_id)
        is_decided = erasure.ended_at is not None or right.state == RightState.DECIDED
        if not is_decided or not _released(erasure, on_hold):
            continue
        _ask_again(transaction, erasure, on_hold, now)
        record(transaction, "erasure.resumed", request.id, now)
        resumed.append(request.id)
    return tuple(resumed)


def still_to_erase(session: Session, request: DataSubjectRequest) -> tuple[str, ...]:
    """The sources that have still to erase what was granted, by themselves or by hand."""
    erasure = of_request(session, request.id)
    if erasure is None:
        return ()
    asked = [task.source for task in last_erase_tasks(session, erasure) if is_open(task)]
    ours = [OWN_SOURCE] if our_own_is_next(session, request, erasure) else []
    return tuple(dict.fromkeys([*erasure.held_back, *asked, *ours]))


def may_end(session: Session, erasure: Erasure) -> bool:
    """Whether every source that was asked is done with it, and people need not look first."""
    right = session.get_one(RequestedRight, erasure.right_id)
    request = session.get_one(DataSubjectRequest, erasure.request_id)
    return (
        right.state == RightState.DECIDED
        and why_not_now(session, request) is None
        and not erasure.problem
        and not any(is_open(task) for task in last_erase_tasks(session, erasure))
    )


def _ask_again(
    transaction: Session, erasure: Erasure, on_hold: Collection[str], now: datetime
) -> None:
    """What a hold kept back, and does no more."""
    free = _released(erasure, on_hold)
    erasure.held_back = [name for name in erasure.held_back if name not in free]
    transaction.add(erasure)
    _ask(transaction, erasure, free, now)


def _released(erasure: Erasure, on_hold: Collection[str]) -> Sequence[str]:
    return [name for name in erasure.held_back if not keeps(name, on_hold)]


def _on_hold(session: Session, request: DataSubjectRequest) -> frozenset[str]:
    return sources_on_hold(session, person_asked_about(session, request, Verb.ERASE))


def _kept_on_hold(transaction: Session, request: DataSubjectRequest) -> frozenset[str]:
    """The sources that holds stand on; as long as the transaction lasts, none comes and none
    goes."""
    return sources_kept_on_hold(transaction, person_asked_about(transaction, request, Verb.ERASE))


def _ask(
    transaction: Session,
    erasure: Erasure,
    names: Iterable[str],
    now: datetime,
) -> None:
    """Our own database is asked by itself, when its time has come."""
    right = transaction.get_one(RequestedRight, erasure.right_id)
    for name in sorted(names):
        if name != OWN_SOURCE:
            source_tasks.add_task(transaction, right, name, Verb.ERASE, now)


def _may_begin(session: Session, request: DataSubjectRequest, erasure: Erasure) -> bool:
    """Whether what allowed it still does: it is decided, and nothing stands against it (P19)."""
    right = session.get_one(RequestedRight, erasure.right_id)
    return right.state == RightState.DECIDED and why_not_now(session, request) is None


def _begins_at(session: Session, erasure: Erasure) -> datetime | None:
    """When the time to think is over: reckoned from when the mail is out that says how to keep the
    data. Where there is no time, there is no mail."""
    if erasure.begins_at is None or erasure.begins_at <= erasure.granted_at:
        return erasure.begins_at
    request = session.get_one(DataSubjectRequest, erasure.request_id)
    mail = session.exec(
        select(OutboxMail).where(
            OutboxMail.subject_id == request.id, OutboxMail.step == _announcement(erasure)
        )
    ).first()
    told_at = mail.accepted_at or mail.settled_at if mail and mail.state in TOLD else None
    return begins_at(erasure.granted_at, told_at, request.due_at)


def _waiting(transaction: Session, request: DataSubjectRequest) -> Erasure:
    erasure = of_request(transaction, request.id)
    if erasure is None or life_of(transaction, erasure).stage is not Stage.COOLING_OFF:
        raise ErasureRefused(
            "This erasure waits for nobody any more: it has begun, or was dropped."
        )
    return erasure


def _announce(
    transaction: Session, request: DataSubjectRequest, erasure: Erasure, now: datetime
) -> None:
    """Tell the address on file when it begins, with a link to have it at once or not at all."""
    account = account_of(transaction, request)
    link = _link(transaction, request, account, now)
    on_file = address_on_file(transaction, request)
    kind, addressee_id = on_file or (REQUESTER, request.id)
    mail = Queued(
        subject_kind=REQUEST,
        subject_id=request.id,
        addressee_kind=kind,
        addressee_id=addressee_id,
        step=_announcement(erasure),
        template=ANNOUNCED,
        variant=request.id,
        language=language_on_file(transaction, request),
        link_id=link.id,
        state="queued" if on_file or request.contact_email else BY_POST,
    )
    queue(transaction, [mail], now)


def _announcement(erasure: Erasure) -> str:
    return f"{ANNOUNCED}#{erasure.granted_at:%Y%m%dT%H%M%S}"


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
