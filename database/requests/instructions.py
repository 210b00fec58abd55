"""Instructions of the companies for which we keep data: entered, doubted, decided, reported (P24).

An erasure, and whatever looks unlawful, is held until somebody decides who did not enter it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.facts import record
from database.mail.outbox import CONTROLLER, IN_DOUBT, INSTRUCTION, STAFF, Queued, queue
from database.people.accounts import accounts_at_address
from database.people.staff import in_charge
from database.requests import asked_tasks, tombstones
from database.requests.erasures import ASKED_NOW, ONE_CALL
from database.requests.instructed_tasks import add_tasks, of_account, tasks_of
from database.requests.requests import new_reference
from database.requests.standing_holds import sources_kept_on_hold
from database.tables import Account, ControllerInstruction, InstructedTask, OutboxMail
from database.writing import held
from domain.requests.controller_instructions import (
    SECOND_PERSON,
    UNDER_HOLD,
    UNFINISHED,
    InstructionState,
    bars,
    needs_second_person,
)
from domain.requests.legal_holds import keeps
from domain.requests.personal_data import Person, Verb
from domain.requests.source_tasks import TaskState

HELD, DONE, REFUSED = "held", "done", "refused"
"""The steps that tell a controller what became of an instruction; it may be held several times."""
NO_SUCH = "There is no such instruction. Nothing was changed."


class InstructionRefused(Exception):
    """An instruction cannot be taken in, doubted or decided like this; nothing changed."""


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """What a controller told us. `sources`: where we keep its data, by name. `external_id`: the
    person's with the controller. `account_id`: theirs with us, where the request says it."""

    controller: str
    contact_address: str
    sources: Sequence[str]
    verb: Verb
    address: str
    external_id: str
    received_at: datetime
    evidence: str
    doubt: str = ""
    corrections: Sequence[dict[str, str]] = ()
    request_id: UUID | None = None
    account_id: UUID | None = None


def enter(
    transaction: Session, told: Instruction, *, staff_id: UUID, now: datetime
) -> ControllerInstruction:
    """Take an instruction in. Raises InstructionRefused."""
    _require_whole(told, now)
    row = ControllerInstruction(
        reference=f"I-{new_reference().removeprefix('R-')}",
        controller=told.controller,
        contact_address=told.contact_address,
        verb=told.verb,
        request_id=told.request_id,
        address=told.address.strip(),
        external_id=told.external_id.strip(),
        account_id=told.account_id or _account_at(transaction, told.address),
        corrections=list(told.corrections) or None,
        evidence=told.evidence.strip(),
        doubt=told.doubt.strip(),
        doubted_by=staff_id if told.doubt.strip() else None,
        state=InstructionState.WORK,
        received_at=told.received_at,
        entered_by=staff_id,
        entered_at=now,
    )
    transaction.add(row)
    transaction.flush()
    add_tasks(transaction, row.id, told.sources, now)
    record(
        transaction,
        "instruction.entered",
        row.id,
        now,
        verb=row.verb,
        sources=list(told.sources),
        by=staff_id,
    )
    if not row.doubt and is_under_hold(transaction, row):
        row.doubt = UNDER_HOLD
    if needs_second_person(told.verb, row.doubt):
        _put_before_second_person(transaction, row, now)
    return row


def question(
    transaction: Session, instruction_id: UUID, doubt: str, *, staff_id: UUID, now: datetime
) -> None:
    """Somebody thinks that an instruction is unlawful: nothing more of it is done until a second
    person decides, and the controller hears that. Raises InstructionRefused."""
    row = _held(transaction, instruction_id)
    if row.state not in UNFINISHED:
        raise InstructionRefused("This instruction is done or refused already.")
    if not doubt.strip():
        raise InstructionRefused("Write why it looks unlawful: whoever decides has to know.")
    row.doubt, row.doubted_by = doubt.strip(), staff_id
    row.decided_by = row.decided_at = None
    record(transaction, "instruction.doubted", row.id, now, by=staff_id)
    _put_before_second_person(transaction, row, now)


