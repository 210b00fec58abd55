"""What no machine reaches is looked up by hand, typed on the page of the request, and comes into
what its person gets (P10, P11, P13)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Response
from sqlmodel import select

from database.requests import source_tasks
from database.tables import Fact, SourceTask
from tests.web.requests.asking import Asking, ask
from tests.web.world import World


@pytest.fixture
def on_paper(world: World, database_kind: str, tmp_path: Path) -> Iterator[Asking]:
    yield from ask(world, ("access", "inquiry"), database_kind, tmp_path, paper_burnt=False)


def task_of(asking: Asking, source: str, verb: str) -> SourceTask:
    with asking.world.database.session() as session:
        tasks = source_tasks.last_rounds(source_tasks.tasks_of(session, asking.id))
    return next(one for one in tasks if (one.source, one.verb) == (source, verb))


def hand_in(asking: Asking, verb: str, **fields: str) -> Response:
    asking.world.enter_as("priya")
    case = f"/staff/requests/{asking.reference}"
    task = task_of(asking, "paper", verb)
    return asking.world.post(case, f"{case}/sources/{task.id}/hand-in", **fields)


CONTRACT = "signed_on: 2019-05-02\r\nsigned_name: Alice Abel"


def test_what_lies_on_paper_is_typed_on_the_page_and_comes_into_the_copy(
    on_paper: Asking,
) -> None:
    """P11: somebody looks where no machine reaches, and says how."""
    asking = on_paper
    asking.world.enter_as("priya")
    page = asking.world.browser.get(f"/staff/requests/{asking.reference}").text
    assert "Scan the person&#39;s contracts, and enter what they say." in page
    assert "Until 7 March 2026." in page
    refused = asking.press("priya", "put-forward")
    assert "Not every source has answered: paper." in refused.text
    how = "Folder A, left cabinet."
    done = hand_in(asking, "export", **{"entries-Contracts": CONTRACT, "how": how})
    assert done.status_code == 303, done.text
    task = task_of(asking, "paper", "export")
    assert (task.state, task.evidence, task.done_by) == (
        "done",
        how,
        asking.world.staff["priya"].id,
    )
    asking.release()
    asking.world.enter_as("priya")
    assert "2019-05-02" in asking.world.browser.get(f"{asking.page}/print").text


def test_what_cannot_be_read_keeps_its_words_and_changes_nothing(on_paper: Asking) -> None:
    wrong = hand_in(on_paper, "export", **{"entries-Contracts": "Alice, 2019", "how": "Folder A."})
    assert wrong.status_code == 409
    assert "an entry begins with one of signed_on" in wrong.text
    assert "Alice, 2019</textarea>" in wrong.text
    assert task_of(on_paper, "paper", "export").state == "by_hand"


def test_it_is_said_how_it_was_looked_up(on_paper: Asking) -> None:
    refused = hand_in(on_paper, "locate", **{"rows-Contracts": "2", "how": " "})
    assert refused.status_code == 409
    assert "Say how you did it" in refused.text


def test_what_an_archive_has_to_keep_is_handed_in_with_its_rule(on_paper: Asking) -> None:
    """P13: retained with reason and until when, for people as for machines; copied first (P11)."""
    copied = {"entries-Contracts": CONTRACT, "how": "Folder A."}
    assert hand_in(on_paper, "export", **copied).status_code == 303
    with on_paper.world.database.transaction() as transaction:
        transaction.get_one(SourceTask, task_of(on_paper, "paper", "locate").id).verb = "erase"
    told = {"rows-Contracts": "1", "kept-Contracts": "2", "how": "Folder A."}
    refused = hand_in(on_paper, "erase", **told)
    assert "say by which rule the 2 are kept" in refused.text
    assert 'name="kept-Contracts" inputmode="numeric" value="2"' in refused.text
    assert hand_in(on_paper, "erase", **told, **{"rule-Contracts": "contracts"}).status_code == 303
    receipt = task_of(on_paper, "paper", "erase").receipt
    assert receipt is not None
    assert receipt["retained"] == [
        {
            "category": "Contracts",
            "rows": 2,
            "reason": "Claims from a contract can be made for three years",
            "until": "3 years after the end of the year in which the contract ended",
            "until_on": None,
        }
    ]


def test_an_inquiry_is_drafted_from_what_the_sources_said(on_paper: Asking) -> None:
    """P10, P24: what, what for, from where, to whom, how long; and whose the rest is."""
    case = f"/staff/requests/{on_paper.reference}"
    assert hand_in(on_paper, "locate", **{"rows-Contracts": "1", "how": "A"}).status_code == 303
    page = on_paper.world.browser.get(case).text
    for words in (
        "This is what we hold about you:",
        "Contracts:\nFor: Keeping the customer&#39;s contract. Legal basis: our contract with you.",
        "For: Finding new customers. Legal basis: our legitimate interests.",
        "Where it is from: we have it from somebody else.",
        "Given to: Example Bank.",
        "Something is held for Harbour Dental Clinic, who decides about it.",
    ):
        assert words in page, words
    assert "Support tickets:" not in page


def test_a_source_is_asked_again_and_gone_without_from_the_page(on_paper: Asking) -> None:
    """Both are recorded, with who did it."""
    case = f"/staff/requests/{on_paper.reference}"
    on_paper.world.enter_as("priya")
    billing, paper = task_of(on_paper, "billing", "export"), task_of(on_paper, "paper", "export")
    assert on_paper.world.post(case, f"{case}/sources/{billing.id}/again").status_code == 303
    given_up = on_paper.world.post(
        case, f"{case}/sources/{paper.id}/give-up", reason="The cabinet burnt."
    )
    assert given_up.status_code == 303
    assert task_of(on_paper, "billing", "export").round == 2
    assert task_of(on_paper, "paper", "export").state == "given_up"
    with on_paper.world.database.session() as session:
        kinds = ("source.asked_again", "source.given_up")
        facts = [one for one in session.exec(select(Fact)) if one.kind in kinds]
    priya = str(on_paper.world.staff["priya"].id)
    assert {one.payload["by"] for one in facts} == {priya}
    assert len(facts) == 2
