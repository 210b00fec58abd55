"""The ladder of a running request: acknowledged, armed anew, and of a letter found late (P21)."""

from datetime import timedelta
from uuid import UUID

import pytest

from database.requests import requests, rungs
from database.requests.receipts import Receipt
from database.tables import DataSubjectRequest
from domain.requests.data_subject_requests import Intake
from tests.eventually import eventually
from tests.people import DORA
from tests.texts import FIRST
from tests.workflows.conftest import Town

pytestmark = pytest.mark.temporal

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DORAS = Intake(name="Dora Dahl", contact_address=DORA.email, kinds=("access",), country="DE")


def asks(town: Town, *, ago: timedelta = timedelta()) -> DataSubjectRequest:
    """Dora asks; we learn of it so long after her letter came."""
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    channel = "post" if ago else "web"
    request = town.desk.receive(DORAS, channel=channel, received_at=town.now() - ago)
    eventually(lambda: look(town, request.id).acknowledged_at)
    return look(town, request.id)


def look(town: Town, request_id: UUID) -> DataSubjectRequest:
    with town.database.session() as session:
        return session.get_one(DataSubjectRequest, request_id)


def spoke(town: Town, request: DataSubjectRequest) -> list[str]:
    with town.database.session() as session:
        fired = rungs.fired_rungs(session, request.id)
    return [rung.rung for rung in fired if not rung.passed_over]


def turns(town: Town, request: DataSubjectRequest, step: str) -> list[str]:
    """The next persons that a step went on to."""
    return [key for key in spoke(town, request) if key.startswith(f"{step}+")]


def steps(town: Town, request: DataSubjectRequest) -> set[str]:
    with town.database.session() as session:
        return {mail.step for mail in requests.mails_of(session, request.id)}


def waits_for(town: Town, request: DataSubjectRequest) -> str:
    return town.told(f"data-subject-request/{request.id}").get("waits_for", "")


def test_whoever_acknowledges_stops_the_step_and_the_page_says_so(running_town: Town) -> None:
    """P21: in the Temporal UI by role; the next rung of the ladder comes all the same."""
    town = running_town
    request = asks(town)
    town.desk.assign(request.reference, town.staff["petra"])
    town.desk.verify(request.id, how="link to the address on file")
    town.advance(days=11)
    eventually(lambda: "d-20" in spoke(town, request))
    eventually(lambda: "nobody has acknowledged it yet" in waits_for(town, request))
    assert ": assignee" in waits_for(town, request)
    before = turns(town, request, "d-20")
    town.desk.acknowledge(request.reference, town.staff["petra"])
    eventually(lambda: "acknowledged 20" in waits_for(town, request))
    town.advance(days=1)
    assert turns(town, request, "d-20") == before
    town.advance(days=5)
    eventually(lambda: "d-15" in spoke(town, request))


def test_a_step_that_nobody_acknowledges_goes_on_to_the_next_person(running_town: Town) -> None:
    """P21: lead, officer, deputy are the privacy team here; the executive is an admin."""
    town = running_town
    request = asks(town)
    town.desk.assign(request.reference, town.staff["petra"])
    town.advance(days=9)
    for _ in range(10):
        if "d-20+1" not in spoke(town, request):
            town.advance(days=1)
    assert turns(town, request, "d-20") == ["d-20+1"]
    eventually(lambda: ": assignee, lead; nobody" in waits_for(town, request))
    eventually(lambda: len(town.mails(to="paul@staff.example")) == 1)
    assert len(town.mails(to="petra@staff.example")) == 1


def test_a_letter_recognised_late_opens_with_its_true_receipt_and_one_rung(
    running_town: Town,
) -> None:
    """P21, P26: 21 days after it came; of the missed rungs only the highest speaks."""
    town = running_town
    request = asks(town, ago=21 * DAY)
    assert request.due_at - request.received_at <= 30 * DAY
    eventually(lambda: spoke(town, request))
    town.come_to_rest()
    (rung,) = [key for key in spoke(town, request) if "+" not in key]
    assert rung in {"d-10", "d-7", "d-5"}  # as working days fall
    assert look(town, request.id).policy_breach_at is None


def test_a_letter_older_than_thirty_days_opens_as_breached(running_town: Town) -> None:
    """P21: the breach stands from the first moment; the person and staff hear of it at once."""
    town = running_town
    request = asks(town, ago=35 * DAY)
    assert request.policy_breach_at is not None
    assert request.acknowledged_at is not None
    assert request.policy_breach_at <= request.acknowledged_at
    eventually(lambda: {"breach", "overdue-5"} <= steps(town, request))
    assert spoke(town, request) == ["late_reply", "breach", "overdue-5"]
    assert look(town, request.id).late_reply_at is not None
    town.advance(days=1, hours=1)
    eventually(lambda: "overdue-6" in spoke(town, request))


def test_an_earlier_receipt_arms_the_ladder_anew(running_town: Town) -> None:
    """P21: the running workflow hears of it, and only the highest missed rung speaks again."""
    town = running_town
    request = asks(town)
    town.desk.assign(request.reference, town.staff["petra"])
    receipt = Receipt(received_at=request.received_at - 24 * DAY, country="DE")
    town.desk.correct_receipt(request.reference, town.staff["petra"], receipt)
    eventually(lambda: any(key.startswith("d-") for key in spoke(town, request)))
    town.come_to_rest()
    fired = [key for key in spoke(town, request) if "+" not in key]
    assert len(fired) == 1
    due_at = look(town, request.id).due_at
    assert due_at < request.due_at
    town.advance(days=7)
    eventually(lambda: look(town, request.id).policy_breach_at)
    breached_at = look(town, request.id).policy_breach_at
    assert breached_at is not None
    assert timedelta(0) <= breached_at - due_at < 24 * DAY
    fired = [key for key in spoke(town, request) if "+" not in key]
    assert len(set(fired)) == len(fired)
    assert {"late_reply", "breach"} <= set(fired)


def test_a_later_receipt_by_two_gives_the_running_request_its_time(running_town: Town) -> None:
    """P26: the breach of the wrong receipt is taken back, and the ladder begins where it stands."""
    town = running_town
    request = asks(town, ago=31 * DAY)
    eventually(lambda: "breach" in spoke(town, request))
    receipt = Receipt(received_at=town.now() - HOUR, country="DE", proof="Stamped today.")
    correction = town.desk.correct_receipt(request.reference, town.staff["petra"], receipt)
    assert look(town, request.id).policy_breach_at is not None
    town.desk.confirm_receipt(request.reference, correction.id, town.staff["paul"])
    after = look(town, request.id)
    assert after.policy_breach_at is None
    assert after.due_at > town.now() + 20 * DAY
    eventually(lambda: "OVERDUE" not in town.told(f"data-subject-request/{request.id}")["stage"])
    town.advance(days=6)
    eventually(lambda: "unassigned" in spoke(town, request))
