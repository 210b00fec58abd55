"""`promisekeeper`: the command line for legal, privacy and ops.

Commands import what they need when they run, so that those without a service answer at once.
"""

import os
import sys

import typer

from cli import (
    accounts,
    api_keys,
    campaigns,
    demo,
    erasures,
    holds,
    mail,
    minors,
    policies,
    requests,
    schema,
    staff,
)
from cli.assess import assess_command
from cli.data_map import data_map_command
from cli.deadline import deadline_command
from cli.doctor import doctor_command
from cli.governing import governing_command
from cli.up import up_command

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Executes the promises of a privacy policy.",
)
for name, command in (
    ("up", up_command),
    ("doctor", doctor_command),
    ("assess", assess_command),
    ("data-map", data_map_command),
    ("deadline", deadline_command),
    ("governing", governing_command),
):
    app.command(name)(command)
for name, group in (
    ("policy", policies.app),
    ("campaign", campaigns.app),
    ("accounts", accounts.app),
    ("requests", requests.app),
    ("minors", minors.app),
    ("holds", holds.app),
    ("erasures", erasures.app),
    ("mail", mail.app),
    ("staff", staff.app),
    ("api-key", api_keys.app),
    ("database", schema.app),
    ("demo", demo.app),
):
    app.add_typer(group, name=name)


def main() -> None:
    """Run a command, and end the process the moment it is done.

    The threads of Temporal's client cannot be stopped. An interpreter that winds down under them
    aborts now and then, after everything is done and said, with an exit code nobody meant
    (temporalio/sdk-python, issue 300).
    """
    code: object = 0
    try:
        app()
    except SystemExit as ending:
        code = ending.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
