"""Delivery events: signed, or not believed (P4)."""

import json
from base64 import b64encode
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from httpx import Response
from sqlmodel import select

from clock import real_now
from database.mail.mail_rows import Batch
from database.mail.outbox import claim
from database.mail.outcomes import accept, doubt
from database.tables import DeliveryEvent, MailAttempt, MailSuppression, OutboxMail
from domain.mail.suppressions import address_key
from mail.delivery_events import SIGNATURE_HEADER, TIMESTAMP_HEADER
from settings import Settings
from tests.web.world import NOW, World

KEY, NEXT_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
PUBLIC = tuple(
    b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    for key in (KEY, NEXT_KEY)
)


@pytest.fixture
def settings() -> Settings:
    return Settings(
        _env_file=None, sendgrid_webhook_public_keys=tuple(one.decode() for one in PUBLIC)
    )


def report(
    world: World,
    body: bytes,
    *,
    key: ec.EllipticCurvePrivateKey = KEY,
    age: timedelta = timedelta(0),
) -> Response:
    """Send a batch that was signed so long ago."""
    timestamp = str(int((real_now() - age).timestamp()))
    signature = key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    answer: Response = world.browser.post(
        "/webhooks/sendgrid/events",
        content=body,
        headers={
            SIGNATURE_HEADER: b64encode(signature).decode(),
            TIMESTAMP_HEADER: timestamp,
        },
    )
    return answer


def sent_mail(world: World) -> OutboxMail:
    """A mail that went to the mail service and of which nothing is known yet."""
    world.browser.post("/approve/new-link", data={"email": "alice@example.org"})
    with world.database.transaction() as transaction:
        mail = transaction.exec(select(OutboxMail)).one()
        assert claim(transaction, Batch(subject_id=mail.subject_id), limit=1, now=NOW)
        transaction.refresh(mail)
        return mail


def event(mail_id: UUID, attempt_id: UUID | None) -> bytes:
    entry = {
        "event": "bounce",
        "timestamp": 1767603600,
        "mail_id": str(mail_id),
        "attempt_id": str(attempt_id),
        "email": "alice@example.org",
        "reason": "550 no such mailbox",
    }
    return json.dumps([entry]).encode()


def state(world: World) -> str:
    with world.database.session() as session:
        return session.exec(select(OutboxMail)).one().state


def test_a_signed_bounce_moves_the_mail(world: World) -> None:
    """P4: the mail is not counted as reached any more; the batch may come twice."""
    mail = sent_mail(world)
    for _ in range(2):
        assert report(world, event(mail.id, mail.attempt_id)).status_code == 204
    assert state(world) == "bounced"


@pytest.mark.parametrize("key", [KEY, NEXT_KEY], ids=["today's", "the next"])
def test_any_of_our_keys_may_have_signed(world: World, key: ec.EllipticCurvePrivateKey) -> None:
    """So that keys can be changed without losing an event."""
    mail = sent_mail(world)
    assert report(world, event(mail.id, mail.attempt_id), key=key).status_code == 204
    assert state(world) == "bounced"


def test_events_that_nobody_signed_change_nothing(world: World) -> None:
    mail = sent_mail(world)
    body = event(mail.id, mail.attempt_id)
    foreign = ec.generate_private_key(ec.SECP256R1())
    assert report(world, body, key=foreign).status_code == 403
    assert world.browser.post("/webhooks/sendgrid/events", content=body).status_code == 403
    assert state(world) == "sending"


def test_what_is_signed_and_no_list_is_refused_in_json(world: World) -> None:
    answer = report(world, b"not json")
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_a_batch_of_more_than_two_megabytes_is_refused(world: World) -> None:
    assert report(world, b"[" + b" " * 2_000_001 + b"]").status_code == 413


def test_events_of_mails_we_do_not_know_are_taken_and_dropped(world: World) -> None:
    assert report(world, event(uuid4(), uuid4())).status_code == 204


def test_our_own_fault_is_answered_so_that_the_batch_comes_again(world: World) -> None:
    with world.database.engine.connect() as connection:
        connection.exec_driver_sql("DROP TABLE delivery_event")
        connection.commit()
    mail = sent_mail(world)
    assert report(world, event(mail.id, mail.attempt_id)).status_code >= 500


def suppressions(world: World) -> list[MailSuppression]:
    with world.database.session() as session:
        return list(session.exec(select(MailSuppression)).all())


