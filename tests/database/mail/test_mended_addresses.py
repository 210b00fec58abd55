"""Whom a mended address lets be told after all, and with a link that works (P4, P32)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import col, select

from database.approvals.wrong_words import keep_wrong, whatever_was_told
from database.campaigns import controls, freezing
from database.campaigns.progress import count_addressees
from database.campaigns.shards import queue_step
from database.mail import delivery, outbox, outcomes, senders, suppressions
from database.mail.mail_rows import Batch, hold_mails
from database.mail.steps import FIRST_NOTICE, WITHDRAWAL
from database.people.accounts import AccountRow
from database.people.links import APPROVE, add_link, usable_link
from database.policies.voids import stands
from database.tables import (
    Approval,
    Campaign,
    CampaignAddressee,
    CampaignCorrection,
    Link,
    MailSuppression,
    OutboxMail,
    PolicyVersion,
)
from domain.mail.suppressions import address_key
from domain.policies.reviews import Decisions
from tests.databases import until_somebody_waits
from tests.people import ALICE, BOB, LANGUAGES
from tests.scene import NOW, ONE_HOUR, Scene

KEY = b"k" * 32
MENDED = AccountRow(external_id=ALICE.external_id, email="alice@new.example")
A_YEAR = timedelta(days=365)


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """First notices to Alice and Bob are out."""
    scene.import_accounts(ALICE, BOB)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    scene.queue_step(campaign_id)
    with scene.database.transaction() as transaction:
        while claim := outbox.claim(transaction, Batch(subject_id=campaign_id), limit=9, now=NOW):
            outcomes.accept(transaction, claim.attempt_id, "x", NOW)
    return campaign_id


def first_notice(scene: Scene, campaign: UUID) -> OutboxMail:
    alice = scene.account(ALICE.external_id).id
    with scene.database.session() as session:
        return session.exec(
            select(OutboxMail).where(
                OutboxMail.subject_id == campaign,
                OutboxMail.addressee_id == alice,
                OutboxMail.step == FIRST_NOTICE,
            )
        ).one()


def decided_long_ago(scene: Scene) -> UUID:
    """Alice approved another version of the policy, which a typing correction has followed; it."""
    with scene.database.transaction() as transaction:
        first = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 1)).one()
        values = first.model_dump(exclude={"id", "number", "state", "in_force_at", "effective_at"})
        corrects = PolicyVersion(**values | {"sha256": "3" * 64}, number=4, state="superseded")
        older = PolicyVersion(
            **values | {"sha256": "4" * 64, "corrected_by_id": corrects.id},
            number=3,
            state="replaced",
        )
        transaction.add(corrects)
        transaction.flush()
        owner = scene.staff["lena"]
        told = Campaign(policy_version_id=corrects.id, owner_id=owner, started_at=NOW - A_YEAR)
        transaction.add_all([older, told])
        transaction.flush()
        approval = Approval(
            account_id=scene.account(ALICE.external_id).id,
            policy_version_id=older.id,
            decision="approved",
            decided_at=NOW - A_YEAR,
            shown_from_version_id=first.id,
            text_sha256=older.sha256,
            change_sha256="",
            how="link",
            language="en",
        )
        transaction.add(approval)
        return older.id


def test_what_somebody_approved_long_ago_does_not_keep_a_notice_from_them(
    scene: Scene, campaign: UUID
) -> None:
    """P4: an answer counts for the version that it is about, and for the one that corrects it."""
    decided_long_ago(scene)
    with scene.database.transaction() as transaction:
        transaction.get_one(OutboxMail, first_notice(scene, campaign).id).state = "bounced"
    scene.import_accounts(MENDED, now=NOW + ONE_HOUR)
    assert first_notice(scene, campaign).state == "queued"


def test_whose_answer_was_voided_is_reminded(scene: Scene, campaign: UUID) -> None:
    """P8: also where it was about another version than the one that reminds."""
    older = decided_long_ago(scene)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign)
        old = Campaign(policy_version_id=older, owner_id=row.owner_id, started_at=NOW - A_YEAR)
        transaction.add(old)
        transaction.flush()
        voiding = CampaignCorrection(
            campaign_id=old.id,
            reason="a wrong mail",
            mail="It is a year.",
            decisions=Decisions.VOID,
            sentences={},
            stopped_campaign=False,
            proposed_by=scene.staff["lena"],
            proposed_at=NOW,
            confirmed_by=scene.staff["noor"],
            confirmed_at=NOW,
        )
        transaction.add(voiding)
        transaction.flush()
        version = transaction.get_one(PolicyVersion, older)
        keep_wrong(transaction, voiding, whatever_was_told(transaction, version))
        version.corrected_by_id = row.policy_version_id
    scene.queue_step(campaign, "reminder_1")
    with scene.database.transaction() as transaction:
        batch = Batch(subject_id=campaign, step="reminder_1")
        claim = outbox.claim(transaction, batch, limit=9, now=NOW)
        assert claim
        assert claim.copies == count_addressees(transaction, campaign) == 2


def give_back(scene: Scene, campaign: UUID) -> UUID:
    """Whoever reads Alice's mail says that it is not theirs; the link of it."""
    with scene.database.transaction() as transaction:
        link = transaction.get_one(Link, first_notice(scene, campaign).link_id)
        suppressions.not_theirs(transaction, ALICE.email, link, address_key(ALICE.email, KEY), NOW)
        return link.id


