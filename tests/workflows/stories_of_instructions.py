"""Stories of what a company told us to do with the data that we keep for it."""

from uuid import UUID

from database.requests.instructed_tasks import tasks_of
from database.tables import ControllerInstruction
from domain.requests.personal_data import Verb
from embedded.sample_company import database as sample_company
from tests.eventually import eventually
from tests.people import DORA
from tests.texts import FIRST
from tests.workflows.conftest import Town
from tests.workflows.living import FAILED, Recorded, Story, ended, kinds_of, trap
from workflows.desk.instructions import NewInstruction

EVIDENCE = "A signed letter of the clinic, in the blue folder."


def tells(town: Town, verb: Verb, doubt: str = "") -> UUID:
    """The clinic tells us what to do with what it has of Dora; Petra enters it."""
    told = NewInstruction(
        controller="Harbour Dental Clinic",
        verb=verb,
        received_at=town.now(),
        evidence=EVIDENCE,
        doubt=doubt,
        address=DORA.email,
    )
    return town.desk.enter_instruction(told, town.staff["petra"])


def instruction_id(instruction: UUID) -> str:
    return f"controller-instruction/{instruction}"


def state_of(town: Town, instruction: UUID) -> str:
    with town.database.session() as session:
        return session.get_one(ControllerInstruction, instruction).state


def paul_decides(town: Town, instruction: UUID, *, carry_out: bool) -> None:
    town.desk.decide_instruction(
        instruction, town.staff["paul"], carry_out=carry_out, reason="Read it."
    )


def an_erasure_by_two_whose_source_is_away_at_first(town: Town) -> Recorded:
    """The database of the company is away for a few minutes; the report goes out at the end."""
    town.put_in_force(FIRST)
    erasure = tells(town, Verb.ERASE)
    eventually(lambda: "second person" in town.told(instruction_id(erasure)).get("waits_for", ""))
    town.come_to_rest()
    paul_decides(town, erasure, carry_out=True)
    eventually(lambda: attempts(town, erasure))
    town.come_to_rest()
    sample_company.make(town.settings.sample_company, others=3)
    town.advance(minutes=5)
    eventually(lambda: ended(town, instruction_id(erasure)))
    assert state_of(town, erasure) == "done"
    return {"controller-instruction/erased_by_two": (instruction_id(erasure), 0)}


def attempts(town: Town, instruction: UUID) -> int:
    with town.database.session() as session:
        return sum(task.attempts for task in tasks_of(session, instruction))


def one_that_looks_unlawful_and_is_refused(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    export = tells(town, Verb.EXPORT, doubt="They want it for advertising.")
    eventually(lambda: "second person" in town.told(instruction_id(export)).get("waits_for", ""))
    town.come_to_rest()
    paul_decides(town, export, carry_out=False)
    eventually(lambda: ended(town, instruction_id(export)))
    return {"controller-instruction/refused": (instruction_id(export), 0)}


def one_that_goes_wrong(town: Town) -> Recorded:
    """Our own database refuses to write for a while."""
    town.put_in_force(FIRST)
    sample_company.make(town.settings.sample_company, others=3)
    with trap(town, "UPDATE ON instructed_task"):
        export = tells(town, Verb.EXPORT)
        eventually(lambda: kinds_of(town, instruction_id(export)).count(FAILED) >= 2)
    eventually(lambda: ended(town, instruction_id(export)))
    return {"controller-instruction/goes_wrong": (instruction_id(export), 0)}


def one_that_continues_as_new(town: Town) -> Recorded:
    ((export, _),) = one_that_goes_wrong(town).values()
    return {
        "controller-instruction/continued_as_new": (export, 0),
        "controller-instruction/continued_from_another_run": (export, 1),
    }


STORIES = (
    Story(
        live=an_erasure_by_two_whose_source_is_away_at_first,
        paths=("controller-instruction/erased_by_two",),
        settings={"data_map": ""},  # the invented company's
    ),
    Story(
        live=one_that_looks_unlawful_and_is_refused,
        paths=("controller-instruction/refused",),
        settings={"data_map": ""},
    ),
    Story(
        live=one_that_goes_wrong,
        paths=("controller-instruction/goes_wrong",),
        settings={"data_map": ""},
    ),
    Story(
        live=one_that_continues_as_new,
        paths=(
            "controller-instruction/continued_as_new",
            "controller-instruction/continued_from_another_run",
        ),
        server_settings={"limit.historyCount.suggestContinueAsNew": 15},
        settings={"data_map": ""},
    ),
)
