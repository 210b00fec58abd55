"""The sandbox misbehaves as it is told: with requests, and with delivery events."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import urllib3

from clock import real_now
from embedded.sandbox.store import Store
from mail.delivery_events import DeliveryEvent, parse
from tests.embedded.test_sandbox import mail_to, post
from tests.embedded.webhook import Taken, ids_of, taken_bodies, taken_events, website
from tests.eventually import eventually
from tests.sandbox_server import RunningSandbox, running_sandbox

GOOD = ("processed", "delivered")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A sandbox, and the website that it tells of its mails."""

    sandbox: RunningSandbox
    taken: Taken

    def events(self, count: int) -> list[DeliveryEvent]:
        """The next events that the website takes."""
        return taken_events(self.taken, self.sandbox.public_key, count=count)

    def bodies(self, count: int) -> list[bytes]:
        """The next batches, of so many events together."""
        return taken_bodies(self.taken, self.sandbox.public_key, count=count)

    def send(self, *addresses: str) -> str:
        """Send a mail to each; the request's id."""
        return post(self.sandbox, mail_to(*addresses)).headers["X-Message-Id"]


@contextmanager
def pair(directory: Path, refusals: int = 0) -> Iterator[Pair]:
    with (
        website(refusals=refusals) as (url, taken),
        running_sandbox(directory, webhook_url=url) as sandbox,
    ):
        yield Pair(sandbox=sandbox, taken=taken)


@contextmanager
def keeping(directory: Path) -> Iterator[Store]:
    """What a sandbox there keeps."""
    with closing(Store(directory / "mail.db")) as store:
        yield store


def ago(period: timedelta) -> str:
    return (real_now() - period).isoformat(timespec="milliseconds")


@pytest.mark.parametrize(
    ("mode", "status", "field"),
    [
        ("429", 429, None),
        ("429-without-headers", 429, None),
        ("500", 500, None),
        ("400", 400, "personalizations.0.to.0.email"),
        ("401", 401, None),
        ("403", 403, "from"),
        ("413", 413, None),
    ],
)
def test_a_request_meets_the_fault_that_is_switched_on_and_the_next_does_not(
    tmp_path: Path, mode: str, status: int, field: str | None
) -> None:
    with running_sandbox(tmp_path) as sandbox:
        sandbox.misbehave(mode)
        answer = post(sandbox, mail_to("alice@example.com"))
        assert answer.status == status
        assert answer.json()["errors"][0]["field"] == field
        assert ("X-RateLimit-Reset" in answer.headers) == (mode == "429")
        assert sandbox.messages() == []
        assert post(sandbox, mail_to("alice@example.com")).status == 202


