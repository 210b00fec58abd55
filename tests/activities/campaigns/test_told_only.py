"""Whoever a version of class approval governs without their approval is told of it (P4, P6)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.campaigns.campaigns import CampaignActivities
from activities.campaigns.case import ShardInput, StepInput
from database.approvals.approvals import PolicyHistory
from database.campaigns import freezing, rehearsals
from database.campaigns.audiences import preview
from database.campaigns.not_approved import not_approved
from database.campaigns.progress import progress_of, silent_by
from database.mail.steps import FIRST_NOTICE
from database.people.accounts import AccountRow
from database.policies.policies import policy_by_slug
from database.tables import Account, Campaign, OutboxMail, PolicyVersion
from domain.policies.reviews import VersionClass
from settings import Settings
from tests.people import ALICE, BOB, POLICY
from tests.sandbox_server import RunningSandbox
from tests.scene import EFFECT, FIRST_DAY, NOW, ONE_HOUR, Scene
from tests.texts import FIRST
from web.samples import sample_mails

A_DAY = timedelta(days=1)
KEPT_LONG = FIRST.replace("for 30 days and", "for one year and")
SOLD = FIRST.replace("We never sell your personal data", "We may sell your personal data")
MENDED = KEPT_LONG.replace("disadvantge", "disadvantage")
MIRA = AccountRow(external_id="mira", email="mira@people.example", kind="minor")


@pytest.fixture
def third(scene: Scene) -> PolicyVersion:
    """Version 3, confirmed. Alice stayed on version 1, from which it mends a typing error only; Bob
    and Mira, a minor, began with version 2, which kept recordings for a shorter time."""
    first = scene.submit(KEPT_LONG, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(ALICE, now=FIRST_DAY)
    second = scene.submit(SOLD, now=FIRST_DAY)
    scene.assess(first, version=second)
    scene.confirm_all(second, VersionClass.APPROVAL)
    scene.put_in_force(second, FIRST_DAY + A_DAY)
    scene.import_accounts(BOB, MIRA, now=FIRST_DAY + 2 * A_DAY)
    version = scene.submit(MENDED)
    scene.assess(second, first, version=version)
    scene.confirm_all(version, VersionClass.APPROVAL)
    return version


@pytest.fixture
def campaign(scene: Scene, third: PolicyVersion) -> Campaign:
    """The campaign of version 3, frozen and with its first notices queued."""
    campaign_id = scene.announce(third)
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    scene.queue_step(campaign_id)
    with scene.database.session() as session:
        return session.get_one(Campaign, campaign_id)


def mails(scene: Scene, step: str) -> Mapping[str, str]:
    """Which mail of a step each account holder is owed."""
    with scene.database.session() as session:
        rows = session.exec(
            select(Account.external_id, OutboxMail.template)
            .join(OutboxMail, OutboxMail.addressee_id == Account.id)  # type: ignore[arg-type]
            .where(OutboxMail.step == step)
        ).all()
    return dict(rows)


def test_everybody_is_told_and_only_who_has_to_approve_is_asked_and_reminded(
    scene: Scene, campaign: Campaign
) -> None:
    """P4, P5: Alice moves to version 3 without being asked, Mira cannot approve it and stays."""
    assert mails(scene, FIRST_NOTICE) == {
        ALICE.external_id: "notice_first_notice",
        BOB.external_id: "approval_first_notice",
        MIRA.external_id: "minor_first_notice",
    }
    scene.queue_step(campaign.id, "reminder_1")
    assert mails(scene, "reminder_1") == {BOB.external_id: "approval_reminder"}
    scene.put_in_force(scene.version(3), EFFECT)
    governing = {who.external_id: scene.governs(who, EFFECT).number for who in (ALICE, BOB, MIRA)}
    assert governing == {ALICE.external_id: 3, BOB.external_id: 2, MIRA.external_id: 2}


def test_who_is_only_told_is_counted_as_that_and_not_as_silent(
    scene: Scene, campaign: Campaign
) -> None:
    """P4: in the report, and on the list of those who have not approved."""
    scene.take_mails()
    with scene.database.session() as session:
        counts = progress_of(session, campaign)
        assert (counts.addressees, counts.told_only, counts.silent) == (3, 2, 1)
        assert silent_by(session, campaign)["kind"] == {"person": 1}
        history = PolicyHistory(session, policy_by_slug(session, POLICY))
        listed = not_approved(session, history, campaign, at=NOW, today=NOW.date())
        assert [one.account for one in listed] == [BOB.external_id]


def test_the_escalation_says_how_many_were_only_told(
    scene: Scene, campaign: Campaign, steps: CampaignActivities, sandbox: RunningSandbox
) -> None:
    """P4."""
    scene.take_mails()
    what = StepInput(campaign_id=campaign.id, step="escalation_owner", due_at=NOW, now=NOW)
    ActivityEnvironment().run(steps.escalate, what)
    (mail,) = sandbox.messages()
    assert "Silent: 1\nTold only: 2" in str(mail["text"])


@pytest.mark.parametrize("went_out", [True, False])
def test_the_numbers_of_the_escalation_add_up_to_whom_it_addressed(
    scene: Scene,
    campaign: Campaign,
    steps: CampaignActivities,
    sandbox: RunningSandbox,
    *,
    went_out: bool,
) -> None:
    """P4: Bob's account is closed since, or nobody was mailed yet."""
    if went_out:
        scene.take_mails()
        scene.import_accounts(replace(BOB, status="closed"))
    what = StepInput(campaign_id=campaign.id, step="escalation_owner", due_at=NOW, now=NOW)
    ActivityEnvironment().run(steps.escalate, what)
    (mail,) = sandbox.messages()
    first, *others = re.findall(r"^([A-Z][a-z ]+): (\d+)$", str(mail["text"]), re.MULTILINE)
    assert first == ("Addressed", "3")
    assert sum(int(number) for _, number in others) == 3
    assert ("Account closed since", "1") in others or ("Not mailed yet", "3") in others


