"""Migrations lead to the tables of the code, keep what is there, and are all or nothing."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Uuid,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

import database.tables
from database.engine import Database
from database.migrate import (
    MIGRATIONS,
    SchemaAhead,
    SchemaBehind,
    is_current,
    known_revisions,
    migrate,
    require_current,
)
from database.tables import ClockOffset, Policy
from settings import ROOT
from tests import databases
from tests.in_two_processes import in_two_processes

GONE = {"staged_account"}
"""What earlier versions kept and this one does not: lines of imports that were on their way."""
COLUMNS_GONE = {("campaign_addressee", "not_reached")}
"""What nobody ever wrote."""
MOVED = {
    ("account", "previous_email"): ("address_change", "address"),
    ("data_subject_request", "kind"): ("requested_right", "kind"),
    ("data_subject_request", "decision_id"): ("requested_right", "decision_id"),
    ("request_decision", "request_id"): ("request_decision", "right_id"),
    ("voided_version", "correction_id"): ("wrong_words", "correction_id"),
    ("voided_version", "policy_version_id"): ("wrong_words", "policy_version_id"),
}
"""Where it is kept now: an account had one earlier address; a request asked for one right, and each
right has the id of its request; a correction that voided was about whatever was said of a
version."""
SAID_OTHERWISE = {("account_import_row", "governing_version")}
"""What earlier versions kept in another column: see the test of it."""
EARLIER = known_revisions()[1:]
SAMPLES = UUID("5b1f1d0c-8f25-4a3b-9d51-6f0f6c1d3a77")


@pytest.fixture
def empty(database_kind: str, tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    with databases.empty_database(database_kind, tmp_path) as empty:
        yield empty


def differences(empty: Database) -> list[object]:
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))


def test_the_migrations_lead_to_the_tables_of_the_code(empty: Database) -> None:
    assert database.tables.__all__
    migrate(empty)
    assert differences(empty) == []


def test_migrating_again_keeps_what_is_there(empty: Database) -> None:
    migrate(empty)
    with empty.transaction() as transaction:
        transaction.add(ClockOffset(seconds=5.0))
    migrate(empty)
    with empty.session() as session:
        assert session.get_one(ClockOffset, 1).seconds == 5.0


@pytest.mark.parametrize("revision", EARLIER)
def test_a_database_of_an_earlier_version_keeps_its_rows(empty: Database, revision: str) -> None:
    migrate(empty, revision)
    with empty.engine.execution_options(writes=True).begin() as connection:
        before = fill(connection)
    assert len(before) > 20
    migrate(empty)
    assert differences(empty) == []
    with empty.engine.connect() as connection:
        after = rows(connection)
    for table in set(before) - GONE:
        was = {
            name: v
            for name, v in before[table].items()
            if (table, name) not in COLUMNS_GONE | SAID_OTHERWISE
        }
        kept = {
            name: after[now_in][now]
            for name in was
            for now_in, now in (MOVED.get((table, name), (table, name)),)
        }
        assert kept == was, table


def test_a_refusal_that_waited_in_an_earlier_version_waits_on(empty: Database) -> None:
    """P20: the second person finds it where it was."""
    migrate(empty, "0007")
    with empty.engine.execution_options(writes=True).begin() as connection:
        before = fill(connection)
        connection.execute(text("UPDATE data_subject_request SET decision_id = NULL"))
    migrate(empty)
    with empty.engine.connect() as connection:
        right = rows(connection)["requested_right"]
    waiting = before["request_decision"]["id"]
    assert (right["state"], right["decision_id"]) == ("review", waiting)


def test_an_audience_half_frozen_by_an_earlier_version_goes_on_after_its_last_account(
    empty: Database,
) -> None:
    """P4: nobody is addressed twice, nobody is passed over."""
    migrate(empty, "0001")
    with empty.engine.execution_options(writes=True).begin() as connection:
        before = fill(connection)
    migrate(empty)
    with empty.engine.connect() as connection:
        assert rows(connection)["campaign"]["frozen_up_to"] == before["account"]["external_id"]


def test_what_a_correction_of_an_earlier_version_voided_stays_void(empty: Database) -> None:
    """P8: it was known by its campaign, and is by the version from now on."""
    migrate(empty, "0007")
    with empty.engine.execution_options(writes=True).begin() as connection:
        before = fill(connection)
        connection.exec_driver_sql("UPDATE campaign_correction SET decisions = 'void'")
    migrate(empty)
    with empty.engine.connect() as connection:
        wrong = rows(connection)["wrong_words"]
    correction, version = before["campaign_correction"]["id"], before["policy_version"]["id"]
    assert (wrong["correction_id"], wrong["policy_version_id"]) == (correction, version)
    assert (wrong["base_version_id"], wrong["language"]) == (None, None)


def test_a_version_on_its_way_in_is_still_asserted(empty: Database) -> None:
    """P6: it was meant of each policy; now it says so."""
    migrate(empty, "0007")
    with empty.engine.execution_options(writes=True).begin() as connection:
        before = fill(connection)
    migrate(empty)
    with empty.engine.connect() as connection:
        asserted = rows(connection)["account_import_row"]["governing_versions"]
    number = before["account_import_row"]["governing_version"]
    assert asserted == f"[{before['policy']['slug']}:{number}]"


def fill(connection: Connection) -> dict[str, dict[str, object]]:
    """One plausible row in every table there is; the rows as they come back."""
    for table in tables_of(connection):
        connection.execute(
            table.insert().values(
                {
                    column.name: sample(table, column)
                    for column in table.columns
                    if not points_home(table, column)
                }
            )
        )
    return rows(connection)


def rows(connection: Connection) -> dict[str, dict[str, object]]:
    """The row of every table that has one."""
    found = {}
    for table in tables_of(connection):
        row = connection.execute(select(table)).mappings().first()
        if row is not None:
            assert connection.scalar(select(func.count()).select_from(table)) == 1
            found[table.name] = {name: plain(value) for name, value in row.items()}
    return found


def tables_of(connection: Connection) -> list[Table]:
    """The tables of a database, those that others point to first."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def points_home(table: Table, column: Column[object]) -> bool:
    return any(key.column.table is table for key in column.foreign_keys)


