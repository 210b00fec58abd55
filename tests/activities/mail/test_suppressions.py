"""Nothing of our own accord goes to an address that failed; reminders can be unsubscribed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.mail.outbox import Sender, SendProgress
from database.campaigns import freezing
from database.campaigns.not_reached import not_reached
from database.mail import suppressions
from database.mail.mail_rows import Batch
from database.mail.steps import FIRST_NOTICE
from database.mail.suppressions import Failed
from database.people.links import holder_of
from database.requests import restrictions
from database.requests.restrictions import Lift
from database.tables import Campaign, Link, MailAttempt, OutboxMail, PolicyVersion
from domain.mail.suppressions import WORDS, Cause, address_key
from domain.people.restrictions import Reason
from tests.activities.conftest import SUPPRESSION_KEY
from tests.people import ALICE, BOB, CAROL, DORA, LANGUAGES
from tests.sandbox_server import RunningSandbox
from tests.scene import EFFECT, NOW, Scene

MakeSender = Callable[..., Sender]
REMINDER = "reminder_1"


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """A campaign that addresses three people, and sends nothing yet."""
    scene.import_accounts(ALICE, BOB, CAROL)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    return campaign_id


def send(scene: Scene, sender: Sender, campaign: UUID, step: str = FIRST_NOTICE) -> SendProgress:
    """Queue a step and send it as the worker does, in an activity."""
    scene.queue_step(campaign, step)
    return ActivityEnvironment().run(sender.send, Batch(subject_id=campaign, step=step), NOW)


def fail(scene: Scene, address: str, cause: Cause = Cause.BOUNCED) -> None:
    """Some earlier mail to this address came back, or was reported as spam."""
    request = scene.request(address)
    with scene.database.transaction() as transaction:
        mail = OutboxMail(
            subject_kind="request",
            subject_id=request.id,
            addressee_kind="requester",
            addressee_id=request.id,
            step=f"earlier {uuid4()}",
            template="request_progress",
            variant=request.id,
            state="bounced",
            queued_at=NOW,
        )
        transaction.add(mail)
        transaction.flush()
        failure = Failed(
            mail_id=mail.id,
            attempt_id=uuid4(),
            address_key=address_key(address, SUPPRESSION_KEY),
            cause=cause,
        )
        suppressions.suppress(transaction, [failure], NOW)


def states(scene: Scene, step: str = FIRST_NOTICE) -> Mapping[str, str]:
    """The state of each account's mail, by external id."""
    with scene.database.session() as session:
        mails = session.exec(select(OutboxMail).where(OutboxMail.step == step)).all()
    people = {scene.account(person.external_id).id: person for person in (ALICE, BOB, CAROL)}
    return {people[mail.addressee_id].external_id: mail.state for mail in mails}


@pytest.mark.parametrize("cause", list(Cause))
def test_a_failed_address_gets_nothing_and_the_others_get_theirs(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox, cause: Cause
) -> None:
    """P4: its account is on the list of the not-reached, with the reason and no address."""
    fail(scene, ALICE.email.upper(), cause)
    assert send(scene, sender(), campaign).accepted == 2
    assert sorted(str(mail["to"]) for mail in sandbox.messages()) == [BOB.email, CAROL.email]
    assert states(scene)[ALICE.external_id] == "suppressed"
    with scene.database.session() as session:
        (missed,) = not_reached(session, session.get_one(Campaign, campaign), ZoneInfo("UTC"))
        attempt = session.exec(select(MailAttempt)).one()
    assert (missed.account, missed.state) == (ALICE.external_id, "suppressed")
    assert missed.reason == WORDS[cause]
    assert attempt.copies == 2