def an_event(mail: OutboxMail, **said: str) -> bytes:
    entry = {
        "timestamp": 1767603600,
        "mail_id": str(mail.id),
        "attempt_id": str(mail.attempt_id),
        "email": "Alice@example.org",
    }
    return json.dumps([entry | said]).encode()


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ({"event": "bounce", "type": "bounce"}, "bounced"),
        ({"event": "dropped", "reason": "Bounced Address"}, "bounced"),
        ({"event": "dropped", "reason": "Invalid"}, "bounced"),
        ({"event": "spamreport"}, "complained"),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, "complained"),
        ({"event": "bounce", "type": "blocked"}, None),
        ({"event": "deferred"}, None),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, None),
        ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, None),
        ({"event": "delivered"}, None),
    ],
    ids=str,
)
def test_what_is_for_good_stops_mail_to_the_address_and_what_passes_does_not(
    world: World, said: dict[str, str], cause: str | None
) -> None:
    """P4, P17: told twice it stands once, under the keyed hash of the address and not in clear."""
    mail = sent_mail(world)
    for _ in range(2):
        assert report(world, an_event(mail, **said)).status_code == 204
    found = suppressions(world)
    assert [one.cause for one in found] == ([cause] if cause else [])
    key = world.settings.suppression_key_bytes
    assert all(one.address_key == address_key("alice@example.org", key) for one in found)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"event": "bounce", "type": "bounce"}, "no such mailbox"),
        ({"event": "bounce", "type": "blocked"}, "a later mail may well arrive"),
        ({"event": "dropped", "reason": "Bounced Address"}, "not sent: the mail service knows"),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, "not sent: earlier mail was"),
        ({"event": "spamreport"}, "reported as spam"),
        ({"event": "delivered"}, ""),
    ],
    ids=str,
)
def test_why_a_mail_reached_nobody_is_kept_in_our_words(
    world: World, said: dict[str, str], words: str
) -> None:
    """P4: the mail service's own words may quote the address."""
    mail = sent_mail(world)
    quoting = {"reason": "550 alice@example.org?"} | said
    assert report(world, an_event(mail, **quoting)).status_code == 204
    with world.database.session() as session:
        reason = session.get_one(OutboxMail, mail.id).reason or ""
    assert words in reason
    assert bool(reason) is bool(words)
    assert "@" not in reason


def test_bounces_of_mails_that_are_not_ours_stop_nothing(world: World) -> None:
    foreign = {"mail_id": str(uuid4()), "attempt_id": str(uuid4())}
    assert report(world, an_event(sent_mail(world), event="bounce", **foreign)).status_code == 204
    assert suppressions(world) == []


def test_a_bounce_that_lost_our_ids_is_placed_by_its_request_and_address(world: World) -> None:
    """P4: the mail service says so of bounces that come back by mail."""
    mail = sent_mail(world)
    assert mail.attempt_id
    with world.database.transaction() as transaction:
        accept(transaction, mail.attempt_id, "request-1", NOW)
    bounce = {"event": "bounce", "timestamp": 1767603600, "email": "ALICE@example.org"}
    elsewhere = {**bounce, "sg_message_id": "request-2.recv-0-0"}
    nobody = {**bounce, "sg_message_id": "request-1.recv-0-0", "email": "eve@example.org"}
    assert report(world, json.dumps([elsewhere, nobody, bounce]).encode()).status_code == 204
    assert state(world) == "accepted"
    ours = {**bounce, "sg_message_id": "request-1.recv-0-0"}
    assert report(world, json.dumps([ours]).encode()).status_code == 204
    assert state(world) == "bounced"
    assert [one.mail_id for one in suppressions(world)] == [mail.id]


def test_a_bounce_that_is_quicker_than_the_answer_is_placed_by_what_other_events_say(
    world: World,
) -> None:
    """P4: the sender has not noted the request yet, or died before it could."""
    mail = sent_mail(world)
    assert mail.attempt_id
    (delivered,) = json.loads(an_event(mail, event="delivered"))
    bounce = {"event": "bounce", "timestamp": 1767603600, "email": "alice@example.org"}
    batch = [one | {"sg_message_id": "request-1.recv-0-0"} for one in (bounce, delivered)]
    assert report(world, json.dumps(batch).encode()).status_code == 204
    assert state(world) == "bounced"
    with world.database.transaction() as transaction:
        doubt(transaction, mail.attempt_id, "no answer came", NOW)
    assert state(world) == "bounced"
    with world.database.session() as session:
        assert session.get_one(MailAttempt, mail.attempt_id).provider_id == "request-1"


def test_kinds_of_event_that_we_do_not_know_are_kept_and_spoil_nothing(world: World) -> None:
    mail = sent_mail(world)
    (known,) = json.loads(an_event(mail, event="delivered"))
    (strange,) = json.loads(an_event(mail, event="teleported"))
    assert report(world, json.dumps([strange, 5, known]).encode()).status_code == 204
    assert state(world) == "delivered"
    with world.database.session() as session:
        events = session.exec(select(DeliveryEvent.event).order_by(DeliveryEvent.event)).all()
    assert events == ["delivered", "teleported"]


@pytest.mark.parametrize("hours", [26, -26])
def test_a_batch_that_was_signed_long_ago_changes_nothing_and_may_come_again(
    world: World, hours: int
) -> None:
    """A day late is usual. More, and somebody plays it back, or our clock is wrong: a fault of ours
    is never the reason to lose an event."""
    mail = sent_mail(world)
    body = event(mail.id, mail.attempt_id)
    answer = report(world, body, age=timedelta(hours=hours))
    assert (answer.status_code, state(world)) == (503, "sending")
    assert report(world, body, age=timedelta(hours=24)).status_code == 204
    assert state(world) == "bounced"
