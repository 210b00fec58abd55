"""Whose turn it is when a rung fires: delegates, the lead for who left, and nobody twice (P21)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from activities.mail.courier import Courier
from activities.requests.requests import RequestActivities, RequestCase, RequestInput
from database.people.absences import set_absent
from database.requests import identity, requests, rungs
from database.tables import Alarm, DataSubjectRequest, OutboxMail, Staff
from domain.company import Officers
from domain.requests.identity import IdentityNumbers
from domain.requests.ladder import request_ladder
from domain.rungs import Role
from settings import Settings
from tests.scene import NOW, ONE_HOUR, Scene

COMPANY = Settings(_env_file=None).company
DAY = timedelta(days=1)
OFFICERS = Officers(lead="paul", privacy_officer="noor", deputy="lena", executive="omar")
Told = set[str]


@pytest.fixture
def request_made(scene: Scene) -> DataSubjectRequest:
    """Dora's request, on which Petra works. Dora has confirmed that it is hers."""
    request = scene.request("dora@people.example")
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        identity.confirm_contact(transaction, row, NOW)
        requests.assign(transaction, row, scene.staff["petra"], NOW)
    return request


@pytest.fixture
def climb(
    scene: Scene, request_made: DataSubjectRequest, courier: Courier
) -> Callable[[datetime], RequestCase]:
    """The worker wakes at an instant."""
    climbing = RequestActivities(
        database=scene.database,
        company=COMPANY,
        officers=OFFICERS,
        courier=courier,
        identity=IdentityNumbers(),
        sources={},
    )
    return lambda now: climbing.climb(RequestInput(request_id=request_made.id, now=now))


def moment(request: DataSubjectRequest, key: str) -> datetime:
    ladder = request_ladder(
        request_id=request.id,
        received_at=request.received_at,
        due_at=request.due_at,
        office=COMPANY.office,
    )
    return next(rung.at for rung in ladder if rung.key == key)


def told(scene: Scene, step: str) -> Told:
    """The handles of the staff to whom a step was mailed."""
    with scene.database.session() as session:
        mailed = select(Staff.handle).join(OutboxMail, col(OutboxMail.addressee_id) == Staff.id)
        return {*session.exec(mailed.where(OutboxMail.step == step))}


def away(scene: Scene, who: str, delegate: str) -> None:
    def member(transaction: Session, handle: str) -> Staff:
        return transaction.get_one(Staff, scene.staff[handle])

    with scene.database.transaction() as transaction:
        for handle in ("noor", "lena"):
            member(transaction, handle).roles = ["legal", "privacy"]
        set_absent(
            transaction,
            member(transaction, who),
            from_on=date(2026, 3, 1),
            until_on=date(2026, 4, 30),
            delegate=member(transaction, delegate),
            by=member(transaction, "omar"),
            now=NOW,
        )


def test_a_reminder_goes_to_the_delegate_of_whoever_is_away(
    scene: Scene, request_made: DataSubjectRequest, climb: Callable[[datetime], RequestCase]
) -> None:
    away(scene, "petra", "lena")
    away(scene, "lena", "noor")
    climb(moment(request_made, "d-20"))
    assert told(scene, "d-20") == {"noor"}


def test_where_delegates_stand_in_for_each_other_the_lead_is_told(
    scene: Scene, request_made: DataSubjectRequest, climb: Callable[[datetime], RequestCase]
) -> None:
    away(scene, "petra", "lena")
    away(scene, "lena", "petra")
    climb(moment(request_made, "d-20"))
    assert told(scene, "d-20") == {"paul"}


def test_whoever_left_the_company_gives_their_turn_to_the_lead(
    scene: Scene, request_made: DataSubjectRequest, climb: Callable[[datetime], RequestCase]
) -> None:
    with scene.database.transaction() as transaction:
        transaction.get_one(Staff, scene.staff["petra"]).left_at = NOW
    climb(moment(request_made, "d-20"))
    assert told(scene, "d-20") == {"paul"}


def test_an_officer_who_is_away_is_stood_in_for_too(
    scene: Scene, request_made: DataSubjectRequest, climb: Callable[[datetime], RequestCase]
) -> None:
    away(scene, "noor", "lena")
    climb(moment(request_made, "d-7"))
    assert told(scene, "d-7") == {"petra", "paul", "lena"}


