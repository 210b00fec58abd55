"""Who goes back to an earlier version is shown later changes from that one (P5, P6)."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from sqlmodel import col, select

from database.approvals.approvals import Shown, decide
from database.approvals.renewing import renew_addressee
from database.campaigns import controls, corrections, freezing, reclassifying
from database.campaigns.campaigns import addressee_of
from database.campaigns.controls import ControlRefused
from database.campaigns.corrections import Right
from database.campaigns.progress import progress_of
from database.campaigns.reclassifying import Mistake
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch
from database.people.accounts import AccountRow
from database.policies.assessments import findings_of
from database.policies.counting import has_answered
from database.policies.policies import policy_by_slug
from database.tables import Account, Campaign, CampaignAddressee, OutboxMail, PolicyVersion
from domain.approvals.approvals import Decision
from domain.policies.reviews import Decisions, FindingStatus, VersionClass
from tests.deciding import APPROVED, DECLINED
from tests.people import ALICE, BOB, LANGUAGES, POLICY
from tests.scene import EFFECT, NOW, Scene
from tests.texts import FIRST, SECOND, THIRD

A_DAY = timedelta(days=1)
TOLD = EFFECT + A_DAY
LATER = EFFECT + 60 * A_DAY
SLOWER = THIRD.replace("within thirty (30) days", "within ninety (90) days")


def third_announced(scene: Scene, text: str, version_class: VersionClass) -> UUID:
    """Alice approved version 2, which is in force; of version 3 she and Bob had their mails."""
    scene.import_accounts(ALICE, BOB)
    scene.campaign()
    scene.decide(ALICE, APPROVED, at=NOW + A_DAY)
    scene.put_in_force(scene.version(2), EFFECT)
    third = scene.submit(text, now=EFFECT)
    scene.assess(scene.version(2), scene.version(1), version=third)
    scene.confirm_all(third, version_class)
    campaign = scene.announce(third, LATER.date())
    freezing.freeze_audience(scene.database, campaign, TOLD)
    scene.queue_step(campaign)
    with scene.database.transaction() as transaction:
        while claim := outbox.claim(transaction, Batch(subject_id=campaign), limit=9, now=TOLD):
            outcomes.accept(transaction, claim.attempt_id, "x", TOLD)
    return campaign


def says(scene: Scene, decision: Decision, number: int, base: int, days: int) -> None:
    """Alice decides on a page, and what she is asked about other versions follows."""
    now = TOLD + days * A_DAY
    with scene.database.transaction() as transaction:
        account = transaction.get_one(Account, scene.account(ALICE.external_id).id)
        version, shown_from = scene.version(number), scene.version(base)
        shown = Shown(version=version, base=shown_from, how="link", language="en")
        decide(transaction, account, shown, decision, now)
        transaction.flush()
        policy = policy_by_slug(transaction, POLICY)
        renew_addressee(transaction, policy, account, now, after=version.id)


def asked_from(scene: Scene) -> tuple[int, bool]:
    with scene.database.session() as session:
        account = scene.account(ALICE.external_id)
        addressee = addressee_of(session, scene.version(3).id, account.id)
        assert addressee
        base = session.get_one(PolicyVersion, addressee.governing_version_id)
        return base.number, addressee.asks_approval


def notice(scene: Scene, campaign: UUID) -> OutboxMail:
    with scene.database.session() as session:
        return session.exec(
            select(OutboxMail).where(
                OutboxMail.subject_id == campaign,
                OutboxMail.addressee_id == scene.account(ALICE.external_id).id,
            )
        ).one()


def test_who_takes_back_an_earlier_approval_is_asked_anew_from_their_version(scene: Scene) -> None:
    """P6: what she approved of version 3 began at version 2, which is not hers any more."""
    campaign = third_announced(scene, SLOWER, VersionClass.APPROVAL)
    assert asked_from(scene) == (2, True)
    says(scene, APPROVED, 3, base=2, days=1)
    assert asked_from(scene) == (2, True)
    says(scene, DECLINED, 2, base=1, days=2)
    assert asked_from(scene) == (1, True)
    mail = notice(scene, campaign)
    assert (mail.state, mail.variant) == ("queued", scene.version(1).id)
    scene.put_in_force(scene.version(3), LATER)
    assert scene.governs(ALICE, LATER + A_DAY).number == 1
    says(scene, APPROVED, 3, base=1, days=70)
    assert scene.governs(ALICE, TOLD + 71 * A_DAY).number == 3


def test_who_was_only_told_is_asked_once_they_went_back(scene: Scene) -> None:
    """P5: from version 2 it took no approval, from version 1 it does."""
    campaign = third_announced(scene, THIRD, VersionClass.NOTICE)
    assert asked_from(scene) == (2, False)
    assert notice(scene, campaign).template == "notice_first_notice"
    says(scene, DECLINED, 2, base=1, days=1)
    assert asked_from(scene) == (1, True)
    mail = notice(scene, campaign)
    assert (mail.state, mail.template) == ("queued", "approval_first_notice")


def test_a_campaign_that_is_over_has_nothing_in_its_queue_for_who_falls_back(scene: Scene) -> None:
    """P4, P6: it sends no more, so her mail stays what it came to; she counts as silent, as Bob."""
    campaign = third_announced(scene, THIRD, VersionClass.NOTICE)
    scene.put_in_force(scene.version(3), LATER)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign)
        row.state, row.finished_at = "finished", LATER
    says(scene, DECLINED, 2, base=1, days=70)
    assert asked_from(scene) == (1, True)
    assert notice(scene, campaign).state == "accepted"
    with scene.database.session() as session:
        assert progress_of(session, session.get_one(Campaign, campaign)).silent == 2


def test_who_comes_to_a_later_version_needs_no_second_mail(scene: Scene) -> None:
    """P4: all that is adverse from there was in the mail that she had."""
    campaign = third_announced(scene, SLOWER, VersionClass.APPROVAL)
    says(scene, DECLINED, 2, base=1, days=1)
    with scene.database.transaction() as transaction:
        mail = transaction.get_one(OutboxMail, notice(scene, campaign).id)
        mail.state = "delivered"
    says(scene, APPROVED, 2, base=1, days=2)
    assert asked_from(scene) == (2, True)
    assert notice(scene, campaign).state == "delivered"


def test_answers_to_an_earlier_version_are_not_voided_under_one_that_is_announced(
    scene: Scene,
) -> None:
    """P6, P8: everybody would be asked from a version that is not theirs any more."""
    third_announced(scene, SLOWER, VersionClass.APPROVAL)
    right = Right(decisions=Decisions.VOID, words=[], everybody=True)
    with scene.database.transaction() as transaction:
        act = controls.acting(transaction, scene.staff["lena"], "legal", reason="wrong", now=TOLD)
        with pytest.raises(ControlRefused, match="Withdraw version 3 first, or keep the answers"):
            corrections.propose(transaction, scene.version(2), act, right, languages=LANGUAGES)


def test_nobody_falls_back_under_a_version_that_was_shown_to_them_from_the_other(
    scene: Scene,
) -> None:
    """P2, P6."""
    first = scene.submit(FIRST, now=NOW - 40 * A_DAY)
    scene.put_in_force(first, NOW - 40 * A_DAY)
    scene.import_accounts(ALICE, BOB)
    second = scene.submit(SECOND)
    scene.assess(first, version=second)
    with scene.database.transaction() as transaction:
        for finding in findings_of(transaction, second.id):
            finding.status = FindingStatus.DISMISSED
            key = finding.key
        row = transaction.get_one(PolicyVersion, second.id)
        row.version_class, row.state = VersionClass.EDITORIAL, "announced"
    scene.put_in_force(scene.version(2), EFFECT)
    third = scene.submit(SLOWER, now=EFFECT)
    scene.assess(scene.version(2), version=third)
    scene.confirm_all(third, VersionClass.APPROVAL)
    scene.announce(third, LATER.date())
    with scene.database.transaction() as transaction:
        act = controls.acting(transaction, scene.staff["lena"], "legal", reason="no typo", now=TOLD)
        mistake = Mistake(confirm=[key])
        with pytest.raises(ControlRefused, match="Withdraw version 3 first"):
            reclassifying.propose(transaction, scene.version(2), act, mistake, languages=LANGUAGES)


def counts_in_sql(scene: Scene, campaign: UUID) -> bool:
    """Whether reminders, progress and report take Alice for one who has answered."""
    with scene.database.session() as session:
        row = session.get_one(Campaign, campaign)
        counted = progress_of(session, row)
        asked = session.exec(
            select(CampaignAddressee.asks_approval).where(
                CampaignAddressee.campaign_id == campaign,
                CampaignAddressee.account_id == scene.account(ALICE.external_id).id,
                has_answered(col(CampaignAddressee.account_id), row.policy_version_id),
            )
        ).first()
        answered = counted.approved + counted.declined
    assert answered == (asked is not None)
    return asked is not None


def counts_in_the_fold(scene: Scene, at: datetime) -> bool:
    return any(word.number == 3 for word in scene.governs(ALICE, at).words)


@pytest.mark.parametrize("seed", range(8))
def test_an_answer_counts_in_mails_and_reports_as_it_does_for_what_governs(
    scene: Scene, seed: int
) -> None:
    """P5, P6: whatever she says of both versions, in whatever order; from the page that is hers, or
    from one that was opened before; and while she is said to be a minor, and after."""
    chance = Random(seed)
    campaign = third_announced(scene, SLOWER, VersionClass.APPROVAL)
    for day in range(1, 25):
        if chance.random() < 0.15:
            kind = chance.choice(["person", "minor"])
            row = AccountRow(**vars(ALICE) | {"kind": kind})
            scene.import_accounts(row, now=TOLD + day * A_DAY - timedelta(hours=1))
        number = chance.choice([2, 3, 3])
        base = 1 if number == 2 else asked_from(scene)[0]
        says(scene, chance.choice([APPROVED, APPROVED, DECLINED]), number, base=base, days=day)
        at = TOLD + day * A_DAY + timedelta(hours=1)
        assert counts_in_sql(scene, campaign) == counts_in_the_fold(scene, at), (seed, day)


def test_whoever_is_asked_anew_is_reminded_though_they_approved_what_was_shown_before(
    scene: Scene,
) -> None:
    """P5: and once the earlier text is theirs again, what they said of the later one counts."""
    campaign = third_announced(scene, SLOWER, VersionClass.APPROVAL)
    says(scene, APPROVED, 3, base=2, days=1)
    says(scene, DECLINED, 2, base=1, days=2)
    assert not counts_in_sql(scene, campaign)
    says(scene, APPROVED, 2, base=1, days=3)
    assert counts_in_sql(scene, campaign)
