"""What the privacy team does in the console: read a case, take it on, answer it (P19-P22, P30)."""

import re
from datetime import timedelta

import pytest
from httpx import Response
from sqlmodel import select

from database.requests.answering import Answer, apply_decision, propose_decision
from database.requests.identity import confirm_contact, verify_identity
from database.requests.requested_rights import rights_of
from database.requests.rungs import fire
from database.tables import Account, DataSubjectRequest, Fact, RequestDecision, RequestedRight
from domain.requests.data_subject_requests import Ground, Kind, Outcome, State
from domain.requests.identity import identity_rungs
from tests.web.world import NOW, World, hidden
from web.staff import request_queue


@pytest.fixture
def request_made(world: World) -> str:
    """The reference of Alice's request."""
    form = {"kinds": "access", "contact_address": "alice@example.org", "name": "Alice"}
    world.browser.post("/requests/new", data=form)
    with world.database.session() as session:
        return session.exec(select(DataSubjectRequest)).one().reference


def test_the_queue_names_no_person(world: World, request_made: str) -> None:
    """P30: references, kinds and due times only."""
    world.enter_as("priya")
    page = world.browser.get("/staff/requests").text
    assert request_made in page
    assert "alice" not in page.lower()


def test_the_queue_lists_the_last_answered_and_nothing_purged(
    world: World, request_made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P33: what is purged is proof, and no work; of years of answers the newest are shown."""
    monkeypatch.setattr(request_queue, "DONE_SHOWN", 1)
    form = {"kinds": "access", "contact_address": "bob@example.org", "name": "Bob"}
    world.browser.post("/requests/new", data=form)
    world.enter_as("priya")

    def listed(**states: State) -> set[str]:
        with world.database.transaction() as transaction:
            for row in transaction.exec(select(DataSubjectRequest)):
                alices = row.reference == request_made
                row.state = states["alices" if alices else "bobs"]
                row.answered_at = NOW - timedelta(days=alices)
        page = world.browser.get("/staff/requests").text
        return set(re.findall(r"/staff/requests/(R-\w+)", page))

    assert len(listed(alices=State.WORK, bobs=State.ANSWERED)) == 2
    assert request_made not in listed(alices=State.CLOSED, bobs=State.ANSWERED)
    assert listed(alices=State.ANSWERED, bobs=State.PURGED) == {request_made}


def test_reading_a_case_is_recorded(world: World, request_made: str) -> None:
    """P30: who read whose request, and when; the clock and its explanation are shown (P21)."""
    world.enter_as("priya")
    page = world.browser.get(f"/staff/requests/{request_made}").text
    assert "alice@example.org" in page
    assert "720 hours from receipt" in page
    assert "second reminder to the assignee" in page
    with world.database.session() as session:
        read = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).one()
        request = session.exec(select(DataSubjectRequest)).one()
    assert read.subject_id == request.id
    assert read.payload == {"staff": str(world.staff["priya"].id)}


def test_a_request_that_is_not_there_is_a_page_in_words(world: World) -> None:
    world.enter_as("priya")
    assert world.browser.get("/staff/requests/R-NOTHERE").status_code == 404


def test_priya_takes_a_request_on(world: World, request_made: str) -> None:
    world.enter_as("priya")
    path = f"/staff/requests/{request_made}"
    assert world.post(path, f"{path}/assign").status_code == 303
    with world.database.session() as session:
        request = session.exec(select(DataSubjectRequest)).one()
    assert request.assignee_id == world.staff["priya"].id


def test_priya_gives_a_request_to_paul(world: World, request_made: str) -> None:
    """P30: who gave it to whom is on record; nobody outside privacy can be given one."""
    world.enter_as("priya")
    path = f"/staff/requests/{request_made}"
    paul, priya, sofia = (str(world.staff[name].id) for name in ("paul", "priya", "sofia"))
    assert "Give it to a colleague" in world.browser.get(path).text
    for wrong in (sofia, "nobody"):
        assert world.post(path, f"{path}/assign", to=wrong).status_code == 409
    assert world.post(path, f"{path}/assign", to=paul).status_code == 303
    with world.database.session() as session:
        request = session.exec(select(DataSubjectRequest)).one()
        given = session.exec(select(Fact).where(Fact.kind == "request.assigned")).one()
    assert str(request.assignee_id) == paul
    assert given.payload == {"assignee": paul, "staff": priya}


def test_an_older_answer_is_found_page_by_page_and_by_its_reference(
    world: World, request_made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P30: and what is purged by its reference alone."""
    monkeypatch.setattr(request_queue, "DONE_SHOWN", 2)
    for name in ("bob", "carol", "dora", "emil"):
        form = {"kinds": "access", "contact_address": f"{name}@example.org"}
        world.browser.post("/requests/new", data=form)
    with world.database.transaction() as transaction:
        for number, row in enumerate(transaction.exec(select(DataSubjectRequest)).all()):
            row.state, row.answered_at = State.ANSWERED, NOW + timedelta(days=number)
    world.enter_as("priya")

    def listed(query: str) -> tuple[list[str], str]:
        page = world.browser.get(f"/staff/requests{query}").text
        return list(dict.fromkeys(re.findall(r"/staff/requests/(R-\w+)", page))), page

    first, second, third = (listed(query) for query in ("", "?page=2", "?page=3"))
    assert (len(first[0]), len(second[0]), len(third[0])) == (2, 2, 1)
    assert len({*first[0], *second[0], *third[0]}) == 5
    assert 'href="/staff/requests?page=2">Older' in first[1]
    assert "Newer" not in first[1]
    assert 'href="/staff/requests">Newer' in second[1]
    assert "Older" not in third[1]
    assert listed("?page=9")[0] == []
    wanted = request_made.removeprefix("R-").lower()
    for words in (request_made, wanted, f" {wanted[:6]} "):
        answer = searched(world, words)
        assert answer.headers.get("location") == f"/staff/requests/{request_made}"
    assert "None: give at least three" in searched(world, "zz").text
    assert "None: give at least three" in searched(world, "%%%%").text
    assert "&lt;b&gt;" in searched(world, "<b>none").text
    assert searched(world, " ").headers.get("location") == "/staff/requests"
    assert world.browser.get("/staff/requests?page=0").status_code in {404, 422}


def test_whoever_phones_is_found_by_their_whole_address(world: World, request_made: str) -> None:
    """P26, P30: it is posted and stands in no address of a page; whose was found is on record."""
    with world.database.transaction() as transaction:
        named = transaction.get_one(Account, world.accounts["bob"].id)
        named.email = "Ada@Old.example"
        transaction.add(named)
        first = transaction.exec(select(DataSubjectRequest)).one()
    form = {"kinds": "access", "contact_address": "ALICE@example.org"}
    world.browser.post("/requests/new", data=form)
    about = {"contact_address": "friend@example.org", "account_address": "ada@old.example"}
    asked = world.browser.post("/requests/new", data={"kinds": "access", **about})
    assert asked.status_code == 200, asked.text
    world.enter_as("priya")

    def told(address: str) -> tuple[set[str], str]:
        answer = searched(world, address)
        assert "@" not in str(answer.url) + answer.headers.get("location", "")
        return set(re.findall(r"/staff/requests/(R-\w+)", answer.text)), answer.text

    both, page = told(" Alice@Example.org ")
    assert len(both) == 2
    assert request_made in both
    assert "From or about “Alice@Example.org”" in page
    with world.database.session() as session:
        read = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).all()
    assert first.id in {fact.subject_id for fact in read}
    assert [fact.payload for fact in read] == [{"staff": str(world.staff["priya"].id)}] * 2
    by_account = searched(world, "ADA@old.example").headers["location"].rpartition("/")[2]
    assert searched(world, "friend@example.org").headers["location"].endswith(by_account)
    assert by_account not in both
    for part in ("alice@", "@example.org", "alice@example", "lice@example.org"):
        found, page = told(part)
        assert not found
        assert "None: give the whole address" in page


