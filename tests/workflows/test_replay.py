"""Workflows run for a month: what is released goes on with the histories that older code wrote."""

import json
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from activities.campaigns.case import CampaignCase
from database.mail.steps import FIRST_NOTICE
from temporal import Case
from tests.people import personal_words
from tests.workflows.record_histories import HISTORIES, release
from tests.workflows.recorded_stories import STORIES
from worker import WORKFLOWS
from workflows.campaign import CampaignWorkflow

STORED = sorted(HISTORIES.glob("*/*/*.json"))
OF_EVERY_CASE = {
    "TIMER_FIRED",
    "ACTIVITY_TASK_COMPLETED",
    "ACTIVITY_TASK_FAILED",
    "MARKER_RECORDED",
    "WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
    "WORKFLOW_EXECUTION_COMPLETED",
}
WITH_PEOPLE = {
    "TIMER_CANCELED",
    "WORKFLOW_EXECUTION_SIGNALED",
    "WORKFLOW_EXECUTION_UPDATE_ACCEPTED",
}
KINDS = {
    "campaign": OF_EVERY_CASE
    | {"EXTERNAL_WORKFLOW_EXECUTION_SIGNALED", "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED"},
    "publication": OF_EVERY_CASE | WITH_PEOPLE,
    "data-subject-request": OF_EVERY_CASE | WITH_PEOPLE,
    "controller-instruction": OF_EVERY_CASE | {"WORKFLOW_EXECUTION_SIGNALED"},
    "mail-delivery": OF_EVERY_CASE,
    "alarm-delivery": OF_EVERY_CASE,
    "watchdog": {"ACTIVITY_TASK_COMPLETED", "WORKFLOW_EXECUTION_COMPLETED"},
}
"""What the code of each workflow goes on from. A try that took too long is one that failed."""
AN_ESCALATION = HISTORIES / release() / "campaign" / "reminded_and_escalated.json"


def stored(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text())


def words(part: object) -> Iterator[str]:
    """Every text of a history, what its payloads hold included."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield from [b64decode(value).decode()] if name == "data" else words(value)
    elif isinstance(part, list):
        for item in part:
            yield from words(item)
    else:
        yield str(part)


RUNNERS = (SandboxedWorkflowRunner(), UnsandboxedWorkflowRunner())
"""The first finds what would not replay; the second is the worker's."""


def replayer(*workflows: type, runner: WorkflowRunner = RUNNERS[0]) -> Replayer:
    return Replayer(
        workflows=workflows, workflow_runner=runner, data_converter=pydantic_data_converter
    )


@pytest.mark.parametrize("runner", RUNNERS, ids=["sandboxed", "as the worker does"])
@pytest.mark.parametrize("path", STORED, ids=lambda path: str(path.relative_to(HISTORIES)))
async def test_what_runs_since_an_earlier_release_goes_on(
    path: Path, runner: WorkflowRunner
) -> None:
    """Fails? CONTRIBUTING.md says how a workflow is changed."""
    await replayer(*WORKFLOWS, runner=runner).replay_workflow(stored(path))


def test_every_path_of_every_workflow_is_stored() -> None:
    """Missing? `python -m tests.workflows.record_histories PATH` lives and stores it."""
    newest = {
        str(path.relative_to(HISTORIES / release()).with_suffix(""))
        for path in (HISTORIES / release()).glob("*/*.json")
    }
    assert newest == {path for story in STORIES for path in story.paths}
    names = {workflow._Definition.must_from_class(each).name for each in WORKFLOWS}
    assert {path.split("/")[0] for path in newest} == names


@pytest.mark.parametrize("each", WORKFLOWS, ids=lambda each: each.__name__)
def test_whatever_can_happen_to_a_workflow_happens_in_a_stored_history(each: type) -> None:
    """Missing? It needs a story that leads there, in one of `stories_of_*.py`."""
    definition = workflow._Definition.must_from_class(each)
    assert definition.name is not None
    happened = {event["eventType"].removeprefix("EVENT_TYPE_") for event in events(definition.name)}
    assert KINDS[definition.name] - happened == set()
    heard = {name for event in events(definition.name) for name in heard_in(event)}
    assert heard == {*definition.signals, *definition.updates}


def events(name: str) -> Iterator[dict[str, Any]]:
    """All that happened in the histories of a workflow that this release stored."""
    for path in (HISTORIES / release() / name).glob("*.json"):
        yield from json.loads(path.read_text())["events"]


def heard_in(event: dict[str, Any]) -> Iterator[str]:
    """The name of the signal or update that came."""
    if signal := event.get("workflowExecutionSignaledEventAttributes"):
        yield signal["signalName"]
    if update := event.get("workflowExecutionUpdateAcceptedEventAttributes"):
        yield update["acceptedRequest"]["input"]["name"]


@workflow.defn(name="campaign", sandboxed=False)
class NotesBeforeItSends(CampaignWorkflow):
    """Two steps of a reminder in another order, and nothing else."""

    @workflow.init
    def __init__(self, case: Case) -> None:
        super().__init__(case)

    @workflow.run
    async def run(self, case: Case) -> str:
        return await super().run(case)

    async def _send_to_all(self, step: str, campaign: CampaignCase) -> CampaignCase:
        if step != FIRST_NOTICE:
            self._noted = await super()._note(step, workflow.now())
        return await super()._send_to_all(step, campaign)

    async def _note(
        self, step: str, due_at: datetime, effect_at: datetime | None = None
    ) -> CampaignCase:
        return self._noted


async def test_a_change_of_order_and_nothing_else_is_noticed() -> None:
    await replayer(CampaignWorkflow).replay_workflow(stored(AN_ESCALATION))
    with pytest.raises(NondeterminismError):
        await replayer(NotesBeforeItSends).replay_workflow(stored(AN_ESCALATION))


@pytest.mark.parametrize("path", STORED, ids=lambda path: str(path.relative_to(HISTORIES)))
def test_no_person_and_no_machine_stands_in_a_stored_history(path: Path) -> None:
    """P31: they are read by whoever reads the code."""
    content = list(words(json.loads(path.read_text())))
    assert any("subject_id" in each for each in content) or "watchdog" in str(path)
    for word in ("@", 'File "', *personal_words()):
        assert not [each for each in content if word in each], word
