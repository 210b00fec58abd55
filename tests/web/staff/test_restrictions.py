"""The privacy team restricts accounts, and lifts that with notice (P14, P18, P30)."""

import pytest
from sqlmodel import select

from database.requests.answering import (
    Answer,
    apply_decision,
    confirm_decision,
    propose_decision,
)
from database.tables import DataSubjectRequest, Fact, OutboxMail, Restriction
from database.writing import held
from domain.requests.data_subject_requests import Ground, Outcome
from tests.web.world import NOW, World

PATH = "/staff/restrictions"


def restrict(world: World, **changes: str) -> int:
    """Send the form; what was answered."""
    fields = {"account": "alice", "reason": "requested", "note": "She asked on the telephone."}
    return int(world.post(PATH, PATH, **{**fields, **changes}).status_code)


def stored(world: World) -> Restriction:
    with world.database.session() as session:
        return session.exec(select(Restriction)).one()


def test_priya_restricts_an_account_because_of_a_request(world: World) -> None:
    """P14: from the page of the request, which names the account."""
    form = {"kinds": "restriction", "contact_address": "alice@example.org"}
    world.browser.post("/requests/new", data=form)
    world.enter_as("priya")
    with world.database.session() as session:
        reference = session.exec(select(OutboxMail.subject_id)).first()
    page = world.browser.get("/staff/requests").text
    assert reference is not None
    reference_on_page = page.split("/staff/requests/R-")[1].split('"')[0]
    case = world.browser.get(f"/staff/requests/R-{reference_on_page}").text
    link = f"{PATH}?request=R-{reference_on_page}"
    assert link in case
    assert 'value="alice"' in world.browser.get(link).text
    assert restrict(world, reference=f"R-{reference_on_page}") == 303
    row = stored(world)
    assert (row.account_id, row.restricted_by) == (
        world.accounts["alice"].id,
        world.staff["priya"].id,
    )
    assert row.request_id is not None
    page = world.browser.get(PATH).text
    assert "She asked on the telephone." in page
    assert "Priya" in page


def test_it_is_lifted_by_telling_its_holder_why(world: World) -> None:
    """P14: the page says how the mail about it stands."""
    world.enter_as("priya")
    restrict(world)
    lift = f"{PATH}/{stored(world).id}/lift"
    assert world.post(PATH, lift, explanation="").status_code == 409
    assert world.post(PATH, lift, explanation="It is corrected now.").status_code == 303
    assert "once its holder is told" in world.browser.get(PATH).text
    assert stored(world).lifted_at is None
    with world.database.session() as session:
        mail = session.exec(select(OutboxMail)).one()
    assert (mail.step, mail.state) == ("restriction_lifted", "queued")
    assert world.messenger.started == [f"mail-delivery/{mail.id}"]
    told = {"explanation": "It is corrected now.", "told_otherwise": "By post."}
    assert world.post(PATH, lift, **told).status_code == 303
    assert stored(world).lifted_at is not None
    assert "None is restricted." in world.browser.get(PATH).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": "nobody"},
        {"reason": "nonsense"},
        {"reference": "R-NOWHERE"},
        {"note": "\0"},
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    world: World, wrong: dict[str, str]
) -> None:
    world.enter_as("priya")
    fields = {"account": "alice", "reason": "requested", "note": "Her <own> wish.", **wrong}
    answer = world.post(PATH, PATH, **fields)
    assert answer.status_code == 409
    assert "Not done." in answer.text
    assert "note" in wrong or "Her &lt;own&gt; wish." in answer.text
    with world.database.session() as session:
        assert session.exec(select(Restriction)).all() == []


def test_a_restriction_that_is_not_there_is_said_in_words(world: World) -> None:
    world.enter_as("priya")
    lift = f"{PATH}/{world.staff['priya'].id}/lift"
    answer = world.post(PATH, lift, explanation="Why not.")
    assert answer.status_code == 409
    assert "There is no such restriction" in answer.text


@pytest.mark.parametrize("handle", ["lena", "otto", "sofia", "aziz"])
def test_only_the_privacy_team_sees_and_sets_them(world: World, handle: str) -> None:
    """P30."""
    world.enter_as(handle)
    assert world.browser.get(PATH).status_code == 403


def test_who_looked_is_recorded(world: World) -> None:
    """P30."""
    world.enter_as("priya")
    restrict(world)
    world.browser.get(PATH)
    with world.database.session() as session:
        read = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).all()
    assert {fact.subject_id for fact in read} == {world.accounts["alice"].id}


def test_a_restriction_that_outlived_its_objection_is_put_before_the_team(world: World) -> None:
    """P14, P15: the account is not restricted for good because nobody thought of it."""
    form = {"kinds": "objection", "contact_address": "alice@example.org"}
    world.browser.post("/requests/new", data=form)
    with world.database.session() as session:
        request = session.exec(select(DataSubjectRequest)).one()
    world.desk.verify(request.id, "link")
    world.enter_as("priya")
    queue = "/staff/requests"
    assert "still restricted" not in world.browser.get(queue).text
    refused = Answer(
        outcome=Outcome.REFUSED,
        ground=Ground.LEGAL_MATTERS,
        explanation="A court has to decide first.",
        evidence="Case 1 O 23/26",
    )
    with world.database.transaction() as transaction:
        row = held(transaction, DataSubjectRequest, request.id)
        priya = world.staff["priya"].id
        decision = propose_decision(transaction, row, refused, decided_by=priya, now=NOW)
        transaction.flush()
        apply_decision(transaction, row, decision.id, NOW)
        confirm_decision(transaction, row, decision.id, staff_id=world.staff["paul"].id, now=NOW)
    assert "still restricted" in world.browser.get(queue).text
    page = world.browser.get(PATH).text
    assert "was answered, and not granted" in page
    assert request.reference in page
    lift = f"{PATH}/{stored(world).id}/lift"
    assert world.post(PATH, lift, explanation="The objection is weighed.").status_code == 303
    assert "still restricted" not in world.browser.get(queue).text
