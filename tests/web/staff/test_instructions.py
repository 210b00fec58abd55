"""Privacy enters what a company told us to do with its data, and a second person decides (P24)."""

import json
from uuid import UUID

import pytest
from sqlmodel import select

from database.requests import asked_tasks, instructed_tasks
from database.tables import ControllerInstruction, Fact
from domain.requests.collected import Collected
from domain.requests.data_subject_requests import Intake
from domain.requests.personal_data import LegalBasis, Origin, Record, Use
from tests.web.world import NOW, World

pytestmark = pytest.mark.usefixtures("one_holding_order")
PATH = "/staff/instructions"
FIELDS = {
    "controller": "Harbour Dental Clinic",
    "verb": "erase",
    "address": "alice@example.org",
    "received_at": "2026-03-01T14:30",
    "evidence": "A signed letter.",
}


def enter(world: World, **changes: str) -> str:
    """Priya enters one; the path of its page."""
    world.enter_as("priya")
    answer = world.post(PATH, PATH, **{**FIELDS, **changes})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def stored(world: World) -> ControllerInstruction:
    with world.database.session() as session:
        return session.exec(select(ControllerInstruction)).one()


def test_priya_enters_an_erasure_and_paul_decides_it(world: World) -> None:
    """P24, P30: its workflow is started, its report goes where the data map says."""
    page = enter(world)
    row = stored(world)
    assert world.messenger.started == [f"controller-instruction/{row.id}"]
    assert row.contact_address == "privacy@harbour-dental.example"
    shown = world.browser.get(page).text
    assert "alice@example.org" in shown
    assert "A colleague of yours, of privacy, decides" in shown
    decided = {"decision": "carry_out", "reason": "It is lawful."}
    assert world.post(page, f"{page}/decide", **decided).status_code == 409
    world.enter_as("paul")
    assert world.post(page, f"{page}/decide", reason="No choice.").status_code == 409
    assert world.post(page, f"{page}/decide", **decided).status_code == 303
    assert stored(world).state == "work"
    assert "is being carried out" in world.browser.get(page).text
    with world.database.session() as session:
        readers = [one.payload for one in session.exec(select(Fact)) if one.subject_id == row.id]
    assert str(world.staff["paul"].id) in str(readers)


def test_the_list_names_nobody(world: World) -> None:
    """P30: only the page of one, whose reading is recorded, says whom it is about."""
    enter(world)
    listed = world.browser.get(PATH).text
    assert stored(world).reference in listed
    assert "alice" not in listed


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"verb": ""}, "Choose what they told us to do."),
        ({"controller": "Nobody Ltd"}, "knows no such company"),
        ({"received_at": "soon"}, "Give day and time of receipt"),
        ({"address": ""}, "Say whom it is about"),
        ({"reference": "R-NOTTHERE"}, "There is no request"),
        ({"verb": "correct"}, "A correction needs what is wrong"),
    ],
)
def test_what_cannot_be_taken_in_keeps_its_words(
    world: World, changes: dict[str, str], why: str
) -> None:
    world.enter_as("priya")
    answer = world.post(PATH, PATH, **{**FIELDS, **changes})
    assert answer.status_code == 409
    assert why in answer.text
    assert "A signed letter." in answer.text
    with world.database.session() as session:
        assert session.exec(select(ControllerInstruction)).all() == []


def test_of_a_request_the_company_is_asked_about_the_address_and_never_about_our_id(
    world: World,
) -> None:
    """P24: its own ids are its own; where numbers coincide ours is a stranger's there."""
    request = world.desk.receive(
        Intake(name="Alice", contact_address="alice@example.org", kinds=("erasure",)), channel="web"
    )
    page = enter(world, address="", reference=request.reference)
    row = stored(world)
    assert (row.address, row.external_id) == ("alice@example.org", "")
    assert row.account_id == request.account_id == world.accounts["alice"].id
    assert "legal holds on it are heeded" in world.browser.get(page).text


def test_what_the_company_calls_them_is_asked_there_and_nowhere_else(world: World) -> None:
    """P13, P24: and staff are told that no account, so no hold, is known by it."""
    page = enter(world, address="", external_id=world.accounts["alice"].external_id)
    row = stored(world)
    assert row.external_id == world.accounts["alice"].external_id
    assert row.account_id is None
    assert "none known by what they told us" in world.browser.get(page).text


@pytest.mark.parametrize("who", ["lena", "otto", "sofia"])
def test_it_takes_the_role_privacy(world: World, who: str) -> None:
    """P30."""
    world.enter_as(who)
    assert world.browser.get(PATH).status_code == 403


def test_paul_holds_what_looks_unlawful_and_gives_up_what_cannot_be_done(world: World) -> None:
    page = enter(world, verb="restrict")
    world.enter_as("paul")
    assert world.post(page, f"{page}/question", doubt="No signature.").status_code == 303
    assert stored(world).state == "review"
    assert "No signature." in world.browser.get(page).text
    other = enter(world, verb="restrict")
    with world.database.session() as session:
        (task,) = instructed_tasks.tasks_of(session, UUID(other.rpartition("/")[2]))
    path = f"{other}/sources/{task.id}"
    assert world.post(other, f"{path}/again").status_code == 303
    assert world.post(other, f"{path}/give-up", reason="").status_code in {409, 422}
    assert world.post(other, f"{path}/give-up", reason="Out of order.").status_code == 303
    assert world.post(page, f"{page}/sources/{task.id}/again").status_code == 409
    assert "Out of order." in world.browser.get(other).text


def test_the_copy_is_taken_by_privacy_and_that_is_recorded(world: World) -> None:
    """P30: and before there is one the page says so."""
    page = enter(world, verb="export")
    assert world.post(page, f"{page}/copy").status_code == 409
    use = Use(
        purpose="Help", legal_basis=LegalBasis.CONTRACT, origin=Origin.PROVIDED, kept="As told"
    )
    ticket = Record(
        source="support",
        category="Support tickets",
        item=1,
        field="subject",
        value="The page does not open",
        origin=Origin.PROVIDED,
        purpose="Help",
        legal_basis=LegalBasis.CONTRACT,
    )
    collected = Collected(
        source="support", title="Tickets", uses={"Support tickets": (use,)}, records=(ticket,)
    )
    file = world.desk._storage.keep(collected.to_bytes())
    with world.database.transaction() as transaction:
        (task,) = instructed_tasks.tasks_of(transaction, stored(world).id)
        asked_tasks.settle(transaction, task, {"held": []}, NOW, file=file)
    taken = world.post(page, f"{page}/copy")
    assert taken.headers["content-disposition"].startswith("attachment")
    (source,) = json.loads(taken.text)["sources"]
    assert source["categories"][0]["entries"] == [{"subject": "The page does not open"}]


def test_an_address_that_is_none_of_an_instruction_is_answered_in_words(world: World) -> None:
    world.enter_as("priya")
    answer = world.browser.get(f"{PATH}/{UUID(int=7)}")
    assert answer.status_code == 409
    assert "There is no such instruction." in answer.text
