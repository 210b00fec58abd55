"""What the mail service says of each mail, in whatever order it says it (P4)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Insert, insert, literal, true
from sqlmodel import Session, col, select

from database.ids import id_of_each
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch, hold_mails
from database.tables import DeliveryEvent, MailAttempt, OutboxMail
from tests.database.mail.test_outbox import (
    LATER,
    SECOND,
    claim,
    doubtful,
    event,
    heard_of_later,
    must_claim,
    queue,
    settle,
    tell,
)
from tests.databases import until_somebody_waits
from tests.scene import NOW, ONE_HOUR, Scene, loose_mails

EVENTS = ("processed", "deferred", "delivered", "bounce", "dropped", "spamreport", "open")


def test_events_are_kept_once_and_those_of_strangers_dropped(scene: Scene, mail: UUID) -> None:
    attempt = must_claim(scene, mail).attempt_id
    delivered = event(mail, attempt, "delivered")
    stranger = event(uuid4(), uuid4(), "delivered")
    assert tell(scene, delivered, delivered, stranger) == 1
    assert tell(scene, delivered) == 0
    with scene.database.session() as session:
        assert len(session.exec(select(DeliveryEvent)).all()) == 1


@pytest.mark.parametrize("late", ["bounce", "dropped", "spamreport"])
def test_what_became_of_an_earlier_attempt_says_nothing_of_the_one_that_followed(
    scene: Scene, mail: UUID, late: str
) -> None:
    """P4: that went to another address perhaps, and reached somebody."""
    earlier = doubtful(scene, mail)
    heard_of_later(scene, 3)
    assert settle(scene, mail, NOW + ONE_HOUR) == "queued"
    attempt = must_claim(scene, mail, LATER).attempt_id
    tell(scene, event(mail, attempt, "delivered"))
    assert tell(scene, event(mail, earlier, late)) == 1
    assert scene.mail(mail).state == "delivered"


def test_that_an_earlier_attempt_was_delivered_proves_that_the_mail_went_out(
    scene: Scene, mail: UUID
) -> None:
    """P4: although it is in doubt again."""
    earlier = doubtful(scene, mail)
    heard_of_later(scene, 3)
    assert settle(scene, mail, NOW + ONE_HOUR) == "queued"
    must_claim(scene, mail, LATER)
    tell(scene, event(mail, earlier, "delivered"))
    assert scene.mail(mail).state == "delivered"


def test_a_copy_that_was_kept_back_is_not_taken_for_sent_when_another_sender_thought_us_dead(
    scene: Scene,
) -> None:
    """P4: while we wrote the letter, the mails were put in doubt; one of them must not go out."""
    subject = uuid4()
    kept_back, sent = queue(scene, loose_mails(2, subject_id=subject))
    claimed = claim(scene.database, Batch(subject_id=subject))
    assert claimed
    with scene.database.transaction() as transaction:
        outcomes.doubt_abandoned(transaction, Batch(subject_id=subject), NOW)
    with scene.database.transaction() as transaction:
        outcomes.suppress(transaction, claimed.attempt_id, {kept_back: "came back"}, NOW)
        outcomes.accept(transaction, claimed.attempt_id, "request-1", NOW)
    assert (scene.mail(kept_back).state, scene.mail(sent).state) == ("suppressed", "accepted")
    with scene.database.session() as session:
        assert session.get_one(MailAttempt, claimed.attempt_id).copies == 1


@pytest.mark.slow
def test_events_of_many_large_attempts_are_taken_at_once(scene: Scene) -> None:
    """P4: together they have more copies than a statement may have values on PostgreSQL."""
    attempts, copies = [uuid4() for _ in range(70)], 1000
    first, *others = loose_mails(copies)
    queue(scene, [replace(first, shard=1), *others])
    with scene.database.transaction() as transaction:
        transaction.add_all(
            MailAttempt(id=each, copies=copies, started_at=NOW) for each in attempts
        )
        transaction.flush()
        transaction.execute(copy_of_every_mail_in_every_attempt())
        named = transaction.exec(
            select(OutboxMail.id, MailAttempt.id)
            .join(MailAttempt, col(MailAttempt.id) == col(OutboxMail.attempt_id))
            .where(OutboxMail.shard == 1)
        ).all()
    assert tell(scene, *(event(mail, attempt, "delivered") for mail, attempt in named)) == 70
    with scene.database.session() as session:
        states = outbox.states(session, Batch(step="copied"))
    assert states == {"delivered": 70, "accepted": 70 * (copies - 1)}


def copy_of_every_mail_in_every_attempt() -> Insert:
    """Made by the database: 70,000 mails are slow to bring there."""
    columns = {column.name: column for column in OutboxMail.__table__.columns}  # type: ignore[attr-defined]
    columns |= {
        "id": id_of_each(),
        "addressee_id": id_of_each(),
        "step": literal("copied"),
        "state": literal("sending"),
        "attempt_id": col(MailAttempt.id),
    }
    every = select(*columns.values()).select_from(OutboxMail).join(MailAttempt, true())
    return insert(OutboxMail).from_select(list(columns), every)


def reject_the_second(session: Session, attempt: UUID, _first: UUID, second: UUID) -> None:
    outcomes.reject(session, attempt, [second], "SendGrid answered 400", NOW)


def suppress_both(session: Session, attempt: UUID, first: UUID, second: UUID) -> None:
    outcomes.suppress(session, attempt, {second: "a reason", first: "another"}, NOW)


@pytest.mark.parametrize("settle", [reject_the_second, suppress_both])
def test_a_sender_and_events_of_an_earlier_attempt_do_not_wait_in_a_circle(
    scene: Scene, settle: Callable[[Session, UUID, UUID, UUID], None]
) -> None:
    """P4: whoever writes to several mails holds all of them in one order."""
    subject = uuid4()
    first, second = sorted(queue(scene, loose_mails(2, subject_id=subject)))
    claimed = claim(scene.database, Batch(subject_id=subject))
    assert claimed

    def settles() -> None:
        with scene.database.transaction() as transaction:
            settle(transaction, claimed.attempt_id, first, second)

    with ThreadPoolExecutor(1) as sender:
        with scene.database.transaction() as events:
            hold_mails(events, col(OutboxMail.id) == first)
            settling = sender.submit(settles)
            until_somebody_waits(scene.database, settling)
            hold_mails(events, col(OutboxMail.id) == second)
        settling.result()
    assert scene.mail(second).state in ("rejected", "suppressed")


def test_an_event_before_the_answer_is_not_undone_by_it(scene: Scene, mail: UUID) -> None:
    """The webhook may overtake the response."""
    attempt = must_claim(scene, mail).attempt_id
    tell(scene, event(mail, attempt, "delivered"))
    with scene.database.transaction() as transaction:
        outcomes.accept(transaction, attempt, "provider-1", NOW + SECOND)
    assert (scene.mail(mail).state, scene.mail(mail).accepted_at) == ("delivered", NOW)


@pytest.mark.slow
@given(
    order=st.permutations(EVENTS),
    count=st.integers(1, len(EVENTS)),
    repeats=st.lists(st.integers(0, len(EVENTS) - 1), max_size=3),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_order_and_repetition_of_events_change_nothing(
    scene: Scene, order: list[str], count: int, repeats: list[int]
) -> None:
    """P4: SendGrid sends them late, doubled and shuffled."""
    chosen = order[:count]
    shuffled = [*chosen, *(chosen[number % count] for number in repeats)]
    first, second = queue(scene, loose_mails(2))
    for mail, names in ((first, sorted(chosen)), (second, shuffled)):
        attempt = must_claim(scene, mail).attempt_id
        for name in names:
            tell(scene, event(mail, attempt, name))
    assert scene.mail(first).state == scene.mail(second).state != "sending"
