"""The thirty days of a request, whole, on Temporal's own server with time skipping."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from database.engine import Database
from database.people.links import REQUEST_VERIFY
from database.requests import requests
from database.requests import rungs as ladder
from database.requests.answering import Answer
from database.tables import DataSubjectRequest
from domain.requests.data_subject_requests import Intake, Kind, Outcome
from tests.answers import IN_FULL, NOTHING_ERASED, REFUSAL
from tests.eventually import eventually
from tests.people import DORA
from tests.texts import FIRST
from tests.workflows.conftest import Town, town
from workflows.messenger import Refused

pytestmark = pytest.mark.temporal

LADDER = ["unassigned", "d-20", "d-15", "d-10", "d-7", "d-5", "d-3", "d-2", "late_reply", "breach"]


def asks_for_access(town: Town) -> DataSubjectRequest:
    """Dora, who has an account, asks for a copy of her data on the web form."""
    return asks_for(town, "access")


def asks_for(town: Town, *kinds: str) -> DataSubjectRequest:
    """Dora asks for all of this at once."""
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    request = town.desk.receive(
        Intake(name="Dora Dahl", contact_address=DORA.email, kinds=kinds, country="DE"),
        channel="web",
    )
    eventually(lambda: look(town, request.reference).acknowledged_at)
    return request


def look(town: Town, reference: str) -> DataSubjectRequest:
    with town.database.session() as session:
        return requests.request_by_reference(session, reference)


def rungs(town: Town, request: DataSubjectRequest) -> list[str]:
    """Those that spoke; without the turns of a step that nobody acknowledged."""
    with town.database.session() as session:
        fired = ladder.fired_rungs(session, request.id)
    return [rung.rung for rung in fired if not rung.passed_over and "+" not in rung.rung]


def subjects(town: Town, address: str) -> list[str]:
    return [str(mail["subject"]) for mail in reversed(town.mails(to=address))]


def steps(town: Town, request: DataSubjectRequest) -> list[str]:
    """The activities of its workflow so far."""

    async def scheduled() -> list[str]:
        handle = town.client.get_workflow_handle(f"data-subject-request/{request.id}")
        return [
            event.activity_task_scheduled_event_attributes.activity_type.name
            async for event in handle.fetch_history_events()
            if event.HasField("activity_task_scheduled_event_attributes")
        ]

    return town.portal.call(scheduled)


def test_a_request_is_acknowledged_verified_reminded_and_answered(running_town: Town) -> None:
    """P19, P21, P22, P26: the whole good life of an access request."""
    town = running_town
    request = asks_for_access(town)
    assert len(subjects(town, DORA.email)) == 2  # acknowledgement, and the link that verifies
    assert look(town, request.reference).state == "identity"
    with pytest.raises(Refused):
        town.desk.decide(request.reference, town.staff["petra"], IN_FULL)
    town.desk.verify(request.id, how="link to the address on file")
    assert look(town, request.reference).state == "work"
    town.desk.assign(request.reference, town.staff["petra"])
    town.advance(days=12)
    assert rungs(town, request) == ["d-20"]
    eventually(lambda: len(town.mails(to="petra@staff.example")) == 1)

    town.desk.decide(
        request.reference,
        town.staff["petra"],
        Answer(
            outcome=Outcome.FULFILLED,
            explanation="We hold your name.\n\nAnd your address.",
            evidence="by courier",
        ),
    )
    eventually(lambda: len(subjects(town, DORA.email)) == 3)
    answer = town.mails(to=DORA.email)[0]
    assert "And your address." in str(answer["text"])
    assert town.settings.company_authority_name in str(answer["text"]) or "complain" in str(
        answer["text"]
    )
    answered = look(town, request.reference)
    assert answered.answered_at is not None
    assert answered.answered_at < answered.due_at
    town.advance(days=25)
    assert rungs(town, request) == ["d-20"]


def test_what_went_out_is_counted_and_not_looked_up_again(running_town: Town) -> None:
    """P21: thousands may be due at one moment, and each step of each takes its time."""
    request = asks_for_access(running_town)
    assert steps(running_town, request) == ["load_request", "send_mail", "acknowledge_request"]


def test_it_is_acknowledged_whatever_becomes_of_the_mail_to_the_address_on_file(
    database: Database, tmp_path: Path
) -> None:
    """P19, P26: else its page would tell for hours that somebody has an address on file."""
    on_file = "reset@people.example"
    with town(database, tmp_path, mail_settle_after_seconds=6 * 60 * 60) as here:
        here.put_in_force(FIRST)
        here.import_accounts(replace(DORA, email=on_file))
        request = here.desk.receive(
            Intake(
                name="Dora Dahl",
                contact_address="dora@elsewhere.example",
                account_address=on_file,
                kinds=("access",),
            ),
            channel="web",
        )
        eventually(lambda: look(here, request.reference).acknowledged_at)
        assert look(here, request.reference).state == "identity"
        with here.database.session() as session:
            mails = {mail.step: mail.state for mail in requests.mails_of(session, request.id)}
        assert mails["verification"] == "unknown"


def test_a_request_that_nobody_touches_climbs_the_whole_ladder(running_town: Town) -> None:
    """P21: the late reply goes out 24 hours before the due time, the breach is recorded at it."""
    town = running_town
    request = asks_for_access(town)
    with town.database.session() as session:
        due_at = session.get_one(DataSubjectRequest, request.id).due_at
    town.advance(days=29, hours=1)
    late = look(town, request.reference)
    assert late.late_reply_at is not None
    assert timedelta(0) <= late.late_reply_at - (due_at - timedelta(days=1)) < timedelta(minutes=1)
    assert late.policy_breach_at is None
    assert late.answered_at is None
    town.advance(days=3)
    eventually(lambda: look(town, request.reference).policy_breach_at)
    breached = look(town, request.reference)
    assert breached.policy_breach_at is not None
    assert timedelta(0) <= breached.policy_breach_at - due_at < timedelta(minutes=1)
    fired = rungs(town, request)
    promised = [rung for rung in fired if not rung.startswith(("overdue", "identity"))]
    assert promised == [rung for rung in LADDER if rung in promised]
    assert {"unassigned", "d-20", "d-10", "d-2", "late_reply", "breach"} <= set(promised)
    assert fired[-2:] == ["overdue-1", "overdue-2"]
    assert len(fired) == len(set(fired))
    late_replies = [s for s in subjects(town, DORA.email) if "late" in s.lower()]
    assert len(late_replies) == 1
    with town.database.session() as session:
        moments = [rung.fired_at for rung in ladder.fired_rungs(session, request.id)]
    assert all(earlier <= later for earlier, later in pairwise(moments))


def test_who_does_not_say_who_they_are_is_reminded_and_an_answer_drafted(
    running_town: Town,
) -> None:
    """P19: at days 1, 3, 7, 14 and 21, and once each; the draft is a person's to sign."""
    town = running_town
    request = asks_for_access(town)
    reminded: list[int] = []
    for day in range(1, 27):
        town.advance(days=1)
        asked = [rung for rung in rungs(town, request) if rung.startswith("identity")]
        reminded += [day] * (len(asked) - len(reminded))
    assert reminded == [1, 3, 7, 14, 21, 25]
    again = [subject for subject in subjects(town, DORA.email) if "Still to confirm" in subject]
    assert len(again) == 5
    eventually(
        lambda: any("draft" in str(mail["text"]) for mail in town.mails(to="petra@staff.example"))
    )
    page = town.told(f"data-subject-request/{request.id}")
    assert "privacy to decide now" in page["waits_for"]
    assert page["whose_turn"] == "privacy"
    unverified = Answer(outcome=Outcome.UNVERIFIED, explanation="You did not confirm it.")
    town.desk.decide(request.reference, town.staff["paul"], unverified)
    assert look(town, request.reference).answered_at is not None