def searched(world: World, words: str) -> Response:
    """What the search of the queue answers."""
    page, find = "/staff/requests", "/staff/requests/find"
    return world.post(page, find, wanted=words)


def test_only_privacy_finds_anybody(world: World) -> None:
    """P30."""
    world.enter_as("lena")
    refused = world.post("/staff/policies", "/staff/requests/find", wanted="alice@example.org")
    assert refused.status_code == 403
    assert "takes the role privacy" in refused.text


def test_an_answer_that_cannot_go_out_keeps_its_words(world: World, request_made: str) -> None:
    """P19: nothing is disclosed before the identity is verified."""
    world.enter_as("priya")
    path = f"/staff/requests/{request_made}"
    words = {"right": "access", "outcome": "fulfilled", "explanation": "Here it is."}
    answer = world.post(path, f"{path}/answer", **words)
    assert answer.status_code == 409
    assert "before the person&#39;s identity is verified" in answer.text
    assert ">Here it is.</textarea>" in answer.text


def test_an_answer_reaches_the_request(world: World, request_made: str) -> None:
    """P22: outcome, ground, explanation and evidence."""
    world.enter_as("priya")
    path = f"/staff/requests/{request_made}"
    answer = world.post(
        path,
        f"{path}/answer",
        outcome="refused",
        ground="identity_unverified",
        explanation="We could not tell.",
        evidence="No click in three weeks.",
    )
    assert answer.status_code == 303
    with world.database.session() as session:
        decision = session.exec(select(RequestDecision)).one()
    assert (decision.outcome, decision.ground) == ("refused", "identity_unverified")
    assert decision.decided_by == world.staff["priya"].id


