"""The watchdog starts what should be running and is not."""

import pytest

from domain.data_subject_requests import Intake
from domain.reviews import VersionClass
from tests.eventually import eventually
from tests.people import ALICE, DORA
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town
from workflows.watchdog import WatchdogWorkflow

pytestmark = pytest.mark.temporal


def patrol(town: Town) -> tuple[str, ...]:
    async def once() -> tuple[str, ...]:
        found = await town.client.execute_workflow(
            WatchdogWorkflow.run, id="watchdog", task_queue="promisekeeper"
        )
        return found.started

    return town.portal.call(once)


def terminate(town: Town, workflow_id: str) -> None:
    async def now() -> None:
        await town.client.get_workflow_handle(workflow_id).terminate("pressed at three at night")

    town.portal.call(now)


def test_terminated_workflows_come_back_and_nothing_is_sent_twice(running_town: Town) -> None:
    """P4, P21: ops may terminate anything; the database knows what was done."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, DORA)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    request = town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )
    eventually(lambda: len(town.mails()) == 4)
    lost = {
        f"publication/privacy-policy/{number}",
        f"campaign/privacy-policy/{number}",
        f"data-subject-request/{request.id}",
    }
    for workflow_id in lost:
        terminate(town, workflow_id)
    assert eventually(lambda: set(patrol(town))) == lost
    assert patrol(town) == ()
    town.advance(days=33)
    eventually(lambda: town.version(number).state == "in_force")
    assert len(town.mails(to=ALICE.email)) == 3


def test_a_request_taken_in_without_temporal_is_started_later(running_town: Town) -> None:
    """P21: the thirty days run although nobody could start the workflow at receipt."""
    town = running_town
    town.put_in_force(FIRST)
    request = town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )
    terminate(town, f"data-subject-request/{request.id}")
    assert patrol(town) == (f"data-subject-request/{request.id}",)
    eventually(lambda: town.mails(to=DORA.email))
