"""What data sources are asked for requests, how far each is, and what it said (P10-P17, P24)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from database.ids import new_id
from database.people.accounts import accounts_of, holder_died
from database.requests import asked_tasks
from database.requests.asked_tasks import ByHand, TaskRefused
from database.requests.authorised_agents import is_authorised
from database.requests.erasure_gate import why_not_there
from database.requests.identity import (
    BY_SOURCE,
    account_of,
    controls_empty_address,
    is_to_be_found,
    is_verified,
    verify_identity,
    write_to_source_address,
)
from database.requests.requested_rights import rights_of
from database.requests.same_person import is_about, person_asked_about
from database.tables import DataSubjectRequest, RequestedRight, SourceTask
from database.writing import held, hold, insert_new
from domain.requests.data_subject_requests import GATED_KINDS, Kind, RightState
from domain.requests.decisions import DONE
from domain.requests.personal_data import OWN_SOURCE, DataRole, Verb
from domain.requests.source_tasks import (
    BESIDE,
    CHANGING,
    COPIED,
    LOOKING,
    OPEN_TASKS,
    Asked,
    TaskState,
    asked_first,
    asked_once_granted,
)

Sources = Mapping[str, DataRole]
"""The data sources by name, in the data map's order."""

WHO_READS_WHY = "a second person and the person hear of it."
NOBODY_LOOKED = (
    "No data source has been asked yet whether it has something of this person. That begins by "
    "itself, as soon as they confirmed their address, and that whoever asks for them may. Nothing "
    "was sent."
)
STILL_LOOKING = (
    "Not every data source has said yet whether it has something of this person: {sources}. Wait "
    "for them, have them asked again, hand in what is theirs by hand, or give up others than our "
    "own database on this page. Nothing was sent."
)
FOUND = (
    "It is not so that nothing is held: {sources} has something of this person. Look at what was "
    "found on this page, and answer with it. Nothing was sent."
)
CAME_SINCE = (
    f"It is not so that nothing is held: another request of this person is kept. Have {OWN_SOURCE} "
    "asked again on this page, and answer with what it has. Nothing was sent."
)
ONCE_KNOWN = (
    "This was asked before it was known whose account the request is about. The account is asked "
    "by itself, once it is known who asks. Nothing was changed."
)
NOT_YET = (
    "It must not be erased yet. {why} If it is gone already, hand that in once this is settled. "
    "Nothing was changed."
)
AT_ONCE = 10
"""So many are asked in one go, at most."""


def plan(
    transaction: Session, request: DataSubjectRequest, sources: Sources, now: datetime
) -> None:
    """Write down what is to be asked first for each right whose gate is open; once."""
    for right, source, verb in _missing(transaction, request, sources):
        add_task(transaction, right, source, verb, now)


def add_task(
    transaction: Session, right: RequestedRight, source: str, verb: Verb, now: datetime
) -> None:
    """Have a source asked something for a right, in a new round where it was asked before and that
    is settled. What is asked already is not asked twice."""
    before = _rounds(transaction, right, source, verb)
    if before and before[-1].state in OPEN_TASKS:
        return
    row = {
        "id": new_id(),
        "request_id": right.request_id,
        "right_id": right.id,
        "source": source,
        "verb": verb.value,
        "round": len(before) + 1,
        "state": TaskState.WAITING.value,
        "attempts": 0,
        "answers": 0,
        "next_try_at": now,
        "problem": "",
        "evidence": "",
        "created_at": now,
    }
    insert_new(transaction, SourceTask, [row])


def standing(session: Session, request: DataSubjectRequest, sources: Sources) -> Asked | None:
    """How far a request is with the data sources; None when nothing is to come."""
    tasks = [task for task in tasks_of(session, request.id) if task.state in OPEN_TASKS]
    instants = [task.next_try_at for task in tasks if task.next_try_at]
    if _missing(session, request, sources):
        instants.append(request.received_at)
    asked = Asked(
        next_at=min(instants, default=None),
        waiting=_names(tasks, TaskState.WAITING),
        by_hand=_names(tasks, TaskState.BY_HAND),
        needs_person=_names(tasks, TaskState.NEEDS_PERSON),
    )
    return asked if asked.is_open else None


