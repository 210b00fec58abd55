"""The company's own systems hand data-subject requests in (P26)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from httpx import Response
from sqlmodel import select

from database.requests.requested_rights import kinds_of
from database.tables import DataSubjectRequest, HandedIn, OutboxMail
from domain.requests.data_subject_requests import Kind
from tests.web.api.test_api import made
from tests.web.world import NOW, World, browse
from web.app import create_app
from web.middleware import LARGEST_BODY
from workflows.desk import Desk

Caller = Mapping[str, str]


@pytest.fixture
def key(world: World) -> Caller:
    """The header of a system that may write."""
    return made(world, "portal")


def hand_in(world: World, key: Caller, *, header: str | None = None, **other: object) -> Response:
    body = {"kinds": ["access"], "name": "Alice", "contact_address": "alice@example.org", **other}
    headers = dict(key)
    if header is not None:
        headers["Idempotency-Key"] = header
    answer: Response = world.browser.post("/api/v1/requests", json=body, headers=headers)
    return answer


def requests_made(world: World) -> list[DataSubjectRequest]:
    with world.database.session() as session:
        return list(session.exec(select(DataSubjectRequest)).all())


def test_a_request_is_taken_in_with_its_clock(world: World, key: Caller) -> None:
    """P21, P26: reference, receipt and due time; its thirty days are started."""
    answer = hand_in(world, key, country="DE", language="de-AT", message="<b>All</b> of it")
    assert answer.status_code == 201, answer.text
    [request] = requests_made(world)
    said = answer.json()
    assert said["reference"] == request.reference
    assert said["received_at"] == "2026-03-02T09:00:00Z"
    assert datetime.fromisoformat(said["due_at"]) == request.due_at
    assert (request.channel, request.language, request.country) == ("api", "de", "DE")
    assert request.message == "<b>All</b> of it"
    assert world.messenger.started == [f"data-subject-request/{request.id}"]
    with world.database.session() as session:
        steps = sorted(mail.step for mail in session.exec(select(OutboxMail)).all())
    assert steps == ["acknowledgement", "verification"]


def test_a_receipt_of_more_than_a_year_ago_is_asked_about_before_its_clock_runs(
    world: World, key: Caller
) -> None:
    """P26: as staff are asked; the key of the refused call is still free."""
    came = (NOW - timedelta(days=400)).isoformat()
    asked = hand_in(world, key, received_at=came, header="k1")
    assert asked.status_code == 422
    assert "more than a year ago" in asked.json()["detail"]
    assert "is_old" in str(asked.json()["faults"])
    assert not requests_made(world)
    for status in (201, 200):
        confirmed = hand_in(world, key, received_at=came, is_old=True, header="k1")
        assert confirmed.status_code == status
    assert len(requests_made(world)) == 1
    assert hand_in(world, key, is_old=True).status_code == 201  # what came now is not old


def test_the_thirty_days_run_from_when_it_truly_came(world: World, key: Caller) -> None:
    """P26: earlier freely, never later."""
    came = NOW - timedelta(days=45)
    assert hand_in(world, key, received_at=came.isoformat()).status_code == 201
    assert requests_made(world)[0].received_at == came
    later = hand_in(world, key, received_at=(NOW + timedelta(hours=1)).isoformat())
    assert later.status_code == 422
    assert "in the future" in later.json()["detail"]
    assert len(requests_made(world)) == 1


def test_several_rights_are_one_request(world: World, key: Caller) -> None:
    """P10-P18: each with a clock and an outcome of its own; said twice it is asked once."""
    assert hand_in(world, key, kinds=["erasure", "access", "erasure"]).status_code == 201
    [request] = requests_made(world)
    with world.database.session() as session:
        assert kinds_of(session, request.id) == (Kind.ACCESS, Kind.ERASURE)


@pytest.mark.parametrize("where", ["header", "field"])
def test_the_same_call_sent_again_makes_no_second_request(
    world: World, key: Caller, where: str
) -> None:
    """P26: whoever heard no answer sends it again."""

    def call(name: str) -> Response:
        if where == "header":
            return hand_in(world, key, header=name)
        return hand_in(world, key, idempotency_key=name)

    first, again, another = call("ticket 7"), call("ticket 7"), call("ticket 8")
    assert (first.status_code, again.status_code, another.status_code) == (201, 200, 201)
    assert first.json() == again.json()
    assert len(requests_made(world)) == 2


def test_a_key_sent_again_with_another_request_is_refused(world: World, key: Caller) -> None:
    hand_in(world, key, header="7")
    answer = hand_in(world, key, header="7", kinds=["erasure"])
    assert answer.status_code == 422
    assert "came before, with another request" in answer.json()["detail"]
    assert len(requests_made(world)) == 1


def test_two_systems_may_choose_the_same_key(world: World, key: Caller) -> None:
    hand_in(world, key, header="1")
    assert hand_in(world, made(world, "billing"), header="1").status_code == 201
    assert len(requests_made(world)) == 2


def test_what_a_key_keeps_tells_nobody_what_was_asked(world: World, key: Caller) -> None:
    """P33: the hash is salted with the key, so nobody finds it by trying."""
    for name in ("1", "2"):
        hand_in(world, key, header=name)
    with world.database.session() as session:
        one, two = session.exec(select(HandedIn)).all()
    assert one.content_sha256 != two.content_sha256
    assert set(one.answer) == {"reference", "received_at", "due_at"}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kinds": []}, "kinds"),
        ({"kinds": ["everything"]}, "kinds"),
        ({"contact_address": "alice"}, "contact_address"),
        ({"contact_address": ""}, "contact_address"),
        ({"message": "x" * 10_001}, "message"),
        ({"message": "a\x00b"}, "message"),
        ({"name": "evil\u202ename"}, "name"),
        ({"country": "Germany"}, "country"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"postal_address": "x" * 501}, "postal_address"),
        ({"agent_name": "Ann Attorney"}, "agent_address"),
        ({"received_at": "2026-03-02T09:00:00"}, "received_at"),
        ({"received_at": "9999-12-31T00:00:00Z"}, "received_at"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_taken_in(
    world: World, key: Caller, wrong: dict[str, object], field: str
) -> None:
    answer = hand_in(world, key, header="7", **wrong)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in [fault["field"] for fault in answer.json()["faults"]]
    assert requests_made(world) == []
    assert hand_in(world, key, header="7").status_code == 201


@pytest.mark.parametrize("name", ["Ægir Þór", "Анна", "محمد", "李小龍", "=cmd|'/c calc'!A0", "<i>"])
def test_names_in_any_script_are_kept_as_they_are(world: World, key: Caller, name: str) -> None:
    assert hand_in(world, key, name=name, message=f"{name} 🙂\n\t{name}").status_code == 201
    [request] = requests_made(world)
    assert request.name == name
    assert request.message == f"{name} 🙂\n\t{name}"


def test_a_body_that_is_too_large_is_not_read(world: World, key: Caller) -> None:
    answer = hand_in(world, key, message="x" * (LARGEST_BODY + 1))
    assert answer.status_code == 413
    assert requests_made(world) == []


def test_an_account_that_is_named_is_asked_at_its_own_address(world: World, key: Caller) -> None:
    """P19: the answer goes where they said, and the question to the address on file."""
    hand_in(world, key, account="bob", contact_address="bobby@elsewhere.example")
    [request] = requests_made(world)
    assert request.account_id == world.accounts["bob"].id
    assert request.contact_email == "bobby@elsewhere.example"
    assert request.verified_at is None
    with world.database.session() as session:
        sent = {mail.step: mail.addressee_id for mail in session.exec(select(OutboxMail)).all()}
    assert sent["verification"] == world.accounts["bob"].id
    assert hand_in(world, key, account="nobody").status_code == 404


def test_without_an_address_the_one_in_the_account_is_taken(world: World, key: Caller) -> None:
    hand_in(world, key, account="bob", contact_address="", name="")
    [request] = requests_made(world)
    assert (request.contact_email, request.name) == ("bob@example.org", "Bob")


def test_whoever_may_only_read_hands_nothing_in(world: World) -> None:
    assert hand_in(world, {}).status_code == 401
    assert hand_in(world, made(world, "reader", may_write=False)).status_code == 403
    assert requests_made(world) == []


def test_a_request_is_taken_in_while_temporal_is_down(world: World, key: Caller) -> None:
    """P26: the watchdog starts it later."""
    desk = Desk(**world.parts, messenger=world.to_nowhere)
    world.browser = browse(create_app(world.settings, database=world.database, desk=desk))
    assert hand_in(world, key).status_code == 201


def test_the_page_of_the_api_describes_both_calls(world: World) -> None:
    page = world.browser.get("/api/docs").text
    assert "/api/v1/requests" in page
    assert "/api/v1/handoffs" in page
    described = world.browser.get("/api/openapi.json").json()["paths"]["/api/v1/requests"]["post"]
    assert "idempotency-key" in str(described["parameters"]).lower()


def test_an_instant_with_another_offset_is_the_same_instant(world: World, key: Caller) -> None:
    answer = hand_in(world, key, received_at="2026-03-01T23:30:00+01:00")
    assert answer.json()["received_at"] == "2026-03-01T22:30:00Z"
    assert requests_made(world)[0].received_at == datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
