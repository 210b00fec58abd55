"""An import is taken whole or not at all, leaves alone what it does not name, proves nothing."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Executable, text
from sqlmodel import Session, func, select
from sqlmodel.sql.expression import SelectOfScalar

from database.chunks import LongEnough, at_most
from database.engine import Database
from database.imports import account_imports, carrying, unfinished_imports
from database.imports.account_imports import ImportNeedsYes, ImportRefused, ImportResult
from database.people import accounts
from database.people.accounts import AccountRow
from database.tables import AccountImport, AccountImportRow, Fact
from tests.in_two_processes import in_two_processes, meet
from tests.killed import kill_in_the_middle
from tests.people import ALICE, BOB
from tests.scene import FIRST_DAY, NOW, ONE_HOUR, Scene

pytestmark = pytest.mark.usefixtures("one_holding_order")
KNOWN = AccountRow(
    external_id="a1",
    email="alice@example.com",
    name="Alice Abel",
    locale="de",
    time_zone="Europe/Berlin",
    country="DE",
    status="closed",
    kind="organisation",
    organisation_id="o7",
    approver=True,
)


ROWS = st.builds(
    AccountRow,
    external_id=st.sampled_from("abcdefgh"),
    email=st.sampled_from(["one@example.com", "two@example.com"]),
    name=st.none() | st.sampled_from(["", "Alice", "Bob"]),
    country=st.none() | st.sampled_from(["DE", "FR"]),
    status=st.none() | st.sampled_from(["open", "closed"]),
    approver=st.none() | st.booleans(),
)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is at it, so nobody waits to see."""
    monkeypatch.setattr(unfinished_imports, "STANDSTILL_SECONDS", 0)


def crowd(count: int) -> list[AccountRow]:
    return [AccountRow(external_id=f"c{n:04}", email=f"c{n}@example.com") for n in range(count)]


def put_aside(scene: Scene, *rows: AccountRow, now: datetime = NOW) -> UUID:
    import_id = uuid4()
    omar = scene.staff["omar"]
    assert len(rows) == sum(
        account_imports.stage(scene.database, import_id, rows, asserted_by=omar, now=now)
    )
    return import_id


def staged(scene: Scene) -> int:
    with scene.database.session() as session:
        return session.exec(select(func.count()).select_from(AccountImportRow)).one()


def known(scene: Scene) -> int:
    with scene.database.session() as session:
        return accounts.count_accounts(session)


def imports(scene: Scene) -> list[str]:
    with scene.database.session() as session:
        return list(session.exec(select(AccountImport.state)).all())


def result(scene: Scene, import_id: UUID) -> ImportResult:
    with scene.database.session() as session:
        return account_imports.result(session, import_id)


def everybody(scene: Scene) -> list[dict[str, object]]:
    with scene.database.session() as session:
        return [row.model_dump() for row in accounts.list_accounts(session, limit=1000)]


def carry_elsewhere(url: str, import_id: UUID) -> int:
    rows: list[int] = []
    with closing(Database(url)) as database:
        unfinished_imports.carry(database, import_id, NOW, rows.append)
    return sum(rows)