def test_a_minor_who_comes_of_age_is_reminded_as_others_are(
    scene: Scene, campaign: Campaign
) -> None:
    """P5: the version would not govern her without her approval."""
    grown = AccountRow(external_id=MIRA.external_id, email=MIRA.email, kind="person")
    scene.import_accounts(grown, now=NOW + ONE_HOUR)
    scene.queue_step(campaign.id, "reminder_1")
    assert set(mails(scene, "reminder_1")) == {BOB.external_id, MIRA.external_id}


def test_the_mails_say_that_nothing_has_to_be_done(
    scene: Scene, campaign: Campaign, steps: CampaignActivities, sandbox: RunningSandbox
) -> None:
    """P4, P5: Mira reads which version stays hers."""
    ActivityEnvironment().run(
        steps.send_shard,
        ShardInput(campaign_id=campaign.id, step=FIRST_NOTICE, shard=0, now=NOW),
    )
    texts = {str(mail["to"]): str(mail["text"]) for mail in sandbox.messages()}
    assert "You need not do anything" in texts[ALICE.email]
    assert (
        "version 2 of our privacy policy, which you have now, stays in force" in texts[MIRA.email]
    )
    assert all("/approve/" not in texts[who.email] for who in (ALICE, MIRA))


def test_the_preview_counts_those_who_are_only_told(scene: Scene, third: PolicyVersion) -> None:
    """P4: and who of them stays."""
    with scene.database.session() as session:
        seen = preview(session, session.get_one(PolicyVersion, third.id), NOW)
    assert (seen.addressees, seen.asked, seen.told_only, seen.minors_who_stay) == (3, 1, 2, 1)


def test_sample_mails_and_test_mails_cover_what_is_only_told(
    scene: Scene, third: PolicyVersion
) -> None:
    """P4: legal has had each mail of a version before anybody else has."""
    with scene.database.session() as session:
        row = session.get_one(PolicyVersion, third.id)
        rehearsed = {sample.template for sample in rehearsals.samples_of(session, row)}
    assert rehearsed == {
        "notice_first_notice",
        "approval_first_notice",
        "approval_reminder",
        "minor_first_notice",
    }
    writes = sample_mails(Settings(_env_file=None))
    read = writes.read_by(scene.database, row, scene.staff["noor"], NOW)
    assert {mail.to: mail.message.subject for mail in read} == {
        ALICE.email: "We are about to change our privacy policy",
        BOB.email: "Please decide: we want to change our privacy policy",
        MIRA.email: "We want to change our privacy policy, and nothing changes for your account",
    }


def test_no_test_mail_to_minors_is_asked_for_where_there_are_none(
    scene: Scene, third: PolicyVersion
) -> None:
    scene.import_accounts(
        AccountRow(external_id=MIRA.external_id, email=MIRA.email, kind="person"), now=NOW
    )
    with scene.database.session() as session:
        row = session.get_one(PolicyVersion, third.id)
        rehearsed = rehearsals.samples_of(session, row)
    assert "minor_first_notice" not in {sample.template for sample in rehearsed}


def test_whom_a_version_governs_already_is_not_told_of_it_again(
    scene: Scene, campaign: Campaign
) -> None:
    """P2: where its class was wrong, only whoever it governs no more is asked."""
    scene.put_in_force(scene.version(3), EFFECT)
    with scene.database.session() as session:
        seen = preview(session, scene.version(3), EFFECT + A_DAY)
    assert {group.governing: group.addressed for group in seen.groups} == {3: False, 2: True}