def test_nobody_is_reminded_once_they_said_who_they_are(running_town: Town) -> None:
    """P19."""
    town = running_town
    request = asks_for_access(town)
    town.advance(days=2)
    town.desk.confirm_contact(request.id)
    town.advance(days=24)
    asked = [rung for rung in rungs(town, request) if rung.startswith("identity")]
    assert asked == ["identity-1"]
    assert look(town, request.reference).verified_by == "link to the address on file"


def test_a_request_is_taken_up_again_after_it_was_answered_as_unverified(
    running_town: Town,
) -> None:
    """P19: with a life of its own in Temporal, and once."""
    town = running_town
    request = asks_for_access(town)
    unverified = Answer(outcome=Outcome.UNVERIFIED, explanation="You did not confirm it.")
    town.desk.decide(request.reference, town.staff["petra"], unverified)
    again, same = (
        town.desk.take_up_again(request.id, REQUEST_VERIFY),
        town.desk.take_up_again(request.id, REQUEST_VERIFY),
    )
    assert again.id == same.id != request.id
    eventually(lambda: look(town, again.reference).acknowledged_at)
    town.desk.decide(again.reference, town.staff["petra"], IN_FULL)
    assert look(town, again.reference).outcome == "fulfilled"


def test_a_refusal_waits_for_a_second_person(running_town: Town) -> None:
    """P20: ground, evidence, and somebody else who agrees; then remedies stand in the mail."""
    town = running_town
    request = asks_for_access(town)
    town.desk.verify(request.id, how="link to the address on file")
    decision = town.desk.decide(request.reference, town.staff["petra"], REFUSAL)
    assert look(town, request.reference).answered_at is None
    with pytest.raises(Refused, match="second person"):
        town.desk.confirm(request.reference, decision.id, town.staff["petra"])
    town.desk.confirm(request.reference, decision.id, town.staff["paul"])
    assert look(town, request.reference).outcome == "refused"
    eventually(lambda: len(subjects(town, DORA.email)) == 3)