def carry_until_killed(line: Connection, url: str, import_id: UUID) -> None:
    """Carry two chunks and stand still in the third, with its accounts written."""
    rows_of = carrying.rows_of
    chunks = 0

    def stand_still(
        transaction: Session, statement: Executable, given: Mapping[str, object]
    ) -> int:
        nonlocal chunks
        chunks += statement is carrying.DELETE_ROWS
        if chunks == 3:
            line.send("in the middle")
            line.recv()
        return rows_of(transaction, statement, given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(unfinished_imports, "rows_of", stand_still)
        unfinished_imports.carry(Database(url), import_id, NOW)


def test_columns_that_are_missing_leave_what_is_known(scene: Scene) -> None:
    """A file of ids and addresses neither reopens accounts nor blanks names."""
    scene.import_accounts(KNOWN)
    before = scene.account("a1").model_dump()
    scene.import_accounts(AccountRow(external_id="a1", email="alice@example.org"), now=NOW)
    after = scene.account("a1").model_dump()
    assert {name for name in after if after[name] != before[name]} == {
        "email",
        "address_changed_at",
    }
    assert after["email"] == "alice@example.org"


def test_new_accounts_have_the_usual_values_where_none_is_given(scene: Scene) -> None:
    scene.import_accounts(AccountRow(external_id="a1", email="alice@example.com"))
    alice = scene.account("a1")
    assert (alice.name, alice.locale, alice.status, alice.kind) == ("", "en", "open", "person")
    assert (alice.joined_at, alice.approver, alice.closed_at) == (FIRST_DAY, False, None)


def test_closing_and_opening_again_moves_the_date_of_closing(scene: Scene) -> None:
    scene.import_accounts(AccountRow(external_id="a1", email="alice@example.com"))
    scene.import_accounts(
        AccountRow(external_id="a1", email="alice@example.com", status="closed"), now=NOW
    )
    assert scene.account("a1").closed_at == NOW
    scene.import_accounts(
        AccountRow(external_id="a1", email="alice@example.com", status="open"), now=NOW
    )
    assert (scene.account("a1").status, scene.account("a1").closed_at) == ("open", None)


def test_a_missing_row_closes_nobody(scene: Scene) -> None:
    scene.import_accounts(ALICE, BOB)
    scene.import_accounts(ALICE, now=NOW)
    assert scene.account(BOB.external_id).status == "open"


def test_what_is_staged_is_nobody_until_the_decision(scene: Scene) -> None:
    """Nothing half imported: a killed import leaves no account."""
    import_id = put_aside(scene, *crowd(600))
    assert (staged(scene), known(scene)) == (600, 0)
    account_imports.discard(scene.database, import_id)
    assert (staged(scene), known(scene), imports(scene)) == (0, 0, [])


def test_what_a_killed_import_left_is_swept_up_later(scene: Scene) -> None:
    """After a day; an import that is still under way is left alone."""
    dead = put_aside(scene, ALICE, BOB)
    put_aside(scene, BOB, now=NOW + timedelta(hours=23))
    unfinished_imports.finish_imports(scene.database, NOW + timedelta(hours=24))
    assert (staged(scene), known(scene)) == (1, 0)
    with pytest.raises(ImportRefused, match="Give the file again"):
        account_imports.decide(scene.database, dead, NOW + timedelta(hours=24))


def test_throwing_away_a_large_one_ends_when_told_so_and_goes_on_later(scene: Scene) -> None:
    """A step has time for so much only: it ends between two chunks, not after millions of rows."""
    put_aside(scene, *crowd(3 * account_imports.CHUNK))
    tomorrow = NOW + account_imports.LONGEST_STAGING
    with pytest.raises(LongEnough):
        unfinished_imports.finish_imports(scene.database, tomorrow, at_most(timedelta(0)))
    assert staged(scene) == 2 * account_imports.CHUNK
    unfinished_imports.finish_imports(scene.database, tomorrow)
    assert (staged(scene), imports(scene)) == (0, [])


def test_what_was_decided_stands_and_is_finished_by_whoever_comes(
    scene: Scene, at_once: None
) -> None:
    """Also when it is discarded, as a command does that was stopped, or long ago."""
    import_id = put_aside(scene, ALICE, BOB)
    assert account_imports.decide(scene.database, import_id, NOW)
    account_imports.discard(scene.database, import_id)
    assert (staged(scene), known(scene)) == (2, 0)
    unfinished_imports.finish_imports(scene.database, NOW + timedelta(days=3))
    assert (staged(scene), known(scene), imports(scene)) == (0, 2, ["done"])
    assert scene.account(ALICE.external_id).recorded_at == NOW


def test_only_one_import_stands_unfinished_so_the_later_one_wins(scene: Scene) -> None:
    """Of two files that name the same account, the one decided later has the last word."""
    first, second = put_aside(scene, ALICE), put_aside(scene, replace(ALICE, name="Alice Anders"))
    assert account_imports.decide(scene.database, second, NOW)
    assert not account_imports.decide(scene.database, first, NOW)
    unfinished_imports.carry(scene.database, second, NOW)
    assert account_imports.decide(scene.database, first, NOW)
    unfinished_imports.carry(scene.database, first, NOW)
    assert scene.account(ALICE.external_id).name == ALICE.name


def checked(scene: Scene, import_id: UUID) -> int:
    with scene.database.session() as session:
        return account_imports.check(session, import_id, yes=False, now=NOW)


def test_what_another_import_changed_since_the_check_is_checked_again(scene: Scene) -> None:
    """An old file of everybody would move them all back, and changed nothing when it was read."""
    scene.import_accounts(*crowd(40))
    old_file = put_aside(scene, *crowd(40))
    before = checked(scene, old_file)
    scene.import_accounts(*(replace(row, email=f"new-{row.email}") for row in crowd(40)))
    assert not account_imports.decide(scene.database, old_file, NOW, before)
    with pytest.raises(ImportNeedsYes, match="40 of 40 accounts"):
        checked(scene, old_file)
    assert sorted(imports(scene)) == ["done", "done", "staged"]


def test_a_check_in_the_middle_of_another_import_does_not_count_for_its_end(scene: Scene) -> None:
    scene.import_accounts(*crowd(40))
    moving = put_aside(scene, *(replace(row, email=f"new-{row.email}") for row in crowd(40)))
    old_file = put_aside(scene, *crowd(40))
    assert account_imports.decide(scene.database, moving, NOW, checked=1)
    before = checked(scene, old_file)
    assert not account_imports.decide(scene.database, old_file, NOW, before)
    unfinished_imports.carry(scene.database, moving, NOW)
    assert not account_imports.decide(scene.database, old_file, NOW, before)


def taken_over() -> SelectOfScalar[Fact]:
    return select(Fact).where(Fact.kind == unfinished_imports.CARRIED_ON)


def others_get_on(scene: Scene, import_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever we look how far an import has come, somebody else carries a chunk afterwards."""
    look = unfinished_imports._look

    def look_and_let_them(database: Database, import_id: UUID) -> object:
        found = look(database, import_id)
        unfinished_imports._carry_chunk(scene.database, import_id, [], NOW)
        return found

    monkeypatch.setattr(unfinished_imports, "_look", look_and_let_them)


def test_an_import_that_others_get_on_with_is_left_to_them_and_waited_for(
    scene: Scene, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = put_aside(scene, *crowd(600))
    account_imports.decide(scene.database, import_id, NOW)
    others_get_on(scene, import_id, monkeypatch)
    ours: list[int] = []
    assert unfinished_imports.finish_imports(scene.database, NOW, ours.append) == 0
    assert (sum(ours), known(scene), imports(scene)) == (0, 600, ["done"])


def test_whoever_only_carries_on_does_not_wait_for_others(
    scene: Scene, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sign that somebody is at it is enough."""
    import_id = put_aside(scene, *crowd(600))
    account_imports.decide(scene.database, import_id, NOW)
    others_get_on(scene, import_id, monkeypatch)
    assert unfinished_imports.carry_on_imports(scene.database, NOW) == 0
    assert imports(scene) == ["decided"]
    with scene.database.session() as session:
        assert not session.exec(taken_over()).all()


def test_a_chunk_that_waits_for_its_turn_is_no_standstill(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine seconds without a sign, on a clock that stands in for the one on the wall."""
    import_id = put_aside(scene, *crowd(600))
    account_imports.decide(scene.database, import_id, NOW)
    seconds = [0.0]

    def wait(period: float) -> None:
        before = seconds[0]
        seconds[0] += period
        if before < 9 <= seconds[0]:
            unfinished_imports._carry_chunk(scene.database, import_id, [], NOW)

    clock = SimpleNamespace(monotonic=lambda: seconds[0], sleep=wait)
    monkeypatch.setattr(unfinished_imports, "time", clock)
    assert unfinished_imports.carry_on_imports(scene.database, NOW) == 0
    assert (known(scene), imports(scene)) == (account_imports.CHUNK, ["decided"])


@pytest.mark.slow
def test_an_import_that_was_killed_in_the_middle_is_finished_by_another(
    scene: Scene, at_once: None
) -> None:
    """Killed inside a transaction, in its third chunk: no account is lost or there twice."""
    import_id = put_aside(scene, *crowd(1000))
    assert account_imports.decide(scene.database, import_id, NOW)
    kill_in_the_middle(carry_until_killed, scene.database.url, import_id)
    assert known(scene) == 2 * account_imports.CHUNK
    assert unfinished_imports.finish_imports(scene.database, NOW + ONE_HOUR) == 1
    assert (staged(scene), known(scene), imports(scene)) == (0, 1000, ["done"])
    assert result(scene, import_id) == ImportResult(added=1000, updated=0, unchanged=0)
    with scene.database.session() as session:
        assert len(session.exec(select(Fact).where(Fact.kind == "accounts.imported")).all()) == 1
        fact = session.exec(taken_over()).one()
    left = 1000 - 2 * account_imports.CHUNK
    assert fact.payload == {"decided_at": NOW.isoformat(), "rows_left": left}


def wait_and_carry_on_elsewhere(url: str) -> int:
    """Find an import standing still at the same moment as somebody else, then carry it on."""
    standstill = unfinished_imports._standstill

    def both_find(database: Database, import_id: UUID) -> object:
        found = standstill(database, import_id)
        meet()
        return found

    with closing(Database(url)) as database, pytest.MonkeyPatch.context() as patched:
        patched.setattr(unfinished_imports, "STANDSTILL_SECONDS", 0)
        patched.setattr(unfinished_imports, "_standstill", both_find)
        return unfinished_imports.carry_on_imports(database, NOW)


@pytest.mark.slow
def test_of_two_that_waited_for_a_sign_one_carries_on(scene: Scene) -> None:
    """The watchdog and a freeze: one fact, and one that carries on."""
    import_id = put_aside(scene, *crowd(300))
    assert account_imports.decide(scene.database, import_id, NOW)
    carried_on = in_two_processes(wait_and_carry_on_elsewhere, scene.database.url)
    assert (sorted(carried_on), known(scene), imports(scene)) == ([0, 1], 300, ["done"])
    with scene.database.session() as session:
        assert len(session.exec(taken_over()).all()) == 1


@pytest.mark.slow
def test_two_that_carry_at_once_carry_each_account_once(scene: Scene) -> None:
    scene.import_accounts(*crowd(300))
    import_id = put_aside(scene, *(replace(row, name="Renamed") for row in crowd(1000)))
    assert account_imports.decide(scene.database, import_id, NOW)
    carried = in_two_processes(carry_elsewhere, scene.database.url, import_id)
    assert (sum(carried), staged(scene), known(scene)) == (1000, 0, 1000)
    assert result(scene, import_id) == ImportResult(added=700, updated=300, unchanged=0)


@pytest.mark.slow
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ROWS, max_size=6, unique_by=lambda row: row.external_id))
def test_importing_twice_is_importing_once(scene: Scene, rows: list[AccountRow]) -> None:
    """And the preview says what it will be."""
    first, again = put_aside(scene, *rows), put_aside(scene, *rows)
    with scene.database.session() as session:
        foreseen = account_imports.preview(session, first)
    account_imports.decide(scene.database, first, NOW)
    unfinished_imports.carry(scene.database, first, NOW)
    assert result(scene, first) == foreseen
    once = everybody(scene)
    account_imports.decide(scene.database, again, NOW + ONE_HOUR)
    unfinished_imports.carry(scene.database, again, NOW + ONE_HOUR)
    assert everybody(scene) == once
    assert result(scene, again) == ImportResult(added=0, updated=0, unchanged=len(rows))


def test_accounts_that_close_or_move_are_counted_and_others_are_not(scene: Scene) -> None:
    scene.import_accounts(
        *(AccountRow(external_id=f"a{n}", email=f"a{n}@example.com") for n in range(5))
    )
    import_id = put_aside(
        scene,
        AccountRow(external_id="a0", email="A0@Example.com"),
        AccountRow(external_id="a1", email="elsewhere@example.com"),
        AccountRow(external_id="a2", email="a2@example.com", status="closed"),
        AccountRow(external_id="a9", email="a9@example.com", status="closed"),
    )
    with scene.database.session() as session:
        assert account_imports.shares_changed(session, import_id) == (2, 5)


def test_an_import_leaves_one_fact_without_anybody_in_it(scene: Scene) -> None:
    """P31, P33."""
    scene.import_accounts(ALICE, BOB)
    with scene.database.session() as session:
        fact = session.exec(select(Fact).where(Fact.kind == "accounts.imported")).one()
    assert fact.payload == {
        "added": 2,
        "updated": 0,
        "unchanged": 0,
        "imported_by": str(scene.staff["omar"]),
        "decided_at": FIRST_DAY.isoformat(),
    }


def test_the_planner_hears_of_many_accounts_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then PostgreSQL plans as for a handful: a release took minutes, and was given up."""
    monkeypatch.setattr(unfinished_imports, "COUNTED_ANEW", 40)
    scene.import_accounts(*crowd(40))
    if scene.database.is_sqlite:
        return
    with scene.database.session() as session:
        known = session.scalar(
            text("SELECT reltuples FROM pg_class WHERE oid = 'account'::regclass")
        )
    assert known == 40
