"""The page of what is to be done by hand, for whoever holds the role that does it (P11, P30)."""

import re
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from database.people.staff import add_staff, by_handle
from database.requests import asked_tasks, data_corrections, source_tasks
from database.requests.requested_rights import rights_of
from database.tables import DataSubjectRequest, Fact, SourceTask
from domain.requests.data_corrections import Claim, CorrectionGround
from domain.requests.personal_data import Verb
from tests.web.world import NOW, World

LIST = "/staff/tasks"
CONTRACT = "signed_on: 2019-05-02\r\nsigned_name: Alice Abel"


@pytest.fixture
def tamara(world: World) -> World:
    """A world in which Tamara looks into cabinets, and Alice asked for a copy and for erasure."""
    with world.database.transaction() as transaction:
        _, token = add_staff(
            transaction, handle="tamara", name="Tamara", email="t@example.com", roles=["task"]
        )
    world.tokens = {**world.tokens, "tamara": token}
    form = {
        "kinds": ["access", "erasure", "correction"],
        "contact_address": "alice@example.org",
        "message": "My secret illness",
    }
    world.browser.post("/requests/new", data=form)
    with world.database.session() as session:
        request = session.exec(select(DataSubjectRequest)).one()
    world.desk.verify(request.id, how="link to the address on file")
    world.enter_as("tamara")
    return world


def give(world: World, verb: Verb, kind: str, source: str = "paper", role: str = "task") -> UUID:
    """Give her something to do."""
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        (right,) = (one for one in rights_of(transaction, request.id) if one.kind == kind)
        source_tasks.add_task(transaction, right, source, verb, NOW)
        transaction.flush()
        tasks = source_tasks.tasks_of(transaction, request.id)
        (task,) = (one for one in tasks if (one.source, one.verb) == (source, verb))
        asked_tasks.give_to_staff(
            transaction,
            task,
            NOW.date(),
            role=role,
            office=world.settings.company.office,
            now=NOW,
        )
        return task.id


def task(world: World, task_id: UUID) -> SourceTask:
    with world.database.session() as session:
        return session.get_one(SourceTask, task_id)


def read_by(world: World, handle: str) -> Sequence[UUID]:
    with world.database.session() as session:
        facts = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).all()
    who = str(staff_id(world, handle))
    return [fact.subject_id for fact in facts if fact.payload.get("staff") == who]


def staff_id(world: World, handle: str) -> UUID:
    with world.database.session() as session:
        return by_handle(session, handle).id


def test_tamara_sees_her_tasks_and_of_the_person_what_she_needs_to_find_them(
    tamara: World,
) -> None:
    """P30: the list names nobody, the page no more than who it is; that she read it is recorded."""
    task_id = give(tamara, Verb.EXPORT, "access")
    listed = tamara.browser.get(LIST).text
    assert "Signed contracts in the cabinet: copy it" in listed
    assert "By 2 March 2026" in listed
    assert "alice" not in listed.lower()
    page = tamara.browser.get(f"{LIST}/{task_id}").text
    assert "Scan the person&#39;s contracts, and enter what they say." in page
    assert "<dt>Name</dt><dd>Alice</dd>" in page
    assert "alice@example.org" in page
    assert "My secret illness" not in page
    assert "(Paul, Priya)" in page
    with tamara.database.session() as session:
        request = session.exec(select(DataSubjectRequest)).one()
    assert read_by(tamara, "tamara") == [request.id]
    assert tamara.browser.get(f"/staff/requests/{request.reference}").status_code == 403
    assert "To be done by hand" not in tamara.browser.get("/staff").text
    assert "1</strong> task waits to be done by hand" in tamara.browser.get("/staff").text


def test_what_she_did_is_handed_in_and_waits_no_more(tamara: World) -> None:
    """P11: how she did it stays on record."""
    task_id = give(tamara, Verb.EXPORT, "access")
    page = f"{LIST}/{task_id}"
    wrong = tamara.post(page, page, **{"entries-Contracts": "Alice, 2019", "how": "Folder A."})
    assert wrong.status_code == 409
    assert "an entry begins with one of signed_on" in wrong.text
    assert "Alice, 2019</textarea>" in wrong.text
    done = tamara.post(page, page, **{"entries-Contracts": CONTRACT, "how": "Folder A."})
    assert (done.status_code, done.headers["location"]) == (303, LIST)
    row = task(tamara, task_id)
    assert (row.state, row.evidence, row.next_try_at) == ("done", "Folder A.", None)
    assert row.done_by == staff_id(tamara, "tamara")
    assert "Nothing waits for you." in tamara.browser.get(LIST).text
    again = tamara.browser.get(page)
    assert again.status_code == 409
    assert "There is no such task for you" in again.text
    assert "alice@example.org" not in again.text