def sample(table: Table, column: Column[object]) -> object:
    """A value that fits a column; the same wherever one column points to another."""
    for key in column.foreign_keys:
        return sample(key.column.table, key.column)
    kind: TypeEngine[object] = column.type
    whole = uuid5(SAMPLES, f"{table.name}.{column.name}")
    match kind:
        case Uuid():
            return whole
        case Boolean():
            return True
        case Integer():
            return 1
        case Float():
            return 1.5
        case DateTime():
            return datetime(2026, 3, 2, 9, tzinfo=UTC)
        case Date():
            return date(2026, 4, 2)
        case LargeBinary():
            return whole.bytes
        case JSON():
            return {"kept": ["whole", 1, None]}
        case _:  # SQLite keeps an id as 32 letters
            return whole.hex


def plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def migrate_elsewhere(url: str) -> bool:
    with closing(Database(url)) as database:
        migrate(database)
        return is_current(database)


def test_a_revision_is_looked_at_before_it_is_kept() -> None:
    """What is generated asks to be adjusted; the first one was released like that."""
    for script in sorted(MIGRATIONS.glob("versions/*.py"))[1:]:
        assert "please adjust" not in script.read_text("utf-8"), script.name


@pytest.mark.slow
def test_the_next_revision_is_written_from_what_changed_and_none_when_nothing_did(
    tmp_path: Path,
) -> None:
    house = tmp_path / "house"
    for room in ("database", "domain"):
        shutil.copytree(ROOT / room, house / room)

    def write() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "database.migrate", "add a column"]
        return subprocess.run(command, cwd=house, capture_output=True, text=True, check=False)

    def revisions() -> set[str]:
        return {path.name for path in (house / "database/migrations/versions").glob("*.py")}

    before = revisions()
    unchanged = write()
    assert (unchanged.returncode, unchanged.stdout, revisions()) == (1, "", before)
    assert "Nothing changed in database/tables" in unchanged.stderr
    with (house / "database/tables/people.py").open("a") as people:
        people.write(
            "class Nickname(SQLModel, table=True):\n"
            "    id: int | None = Field(default=None, primary_key=True)\n"
        )
    changed = write()
    (written,) = revisions() - before
    assert (changed.returncode, changed.stdout.strip().endswith(written)) == (0, True)
    assert "nickname" in (house / "database/migrations/versions" / written).read_text()


@pytest.mark.slow
def test_two_processes_that_migrate_at_once_do_it_once(empty: Database) -> None:
    assert in_two_processes(migrate_elsewhere, empty.url) == [True, True]
    assert differences(empty) == []


def test_a_database_without_tables_is_refused_in_words(empty: Database) -> None:
    assert not is_current(empty)
    with pytest.raises(SchemaBehind, match="promisekeeper database migrate"):
        require_current(empty)
    migrate(empty)
    require_current(empty)


def test_tables_of_a_newer_version_are_refused_and_left_alone(empty: Database) -> None:
    migrate(empty)
    with empty.engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaAhead, match="newer than this code"):
        require_current(empty)
    with pytest.raises(SchemaAhead, match="Nothing was changed"):
        migrate(empty)


def test_a_broken_migration_leaves_nothing_behind(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = command.upgrade

    def break_at_the_end(config: Config, revision: str) -> None:
        upgrade(config, revision)
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("database.migrate.command.upgrade", break_at_the_end)
    with pytest.raises(RuntimeError):
        migrate(empty)
    with empty.engine.connect() as connection:
        assert inspect(connection).get_table_names() == []


def test_foreign_keys_are_watched_again_after_a_migration(empty: Database) -> None:
    migrate(empty)
    stranger = Policy.model_fields["id"].get_default(call_default_factory=True)
    with pytest.raises(IntegrityError), empty.transaction() as transaction:
        transaction.add(Policy(slug="privacy", title="Privacy", owner_id=stranger))
