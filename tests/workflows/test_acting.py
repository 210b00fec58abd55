"""What goes wrong is tried again for as long as it takes, and no history grows without end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from activities.requests.requests import RequestActivities
from database.engine import Database
from database.requests import requests
from database.tables import DataSubjectRequest
from domain.requests.data_subject_requests import Intake
from tests.answers import IN_FULL
from tests.eventually import eventually
from tests.people import DORA
from tests.texts import FIRST
from tests.workflows.conftest import Town, town
from workflows.messenger import Refused

pytestmark = pytest.mark.temporal

SUGGESTION = "limit.historyCount.suggestContinueAsNew"
A_DOZEN_TRIES, THREE_TRIES = 150, 30
LONGEST_HISTORY = 200
REAL_CASE = RequestActivities._case


@pytest.fixture
def forgetful_town(
    database: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Town]:
    """A town whose server wants histories no longer than so many tries make them."""
    with town(database, tmp_path, server_settings={SUGGESTION: request.param}) as running:
        yield running


def breaks(*_arguments: object) -> Any:  # noqa: ANN401 - it stands for a method that returns
    raise RuntimeError("no reading today")


def asks(town: Town) -> DataSubjectRequest:
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    return town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )


def look(town: Town, request: DataSubjectRequest) -> DataSubjectRequest:
    with town.database.session() as session:
        return requests.request_by_reference(session, request.reference)


def lengths_of_runs(town: Town, workflow_id: str) -> list[int]:
    async def each() -> list[int]:
        return [
            (
                await town.client.get_workflow_handle(workflow_id, run_id=run.run_id).describe()
            ).raw_description.workflow_execution_info.history_length
            async for run in town.client.list_workflows(f"WorkflowId='{workflow_id}'")
        ]

    return town.portal.call(each)


@pytest.mark.parametrize("forgetful_town", [A_DOZEN_TRIES], indirect=True)
def test_hours_of_failure_make_many_short_histories_and_then_it_goes_on(
    forgetful_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P21: nothing is given up, and nothing is done twice when it works again."""
    town = forgetful_town
    monkeypatch.setattr(RequestActivities, "_case", breaks)
    request = asks(town)
    town.advance(hours=3)
    monkeypatch.setattr(RequestActivities, "_case", REAL_CASE)
    town.advance(hours=1)
    eventually(lambda: look(town, request).acknowledged_at)
    lengths = lengths_of_runs(town, f"data-subject-request/{request.id}")
    assert len(lengths) > 1
    assert max(lengths) < LONGEST_HISTORY
    assert len(town.mails(to=DORA.email)) == 2


@pytest.mark.parametrize("forgetful_town", [THREE_TRIES], indirect=True)
def test_who_decides_is_told_when_it_goes_wrong_again_and_again(
    forgetful_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P22: what they wrote is kept, and can be decided when everything runs again."""
    town = forgetful_town
    request = asks(town)
    eventually(lambda: look(town, request).acknowledged_at)
    town.desk.verify(request.id, how="link to the address on file")
    monkeypatch.setattr(RequestActivities, "_case", breaks)
    with pytest.raises(Refused, match="again and again"):
        town.desk.decide(request.reference, town.staff["petra"], IN_FULL)
    monkeypatch.setattr(RequestActivities, "_case", REAL_CASE)
    town.advance(hours=1)
    eventually(lambda: len(town.mails(to=DORA.email)) == 2)
