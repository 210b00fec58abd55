"""Many open requests, beside bare workflows on the same server.

    python -m benchmarks.requests [--open N] [--database URL] [--format json]

The whole product runs: Temporal's real server on its file, the real worker, the real outbox, the
mail sandbox over HTTP. So many requests are open, each in its thirty days, and all owe the same
mail at one moment, the late reply. That is lived through three times: with everything there, with
the worker away over that moment, and with Temporal's server killed before it. The rivals are
workflows that do nothing but wait: how many a second the server starts of them, and how long it
takes until all whose timer is due at one moment have woken and called one activity.
"""

import argparse
import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

import temporal
from benchmarks.campaign import show
from benchmarks.company import Company, Parts, a_company, chosen_database, sizes, until
from database.ids import new_id
from database.requests import rungs
from database.requests.requests import Received, receive
from database.tables import DataSubjectRequest, OutboxMail
from domain.data_subject_requests import Intake, State
from domain.deadlines import deadline
from embedded.sandbox.server import DATABASE_FILE

OPEN = 1000
AT_ONCE = 100
REPLY_BEFORE_DUE = timedelta(hours=24)
POLICY_PERIOD = timedelta(hours=720)
AWAY_SECONDS = 10.0
"""For so long the worker, or the server, is away after the moment."""
SETTLED_SECONDS = 15.0
WITHOUT_A_PACK = "CH"  # the policy's clock alone, whose due time is the same in every month
RIGHT = "minor"  # needs no proof of identity, so nothing but the ladder speaks


@dataclass(frozen=True, kw_only=True)
class _Open:
    """Open requests that all owe the late reply at one moment."""

    ids: Sequence[UUID]
    at: datetime


def measure(count: int = OPEN, database_url: str | None = None) -> dict[str, Any]:
    """Rates, ratios, memory for each open request, and what was lost or doubled."""
    with a_company(database_url) as parts:
        company = parts.company
        company.move_in(1)
        bare_rate = company.portal.call(_bare_starts, company, count)
        bare_seconds = company.portal.call(_bare_timers, parts, count)
        empty = sizes(parts.stack.processes)
        batch, rate = _opened(parts, count)
        full = sizes(parts.stack.processes)
        seconds = _lived_through(parts, batch)
        figures: dict[str, Any] = {
            "database": "sqlite" if company.database.is_sqlite else "postgresql",
            "open": count,
            "starts_per_second": rate,
            "bare_starts_per_second": bare_rate,
            "ratio_of_starts_to_bare": rate / bare_rate,
            "kilobytes_per_open_request": {
                name: (full[name] - size) * 1024 / count for name, size in empty.items()
            },
            "all_sent_seconds": seconds,
            "bare_timers_seconds": bare_seconds,
            "ratio_of_sending_to_bare": seconds / bare_seconds,
        }
        figures |= _wrong(parts, batch, "")
        for part, name in (("worker", "worker"), ("Temporal server", "server")):
            batch, _ = _opened(parts, count)
            seconds = _lived_through(parts, batch, without=part)
            figures[f"all_sent_after_{name}_was_away_seconds"] = seconds
            figures |= _wrong(parts, batch, f"_after_{name}_was_away")
        return figures


def _opened(parts: Parts, count: int) -> tuple[_Open, float]:
    """Take requests in and start their thirty days; how many a second were started."""
    company = parts.company
    patience = timedelta(seconds=60 + SETTLED_SECONDS + count / 5)
    at = company.clock.now() + patience
    batch = _Open(ids=_taken_in(company, count, at), at=at)
    began = time.monotonic()
    company.portal.call(_start_all, company, batch.ids)
    rate = count / (time.monotonic() - began)
    until(lambda: company.portal.call(_waiting, company.client, at + REPLY_BEFORE_DUE) == count)
    time.sleep(SETTLED_SECONDS)
    assert company.clock.now() < at, "the moment came before all were open"
    return batch, rate


def _taken_in(company: Company, count: int, at: datetime) -> Sequence[UUID]:
    """Requests that were acknowledged long ago, and whose earlier rungs have spoken."""
    received_at = at + REPLY_BEFORE_DUE - POLICY_PERIOD
    due = deadline(
        received_at=received_at,
        time_zone=None,
        country=WITHOUT_A_PACK,
        company_time_zone=company.settings.company.time_zone,
        right=RIGHT,
        default_regime=company.settings.company.default_regime,
    )
    received = Received(
        channel="web",
        deadline=due,
        policy_version_id=None,
        languages=company.settings.company.languages,
    )
    ids = []
    for first in range(0, count, AT_ONCE):
        with company.database.transaction() as transaction:
            for _ in range(min(AT_ONCE, count - first)):
                intake = Intake(
                    name="A person",
                    contact_address=f"person.{new_id().hex}@people.example",
                    kinds=(RIGHT,),
                    country=WITHOUT_A_PACK,
                )
                request = receive(transaction, intake, received, received_at)
                request.state, request.acknowledged_at = State.WORK, received_at
                ladder, _ = rungs.rungs_of(
                    transaction, request, company.settings.company.office, now=at
                )
                for rung in ladder:
                    if rung.at < at:
                        rungs.fire(transaction, request, rung, now=rung.at, passed_over=True)
                ids.append(request.id)
            transaction.flush()
            mails = select(OutboxMail).where(col(OutboxMail.subject_id).in_(ids[first:]))
            for mail in transaction.exec(mails):
                mail.state = "delivered"
    return ids