def test_what_is_overdue_says_so(tamara: World) -> None:
    give(tamara, Verb.EXPORT, "access")
    tamara.desk.clock.advance(timedelta(days=2))
    assert "By 2 March 2026, overdue" in tamara.browser.get(LIST).text


@pytest.mark.parametrize("handle", ["sofia", "otto", "lena", "aziz"])
def test_a_task_is_not_shown_to_other_roles(tamara: World, handle: str) -> None:
    """P30: nor handed in by them."""
    task_id = give(tamara, Verb.EXPORT, "access")
    tamara.enter_as(handle)
    assert "Nothing waits for you." in tamara.browser.get(LIST).text
    page = tamara.browser.get(f"{LIST}/{task_id}")
    assert page.status_code == 409
    assert "alice" not in page.text.lower()
    tried = tamara.post(LIST, f"{LIST}/{task_id}", **{"entries-Contracts": "", "how": "Mine."})
    assert tried.status_code in {403, 409}
    assert task(tamara, task_id).state == "by_hand"


def test_privacy_sees_all_of_it_and_may_do_it(tamara: World) -> None:
    task_id = give(tamara, Verb.EXPORT, "access")
    tamara.enter_as("priya")
    page = f"{LIST}/{task_id}"
    done = tamara.post(page, page, **{"entries-Contracts": "", "how": "Nothing there."})
    assert done.status_code == 303


def test_what_is_to_be_put_right_is_named_with_before_and_after(tamara: World) -> None:
    """P12: what is wrong at this source, and nothing that is wrong elsewhere."""
    with tamara.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        for source, before, after in (
            ("paper", "Alice Able", "Alice Abel"),
            ("billing", "1 Old Road", "2 New Road"),
        ):
            data_corrections.note(
                transaction,
                request,
                Claim(
                    source=source,
                    category="Contracts",
                    field="signed_name",
                    ground=CorrectionGround.INACCURATE,
                    before=before,
                    after=after,
                    evidence="Her passport",
                    credible=True,
                ),
                staff_id=tamara.staff["priya"].id,
                now=NOW,
            )
    page = tamara.browser.get(f"{LIST}/{give(tamara, Verb.CORRECT, 'correction')}").text
    assert "Alice Able" in page
    assert "1 Old Road" not in page
    assert "Her passport" not in page


def test_what_must_not_be_erased_yet_has_no_form(tamara: World) -> None:
    """P11, P13, P30: what is to be copied is copied first, and nobody is named before."""
    erase = give(tamara, Verb.ERASE, "erasure")
    give(tamara, Verb.EXPORT, "access")
    page = tamara.browser.get(f"{LIST}/{erase}").text
    assert "Do not erase it yet." in page
    assert "I have done it" not in page
    assert "alice@example.org" not in page
    assert read_by(tamara, "tamara") == []
    assert tamara.browser.get(LIST).text.index("By 2 March") < tamara.browser.get(LIST).text.index(
        "Not yet, for"
    )


def test_a_restriction_that_a_system_has_no_flag_for_is_done_and_said(tamara: World) -> None:
    """P14: by privacy, where the map gives it to nobody."""
    task_id = give(tamara, Verb.RESTRICT, "access", source="sessions", role="privacy")
    assert "Nothing waits for you." in tamara.browser.get(LIST).text
    tamara.enter_as("priya")
    page = f"{LIST}/{task_id}"
    shown = tamara.browser.get(page).text
    assert "This system has no flag" in shown
    fields = dict.fromkeys(re.findall(r'name="(rows-[^"]+)"', shown), "1")
    assert fields
    assert tamara.post(page, page, **fields, how="Moved aside.").status_code == 303
    assert task(tamara, task_id).state == "done"