def link_of_the_notice(scene: Scene, campaign: UUID) -> Link:
    with scene.database.session() as session:
        return session.get_one(Link, first_notice(scene, campaign).link_id)


@pytest.mark.parametrize("mended", [True, False])
def test_the_right_person_gets_a_link_that_works(
    scene: Scene, campaign: UUID, *, mended: bool
) -> None:
    """P4: after the address was mended, or ops were told that it was theirs after all."""
    old = give_back(scene, campaign)
    assert link_of_the_notice(scene, campaign).expires_at == NOW
    if mended:
        scene.import_accounts(MENDED, now=NOW + ONE_HOUR)
    else:
        with scene.database.transaction() as transaction:
            allowed = suppressions.allow(
                transaction,
                ALICE.email,
                address_key(ALICE.email, KEY),
                staff_id=scene.staff["omar"],
                reason="It is hers after all.",
                now=NOW + ONE_HOUR,
            )
        assert len(allowed.mails) == 1
    new = link_of_the_notice(scene, campaign)
    assert new.id != old
    assert (new.expires_at, new.successor_id) == (None, None)
    assert first_notice(scene, campaign).state == "queued"


def test_what_was_decided_in_campaigns_that_are_over_stands(scene: Scene, campaign: UUID) -> None:
    """P5: the address may have been the holder's own then, and somebody else's since."""
    older = decided_long_ago(scene)
    alice = scene.account(ALICE.external_id).id
    with scene.database.transaction() as transaction:
        owner = scene.staff["lena"]
        over = Campaign(policy_version_id=older, owner_id=owner, started_at=NOW, finished_at=NOW)
        transaction.add(over)
        transaction.flush()
        addressee = transaction.exec(
            select(CampaignAddressee).where(CampaignAddressee.account_id == alice)
        ).one()
        values = addressee.model_dump(exclude={"id", "campaign_id"})
        then = CampaignAddressee(**values, campaign_id=over.id)
        transaction.add(then)
        link = add_link(transaction, purpose=APPROVE, subject_id=then.id, account_id=alice, now=NOW)
        transaction.flush()
        transaction.exec(select(Approval)).one().link_id = link.id
    give_back(scene, campaign)
    with scene.database.session() as session:
        assert session.get_one(Link, link.id).expires_at is None
        assert session.exec(select(Approval).where(stands())).one()


@pytest.mark.parametrize("state", ["queued", "accepted", "carried"])
def test_a_mail_that_was_given_back_stops_the_address_whatever_became_of_it(
    scene: Scene, campaign: UUID, state: str
) -> None:
    """P4: a page may be reached from the one before it, while its own mail still waits."""
    with scene.database.transaction() as transaction:
        mail = transaction.get_one(OutboxMail, first_notice(scene, campaign).id)
        mail.state, mail.attempt_id = state, mail.attempt_id if state == "accepted" else None
    give_back(scene, campaign)
    with scene.database.session() as session:
        causes = session.exec(select(MailSuppression.cause)).all()
        suppressed = session.exec(
            select(OutboxMail.id).where(col(OutboxMail.state) == "suppressed")
        ).all()
    assert causes == ["not_theirs"]
    assert suppressed == [first_notice(scene, campaign).id]


@pytest.mark.parametrize("state", ["accepted", "unknown"])
@pytest.mark.parametrize("said", ["bounce", "dropped", "spamreport"])
def test_a_mail_that_comes_back_after_the_address_was_mended_goes_to_the_new_one(
    scene: Scene, campaign: UUID, state: str, said: str
) -> None:
    """P4: also where it was in doubt then. The new attempt has nothing to do with the old one."""
    mail = first_notice(scene, campaign)
    with scene.database.transaction() as transaction:
        transaction.get_one(OutboxMail, mail.id).state = state
    scene.import_accounts(MENDED, now=NOW + ONE_HOUR)
    assert mail.attempt_id
    came_back = delivery.Event(
        mail_id=mail.id, attempt_id=mail.attempt_id, event=said, occurred_at=NOW
    )
    for _ in range(2):
        with scene.database.transaction() as transaction:
            delivery.record_events(transaction, [came_back], NOW + 2 * ONE_HOUR)
        again = first_notice(scene, campaign)
        assert (again.state, again.attempt_id) == ("queued", None)
    assert link_of_the_notice(scene, campaign).successor_id is None


