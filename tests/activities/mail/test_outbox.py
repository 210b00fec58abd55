"""What the sender does about each answer of the mail service, and about none at all."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select
from temporalio.testing import ActivityEnvironment

import activities.mail.outbox
from activities.mail.outbox import OutboxActivities, Sender, SendInput, SendProgress
from database import engine
from database.campaigns import freezing, rehearsals
from database.engine import Database
from database.mail import delivery
from database.mail.delivery import Event
from database.mail.mail_rows import Batch, hold_mails
from database.people.accounts import AccountRow
from database.silence import is_silence
from database.tables import Account, MailAttempt, OutboxMail, PolicyVersion
from domain.policies.reviews import VersionClass
from mail.message import Message, TemplateRefused
from mail.sendgrid import Accepted, Copy, MailService, Outcome, Rejected
from tests import databases
from tests.databases import until_somebody_waits
from tests.people import ALICE, BOB, CAROL, LANGUAGES
from tests.sandbox_server import API_KEY, RunningSandbox
from tests.scene import NOW, ONE_HOUR, Scene
from tests.texts import FIRST, SECOND

MakeSender = Callable[..., Sender]


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """Three first notices that wait to be sent."""
    scene.import_accounts(ALICE, BOB, CAROL)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    scene.queue_step(campaign_id)
    return campaign_id


def send(
    sender: Sender, campaign: UUID, now: datetime = NOW, *, step: str | None = None
) -> SendProgress:
    """As the worker does it, in an activity."""
    what = SendInput(subject_id=campaign, step=step, now=now)
    return ActivityEnvironment().run(OutboxActivities(sender).send_mail, what)


def states(scene: Scene) -> list[str]:
    with scene.database.session() as session:
        return sorted(session.exec(select(OutboxMail.state)).all())


def outcomes(scene: Scene) -> list[str | None]:
    with scene.database.session() as session:
        rows = session.exec(select(MailAttempt.outcome)).all()
    return sorted(rows, key=str)


def test_mails_that_are_taken_are_accepted_and_not_sent_again(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4: three copies in one request, and none the second time."""
    assert send(sender(), campaign) == SendProgress(accepted=3)
    assert send(sender(), campaign) == SendProgress(accepted=3)
    assert len(sandbox.messages()) == 3
    assert outcomes(scene) == ["accepted"]


