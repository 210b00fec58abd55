"""Making a data-subject request, proving that it is yours, seeing how it stands (P10-P26)."""

import re
from datetime import timedelta

import pytest
from httpx import Response
from sqlmodel import select

from database.people.links import REQUEST_STATUS, REQUEST_VERIFY
from database.requests.answering import Answer, apply_decision, confirm_decision, propose_decision
from database.requests.identity import verify_identity
from database.requests.requested_rights import kinds_of
from database.tables import DataSubjectRequest, Fact, Link, OutboxMail, PolicyVersion
from domain.requests.data_subject_requests import Ground, Kind, Outcome
from tests.web.world import NOW, World, browse
from web.app import create_app
from workflows.desk import Desk

FORM = {"name": "Alice", "kinds": "access", "contact_address": "alice@example.org", "country": "DE"}


def ask(world: World, **changes: str | list[str]) -> Response:
    """Send the form."""
    answer: Response = world.browser.post("/requests/new", data={**FORM, **changes})
    return answer


def rights_stored(world: World) -> list[str]:
    """What the one request asks for."""
    with world.database.session() as session:
        return list(kinds_of(session, stored(world).id))


def stored(world: World) -> DataSubjectRequest:
    with world.database.session() as session:
        return session.exec(select(DataSubjectRequest)).one()


def path(world: World, purpose: str) -> str:
    """The page behind the link of a request's mail."""
    with world.database.session() as session:
        link = session.exec(select(Link).where(Link.purpose == purpose)).one()
    return f"/requests/{world.token(purpose, link)}"


def test_the_form_links_the_policy_it_is_made_under(world: World) -> None:
    """P1: wherever personal data is asked for, the current version is at hand."""
    page = world.browser.get("/requests/new").text
    assert 'href="/policies/privacy-policy">Privacy policy (version 1)</a>' in page
    assert page.count('name="kinds"') == 10


def test_a_request_is_received_with_its_reference_and_its_day(world: World) -> None:
    """P21, P26: the clock runs from receipt, and the receipt names the day."""
    page = ask(world).text
    request = stored(world)
    assert request.reference in page
    assert "1 April 2026" in page
    assert world.messenger.started == [f"data-subject-request/{request.id}"]


def test_a_request_keeps_which_version_was_in_force_when_it_came(world: World) -> None:
    """P1, P21: another one may be in force when it is answered."""
    ask(world)
    with world.database.session() as session:
        pinned = session.get(PolicyVersion, stored(world).policy_version_id)
    assert pinned is not None
    assert pinned.number == 1


def test_the_receipt_is_the_same_whether_we_know_the_person_or_not(world: World) -> None:
    """P19: but for reference and nothing else."""
    known, unknown = ask(world).text, ask(world, contact_address="eve@example.com").text
    without_reference = [re.sub(r"R-[A-Z0-9]{8}", "", page) for page in (known, unknown)]
    assert without_reference[0] == without_reference[1]


@pytest.mark.parametrize("kind", ["minor", "marketing_opt_out", "objection_marketing"])
def test_who_needs_no_proof_is_not_told_that_the_account_is_asked(world: World, kind: str) -> None:
    """P15, P17-P19: the machine answers at once, and writes to nobody else."""
    page = ask(world, kinds=kind).text
    assert "What you ask for needs no proof of who you are." in page
    assert "address in that account" not in page
    assert "address in that account" in ask(world, kinds=[kind, "access"]).text


def test_what_is_wrong_is_said_at_the_field_and_the_rest_is_kept(world: World) -> None:
    """P26: nothing is stored, nothing typed is lost, and no markup comes through."""
    answer = ask(world, contact_address="alice", message="<b>Please</b>", kinds="")
    assert answer.status_code == 422
    assert "Please give an e-mail address" in answer.text
    assert "Please choose what you ask for" in answer.text
    assert "&lt;b&gt;Please&lt;/b&gt;" in answer.text
    assert 'value="DE" selected' in answer.text
    with world.database.session() as session:
        assert session.exec(select(DataSubjectRequest)).all() == []


def test_several_rights_are_asked_for_in_one_request(world: World) -> None:
    """P10-P18: each once, whatever was sent; what is wrong leaves every box ticked."""
    several = {**FORM, "kinds": ["erasure", "access", "erasure"]}
    wrong = world.browser.post("/requests/new", data={**several, "contact_address": "alice"})
    assert re.findall(r'value="(\w+)" checked', wrong.text) == ["access", "erasure"]
    world.browser.post("/requests/new", data=several)
    assert rights_stored(world) == ["access", "erasure"]
    words = "a copy of your personal data and the erasure of your personal data"
    assert words in world.browser.get(path(world, REQUEST_VERIFY)).text


def test_one_odd_right_refuses_the_whole_request(world: World) -> None:
    """P26: nobody thinks they asked for something that we threw away."""
    odd = world.browser.post("/requests/new", data={**FORM, "kinds": ["access", "everything"]})
    assert odd.status_code == 422
    assert "from the list" in odd.text


@pytest.mark.parametrize("field", ["kinds", "contact_address", "country"])
def test_words_that_are_no_choice_of_ours_are_refused(world: World, field: str) -> None:
    assert ask(world, **{field: "../../nonsense"}).status_code == 422


