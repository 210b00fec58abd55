"""What a request brings about the moment it is made: no identity, no person needed (P15-P18)."""

import pytest
from sqlmodel import select

from database.people.links import REQUEST_STATUS, REQUEST_VERIFY
from database.people.restricted import restricted_among
from database.tables import (
    Account,
    DataSubjectRequest,
    Fact,
    MarketingRefusal,
    OutboxMail,
    RequestDecision,
    RequestedRight,
)
from tests.web.requests.test_requests import ask, path, stored
from tests.web.world import NOW, World


def restricted(world: World) -> set[str]:
    """Whose accounts are restricted."""
    with world.database.session() as session:
        accounts = {row.id: row.external_id for row in session.exec(select(Account)).all()}
        return {accounts[found] for found in restricted_among(session, accounts)}


@pytest.mark.parametrize("kind", ["marketing_opt_out", "objection_marketing"])
@pytest.mark.parametrize("address", ["alice@example.org", "eve@example.com"])
def test_the_machine_answers_that_it_has_stopped_marketing(
    world: World, kind: str, address: str
) -> None:
    """P15, P17, P22: fulfilled, explained, and on record as decided by nobody of staff."""
    ask(world, kinds=kind, contact_address=address)
    request = stored(world)
    assert (request.state, request.outcome, request.answered_at) == ("answered", "fulfilled", NOW)
    with world.database.session() as session:
        decision = session.exec(select(RequestDecision)).one()
        fact = session.exec(select(Fact).where(Fact.kind == "request.decided")).one()
        mails = {mail.step for mail in session.exec(select(OutboxMail)).all()}
    assert decision.decided_by is None
    assert fact.payload["by"] == "machine"
    assert mails == {"acknowledgement", "answer"}
    page = world.browser.get(path(world, REQUEST_STATUS)).text
    assert "We have done what you asked for." in page
    assert "We have stopped it" in page
    assert "lodge a complaint" in page


def test_beside_another_right_marketing_stops_at_once_and_the_answer_comes_with_the_other(
    world: World,
) -> None:
    """P15, P17, P22: nothing of it waits for the identity that the copy takes."""
    form = {"kinds": ["marketing_opt_out", "access"], "contact_address": "alice@example.org"}
    world.browser.post("/requests/new", data=form)
    with world.database.session() as session:
        rights = {right.kind: right.state for right in session.exec(select(RequestedRight)).all()}
        refused = {row.purpose for row in session.exec(select(MarketingRefusal)).all()}
    assert rights == {"access": "open", "marketing_opt_out": "decided"}
    assert refused == {"marketing"}
    assert stored(world).answered_at is None


def test_the_machine_answers_in_the_language_of_the_request(world: World) -> None:
    """P22."""
    form = {"kinds": "marketing_opt_out", "contact_address": "alice@example.org"}
    world.browser.post("/requests/new?lang=de", data=form)
    page = world.browser.get(path(world, REQUEST_STATUS)).text
    assert "Das haben wir beendet" in page


def test_staff_see_that_the_machine_decided(world: World) -> None:
    """P15: and have nothing to do."""
    ask(world, kinds="marketing_opt_out")
    world.enter_as("priya")
    page = world.browser.get(f"/staff/requests/{stored(world).reference}").text
    assert "the machine, which did it at once" in page
    assert "How it ends" not in page


def test_whoever_objects_is_restricted_once_they_have_shown_who_they_are(world: World) -> None:
    """P15: until a person has weighed it; and not because somebody typed their address."""
    ask(world, kinds="objection")
    assert restricted(world) == set()
    world.browser.post(path(world, REQUEST_VERIFY))
    assert restricted(world) == {"alice"}


def test_a_report_of_a_minor_restricts_the_account_that_it_names(world: World) -> None:
    """P18: marketing and sharing stop at once; nothing is erased, and a person looks into it."""
    ask(
        world,
        kinds="minor",
        contact_address="eve@example.com",
        message="My son uses <Bob@example.org>. He is twelve.",
    )
    assert restricted(world) == {"bob"}
    assert stored(world).outcome == "fulfilled"


def test_a_minor_may_report_themselves(world: World) -> None:
    """P18: a report that names no account is about the one at its own address."""
    ask(world, kinds="minor", message="I am twelve. I wrote to nobody@example.com before.")
    assert restricted(world) == {"alice"}


def test_one_report_restricts_a_few_accounts_at_most(world: World) -> None:
    """P18: anybody may make one."""
    with world.database.transaction() as transaction:
        for number in range(9):
            address = f"kid{number}@example.org"
            transaction.add(
                Account(external_id=address, email=address, joined_at=NOW, recorded_at=NOW)
            )
    named = " ".join(f"kid{number}@example.org" for number in range(9))
    ask(world, kinds="minor", contact_address="eve@example.com", message=named)
    assert len(restricted(world)) == 5


@pytest.mark.parametrize("kind", ["access", "erasure", "restriction", "objection"])
def test_what_needs_an_identity_brings_about_nothing_yet(world: World, kind: str) -> None:
    """P19."""
    ask(world, kinds=kind)
    assert restricted(world) == set()
    with world.database.session() as session:
        assert session.exec(select(RequestDecision)).all() == []
        assert session.exec(select(DataSubjectRequest)).one().answered_at is None