def tasks_of(session: Session, request_id: UUID) -> Sequence[SourceTask]:
    """Everything that sources are or were asked for a request, in the order in which it began."""
    return session.exec(
        select(SourceTask)
        .where(SourceTask.request_id == request_id)
        .order_by(col(SourceTask.created_at), col(SourceTask.id))
    ).all()


def ask_once_more(transaction: Session, request_id: UUID, verb: Verb, now: datetime) -> None:
    """Have every source asked again that was asked this for a request."""
    tasks = [task for task in tasks_of(transaction, request_id) if task.verb == verb]
    for task in last_rounds(tasks):
        right = transaction.get_one(RequestedRight, task.right_id)
        add_task(transaction, right, task.source, verb, now)


def last_rounds(tasks: Sequence[SourceTask]) -> Sequence[SourceTask]:
    """Of what was asked more than once, the last round."""
    latest = {(task.right_id, task.source, task.verb): task for task in tasks}
    return list(latest.values())


def due(session: Session, request_id: UUID, now: datetime) -> Sequence[SourceTask]:
    """What is to be asked now, the longest due first; one source to erase, once nothing else is.

    While a source erases no hold can come, so each is asked with the time of that very moment.
    """
    tasks = session.exec(
        select(SourceTask)
        .where(
            SourceTask.request_id == request_id,
            SourceTask.state == TaskState.WAITING,
            col(SourceTask.next_try_at) <= now,
        )
        .order_by(col(SourceTask.next_try_at), col(SourceTask.id))
    ).all()
    others = [task for task in tasks if task.verb != Verb.ERASE]
    return others[:AT_ONCE] or tasks[:1]


def to_remind(session: Session, request_id: UUID, now: datetime) -> Sequence[SourceTask]:
    """What somebody does by hand, and is to hear of again now."""
    return [task for task in tasks_of(session, request_id) if asked_tasks.is_to_remind(task, now)]


def identify_by_source(transaction: Session, request: DataSubjectRequest, now: datetime) -> bool:
    """Whoever proved control of an address that a data source has of somebody is that person,
    account or not; where the request names another address than the one that we write to, we ask
    there first (P19). False where none has it, or all this was done.

    Our own database has what anybody types into a form: that proves nobody's address to be on file,
    and nothing is sent to it. The request is held. By other proofs a clock may run shorter; not by
    this one, as there is no account that could say where they live (P21).
    """
    found = {task.source for task in tasks_of(transaction, request.id) if _is_found(task)}
    if found and controls_empty_address(transaction, request):
        if _is_of_the_dead(transaction, request):
            return False  # whoever reads mail there now is somebody else
        return verify_identity(transaction, request, how=BY_SOURCE, now=now)
    if found - {OWN_SOURCE} and is_to_be_found(request):
        return write_to_source_address(transaction, request, now)
    return False


def why_not_nothing(session: Session, request: DataSubjectRequest) -> str | None:
    """Why nobody can say yet that we hold nothing of the person: no source was asked, one has not
    answered, or one of ours has something beside this request. None where all have looked, and
    found nothing."""
    looks = [task for task in last_rounds(tasks_of(session, request.id)) if task.verb in LOOKING]
    if not looks:
        return NOBODY_LOOKED
    open_ones = [task.source for task in looks if task.state in OPEN_TASKS]
    if not any(task.source == OWN_SOURCE and task.state == TaskState.DONE for task in looks):
        open_ones.append(OWN_SOURCE)  # which nobody goes without
    if open_ones:
        return STILL_LOOKING.format(sources=", ".join(dict.fromkeys(open_ones)))
    if found := [task.source for task in looks if _is_found(task)]:
        return FOUND.format(sources=", ".join(found))
    return CAME_SINCE if _another_request(session, request) else None


def hand_in(
    transaction: Session,
    request: DataSubjectRequest,
    task_id: UUID,
    done: ByHand,
    *,
    staff_id: UUID,
    now: datetime,
) -> None:
    """Somebody did what no machine could, and says how. Raises TaskRefused."""
    row = _of_request(transaction, request, task_id)
    if refusal := why_not_by_hand(transaction, request, row):
        raise TaskRefused(NOT_YET.format(why=refusal))
    asked_tasks.hand_in(transaction, row, done, staff_id=staff_id, now=now)
    identify_by_source(transaction, request, now)


