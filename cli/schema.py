"""`promisekeeper database`: the tables, where no embedded stack looks after them."""

import typer

app = typer.Typer(no_args_is_help=True, help="The database's tables.")


@app.callback()
def database() -> None:
    """The database's tables."""


@app.command()
def migrate() -> None:
    """Bring the tables to those of this version; harmless when they are there."""
    from cli.context import answering
    from cli.printing import say
    from database import migrate as migrations
    from database.engine import Database
    from settings import load_settings

    with answering():
        database = Database(load_settings().database)
        try:
            if migrations.is_current(database):
                say("The tables are those of this version already.")
                return
            migrations.migrate(database)
            say("The tables are now those of this version.")
        finally:
            database.close()
