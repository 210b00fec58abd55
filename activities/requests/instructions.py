"""Carrying out what a controller told us: only its own sources are asked (P24)."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session
from temporalio import activity

from activities.requests import erasing
from activities.requests.asking import NOT_IN_THE_MAP, Asking
from data_sources.source import Call, DataSource, SourceWrong
from data_sources.tombstones import known_as
from database.mail.mail_rows import Batch
from database.mail.outbox import states
from database.requests import asked_tasks, instructed_tasks, instructions
from database.requests.instructions import instruction_by_id, tell_staff
from database.tables import ControllerInstruction, InstructedTask
from database.webhooks.alarms import AlarmKind, sound
from domain.requests.controller_instructions import InstructionState
from domain.requests.personal_data import Correction, Exported, Located, Receipt, Verb, Waits
from domain.requests.source_tasks import Asked, done_receipt, exported_receipt, located_receipt

NOT_THEIRS = (
    "The data map says that this source is held for somebody else now. It was not asked anything."
)
NOT_ALL = "Not all of it is done: {failed}. See to the rest there, and have it asked again."


@dataclass(frozen=True, kw_only=True)
class InstructionInput:
    """An instruction, and the instant at which the workflow acts."""

    instruction_id: UUID
    now: datetime


@dataclass(frozen=True, kw_only=True)
class InstructionCase:
    """What the instruction's workflow knows: states and instants, nothing about the person.

    `asked`: how far its sources are. `since`: when its state began.
    """

    state: InstructionState
    mails_waiting: int
    asked: Asked
    since: datetime | None


class InstructionActivities(Asking[InstructedTask]):
    """Asks the sources of controllers; built once, in worker.py."""

    @activity.defn
    def load_instruction(self, what: InstructionInput) -> InstructionCase:
        """How the instruction stands in the database."""
        with self._database.session() as session:
            return self._case(session, what.instruction_id)

    @activity.defn
    def carry_out(self, what: InstructionInput) -> InstructionCase:
        """Ask a source that is due, unless a second person has to decide first, the next one at the
        next call, and remind those who do by hand what is due; and report once all of them are
        settled. Asked twice, a source does nothing twice."""
        with self._database.session() as session:
            task = instructed_tasks.due(session, what.instruction_id, what.now)
            by_hand = instructed_tasks.to_remind(session, what.instruction_id, what.now)
        if task is not None:
            self._ask_if_it_may_be(task, what)
        self._remind(by_hand, what.now)
        with self._database.transaction() as transaction:
            instructions.finish(transaction, what.instruction_id, what.now)
            case = self._case(transaction, what.instruction_id)
        self._courier.tell(what.now)
        return case

    def _ask_if_it_may_be(self, task: InstructedTask, what: InstructionInput) -> None:
        with self._database.transaction() as transaction:
            row = instruction_by_id(transaction, what.instruction_id)
            names = known_as(instructions.person_named(row), self._pseudonym_key)
            may_be_asked = instructions.claim(transaction, task, names, what.now)
        if not may_be_asked:
            return
        try:
            self._ask(row, task, what)
        finally:
            with self._database.transaction() as transaction:
                instructions.give_back(transaction, what.instruction_id, what.now)

    def _ask(
        self, row: ControllerInstruction, task: InstructedTask, what: InstructionInput
    ) -> None:
        source = self._sources.get(task.source)
        if source is None:
            self._needs_person(task, NOT_IN_THE_MAP, what.now)
        elif source.about.controller != row.controller:
            self._needs_person(task, NOT_THEIRS, what.now)
        else:
            self._have_answered(source, row, task, what)

    def _have_answered(
        self,
        source: DataSource,
        row: ControllerInstruction,
        task: InstructedTask,
        what: InstructionInput,
    ) -> None:
        call = Call(id=task.call_id, now=what.now)

        def ask() -> Exported | Receipt | Waits:
            if row.verb == Verb.ERASE and task.found is None:
                self._look_first(source, row, task, call)
            return _answer(source, row, call)

        answer = self._answered(task, ask, what.now)
        if answer is not None:
            self._settle(source, task, answer, what.now)

    def _look_first(
        self, source: DataSource, row: ControllerInstruction, task: InstructedTask, call: Call
    ) -> None:
        """Note what there is before any of it can be gone: a source that erased, and whose answer
        was lost, says at the next try that it had nothing."""
        located = source.locate(
            instructions.person_named(row), replace(call, id=f"{call.id}/first")
        )
        if isinstance(located, Located):
            about = source.about
            found = located_receipt(located, title=about.title, controller=about.controller)
            with self._database.transaction() as transaction:
                instructed_tasks.note_found(transaction, task, found)

    def _settle(
        self,
        source: DataSource,
        task: InstructedTask,
        answer: Exported | Receipt | Waits,
        now: datetime,
    ) -> None:
        match answer:
            case Receipt(failed=failed) if failed:
                told = ", ".join(f"{one.category} ({one.reason})" for one in failed)
                self._needs_person(task, NOT_ALL.format(failed=told), now)
            case Receipt(verb=Verb.ERASE):
                with self._database.transaction() as transaction:
                    instructed_tasks.settle_erasure(transaction, task, done_receipt(answer), now)
            case Receipt():
                with self._database.transaction() as transaction:
                    asked_tasks.settle(transaction, task, done_receipt(answer), now)
            case Exported():
                self._keep(source, task, answer, now)
            case Waits():
                with self._database.transaction() as transaction:
                    self._give_to_staff(transaction, source, task, now)

    def _keep(
        self, source: DataSource, task: InstructedTask, exported: Exported, now: datetime
    ) -> None:
        names = tuple(source.about.categories)
        receipt = exported_receipt(names, exported.records, exported.doubtful)
        file = self._kept(source, exported)
        with self._database.transaction() as transaction:
            settled = asked_tasks.settle(transaction, task, receipt, now, file=file)
        if not settled:  # of two that asked at once the one that came later: no row knows its file
            self._storage.delete(file)

    def _tell(self, transaction: Session, task: InstructedTask, step: str, now: datetime) -> None:
        row = instruction_by_id(transaction, task.instruction_id)
        tell_staff(transaction, row, f"{step}#{task.source}.{task.attempts}", now)

    def _must_wait(self, _transaction: Session, _task: InstructedTask) -> bool:
        return False  # what waits for a second person is not carried out, and reminds nobody

    def _needed_by(self, _transaction: Session, _task: InstructedTask) -> datetime | None:
        return None  # no law says by when a controller is obeyed

    def _sound(
        self, transaction: Session, kind: AlarmKind, task: InstructedTask, now: datetime
    ) -> None:
        row = instruction_by_id(transaction, task.instruction_id)
        sound(
            transaction,
            kind,
            f"{task.id}/{task.attempts}",
            now,
            page=f"/staff/instructions/{row.id}",
            reference=row.reference,
            source=task.source,
            verb=row.verb,
        )

    def _case(self, session: Session, instruction_id: UUID) -> InstructionCase:
        row = instruction_by_id(session, instruction_id)
        mails = states(session, Batch(subject_id=row.id))
        return InstructionCase(
            state=InstructionState(row.state),
            mails_waiting=sum(mails.get(state, 0) for state in ("queued", "sending", "unknown")),
            asked=instructed_tasks.standing(session, row.id),
            since=row.settled_at or row.decided_at or row.entered_at,
        )


def _answer(
    source: DataSource, row: ControllerInstruction, call: Call
) -> Exported | Receipt | Waits:
    person = instructions.person_named(row)
    match Verb(row.verb):
        case Verb.EXPORT:
            return source.export(person, call)
        case Verb.ERASE:
            return erasing.erase(source, person, call)
        case Verb.RESTRICT:
            return source.restrict(person, call)
        case Verb.CORRECT:
            wrong = [Correction(**one) for one in row.corrections or ()]
            return source.correct(person, wrong, call)
        case other:
            raise SourceWrong(f"A controller cannot tell us to {other}. Nothing was asked.")