def test_only_the_address_on_file_can_say_that_a_request_is_ours(world: World) -> None:
    """P19: looking verifies nothing, the button does, and a second press changes nothing."""
    ask(world)
    verify = path(world, REQUEST_VERIFY)
    page = world.browser.get(verify).text
    world.browser.head(verify)
    assert "Yes, this request is mine" in page
    assert stored(world).verified_at is None
    assert "confirmed as yours" in world.browser.post(verify).text
    assert stored(world).verified_at == NOW
    world.desk.clock.advance(timedelta(days=1))
    world.browser.post(verify)
    assert stored(world).verified_at == NOW
    with world.database.session() as session:
        sent = {mail.template: mail for mail in session.exec(select(OutboxMail)).all()}
        verifications = session.exec(select(Fact).where(Fact.kind == "request.verified")).all()
    assert sent["request_verification"].addressee_id == world.accounts["alice"].id
    assert len(verifications) == 1


def test_the_link_to_the_status_page_verifies_nobody_else(world: World) -> None:
    """P19: it goes to the address typed in, which anybody could have typed."""
    ask(world, contact_address="eve@example.com", account_address="alice@example.org")
    world.browser.post(path(world, REQUEST_STATUS))
    assert stored(world).contact_confirmed_at == NOW
    assert stored(world).account_id == world.accounts["alice"].id
    assert stored(world).verified_at is None


def test_a_verification_link_outlives_the_time_to_answer_and_then_ends(world: World) -> None:
    """P19: that we are late shuts nobody out."""
    ask(world)
    world.desk.clock.advance(timedelta(days=31))
    assert world.browser.get(path(world, REQUEST_VERIFY)).status_code == 200
    world.desk.clock.advance(timedelta(days=60))
    answer = world.browser.get(path(world, REQUEST_VERIFY))
    assert answer.status_code == 410
    assert "has expired" in answer.text


def test_the_status_page_says_neutrally_where_a_request_stands(world: World) -> None:
    """P21, P23: stage, dates and remedies, and no word of an answer yet."""
    ask(world)
    page = world.browser.get(path(world, REQUEST_STATUS)).text
    assert "has reached us" in page
    assert "1 April 2026" in page
    assert "lodge a complaint" in page
    assert "Why, and what we did" not in page


def test_an_answer_in_review_is_not_shown_and_one_that_went_out_is(world: World) -> None:
    """P20, P22, P23: with explanation, ground and remedies."""
    ask(world)
    status = path(world, REQUEST_STATUS)
    priya, paul = world.staff["priya"].id, world.staff["paul"].id
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        verify_identity(transaction, request, how="link", now=NOW)
        decision = propose_decision(
            transaction,
            request,
            Answer(
                outcome=Outcome.PARTIAL,
                ground=Ground.RIGHTS_OF_OTHERS,
                explanation="Recordings show <other> people.",
                evidence="Two recordings with guests.",
            ),
            decided_by=priya,
            now=NOW,
        )
        transaction.flush()
        apply_decision(transaction, request, decision.id, NOW)
    assert "Recordings show" not in world.browser.get(status).text
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        confirm_decision(transaction, request, decision.id, staff_id=paul, now=NOW)
    page = world.browser.get(status).text
    assert "Recordings show &lt;other&gt; people." in page
    assert "It would harm the rights of other people." in page
    assert "lodge a complaint" in page
    assert "Two recordings" not in page


def test_each_right_is_shown_with_its_state_and_then_with_its_answer(world: World) -> None:
    """P19, P22: no outcome before the answer went out, and then every one with its explanation."""
    world.browser.post("/requests/new", data={**FORM, "kinds": ["access", "inquiry"]})
    status = path(world, REQUEST_STATUS)
    answers = {
        Kind.INQUIRY: Answer(outcome=Outcome.UNVERIFIED, explanation="We asked you twice."),
        Kind.ACCESS: Answer(outcome=Outcome.UNVERIFIED, explanation="We do not know who asks."),
    }
    pages = []
    for kind, answer in answers.items():
        pages.append(world.browser.get(status).text)
        with world.database.transaction() as transaction:
            request = transaction.exec(select(DataSubjectRequest)).one()
            decision = propose_decision(
                transaction,
                request,
                answer,
                kind=kind,
                decided_by=world.staff["priya"].id,
                now=NOW,
            )
            transaction.flush()
            apply_decision(transaction, request, decision.id, NOW)
    assert [(page.count("not decided yet"), page.count(">decided<")) for page in pages] == [
        (2, 0),
        (1, 1),
    ]
    assert "We asked you twice." not in "".join(pages)
    page = world.browser.get(status).text
    for words in (
        *("We asked you twice.", "We do not know who asks."),
        "We could not confirm that the request came from the person it concerns.",
    ):
        assert words in page


def test_a_made_up_receipt_or_link_shows_nothing(world: World) -> None:
    assert world.browser.get("/requests/received/WyJSLTEiXQ.x").status_code == 404
    assert world.browser.get("/requests/nothing-of-ours").status_code == 404


def test_a_request_is_taken_in_while_temporal_is_down(world: World) -> None:
    """P26: nobody is sent away because a service of ours is missing."""
    desk = Desk(**world.parts, messenger=world.to_nowhere)
    browser = browse(create_app(world.settings, database=world.database, desk=desk))
    answer = browser.post("/requests/new", data=FORM)
    assert answer.status_code == 200
    assert stored(world).reference in answer.text
