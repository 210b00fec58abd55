"""`promisekeeper deadline`: the thirty-day clock and its explanation, without any service."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from domain.requests.data_subject_requests import Kind
from domain.requests.deadlines import Deadline, deadline, utc_text
from settings import SettingsRefused, load_settings


class DeadlineFormat(StrEnum):
    """How the answer is printed."""

    JSON = "json"
    TABLE = "table"


def deadline_command(
    received_at: Annotated[
        str, typer.Argument(help="The instant of receipt with its offset: 2026-01-31T10:00:00Z")
    ],
    *,
    time_zone: Annotated[
        str | None, typer.Option(help="The person's time zone, when known: Asia/Seoul")
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="The person's country, when known: DE, US-CA")
    ] = None,
    company_time_zone: Annotated[
        str | None, typer.Option(help="The company's time zone, instead of the setting's")
    ] = None,
    right: Annotated[Kind, typer.Option(help="What the person asks for")] = Kind.ACCESS,
    output_format: Annotated[
        DeadlineFormat, typer.Option("--format", help="How the answer is printed")
    ] = DeadlineFormat.JSON,
) -> None:
    """When is the answer to a request due, by which rule, and why?"""
    try:
        settings = load_settings()
        answer = deadline(
            received_at=_instant(received_at),
            time_zone=time_zone,
            country=country,
            company_time_zone=company_time_zone or settings.time_zone,
            right=right,
            default_regime=settings.default_regime,
        )
    except SettingsRefused as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(2) from None
    except ValueError as fault:
        typer.echo(f"No due time was worked out: {fault}.", err=True)
        raise typer.Exit(2) from None
    if output_format is DeadlineFormat.TABLE:
        _print_table(answer)
    else:
        typer.echo(json.dumps(answer.to_json_dict(), indent=2))


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is not an instant: write it like 2026-01-31T10:00:00Z "
            "or 2026-01-31T10:00:00+01:00"
        ) from None


def _print_table(answer: Deadline) -> None:
    from rich.table import Table

    from cli.printing import print_table, say

    table = Table(title=f"Received {utc_text(answer.received_at)}", title_justify="left")
    table.add_column("Due (UTC)", no_wrap=True)
    table.add_column("Rule", no_wrap=True)
    table.add_column("Why")
    for candidate in answer.candidates:
        binds = candidate.rule == answer.rule
        table.add_row(
            utc_text(candidate.due_at),
            candidate.rule,
            candidate.explanation,
            style="bold" if binds else "dim",
        )
    print_table(table)
    say(f"Due {utc_text(answer.due_at)} by {answer.rule}.")
    for warning in answer.warnings:
        say(f"Warning: {warning}.")
