"""What a workflow's page says while its steps are under way, and while they go wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutType
from temporalio.exceptions import TimeoutError as TriedTooLong

from activities.campaigns import publication as publishing
from activities.campaigns.publication import PublicationCase
from activities.mail.outbox import Sender
from activities.requests.requests import RequestActivities
from database.campaigns import freezing
from database.tables import DataSubjectRequest
from domain.policies.reviews import VersionClass, VersionState, VersionUnderReview
from domain.requests.data_subject_requests import Intake
from domain.texts.policy_text import read_policy_text
from temporal import AWAITING_WHOM, DUE_AT, STAGE
from tests.answers import IN_FULL, REFUSAL
from tests.eventually import eventually
from tests.people import ALICE, DORA, POLICY
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town
from tests.workflows.living import in_a_while, send_again_what_is_in_doubt
from workflows import acting
from workflows.desk import NewVersion
from workflows.publication import _further
from workflows.story import moment


def listed(town: Town, workflow_id: str, column: SearchAttributeKey[Any]) -> Any:  # noqa: ANN401
    """What the list of workflows has in a column."""
    page = town.portal.call(town.client.get_workflow_handle(workflow_id).describe)
    return page.typed_search_attributes.get(column)


def asks(town: Town) -> str:
    """Dora asks for a copy of her data; the id of the workflow."""
    request = town.desk.receive(
        Intake(name="Dora", contact_address=DORA.email, kinds=("access",)), channel="web"
    )
    return f"data-subject-request/{request.id}"


def reference_of(town: Town, request: str) -> str:
    """The reference of the request that a workflow is about."""
    with town.database.session() as session:
        return session.get_one(DataSubjectRequest, UUID(request.partition("/")[2])).reference


def breaks(*_arguments: object) -> Any:  # noqa: ANN401 - it stands for a method that returns
    raise RuntimeError("no reading today")


@contextmanager
def held_up(monkeypatch: pytest.MonkeyPatch, where: object, name: str) -> Iterator[None]:
    """A step takes its time."""
    go_on, real = Event(), getattr(where, name)

    def slow(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - it stands for any function
        go_on.wait(60)
        return real(*arguments, **named)

    monkeypatch.setattr(where, name, slow)
    try:
        yield
    finally:
        go_on.set()


@pytest.mark.temporal
def test_a_page_has_words_from_the_first_step_on(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4, P21: only where no worker runs it has none, however long a first step takes."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, DORA)
    with held_up(monkeypatch, RequestActivities, "_case"):
        request = asks(town)
        eventually(lambda: town.told(request).get("stage") == "begins")
    with held_up(monkeypatch, Sender, "send"):
        request = asks(town)
        eventually(lambda: town.told(request).get("stage") == "received")
    with held_up(monkeypatch, publishing, "compare"):
        number = town.desk.submit(
            NewVersion(
                slug=POLICY,
                text=read_policy_text(SECOND.encode()),
                summary="Recordings are kept longer.",
                submitted_by=town.staff["lena"],
            )
        ).number
        publication = f"publication/{POLICY}/{number}"
        eventually(lambda: "the comparison" in town.told(publication).get("waits_for", ""))
    eventually(lambda: town.version(number).state == "in_review")
    with held_up(monkeypatch, freezing, "freeze_audience"):
        town.confirm_all(number, VersionClass.APPROVAL)
        town.release(number)
        campaign = f"campaign/{POLICY}/{number}"
        eventually(lambda: "all account holders" in town.told(campaign).get("waits_for", ""))


@pytest.mark.temporal
def test_what_goes_wrong_for_a_quarter_of_an_hour_waits_for_ops_until_it_is_mended(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P21: the page says so at the second try, the watchdog names it when it does not pass."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    request = asks(town)
    eventually(lambda: town.told(request).get("whose_turn") == "person")
    due = town.told(request)["until"]
    with monkeypatch.context() as broken:
        broken.setattr(RequestActivities, "_case", breaks)
        town.portal.call(town.client.get_workflow_handle(request).signal, "look_again")
        eventually(lambda: "goes wrong since" in town.told(request)["waits_for"])
        wrong = town.told(request)
        assert wrong["whose_turn"] == "nobody"
        assert wrong["until"] == due
        assert acting.OURS in wrong["waits_for"]
        assert town.patrol().stuck == ()
        town.advance(minutes=30)
        eventually(lambda: town.told(request)["whose_turn"] == "ops")
        (line,) = eventually(lambda: town.patrol().stuck)
        assert line.startswith(f"{request}: stands still, because a step goes wrong")
    town.advance(minutes=30)
    eventually(lambda: town.told(request)["whose_turn"] == "person")
    eventually(lambda: town.patrol().stuck == ())


async def page_of(town: Town, workflow_id: str) -> str:
    """What a worker tells on the page of a workflow: its current details."""
    handle = town.client.get_workflow_handle(workflow_id)
    told = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return str(told.current_details)


@pytest.mark.temporal
def test_what_has_ended_waits_for_nobody_and_needs_no_button(running_town: Town) -> None:
    """P2, P6, P20: neither the page, nor the memo, nor the list speaks of what was."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, DORA)
    request = asks(town)
    eventually(lambda: town.told(request).get("whose_turn") == "person")
    number = town.publish(SECOND, VersionClass.APPROVAL)
    publication, campaign = f"publication/{POLICY}/{number}", f"campaign/{POLICY}/{number}"
    eventually(lambda: town.told(campaign).get("whose_turn") == "account holders")
    town.desk.verify(UUID(request.partition("/")[2]), how="link to the address on file")
    town.desk.decide(reference_of(town, request), town.staff["petra"], IN_FULL)
    town.advance(days=40)
    ends = {request: "answered", publication: "in force", campaign: "finished"}
    eventually(lambda: {each: town.told(each)["stage"] for each in ends} == ends)
    for workflow_id, end in ends.items():
        memo = town.told(workflow_id)
        assert memo["waits_for"] == "nothing: it has ended"
        assert (memo["whose_turn"], memo["wake"]) == ("nobody", "nobody")
        assert (memo["next_by_itself"], memo["until"]) == ("nothing", "no fixed time")
        assert listed(town, workflow_id, STAGE) == end
        assert listed(town, workflow_id, AWAITING_WHOM) == "nobody"
        assert listed(town, workflow_id, DUE_AT) is None
        page = town.portal.call(page_of, town, workflow_id)
        assert page.startswith(f"## Stage: {end}")
        assert "**Safe to press:** nothing needs to be pressed" in page


