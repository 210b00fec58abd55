"""The steps of a campaign, asked for at their time and too late."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from unittest.mock import patch
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

import activities.campaigns.campaigns
from activities.campaigns.campaigns import HANDS, CampaignActivities
from activities.campaigns.case import (
    CampaignCase,
    CampaignInput,
    FinishInput,
    ShardInput,
    ShardsInput,
    StepInput,
)
from activities.mail.outbox import SendProgress
from database.campaigns import controls, freezing
from database.campaigns.progress import count_not_reached
from database.mail.steps import FIRST_NOTICE
from database.people.accounts import AccountRow
from database.tables import Campaign, OutboxMail, PolicyVersion
from domain.policies.reviews import VersionState
from tests.databases import until_somebody_waits
from tests.people import ALICE, BOB, CAROL
from tests.sandbox_server import RunningSandbox
from tests.scene import NOW, Scene

EFFECT = NOW + timedelta(days=31)
A_SECOND = timedelta(seconds=1)
ASKED = SendProgress(accepted=2)
NOBODY = SendProgress()


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """Everybody has their first notice, and nobody has answered."""
    scene.import_accounts(ALICE, BOB)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign_id)
        row.notified_at = NOW
        transaction.get_one(PolicyVersion, row.policy_version_id).effective_at = EFFECT
    return campaign_id


def load(steps: CampaignActivities, campaign: UUID) -> CampaignCase:
    what = CampaignInput(campaign_id=campaign, now=NOW)
    return ActivityEnvironment().run(steps.load_campaign, what)


def remind(
    steps: CampaignActivities, campaign: UUID, at: datetime, step: str = "reminder_1"
) -> SendProgress:
    shard = ShardInput(campaign_id=campaign, step=step, shard=0, now=at)
    return ActivityEnvironment().run(steps.send_shard, shard)


def states(scene: Scene, step: str) -> set[str]:
    with scene.database.session() as session:
        return set(session.exec(select(OutboxMail.state).where(OutboxMail.step == step)).all())


def test_a_reminder_goes_out_until_the_next_one_is_due(
    scene: Scene, campaign: UUID, steps: CampaignActivities, sandbox: RunningSandbox
) -> None:
    """P5: a mail service that was away for long makes no two reminders of one."""
    first, second = load(steps, campaign).to_come[:2]
    sandbox.misbehave("429")
    assert remind(steps, campaign, first.at).waiting == 2
    assert remind(steps, campaign, second.at) == NOBODY
    assert states(scene, first.key) == {"cancelled"}
    assert remind(steps, campaign, second.at, second.key) == ASKED
    assert len(sandbox.messages()) == 2


def send_all(scene: Scene, steps: CampaignActivities, *people: AccountRow) -> SendProgress:
    """The first notice to these people, in one try and each a shard of their own."""
    with patch.object(freezing, "SHARD_SIZE", 1):
        scene.import_accounts(*people)
        campaign_id = scene.campaign()
        freezing.freeze_audience(scene.database, campaign_id, NOW)
    shards = tuple(range(len(people)))
    what = ShardsInput(campaign_id=campaign_id, step=FIRST_NOTICE, shards=shards, now=NOW)
    return ActivityEnvironment().run(steps.send_shards, what)


def test_one_try_serves_several_shards_and_counts_them_together(
    scene: Scene, steps: CampaignActivities, sandbox: RunningSandbox
) -> None:
    """P4."""
    assert send_all(scene, steps, ALICE, BOB) == SendProgress(accepted=2)
    assert {mail["to"] for mail in sandbox.messages()} == {ALICE.email, BOB.email}


def test_a_try_goes_on_behind_mails_of_unknown_outcome(
    scene: Scene, steps: CampaignActivities, sandbox: RunningSandbox
) -> None:
    """P4: events settle those, and nobody else waits for them."""
    sandbox.misbehave("500", times=1)
    in_doubt = send_all(scene, steps, ALICE, BOB)
    assert (in_doubt.accepted, in_doubt.unknown, in_doubt.not_begun) == (1, 1, 0)
    assert in_doubt.problem


def test_a_try_begins_no_shard_behind_one_that_has_mails_left(
    scene: Scene, steps: CampaignActivities, sandbox: RunningSandbox
) -> None:
    """P4: what was not begun is told, so that nobody takes it for done."""
    sandbox.misbehave("401", times=None)
    progress = send_all(scene, steps, ALICE, BOB, CAROL)
    assert (progress.waiting, progress.not_begun) == (HANDS, 3 - HANDS)


def test_a_try_that_has_taken_long_begins_no_other_shard(
    scene: Scene,
    steps: CampaignActivities,
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P4: it would be taken for broken in the middle of it."""
    monkeypatch.setattr(activities.campaigns.campaigns, "BEGIN_WITHIN", timedelta(0))
    progress = send_all(scene, steps, ALICE, BOB, CAROL)
    assert (progress.accepted, progress.waiting, progress.not_begun) == (HANDS, 0, 3 - HANDS)
    assert {mail["to"] for mail in sandbox.messages()} == {ALICE.email, BOB.email}


