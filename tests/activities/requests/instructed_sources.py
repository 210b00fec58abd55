"""Instructions of the clinic, for which the invented company keeps data, carried out in a scene."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.requests.instructions import (
    InstructionActivities,
    InstructionCase,
    InstructionInput,
)
from database.requests import instructions
from database.requests.instructed_tasks import tasks_of
from database.requests.instructions import Instruction
from database.tables import ControllerInstruction, InstructedTask, OutboxMail
from domain.requests.personal_data import Verb
from tests.activities.requests.asked_sources import ALICE, COMPANY, AskedSources
from tests.data_sources.fernhill import KEY
from tests.scene import NOW

CLINIC = "Harbour Dental Clinic"
CONTACT = "privacy@harbour-dental.example"


def told(verb: Verb, **changes: object) -> Instruction:
    """What the clinic says about Alice, who wrote to its help desk."""
    return Instruction(
        **{  # type: ignore[arg-type]
            "controller": CLINIC,
            "contact_address": CONTACT,
            "sources": ("support",),
            "verb": verb,
            "address": ALICE.email,
            "external_id": "",
            "received_at": NOW,
            "evidence": "A signed letter of the clinic.",
            **changes,
        }
    )


class Instructed:
    """Enters instructions, and takes the turns of their workflows."""

    def __init__(self, company: AskedSources) -> None:
        self.company = company
        self.database = company.scene.database
        self.staff = company.scene.staff

    def enter(self, what: Instruction, by: str = "petra") -> UUID:
        with self.database.transaction() as transaction:
            row = instructions.enter(transaction, what, staff_id=self.staff[by], now=NOW)
            return row.id

    def decide(self, instruction: UUID, by: str, *, carry_out: bool = True) -> None:
        with self.database.transaction() as transaction:
            instructions.decide(
                transaction,
                instruction,
                carry_out=carry_out,
                reason="Looked at it.",
                staff_id=self.staff[by],
                now=NOW,
            )

    def carry_out(self, instruction: UUID, now: datetime = NOW) -> InstructionCase:
        company = self.company
        activities = InstructionActivities(
            database=self.database,
            sources=[*{**company.sources, **company.instead}.values()],
            storage=company.storage,
            company=COMPANY,
            courier=company.courier,
            pseudonym_key=KEY,
        )
        what = InstructionInput(instruction_id=instruction, now=now)
        case: InstructionCase = ActivityEnvironment().run(activities.carry_out, what)
        return case

    def row(self, instruction: UUID) -> ControllerInstruction:
        with self.database.session() as session:
            return session.get_one(ControllerInstruction, instruction)

    def task(self, instruction: UUID) -> InstructedTask:
        with self.database.session() as session:
            (task,) = tasks_of(session, instruction)
            return task

    def mails(self, instruction: UUID) -> Mapping[str, Sequence[str]]:
        """The steps of which the clinic, and staff, are told."""
        with self.database.session() as session:
            rows = session.exec(
                select(OutboxMail).where(OutboxMail.subject_id == instruction)
            ).all()
        return {
            kind: sorted({row.step.partition("#")[0] for row in rows if row.addressee_kind == kind})
            for kind in ("controller", "staff")
        }
