"""Whoever is away has somebody who stands in, however often that one is away too (P21)."""

from datetime import date, timedelta

import pytest
from sqlmodel import select

from database.people.absences import AbsenceRefused, absences, acting_for, set_absent, set_back
from database.people.staff import StaffRefused
from database.tables import Fact, Staff, StaffAbsence
from tests.scene import NOW, Scene

MONDAY, FRIDAY = date(2026, 3, 2), date(2026, 3, 6)
DAY = timedelta(days=1)


def go(
    scene: Scene,
    who: str,
    delegate: str,
    *,
    from_on: date = MONDAY,
    until_on: date = FRIDAY,
    by: str = "omar",
) -> None:
    with scene.database.transaction() as transaction:
        member, stands_in, acting = (
            transaction.get_one(Staff, scene.staff[name]) for name in (who, delegate, by)
        )
        set_absent(
            transaction,
            member,
            from_on=from_on,
            until_on=until_on,
            delegate=stands_in,
            by=acting,
            now=NOW,
        )


def acts(scene: Scene, who: str, on: date = MONDAY) -> str | None:
    with scene.database.session() as session:
        found = acting_for(session, session.get_one(Staff, scene.staff[who]), on)
        return found.handle if found else None


def make_privacy(scene: Scene, *handles: str) -> None:
    with scene.database.transaction() as transaction:
        for handle in handles:
            member = transaction.get_one(Staff, scene.staff[handle])
            member.roles = [*member.roles, "privacy"]


def test_a_delegate_acts_from_the_first_day_to_the_last(scene: Scene) -> None:
    go(scene, "petra", "paul", by="petra")
    days = [MONDAY - DAY, MONDAY, FRIDAY, FRIDAY + DAY]
    assert [acts(scene, "petra", on) for on in days] == ["petra", "paul", "paul", "petra"]


def test_a_delegate_who_is_away_has_their_own(scene: Scene) -> None:
    make_privacy(scene, "noor")
    go(scene, "petra", "paul")
    go(scene, "paul", "noor")
    assert acts(scene, "petra") == "noor"


def test_a_circle_of_delegates_and_one_who_left_lead_to_nobody(scene: Scene) -> None:
    """Then the lead is told: nobody is asked for ever."""
    go(scene, "petra", "paul")
    go(scene, "paul", "petra")
    assert acts(scene, "petra") is None
    with scene.database.transaction() as transaction:
        transaction.get_one(Staff, scene.staff["paul"]).left_at = NOW
    assert acts(scene, "petra") is None
    assert acts(scene, "paul") is None


def test_an_absence_gives_way_to_the_one_that_is_said_later(scene: Scene) -> None:
    make_privacy(scene, "noor")
    go(scene, "petra", "paul")
    go(scene, "petra", "noor", from_on=FRIDAY, until_on=FRIDAY + 7 * DAY)
    assert acts(scene, "petra") == "petra"
    assert acts(scene, "petra", FRIDAY) == "noor"
    with scene.database.session() as session:
        assert [one.from_on for one in absences(session, MONDAY)] == [FRIDAY]


def test_whoever_is_back_acts_again(scene: Scene) -> None:
    go(scene, "petra", "paul")
    with scene.database.transaction() as transaction:
        petra = transaction.get_one(Staff, scene.staff["petra"])
        assert set_back(transaction, petra, by=petra, on=MONDAY, now=NOW) == 1
        assert set_back(transaction, petra, by=petra, on=MONDAY, now=NOW) == 0
    assert acts(scene, "petra") == "petra"
    with scene.database.session() as session:
        kinds = [fact.kind for fact in session.exec(select(Fact)) if "staff" in fact.kind]
    assert kinds == ["staff.absent", "staff.back"]


@pytest.mark.parametrize(
    ("delegate", "from_on", "until_on", "words"),
    [
        ("petra", MONDAY, FRIDAY, "stands in for themselves"),
        ("lena", MONDAY, FRIDAY, "none of the roles"),
        ("paul", FRIDAY, MONDAY, "before its first"),
        ("paul", MONDAY, MONDAY + 400 * DAY, "a year at most"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused_in_words(
    scene: Scene, delegate: str, from_on: date, until_on: date, words: str
) -> None:
    with pytest.raises(AbsenceRefused, match=words):
        go(scene, "petra", delegate, from_on=from_on, until_on=until_on)
    with scene.database.session() as session:
        assert session.exec(select(StaffAbsence)).all() == []


def test_only_they_themselves_or_an_admin_say_that_somebody_is_away(scene: Scene) -> None:
    """P30."""
    with pytest.raises(StaffRefused, match="Only petra or an admin"):
        go(scene, "petra", "paul", by="paul")
