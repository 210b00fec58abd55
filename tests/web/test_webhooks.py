"""Delivery events: signed, or not believed (P4)."""

import json
from base64 import b64encode
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from httpx import Response
from sqlmodel import select

from database.outbox import Batch, claim
from database.tables import OutboxMail
from mail.delivery_events import SIGNATURE_HEADER, TIMESTAMP_HEADER
from settings import Settings
from tests.web.world import NOW, World

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@pytest.fixture
def settings() -> Settings:
    return Settings(_env_file=None, sendgrid_webhook_public_keys=(PUBLIC.decode(),))


def report(world: World, body: bytes, *, key: ec.EllipticCurvePrivateKey = KEY) -> Response:
    """Send a signed batch."""
    timestamp = "1767603600"
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
