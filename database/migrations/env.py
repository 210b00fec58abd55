"""Alembic comes here with the connection that `database.migrate` gives it."""

from alembic import context
from sqlmodel import SQLModel

import database.tables  # noqa: F401 - so that the metadata knows every table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    compare_type=True,
    transactional_ddl=True,
)
context.run_migrations()
