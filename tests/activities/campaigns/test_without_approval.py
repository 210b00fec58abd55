"""What is promised without approval holds from the release on, and follows the effect (P5, P7)."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlmodel import select
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.campaigns.campaigns import CampaignActivities
from activities.campaigns.case import CampaignInput
from activities.campaigns.publication import PublicationActivities, VersionInput
from database.imports import account_imports, unfinished_imports
from database.tables import Campaign, PolicyVersion
from domain.policies.reviews import VersionClass
from settings import Settings
from tests.people import ALICE
from tests.rehearsed import rehearse
from tests.scene import FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND, THIRD

JUNE = date(2026, 6, 2)
WEEK = timedelta(days=7)


@pytest.fixture
def publication(scene: Scene) -> PublicationActivities:
    settings = Settings(_env_file=None)
    return PublicationActivities(
        database=scene.database, company=settings.company, sending_period=settings.sending_period
    )


@pytest.fixture
def second(scene: Scene) -> PolicyVersion:
    """Version 2 is ready to be released; without approval people stay until 2 June."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(ALICE)
    version = scene.submit(SECOND)
    make_ready(scene, version, first)
    return version


def make_ready(scene: Scene, version: PolicyVersion, *texts: PolicyVersion) -> None:
    scene.assess(*texts, version=version)
    scene.confirm_all(version, VersionClass.APPROVAL)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version.id)
        row.without_approval, row.stay_until_on = "stay_until", JUNE
        transaction.flush()
        rehearse(transaction, row, scene.staff["noor"], NOW)


def stays_until(scene: Scene) -> date | None:
    with scene.database.session() as session:
        return (
            session.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one().stay_until_on
        )


def test_a_review_that_took_long_leaves_too_little_time_to_release(
    scene: Scene, publication: PublicationActivities, second: PolicyVersion
) -> None:
    """P5: legal gives another day; the release does not change what was read in the test mail."""
    noor = scene.staff["noor"]
    late = VersionInput(version_id=second.id, now=NOW + WEEK, act_id=noor)
    with pytest.raises(ApplicationError, match="the earliest is 2026-06-09"):
        ActivityEnvironment().run(publication.record_release, late)
    in_time = VersionInput(version_id=second.id, now=NOW, act_id=noor)
    assert ActivityEnvironment().run(publication.record_release, in_time).review.released


def test_a_correction_is_held_to_the_day_that_was_said_of_what_it_corrects(
    scene: Scene, publication: PublicationActivities, second: PolicyVersion
) -> None:
    """P5, P8: released a week later, it takes effect no later, and the same promise fits."""
    run, noor = ActivityEnvironment().run, scene.staff["noor"]
    what = VersionInput(version_id=second.id, now=NOW, act_id=noor)
    run(publication.record_release, what)
    run(publication.announce, what)
    third = scene.submit(THIRD)
    make_ready(scene, third, scene.version(1), second)
    later = VersionInput(version_id=third.id, now=NOW + WEEK, act_id=noor)
    assert run(publication.record_release, later).review.released
    run(publication.announce, later)
    said = [scene.version(number).planned_effective_on for number in (2, 3)]
    assert said[0] == said[1]


def test_nothing_is_released_while_a_file_of_accounts_is_being_carried_in(
    scene: Scene, publication: PublicationActivities, second: PolicyVersion
) -> None:
    """P6: it may bring a text into use that the version was not compared with."""
    import_id = uuid4()
    for _ in account_imports.stage(
        scene.database, import_id, [ALICE], asserted_by=scene.staff["omar"], now=NOW
    ):
        pass
    assert account_imports.decide(scene.database, import_id, NOW)
    what = VersionInput(version_id=second.id, now=NOW, act_id=scene.staff["noor"])
    with pytest.raises(ApplicationError, match=r"just being imported.*Nothing was released"):
        ActivityEnvironment().run(publication.record_release, what)
    unfinished_imports.carry(scene.database, import_id, NOW)
    assert ActivityEnvironment().run(publication.record_release, what).review.released


def test_the_day_moves_later_once_the_effect_is_fixed(
    scene: Scene,
    publication: PublicationActivities,
    second: PolicyVersion,
    steps: CampaignActivities,
) -> None:
    """P5, P7: mails that took a week to go out move both."""
    what = VersionInput(version_id=second.id, now=NOW, act_id=scene.staff["noor"])
    run = ActivityEnvironment().run
    run(publication.record_release, what)
    run(publication.announce, what)
    assert stays_until(scene) == JUNE
    with scene.database.session() as session:
        campaign_id = session.exec(select(Campaign.id)).one()
    run(steps.fix_effective_date, CampaignInput(campaign_id=campaign_id, now=NOW + WEEK))
    assert stays_until(scene) == JUNE + WEEK - timedelta(days=1)
