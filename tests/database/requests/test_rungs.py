"""The ladder in the database: what fired for which due time, and who said that they act (P21)."""

from datetime import timedelta

import pytest
from sqlmodel import select

from database.people.staff import StaffRefused
from database.requests import rungs
from database.requests.rungs import NothingToAcknowledge
from database.tables import DataSubjectRequest, Fact, FiredRung
from domain.company import OfficeHours
from domain.rungs import Role, Rung, RungKind
from tests.scene import NOW, ONE_HOUR, Scene

OFFICE = OfficeHours(time_zone="Europe/Berlin", country="DE")


@pytest.fixture
def request_made(scene: Scene) -> DataSubjectRequest:
    """Dora asks for a copy."""
    return scene.request("dora@people.example")


def rung(key: str) -> Rung:
    return Rung(
        key=key, at=NOW, kind=RungKind.REMINDER, audience=(Role.ASSIGNEE,), summary="a reminder"
    )


def fire(scene: Scene, request: DataSubjectRequest, key: str, *, after: timedelta) -> bool:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        return rungs.fire(transaction, row, rung(key), now=NOW + after)


def move_due(scene: Scene, request: DataSubjectRequest, by: timedelta) -> None:
    with scene.database.transaction() as transaction:
        transaction.get_one(DataSubjectRequest, request.id).due_at += by


def acknowledge(scene: Scene, request: DataSubjectRequest, who: str) -> FiredRung:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        return rungs.acknowledge_step(transaction, row, scene.staff[who], NOW + 3 * ONE_HOUR)


def test_a_rung_fires_once_for_each_due_time_of_its_request(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P21: the key is request, step, due. When the due time moves, the ladder is armed anew."""
    assert [fire(scene, request_made, "d-10", after=ONE_HOUR) for _ in range(2)] == [True, False]
    move_due(scene, request_made, -ONE_HOUR)
    with scene.database.session() as session:
        row = session.get_one(DataSubjectRequest, request_made.id)
        ladder, fired = rungs.rungs_of(session, row, OFFICE, now=NOW)
        assert "d-10" in {one.key for one in ladder}
        assert fired == {}
        assert rungs.mail_step(session, row, "d-10") == "d-10#2"
    assert fire(scene, request_made, "d-10", after=2 * ONE_HOUR)
    move_due(scene, request_made, ONE_HOUR)
    assert not fire(scene, request_made, "d-10", after=3 * ONE_HOUR)
    with scene.database.session() as session:
        assert len(session.exec(select(FiredRung)).all()) == 2


def test_whoever_acts_says_so_once_and_the_step_goes_on_to_nobody_else(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P21: with its fact; a second word changes nothing."""
    fire(scene, request_made, "d-20", after=ONE_HOUR)
    with scene.database.session() as session:
        row = session.get_one(DataSubjectRequest, request_made.id)
        assert rungs.waiting_step(session, row) is not None
        ladder, _ = rungs.rungs_of(session, row, OFFICE, now=NOW)
        assert "d-20+1" in {one.key for one in ladder}
    assert acknowledge(scene, request_made, "petra").acknowledged_by == scene.staff["petra"]
    assert acknowledge(scene, request_made, "paul").acknowledged_by == scene.staff["petra"]
    with scene.database.session() as session:
        row = session.get_one(DataSubjectRequest, request_made.id)
        assert rungs.waiting_step(session, row) is None
        ladder, _ = rungs.rungs_of(session, row, OFFICE, now=NOW)
        assert "d-20+1" not in {one.key for one in ladder}
        facts = session.exec(select(Fact).where(Fact.kind == "request.rung_acknowledged")).all()
    assert [fact.payload["rung"] for fact in facts] == ["d-20"]


def test_nobody_is_waited_for_before_the_ladder_has_spoken(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    with pytest.raises(NothingToAcknowledge, match="has not spoken yet"):
        acknowledge(scene, request_made, "petra")
    fire(scene, request_made, "late_reply", after=ONE_HOUR)
    with pytest.raises(NothingToAcknowledge):
        acknowledge(scene, request_made, "petra")


def test_whoever_was_not_told_and_is_not_of_privacy_cannot_say_that_they_act(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P30."""
    fire(scene, request_made, "d-20", after=ONE_HOUR)
    with pytest.raises(StaffRefused, match="takes the role privacy"):
        acknowledge(scene, request_made, "lena")
