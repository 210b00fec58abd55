"""What the privacy team does on the page of a request about erasing, correcting and recipients."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlmodel import select

from database.requests import recipients
from database.requests.requested_rights import rights_of
from database.tables import DataCorrection, DataSubjectRequest, RecipientNotice
from tests.web.world import NOW, World

VALUE = {
    "place": "billing|Contact details|street",
    "why_wrong": "out_of_date",
    "before": "1 Old Road",
    "after": "2 New <Road>",
    "shown_by": "Her registration",
    "credible": "yes",
}


@pytest.fixture
def path(world: World) -> str:
    """The page of Alice's request to be erased and put right."""
    form = {"kinds": ["erasure", "correction"], "contact_address": "alice@example.org"}
    world.browser.post("/requests/new", data=form)
    world.enter_as("priya")
    with world.database.session() as session:
        return f"/staff/requests/{session.exec(select(DataSubjectRequest)).one().reference}"


def test_nothing_is_erased_without_one_of_the_four_grounds(world: World, path: str) -> None:
    """P13: nor for a minor, which takes a check of its own (P18)."""
    words = {"right": "erasure", "outcome": "fulfilled", "explanation": "We have erased it."}
    for why in ("", "minor"):
        answer = world.post(path, f"{path}/answer", **words, erasure_ground=why)
        assert answer.status_code == 409
        assert "one of the four grounds of the policy" in answer.text
    assert "The person withdrew the consent" in answer.text


def test_nothing_is_corrected_that_was_not_noted(world: World, path: str) -> None:
    """P12."""
    words = {"right": "correction", "outcome": "fulfilled", "explanation": "It is right now."}
    answer = world.post(path, f"{path}/answer", **words)
    assert answer.status_code == 409
    assert "No value is noted here" in answer.text


def test_a_value_is_noted_with_before_and_after_and_taken_back(world: World, path: str) -> None:
    """P12: what was typed is escaped."""
    assert world.post(path, f"{path}/values", **VALUE).status_code == 303
    page = world.browser.get(path).text
    assert "1 Old Road" in page
    assert "2 New &lt;Road&gt;" in page
    assert "it is out of date" in page
    with world.database.session() as session:
        claim = session.exec(select(DataCorrection)).one()
    assert world.post(path, f"{path}/values/{claim.id}/take-back").status_code == 303
    assert "1 Old Road" not in world.browser.get(path).text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"place": "billing|Contact details|nothing"}, "Choose from the list what is wrong"),
        ({"place": "support|Support tickets|subject"}, "Choose from the list what is wrong"),
        ({"place": "billing"}, "Choose what is wrong, and how"),
        ({"shown_by": ""}, "Write what shows it"),
        ({"credible": ""}, "Choose whether it is shown credibly"),
        ({"credible": "maybe"}, "Choose whether it is shown credibly"),
    ],
)
def test_a_value_that_nobody_could_put_right_is_refused_and_stays_typed(
    world: World, path: str, wrong: dict[str, str], words: str
) -> None:
    """P12, P24: what we hold for somebody else is theirs to put right."""
    answer = world.post(path, f"{path}/values", **{**VALUE, **wrong})
    assert answer.status_code == 409
    assert words in answer.text
    assert 'value="2 New &lt;Road&gt;"' in answer.text


def test_nobody_judges_by_leaving_the_form_as_it_is(world: World, path: str) -> None:
    """P12: whether a value is shown to be wrong is a choice, and nothing is chosen beforehand."""
    page = world.browser.get(path).text
    choices = page.partition('name="credible"')[2].partition("</select>")[0]
    assert '<option value="">choose</option>' in choices
    assert "selected" not in choices
    refused = world.post(path, f"{path}/values", **{**VALUE, "credible": "no", "after": ""})
    assert '<option value="no" selected>' in refused.text


def test_a_recipient_is_told_and_it_is_said_how(world: World, path: str) -> None:
    """P13, GDPR Article 19."""
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        right = rights_of(transaction, request.id)[0]
        who = recipients.Recipient(name="Ledger & Partners", source="billing")
        recipients.note(transaction, right, [who], NOW)
    assert "Ledger &amp; Partners" in world.browser.get(path).text
    with world.database.session() as session:
        notice = session.exec(select(RecipientNotice)).one()
    told = f"{path}/recipients/{notice.id}"
    assert world.post(path, told, how="").status_code == 409
    assert world.post(path, told, how="A letter").status_code == 303
    assert "A letter" in world.browser.get(path).text


LEDGER, MAILER = "Ledger & <Partners>", "Example Mailer"
LIST = "/staff/requests/recipients"


@pytest.fixture
def to_tell(world: World, path: str) -> list[str]:
    """Two recipients have to hear of Alice's erasure, one of her correction too; the notices of the
    one who hears of both."""
    assert path
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        for right in rights_of(transaction, request.id):
            names = (LEDGER, MAILER) if right.kind == "erasure" else (LEDGER,)
            who = [recipients.Recipient(name=name, source="billing") for name in names]
            recipients.note(transaction, right, who, NOW)
    with world.database.session() as session:
        rows = session.exec(select(RecipientNotice).where(RecipientNotice.recipient == LEDGER))
        return [str(row.id) for row in rows]


def test_who_has_still_to_hear_of_it_stands_in_one_list_with_a_due_day(
    world: World, path: str, to_tell: list[str]
) -> None:
    """P12, P13, GDPR Article 19: a working week later; each told of all that is ticked at once."""
    queue = world.browser.get("/staff/requests").text
    assert "<strong>3</strong> notices to whoever was given data" in queue
    assert "overdue</strong>" not in queue
    page = world.browser.get(LIST).text
    assert "Ledger &amp; &lt;Partners&gt;" in page
    assert page.count("by 9 March 2026") == 3
    assert "To be told by" in world.browser.get(path).text
    told = world.post(LIST, LIST, notice=to_tell, how="One letter, 3 March")
    assert told.status_code == 303
    page = world.browser.get(LIST).text
    assert "Ledger" not in page
    assert MAILER in page
    with world.database.session() as session:
        rows = session.exec(select(RecipientNotice).where(RecipientNotice.recipient == LEDGER))
        assert {row.how for row in rows} == {"One letter, 3 March"}


def test_what_nobody_told_them_in_time_is_overdue(world: World, to_tell: list[str]) -> None:
    """GDPR Article 19."""
    assert to_tell
    world.desk.clock.advance(timedelta(days=8))
    assert "<strong>3 overdue</strong>" in world.browser.get("/staff/requests").text
    assert ", overdue" in world.browser.get(LIST).text


def test_a_note_that_is_not_whole_changes_nothing(world: World, to_tell: list[str]) -> None:
    """One notice that was told meanwhile is enough."""
    for ticked, how, why in (
        (to_tell, "", "Write how you told them"),
        ([], "A letter", "Tick what you told them of"),
        (["nonsense"], "A letter", "Tick what you told them of"),
        ([*to_tell, str(uuid4())], "A letter", "they were told meanwhile"),
    ):
        answer = world.post(LIST, LIST, notice=ticked, how=how)
        assert answer.status_code == 409
        assert why in answer.text
    with world.database.session() as session:
        assert not any(row.told_at for row in session.exec(select(RecipientNotice)))