def test_a_mail_that_comes_back_from_an_address_that_stays_is_not_sent_again(
    scene: Scene, campaign: UUID
) -> None:
    """P4."""
    mail = first_notice(scene, campaign)
    assert mail.attempt_id
    came_back = delivery.Event(
        mail_id=mail.id, attempt_id=mail.attempt_id, event="bounce", occurred_at=NOW
    )
    with scene.database.transaction() as transaction:
        delivery.record_events(transaction, [came_back], NOW)
    assert first_notice(scene, campaign).state == "bounced"


def test_who_mends_addresses_and_who_hears_of_their_mails_never_wait_for_each_other(
    scene: Scene, campaign: UUID
) -> None:
    """Both hold the mails in the order of their ids, whatever the order of the links in them."""
    with scene.database.transaction() as transaction:
        mails = transaction.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()
        links = [transaction.get_one(Link, mail.link_id) for mail in mails]
        for mail in mails:
            mail.state = "unknown"
        if links[0].id < links[1].id:  # let the last mail have the first link
            of_links = [(link.subject_id, link.account_id) for link in reversed(links)]
            for link, (subject, account) in zip(links, of_links, strict=True):
                link.subject_id, link.account_id = subject, account
            mails[0].link_id, mails[1].link_id = mails[1].link_id, mails[0].link_id
    bobs = AccountRow(external_id=BOB.external_id, email="bob@new.example")
    with ThreadPoolExecutor(1) as other:
        with scene.database.transaction() as transaction:
            hold_mails(transaction, col(OutboxMail.id) == mails[0].id)
            mending = other.submit(scene.import_accounts, MENDED, bobs, now=NOW + ONE_HOUR)
            until_somebody_waits(scene.database, mending)
            hold_mails(transaction, col(OutboxMail.id) == mails[1].id)
        mending.result()
    with scene.database.session() as session:
        latest = session.exec(select(Link.id).where(col(Link.successor_id).is_(None))).all()
        carried = session.exec(select(OutboxMail.link_id)).all()
    assert sorted(map(str, carried)) == sorted(map(str, latest))


def test_a_reminder_that_is_queued_while_an_address_is_mended_has_a_link_that_works(
    scene: Scene, campaign: UUID
) -> None:
    """P32: neither writer sees what the other one does, and the mail goes to the new address."""
    with ThreadPoolExecutor(1) as other:
        with scene.database.transaction() as transaction:
            row = transaction.get_one(Campaign, campaign)
            queue_step(transaction, row, "reminder_1", 0, languages=LANGUAGES, now=NOW)
            mending = other.submit(scene.import_accounts, MENDED, now=NOW + ONE_HOUR)
            until_somebody_waits(scene.database, mending)
        mending.result()
    with scene.database.transaction() as transaction:
        claim = outbox.claim(
            transaction, Batch(subject_id=campaign, step="reminder_1"), limit=9, now=NOW
        )
        assert claim
        copies = outbox.addressed(transaction, claim)
        (hers,) = [copy.nonce for copy in copies if copy.address == MENDED.email]
        assert hers
        assert usable_link(transaction, APPROVE, hers, NOW + ONE_HOUR)


@pytest.mark.parametrize("word", ["processed", "delivered"])
def test_what_is_told_of_the_old_address_says_nothing_of_the_new_one(
    scene: Scene, campaign: UUID, word: str
) -> None:
    """P4: the mail service may tell it a day later, while the notice is on its way again."""
    mail = first_notice(scene, campaign)
    assert mail.attempt_id
    old = delivery.Event(
        mail_id=mail.id, attempt_id=mail.attempt_id, event="bounce", occurred_at=NOW
    )
    tell(scene, old)
    scene.import_accounts(MENDED, now=NOW + ONE_HOUR)
    later = NOW + 2 * ONE_HOUR
    with scene.database.transaction() as transaction:
        claimed = outbox.claim(transaction, Batch(mail_id=mail.id), limit=1, now=later)
    assert claimed
    tell(scene, old._replace(event=word))
    with scene.database.transaction() as transaction:
        outcomes.give_back(transaction, claimed.attempt_id, "too fast", later)
    assert first_notice(scene, campaign).state == "queued"


def tell(scene: Scene, event: delivery.Event) -> None:
    with scene.database.transaction() as transaction:
        delivery.record_events(transaction, [event], NOW + 3 * ONE_HOUR)