def test_where_nobody_is_left_no_request_is_made_and_the_rest_goes_on(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    fail(scene, ALICE.email)
    assert send(scene, sender(batch_size=1), campaign).accepted == 2
    with scene.database.session() as session:
        outcomes = session.exec(select(MailAttempt.outcome, MailAttempt.copies)).all()
    assert sorted(outcomes, key=str) == [("accepted", 1), ("accepted", 1), ("suppressed", 0)]
    assert len(sandbox.messages()) == 2


def test_a_changed_address_lifts_it(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4: the address failed, not the account."""
    fail(scene, "old@people.example")
    assert send(scene, sender(), campaign).accepted == 3
    assert sandbox.message_to(ALICE.email)


def test_a_request_from_a_failed_address_is_acknowledged_all_the_same(
    scene: Scene, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P21, P26: they asked just now, the answer is owed, and the mailbox may be mended."""
    fail(scene, DORA.email)
    request = scene.request(DORA.email)
    progress = ActivityEnvironment().run(sender().send, Batch(subject_id=request.id), NOW)
    assert progress.accepted == 1
    assert sandbox.message_to(DORA.email)


@pytest.mark.parametrize("batch_size", [1, 1000])
def test_a_reminder_carries_the_button_of_its_reader_and_a_first_notice_none(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox, batch_size: int
) -> None:
    """P17, RFC 8058: each copy its own link, the same that stands in its text."""
    with scene.database.transaction() as transaction:
        for version in transaction.exec(select(PolicyVersion)).all():
            version.effective_at = version.effective_at or EFFECT
    send(scene, sender(batch_size=batch_size), campaign)
    for notice in sandbox.messages():
        assert not any("unsubscribe" in name.lower() for name in headers(notice))
        assert "/unsubscribe/" not in f"{notice['text']}{notice['html']}"
    sandbox.empty()
    send(scene, sender(batch_size=batch_size), campaign, REMINDER)
    reminders = sandbox.messages()
    assert len({headers(mail)["List-Unsubscribe"] for mail in reminders}) == 3
    for mail in reminders:
        assert headers(mail)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        link = headers(mail)["List-Unsubscribe"].strip("<>")
        assert link.startswith("http://127.0.0.1:8000/unsubscribe/")
        assert link in str(mail["text"])
        assert f'href="{link}"' in str(mail["html"])


def headers(mail: Mapping[str, object]) -> Mapping[str, str]:
    found = mail["headers"]
    assert isinstance(found, dict)
    return found


def test_who_wants_no_reminders_gets_the_notice_and_no_reminder(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4, P17."""
    assert send(scene, sender(), campaign).accepted == 3
    with scene.database.transaction() as transaction:
        alice = scene.account(ALICE.external_id).id
        link = transaction.exec(select(Link).where(Link.account_id == alice)).one()
        suppressions.remind_no_more(
            transaction, holder_of(transaction, link.nonce), how="one_click", now=NOW
        )
    assert send(scene, sender(), campaign, REMINDER).accepted == 2
    assert states(scene, REMINDER)[ALICE.external_id] == "suppressed"
    assert len(sandbox.messages(to=ALICE.email)) == 1


def test_a_restricted_account_gets_the_notice_and_no_reminder(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4, P14: what is owed goes on, a courtesy does not."""
    with scene.database.transaction() as transaction:
        alice = scene.account(ALICE.external_id).id
        (restricted,) = restrictions.restrict(transaction, [alice], Reason.DISPUTED, now=NOW)
    assert send(scene, sender(), campaign).accepted == 3
    assert send(scene, sender(), campaign, REMINDER).accepted == 2
    assert states(scene, REMINDER)[ALICE.external_id] == "suppressed"
    with scene.database.transaction() as transaction:
        restrictions.ask_to_lift(
            transaction,
            restricted,
            Lift(explanation="Mended.", told_otherwise="By post."),
            staff_id=scene.staff["petra"],
            languages=LANGUAGES,
            now=NOW,
        )
    assert send(scene, sender(), campaign, "reminder_2").accepted == 3


def test_the_end_of_a_restriction_is_told_in_their_language_with_the_reason_and_a_link(
    scene: Scene, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P14: also where reminders are not wanted, and mail came back before."""
    scene.import_accounts(replace(ALICE, locale="de"))
    fail(scene, ALICE.email)
    with scene.database.transaction() as transaction:
        alice = scene.account(ALICE.external_id).id
        (restricted,) = restrictions.restrict(transaction, [alice], Reason.DISPUTED, now=NOW)
        (mail,) = restrictions.ask_to_lift(
            transaction,
            restricted,
            Lift(explanation="Your <street> is right now.\n\nSee for yourself."),
            staff_id=scene.staff["petra"],
            languages=LANGUAGES,
            now=NOW,
        )
    assert ActivityEnvironment().run(sender().send, Batch(mail_id=mail), NOW).accepted == 1
    told = sandbox.message_to(ALICE.email)
    assert told["subject"] == "Die Einschränkung Ihrer Daten endet"
    assert "Your <street> is right now.\n\nSee for yourself." in str(told["text"])
    assert "Your &lt;street&gt; is right now." in str(told["html"])
    assert "/preferences/" in str(told["text"])
    with scene.database.transaction() as transaction:
        assert restrictions.lift_what_was_told(transaction, NOW, limit=10) == 1