def says(town: Town, workflow_id: str, words: str) -> bool:
    """Whether the page of a workflow says this of what it waits for."""
    return words in town.told(workflow_id).get("waits_for", "")


@pytest.mark.temporal
def test_where_no_mail_finds_out_who_asks_it_is_the_turn_of_privacy(running_town: Town) -> None:
    """P19, P21: disputed, after a death, or a letter that nobody can be mailed about; the page
    does not wait for a person who is asked nothing any more."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, DORA)
    disputed = asks(town)
    died, of_the_same = asks(town), asks(town)
    letter = town.desk.receive(
        Intake(name="Greta", contact_address="", postal_address="Hill 1", kinds=("access",)),
        channel="post",
    )
    on_paper = f"data-subject-request/{letter.id}"
    for request in (disputed, died, of_the_same):
        eventually(partial(says, town, request, "the person to confirm"))
    town.desk.dispute(UUID(disputed.partition("/")[2]), by="address on file")
    for request in (disputed, on_paper):
        eventually(partial(says, town, request, "find out who asks"))
        assert town.told(request)["whose_turn"] == "privacy"
        assert "the person to confirm" not in town.told(request)["waits_for"]
    petra, paul = town.staff["petra"], town.staff["paul"]
    town.desk.freeze_account(reference_of(town, died), petra)
    for request in (died, of_the_same):
        eventually(partial(says, town, request, "find out who asks"))
    town.desk.take_back_death(reference_of(town, died), paul)
    for request in (died, of_the_same):
        eventually(partial(says, town, request, "the person to confirm"))


def rebuilt(town: Town, *workflow_ids: str) -> list[str]:
    """Since when each stands in its stage, after it was terminated and the watchdog came by."""
    stages = {each: town.told(each)["stage"] for each in workflow_ids}
    for each in workflow_ids:
        town.terminate(each)
    town.patrol()
    eventually(lambda: {each: town.told(each).get("stage") for each in stages} == stages)
    return [town.told(each)["since"] for each in workflow_ids]


@pytest.mark.temporal
def test_since_when_it_waits_is_when_the_stage_began_whatever_happened_meanwhile(
    running_town: Town,
) -> None:
    """P2, P7, P21: neither what is told anew nor a workflow that is rebuilt begins a stage."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, DORA)
    request = asks(town)
    eventually(lambda: town.told(request).get("whose_turn") == "person")
    number = town.submit(SECOND)
    publication, campaign = f"publication/{POLICY}/{number}", f"campaign/{POLICY}/{number}"
    eventually(lambda: town.told(publication).get("whose_turn") == "legal")
    asked, reviewed = (town.told(each)["since"] for each in (request, publication))
    town.advance(days=3)
    assert rebuilt(town, request, publication) == [asked, reviewed]

    town.confirm_all(number, VersionClass.APPROVAL)
    town.release(number)
    eventually(lambda: town.told(campaign).get("whose_turn") == "account holders")
    eventually(lambda: town.told(publication).get("waits_for") == "the date of effect")
    announced, notified = (town.told(each)["since"] for each in (publication, campaign))
    first = town.told(campaign)["next_by_itself"]
    town.advance(days=27)
    eventually(lambda: town.told(request)["stage"].startswith("OVERDUE"))
    eventually(lambda: town.told(campaign)["next_by_itself"] != first)
    assert town.told(request)["since"] == asked
    assert rebuilt(town, publication, campaign) == [announced, notified]
    town.advance(days=1)
    assert rebuilt(town, request, publication) == [asked, announced]


