"""Lives every path of every workflow and keeps its history, for later code to replay.

    python -m tests.workflows.record_histories [PATH ...]

Writes `histories/<version of the project>/<workflow>/<path>.json` as Temporal's own UI and command
line would, without the names of people and machines. What was released is never written again:
the version in pyproject.toml moves on.
"""

import json
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlmodel import select
from temporalio.client import WorkflowHistory

import temporal
from database.engine import Database
from database.request_answers import Answer
from database.tables import DataSubjectRequest, OutboxMail
from domain.data_subject_requests import Intake, Outcome
from domain.reviews import VersionClass
from settings import ROOT
from tests.answers import IN_FULL, REFUSAL
from tests.databases import SQLITE, migrated_database
from tests.eventually import eventually
from tests.people import ALICE, BOB, CAROL, DORA, POLICY
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town, town
from workflows.fast_forward import _follow
from workflows.watchdog import WatchdogWorkflow

MENDED = FIRST.replace("disadvantge", "disadvantage")
HISTORIES = Path(__file__).with_name("histories")
Recorded = Mapping[str, tuple[str, int]]
"""Path (workflow and what happened) to workflow id and which of its runs, oldest first."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """What is lived, under which settings of Temporal's server, and the paths it gives."""

    live: Callable[[Town], Recorded]
    paths: tuple[str, ...]
    server_settings: Mapping[str, object] = field(default_factory=dict)


def a_campaign_from_beginning_to_end(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB, CAROL)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {
        "publication/editorial": (publication(1), 0),
        "publication/released_with_campaign": (publication(number), 0),
        "campaign/reminded_and_escalated": (campaign(number), 0),
    }