def test_a_refusal_is_confirmed_by_somebody_else(world: World, request_made: str) -> None:
    """P20: whoever decided sees no button."""
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        request.state = "review"
        (right,) = rights_of(transaction, request.id)
        decision = RequestDecision(
            right_id=right.id,
            outcome="refused",
            ground="identity_unverified",
            explanation="We could not tell.",
            evidence="No click.",
            decided_by=world.staff["priya"].id,
            decided_at=NOW,
            recorded_at=NOW,
        )
        transaction.add(decision)
        right.state, right.decision_id = "review", decision.id
        transaction.add(right)
        read = str(decision.id)
    path = f"/staff/requests/{request_made}"
    world.enter_as("priya")
    assert f"{path}/confirm" not in world.browser.get(path).text
    world.enter_as("paul")
    assert f'name="answer" value="{read}"' in world.browser.get(path).text
    unread = world.post(path, f"{path}/confirm")
    assert unread.status_code == 409
    assert "Read the answer below" in unread.text
    assert world.post(path, f"{path}/confirm", answer=read).status_code == 303


def ask_for(world: World, *kinds: str, country: str = "DE") -> str:
    """The page of a request of Alice's for these rights."""
    form = {"kinds": [*kinds], "contact_address": "alice@example.org", "country": country}
    world.browser.post("/requests/new", data=form)
    with world.database.session() as session:
        reference = session.exec(select(DataSubjectRequest)).one().reference
    return f"/staff/requests/{reference}"


def test_each_right_has_a_form_of_its_own(world: World) -> None:
    """P20, P22: the answer goes to the right it was written for, and what is typed stays there."""
    path = ask_for(world, "access", "inquiry")
    world.enter_as("priya")
    page = world.browser.get(path).text
    assert "2 rights, each with its own answer" in page
    words = {"right": "inquiry", "outcome": "unverified", "explanation": "Looked into."}
    assert world.post(path, f"{path}/answer", **words).status_code == 303
    with world.database.session() as session:
        decision = session.exec(select(RequestDecision)).one()
        right = session.get_one(RequestedRight, decision.right_id)
    assert right.kind == "inquiry"
    refused = world.post(
        path, f"{path}/answer", right="access", outcome="fulfilled", explanation="Hm"
    )
    assert refused.status_code == 409
    assert refused.text.count(">Hm</textarea>") == 1
    nameless = world.post(path, f"{path}/answer", outcome="unverified", explanation="Who?")
    assert "Say which one you answer" in nameless.text


def test_forms_offer_what_may_be_decided_and_nothing_else(world: World) -> None:
    """P19, P20: by law, by right, and by whether the person has shown who they are."""
    path = ask_for(world, "erasure", "marketing_opt_out")
    world.enter_as("priya")

    def offered(kind: str, field: str) -> list[str]:
        page = world.browser.get(path).text
        choice = page.partition(f'id="{field}-{kind}"')[2].partition("</select>")[0]
        return re.findall(r'<option value="(\w+)"', choice)

    assert offered("marketing_opt_out", "ground") == []
    assert "refused" not in offered("marketing_opt_out", "outcome")
    assert "fulfilled" not in offered("erasure", "outcome")
    assert offered("erasure", "ground") == [
        "identity_unverified",
        "manifestly_unfounded_or_excessive",
    ]
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        verify_identity(transaction, request, how="link", now=NOW)
    assert "fulfilled" in offered("erasure", "outcome")
    assert "regulatory_obligation" in offered("erasure", "ground")
    assert not {"identity_unverified", "disproportionate_effort", "rights_of_others"} & {
        *offered("erasure", "ground")
    }