@pytest.mark.temporal
def test_work_on_a_request_began_with_the_proof_and_its_review_with_the_answer(
    running_town: Town,
) -> None:
    """P19, P20: each stage counts from its own beginning."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    request = asks(town)
    eventually(lambda: town.told(request).get("whose_turn") == "person")
    town.advance(days=2)
    town.desk.verify(UUID(request.partition("/")[2]), how="link to the address on file")
    eventually(lambda: town.told(request)["stage"] == "work")
    proved = town.told(request)["since"]
    town.advance(days=2)
    assert rebuilt(town, request) == [proved]
    town.desk.decide(reference_of(town, request), town.staff["petra"], REFUSAL)
    eventually(lambda: town.told(request)["stage"] == "review")
    put_forward = town.told(request)["since"]
    assert put_forward > proved
    town.advance(days=2)
    assert rebuilt(town, request) == [put_forward]


@pytest.mark.temporal
def test_account_holders_have_until_the_date_of_effect_not_until_the_next_reminder(
    running_town: Town,
) -> None:
    """P5, P7: the reminder is what happens by itself, and what `DueAt` says."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    campaign = f"campaign/{POLICY}/{number}"
    eventually(lambda: town.told(campaign).get("whose_turn") == "account holders")
    page, effect = town.told(campaign), moment(town.version(number).effective_at or town.now())
    assert page["until"] == effect
    assert f"takes effect on {effect}; whoever has not approved stays" in page["waits_for"]
    reminder, reminded_at = page["next_by_itself"].split(": ")
    assert reminder.startswith("reminder 1")
    assert moment(listed(town, campaign, DUE_AT)) == reminded_at < effect


