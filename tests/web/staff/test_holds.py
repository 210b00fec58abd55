"""Legal and privacy place legal holds; a second person releases them; privacy erases (P13, P30)."""

import pytest
from sqlmodel import select

from database.requests.answering import Answer, apply_decision, confirm_decision, propose_decision
from database.requests.identity import verify_identity
from database.tables import DataSubjectRequest, Fact, LegalHold
from domain.requests.data_subject_requests import Ground, Outcome
from tests.web.world import NOW, World

PATH = "/staff/holds"
SECRET = "The claim of 3 February"


@pytest.fixture
def reference(world: World) -> str:
    """The reference of Alice's request for erasure; she has shown who she is."""
    form = {"kinds": "erasure", "contact_address": "alice@example.org", "name": "Alice"}
    world.browser.post("/requests/new", data=form)
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        verify_identity(transaction, request, how="link", now=NOW)
        return request.reference


def place(world: World, **changes: str) -> int:
    """Send the form; what was answered."""
    fields = {"account": "alice", "source": "", "reason": SECRET, **changes}
    return world.post(PATH, PATH, **fields).status_code


def stored(world: World) -> LegalHold:
    with world.database.session() as session:
        return session.exec(select(LegalHold)).one()


def answer_under_hold(world: World) -> None:
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        decision = propose_decision(
            transaction,
            request,
            Answer(
                outcome=Outcome.PARTIAL,
                ground=Ground.LEGAL_MATTERS,
                explanation="We keep what legal claims need.",
                evidence="the hold",
            ),
            decided_by=world.staff["priya"].id,
            now=NOW,
        )
        transaction.flush()
        apply_decision(transaction, request, decision.id, NOW)
        paul = world.staff["paul"].id
        confirm_decision(transaction, request, decision.id, staff_id=paul, now=NOW)


def test_lena_places_one_before_anybody_asks_and_priya_releases_it(world: World) -> None:
    """P13: whoever placed it finds no button to release it, and is refused without one."""
    world.enter_as("lena")
    assert place(world) == 303
    page = world.browser.get(PATH).text
    assert SECRET in page
    assert "A colleague of yours, of legal or privacy, has to release it." in page
    release = f"{PATH}/{stored(world).id}/release"
    assert world.post(PATH, release, why="Settled.").status_code == 409
    assert stored(world).released_at is None
    world.enter_as("priya")
    assert world.post(PATH, release, why="").status_code == 409
    assert world.post(PATH, release, why="Settled.").status_code == 303
    assert stored(world).released_by == world.staff["priya"].id
    page = world.browser.get(PATH).text
    assert "No hold stands." in page
    assert "Settled." in page


def test_under_one_the_form_offers_what_can_be_answered_and_names_no_secret(
    world: World, reference: str
) -> None:
    """P13."""
    world.enter_as("priya")
    case = f"/staff/requests/{reference}"
    assert 'value="fulfilled"' in world.browser.get(case).text
    link = f"{PATH}?request={reference}"
    assert link in world.browser.get(case).text
    assert 'value="alice"' in world.browser.get(link).text
    assert place(world) == 303
    page = world.browser.get(case).text
    assert "<strong>stands</strong>" in page
    assert "Choose partial or refused with that ground." in page
    assert 'value="fulfilled"' not in page
    assert 'value="legal_matters" selected' in page
    assert SECRET not in page
    fields = {"right": "erasure", "outcome": "fulfilled", "explanation": "All is erased."}
    refused = world.post(case, f"{case}/answer", **fields)
    assert refused.status_code == 409
    assert "Choose partial or refused with that ground." in refused.text


def test_after_the_release_the_queue_says_erase_now_until_it_is_done(
    world: World, reference: str
) -> None:
    """P13: with the day by which it is done."""
    world.enter_as("lena")
    place(world)
    answer_under_hold(world)
    world.enter_as("priya")
    case = f"/staff/requests/{reference}"
    assert "until the last legal hold on the account is released" in world.browser.get(case).text
    assert "erase now" not in world.browser.get("/staff/requests").text
    assert world.post(case, f"{case}/erased").status_code == 409
    world.post(PATH, f"{PATH}/{stored(world).id}/release", why="Settled.")
    assert "Hold released: erase now (1)" in world.browser.get("/staff/requests").text
    assert "The hold is released: erase now" in world.browser.get(case).text
    assert "9 March 2026" in world.browser.get(case).text
    assert world.post(case, f"{case}/erased").status_code == 303
    assert "says Priya" in world.browser.get(case).text
    assert "erase now" not in world.browser.get("/staff/requests").text


@pytest.mark.parametrize(
    "wrong",
    [{"account": "nobody"}, {"reason": " "}, {"reason": "a\0b"}, {"source": "no-such-source"}],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    world: World, wrong: dict[str, str]
) -> None:
    world.enter_as("lena")
    fields = {"account": "alice", "source": "", "reason": "A <claim>.", **wrong}
    answer = world.post(PATH, PATH, **fields)
    assert answer.status_code == 409
    assert "Not done." in answer.text
    assert "reason" in wrong or "A &lt;claim&gt;." in answer.text
    with world.database.session() as session:
        assert session.exec(select(LegalHold)).all() == []


def test_one_can_stand_on_a_single_data_source(world: World) -> None:
    """P13: those of the data map are offered, and our own."""
    world.enter_as("lena")
    page = world.browser.get(PATH).text
    assert "promisekeeper alone" in page
    assert place(world, source="promisekeeper") == 303
    assert (stored(world).source, stored(world).keeps_our_records) == ("promisekeeper", True)


@pytest.mark.parametrize("handle", ["otto", "sofia", "aziz"])
def test_only_legal_and_privacy_see_and_place_them(world: World, handle: str) -> None:
    """P30: need to know."""
    world.enter_as(handle)
    assert world.browser.get(PATH).status_code == 403


def test_who_looked_is_recorded(world: World) -> None:
    """P30."""
    world.enter_as("lena")
    place(world)
    world.browser.get(PATH)
    with world.database.session() as session:
        read = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).all()
    assert {fact.subject_id for fact in read} == {world.accounts["alice"].id}