def test_a_reminder_that_is_not_out_at_the_effect_goes_to_nobody(
    campaign: UUID, steps: CampaignActivities, sandbox: RunningSandbox
) -> None:
    """P5."""
    assert remind(steps, campaign, EFFECT) == NOBODY
    assert sandbox.messages() == []


def test_what_a_reminder_left_queued_is_cancelled_when_the_campaign_ends(
    scene: Scene, campaign: UUID, steps: CampaignActivities
) -> None:
    """P5: a run that began anew meanwhile has passed it over."""
    scene.queue_step(campaign, "reminder_1")
    what = FinishInput(campaign_id=campaign, now=EFFECT + timedelta(days=7))
    ActivityEnvironment().run(steps.finish_campaign, what)
    assert states(scene, "reminder_1") == {"cancelled"}


@pytest.mark.parametrize("state", ["withdrawn", "replaced"])
def test_what_a_campaign_left_queued_is_cancelled_a_few_at_a_time_when_it_was_called_off(
    scene: Scene,
    campaign: UUID,
    steps: CampaignActivities,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
) -> None:
    """P8: no claim has taken any since; nor is anything told off that nobody heard of."""
    monkeypatch.setattr("activities.campaigns.campaigns.CANCELLED_AT_ONCE", 1)
    assert len(scene.queue_step(campaign, "reminder_1")) > 1
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign).state = state
    what = FinishInput(campaign_id=campaign, now=NOW, told_the_end=True)
    ActivityEnvironment().run(steps.finish_campaign, what)
    assert states(scene, "reminder_1") == {"cancelled"}


def test_its_owner_hears_once_what_a_finished_campaign_came_to(
    scene: Scene, campaign: UUID, steps: CampaignActivities, sandbox: RunningSandbox
) -> None:
    """P4: with the numbers, and the way to the whole report."""
    scene.queue_step(campaign)
    scene.take_mails()
    sandbox.empty()
    for _ in range(2):
        what = FinishInput(campaign_id=campaign, now=EFFECT)
        ActivityEnvironment().run(steps.finish_campaign, what)
    (mail,) = sandbox.messages()
    assert mail["to"] == "lena@staff.example"
    assert "Silent: 2" in str(mail["text"])
    assert "/staff/policies/privacy-policy/versions/2/report" in str(mail["text"])


def test_of_a_campaign_that_was_withdrawn_nobody_is_told_that_it_is_finished(
    scene: Scene, campaign: UUID, steps: CampaignActivities, sandbox: RunningSandbox
) -> None:
    sandbox.empty()
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign).state = "withdrawn"
    what = FinishInput(campaign_id=campaign, now=EFFECT)
    assert not ActivityEnvironment().run(steps.finish_campaign, what).over
    what = FinishInput(campaign_id=campaign, now=EFFECT, told_the_end=True)
    assert ActivityEnvironment().run(steps.finish_campaign, what).over
    assert sandbox.messages() == []


