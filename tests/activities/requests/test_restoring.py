"""A restored backup brings nobody back who was erased (P13)."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from activities.requests.restoring import Again, Backup, cannot_be_searched, erase_again
from data_sources.opening import open_sources
from data_sources.source import Call
from data_sources.tombstones import known_as
from database.people.accounts import AccountRow
from database.requests import holds
from database.requests.tombstones import erased_since, every_mark, lay, take_in
from domain.company import OfficeHours
from domain.requests.personal_data import Person
from embedded.sample_company.people import NAMED
from tests.data_sources.conftest import fernhill
from tests.data_sources.fernhill import KEY, NOW, Fernhill, means
from tests.scene import Scene

__all__ = ("fernhill",)

BERLIN = OfficeHours(time_zone="Europe/Berlin", country="DE")
HOUR = timedelta(hours=1)


def person(name: str) -> Person:
    """One of the company's customers."""
    return Person(addresses=(f"{name}@people.example",), external_ids=(f"a-{name}",))


def bury(scene: Scene, who: Person, *, at_hour: int = 0) -> UUID:
    """Remember that somebody was erased."""
    erasure_id = uuid4()
    with scene.database.transaction() as transaction:
        lay(transaction, erasure_id, known_as(who, KEY), NOW + at_hour * HOUR)
    return erasure_id


def restore(
    scene: Scene, fernhill: Fernhill, *, taken_at_hour: int = 0, dry_run: bool = False
) -> list[Again]:
    """What operations do after a restore."""
    with scene.database.session() as session:
        erased = erased_since(session, NOW + taken_at_hour * HOUR)
    backup = Backup(sources=fernhill.sources, erased=erased)
    return list(erase_again(scene.database, backup, KEY, NOW, dry_run=dry_run))


def names(fernhill: Fernhill) -> set[object]:
    """Who stands in the customers' table, by name."""
    return {row["name"] for row in fernhill.contents()["customer"]}


def test_who_was_erased_is_erased_again_wherever_they_came_back(
    scene: Scene, fernhill: Fernhill
) -> None:
    """P13: though nobody knows who it was; everybody else stays as they are."""
    before = fernhill.contents()
    alice = bury(scene, person("alice"))
    again = restore(scene, fernhill)
    assert {one.erasure_id for one in again} == {alice}
    assert {one.source for one in again} >= {"billing", "sessions", "marketing"}
    assert "Alice Abel" not in names(fernhill)
    assert "Alice Abel" in {row["name"] for row in before["customer"]}
    assert len(names(fernhill)) >= len({row["name"] for row in before["customer"]}) - 1
    assert (
        sum(
            one.rows
            for each in restore(scene, fernhill)
            if each.receipt
            for one in each.receipt.done
        )
        == 0
    )


def test_a_trial_run_says_the_same_and_changes_nothing(scene: Scene, fernhill: Fernhill) -> None:
    """P13."""
    bury(scene, person("alice"))
    before = fernhill.contents()
    told = restore(scene, fernhill, dry_run=True)
    assert fernhill.contents() == before
    assert told == restore(scene, fernhill)


def test_who_was_erased_before_the_backup_and_is_a_customer_again_stays(
    scene: Scene, fernhill: Fernhill
) -> None:
    """P13: the backup knows of the erasure already, so what it has came later."""
    bury(scene, person("alice"))
    before = fernhill.contents()
    assert restore(scene, fernhill, taken_at_hour=1) == []
    assert fernhill.contents() == before


def test_an_address_that_is_somebody_else_s_now_is_theirs(scene: Scene, fernhill: Fernhill) -> None:
    """P13: of two ids the id decides; the rest is for a person to look at."""
    bury(scene, Person(addresses=("bob@people.example",), external_ids=("a-earlier",)))
    restore(scene, fernhill)
    assert "Bob Brandt" in names(fernhill)


@pytest.mark.parametrize(("source", "kept"), [("", True), ("billing", True), ("sessions", False)])
def test_nothing_is_erased_again_under_a_hold(
    scene: Scene, fernhill: Fernhill, source: str, kept: bool
) -> None:
    """P13: also one that was placed on the account after its holder was erased."""
    scene.import_accounts(
        AccountRow(external_id="a-alice", email="alice@people.example", name="Alice")
    )
    bury(scene, person("alice"))
    with scene.database.transaction() as transaction:
        holds.place(
            transaction,
            scene.account("a-alice").id,
            reason="A lawsuit",
            source=source,
            staff_id=scene.staff["lena"],
            now=NOW,
        )
    again = {one.source: one.receipt for one in restore(scene, fernhill)}
    assert ("Alice Abel" in names(fernhill)) == kept
    assert (again["billing"] is None) == kept


def held_for_the_clinic(fernhill: Fernhill) -> int:
    """How much of Alice is there that the company keeps for somebody else."""
    (support,) = [one for one in fernhill.sources if one.about.name == "support"]
    found = support.locate(person("alice"), Call(id="look", now=NOW))
    return sum(one.rows for one in found.held)


def test_what_is_held_for_somebody_else_is_theirs_to_erase_again(
    scene: Scene, fernhill: Fernhill
) -> None:
    """P13, P24: she asked us, and not them."""
    bury(scene, person("alice"))
    restore(scene, fernhill)
    assert held_for_the_clinic(fernhill)


def test_whom_its_controller_had_erased_is_erased_again_there_and_nowhere_else(
    scene: Scene, fernhill: Fernhill
) -> None:
    """P13, P24."""
    with scene.database.transaction() as transaction:
        lay(transaction, uuid4(), known_as(person("alice"), KEY), NOW, source="support")
    again = restore(scene, fernhill)
    assert {one.source for one in again} == {"support"}
    assert not held_for_the_clinic(fernhill)
    assert "Alice Abel" in names(fernhill)


def test_tombstones_kept_apart_are_taken_in_once(scene: Scene) -> None:
    """P13: the engine's own database may be what was restored."""
    bury(scene, person("alice"))
    with scene.database.transaction() as transaction:
        marks = every_mark(transaction)
        assert len(marks) == 2
        assert take_in(transaction, marks) == 0
        assert every_mark(transaction) == marks
    told = repr(marks)
    assert not [one for one in NAMED if one.email in told or one.number in told]


def test_what_cannot_be_searched_is_named(scene: Scene, fernhill: Fernhill) -> None:
    """P13: somebody has to look there by other means."""
    assert scene
    sources = open_sources(fernhill.data_map, means(fernhill.url))
    assert cannot_be_searched(Backup(sources=sources, erased=[])) == ("paper",)
