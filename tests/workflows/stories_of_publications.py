"""Stories of versions from legal to the day of effect, and of who watches over them."""

import temporal
from database.campaigns import reviews
from database.tables import PolicyVersion
from domain.policies.reviews import VersionClass
from tests.eventually import eventually
from tests.people import ALICE, LANGUAGES, POLICY
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town
from tests.workflows.living import (
    FAILED,
    MENDED,
    Recorded,
    Story,
    campaign,
    ended,
    kinds_of,
    leap,
    publication,
    trap,
)
from workflows.watchdog import WatchdogWorkflow


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


def a_publication_that_looks_each_day(town: Town) -> Recorded:
    """For a release that it was not told, and for a date of effect that nobody fixes."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.submit(SECOND)
    town.confirm_all(number, VersionClass.APPROVAL)
    town.rehearse(number)
    town.mail.misbehave("401", times=None)
    with town.database.transaction() as transaction:
        version = transaction.get_one(PolicyVersion, town.version(number).id)
        reviews.release(transaction, version, town.staff["noor"], town.now(), languages=LANGUAGES)
    leap(town, 1)
    eventually(lambda: kinds_of(town, campaign(number)))
    town.terminate(campaign(number))
    town.mail.misbehave("off")
    leap(town, 2)
    town.patrol()
    eventually(lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, publication(number)))
    return {"publication/looks_each_day": (publication(number), 0)}


def a_publication_that_goes_wrong(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.submit(SECOND)
    town.confirm_all(number, VersionClass.APPROVAL)
    with trap(town, "INSERT ON campaign"):
        town.release(number)
        eventually(lambda: kinds_of(town, publication(number)).count(FAILED) >= 2)
    eventually(lambda: town.version(number).effective_at)
    leap(town, 45)
    eventually(lambda: ended(town, publication(number)))
    return {"publication/goes_wrong": (publication(number), 0)}


def a_publication_that_continues_as_new(town: Town) -> Recorded:
    a_publication_that_goes_wrong(town)
    return {
        "publication/continued_as_new": (publication(2), 0),
        "publication/continued_from_another_run": (publication(2), 1),
    }


def rounds_of_the_watchdog(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    patrol(town, "watchdog/1")
    number = town.submit(SECOND)

    async def terminate() -> None:
        await town.client.get_workflow_handle(publication(number)).terminate()

    town.portal.call(terminate)
    patrol(town, "watchdog/2")
    return {"watchdog/all_well": ("watchdog/1", 0), "watchdog/repaired": ("watchdog/2", 0)}


def patrol(town: Town, workflow_id: str) -> None:
    async def once() -> None:
        await town.client.execute_workflow(
            WatchdogWorkflow.run, id=workflow_id, task_queue=temporal.TASK_QUEUE
        )

    town.portal.call(once)


STORIES = (
    Story(live=a_version_that_legal_takes_back, paths=("publication/rejected",)),
    Story(
        live=a_version_that_people_are_only_told_of,
        paths=("publication/class_notice", "campaign/told_without_approval"),
    ),
    Story(live=a_publication_that_looks_each_day, paths=("publication/looks_each_day",)),
    Story(live=a_publication_that_goes_wrong, paths=("publication/goes_wrong",)),
    Story(
        live=a_publication_that_continues_as_new,
        paths=("publication/continued_as_new", "publication/continued_from_another_run"),
        server_settings={"limit.historyCount.suggestContinueAsNew": 45},
    ),
    Story(live=rounds_of_the_watchdog, paths=("watchdog/all_well", "watchdog/repaired")),
)