@pytest.mark.parametrize("state", ["bounced", "suppressed", "no_address"])
@pytest.mark.parametrize(
    ("away", "back"),
    [
        (replace(ALICE, status="closed"), replace(MENDED, status="open")),
        (
            replace(ALICE, kind="service", exempt_reason="a machine"),
            replace(MENDED, kind="person"),
        ),
    ],
)
def test_an_address_that_is_mended_while_the_account_gets_no_mail_is_used_once_it_does(
    scene: Scene, campaign: UUID, state: str, away: AccountRow, back: AccountRow
) -> None:
    """P4: the new address has never had the notice."""
    with scene.database.transaction() as transaction:
        mail = transaction.get_one(OutboxMail, first_notice(scene, campaign).id)
        mail.state, mail.settled_at = state, None if state == "no_address" else NOW
    scene.import_accounts(away, now=NOW + ONE_HOUR)
    scene.import_accounts(MENDED, now=NOW + 2 * ONE_HOUR)
    assert first_notice(scene, campaign).state == state
    scene.import_accounts(back, now=NOW + 3 * ONE_HOUR)
    again = first_notice(scene, campaign)
    assert again.state == "queued"
    assert link_of_the_notice(scene, campaign).successor_id is None


def test_what_failed_is_not_sent_again_to_the_same_address(scene: Scene, campaign: UUID) -> None:
    """P4: closed and open again, at an address where it bounced."""
    with scene.database.transaction() as transaction:
        mail = transaction.get_one(OutboxMail, first_notice(scene, campaign).id)
        mail.state, mail.settled_at = "bounced", NOW
    for status in ("closed", "open"):
        row = AccountRow(external_id=ALICE.external_id, email=ALICE.email, status=status)
        scene.import_accounts(row, now=NOW + ONE_HOUR)
    assert first_notice(scene, campaign).state == "bounced"


def told_that_it_is_off(scene: Scene, campaign: UUID) -> set[UUID]:
    with scene.database.transaction() as transaction:
        lena = scene.staff["lena"]
        act = controls.acting(transaction, lena, "legal", reason="off", now=NOW + 2 * ONE_HOUR)
        controls.withdraw(transaction, scene.version(2), act)
    told = scene.queue_step(campaign, WITHDRAWAL)
    return {scene.mail(each).addressee_id for each in told}


def test_who_had_only_the_link_again_hears_that_it_is_off(scene: Scene, campaign: UUID) -> None:
    """P8: the notice came back, and the link that they asked for did not."""
    alice = scene.account(ALICE.external_id).id
    notice = first_notice(scene, campaign)
    again = outbox.Queued(
        subject_kind=outbox.CAMPAIGN,
        subject_id=campaign,
        addressee_kind=outbox.ACCOUNT,
        addressee_id=alice,
        step=f"{outbox.LINK_AGAIN}_1",
        template="approval_link_again",
        variant=notice.variant,
        link_id=notice.link_id,
    )
    with scene.database.transaction() as transaction:
        transaction.get_one(OutboxMail, notice.id).state = "bounced"
        outbox.queue(transaction, [again], NOW)
    with scene.database.transaction() as transaction:
        found = outbox.claim(transaction, Batch(subject_id=campaign), limit=9, now=NOW)
        assert found
        outcomes.accept(transaction, found.attempt_id, "y", NOW)
    assert alice in told_that_it_is_off(scene, campaign)


@pytest.mark.parametrize(("state", "hears"), [("complained", True), ("bounced", False)])
def test_who_complained_and_mended_their_address_hears_that_it_is_off(
    scene: Scene, campaign: UUID, state: str, *, hears: bool
) -> None:
    """P8: they had read the notice, which waits to be sent to the new address."""
    with scene.database.transaction() as transaction:
        transaction.get_one(OutboxMail, first_notice(scene, campaign).id).state = state
    scene.import_accounts(MENDED, now=NOW + ONE_HOUR)
    assert first_notice(scene, campaign).state == "queued"
    alice = scene.account(ALICE.external_id).id
    assert (alice in told_that_it_is_off(scene, campaign)) is hears


def test_a_notice_owed_again_is_sent_while_its_step_is_still_being_sent(
    scene: Scene, campaign: UUID
) -> None:
    """P4: the shard that it belongs to may be done, and the campaign comes to it no more."""
    with scene.database.transaction() as transaction:
        transaction.get_one(OutboxMail, first_notice(scene, campaign).id).state = "bounced"
    alice, bob = (scene.account(each.external_id).id for each in (ALICE, BOB))
    with scene.database.session() as session:
        assert senders.steps_without_sender(session) == []
    scene.import_accounts(MENDED, now=NOW)
    with scene.database.session() as session:
        assert senders.steps_without_sender(session, account_id=bob) == []
        (owed,) = senders.steps_without_sender(session, account_id=alice)
    assert owed == (campaign, FIRST_NOTICE)
    with scene.database.transaction() as transaction:
        batch = Batch(subject_id=campaign, step=FIRST_NOTICE)
        assert outbox.claim(transaction, batch, limit=9, now=NOW)
    with scene.database.session() as session:
        assert senders.steps_without_sender(session) == []
