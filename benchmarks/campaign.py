"""A campaign from release to the last accepted mail, beside two rivals.

    python -m benchmarks.campaign --addressees N [--database URL] [--events] [--format json]

The whole product runs: Temporal's real server on its file, the real worker, the real outbox, the
mail sandbox over HTTP; everything on this machine. The rivals are a bare single-threaded loop that
writes, claims, posts and acknowledges the same copies with the driver's own SQL and no Temporal,
and what a beginner would write with Temporal: a workflow for each addressee.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import urllib3
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

from benchmarks.bare_loop import FRAME, bare_loop
from benchmarks.company import MEGABYTE, Company, Parts, a_company, chosen_database, until
from database.engine import Database
from tests.people import POLICY

BEGINNERS_ADDRESSEES = 300
A_DAY = timedelta(days=1)
DAYS = 45
"""Until the last reminder is out and the version is in force."""


def measure(
    addressees: int, database_url: str | None = None, *, events: bool = False
) -> dict[str, Any]:
    """Seconds, rates, ratios, Temporal events and memory of one campaign and its rivals.

    With `events` the campaign has to have heard that each copy was delivered; the rivals hear
    nothing of theirs, and nobody hears of theirs either.
    """
    with a_company(database_url) as parts:
        company = parts.company
        company.move_in(addressees)
        _tell_events_after(parts, A_DAY)
        bare = bare_loop(parts, addressees)
        beginner = company.portal.call(_a_workflow_each, parts)
        number = company.hand_in()
        _empty_inbox(parts)
        if events:
            _tell_events_after(parts, timedelta())
        began = time.monotonic()
        company.release(number)
        until(lambda: _notified(company, number))
        if events:
            until(lambda: _all_delivered(company, addressees))
        seconds = time.monotonic() - began
        company.live_through(DAYS)
        histories = (f"campaign/{POLICY}/{number}", f"publication/{POLICY}/{number}")
        history = sum(map(company.events_of_a_life, histories))
        return {
            "database": "sqlite" if company.database.is_sqlite else "postgresql",
            "addressees": addressees,
            "seconds": seconds,
            "with_events": events,
            "addressees_per_second": addressees / seconds,
            "bare_loop_per_second": bare,
            "ratio_to_bare_loop": addressees / seconds / bare,
            "workflow_per_addressee_per_second": beginner,
            "temporal_events_per_addressee": history / addressees,
            "peak_rss_mb": parts.memory(),
            "database_mb": _megabytes(company.database),
        }


def _notified(company: Company, number: int) -> bool:
    return company.version(number).effective_at is not None


def _all_delivered(company: Company, addressees: int) -> bool:
    query = "SELECT count(*) FROM outbox_mail WHERE step = 'first_notice' AND state = 'delivered'"
    with company.database.engine.connect() as connection:
        return bool(connection.exec_driver_sql(query).scalar_one() == addressees)


def _tell_events_after(parts: Parts, silence: timedelta) -> None:
    fault = {"events": {"silent_seconds": silence.total_seconds()}}
    answer = urllib3.request("POST", f"{parts.stack.inbox}/api/faults", json=fault)
    assert answer.status == 200, "the sandbox tells events when it likes"


def _empty_inbox(parts: Parts) -> None:
    """Throw away the rivals' mails, and with them the events that are owed for them."""
    answer = urllib3.request("DELETE", f"{parts.stack.inbox}/api/messages")
    assert answer.status == 204, "the sandbox keeps its mails"


def _megabytes(database: Database) -> float:
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            name = make_url(database.url).database
            return Path(str(name)).stat().st_size / MEGABYTE
        size = "SELECT pg_database_size(current_database())"
        return float(connection.exec_driver_sql(size).scalar_one()) / MEGABYTE


@workflow.defn(name="beginner", sandboxed=False)
class BeginnersWorkflow:
    """One addressee's mail."""

    @workflow.run
    async def run(self, number: int) -> None:
        """Send it."""
        await workflow.execute_activity(
            "beginners_mail", number, start_to_close_timeout=timedelta(minutes=1)
        )


async def _a_workflow_each(parts: Parts) -> float:
    """Addressees a second with a workflow for each."""
    key = parts.stack.settings.sendgrid_api_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    @activity.defn(name="beginners_mail")
    async def send(number: int) -> None:
        to = {"to": [{"email": f"person.{number}@people.example"}]}
        body = json.dumps({**FRAME, "personalizations": [to]})
        url = f"{parts.stack.inbox}/v3/mail/send"
        await asyncio.to_thread(urllib3.request, "POST", url, body=body, headers=headers)

    client: Client = parts.company.client
    async with Worker(
        client, task_queue="beginner", workflows=[BeginnersWorkflow], activities=[send]
    ):
        began = time.monotonic()
        handles = [
            await client.start_workflow(
                BeginnersWorkflow.run, number, id=f"beginner/{number}", task_queue="beginner"
            )
            for number in range(BEGINNERS_ADDRESSEES)
        ]
        for handle in handles:
            await handle.result()
        return BEGINNERS_ADDRESSEES / (time.monotonic() - began)


def show(figures: Mapping[str, Any], title: str, *, as_json: bool) -> None:
    """For eyes, or for programs."""
    if as_json:
        print(json.dumps(figures, indent=2))
        return
    table = Table("figure", "value", title=title)
    for name, value in figures.items():
        shown = f"{value:,.3f}" if isinstance(value, float) else str(value)
        table.add_row(name.replace("_", " "), shown)
    Console().print(table)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.campaign", description=__doc__)
    parser.add_argument("--addressees", type=int, default=1000)
    parser.add_argument("--database", help="an empty PostgreSQL database, or `postgresql`")
    parser.add_argument("--events", action="store_true", help="with the events of every copy")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    choice = parser.parse_args()
    with chosen_database(choice.database) as url:
        figures = measure(choice.addressees, url, events=choice.events)
    show(figures, f"{choice.addressees:,} addressees", as_json=choice.format == "json")


if __name__ == "__main__":
    main()