def test_case_and_queue_say_which_right_waits_for_whom(world: World) -> None:
    """P20: Priya refused one right; Paul is to confirm it, and the other one waits for anybody."""
    path = ask_for(world, "access", "erasure")
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        decision = propose_decision(
            transaction,
            request,
            Answer(
                outcome=Outcome.REFUSED,
                ground=Ground.IDENTITY_UNVERIFIED,
                explanation="We could not tell.",
                evidence="No click.",
            ),
            kind=Kind.ERASURE,
            decided_by=world.staff["priya"].id,
            now=NOW,
        )
        transaction.flush()
        apply_decision(transaction, request, decision.id, NOW)
    world.enter_as("paul")
    page = world.browser.get(path).text
    assert page.count("waits for an answer") == 1
    assert page.count("waits for a second person") == 1
    assert ">Confirm</button>" in page  # the other right is not decided: nothing goes out yet
    queue = world.browser.get("/staff/requests").text.replace("<br>", "; ")
    words = re.sub(r"<[^>]+>", "", queue)
    assert "access waits for an answer; erasure waits for a second person" in words
    overview = world.browser.get("/staff").text
    assert "access, erasure" in overview


@pytest.mark.parametrize("field", ["explanation", "evidence"])
def test_control_characters_in_an_answer_are_refused_in_words(
    world: World, request_made: str, field: str
) -> None:
    """P22: lines and tabs are none of them."""
    world.enter_as("priya")
    path = f"/staff/requests/{request_made}"
    words = {"explanation": "Here\r\n\tit is.", "evidence": "file 7", field: "file\x007"}
    answer = world.post(path, f"{path}/answer", outcome="fulfilled", **words)
    assert answer.status_code == 409
    assert "control character" in answer.text
    with world.database.session() as session:
        assert session.exec(select(RequestDecision)).all() == []


def test_two_of_the_team_find_out_who_asks(world: World, request_made: str) -> None:
    """P19: one records it, a colleague confirms it; what was found is read meanwhile."""
    path = f"/staff/requests/{request_made}"
    world.enter_as("priya")
    assert world.post(path, f"{path}/check", found="x").status_code == 409
    unexplained = world.post(path, f"{path}/check", method="call_back", passed="yes")
    assert unexplained.status_code == 409
    found = {"method": "call_back", "passed": "yes", "found": "Knew the last invoice."}
    assert world.post(path, f"{path}/check", **found).status_code == 303
    own = world.browser.get(path).text
    assert "A colleague of yours has to confirm it." in own
    assert f"{path}/confirm-check" not in own
    world.enter_as("paul")
    page = world.browser.get(path).text
    assert "Knew the last invoice." in page
    assert world.post(path, f"{path}/confirm-check").status_code == 409
    read = hidden(page, "check")
    assert world.post(path, f"{path}/confirm-check", check=read).status_code == 303
    assert "proved by staff check by two" in world.browser.get(path).text


def test_nobody_else_than_the_team_checks(world: World, request_made: str) -> None:
    """P30: neither legal nor whoever is not signed in."""
    path = f"/staff/requests/{request_made}"
    world.enter_as("lena")
    answer = world.browser.post(f"{path}/check", data={"method": "call_back"})
    assert answer.status_code in {400, 403}


def test_an_answer_drafted_is_there_to_be_signed(world: World, request_made: str) -> None:
    """P19: seen on the queue, in the person's language, and sent by a person."""
    world.enter_as("priya")
    assert "not verified" in world.browser.get("/staff/requests").text
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        request.language = "de"
        draft = identity_rungs(request.received_at, request.due_at)[-1]
        fire(transaction, request, draft, now=NOW)
    assert "answer drafted, to sign" in world.browser.get("/staff/requests").text
    page = world.browser.get(f"/staff/requests/{request_made}").text
    assert "Drafted for you to sign." in page
    assert "Niemand hat die Anfrage rechtzeitig bestätigt." in page
    assert '<option value="unverified" selected>' in page


def test_a_draft_for_who_controls_an_empty_address_says_that_nothing_is_held(world: World) -> None:
    """P19."""
    form = {"kinds": "access", "contact_address": "nobody@example.org", "name": "N"}
    world.browser.post("/requests/new", data=form)
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        confirm_contact(transaction, request, NOW)
        reference = request.reference
    world.enter_as("priya")
    assert "no account, to look at" in world.browser.get("/staff/requests").text
    page = world.browser.get(f"/staff/requests/{reference}").text
    assert '<option value="nothing_held" selected>' in page
    assert "Look in your other systems" in page