def decide(
    transaction: Session,
    instruction_id: UUID,
    *,
    carry_out: bool,
    reason: str,
    staff_id: UUID,
    now: datetime,
) -> None:
    """A second person has an instruction carried out, or refuses it. Raises InstructionRefused."""
    row = _held(transaction, instruction_id)
    if row.state != InstructionState.REVIEW:
        raise InstructionRefused("This instruction waits for nobody's decision (any more).")
    if staff_id in {row.entered_by, row.doubted_by}:
        raise InstructionRefused(
            "You entered or questioned this instruction: a colleague of yours has to decide it."
        )
    if not reason.strip():
        raise InstructionRefused("Write why: it stays with us. Nothing was changed.")
    if carry_out and is_under_hold(transaction, row):
        raise InstructionRefused(
            "A legal hold stands on this person. Have it released first, or refuse the instruction."
        )
    row.decided_by, row.decided_at, row.reason = staff_id, now, reason.strip()
    row.state = InstructionState.WORK if carry_out else InstructionState.REFUSED
    transaction.add(row)
    record(transaction, "instruction.decided", row.id, now, carry_out=carry_out, by=staff_id)
    if not carry_out:
        row.settled_at = now
        _report(transaction, row, REFUSED, now)


def claim(transaction: Session, task: InstructedTask, names: Iterable[str], now: datetime) -> bool:
    """Whether a source may be asked at this moment: for `ONE_CALL` no hold can come that stands
    against it, and nobody else asks. One that came meanwhile puts the instruction before a second
    person again. `names` are the pseudonyms of whom it is about."""
    row = _held(transaction, task.instruction_id)
    task = held(transaction, InstructedTask, task.id)
    if row.state != InstructionState.WORK or task.state != TaskState.WAITING:
        return False
    if is_under_hold(transaction, row):
        _give_way(transaction, row, now)
        return False
    if row.claimed_until is not None and row.claimed_until > now:
        asked_tasks.wait(transaction, task, ASKED_NOW, row.claimed_until)
        return False
    row.claimed_until = now + ONE_CALL if bars(Verb(row.verb)) else None
    transaction.add(row)
    if row.verb == Verb.ERASE:
        tombstones.lay(transaction, task.id, names, now, source=task.source)
    return True


def give_back(transaction: Session, instruction_id: UUID, claimed_at: datetime) -> None:
    """The source that was claimed then has answered, or not; nobody gives back a later claim."""
    row = _held(transaction, instruction_id)
    if row.claimed_until == claimed_at + ONE_CALL:
        row.claimed_until = None
        transaction.add(row)


def person_named(row: ControllerInstruction) -> Person:
    """Whom an instruction is about, as the controller named them."""
    return Person(
        addresses=(row.address,) if row.address else (),
        external_ids=(row.external_id,) if row.external_id else (),
    )


def _known_to_us(session: Session, row: ControllerInstruction) -> Person | None:
    """The same person as we know them, whose legal holds stand here; None where we know nobody."""
    account = session.get(Account, row.account_id) if row.account_id else None
    if not row.address and account is None:
        return None
    return Person(
        addresses=(row.address,) if row.address else (),
        external_ids=(account.external_id,) if account else (),
    )


def give_way_to_hold(
    transaction: Session, account_id: UUID, source: str, now: datetime
) -> Sequence[UUID]:
    """A hold is to be placed: what it would stand against, and is being carried out, waits for a
    second person again, also what somebody was to do by hand; the instructions.

    They are held before the account is.
    """
    account = transaction.get_one(Account, account_id)
    found = transaction.exec(
        select(ControllerInstruction.id)
        .where(
            of_account(account),
            ControllerInstruction.state == InstructionState.WORK,
            col(ControllerInstruction.verb).in_([verb for verb in Verb if bars(verb)]),
        )
        .order_by(col(ControllerInstruction.id))
    ).all()
    rows = [_held(transaction, one) for one in found]
    stopped = [
        row
        for row in rows
        if row.state == InstructionState.WORK and _is_kept_by(transaction, row, {source})
    ]
    for row in stopped:
        _give_way(transaction, row, now)
    return [row.id for row in stopped]


def finish(transaction: Session, instruction_id: UUID, now: datetime) -> None:
    """Report an instruction as done once every source is settled."""
    row = _held(transaction, instruction_id)
    if row.state != InstructionState.WORK or any(
        task.settled_at is None for task in tasks_of(transaction, row.id)
    ):
        return
    row.state, row.settled_at = InstructionState.DONE, now
    transaction.add(row)
    record(transaction, "instruction.done", row.id, now)
    _report(transaction, row, DONE, now)


