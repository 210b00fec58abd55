"""The views ops open in the Temporal UI find what they promise, on Temporal's own server."""

import pytest

from database.requests.requested_rights import reopen, rights_of
from database.tables import DataSubjectRequest
from domain.requests.data_subject_requests import Intake, Kind
from temporal import HOW_TO_READ, VIEWS
from tests.answers import IN_FULL, REFUSAL
from tests.eventually import eventually
from tests.people import ALICE, CAROL, DORA
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town
from workflows.story import moment

pytestmark = pytest.mark.temporal

FACTS = ("waits_for", "since", "until", "whose_turn", "next_by_itself", "wake")


def found_by(town: Town, key: str) -> set[str]:
    """The ids of the workflows that a view lists now."""
    return found(town, VIEWS[key].at(town.now()))


def found(town: Town, query: str) -> set[str]:
    """The ids of the workflows that ops find by this query."""

    async def ids() -> set[str]:
        return {execution.id async for execution in town.client.list_workflows(query)}

    return town.portal.call(ids)


def asks(
    town: Town, name: str, address: str, *, verified: bool, kinds: tuple[str, ...] = ("access",)
) -> DataSubjectRequest:
    """Somebody asks for a copy of their data, or more."""
    request = town.desk.receive(
        Intake(name=name, contact_address=address, kinds=kinds), channel="web"
    )
    if verified:
        town.desk.verify(request.id, how="link to the address on file")
    return request


def thirty_days_of(request: DataSubjectRequest) -> str:
    """The id of the workflow of a request."""
    return f"data-subject-request/{request.id}"


def test_each_view_finds_the_workflows_that_wait_for_whom_it_names_and_no_others(
    running_town: Town,
) -> None:
    """P2, P20, P21: ops see whose turn it is without knowing the code."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, CAROL, DORA)
    late = asks(town, "Alice", ALICE.email, verified=True)
    town.advance(days=31)
    in_review = f"publication/privacy-policy/{town.submit(SECOND)}"
    unproved = asks(town, "Carol", CAROL.email, verified=False)
    refused = asks(town, "Dora", DORA.email, verified=True)
    town.desk.decide(refused.reference, town.staff["petra"], REFUSAL)

    eventually(lambda: found_by(town, "overdue") == {thirty_days_of(late)})
    eventually(lambda: found_by(town, "legal") == {in_review})
    theirs = {thirty_days_of(late), thirty_days_of(refused)}
    eventually(lambda: found_by(town, "privacy") == theirs)
    eventually(lambda: told(town, unproved).get("whose_turn") == "person")
    town.come_to_rest()  # a mail still on its way would wait for the mail service as well
    assert found_by(town, "mail-service") == set()

    town.mail.misbehave("401", times=None)
    not_taken = asks(town, "Carol", CAROL.email, verified=False)
    eventually(lambda: found_by(town, "mail-service") == {thirty_days_of(not_taken)})


def test_requests_are_found_by_each_right_they_ask_for(running_town: Town) -> None:
    """P10-P18: alone or among others; what needs no proof of identity waits for privacy."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(CAROL, DORA)
    copy = asks(town, "Carol", CAROL.email, verified=False)
    several = asks(town, "Dora", DORA.email, verified=False, kinds=("access", "minor"))
    with town.database.transaction() as transaction:  # as reports were before they had one answer
        (report,) = [one for one in rights_of(transaction, several.id) if one.kind == Kind.MINOR]
        reopen(transaction, report, several.received_at)
    town.desk.assign(several.reference, town.staff["petra"])
    both = {thirty_days_of(copy), thirty_days_of(several)}
    eventually(lambda: found(town, 'RequestRights = "access"') == both)
    eventually(lambda: found(town, 'RequestRights = "minor"') == {thirty_days_of(several)})
    partly = "what needs no proof of identity"
    eventually(lambda: partly in told(town, several).get("waits_for", ""))
    assert told(town, several)["whose_turn"] == "privacy"
    town.desk.decide(several.reference, town.staff["petra"], IN_FULL, Kind.MINOR)
    eventually(lambda: told(town, several).get("whose_turn") == "person")


def test_what_is_overdue_says_so_first_also_to_those_who_only_have_the_memo(
    running_town: Town,
) -> None:
    """P21: with no worker, the memo and the fixed words are all that a page can show."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    late = asks(town, "Alice", ALICE.email, verified=True)
    eventually(lambda: told(town, late).get("stage") == "work")
    assert told(town, late)["until"] == moment(late.due_at)
    town.advance(days=31)
    eventually(
        lambda: told(town, late).get("stage") == f"OVERDUE since {moment(late.due_at)}, stage: work"
    )
    memo = told(town, late)
    assert set(memo) == {"stage", *FACTS}
    assert memo["wake"].startswith("nobody at night")

    async def fixed_words() -> tuple[str | None, str | None]:
        page = await town.client.get_workflow_handle(thirty_days_of(late)).describe()
        return await page.static_summary(), await page.static_details()

    summary, details = town.portal.call(fixed_words)
    assert "(access)" in str(summary)
    assert details == HOW_TO_READ


def test_an_overdue_request_of_a_person_who_proved_nothing_says_so(running_town: Town) -> None:
    """P19, P21: privacy has to decide without knowing who asks."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(CAROL)
    unproved = asks(town, "Carol", CAROL.email, verified=False)
    eventually(lambda: told(town, unproved).get("whose_turn") == "person")
    town.advance(days=31)
    eventually(lambda: told(town, unproved)["whose_turn"] == "privacy")
    assert "has not confirmed who they are" in told(town, unproved)["waits_for"]
    assert "answered as unverified" in told(town, unproved)["waits_for"]


def told(town: Town, request: DataSubjectRequest) -> dict[str, str]:
    """What the memo of a request's workflow says."""

    async def memo() -> dict[str, str]:
        page = await town.client.get_workflow_handle(thirty_days_of(request)).describe()
        return dict(await page.memo())

    return town.portal.call(memo)
