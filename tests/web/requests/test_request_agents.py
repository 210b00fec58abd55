"""Somebody asks for somebody else: the agent hears little, the person decides (P19, P26)."""

from uuid import UUID

import pytest
from sqlmodel import select

from database.people.links import REQUEST_AGENT, REQUEST_STATUS, REQUEST_VERIFY
from database.requests.answering import Answer, apply_decision, propose_decision
from database.requests.identity import verify_identity
from database.requests.sendable import DecisionRefused
from database.tables import DataSubjectRequest, Fact, Link, OutboxMail, RequestAgent
from domain.requests.data_subject_requests import Outcome
from tests.web.world import NOW, World

ASKED = {
    "name": "Alice",
    "contact_address": "alice@example.org",
    "agent_name": "Ann <b>Attorney</b>",
    "agent_address": "ann@law.example",
}


def ask(world: World, **changes: str) -> DataSubjectRequest:
    answer = world.browser.post("/requests/new", data={**ASKED, "kinds": "access", **changes})
    assert answer.status_code == 200, answer.text
    with world.database.session() as session:
        return session.exec(select(DataSubjectRequest)).one()


def path(world: World, purpose: str) -> str:
    with world.database.session() as session:
        link = session.exec(select(Link).where(Link.purpose == purpose)).one()
    return f"/requests/{world.token(purpose, link)}"


def agent(world: World) -> RequestAgent:
    with world.database.session() as session:
        return session.exec(select(RequestAgent)).one()


def answer_in_full(world: World, request_id: UUID) -> None:
    """Raises DecisionRefused."""
    with world.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, request_id)
        full = Answer(outcome=Outcome.FULFILLED, explanation="Here is everything.")
        priya = world.staff["priya"].id
        decision = propose_decision(transaction, request, full, decided_by=priya, now=NOW)
        transaction.flush()
        apply_decision(transaction, request, decision.id, NOW)


def test_the_agent_hears_that_it_came_and_the_person_is_asked(world: World) -> None:
    """P19: who asks is written to at their own address, the person at theirs and on file."""
    ask(world)
    with world.database.session() as session:
        mails = {
            (mail.addressee_kind, mail.template) for mail in session.exec(select(OutboxMail)).all()
        }
    assert mails == {
        ("requester", "request_acknowledgement"),
        ("agent", "request_agent_acknowledgement"),
        ("account", "request_verification"),
    }
    page = world.browser.get(path(world, REQUEST_VERIFY)).text
    assert "Ann &lt;b&gt;Attorney&lt;/b&gt; says that they ask for you" in page


def test_the_agent_sees_how_it_stands_and_never_the_answer(world: World) -> None:
    """P19: the same page, whether the person is known to us or not; it verifies nothing."""
    request = ask(world)
    theirs, persons = path(world, REQUEST_AGENT), path(world, REQUEST_STATUS)
    assert "has reached us" in world.browser.get(theirs).text
    assert world.browser.post(theirs).status_code == 404
    world.browser.post(path(world, REQUEST_VERIFY))
    answer_in_full(world, request.id)
    assert "Here is everything." in world.browser.get(persons).text
    page = world.browser.get(theirs).text
    assert "Answered" in page
    assert "Here is everything." not in page
    assert "have done what you asked for" not in page


def test_nothing_is_done_before_somebody_says_that_the_agent_may(world: World) -> None:
    """P19: who the person is, and that they want it, are two questions."""
    request = ask(world)
    with world.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        verify_identity(transaction, row, how="two of us looked at it", now=NOW)
    with pytest.raises(DecisionRefused, match="nobody has decided yet that they may"):
        answer_in_full(world, request.id)
    world.enter_as("priya")
    page = f"/staff/requests/{request.reference}"
    shown = world.browser.get(page).text
    assert "Ann &lt;b&gt;Attorney&lt;/b&gt;" in shown
    assert "nobody has decided" in shown
    world.post(page, f"{page}/authority", authority="refused", evidence="A copy, unsigned.")
    with pytest.raises(DecisionRefused, match="nobody has decided yet that they may"):
        answer_in_full(world, request.id)


def test_the_persons_own_word_is_authority_enough(world: World) -> None:
    """P19: one button, pressed at the address on file, says who and that."""
    request = ask(world)
    world.browser.post(path(world, REQUEST_VERIFY))
    assert (agent(world).authority, agent(world).decided_by) == ("accepted", None)
    answer_in_full(world, request.id)


def test_staff_decide_on_evidence_that_can_be_deleted(world: World) -> None:
    """P19, P33: decision, person and time stay; facts never hold what was shown."""
    request = ask(world, contact_address="stranger@example.com")
    world.enter_as("priya")
    page = f"/staff/requests/{request.reference}"
    bare = world.post(page, f"{page}/authority", authority="accepted", evidence=" ")
    assert bare.status_code == 409
    assert world.post(page, f"{page}/authority", evidence="x").status_code == 409
    assert agent(world).authority is None
    world.post(page, f"{page}/authority", authority="accepted", evidence="Power of attorney, 2025.")
    assert "Power of attorney, 2025." in world.browser.get(page).text
    world.post(page, f"{page}/authority/delete-evidence")
    decided = agent(world)
    assert (decided.authority, decided.evidence) == ("accepted", None)
    assert decided.decided_by == world.staff["priya"].id
    assert "Power of attorney" not in world.browser.get(page).text
    with world.database.session() as session:
        facts = session.exec(select(Fact).where(Fact.subject_id == request.id)).all()
    assert [fact.kind for fact in facts if "authority" in fact.kind] == [
        "request.authority_decided",
        "request.authority_evidence_deleted",
    ]
    assert "attorney" not in str([fact.payload for fact in facts]).lower()


def test_what_needs_no_identity_needs_no_authority(world: World) -> None:
    """P17: an end to marketing is never held up."""
    asked = ask(world, kinds="marketing_opt_out")
    with world.database.session() as session:
        assert session.get_one(DataSubjectRequest, asked.id).outcome == Outcome.FULFILLED


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"agent_name": ""}, "Please give your own name too"),
        ({"agent_address": "ann"}, "Please give an e-mail address"),
        ({"agent_address": "Alice@example.org"}, "Please give your own"),
    ],
)
def test_an_agent_has_a_name_and_an_address_of_their_own(
    world: World, wrong: dict[str, str], words: str
) -> None:
    answer = world.browser.post("/requests/new", data={**ASKED, "kinds": "access", **wrong})
    assert answer.status_code == 422
    assert words in answer.text
    assert "<details open>" in answer.text


def test_of_a_request_without_agent_nobody_says_that_one_may(world: World) -> None:
    request = ask(world, agent_name="", agent_address="")
    world.enter_as("priya")
    page = f"/staff/requests/{request.reference}"
    assert "Somebody asks for this person" not in world.browser.get(page).text
    answer = world.post(page, f"{page}/authority", authority="accepted", evidence="x")
    assert answer.status_code == 409
    assert "asks themselves" in answer.text