def is_under_hold(transaction: Session, row: ControllerInstruction) -> bool:
    """Whether a legal hold stands on the person, or on what one of these sources has of them, and
    against what is to be done. As long as the transaction lasts, none comes."""
    if not bars(Verb(row.verb)):
        return False
    known = _known_to_us(transaction, row)
    on_hold = sources_kept_on_hold(transaction, known) if known else frozenset[str]()
    return _is_kept_by(transaction, row, on_hold)


def instruction_by_id(session: Session, instruction_id: UUID) -> ControllerInstruction:
    """Raises InstructionRefused."""
    row = session.get(ControllerInstruction, instruction_id)
    if row is None:
        raise InstructionRefused(NO_SUCH)
    return row


def all_instructions(session: Session) -> Sequence[ControllerInstruction]:
    """Every instruction, the newest first."""
    return session.exec(
        select(ControllerInstruction).order_by(
            col(ControllerInstruction.entered_at).desc(), col(ControllerInstruction.id)
        )
    ).all()


def unfinished(session: Session) -> Sequence[UUID]:
    """The instructions that wait for somebody or something, or whose mails do."""
    waiting = (
        select(OutboxMail.subject_id)
        .where(
            OutboxMail.subject_kind == INSTRUCTION,
            col(OutboxMail.state).in_(["queued", *IN_DOUBT]),
        )
        .distinct()
    )
    open_ones = select(ControllerInstruction.id).where(
        col(ControllerInstruction.state).in_(UNFINISHED)
    )
    return list(dict.fromkeys([*session.exec(open_ones), *session.exec(waiting)]))


def tell_staff(transaction: Session, row: ControllerInstruction, step: str, now: datetime) -> None:
    """Have the privacy team told that an instruction needs one of them; once for each step."""
    mails = [
        _mail(row, STAFF, member.id, step, "instruction_needs_you")
        for member in in_charge(transaction, "privacy")
    ]
    queue(transaction, mails, now)


def _account_at(session: Session, address: str) -> UUID | None:
    """The account with this address, which may change; none where several share it."""
    found = accounts_at_address(session, address)
    return found[0].id if len(found) == 1 else None


def _is_kept_by(session: Session, row: ControllerInstruction, on_hold: Collection[str]) -> bool:
    return any(keeps(task.source, on_hold) for task in tasks_of(session, row.id))


def _give_way(transaction: Session, row: ControllerInstruction, now: datetime) -> None:
    row.doubt, row.doubted_by = UNDER_HOLD, None
    row.decided_by = row.decided_at = None
    _put_before_second_person(transaction, row, now)


def _put_before_second_person(
    transaction: Session, row: ControllerInstruction, now: datetime
) -> None:
    row.state = InstructionState.REVIEW
    transaction.add(row)
    record(transaction, "instruction.held", row.id, now)
    at = f"{now:%Y%m%d%H%M%S}"
    tell_staff(transaction, row, f"{SECOND_PERSON}#{at}", now)
    if row.doubt:
        _report(transaction, row, f"{HELD}#{at}", now)


def _report(transaction: Session, row: ControllerInstruction, step: str, now: datetime) -> None:
    if row.contact_address:
        mail = _mail(row, CONTROLLER, row.id, step, "instruction_report")
        queue(transaction, [mail], now)


def _mail(
    row: ControllerInstruction, kind: str, addressee_id: UUID, step: str, template: str
) -> Queued:
    return Queued(
        subject_kind=INSTRUCTION,
        subject_id=row.id,
        addressee_kind=kind,
        addressee_id=addressee_id,
        step=step,
        template=template,
        variant=row.id,
    )


def _held(transaction: Session, instruction_id: UUID) -> ControllerInstruction:
    instruction_by_id(transaction, instruction_id)
    return held(transaction, ControllerInstruction, instruction_id)


def _require_whole(told: Instruction, now: datetime) -> None:
    if not (told.address.strip() or told.external_id.strip()):
        raise InstructionRefused(
            "Say whom it is about: by their address, their id with the controller, or a request."
        )
    if not told.evidence.strip():
        raise InstructionRefused("Write how it came, and how you know that it is from them.")
    if told.received_at > now:
        raise InstructionRefused("It cannot have come in the future. Look at day and time.")
    if (told.verb is Verb.CORRECT) != bool(told.corrections):
        raise InstructionRefused(
            "A correction needs what is wrong and what is right, and nothing else has them."
        )