def test_a_test_mail_says_in_its_subject_that_it_is_one(
    scene: Scene, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4: nobody takes it for the real one."""
    scene.put_in_force(first := scene.submit(FIRST, now=NOW), NOW)
    second = scene.submit(SECOND)
    scene.assess(first, version=second)
    scene.confirm_all(second, VersionClass.APPROVAL)
    with scene.database.transaction() as transaction:
        version = transaction.get_one(PolicyVersion, second.id)
        lena = scene.staff["lena"]
        rehearsals.send_to(transaction, version, lena, languages=LANGUAGES, now=NOW)
    assert send(sender(), second.id).accepted == 2
    subjects = {mail["subject"] for mail in sandbox.messages()}
    assert "[Test] (from version 1) Please decide: we want to change our privacy policy" in subjects
    assert all(str(subject).startswith("[Test] ") for subject in subjects)


def test_each_request_holds_as_many_copies_as_the_setting_says(
    scene: Scene, campaign: UUID, sender: MakeSender
) -> None:
    assert send(sender(batch_size=1), campaign).accepted == 3
    assert outcomes(scene) == ["accepted"] * 3


def test_a_try_counts_from_when_it_was_asked_for_and_each_attempt_from_its_own_moment(
    scene: Scene, campaign: UUID, sender: MakeSender
) -> None:
    """P4, P7: a try that waited for a worker sends later than it was asked to; and which attempt
    came after which is what evidence rests on."""
    waited = timedelta(seconds=50)
    environment = ActivityEnvironment()
    environment.info = replace(
        environment.info,
        started_time=environment.info.current_attempt_scheduled_time + waited,
    )
    what = SendInput(subject_id=campaign, now=NOW)
    environment.run(OutboxActivities(sender(batch_size=1)).send_mail, what)
    with scene.database.session() as session:
        attempts = session.exec(select(MailAttempt.started_at)).all()
        accepted = session.exec(select(OutboxMail.accepted_at)).all()
    assert len(set(attempts)) == 3
    assert all(at and at >= NOW + waited for at in (*attempts, *accepted))


def test_a_try_that_would_take_too_long_leaves_the_rest_to_the_next(
    campaign: UUID, sender: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Well before the workflow takes it for broken."""
    monkeypatch.setattr(activities.mail.outbox, "SEND_WITHIN", timedelta(0))
    assert send(sender(), campaign) == SendProgress(waiting=3)
    monkeypatch.undo()
    assert send(sender(), campaign) == SendProgress(accepted=3)


def test_a_busy_mail_service_gets_everything_later(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4: 429 surely took nothing, so the mails are simply queued until the service wants them."""
    sandbox.misbehave("429")
    progress = send(sender(), campaign)
    assert (progress.waiting, progress.unknown) == (3, 0)
    assert progress.not_before
    assert states(scene) == ["queued"] * 3
    assert send(sender(), campaign, progress.not_before).accepted == 3
    assert len(sandbox.messages()) == 3


@pytest.mark.parametrize("mode", ["500", "reset", "accept-then-reset"])
def test_a_lost_answer_leaves_doubt_and_nothing_is_sent_again(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox, mode: str
) -> None:
    """P4: nobody can prove that it did not go out."""
    sandbox.misbehave(mode)
    assert send(sender(), campaign).unknown == 3
    arrived = len(sandbox.messages())
    assert send(sender(), campaign).accepted == 0
    assert states(scene) == ["unknown"] * 3
    assert len(sandbox.messages()) == arrived == (3 if mode == "accept-then-reset" else 0)


def test_a_wrong_key_stops_the_sending_and_loses_nothing(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4: about the account, not about a copy."""
    progress = send(sender(api_key="SG.wrong"), campaign)
    assert progress.waiting == 3
    assert progress.problem
    assert outcomes(scene) == ["not_sent"]


@pytest.mark.parametrize("mode", ["401", "403", "429", "429-without-headers"])
def test_what_is_about_the_account_or_its_rate_costs_nobody_their_notice(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox, mode: str
) -> None:
    """P4: no credits, no sender, too fast: the mails stay queued and go out later, once each."""
    sandbox.misbehave(mode)
    progress = send(sender(), campaign)
    assert progress.waiting == 3
    assert (progress.not_before if "429" in mode else progress.problem) is not None
    assert send(sender(), campaign, progress.not_before or NOW).accepted == 3
    assert len(sandbox.messages()) == 3


def test_a_request_that_is_too_large_goes_out_in_halves(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4: 413 names nobody."""
    sandbox.misbehave("413")
    assert send(sender(), campaign).accepted == 3
    assert outcomes(scene)[0] == "accepted"
    assert "rejected" in outcomes(scene)
    assert states(scene) == ["accepted"] * 3


def test_only_the_copy_that_a_refusal_names_is_given_up(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4."""
    sandbox.misbehave("400", field="personalizations.1.to.0.email")
    assert send(sender(), campaign).accepted == 2
    assert states(scene) == ["accepted", "accepted", "rejected"]


def test_a_silent_mail_service_gets_everything_later(
    scene: Scene, campaign: UUID, sender: MakeSender
) -> None:
    nowhere = MailService(
        api_key="SG.any", host="http://127.0.0.1:9", sender_address="a@example.com", sender_name="F"
    )
    assert send(sender(nowhere), campaign).waiting == 3
    assert states(scene) == ["queued"] * 3


def test_one_bad_address_costs_nobody_else_their_notice(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4: the copy that is named is rejected, the rest goes out."""
    with scene.database.transaction() as transaction:
        bob = transaction.exec(select(Account).where(Account.email == BOB.email)).one()
        bob.email = "no address"
    assert send(sender(), campaign).accepted == 2
    assert states(scene) == ["accepted", "accepted", "rejected"]
    assert BOB.email not in str(sandbox.messages())


class Mute(MailService):
    """Refuses every request that holds a copy for Bob, and says which only where he is alone."""

    def send(
        self, message: Message, copies: Sequence[Copy], attempt_id: UUID, headers: object = None
    ) -> Outcome:
        if any(copy.address == BOB.email for copy in copies):
            named = tuple(copy.mail_id for copy in copies if len(copies) == 1)
            return Rejected(mail_ids=named, reason="SendGrid answered 400")
        return Accepted(provider_id="provider")


def test_where_nobody_is_named_the_batch_is_halved_until_the_copy_is_found(
    scene: Scene, campaign: UUID, sender: MakeSender
) -> None:
    """P4."""
    mute = Mute(api_key="k", host="http://nowhere", sender_address="a@example.com", sender_name="F")
    assert send(sender(mute), campaign).accepted == 2
    assert states(scene) == ["accepted", "accepted", "rejected"]


def test_a_mail_that_cannot_be_written_was_surely_not_sent(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """P4: a broken template leaves the mails queued, not in doubt, and they go out once mended."""
    with pytest.raises(TemplateRefused):
        send(sender(templates=tmp_path), campaign)
    assert states(scene) == ["queued"] * 3
    with scene.database.session() as session:
        reasons = {mail.reason for mail in session.exec(select(OutboxMail)).all()}
        attempt = session.exec(select(MailAttempt)).one()
    assert reasons == {"could not be written: TemplateRefused"}
    assert attempt.ended_at
    assert attempt.ended_at >= attempt.started_at
    assert send(sender(), campaign).accepted == 3


class Dies(MailService):
    """The process ends in the middle of a request."""

    def send(
        self, message: Message, copies: Sequence[Copy], attempt_id: UUID, headers: object = None
    ) -> Outcome:
        raise SystemExit


def test_a_crash_leaves_doubt_and_the_next_sender_repeats_nothing(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4: claimed, committed, and then the power went."""
    dies = Dies(api_key="k", host="http://nowhere", sender_address="a@example.com", sender_name="F")
    with pytest.raises(SystemExit):
        send(sender(dies), campaign)
    assert states(scene) == ["sending"] * 3
    assert send(sender(), campaign).unknown == 3
    assert sandbox.messages() == []
    later = SendInput(subject_id=campaign, now=NOW + ONE_HOUR)
    ActivityEnvironment().run(OutboxActivities(sender()).send_mail, later)
    assert states(scene) == ["operator"] * 3
    assert sandbox.messages() == []


class HangsAfterwards(MailService):
    """The mail service takes the mails, and then the database hangs."""

    def __init__(self, host: str, hang: Callable[[], object]) -> None:
        super().__init__(
            api_key=API_KEY, host=host, sender_address="a@example.com", sender_name="F"
        )
        self._hang = hang

    def send(
        self,
        message: Message,
        copies: Sequence[Copy],
        attempt_id: UUID,
        headers: Mapping[str, str] | None = None,
    ) -> Outcome:
        outcome = super().send(message, copies, attempt_id, headers)
        self._hang()
        return outcome


@pytest.mark.postgresql
@pytest.mark.parametrize("database_kind", [databases.POSTGRESQL])
def test_mails_that_went_out_and_could_not_be_noted_are_in_doubt_until_their_events_come(
    campaign: UUID,
    scene: Scene,
    sender: MakeSender,
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P4: nobody waits for a database that hangs, and nobody sends again for that."""
    monkeypatch.setattr(engine, "OWN_WAIT_SECONDS", 0.5)
    hangs = threading.Event()
    with (
        ExitStack() as until_it_goes_on,
        closing(Database(scene.database.url, hangs=hangs.is_set)) as cut,
    ):

        def hang() -> None:
            other = until_it_goes_on.enter_context(scene.database.transaction())
            other.execute(text("LOCK TABLE outbox_mail"))
            hangs.set()

        service = HangsAfterwards(sandbox.url, hang)
        with pytest.raises(OperationalError) as fault:
            send(sender(service, through=cut), campaign)
        assert is_silence(fault.value)
    assert states(scene) == ["sending"] * 3
    assert send(sender(), campaign) == SendProgress(unknown=3)
    with scene.database.transaction() as transaction:
        mail = transaction.exec(select(OutboxMail)).first()
        assert mail
        assert mail.attempt_id
        heard = Event(
            mail_id=mail.id, attempt_id=mail.attempt_id, event="processed", occurred_at=NOW
        )
        delivery.record_events(transaction, [heard], NOW)
    assert send(sender(), campaign) == SendProgress(accepted=3)
    assert len(sandbox.messages()) == 3


def test_a_sender_that_takes_over_and_late_events_do_not_wait_in_a_circle(
    scene: Scene, campaign: UUID, sender: MakeSender
) -> None:
    """P4: it looks after what was abandoned, and after what is in doubt for long."""
    with scene.database.transaction() as transaction:
        mails = transaction.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()
        first, last = mails[0].id, mails[-1].id
        mails[0].state, mails[-1].state = "unknown", "sending"
        mails[0].claimed_at = mails[-1].claimed_at = NOW
    with ThreadPoolExecutor(1) as worker:
        with scene.database.transaction() as events:
            hold_mails(events, col(OutboxMail.id) == first)
            sending = worker.submit(send, sender(), campaign, NOW + ONE_HOUR)
            until_somebody_waits(scene.database, sending)
            hold_mails(events, col(OutboxMail.id) == last)
        assert sending.result().accepted == 1
    assert states(scene) == ["accepted", "operator", "unknown"]


def test_an_address_mended_before_the_sending_is_the_one_that_counts(
    scene: Scene, campaign: UUID, sender: MakeSender, sandbox: RunningSandbox
) -> None:
    """P4: to the address in the account, as it is when the mail goes out."""
    moved = AccountRow(external_id=ALICE.external_id, email="alice@elsewhere.example")
    scene.import_accounts(moved, now=NOW)
    ActivityEnvironment().run(sender().send, Batch(subject_id=campaign), NOW)
    assert sandbox.message_to("alice@elsewhere.example")
    assert sandbox.messages(to=ALICE.email) == []