@pytest.mark.temporal
def test_first_notices_in_doubt_are_the_turn_of_ops_until_they_have_decided(
    running_town: Town,
) -> None:
    """P4: the page says how many, where they are, and that it is worth nobody's sleep."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("500", times=1)
    town.release(number)
    campaign = f"campaign/{POLICY}/{number}"
    in_a_while(town, lambda: town.told(campaign).get("whose_turn") == "ops")
    page = town.told(campaign)
    assert "Of 1 first notices nobody knows whether they went out" in page["waits_for"]
    assert page["wake"].startswith("ops, by day")
    send_again_what_is_in_doubt(town)
    town.advance(hours=7)
    eventually(lambda: town.told(campaign)["whose_turn"] == "account holders")
    assert town.told(campaign)["wake"].startswith("nobody")


@pytest.mark.temporal
def test_an_escalation_that_the_mail_service_does_not_take_says_so(running_town: Town) -> None:
    """P6: nobody reads that account holders are waited for while it is the mail service."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    campaign = f"campaign/{POLICY}/{number}"
    eventually(lambda: town.told(campaign).get("whose_turn") == "account holders")
    town.advance(days=29)
    eventually(lambda: "campaign's owner" in town.told(campaign)["next_by_itself"])
    _, told_at = town.told(campaign)["next_by_itself"].split(": ")
    due_at = datetime.fromisoformat(told_at.replace(" UTC", "Z"))
    town.mail.misbehave("401", times=None)
    town.advance(minutes=(due_at - town.now()) / timedelta(minutes=1) + 1)
    eventually(lambda: town.told(campaign)["whose_turn"] == "mail service")
    assert "to the campaign's owner. Problem: " in town.told(campaign)["waits_for"]
    assert town.told(campaign)["wake"].startswith("nobody in the first hour")


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (ApplicationError("it is away", type="DatabaseSilent"), acting.DATABASE),
        (ApplicationError("incident 7", type="KeyError"), acting.OURS),
        (
            TriedTooLong("", type=TimeoutType.SCHEDULE_TO_START, last_heartbeat_details=()),
            acting.NOT_TAKEN_UP,
        ),
        (TriedTooLong("", type=TimeoutType.HEARTBEAT, last_heartbeat_details=()), acting.GONE),
        (TriedTooLong("", type=TimeoutType.START_TO_CLOSE, last_heartbeat_details=()), acting.GONE),
    ],
)
def test_whose_fault_it_is_stands_in_the_words(cause: Exception, words: str) -> None:
    failure = ActivityError(
        "Activity task failed",
        scheduled_event_id=5,
        started_event_id=6,
        identity="",
        activity_type="send_shard",
        activity_id="1",
        retry_state=None,
    )
    failure.__cause__ = cause
    assert acting.why(failure) == words


def version(state: VersionState, *, released: bool, reviews: int = 0) -> PublicationCase:
    review = VersionUnderReview(
        state=state, submitted_by=uuid4(), version_class=None, released=released, findings=()
    )
    return PublicationCase(
        slug=POLICY, number=2, review=review, effective_at=None, campaign_id=None, reviews=reviews
    )


IN_REVIEW = version(VersionState.IN_REVIEW, released=False)
RELEASED = version(VersionState.IN_REVIEW, released=True)
REJECTED = version(VersionState.REJECTED, released=False)
REVIEWED = version(VersionState.IN_REVIEW, released=False, reviews=1)


@pytest.mark.parametrize("decided", [RELEASED, REJECTED, REVIEWED])
def test_a_decision_is_not_forgotten_for_an_older_answer(decided: PublicationCase) -> None:
    """P2: acts overlap, and the daily look may be answered after the release that it missed."""
    assert _further(decided, IN_REVIEW) is decided
    assert _further(IN_REVIEW, decided) is decided


def test_the_newest_answer_counts_while_nothing_is_decided() -> None:
    """P2: findings and class change from review to review."""
    newer = version(VersionState.IN_REVIEW, released=False)
    assert _further(IN_REVIEW, newer) is newer
    assert _further(None, newer) is newer