def test_a_400_complains_about_what_it_is_told_to(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        sandbox.misbehave("400", field="personalizations.7.to.0.email", times=2)
        for _ in range(2):
            errors = post(sandbox, mail_to("alice@example.com")).json()["errors"]
            assert errors[0]["field"] == "personalizations.7.to.0.email"


def test_events_come_twice_with_other_ids_and_the_last_first(tmp_path: Path) -> None:
    """What happened is the same each time; only the mail service's own id of the event differs."""
    with pair(tmp_path) as both:
        both.sandbox.misbehave("off", events={"duplicate": True, "new_ids": True, "reorder": True})
        both.send("alice@example.com")
        bodies = both.bodies(4)
    events = [event for body in bodies for event in parse(body).events]
    assert [event.event for event in events] == ["delivered", "processed"] * 2
    assert len(ids_of(bodies)) == 4
    assert len({(event.event, event.provider_id) for event in events}) == 2


def test_an_event_that_is_told_again_keeps_its_id_unless_told_otherwise(tmp_path: Path) -> None:
    with pair(tmp_path) as both:
        both.sandbox.misbehave("off", events={"duplicate": True})
        both.send("alice@example.com")
        assert len(ids_of(both.bodies(4))) == 2


def test_a_fault_of_requests_that_is_over_leaves_that_of_events(tmp_path: Path) -> None:
    with pair(tmp_path) as both:
        both.sandbox.misbehave("500", events={"duplicate": True})
        assert post(both.sandbox, mail_to("alice@example.com")).status == 500
        both.send("alice@example.com")
        assert [event.event for event in both.events(4)] == [*GOOD, *GOOD]


def test_nothing_is_told_while_it_is_silent_and_all_of_it_afterwards(tmp_path: Path) -> None:
    """In one batch, whose last event comes first: none of it was told before."""
    with pair(tmp_path) as both:
        both.sandbox.misbehave("off", events={"silent_seconds": 86_400})
        both.send("alice@example.com")
        both.send("bob@example.com")
        assert both.taken.empty()
        both.sandbox.misbehave("off", events={"reorder": True})
        assert [event.event for event in both.events(4)] == [*GOOD, *GOOD][::-1]


def test_silence_ends_by_itself(tmp_path: Path) -> None:
    with pair(tmp_path) as both:
        both.sandbox.misbehave("off", events={"silent_seconds": 0.1})
        both.send("alice@example.com")
        assert [event.event for event in both.events(2)] == [*GOOD]


def test_an_event_comes_so_long_after_its_mail(tmp_path: Path) -> None:
    """Of two mails the one of an hour ago is told of, though the other came in first."""
    with pair(tmp_path) as both, keeping(tmp_path) as store:
        both.sandbox.misbehave("off", events={"delay_seconds": 1800})
        just_now = both.send("late@example.com")
        early = store.accept(mail_to("early@example.com"), ago(timedelta(hours=1)))
        assert {event.provider_id for event in both.events(2)} == {early}
        both.sandbox.misbehave("off")
        assert {event.provider_id for event in both.events(2)} == {just_now}


def test_what_nobody_took_for_a_day_is_given_up(tmp_path: Path) -> None:
    """As at the mail service: then it is gone, and nobody is told."""
    with keeping(tmp_path) as store:
        store.accept(mail_to("old@example.com"), ago(timedelta(days=2)))
        with pair(tmp_path, refusals=1) as both:
            new = both.send("new@example.com")
            assert {event.provider_id for event in both.events(2)} == {new}
            eventually(lambda: store.owed(10) == [])
            assert both.taken.empty()


def test_a_mail_that_comes_back_late_has_lost_our_ids(tmp_path: Path) -> None:
    mail_id = uuid4()
    copy = {"to": [{"email": "return@example.com"}], "custom_args": {"mail_id": str(mail_id)}}
    with pair(tmp_path) as both:
        request_id = post(both.sandbox, mail_to(personalizations=[copy])).headers["X-Message-Id"]
        first, _, last = both.events(3)
    assert first.mail_id == mail_id
    assert (last.event, last.reason_kind, last.mail_id) == ("bounce", "bounced", None)
    assert (last.provider_id, last.address) == (request_id, "return@example.com")


@pytest.mark.parametrize(
    ("address", "event", "reason_kind"),
    [
        ("block@example.com", "bounce", "blocked"),
        ("bounce@example.com", "bounce", "bounced"),
        ("drop@example.com", "dropped", "bounced"),
        ("invalid@example.com", "dropped", "invalid"),
        ("complain@example.com", "spamreport", ""),
    ],
)
def test_each_fate_is_told_in_the_words_of_the_mail_service(
    tmp_path: Path, address: str, event: str, reason_kind: str
) -> None:
    with pair(tmp_path) as both:
        both.send(address)
        told: list[DeliveryEvent] = []
        while not told or told[-1].event != event:
            told += both.events(1)
    assert told[-1].reason_kind == reason_kind


def test_what_is_no_fault_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox, urllib3.PoolManager() as connections:
        for wrong in ({"mode": "nonsense"}, {"events": {"late": True}}, {"times": 0}, {"speed": 1}):
            answer = connections.request("POST", f"{sandbox.url}/api/faults", json=wrong)
            assert answer.status == 422
        standing = json.loads(connections.request("GET", f"{sandbox.url}/api/faults").data)
    assert (standing["mode"], standing["events"]["duplicate"]) == ("off", False)


def test_one_address_decides_about_a_whole_batch_and_the_page_says_so(
    sandbox: RunningSandbox,
) -> None:
    alone = post(sandbox, mail_to("alice@example.com"))
    for _ in range(2):
        both = post(sandbox, mail_to("alice@example.com", "429@example.com"))
        assert (alone.status, both.status) == (202, 429)
    assert len(sandbox.messages()) == 1
    page = " ".join(sandbox.page("/faults").split())
    assert "One such address decides about its whole request" in page
    assert "all mail waits as long as it is among them" in page


def test_faults_are_switched_by_hand_on_a_page_too(tmp_path: Path) -> None:
    pressed = {"mode": "500", "times": "", "latency_ms": "0", "reorder": "on", "delay_seconds": "3"}
    with running_sandbox(tmp_path) as sandbox, urllib3.PoolManager() as connections:
        connections.request("POST", f"{sandbox.url}/faults", fields=pressed)
        standing = json.loads(connections.request("GET", f"{sandbox.url}/api/faults").data)
        assert (standing["mode"], standing["times"]) == ("500", None)
        assert standing["events"]["reorder"]
        assert "<option selected>500</option>" in sandbox.page("/faults")
        nonsense = connections.request("POST", f"{sandbox.url}/faults", fields={"times": "many"})
        assert nonsense.status == 422
        connections.request("POST", f"{sandbox.url}/faults", fields={})
        assert post(sandbox, mail_to("alice@example.com")).status == 202