def test_a_step_goes_on_from_person_to_person_until_somebody_acts(
    scene: Scene, request_made: DataSubjectRequest, climb: Callable[[datetime], RequestCase]
) -> None:
    """Assignee, lead, officer; each eight working hours after the one before."""
    case = climb(moment(request_made, "d-20"))
    assert (told(scene, "d-20"), case.told and case.told.roles) == ({"petra"}, (Role.ASSIGNEE,))
    assert case.next_rung is not None
    assert case.next_rung.key == "d-20+1"
    case = climb(case.next_rung.at)
    assert told(scene, "d-20+1") == {"paul"}
    assert case.told is not None
    assert case.told.roles == (Role.ASSIGNEE, Role.LEAD)
    assert case.told.acknowledged_at is None
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request_made.id)
        rungs.acknowledge_step(transaction, row, scene.staff["paul"], case.told.at + ONE_HOUR)
    case = climb(moment(request_made, "d-15") - ONE_HOUR)
    assert told(scene, "d-20+2") == set()
    assert case.told is not None
    assert case.told.acknowledged_at is not None
    assert case.next_rung is not None
    assert case.next_rung.key == "d-15"
    with scene.database.session() as session:
        assert session.exec(select(Alarm)).all() == []  # there is time: mails will do


def test_whoever_was_told_of_a_step_is_told_no_second_time(
    scene: Scene, request_made: DataSubjectRequest, climb: Callable[[datetime], RequestCase]
) -> None:
    """Petra works on it, and stands in for the lead too: that turn is passed over."""
    away(scene, "paul", "petra")
    case = climb(moment(request_made, "d-20"))
    assert case.next_rung is not None
    case = climb(case.next_rung.at)
    assert told(scene, "d-20+1") == set()
    assert case.next_rung is not None
    climb(case.next_rung.at)
    assert told(scene, "d-20+2") == {"noor"}


def test_a_due_time_that_moves_arms_the_ladder_anew_and_staff_are_told_again(
    scene: Scene, request_made: DataSubjectRequest, climb: Callable[[datetime], RequestCase]
) -> None:
    """Of the rungs that lie back by then only the highest speaks; the person is written once."""
    first = climb(moment(request_made, "d-10"))
    assert first.told is not None
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request_made.id)
        row.due_at -= 2 * ONE_HOUR
        transaction.add(row)
        transaction.flush()
        moved = moment(row, "d-10")
    now = max(moved, moment(request_made, "d-10")) + ONE_HOUR
    climb(now)
    climb(now)
    assert told(scene, "d-10#2") == told(scene, "d-10") == {"petra", "paul"}
    with scene.database.session() as session:
        steps = [mail.step for mail in requests.mails_of(session, request_made.id)]
        spoke = [
            rung.rung
            for rung in rungs.fired_rungs(session, request_made.id)
            if not rung.passed_over
        ]
    assert steps.count("progress") == 1
    assert spoke == ["d-10", "d-10"]


def test_of_a_letter_recognised_late_only_the_highest_rung_speaks(
    scene: Scene, request_made: DataSubjectRequest, climb: Callable[[datetime], RequestCase]
) -> None:
    """P21: recognised on the day of D-7; whoever it is given to hears all there is to hear once."""
    climb(moment(request_made, "d-7") + ONE_HOUR)
    with scene.database.session() as session:
        fired = rungs.fired_rungs(session, request_made.id)
    assert [rung.rung for rung in fired if not rung.passed_over] == ["d-7"]
    assert {rung.rung for rung in fired if rung.passed_over} == {
        *("unassigned", "d-20", "d-15", "d-10"),
    }


def test_the_unassigned_rung_is_silent_where_somebody_works_on_it(
    scene: Scene, request_made: DataSubjectRequest, climb: Callable[[datetime], RequestCase]
) -> None:
    case = climb(moment(request_made, "unassigned"))
    assert told(scene, "unassigned") == set()
    assert case.told is None
    assert case.next_rung is not None
    assert case.next_rung.key == "d-20"


def test_the_executive_hears_an_hour_after_d_3_when_nobody_acts(
    scene: Scene, request_made: DataSubjectRequest, climb: Callable[[datetime], RequestCase]
) -> None:
    at = moment(request_made, "d-3")
    climb(at)
    assert told(scene, "d-3") == {"petra", "paul", "noor", "lena"}
    case = climb(at + ONE_HOUR)
    assert told(scene, "d-3+1") == {"omar"}
    assert case.next_rung is not None
    assert case.next_rung.key == "d-2"
    assert case.next_rung.at.tzinfo is UTC