def why_not_by_hand(session: Session, request: DataSubjectRequest, task: SourceTask) -> str | None:
    """For staff, why they must not erase (yet) what they were to; None where they may."""
    erases = task.verb == Verb.ERASE and task.state == TaskState.BY_HAND
    return why_not_there(session, request, task.source) if erases else None


def ask_again(
    transaction: Session,
    request: DataSubjectRequest,
    task_id: UUID,
    *,
    staff_id: UUID,
    now: datetime,
) -> None:
    """Somebody wants a source asked anew, now: at once where it is silent or was wrong, and in a
    new round where it was settled. Raises TaskRefused."""
    row = _of_request(transaction, request, task_id)
    if request.answered_at is not None and row.verb in LOOKING:
        raise TaskRefused("This request is answered: nobody needs what the source would say.")
    if row.state == TaskState.DROPPED and row.verb in LOOKING:
        raise TaskRefused(ONCE_KNOWN)
    if row.state in {TaskState.WAITING, TaskState.NEEDS_PERSON}:
        row.state, row.next_try_at = TaskState.WAITING, now
        transaction.add(row)
    elif row.state == TaskState.BY_HAND:
        raise TaskRefused("Somebody of you does this by hand: hand in what came of it.")
    else:
        right = transaction.get_one(RequestedRight, row.right_id)
        add_task(transaction, right, row.source, Verb(row.verb), now)
    asked_tasks.note(transaction, row, "asked_again", now, by=staff_id)


def give_up(
    transaction: Session,
    request: DataSubjectRequest,
    task_id: UUID,
    *,
    reason: str,
    staff_id: UUID,
    now: datetime,
) -> None:
    """Somebody says that this cannot be had from the source, and why: the answer is a partial one.
    Raises TaskRefused."""
    row = _of_request(transaction, request, task_id)
    asked_tasks.give_up(
        transaction, row, reason=reason, who_reads=WHO_READS_WHY, staff_id=staff_id, now=now
    )


def drop_what_nobody_needs(
    transaction: Session, request: DataSubjectRequest, now: datetime
) -> None:
    """The request is answered: what was only looked for is looked for no more. It is held."""
    for task in tasks_of(transaction, request.id):
        if task.state in OPEN_TASKS and task.verb in LOOKING:
            task.state, task.next_try_at, task.settled_at = TaskState.DROPPED, None, now
            transaction.add(task)


def begin_anew(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """It is known now whose account a request is about: all that was asked by the address it came
    with counts no more, and is asked of the account, what was found as soon as its gate is open.
    The request is held. A copy that was made is deleted as a file which no row knows."""
    for task in tasks_of(transaction, request.id):
        task.state, task.next_try_at = TaskState.DROPPED, None
        task.settled_at = task.settled_at or now
        if task.verb in LOOKING:
            task.receipt = task.file = None
        transaction.add(task)


def has_begun(session: Session, request_id: UUID) -> bool:
    """Whether a source was asked to change something that was granted, if it is decided again
    since."""
    return any(task.verb in CHANGING for task in tasks_of(session, request_id))


def answered_with_open_tasks(session: Session) -> Sequence[UUID]:
    """The answered requests for which a source has still something to do."""
    found = (
        select(SourceTask.request_id)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(SourceTask.request_id))
        .where(
            col(SourceTask.state).in_(list(OPEN_TASKS)),
            col(DataSubjectRequest.answered_at).is_not(None),
        )
    )
    return session.exec(found.distinct()).all()


def overdue_since(session: Session, late_at: datetime) -> Sequence[UUID]:
    """The requests of which a source should have been asked again by an instant, and was not."""
    found = select(SourceTask.request_id).where(
        SourceTask.state == TaskState.WAITING, col(SourceTask.next_try_at) < late_at
    )
    return session.exec(found.distinct()).all()