def test_a_campaign_does_not_end_before_its_date_which_may_have_moved(
    scene: Scene, campaign: UUID, steps: CampaignActivities
) -> None:
    """P7, P8: as when Temporal was away while the version was postponed."""
    what = FinishInput(campaign_id=campaign, now=EFFECT - timedelta(days=1))
    assert not ActivityEnvironment().run(steps.finish_campaign, what).over
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign)
        version = transaction.get_one(PolicyVersion, row.policy_version_id)
        version.state, version.effective_at = "postponed", None
    what = FinishInput(campaign_id=campaign, now=EFFECT + timedelta(days=7))
    case = ActivityEnvironment().run(steps.finish_campaign, what)
    assert (case.over, case.postponed) == (False, True)


def test_a_campaign_does_not_end_beside_whoever_is_just_moving_its_day(
    scene: Scene, steps: CampaignActivities, campaign: UUID
) -> None:
    """P8: it would be over, and nobody would hear of the later day."""
    what = FinishInput(campaign_id=campaign, now=EFFECT)
    with ThreadPoolExecutor(1) as worker:
        with scene.database.transaction() as transaction:
            act = controls.acting(
                transaction, scene.staff["lena"], "legal", reason="not yet", now=EFFECT - A_SECOND
            )
            controls.postpone(
                transaction,
                scene.version(2),
                act,
                until_on=(EFFECT + timedelta(days=9)).date(),
                zone=ZoneInfo("UTC"),
                sending_period=timedelta(),
            )
            transaction.flush()
            ending = worker.submit(ActivityEnvironment().run, steps.finish_campaign, what)
            until_somebody_waits(scene.database, ending)
        case = ending.result()
    assert not case.closed
    assert case.owed == ("postponement_1",)


def test_a_campaign_whose_day_is_open_does_not_end(
    scene: Scene, campaign: UUID, steps: CampaignActivities
) -> None:
    """P4, P7: postponed while first notices went out, and given a day before all had them."""
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign)
        row.notified_at = None
        transaction.get_one(PolicyVersion, row.policy_version_id).effective_at = None
    what = FinishInput(campaign_id=campaign, now=NOW + timedelta(days=300))
    assert ActivityEnvironment().run(steps.finish_campaign, what).state == "running"


def test_whose_notice_still_waits_when_the_campaign_ends_counts_as_not_reached(
    scene: Scene, campaign: UUID, steps: CampaignActivities
) -> None:
    """P4: it was to be sent again, to a mended address, and nobody sends it after the effect."""
    scene.queue_step(campaign)
    ActivityEnvironment().run(steps.finish_campaign, FinishInput(campaign_id=campaign, now=EFFECT))
    assert states(scene, FIRST_NOTICE) == {"cancelled"}
    with scene.database.session() as session:
        assert count_not_reached(session, session.get_one(Campaign, campaign)) == 2


def note(steps: CampaignActivities, campaign: UUID, step: str, at: datetime) -> CampaignCase:
    what = StepInput(campaign_id=campaign, step=step, due_at=at, now=at)
    return ActivityEnvironment().run(steps.take_step, what)


def test_a_reminder_that_a_postponement_interrupts_reaches_the_rest_before_the_new_day(
    scene: Scene, campaign: UUID, steps: CampaignActivities, sandbox: RunningSandbox
) -> None:
    """P5, P8: Bob is reminded as Alice was, once each."""
    first = load(steps, campaign).to_come[0]
    alice = scene.account(ALICE.external_id).id
    remind(steps, campaign, first.at)
    with scene.database.transaction() as transaction:
        of_step = select(OutboxMail).where(OutboxMail.step == first.key)
        for mail in transaction.exec(of_step).all():
            if mail.addressee_id != alice:
                mail.state, mail.attempt_id = "queued", None
        version = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
        version.state, version.effective_at = VersionState.POSTPONED, None
    assert remind(steps, campaign, first.at) == NOBODY
    assert note(steps, campaign, first.key, first.at).to_come == ()
    later = EFFECT + timedelta(days=60)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version.id)
        row.state, row.effective_at = VersionState.ANNOUNCED, later
    again = load(steps, campaign).to_come[0]
    assert (again.key, again.at > first.at) == (first.key, True)
    sandbox.empty()
    assert remind(steps, campaign, again.at) == ASKED
    assert [mail["to"] for mail in sandbox.messages()] == [BOB.email]
    assert first.key not in {
        rung.key for rung in note(steps, campaign, first.key, again.at).to_come
    }
