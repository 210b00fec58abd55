"""What no machine reaches is given to whoever holds the role that the data map names, who is
reminded when it is due; once it is overdue those hear of it who are in charge (P11, P30)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from activities.mail.courier import Courier
from activities.mail.request_letters import RequestLetters
from database.people.absences import set_absent
from database.people.staff import add_staff, by_handle
from database.requests import asked_tasks, identity, manual_tasks, source_tasks
from database.requests.asked_tasks import TaskRefused
from database.requests.requested_rights import rights_of
from database.tables import DataSubjectRequest, OutboxMail, SourceTask, Staff
from domain.requests.personal_data import Verb
from tests.activities.requests.asked_sources import ALICE, COMPANY, AskedSources, asked_sources
from tests.activities.requests.instructed_sources import Instructed, told
from tests.scene import NOW, Scene
from translations.catalogues import speak

DAY, MOMENT = timedelta(days=1), timedelta(minutes=15)
MONDAY = NOW
"""The second of March 2026, at nine UTC; five days later, the due day is a Saturday."""
FRIDAY, NEXT_MONDAY, NEXT_TUESDAY = (MONDAY + days * DAY + MOMENT for days in (4, 7, 8))


@pytest.fixture
def company(
    scene: Scene, courier: Courier, database_kind: str, tmp_path: Path
) -> Iterator[AskedSources]:
    with scene.database.transaction() as transaction:
        for handle in ("tamara", "tomas"):
            add_staff(
                transaction,
                handle=handle,
                name=handle.title(),
                email=f"{handle}@staff.example",
                roles=["task"],
            )
    with asked_sources(scene, courier, database_kind, tmp_path) as company:
        yield company


def heard(company: AskedSources, at: datetime) -> Sequence[tuple[str, str, str]]:
    """Who of staff was sent what in this moment, and why."""
    with company.scene.database.session() as session:
        rows = session.exec(
            select(Staff.handle, OutboxMail.template, OutboxMail.step)
            .join(Staff, Staff.id == OutboxMail.addressee_id)  # type: ignore[arg-type]
            .where(OutboxMail.queued_at == at)
        ).all()
    return sorted((handle, template, step.partition("#")[0]) for handle, template, step in rows)


def paper(company: AskedSources, request: DataSubjectRequest) -> SourceTask:
    return company.tasks(request.id)["paper"]


def test_a_task_is_told_to_its_role_reminded_when_due_and_then_escalated(
    company: AskedSources,
) -> None:
    """P11, P30: on the last working day before a Saturday, and then each working day."""
    request = company.verified(ALICE, "access")
    company.ask(request.id, MONDAY)
    given = [(name, "task_for_you", "source_by_hand") for name in ("tamara", "tomas")]
    assert heard(company, MONDAY) == given
    with company.scene.database.session() as session:
        asked = source_tasks.standing(session, request, {})
    assert asked is not None
    assert asked.next_at is not None
    assert FRIDAY - MOMENT - DAY / 24 <= asked.next_at <= FRIDAY  # nine in the morning of Berlin
    for moment in (MONDAY + DAY, FRIDAY):
        company.ask(request.id, moment)
        company.ask(request.id, moment)
    assert not heard(company, MONDAY + DAY)
    due = [(name, "task_for_you", "source_by_hand_due") for name in ("tamara", "tomas")]
    assert heard(company, FRIDAY) == due
    for moment in (NEXT_MONDAY, NEXT_TUESDAY):
        company.ask(request.id, moment)
        assert heard(company, moment) == sorted(
            [
                *((name, "request_rung", "source_by_hand_overdue") for name in ("paul", "petra")),
                *((one, "task_for_you", "source_by_hand_overdue") for one in ("tamara", "tomas")),
            ]
        )
    with company.scene.database.session() as session:
        assert manual_tasks.overdue(session, NEXT_MONDAY.date()) == 1
        assert manual_tasks.overdue(session, FRIDAY.date()) == 0


@pytest.mark.parametrize(
    ("due_at", "day"),
    [
        (datetime(2026, 4, 1, tzinfo=UTC), date(2026, 3, 7)),
        (datetime(2026, 3, 4, 23, tzinfo=UTC), date(2026, 3, 4)),  # midnight of Berlin
        (datetime(2026, 3, 4, 23, 1, tzinfo=UTC), date(2026, 3, 5)),
        (datetime(2026, 2, 20, tzinfo=UTC), date(2026, 3, 2)),
    ],
    ids=["five days", "the last day in time", "a minute more", "overdue"],
)
def test_it_is_due_no_later_than_the_answer_and_never_before_it_is_given(
    company: AskedSources, due_at: datetime, day: date
) -> None:
    """P21: whatever time the data map gives for it."""
    request = company.verified(ALICE, "access")
    with company.scene.database.transaction() as transaction:
        transaction.get_one(DataSubjectRequest, request.id).due_at = due_at
    company.ask(request.id, MONDAY)
    assert paper(company, request).due_on == day


def test_nobody_hears_of_what_is_handed_in(company: AskedSources) -> None:
    request = company.verified(ALICE, "access")
    company.ask(request.id, MONDAY)
    done = asked_tasks.ByHand(receipt={"held": [], "doubtful": 0}, evidence="Nothing there.")
    company.do(
        source_tasks.hand_in,
        request.id,
        paper(company, request).id,
        done,
        staff_id=company.scene.staff["petra"],
        now=MONDAY,
    )
    for moment in (FRIDAY, NEXT_MONDAY):
        company.ask(request.id, moment)
        assert not heard(company, moment)


def test_whoever_is_away_is_not_told_and_where_nobody_holds_the_role_privacy_is(
    company: AskedSources,
) -> None:
    """P21."""
    with company.scene.database.transaction() as transaction:
        tomas, tamara = (by_handle(transaction, name) for name in ("tomas", "tamara"))
        set_absent(
            transaction,
            tomas,
            from_on=MONDAY.date(),
            until_on=MONDAY.date(),
            delegate=tamara,
            by=tomas,
            now=MONDAY,
        )
    first = company.verified(ALICE, "access")
    company.ask(first.id, MONDAY)
    assert [name for name, *_ in heard(company, MONDAY)] == ["tamara"]
    with company.scene.database.transaction() as transaction:
        for name in ("tomas", "tamara"):
            by_handle(transaction, name).left_at = MONDAY
    company.ask(first.id, FRIDAY)
    assert [name for name, *_ in heard(company, FRIDAY)] == ["paul", "petra"]


def test_what_must_not_be_erased_yet_reminds_nobody_and_is_not_overdue(
    company: AskedSources,
) -> None:
    """P13, P19: it was disputed meanwhile."""
    request = company.verified(ALICE, "erasure")
    with company.scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        (right,) = rights_of(transaction, request.id)
        source_tasks.add_task(transaction, right, "paper", Verb.ERASE, MONDAY)
        (task,) = source_tasks.tasks_of(transaction, row.id)
        asked_tasks.give_to_staff(
            transaction,
            task,
            FRIDAY.date(),
            role="task",
            office=COMPANY.office,
            now=MONDAY,
        )
        identity.dispute(transaction, row, by="address on file", now=MONDAY)
    company.ask(request.id, NEXT_MONDAY)
    assert not [one for one in heard(company, NEXT_MONDAY) if one[1] == "task_for_you"]
    with company.scene.database.session() as session:
        (task,) = source_tasks.tasks_of(session, request.id)
        assert task.next_try_at is not None
        assert task.next_try_at > NEXT_MONDAY  # and looked at again
        assert manual_tasks.overdue(session, NEXT_MONDAY.date()) == 0


def test_the_mail_says_what_and_until_when_and_nothing_of_the_person(
    company: AskedSources,
) -> None:
    """P30, P31."""
    request = company.verified(ALICE, "access")
    company.ask(request.id, MONDAY)
    letters = RequestLetters(company=COMPANY, link_keys=[b"k" * 32])
    with company.scene.database.session() as session:
        mail = session.exec(select(OutboxMail).where(OutboxMail.template == "task_for_you")).first()
        assert mail is not None
        said = letters.shared(session, mail, speak("en"), MONDAY)
    task = paper(company, request)
    assert (said["source"], said["due_on"]) == ("paper", "7 March 2026")
    assert said["console_url"] == f"{COMPANY.base_url}/staff/tasks/{task.id}"


def test_nobody_sees_a_task_of_another_role(company: AskedSources) -> None:
    """P30."""
    request = company.verified(ALICE, "access")
    company.ask(request.id, MONDAY)
    task = paper(company, request)
    with company.scene.database.session() as session:
        assert [one.row.id for one in manual_tasks.open_tasks(session, ["task"])] == [task.id]
        assert not manual_tasks.open_tasks(session, ["support", "ops", "legal"])
        with pytest.raises(TaskRefused, match="no such task for you"):
            manual_tasks.task_of(session, task.id, ["support"])


def test_what_a_controller_told_us_is_reminded_of_alike(company: AskedSources) -> None:
    """P24."""
    clinic = Instructed(company)
    erasure = clinic.enter(told(Verb.ERASE))
    clinic.decide(erasure, "paul")
    with clinic.database.transaction() as transaction:
        asked_tasks.give_to_staff(
            transaction,
            clinic.task(erasure),
            FRIDAY.date(),
            role="task",
            office=COMPANY.office,
            now=MONDAY,
        )
    clinic.carry_out(erasure, NEXT_MONDAY)
    templates = {(name, template) for name, template, _ in heard(company, NEXT_MONDAY)}
    assert templates == {
        ("tamara", "task_for_you"),
        ("tomas", "task_for_you"),
        ("petra", "instruction_needs_you"),
        ("paul", "instruction_needs_you"),
    }
    with clinic.database.session() as session:
        (task,) = manual_tasks.open_tasks(session, ["task"])
        about = manual_tasks.what_to_do(session, task)
    assert about.name == ""  # as the clinic names them, and no more
