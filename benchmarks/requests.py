"""Many open requests, beside bare workflows on the same server.

    python -m benchmarks.requests [--open N] [--database URL] [--format json]

The whole product runs: Temporal's real server on its file, the real worker, the real outbox, the
mail sandbox over HTTP. So many requests are open, each in its thirty days, and all owe the same
mail at one moment, the late reply. That is lived through three times: with everything there, with
the worker away over that moment, and with Temporal's server killed before it. How long ahead the
moment has to be, a few requests tell, and then the life before. Beside it: `bare_workflows`.
"""

import argparse
import asyncio
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select
from temporalio.client import Client

import temporal
from benchmarks import bare_workflows
from benchmarks.campaign import show
from benchmarks.company import Company, Parts, a_company, chosen_database, sizes, until
from database.ids import new_id
from database.requests import rungs
from database.requests.requests import Received, receive
from database.tables import DataSubjectRequest, FiredRung, OutboxMail
from domain.requests.data_subject_requests import Intake, State
from domain.requests.deadlines import deadline
from embedded.sandbox.server import DATABASE_FILE

OPEN = 1000
AT_ONCE = 100
A_FEW = 100
"""By so many requests the worker warms up, and tells how long one takes to open."""
REPLY_BEFORE_DUE = timedelta(hours=24)
POLICY_PERIOD = timedelta(hours=720)
FAR_AHEAD = timedelta(days=2)
NEAR = timedelta(seconds=1)
MARGIN = 1.3
"""More than the last ones took, so that all are open before the moment comes."""
SETTLED_SECONDS = 10.0
AWAY_SECONDS = 10.0
"""For so long the worker, or the server, is away after the moment."""
LOOK_EVERY_SECONDS = 0.2
TELL_EVERY_SECONDS = 10.0
STANDS_STILL_SECONDS = 900.0
"""What has not got on for as long as the watchdog may take is lost."""
WITHOUT_A_PACK = "CH"  # the policy's clock alone, whose due time is the same in every month
RIGHT = "minor"  # needs no proof of identity, so nothing but the ladder speaks


@dataclass(frozen=True, kw_only=True)
class _Open:
    """Open requests that all owe the late reply at one moment, and how fast they were opened.

    `seconds_each`: from being taken in until it waits for its answer, of all of them together.
    """

    ids: Sequence[UUID]
    at: datetime
    starts_per_second: float
    opened_per_second: float
    seconds_each: float


def measure(count: int = OPEN, database_url: str | None = None) -> dict[str, Any]:
    """Rates, ratios, memory for each open request, and what was lost or doubled."""
    with a_company(database_url) as parts:
        company = parts.company
        company.move_in(1)
        bare_rate = company.portal.call(bare_workflows.starts_per_second, company, count)
        _tell(f"{bare_rate:,.0f} bare workflows started a second")
        bare_seconds = company.portal.call(
            bare_workflows.seconds_of_timers, company, count, bare_rate
        )
        _tell(f"{bare_seconds:,.1f} s until all bare timers had called")
        few = _opened(parts, A_FEW, FAR_AHEAD)
        empty = sizes(parts.stack.processes)
        batch = _opened_in_time(parts, count, few)
        full = sizes(parts.stack.processes)
        seconds = _lived_through(parts, batch)
        figures: dict[str, Any] = {
            "database": "sqlite" if company.database.is_sqlite else "postgresql",
            "open": count,
            "starts_per_second": batch.starts_per_second,
            "bare_starts_per_second": bare_rate,
            "ratio_of_starts_to_bare": batch.starts_per_second / bare_rate,
            "opened_per_second": batch.opened_per_second,
            "kilobytes_per_open_request": {
                name: (full[name] - size) * 1024 / count for name, size in empty.items()
            },
            "all_sent_seconds": seconds,
            "bare_timers_seconds": bare_seconds,
            "ratio_of_sending_to_bare": seconds / bare_seconds,
        }
        lived = {"": batch}
        for part, name in (("worker", "worker"), ("Temporal server", "server")):
            batch = _opened_in_time(parts, count, batch)
            figures[f"all_sent_after_{name}_was_away_seconds"] = _lived_through(
                parts, batch, without=part
            )
            lived[f"_after_{name}_was_away"] = batch
        for when, batch in lived.items():
            figures |= _wrong(parts, batch, when)
        return figures


def _opened_in_time(parts: Parts, count: int, before: _Open) -> _Open:
    """Open requests whose moment is still to come; `before` tells how long that takes."""
    while True:
        seconds = SETTLED_SECONDS + MARGIN * count * before.seconds_each
        batch = _opened(parts, count, timedelta(seconds=seconds))
        if parts.company.clock.now() < batch.at:
            return batch
        _tell("the moment came before all were open: once more, with a later one")
        _until_sent(parts, batch)
        before = batch


def _opened(parts: Parts, count: int, patience: timedelta) -> _Open:
    """Take requests in, start their thirty days, and wait until they wait."""
    company = parts.company
    taking_in = time.monotonic()
    at = company.clock.now() + patience
    ids = _taken_in(company, count, at)
    _tell(f"{count:,} requests taken in, {time.monotonic() - taking_in:,.1f} s")
    starting = time.monotonic()
    company.portal.call(_start_all, company, ids)
    started = time.monotonic()
    due_at = at + REPLY_BEFORE_DUE
    _until_all(
        lambda: company.portal.call(_waiting, company.client, due_at), count, "wait for an answer"
    )
    opened = time.monotonic()
    return _Open(
        ids=ids,
        at=at,
        starts_per_second=count / (started - starting),
        opened_per_second=count / (opened - starting),
        seconds_each=(opened - taking_in) / count,
    )


def _tell(what: str) -> None:
    print(f"requests: {what}", file=sys.stderr, flush=True)


def _until_all(number: Callable[[], int], count: int, what: str) -> float:
    """Wait until so many are, or none has come to it for very long; the seconds that took."""
    began = got_on = told = time.monotonic()
    seen = 0
    while seen < count and time.monotonic() - got_on < STANDS_STILL_SECONDS:
        time.sleep(LOOK_EVERY_SECONDS)
        if (found := number()) != seen:
            seen, got_on = found, time.monotonic()
        if seen == count or time.monotonic() - told > TELL_EVERY_SECONDS:
            told = time.monotonic()
            _tell(f"{seen:,} of {count:,} {what}, {told - began:,.1f} s")
    return time.monotonic() - began


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
                transaction.add_all(
                    FiredRung(
                        request_id=request.id,
                        rung=rung.key,
                        due_at=request.due_at,
                        stood_at=rung.at,
                        fired_at=rung.at,
                        passed_over=True,
                    )
                    for rung in ladder
                    if rung.at < at
                )
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
    """How many of the requests due then have come to wait for an answer.

    Asked for the very instant, SQLite behind Temporal's server finds none of them.
    """
    first, last = due_at - NEAR, due_at + NEAR
    query = f"DueAt BETWEEN '{first.isoformat()}' AND '{last.isoformat()}'"
    return (await client.count_workflows(f"{query} AND AwaitingWhom = 'privacy'")).count


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
    return _until_sent(parts, batch)


def _until_sent(parts: Parts, batch: _Open) -> float:
    return _until_all(lambda: _sent(parts, batch), len(batch.ids), "sent")


def _until(parts: Parts, at: datetime) -> None:
    until(lambda: parts.company.clock.now() >= at)


def _sent(parts: Parts, batch: _Open) -> int:
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
