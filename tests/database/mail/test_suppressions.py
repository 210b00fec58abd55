"""Addresses that mail stopped going to: until they change, or ops decide otherwise."""

from dataclasses import replace
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from database.approvals.approvals import Shown, decide
from database.campaigns import freezing
from database.campaigns.not_reached import not_reached
from database.mail import outbox, outcomes, suppressions
from database.mail.delivery import Event, record_events
from database.mail.mail_rows import Batch
from database.mail.outbox import Claim, Queued
from database.mail.steps import FIRST_NOTICE
from database.mail.suppressions import Failed
from database.people.accounts import AccountRow
from database.people.links import holder_of
from database.tables import (
    Account,
    Campaign,
    Fact,
    Link,
    MailSuppression,
    OutboxMail,
    PolicyVersion,
)
from domain.mail.suppressions import Cause, address_key
from tests.deciding import APPROVED
from tests.people import ALICE, BOB
from tests.scene import EFFECT, NOW, ONE_HOUR, Scene, loose_mails

KEY = b"k" * 32
OF_ALICE = address_key(ALICE.email, KEY)


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """First notices to Alice and Bob that wait to be sent."""
    scene.import_accounts(ALICE, BOB)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    scene.queue_step(campaign_id)
    return campaign_id


def failed(mail_id: UUID, *, cause: Cause = Cause.BOUNCED, attempt: UUID | None = None) -> Failed:
    return Failed(mail_id=mail_id, attempt_id=attempt or uuid4(), address_key=OF_ALICE, cause=cause)


def suppress(scene: Scene, *failures: Failed) -> int:
    with scene.database.transaction() as transaction:
        return suppressions.suppress(transaction, failures, NOW)


def allow(scene: Scene, address: str = ALICE.email) -> suppressions.Allowed:
    with scene.database.transaction() as transaction:
        return suppressions.allow(
            transaction,
            address,
            address_key(address, KEY),
            staff_id=scene.staff["omar"],
            reason="Her mailbox was full.",
            now=NOW + ONE_HOUR,
        )


def stopped(scene: Scene, batch: Batch) -> dict[UUID, str]:
    """Which of the mails that are next in a batch must not go out; all of them go to Alice."""
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, batch, limit=1000, now=NOW)
        assert claim
        keys = dict.fromkeys(of(transaction, claim), OF_ALICE)
        return suppressions.stopped(transaction, claim, keys)


def of(session: Session, claim: Claim) -> dict[UUID, UUID]:
    """The mails of a claim, and whose each is."""
    mails = session.exec(select(OutboxMail).where(OutboxMail.attempt_id == claim.attempt_id))
    return {mail.id: mail.addressee_id for mail in mails}


def any_mail(scene: Scene) -> UUID:
    with scene.database.transaction() as transaction:
        (mail_id,) = outbox.queue(transaction, loose_mails(1), NOW)
        return mail_id


@given(st.from_regex(r"\A[A-Za-z0-9.]{1,20}@[A-Za-z0-9.]{1,20}\Z"), st.binary(min_size=32))
def test_an_address_is_known_in_every_spelling_and_by_its_key_alone(
    address: str, other_key: bytes
) -> None:
    """P17: the list outlives an erasure, because nobody can read an address from it."""
    known = address_key(address, KEY)
    assert address_key(f" {address.upper()}\n", KEY) == known
    assert address.lower().encode() not in known
    assert (address_key(address, other_key) == known) == (other_key == KEY)


def test_what_two_tries_of_a_mail_came_to_stops_both_of_their_addresses(scene: Scene) -> None:
    """P4: it went to the old address and to the mended one, and both events come in one batch, as
    they do after a day of silence."""
    mail, new = any_mail(scene), address_key("alice@new.example", KEY)
    both = [failed(mail), replace(failed(mail), address_key=new)]
    assert suppress(scene, *both) == 2
    assert suppress(scene, *both, both[0]) == 0
    with scene.database.session() as session:
        keys = session.exec(select(MailSuppression.address_key)).all()
    assert set(keys) == {OF_ALICE, new}


@pytest.mark.parametrize("cause", list(Cause))
def test_a_notice_to_an_address_that_failed_is_stopped_with_a_reason(
    scene: Scene, campaign: UUID, cause: Cause
) -> None:
    """P4."""
    assert suppress(scene, failed(any_mail(scene), cause=cause)) == 1
    reasons = stopped(scene, Batch(subject_id=campaign))
    assert len(reasons) == 2
    assert "address" in next(iter(reasons.values()))
    assert ALICE.email not in str(reasons)