def _missing(
    session: Session, request: DataSubjectRequest, sources: Sources
) -> Sequence[tuple[RequestedRight, str, Verb]]:
    """What nobody has written down yet: by right, source and verb."""
    rights = rights_of(session, request.id)
    looks_first = controls_empty_address(session, request) or is_to_be_found(request)
    if not _may_ask(session, request, looks_first=looks_first):
        rights = [right for right in rights if right.kind not in GATED_KINDS]
    wanted = [
        (right, source, verb)
        for right in rights
        if _is_due(request, right)
        for source, role in sources.items()
        if (verb := asked_first(Kind(right.kind), role, looks_first=looks_first))
    ]
    wanted += [
        (right, source, verb)
        for right in rights
        if right.state == RightState.DECIDED and right.outcome in DONE
        for source, role in sources.items()
        if (verb := asked_once_granted(Kind(right.kind), source, role))
    ]
    if not wanted or not _is_named(session, request):
        return ()
    kinds = {right.id: right.kind for right in rights_of(session, request.id)}
    known = {
        (_asked_for(kinds[task.right_id], task.right_id), task.source, Verb(task.verb))
        for task in tasks_of(session, request.id)
        if task.state != TaskState.DROPPED
    }
    missing: dict[tuple[UUID | None, str, Verb], tuple[RequestedRight, str, Verb]] = {}
    for right, source, verb in wanted:
        key = _asked_for(right.kind, right.id), source, verb
        if key not in known:
            missing.setdefault(key, (right, source, verb))
    return list(missing.values())


def _asked_for(kind: str, right_id: UUID) -> UUID | None:
    """What a source is asked once for: each right, and all those together that take a copy."""
    return None if kind in COPIED else right_id


def _is_due(request: DataSubjectRequest, right: RequestedRight) -> bool:
    """A gated right until it is decided; one that the machine granted at once, once it has."""
    if right.kind in GATED_KINDS:
        return request.answered_at is None and right.state != RightState.DECIDED
    return right.state == RightState.DECIDED


def _may_ask(session: Session, request: DataSubjectRequest, *, looks_first: bool) -> bool:
    """Whether we know enough of who asks to look what there is of them (P19)."""
    known = is_verified(request) or looks_first
    return known and is_authorised(session, request.id)


def _is_named(session: Session, request: DataSubjectRequest) -> bool:
    """Whether there is anything that a source could know the person by."""
    typed = request.account_address or request.contact_email
    return bool(typed) or account_of(session, request) is not None


def _rounds(
    session: Session, right: RequestedRight, source: str, verb: Verb
) -> Sequence[SourceTask]:
    return session.exec(
        select(SourceTask)
        .where(
            SourceTask.right_id == right.id, SourceTask.source == source, SourceTask.verb == verb
        )
        .order_by(col(SourceTask.round))
    ).all()


def _of_request(transaction: Session, request: DataSubjectRequest, task_id: UUID) -> SourceTask:
    hold(transaction, request)
    row = transaction.get(SourceTask, task_id)
    if row is None or row.request_id != request.id:
        raise TaskRefused("This request asks no such thing of a source. Nothing was changed.")
    return held(transaction, SourceTask, task_id)


def _is_found(task: SourceTask) -> bool:
    """Whether a source of ours has something of the person: our own database, beside the request
    for which it looked."""
    receipt: Mapping[str, Any] = task.receipt or {}
    ours = receipt.get("controller") is None and receipt.get(BESIDE, True)
    return ours and task.verb in LOOKING and any(one["rows"] for one in receipt.get("held", ()))


def _is_of_the_dead(session: Session, request: DataSubjectRequest) -> bool:
    """Whether the person held an account, closed since, and has died."""
    person = person_asked_about(session, request, Verb.LOCATE)
    return any(holder_died(account) for account in accounts_of(session, person))


def _another_request(session: Session, request: DataSubjectRequest) -> bool:
    """Whether there is another request about the person; it may have come after the sources
    looked."""
    person = person_asked_about(session, request, Verb.LOCATE)
    others = select(DataSubjectRequest.id).where(
        is_about(session, person), DataSubjectRequest.id != request.id
    )
    return session.exec(others).first() is not None


def _names(tasks: Sequence[SourceTask], state: TaskState) -> tuple[str, ...]:
    return tuple(dict.fromkeys(task.source for task in tasks if task.state == state))
