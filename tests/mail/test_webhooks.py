"""What is posted to the company is signed as Standard Webhooks says, and goes nowhere else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from clock import real_now
from mail.webhooks import SILENT, NotTaken, Webhook, ping
from tests.own_settings import free_ports
from tests.webhook_receiver import SECRET, Receiver, receiving

BODY = '{"type": "campaign.stopped", "data": {"policy": "privacy-policy", "reason": "größer"}}'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_a_receiver_reads_what_was_posted_and_knows_that_it_is_from_us(receiver: Receiver) -> None:
    assert Webhook(receiver.url, SECRET).post("alarm_1", BODY, real_now()) is None
    (taken,) = receiver.taken
    assert (taken.method, taken.path, taken.id) == ("POST", "/alarms", "alarm_1")
    assert taken.headers["content-type"] == "application/json"
    assert taken.verified()["data"]["reason"] == "größer"


@pytest.mark.parametrize("changed", ["body", "id", "secret", "time"])
def test_what_another_made_or_changed_is_known_for_it(receiver: Receiver, changed: str) -> None:
    """P32: whoever finds the address cannot raise an alarm, or repeat one an hour later."""
    signed_at = real_now() - timedelta(hours=1 if changed == "time" else 0)
    secret = "whsec_" + "A" * 32 if changed == "secret" else SECRET
    assert Webhook(receiver.url, secret).post("alarm_1", BODY, signed_at) is None
    (taken,) = receiver.taken
    headers = {**taken.headers, "webhook-id": "alarm_2"} if changed == "id" else taken.headers
    body = taken.body.replace(b"stopped", b"resumed") if changed == "body" else taken.body
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(body, headers)


def test_the_signature_is_that_of_the_standards_own_example(receiver: Receiver) -> None:
    """https://github.com/standard-webhooks/standard-webhooks: its secret, message and signature."""
    body, signed_at = '{"test": 2432232314}', datetime.fromtimestamp(1614265330, UTC)
    Webhook(receiver.url, SECRET).post("msg_p5jXN8AQM9LWM0D4loKWxJek", body, signed_at)
    (taken,) = receiver.taken
    assert taken.headers["webhook-timestamp"] == "1614265330"
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert taken.headers["webhook-signature"] == signature


@pytest.mark.parametrize(
    ("status", "refused"),
    [(301, False), (400, True), (401, True), (422, True), (429, False), (500, False), (503, False)],
)
def test_any_other_answer_than_yes_is_a_problem_and_a_redirect_is_not_followed(
    receiver: Receiver, status: int, *, refused: bool
) -> None:
    """A message is refused by 4xx, unless there are too many; the rest is said of the address."""
    receiver.answers = [status]
    answer = Webhook(receiver.url, SECRET).post("alarm_1", BODY, real_now())
    assert answer == NotTaken(problem=f"it answers {status}", refused=refused)
    assert len(receiver.taken) == 1


def test_where_nobody_listens_that_is_said_without_the_address() -> None:
    """P32: an address may hold a secret."""
    url = f"http://127.0.0.1:{free_ports(1)[0]}/very-secret"
    assert Webhook(url, SECRET).post("alarm_1", BODY, real_now()) == NotTaken(problem=SILENT)
    assert ping(url) == SILENT


def test_a_dead_man_switch_is_asked_plainly(receiver: Receiver) -> None:
    assert ping(receiver.url) is None
    (taken,) = receiver.taken
    assert (taken.method, taken.body) == ("GET", b"")
    receiver.answers = [404]
    assert ping(receiver.url) == "it answers 404"