def test_several_rights_are_decided_one_by_one_and_answered_together(running_town: Town) -> None:
    """P17, P19, P20, P22: marketing, which needs no proof of identity, is decided already."""
    town = running_town
    request = asks_for(town, "access", "erasure", "marketing_opt_out")
    petra, paul = town.staff["petra"], town.staff["paul"]
    with pytest.raises(Refused, match="Say which one you answer"):
        town.desk.decide(request.reference, petra, IN_FULL)
    with pytest.raises(Refused, match="identity is verified"):
        town.desk.decide(request.reference, petra, IN_FULL, Kind.ACCESS)
    town.desk.verify(request.id, how="link to the address on file")
    refusal = town.desk.decide(request.reference, petra, NOTHING_ERASED, Kind.ERASURE)
    town.desk.confirm(request.reference, refusal.id, paul)
    assert look(town, request.reference).answered_at is None
    town.desk.decide(request.reference, paul, IN_FULL, Kind.ACCESS)
    assert look(town, request.reference).outcome == "partial"
    eventually(lambda: len(subjects(town, DORA.email)) == 3)
    text = str(town.mails(to=DORA.email)[0]["text"])
    assert text.count("We have done what you asked for.") == 2
    assert NOTHING_ERASED.explanation in text


def test_a_request_to_stop_marketing_is_answered_by_the_machine(running_town: Town) -> None:
    """P15, P17, P22: done when it came, and its workflow has nothing left but two mails."""
    town = running_town
    town.put_in_force(FIRST)
    request = town.desk.receive(
        Intake(name="", contact_address="eve@people.example", kinds=("objection_marketing",)),
        channel="web",
    )
    assert look(town, request.reference).answered_at is not None
    eventually(lambda: len(subjects(town, "eve@people.example")) == 2)
    answer = town.mails(to="eve@people.example")[0]
    assert "We have stopped it" in str(answer["text"])
    assert "lodge a complaint" in str(answer["text"])
    workflow = town.client.get_workflow_handle(f"data-subject-request/{request.id}")
    eventually(lambda: town.portal.call(workflow.describe).close_time)
    assert rungs(town, request) == []


def test_a_request_cannot_be_answered_twice(running_town: Town) -> None:
    """P22: the second answer is refused in words."""
    town = running_town
    request = asks_for_access(town)
    town.desk.verify(request.id, how="link to the address on file")
    town.desk.decide(request.reference, town.staff["petra"], IN_FULL)
    with pytest.raises(Refused):
        town.desk.decide(request.reference, town.staff["paul"], IN_FULL)
