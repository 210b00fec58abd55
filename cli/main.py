"""`promisekeeper`: the command line for legal, privacy and ops.

Commands import what they need when they run, so that those without a service answer at once.
"""

import typer

from cli import accounts, campaigns, demo, mail, policies, requests, schema, staff
from cli.assess import assess_command
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
    ("deadline", deadline_command),
    ("governing", governing_command),
):
    app.command(name)(command)
for name, group in (
    ("policy", policies.app),
    ("campaign", campaigns.app),
    ("accounts", accounts.app),
    ("requests", requests.app),
    ("mail", mail.app),
    ("staff", staff.app),
    ("database", schema.app),
    ("demo", demo.app),
):
    app.add_typer(group, name=name)

if __name__ == "__main__":
    app()
