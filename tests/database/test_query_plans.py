"""What is asked all the time, or while others wait to write, is found and not searched for: a
campaign leaves a million links and as many mails behind."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlmodel import Session, col, select

from database.approvals.approvals import PolicyHistory
from database.approvals.reach import correction_for, had_wrong_words
from database.campaigns import controls, freezing
from database.campaigns.corrections import Right, RightWords
from database.campaigns.shards import queue_step
from database.mail import delivery, outbox, outcomes, suppressions
from database.mail.mail_rows import Batch, hold_mails, of_campaigns_to
from database.people import links
from database.people.accounts import AccountRow, accounts_at_address
from database.policies.policies import version_by_slug
from database.tables import Account, Campaign, CampaignAddressee, Link, OutboxMail, Policy, Staff
from domain.mail.suppressions import Cause, address_key
from domain.policies.reviews import Decisions
from tests import correcting
from tests.people import ALICE, BOB, POLICY
from tests.query_plans import whole_tables_read
from tests.scene import NOW, ONE_HOUR, Scene

KEY = address_key(ALICE.email, b"k" * 32)


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """First notices to Alice and Bob are out."""
    scene.import_accounts(ALICE, BOB)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    scene.queue_step(campaign_id)
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, Batch(subject_id=campaign_id), limit=9, now=NOW)
        assert claim
        outcomes.accept(transaction, claim.attempt_id, "x", NOW)
    return campaign_id


def notice_of_alice(session: Session) -> OutboxMail:
    return session.exec(
        select(OutboxMail)
        .join(Account, col(Account.id) == col(OutboxMail.addressee_id))
        .where(Account.external_id == ALICE.external_id)
    ).one()


def who_governs(session: Session, _mail: OutboxMail) -> None:
    """Asked by each page, each question of another system, twice for each chunk of an audience."""
    PolicyHistory(session, session.exec(select(Policy)).one())


def whose_address(session: Session, _mail: OutboxMail) -> None:
    """Asked of whatever anybody types into the public form for another link."""
    assert accounts_at_address(session, ALICE.email.upper())


def give_back(session: Session, mail: OutboxMail) -> None:
    link = session.get_one(Link, mail.link_id)
    suppressions.not_theirs(session, ALICE.email, link, KEY, NOW)


def allow(session: Session, mail: OutboxMail) -> None:
    assert mail.attempt_id
    omar = session.exec(select(Staff.id).where(Staff.handle == "omar")).one()
    stop = suppressions.Failed(
        mail_id=mail.id, attempt_id=mail.attempt_id, address_key=KEY, cause=Cause.BOUNCED
    )
    suppressions.suppress(session, [stop], NOW)
    assert suppressions.allow(
        session, ALICE.email, KEY, staff_id=omar, reason="hers", now=NOW
    ).lifted


def mend(session: Session, mail: OutboxMail) -> None:
    hold_mails(session, of_campaigns_to([mail.addressee_id]))
    links.replace_links(session, [mail.addressee_id], NOW)


def bounce(session: Session, mail: OutboxMail) -> None:
    assert mail.attempt_id
    came_back = delivery.Event(
        mail_id=mail.id, attempt_id=mail.attempt_id, event="bounce", occurred_at=NOW
    )
    assert delivery.record_events(session, [came_back], NOW)


@pytest.mark.parametrize("ask", [who_governs, whose_address, give_back, allow, mend, bounce])
def test_nothing_that_grows_with_the_account_holders_is_read_whole(
    scene: Scene, campaign: UUID, ask: Callable[[Session, OutboxMail], None]
) -> None:
    """P4: nor all that are in a state, which may be nearly all."""
    with scene.database.session() as session:
        mail = notice_of_alice(session)
        with whole_tables_read(scene.database, by_state=True) as read:
            ask(session, mail)
            session.flush()
        session.rollback()
    assert read == set()


def test_an_account_that_another_system_re_addresses_is_found(scene: Scene, campaign: UUID) -> None:
    with whole_tables_read(scene.database) as read:
        scene.import_accounts(
            AccountRow(external_id=ALICE.external_id, email="new@people.example"),
            now=NOW + ONE_HOUR,
        )
    assert read <= {"account"}, "how many there are is counted, once for each file"


def test_who_had_wrong_words_is_found_by_campaign_and_account(scene: Scene, campaign: UUID) -> None:
    """P8: proposed and agreed to while everybody else who writes waits; mailed to each shard, and
    looked up by each page."""
    english = RightWords(language="en", mail="It is a year.", sentences={"F1": "For a year."})
    right = Right(decisions=Decisions.VOID, words=[english])
    later, lena, noor = NOW + ONE_HOUR, scene.staff["lena"], scene.staff["noor"]
    with scene.database.session() as session:
        mail = notice_of_alice(session)
        with whole_tables_read(scene.database, by_state=True) as read:
            version = version_by_slug(session, POLICY, 2)
            act = controls.acting(session, lena, "legal", reason="a wrong period", now=NOW)
            correcting.propose(session, version, act, right)
            correcting.confirm(session, version, noor, later)
            put_right = correction_for(session, version.id, mail.addressee_id)
            assert put_right
            told = select(CampaignAddressee.id).where(
                CampaignAddressee.campaign_id == campaign, had_wrong_words(session, put_right)
            )
            assert len(session.exec(told).all()) == len([ALICE, BOB])
        session.rollback()
    assert read == set()


def test_what_a_sender_asks_of_a_shard_costs_what_the_shard_costs(
    scene: Scene, campaign: UUID
) -> None:
    """P4: of a million a walk over the campaign for each thousand is a thousand walks."""
    batch = Batch(subject_id=campaign, step="reminder_1", shard=0)
    with scene.database.session() as session:
        addressed = session.get_one(Campaign, campaign)
        with whole_tables_read(scene.database, without_shard=True) as read:
            queue_step(session, addressed, "reminder_1", 0, languages=("en",), now=NOW)
            outcomes.any_in_doubt(session, batch)
            assert outbox.claim(session, batch, limit=9, now=NOW)
            outbox.states_of_sending(session, batch)
        session.rollback()
    assert read == set()
