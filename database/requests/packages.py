"""Copies of somebody's data: looked through by one of staff, released by another, fetched with a
link and a code, deleted on time (P11, P16)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from database.facts import record
from database.ids import new_nonce
from database.mail.outbox import COPY_CODE, REQUEST, REQUESTER, Queued
from database.people.links import REQUEST_COPY, add_link
from database.requests.estates import waits_for_authority
from database.requests.identity import (
    account_of,
    address_on_file,
    checked_by_staff,
    language_on_file,
)
from database.requests.requested_rights import rights_of
from database.requests.same_person import own_addresses
from database.requests.source_tasks import last_rounds, tasks_of
from database.tables import (
    DataSubjectRequest,
    IdentityCode,
    Link,
    Package,
    RequestedRight,
    SourceTask,
)
from database.writing import held, hold
from domain.requests.collected import Collected
from domain.requests.data_subject_requests import Kind, Outcome
from domain.requests.decisions import DONE
from domain.requests.identity import COPY_TRIES, Code, may_have_another
from domain.requests.personal_data import Verb
from domain.requests.source_tasks import COPIED, OPEN_TASKS, TaskState

COPY = "copy"
NO_COPY = (
    "The copy was not released yet: look through it on the page of the copy, and have a second "
    "person release it. If the person gets it in another way, write into the evidence in which."
)


class PackageRefused(Exception):
    """A copy cannot be released, changed or fetched like this; nothing changed."""


@dataclass(frozen=True, kw_only=True)
class PartOfCopy:
    """What one source gave, as it goes into the copy for one right. `file`: where it is kept."""

    kind: Kind
    task: SourceTask

    @property
    def file(self) -> str | None:
        """None once it was deleted."""
        return self.task.file


def parts_of(session: Session, request_id: UUID) -> Sequence[PartOfCopy]:
    """What a copy is made of, right by right in the order of `Kind`: each right has all of it, as a
    source is asked once for all of them."""
    tasks = [
        task
        for task in last_rounds(tasks_of(session, request_id))
        if task.verb == Verb.EXPORT and task.state == TaskState.DONE
    ]
    return [
        PartOfCopy(kind=Kind(right.kind), task=task)
        for right in _copied(rights_of(session, request_id))
        for task in _for_right(tasks, right)
    ]


def not_to_be_had(session: Session, request_id: UUID) -> Mapping[str, str]:
    """The sources whose part cannot be had, and why, as somebody of staff said."""
    copied = {right.id for right in _copied(rights_of(session, request_id))}
    return {
        task.source: task.problem
        for task in last_rounds(tasks_of(session, request_id))
        if task.right_id in copied and task.state == TaskState.GIVEN_UP
    }


def held_for_others(session: Session, request_id: UUID) -> Sequence[str]:
    """For whom we hold data about the person as a processor: theirs is the answer (P24)."""
    found = [
        str((task.receipt or {})["controller"])
        for task in last_rounds(tasks_of(session, request_id))
        if task.verb == Verb.LOCATE and _found_for_others(task)
    ]
    return list(dict.fromkeys(found))


def package_of(session: Session, request_id: UUID) -> Package | None:
    """How far the copy of a request is; None before anybody put it forward."""
    return session.exec(select(Package).where(Package.request_id == request_id)).first()


def released(session: Session, request_id: UUID) -> Package | None:
    """The copy as two of staff let it go, unless something in it changed since."""
    package = package_of(session, request_id)
    current = package is not None and package.seen == seen_in(parts_of(session, request_id))
    return package if package and package.released_at and current else None


def seen_in(parts: Iterable[PartOfCopy]) -> str:
    """Which files somebody looks at: others have another hash."""
    return sha256(" ".join(f"{part.task.id}:{part.file}" for part in parts).encode()).hexdigest()


def redact(
    transaction: Session,
    request: DataSubjectRequest,
    task_id: UUID,
    change: Callable[[str], str],
    *,
    staff_id: UUID,
    now: datetime,
) -> str:
    """Somebody of staff looked at what may tell of others: `change` makes the new file of the old
    one. Returns the old one, for the caller to delete. Raises PackageRefused."""
    _require_unanswered(transaction, request)
    task = transaction.get(SourceTask, task_id)
    if task is None or task.request_id != request.id or task.file is None:
        raise PackageRefused("This copy has no such part. Nothing was changed.")
    task = held(transaction, SourceTask, task_id)
    old = task.file or ""
    task.file = change(old)
    transaction.add(task)
    record(transaction, "package.redacted", request.id, now, source=task.source, by=staff_id)
    return old


def put_forward(
    transaction: Session,
    request: DataSubjectRequest,
    collected: Sequence[Collected],
    seen: str,
    *,
    staff_id: UUID,
    now: datetime,
) -> None:
    """Somebody of staff looked through a copy, and puts it before a second person. Raises
    PackageRefused."""
    _require_unanswered(transaction, request)
    _require_whole(transaction, request)
    _require_seen(transaction, request, seen)
    own = own_addresses(transaction, request)
    unread = next((one for one in collected if one.to_look_at(own)), None)
    if unread is not None:
        raise PackageRefused(
            f"In what {unread.source} gave are values that may tell of other people, and nobody "
            "has looked at them yet. Take out what is theirs, or say that all of it is given."
        )
    package = package_of(transaction, request.id) or Package(
        request_id=request.id, seen=seen, proposed_by=staff_id, proposed_at=now
    )
    package.seen, package.proposed_by, package.proposed_at = seen, staff_id, now
    package.released_by = package.released_at = None
    transaction.add(package)
    record(transaction, "package.put_forward", request.id, now, seen=seen, by=staff_id)


def release(
    transaction: Session, request: DataSubjectRequest, seen: str, *, staff_id: UUID, now: datetime
) -> None:
    """A second person looked at what was put forward, and lets it go. Raises PackageRefused."""
    _require_unanswered(transaction, request)
    package = package_of(transaction, request.id)
    if package is None:
        raise PackageRefused("Nobody has looked through this copy and put it forward yet.")
    if package.proposed_by == staff_id:
        raise PackageRefused("You put it forward yourself: a colleague of yours has to release it.")
    _require_seen(transaction, request, seen)
    _require_seen(transaction, request, package.seen)
    if package.released_at is not None:
        return
    package.released_by, package.released_at = staff_id, now
    transaction.add(package)
    record(transaction, "package.released", request.id, now, seen=seen, by=staff_id)


def hand_over(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """The request is answered with a copy: make the link that its answer brings. It is held."""
    if granted_copies(transaction, request) and released(transaction, request.id):
        add_link(
            transaction,
            purpose=REQUEST_COPY,
            subject_id=request.id,
            account_id=request.account_id,
            now=now,
        )


def granted_copies(session: Session, request: DataSubjectRequest) -> tuple[Kind, ...]:
    """The rights of a request that are answered with a copy, and granted."""
    return tuple(
        Kind(right.kind)
        for right in _copied(rights_of(session, request.id))
        if right.outcome in {Outcome(one) for one in DONE}
    )


def copy_link(session: Session, request_id: UUID) -> Link | None:
    """The link to fetch the copy with, once the request is answered with one."""
    return session.exec(
        select(Link).where(Link.subject_id == request_id, Link.purpose == REQUEST_COPY)
    ).first()


def needs_copy(session: Session, right: RequestedRight) -> bool:
    """Whether a right is to be granted with a copy that nobody released."""
    if Kind(right.kind) not in COPIED:
        return False
    asked = any(task.verb == Verb.EXPORT for task in tasks_of(session, right.request_id))
    return asked and released(session, right.request_id) is None


def live_copy_code(
    session: Session, request: DataSubjectRequest, now: datetime
) -> IdentityCode | None:
    """The code with which the copy may be fetched at this instant."""
    last = next(iter(_codes(session, request)), None)
    return last if last is not None and value_of(last).may_be_tried(now) else None


def value_of(code: IdentityCode) -> Code:
    """What the rules know of a code for a copy."""
    used = code.used_at is not None
    return Code(asked_at=code.asked_at, tries=code.tries, used=used, most=COPY_TRIES)


def new_copy_code(
    transaction: Session, request: DataSubjectRequest, link: Link, now: datetime
) -> Queued | None:
    """The mail with a code, to the address that is on file now, in the place of the last one; None
    when there were too many, or there is no address."""
    hold(transaction, request)
    codes = _codes(transaction, request)
    to = _holder_of(transaction, request)
    if to is None:
        return None
    if not may_have_another([code.asked_at for code in codes], now):
        return None
    for code in codes[:1]:
        code.used_at = code.used_at or now
        transaction.add(code)
    transaction.add(
        IdentityCode(request_id=request.id, purpose=COPY, nonce=new_nonce(), asked_at=now)
    )
    record(transaction, "package.code_asked_for", request.id, now)
    return Queued(
        subject_kind=REQUEST,
        subject_id=request.id,
        addressee_kind=to.kind,
        addressee_id=to.id,
        step=f"{COPY_CODE}{len(codes) + 1}",
        template="request_copy_code",
        variant=request.id,
        language=to.language,
        link_id=link.id,
    )


def has_address(session: Session, request: DataSubjectRequest) -> bool:
    """Whether there is an address that a code may go to."""
    return _holder_of(session, request) is not None


def try_copy_code(
    transaction: Session,
    request: DataSubjectRequest,
    opens: Callable[[bytes], bool],
    now: datetime,
) -> bool:
    """Whether what somebody typed is the code that went to the address on file. A wrong one counts;
    a right one stays good until a transfer came to its end."""
    hold(transaction, request)
    code = live_copy_code(transaction, request, now)
    if code is None or not has_address(transaction, request):
        return False
    right = opens(code.nonce)
    code.tries += not right
    transaction.add(code)
    record(transaction, "package.code_tried", request.id, now, right=right)
    return right


def note_fetched(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """A transfer came to its end: link and code are used up."""
    hold(transaction, request)
    package, link = package_of(transaction, request.id), copy_link(transaction, request.id)
    if package is None or link is None or link.used_at is not None:
        return
    package.fetched_at = link.used_at = now
    transaction.add(package)
    transaction.add(link)
    for code in _codes(transaction, request)[:1]:
        code.used_at = code.used_at or now
        transaction.add(code)
    record(transaction, "package.fetched", request.id, now)


def waits_to_be_fetched(session: Session, is_theirs: ColumnElement[bool]) -> bool:
    """Whether a copy is out, of one of these requests, that nobody has fetched and somebody may."""
    waiting = session.exec(
        select(Package.id)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(Package.request_id))
        .join(Link, col(Link.subject_id) == col(Package.request_id))
        .where(
            is_theirs,
            Link.purpose == REQUEST_COPY,
            col(Package.fetched_at).is_(None),
            col(Package.deleted_at).is_(None),
        )
    )
    return waiting.first() is not None


def files_to_delete(session: Session, period: timedelta, now: datetime) -> Sequence[UUID]:
    """The tasks that know a file, of requests whose answer is so old."""
    return session.exec(
        select(SourceTask.id)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(SourceTask.request_id))
        .where(
            col(SourceTask.file).is_not(None),
            col(DataSubjectRequest.answered_at) <= now - period,
        )
    ).all()


def files_of_account(session: Session, account_id: UUID, besides: UUID) -> Sequence[UUID]:
    """As `files_to_delete`, of every answered request of an account `besides` one."""
    return session.exec(
        select(SourceTask.id)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(SourceTask.request_id))
        .where(
            col(SourceTask.file).is_not(None),
            DataSubjectRequest.account_id == account_id,
            DataSubjectRequest.id != besides,
            col(DataSubjectRequest.answered_at).is_not(None),
        )
    ).all()


def known_files(session: Session, names: Sequence[str]) -> set[str]:
    """Of these files, those that a row knows."""
    found = select(SourceTask.file).where(col(SourceTask.file).is_not(None))
    return set(names) & {file for file in session.exec(found) if file}


def forget_file(transaction: Session, task_id: UUID, now: datetime) -> str | None:
    """The row of a task knows its file no more; its name, for the caller to delete."""
    known = transaction.get_one(SourceTask, task_id)
    held(transaction, DataSubjectRequest, known.request_id)
    task = held(transaction, SourceTask, task_id)
    file, task.file = task.file, None
    transaction.add(task)
    package = package_of(transaction, task.request_id)
    if package is not None and package.deleted_at is None:
        package.deleted_at = now
        transaction.add(package)
        record(transaction, "package.deleted", task.request_id, now)
    return file


def _found_for_others(task: SourceTask) -> bool:
    receipt: Mapping[str, Any] = task.receipt or {}
    return bool(receipt.get("controller")) and any(one["rows"] for one in receipt["held"])


@dataclass(frozen=True, kw_only=True)
class _Holder:
    """Whose mailbox shows that somebody is the person."""

    kind: str
    id: UUID
    language: str


def _holder_of(session: Session, request: DataSubjectRequest) -> _Holder | None:
    """The address on file now; the contact address where two of us found out that it is theirs, or
    where that is what a source knows them by. After a death nobody's, before two of us found whose:
    the mailbox on file is read by others."""
    if waits_for_authority(session, request):
        return None
    if checked_by_staff(session, request) and request.contact_email:
        return _Holder(kind=REQUESTER, id=request.id, language=request.language)
    if on_file := address_on_file(session, request):
        kind, addressee_id = on_file
        return _Holder(kind=kind, id=addressee_id, language=language_on_file(session, request))
    if account_of(session, request) is None and request.contact_confirmed_at is not None:
        return _Holder(kind=REQUESTER, id=request.id, language=request.language)
    return None


def _codes(session: Session, request: DataSubjectRequest) -> Sequence[IdentityCode]:
    return session.exec(
        select(IdentityCode)
        .where(IdentityCode.request_id == request.id, IdentityCode.purpose == COPY)
        .order_by(col(IdentityCode.asked_at).desc(), col(IdentityCode.id).desc())
    ).all()


def _for_right(tasks: Iterable[SourceTask], right: RequestedRight) -> Iterable[SourceTask]:
    """By source, what it gave for this right, where requests from before asked for each; else what
    it gave for another."""
    ordered = sorted(tasks, key=lambda task: task.right_id == right.id)
    return {task.source: task for task in ordered}.values()


def _copied(rights: Iterable[RequestedRight]) -> Sequence[RequestedRight]:
    return [right for right in rights if right.kind in COPIED]


def _require_unanswered(transaction: Session, request: DataSubjectRequest) -> None:
    hold(transaction, request)
    if request.answered_at is not None:
        raise PackageRefused("This request is answered: its copy stays as it went out.")


def _require_whole(session: Session, request: DataSubjectRequest) -> None:
    copied = {right.id for right in _copied(rights_of(session, request.id))}
    waiting = [
        task.source
        for task in last_rounds(tasks_of(session, request.id))
        if task.right_id in copied and task.state in OPEN_TASKS
    ]
    if waiting:
        raise PackageRefused(
            f"Not every source has answered: {', '.join(dict.fromkeys(waiting))}. Wait, help it "
            "along, or say that what it has cannot be had; the copy then says so."
        )
    if not parts_of(session, request.id):
        raise PackageRefused("No source has given anything yet. Nothing was changed.")


def _require_seen(session: Session, request: DataSubjectRequest, seen: str) -> None:
    if seen != seen_in(parts_of(session, request.id)):
        raise PackageRefused(
            "The copy changed since you opened its page: a source was asked anew, or something was "
            "taken out. Nothing was released. Look through it again."
        )
