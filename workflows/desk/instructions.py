"""Instructions of the companies for which we keep data, entered and decided by privacy (P24)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as hidden
from datetime import datetime
from uuid import UUID

import temporal
from data_sources.by_hand import Typed, TypedWrong
from data_sources.data_map import Description
from data_sources.map_file import DataMapRefused, read_data_map
from database.facts import record
from database.requests import instructed_tasks, instructions
from database.requests.instructed_tasks import task_by_id, tasks_of
from database.requests.instructions import Instruction, instruction_by_id
from database.requests.manual_tasks import doers
from database.requests.requests import request_by_reference
from database.requests.same_person import person_asked_about
from database.storage import FileUnusable
from domain.requests.collected import Collected, collected_from
from domain.requests.packages import copy_of
from domain.requests.personal_data import Held, Located, Verb
from workflows.desk.part import refusing, require_showable
from workflows.desk.sources import Sources
from workflows.messenger import Refused


@dataclass(frozen=True, kw_only=True)
class NewInstruction:
    """An instruction as somebody of staff types it. `reference`: of the request that it answers,
    which says the address that it is about; else `address` does, or `external_id`: what the company
    itself calls the person. `correction`: category, field, the wrong value and the right one."""

    controller: str
    verb: Verb
    received_at: datetime
    evidence: str
    doubt: str = ""
    reference: str = ""
    address: str = hidden(default="", repr=False)
    external_id: str = hidden(default="", repr=False)
    correction: Mapping[str, str] = hidden(default_factory=dict, repr=False)


class Instructions(Sources):
    """Where privacy does with the data of other companies what they say."""

    def controllers(self) -> Mapping[str, Sequence[Description]]:
        """The companies for which we keep data, with its sources. Raises Refused where the data map
        cannot be read."""
        if self._data_map is None:
            return {}
        try:
            sources = read_data_map(self._data_map).sources
        except DataMapRefused as fault:
            raise Refused(str(fault)) from None
        names = dict.fromkeys(one.controller for one in sources if one.controller)
        return {name: [one for one in sources if one.controller == name] for name in names}

    def enter_instruction(self, told: NewInstruction, staff_id: UUID) -> UUID:
        """Take an instruction in; its id. Raises Refused."""
        require_showable(told.evidence, told.doubt, *told.correction.values())
        sources = self.controllers().get(told.controller)
        if not sources:
            raise Refused("The data map knows no such company for which we keep data.")
        now = self.clock.now()
        with self._acting(staff_id, "privacy") as transaction:
            address, request_id, account_id = told.address, None, None
            if told.reference:
                request = request_by_reference(transaction, told.reference)
                person = person_asked_about(transaction, request, told.verb)
                address = address or next(iter(person.addresses), "")
                request_id, account_id = request.id, request.account_id
            row = instructions.enter(
                transaction,
                Instruction(
                    controller=told.controller,
                    contact_address=next((one.contact for one in sources if one.contact), ""),
                    sources=[one.name for one in sources],
                    verb=told.verb,
                    address=address,
                    external_id=told.external_id,
                    received_at=told.received_at,
                    evidence=told.evidence,
                    doubt=told.doubt,
                    corrections=[dict(told.correction)] if told.correction else (),
                    request_id=request_id,
                    account_id=account_id,
                ),
                staff_id=staff_id,
                now=now,
            )
            instruction_id = row.id
        self._messenger.start_or_leave(temporal.controller_instruction(instruction_id), now)
        return instruction_id

    def question_instruction(self, instruction_id: UUID, staff_id: UUID, *, doubt: str) -> None:
        """Say that an instruction looks unlawful: a second person decides. Raises Refused."""
        require_showable(doubt)
        with self._acting(staff_id, "privacy") as transaction:
            instructions.question(
                transaction, instruction_id, doubt, staff_id=staff_id, now=self.clock.now()
            )
        self._wake_instruction(instruction_id)

    def decide_instruction(
        self, instruction_id: UUID, staff_id: UUID, *, carry_out: bool, reason: str
    ) -> None:
        """Have it carried out, or refuse it, as a second person. Raises Refused."""
        require_showable(reason)
        with self._acting(staff_id, "privacy") as transaction:
            instructions.decide(
                transaction,
                instruction_id,
                carry_out=carry_out,
                reason=reason,
                staff_id=staff_id,
                now=self.clock.now(),
            )
        self._wake_instruction(instruction_id)

    def ask_instructed_again(self, instruction_id: UUID, task_id: UUID, staff_id: UUID) -> None:
        """Have a source asked now that is silent, or was wrong. Raises Refused."""
        with self._acting(staff_id, "privacy") as transaction:
            task = task_by_id(transaction, instruction_id, task_id)
            instructed_tasks.ask_again(transaction, task, staff_id=staff_id, now=self.clock.now())
        self._wake_instruction(instruction_id)

    def give_up_instructed(
        self, instruction_id: UUID, task_id: UUID, staff_id: UUID, *, reason: str
    ) -> None:
        """Say that it cannot be done at a source, and why. Raises Refused."""
        require_showable(reason)
        with self._acting(staff_id, "privacy") as transaction:
            task = task_by_id(transaction, instruction_id, task_id)
            instructed_tasks.give_up(
                transaction, task, reason=reason, staff_id=staff_id, now=self.clock.now()
            )
        self._wake_instruction(instruction_id)

    def hand_in_instructed(
        self, instruction_id: UUID, task_id: UUID, staff_id: UUID, typed: Typed
    ) -> None:
        """Hand in what came of something that one did by hand, as for a request. Raises Refused."""
        require_showable(typed.evidence, *typed.entries.values())
        with refusing(), self.database.session() as session:
            row = instruction_by_id(session, instruction_id)
            task = task_by_id(session, instruction_id, task_id)
        about = self.described_sources().get(task.source)
        if about is None:
            raise Refused("The data map has no such source. Nothing was changed.")
        try:
            done = self._by_hand(about, Verb(row.verb), typed)
        except TypedWrong as wrong:
            raise Refused(f"{wrong} Nothing was changed.") from None
        with (
            self._storage.until_known([done.file]),
            self._acting(staff_id, *doers(task)) as transaction,
        ):
            instructed_tasks.hand_in(
                transaction, task, done, staff_id=staff_id, now=self.clock.now()
            )
        self._wake_instruction(instruction_id)

    def copy_for_controller(self, instruction_id: UUID, staff_id: UUID) -> str:
        """The copy that an instruction asked for, as JSON; who took it is recorded (P30). Raises
        Refused."""
        now = self.clock.now()
        with self._acting(staff_id, "privacy") as transaction:
            row = instruction_by_id(transaction, instruction_id)
            files = [task.file for task in tasks_of(transaction, row.id) if task.file]
            record(transaction, "personal_data.read", row.id, now, staff=staff_id)
            reference = row.reference
        if not files:
            raise Refused("There is no copy: it was not asked for, is not made yet, or is deleted.")
        try:
            collected = [collected_from(self._storage.read(file)) for file in files]
        except FileUnusable as fault:
            raise Refused(str(fault)) from None
        return copy_of(
            reference,
            now,
            located=[_located(one) for one in collected],
            records=[record for one in collected for record in one.records],
            titles={one.source: one.title for one in collected},
        ).to_json()

    def _wake_instruction(self, instruction_id: UUID) -> None:
        self._messenger.wake(f"controller-instruction/{instruction_id}")


def _located(collected: Collected) -> Located:
    held = [Held(category=category, rows=0, uses=uses) for category, uses in collected.uses.items()]
    return Located(source=collected.source, held=tuple(held))