def test_what_a_person_asked_for_still_flows(scene: Scene, campaign: UUID) -> None:
    """P4: a link sent again, and what a request of theirs brings, whatever happened before."""
    suppress(scene, failed(any_mail(scene)), failed(any_mail(scene), cause=Cause.COMPLAINED))
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign)
        link = transaction.exec(
            select(Link).where(Link.account_id == scene.account(ALICE.external_id).id)
        ).one()
        assert link.account_id
        again = Queued(
            subject_kind=outbox.CAMPAIGN,
            subject_id=row.id,
            addressee_kind=outbox.ACCOUNT,
            addressee_id=link.account_id,
            step="link_again_2026-03-02",
            template="approval_link_again",
            variant=row.policy_version_id,
            link_id=link.id,
        )
        (mail_id,) = outbox.queue(transaction, [again], NOW)
    assert stopped(scene, Batch(mail_id=mail_id)) == {}
    request = scene.request(ALICE.email)
    assert stopped(scene, Batch(subject_id=request.id)) == {}


def test_staff_are_always_told(scene: Scene) -> None:
    mail_id = any_mail(scene)
    suppress(scene, failed(mail_id))
    assert stopped(scene, Batch(mail_id=mail_id)) == {}


def test_a_failure_told_twice_does_not_undo_what_ops_decided(scene: Scene, campaign: UUID) -> None:
    """P4: events are repeated for a day; another mail that comes back stops the address anew."""
    failure = failed(any_mail(scene))
    assert [suppress(scene, failure), suppress(scene, failure)] == [1, 0]
    assert allow(scene).lifted == 1
    assert suppress(scene, failure) == 0
    assert stopped(scene, Batch(subject_id=campaign)) == {}
    assert suppress(scene, failed(any_mail(scene))) == 1


def test_ops_let_mail_go_on_and_what_was_held_back_waits_again(
    scene: Scene, campaign: UUID
) -> None:
    """P4: one row for each account at the address, with who decided that and why."""
    suppress(scene, failed(any_mail(scene)))
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, Batch(subject_id=campaign), limit=10, now=NOW)
        assert claim
        alice = scene.account(ALICE.external_id).id
        (hers,) = [mail for mail, whose in of(transaction, claim).items() if whose == alice]
        outcomes.suppress(transaction, claim.attempt_id, {hers: "came back"}, NOW)
        outcomes.accept(transaction, claim.attempt_id, "request-1", NOW)
    with scene.database.session() as session:
        row = session.get_one(Campaign, campaign)
        missed = not_reached(session, row, ZoneInfo("UTC"))
        assert [one.state for one in missed] == ["suppressed"]
    assert allow(scene, "nobody@people.example") == suppressions.Allowed(lifted=0, mails=())
    assert allow(scene, ALICE.email.upper()) == suppressions.Allowed(lifted=1, mails=(hers,))
    assert scene.mail(hers).state == "queued"
    with scene.database.session() as session:
        lifted = session.exec(select(MailSuppression)).one()
        kinds = session.exec(select(Fact.kind).where(Fact.subject_id == lifted.id)).all()
    assert lifted.lifted_by == scene.staff["omar"]
    assert sorted(kinds) == ["mail.address_allowed", "mail.address_suppressed"]


def test_what_was_held_back_by_a_campaign_that_is_over_stays_back(
    scene: Scene, campaign: UUID
) -> None:
    """P8."""
    suppress(scene, failed(any_mail(scene)))
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, Batch(subject_id=campaign), limit=10, now=NOW)
        assert claim
        reasons = dict.fromkeys(of(transaction, claim), "came back")
        outcomes.suppress(transaction, claim.attempt_id, reasons, NOW)
        transaction.get_one(Campaign, campaign).state = "finished"
    assert allow(scene) == suppressions.Allowed(lifted=1, mails=())


@pytest.mark.parametrize("why", ["answered", "in effect"])
def test_a_first_notice_that_comes_too_late_stays_back(
    scene: Scene, campaign: UUID, why: str
) -> None:
    """P4: it would announce what is past, or ask who has answered already."""
    suppress(scene, failed(any_mail(scene)))
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, Batch(subject_id=campaign), limit=10, now=NOW)
        assert claim
        reasons = dict.fromkeys(of(transaction, claim), "came back")
        outcomes.suppress(transaction, claim.attempt_id, reasons, NOW)
        if why == "in effect":
            version = transaction.get_one(Campaign, campaign).policy_version_id
            transaction.get_one(PolicyVersion, version).effective_at = NOW
    if why == "answered":
        scene.decide(ALICE, APPROVED)
    assert allow(scene) == suppressions.Allowed(lifted=1, mails=())


def test_reminders_stop_for_the_account_that_asked_and_for_no_other(
    scene: Scene, campaign: UUID
) -> None:
    """P17: two accounts with one address are two people. Notices that are owed go on."""
    twin = AccountRow(external_id="twin", email=ALICE.email)
    scene.import_accounts(twin)
    alice = scene.account(ALICE.external_id)
    with scene.database.transaction() as transaction:
        link = transaction.exec(select(Link).where(Link.account_id == alice.id)).one()
        for _ in range(2):
            suppressions.remind_no_more(
                transaction, holder_of(transaction, link.nonce), how="page", now=NOW
            )
    assert stopped(scene, Batch(subject_id=campaign, step=FIRST_NOTICE)) == {}
    scene.queue_step(campaign, "reminder_1")
    reasons = stopped(scene, Batch(subject_id=campaign, step="reminder_1"))
    assert [scene.mail(mail).addressee_id for mail in reasons] == [alice.id]
    assert list(reasons.values()) == ["asked for no more reminders"]
    with scene.database.session() as session:
        facts = session.exec(select(Fact).where(Fact.kind == "reminders.stopped")).all()
    assert [fact.subject_id for fact in facts] == [alice.id]