def a_version_that_legal_takes_back(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    number = town.submit(SECOND)
    town.confirm_all(number, VersionClass.APPROVAL)
    town.desk.reject(POLICY, number, town.staff["lena"], "sent in by mistake")
    eventually(lambda: ended(town, publication(number)))
    return {"publication/rejected": (publication(number), 0)}


def a_version_that_people_are_only_told_of(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.publish(MENDED, VersionClass.NOTICE)
    eventually(lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {
        "publication/class_notice": (publication(number), 0),
        "campaign/told_without_approval": (campaign(number), 0),
    }


def a_campaign_with_nobody_to_ask(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/nobody_to_ask": (campaign(number), 0)}


def a_campaign_while_the_mail_service_is_down(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    town.mail.misbehave("429", times=2)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    in_a_while(town, lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {"campaign/mail_service_down": (campaign(number), 0)}


def a_campaign_that_continues_as_new(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB, CAROL)
    town.mail.misbehave("429", times=6)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    in_a_while(town, lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, campaign(number)))
    return {
        "campaign/continued_as_new": (campaign(number), 0),
        "campaign/continued_from_another_run": (campaign(number), 1),
    }


def a_request_that_is_answered(town: Town) -> Recorded:
    request = asks_for_access(town)
    town.desk.verify(request.id, how="link to the address on file")
    town.desk.assign(request.reference, town.staff["petra"])
    leap(town, 12)
    town.desk.decide(request.reference, town.staff["petra"], IN_FULL)
    eventually(lambda: ended(town, request_id(request)))
    return {"data-subject-request/answered": (request_id(request), 0)}


def a_request_that_tells_its_end(town: Town) -> Recorded:
    """Since the change `tells-its-end`, as the other two that tell theirs."""
    (answered,) = a_request_that_is_answered(town).values()
    return {"data-subject-request/end_told": answered}


def a_campaign_that_tells_its_end(town: Town) -> Recorded:
    lived = a_campaign_from_beginning_to_end(town)
    return {
        "publication/end_told": lived["publication/released_with_campaign"],
        "campaign/end_told": lived["campaign/reminded_and_escalated"],
    }


def a_mail_delivery_that_tells_its_end(town: Town) -> Recorded:
    return {"mail-delivery/end_told": mails_sent_again(town)["mail-delivery/mail_service_down"]}


def a_request_refused_by_two(town: Town) -> Recorded:
    request = asks_for_access(town)
    town.desk.verify(request.id, how="link to the address on file")
    decision = town.desk.decide(request.reference, town.staff["petra"], REFUSAL)
    town.desk.confirm(request.reference, decision.id, town.staff["paul"])
    eventually(lambda: ended(town, request_id(request)))
    return {"data-subject-request/refused_by_two": (request_id(request), 0)}


def a_request_whose_person_never_says_who_they_are(town: Town) -> Recorded:
    request = asks_for_access(town)
    leap(town, 20)
    return {"data-subject-request/identity_awaited": (request_id(request), 0)}


def a_request_that_is_overdue(town: Town) -> Recorded:
    request = asks_for_access(town)
    town.desk.verify(request.id, how="link to the address on file")
    leap(town, 33)
    town.desk.decide(
        request.reference,
        town.staff["petra"],
        Answer(outcome=Outcome.FULFILLED, explanation="Here it is, late."),
    )
    eventually(lambda: ended(town, request_id(request)))
    return {"data-subject-request/overdue_with_late_reply": (request_id(request), 0)}


def a_request_while_the_mail_service_is_down(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.mail.misbehave("429", times=2)
    request = receives(town)
    in_a_while(town, lambda: town.mails(to=DORA.email))
    leap(town, 3)
    return {"data-subject-request/mail_service_down": (request_id(request), 0)}


def mails_sent_again(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    with town.database.transaction() as transaction:
        mails = transaction.exec(select(OutboxMail).where(OutboxMail.step == "first_notice")).all()
        for mail in mails:
            mail.state = "operator"
    at_once, later = (f"mail-delivery/{mail.id}" for mail in mails)
    town.desk.resend(mails[0].id, town.staff["omar"])
    eventually(lambda: ended(town, at_once))
    town.mail.misbehave("429", times=2)
    town.desk.resend(mails[1].id, town.staff["omar"])
    in_a_while(town, lambda: ended(town, later))
    return {"mail-delivery/sent": (at_once, 0), "mail-delivery/mail_service_down": (later, 0)}


def rounds_of_the_watchdog(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    patrol(town, "watchdog/1")
    number = town.submit(SECOND)

    async def terminate() -> None:
        await town.client.get_workflow_handle(publication(number)).terminate()

    town.portal.call(terminate)
    patrol(town, "watchdog/2")
    return {"watchdog/all_well": ("watchdog/1", 0), "watchdog/repaired": ("watchdog/2", 0)}


STORIES = (
    Story(
        live=a_campaign_from_beginning_to_end,
        paths=(
            "publication/editorial",
            "publication/released_with_campaign",
            "campaign/reminded_and_escalated",
        ),
    ),
    Story(live=a_version_that_legal_takes_back, paths=("publication/rejected",)),
    Story(
        live=a_version_that_people_are_only_told_of,
        paths=("publication/class_notice", "campaign/told_without_approval"),
    ),
    Story(live=a_campaign_with_nobody_to_ask, paths=("campaign/nobody_to_ask",)),
    Story(live=a_campaign_while_the_mail_service_is_down, paths=("campaign/mail_service_down",)),
    Story(
        live=a_campaign_that_continues_as_new,
        paths=("campaign/continued_as_new", "campaign/continued_from_another_run"),
        server_settings={"limit.historyCount.suggestContinueAsNew": 30},
    ),
    Story(live=a_request_that_is_answered, paths=("data-subject-request/answered",)),
    Story(live=a_request_that_tells_its_end, paths=("data-subject-request/end_told",)),
    Story(live=a_request_refused_by_two, paths=("data-subject-request/refused_by_two",)),
    Story(
        live=a_request_whose_person_never_says_who_they_are,
        paths=("data-subject-request/identity_awaited",),
    ),
    Story(live=a_request_that_is_overdue, paths=("data-subject-request/overdue_with_late_reply",)),
    Story(
        live=a_request_while_the_mail_service_is_down,
        paths=("data-subject-request/mail_service_down",),
    ),
    Story(live=mails_sent_again, paths=("mail-delivery/sent", "mail-delivery/mail_service_down")),
    Story(live=a_campaign_that_tells_its_end, paths=("publication/end_told", "campaign/end_told")),
    Story(live=a_mail_delivery_that_tells_its_end, paths=("mail-delivery/end_told",)),
    Story(live=rounds_of_the_watchdog, paths=("watchdog/all_well", "watchdog/repaired")),
)


def publication(number: int) -> str:
    return f"publication/{POLICY}/{number}"


def campaign(number: int) -> str:
    return f"campaign/{POLICY}/{number}"


def request_id(request: DataSubjectRequest) -> str:
    return f"data-subject-request/{request.id}"


def receives(town: Town) -> DataSubjectRequest:
    """Dora asks for a copy of her data."""
    intake = Intake(name=DORA.name or "", contact_address=DORA.email, kinds=("access",))
    return town.desk.receive(intake, channel="web")


def asks_for_access(town: Town) -> DataSubjectRequest:
    """And both mails are out: that it came, and the link that shows who she is."""
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    request = receives(town)
    eventually(lambda: len(town.mails(to=DORA.email)) == 2)
    return request


def leap(town: Town, days: int) -> None:
    """Let days pass at once: going from day to day would leave its traces in the histories."""
    town.clock.advance(timedelta(days=days))
    town.portal.call(_follow, town.client, town.clock)


def in_a_while(town: Town, look: Callable[[], object]) -> None:
    """Let time pass, a minute each time one looks, until it is so."""

    def after_a_minute() -> object:
        town.advance(minutes=1)
        return look()

    eventually(after_a_minute)


def ended(town: Town, workflow_id: str) -> bool:
    async def look() -> bool:
        return (
            await town.client.get_workflow_handle(workflow_id).describe()
        ).close_time is not None

    return town.portal.call(look)


def patrol(town: Town, workflow_id: str) -> None:
    async def once() -> None:
        await town.client.execute_workflow(
            WatchdogWorkflow.run, id=workflow_id, task_queue=temporal.TASK_QUEUE
        )

    town.portal.call(once)


async def history_of(town: Town, workflow_id: str, run: int) -> WorkflowHistory:
    runs = [
        execution async for execution in town.client.list_workflows(f"WorkflowId = '{workflow_id}'")
    ]
    runs.sort(key=lambda execution: execution.start_time)
    handle = town.client.get_workflow_handle(workflow_id, run_id=runs[run].run_id)
    return await handle.fetch_history()


def without_machines(part: object) -> object:
    """The same without process numbers, host names and builds: whoever it was, was `somebody`."""
    if isinstance(part, list):
        return [without_machines(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("kind") == "TASK_QUEUE_KIND_STICKY":
        return {**part, "name": "somebody"}
    return {
        name: "somebody" if name == "identity" else without_machines(value)
        for name, value in part.items()
        if name != "workerVersion"
    }


def release() -> str:
    """The version that the histories belong to."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def record(story: Story, database: Database, directory: Path) -> None:
    """Live one story and write its histories."""
    with town(database, directory, server_settings=story.server_settings) as running:
        recorded = story.live(running)
        assert set(recorded) == set(story.paths)
        for path, (workflow_id, run) in recorded.items():
            history = running.portal.call(history_of, running, workflow_id, run)
            file = HISTORIES / release() / f"{path}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            content = without_machines(history.to_json_dict())
            file.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
            print(f"{path}: {len(history.events)} events")  # noqa: T201 - for whoever typed it


def main() -> None:
    """Record all stories, or those that give the paths asked for."""
    asked = set(sys.argv[1:])
    for story in STORIES:
        if not asked or asked & set(story.paths):
            with (
                TemporaryDirectory() as name,
                migrated_database(SQLITE, Path(name)) as database,
            ):
                record(story, database, Path(name))


if __name__ == "__main__":
    main()
