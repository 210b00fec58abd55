"""The country and the time zone on file reach the clock, and tell no stranger of an account (P19,
P21)."""

import re
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from database.people.links import REQUEST_VERIFY
from database.requests.requested_rights import rights_of
from database.tables import Account, Fact
from domain.requests.data_subject_requests import Intake
from tests.web.api.test_api import made
from tests.web.requests.test_handoffs import FORM as SIGNED_IN
from tests.web.requests.test_handoffs import handed_over
from tests.web.requests.test_identity import ALICE, ELSEWHERE, NOBODY, Asked, neutral
from tests.web.requests.test_identity_at_every_door import found_out, newest
from tests.web.world import NOW, World

IN_SEOUL = datetime(2026, 3, 12, 15, tzinfo=UTC)
"""When the tenth day after NOW is over in Seoul."""


@pytest.fixture(autouse=True)
def lives_in_korea(world: World) -> None:
    """As her account says; Alice never types it."""
    with world.database.transaction() as transaction:
        alice = transaction.get_one(Account, world.accounts["alice"].id)
        alice.country, alice.time_zone = "KR", "Asia/Seoul"
        transaction.add(alice)


def asks(world: World, contact_address: str, about: str = "", country: str = "") -> Asked:
    form = {"contact_address": contact_address, "account_address": about, "kinds": "access"}
    world.browser.post("/requests/new", data=form | ({"country": country} if country else {}))
    return newest(world)


def test_whoever_is_signed_in_has_the_clock_of_their_country(world: World) -> None:
    """P21, P25: from receipt, and the page says so."""
    page = world.browser.post(handed_over(world, made(world, "application")), data=SIGNED_IN).text
    assert "12 March 2026" in page
    assert (newest(world).request.due_at, newest(world).request.rule) == (IN_SEOUL, "statute.korea")


def test_what_they_say_themselves_counts(world: World) -> None:
    """P21."""
    path = handed_over(world, made(world, "application"))
    world.browser.post(path, data=SIGNED_IN | {"country": "DE"})
    request = newest(world).request
    assert (request.country, request.rule) == ("DE", "policy.720h")


@pytest.mark.parametrize("door", ["api", "staff"])
@pytest.mark.parametrize(
    ("contact_address", "agent", "at_receipt"),
    [(ALICE, "", True), (ELSEWHERE, "", False), ("", "", False), (ALICE, "ann@law.example", False)],
)
def test_an_account_that_was_said_counts_where_nobody_else_hears_when_it_is_due(
    world: World, door: str, contact_address: str, agent: str, *, at_receipt: bool
) -> None:
    """P19, P21: from another address, on paper or through an agent it counts once they have shown
    who they are; until then privacy reads it beside the clock."""
    intake = Intake(
        name="Alice",
        contact_address=contact_address,
        postal_address="" if contact_address else "Am Bach 3",
        kinds=("access",),
        agent_name=agent,
        agent_address=agent,
    )
    alice = world.accounts["alice"].id
    if door == "api":
        world.desk.take_in(intake, channel="api", account_id=alice)
    else:
        world.desk.enter(
            intake, world.staff["priya"].id, channel="mail", received_at=NOW, account_id=alice
        )
    asked = newest(world)
    assert (asked.request.due_at == IN_SEOUL) == at_receipt
    world.enter_as("priya")
    page = world.browser.get(f"/staff/requests/{asked.request.reference}").text
    assert ("Where the account says that the person is (KR)" in page) == (not at_receipt)
    found_out(asked)
    assert asked.now().due_at == IN_SEOUL


@pytest.mark.parametrize("proof", ["link", "code"])
def test_later_proof_brings_the_answer_forward(world: World, proof: str) -> None:
    """P21: for each right, with what ran until then among the candidates; the workflow is woken."""
    asked = asks(world, ELSEWHERE, about=ALICE)
    before = asked.now()
    assert before.due_at > IN_SEOUL
    told = world.messenger.told
    if proof == "link":
        asked.press(REQUEST_VERIFY)
    else:
        asked.press(button="code", code=asked.code())
    after = asked.now()
    assert (after.due_at, after.rule, after.regime) == (IN_SEOUL, "statute.korea", "korea")
    assert (after.country, after.time_zone) == ("KR", "Asia/Seoul")
    assert {one["rule"] for one in after.candidates} == {
        "policy.720h",
        "statute.korea",
        "statute.gdpr",
    }
    assert world.messenger.told > told
    with world.database.session() as session:
        assert [right.due_at for right in rights_of(session, after.id)] == [IN_SEOUL]
        forward = session.exec(select(Fact).where(Fact.kind == "request.brought_forward")).all()
    assert len(forward) == 1


def test_it_never_leaves_us_more_time(world: World) -> None:
    """P21: the account says California, with its 45 days, in a zone that is behind."""
    with world.database.transaction() as transaction:
        alice = transaction.get_one(Account, world.accounts["alice"].id)
        alice.country, alice.time_zone = "US-CA", "America/Los_Angeles"
        transaction.add(alice)
    asked = asks(world, ELSEWHERE, about=ALICE, country="KR")
    asked.press(REQUEST_VERIFY)
    unknown = asks(world, ELSEWHERE, about=ALICE)
    unknown.press(REQUEST_VERIFY)
    for one in (asked, unknown):
        now = one.now()
        assert (now.due_at, now.rule) == (one.request.due_at, one.request.rule)
        assert now.verified_at == NOW


def test_no_due_time_tells_a_stranger_of_an_account(world: World) -> None:
    """P19: byte for byte, on the page of the receipt and on that of the request, and after the
    click of who typed it; also where the holder says that it is not theirs."""
    form = {"contact_address": ELSEWHERE, "kinds": "access"}
    receipts, both = [], []
    for about in (ALICE, NOBODY):
        page = world.browser.post("/requests/new", data=form | {"account_address": about}).text
        receipts.append(re.sub(r"R-[A-Z0-9]{8}", "", page))
        both.append(newest(world))
    assert receipts[0] == receipts[1]
    both[0].press(REQUEST_VERIFY, "not-mine")
    for asked in both:
        asked.press()
    assert neutral(both[0].get(), both[0]) == neutral(both[1].get(), both[1])