@pytest.mark.parametrize("stands_still", ["paused", "postponed"])
def test_mail_that_is_allowed_while_its_campaign_stands_still_goes_out_with_the_rest(
    scene: Scene, campaign: UUID, stands_still: str
) -> None:
    """P4, P8: the machine paused it because of bounces, and ops mend the addresses first."""
    (mail_id, *_) = [mail for mail, whose in queued_for(scene) if whose == ALICE.external_id]
    suppress(scene, failed(mail_id))
    with scene.database.transaction() as transaction:
        transaction.get_one(OutboxMail, mail_id).state = "suppressed"
        row = transaction.get_one(Campaign, campaign)
        if stands_still == "paused":
            row.state = "paused"
        else:
            transaction.get_one(PolicyVersion, row.policy_version_id).state = "postponed"
    allow(scene)
    with scene.database.session() as session:
        assert session.get_one(OutboxMail, mail_id).state == "queued"
    with scene.database.transaction() as transaction:
        batch = Batch(subject_id=campaign)
        assert outbox.claim(transaction, batch, limit=9, now=NOW + ONE_HOUR) is None


def queued_for(scene: Scene) -> list[tuple[UUID, str]]:
    """Each mail, and whose it is."""
    with scene.database.session() as session:
        return list(
            session.exec(
                select(OutboxMail.id, Account.external_id).join(
                    Account, col(Account.id) == col(OutboxMail.addressee_id)
                )
            ).all()
        )


def go_out(scene: Scene, campaign: UUID) -> None:
    with scene.database.transaction() as transaction:
        while claim := outbox.claim(transaction, Batch(subject_id=campaign), limit=9, now=NOW):
            outcomes.accept(transaction, claim.attempt_id, "x", NOW)


def give_back(scene: Scene, who: AccountRow) -> OutboxMail:
    """Whoever reads the mail to somebody says that it is not theirs; the mail."""
    with scene.database.transaction() as transaction:
        account = scene.account(who.external_id).id
        mail = transaction.exec(select(OutboxMail).where(OutboxMail.addressee_id == account)).one()
        link = transaction.get_one(Link, mail.link_id)
        suppressions.not_theirs(transaction, ALICE.email, link, OF_ALICE, NOW + ONE_HOUR)
        return mail


def test_what_was_decided_for_another_account_with_the_same_address_stands(scene: Scene) -> None:
    """P4, P5: her own account is hers, whatever else comes to her address."""
    own = AccountRow(external_id="own", email=ALICE.email)
    scene.import_accounts(ALICE, own)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    go_out(scene, campaign)
    with scene.database.session() as session:
        account = scene.account(own.external_id)
        link = session.exec(select(Link).where(Link.account_id == account.id)).one()
    with scene.database.transaction() as transaction:
        shown = Shown(
            version=scene.version(2),
            base=scene.version(1),
            how="link",
            language="en",
            link_id=link.id,
        )
        decide(transaction, account, shown, APPROVED, NOW + ONE_HOUR)
    give_back(scene, ALICE)
    scene.put_in_force(scene.version(2), EFFECT)
    assert scene.governs(own, EFFECT).number == 2
    with scene.database.session() as session:
        assert session.get_one(Link, link.id).expires_at is None
        states = session.exec(select(OutboxMail.state)).all()
        rows = not_reached(session, session.get_one(Campaign, campaign), ZoneInfo("Europe/Berlin"))
    assert states == ["suppressed", "suppressed"], "nothing more goes to that address"
    assert [row.account for row in rows] == [ALICE.external_id], "who has answered knows"


def test_what_is_told_of_the_mail_that_was_given_back_says_nothing_of_the_next(
    scene: Scene, campaign: UUID
) -> None:
    """P4: ops allowed mail again, and the new link was not sent yet."""
    go_out(scene, campaign)
    attempt = give_back(scene, ALICE).attempt_id
    assert attempt
    with scene.database.transaction() as transaction:
        [mail] = suppressions.allow(
            transaction,
            ALICE.email,
            OF_ALICE,
            staff_id=scene.staff["omar"],
            reason="It is hers.",
            now=NOW + 2 * ONE_HOUR,
        ).mails
    old = Event(mail_id=mail, attempt_id=attempt, event="delivered", occurred_at=NOW)
    with scene.database.transaction() as transaction:
        record_events(transaction, [old], NOW + 3 * ONE_HOUR)
    assert scene.mail(mail).state == "queued"
