"""Migrations lead to the tables of the code, are harmless when repeated, and are all or nothing."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

import database.tables
from database.engine import Database
from database.migrate import SchemaBehind, is_current, migrate, require_current
from database.tables import ClockOffset, Policy


@pytest.fixture
def empty(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'empty.db'}")


def test_the_migrations_lead_to_the_tables_of_the_code(empty: Database) -> None:
    assert database.tables.__all__
    migrate(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    empty.close()


def test_migrating_again_keeps_what_is_there(empty: Database) -> None:
    migrate(empty)
    with empty.transaction() as transaction:
        transaction.add(ClockOffset(seconds=5.0))
    migrate(empty)
    with empty.session() as session:
        assert session.get_one(ClockOffset, 1).seconds == 5.0
    empty.close()


def test_a_database_without_tables_is_refused_in_words(empty: Database) -> None:
    assert not is_current(empty)
    with pytest.raises(SchemaBehind, match="promisekeeper database migrate"):
        require_current(empty)
    migrate(empty)
    require_current(empty)
    empty.close()


def test_a_broken_migration_leaves_nothing_behind(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("database.migrate._refuse_dangling", fail)
    with pytest.raises(RuntimeError):
        migrate(empty)
    with empty.engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    empty.close()


def test_foreign_keys_are_watched_again_after_a_migration(empty: Database) -> None:
    migrate(empty)
    stranger = Policy.model_fields["id"].get_default(call_default_factory=True)
    with pytest.raises(IntegrityError), empty.transaction() as transaction:
        transaction.add(Policy(slug="privacy", title="Privacy", owner_id=stranger))
    empty.close()