async def _start_all(company: Company, ids: Sequence[UUID]) -> None:
    now = await asyncio.to_thread(company.clock.now)
    for first in range(0, len(ids), AT_ONCE):
        await asyncio.gather(
            *(
                temporal.start(
                    company.client, temporal.data_subject_request(request_id, [RIGHT]), as_of=now
                )
                for request_id in ids[first : first + AT_ONCE]
            )
        )


async def _waiting(client: Client, due_at: datetime) -> int:
    """How many of the requests due then have come to wait for an answer."""
    query = f"DueAt = '{due_at:%Y-%m-%dT%H:%M:%S.%fZ}' AND AwaitingWhom = 'privacy'"
    return (await client.count_workflows(query)).count


def _lived_through(parts: Parts, batch: _Open, without: str = "") -> float:
    """Seconds from the moment at which all are due, or from the return of what was away, until all
    are sent."""
    if without:
        away = parts.stack.part(without)
        away.kill()
        _until(parts, batch.at + timedelta(seconds=AWAY_SECONDS))
        away.start_again()
    else:
        _until(parts, batch.at)
    began = time.monotonic()
    until(lambda: _sent(parts, batch) == len(batch.ids))
    return time.monotonic() - began


def _until(parts: Parts, at: datetime) -> None:
    until(lambda: parts.company.clock.now() >= at)


def _sent(parts: Parts, batch: _Open) -> int:
    time.sleep(0.2)
    with parts.company.database.session() as session:
        sent = (
            select(func.count())
            .select_from(OutboxMail)
            .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(OutboxMail.subject_id))
            .where(
                DataSubjectRequest.received_at == batch.at + REPLY_BEFORE_DUE - POLICY_PERIOD,
                OutboxMail.step == "late_reply",
                col(OutboxMail.state).in_(["accepted", "delivered"]),
            )
        )
        return session.exec(sent).one()


def _wrong(parts: Parts, batch: _Open, when: str) -> Mapping[str, int]:
    """Requests whose mail is not in the inbox, and those whose mail is there more than once."""
    with parts.company.database.session() as session:
        replies = session.exec(
            select(OutboxMail.subject_id, OutboxMail.id).where(OutboxMail.step == "late_reply")
        ).all()
    in_inbox = _copies(parts.stack.settings.data_dir)
    copies: Counter[UUID] = Counter()
    for request_id, mail_id in replies:
        copies[request_id] += in_inbox[mail_id]
    return {
        f"lost{when}": sum(copies[request_id] == 0 for request_id in batch.ids),
        f"doubled{when}": sum(copies[request_id] > 1 for request_id in batch.ids),
    }


def _copies(data_dir: Path) -> Counter[UUID]:
    """How many copies of each mail the mail sandbox took."""
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as mails:
        rows = mails.execute(
            "SELECT json_extract(custom_args, '$.mail_id'), count(*) FROM message GROUP BY 1"
        )
        return Counter({UUID(mail): number for mail, number in rows if mail})


@workflow.defn(name="bare", sandboxed=False)
class BareWorkflow:
    """Waits for a moment, and calls one activity."""

    @workflow.run
    async def run(self, at: datetime) -> None:
        """Wait."""
        await workflow.sleep(at - workflow.now())
        await workflow.execute_activity("bare", start_to_close_timeout=timedelta(minutes=1))


async def _bare_starts(company: Company, count: int) -> float:
    """Bare workflows started a second, with nobody who works on them."""
    tomorrow = await asyncio.to_thread(company.clock.now) + timedelta(days=1)
    await _start_bare(company.client, AT_ONCE, "warming-up", tomorrow)
    began = time.monotonic()
    await _start_bare(company.client, count, "bare-starts", tomorrow)
    return count / (time.monotonic() - began)


async def _bare_timers(parts: Parts, count: int) -> float:
    """Seconds from the moment at which all timers are due until all have called their activity."""
    done, all_done = 0, asyncio.Event()

    @activity.defn(name="bare")
    async def note() -> None:
        nonlocal done
        done += 1
        if done == count:
            all_done.set()

    client = parts.company.client
    async with Worker(
        client, task_queue="bare-timers", workflows=[BareWorkflow], activities=[note]
    ):
        at = await asyncio.to_thread(parts.company.clock.now)
        at += timedelta(seconds=20 + count / 25)
        await _start_bare(client, count, "bare-timers", at)
        now = await asyncio.to_thread(parts.company.clock.now)
        await asyncio.sleep(max((at - now).total_seconds(), 0))
        began = time.monotonic()
        await all_done.wait()
        return time.monotonic() - began


async def _start_bare(client: Client, count: int, queue: str, at: datetime) -> None:
    for first in range(0, count, AT_ONCE):
        await asyncio.gather(
            *(
                client.start_workflow(
                    BareWorkflow.run, at, id=f"{queue}/{number}", task_queue=queue
                )
                for number in range(first, min(first + AT_ONCE, count))
            )
        )


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.requests", description=__doc__)
    parser.add_argument("--open", type=int, default=OPEN, help="how many requests are open")
    parser.add_argument("--database", help="an empty PostgreSQL database, or `postgresql`")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    choice = parser.parse_args()
    with chosen_database(choice.database) as url:
        figures = measure(choice.open, url)
    show(figures, f"{choice.open:,} open requests", as_json=choice.format == "json")


if __name__ == "__main__":
    main()
