"""A campaign whose parts are killed again and again, and what became of everybody.

    python -m benchmarks.crashes [--addressees N] [--database postgresql] [--seed N]
        [--kills-each N] [--seconds N] [--late-events] [--format json]

Worker, website, Temporal's server and, with `--database postgresql`, PostgreSQL die by SIGKILL at
seeded moments, at least half of them while a request to the mail service is under way, and come
back at once or seconds later. Account holders approve meanwhile. The campaign is slowed to last
`--seconds` if nothing dies. `--late-events` lets delivery events come long after copies in doubt
were shown to ops.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from typing import Any

import urllib3
from sqlmodel import select

from activities.campaigns.campaigns import HANDS
from benchmarks.campaign import show
from benchmarks.company import Company, Parts, a_company, until
from database.campaigns.freezing import SHARD_SIZE
from database.tables import Campaign
from tests.account_holders import approving
from tests.crashes import POSTGRESQL, TEMPORAL, WEBSITE, WORKER, Crashes, Part, planned
from tests.mailed import count_mails, events_are_told
from tests.postgres_server import Postgres, own_postgres
from workflows.campaign import TRIES_AT_ONCE

BATCH = 50
SETTLE_AFTER_SECONDS = 60
"""More than a website is away for, and the sandbox's longest pause before it tells it again."""
LATE_SETTLE_AFTER_SECONDS = 10
LATE_SECONDS = 4 * LATE_SETTLE_AFTER_SECONDS
"""After three times ten seconds ops are asked."""
LONGEST_LATENCY_SECONDS = 10.0
"""The worker waits for an answer half as long again."""
DAYS = 45
"""Until the version is in force and its campaign is over."""


def measure(
    addressees: int,
    *,
    postgresql: bool = False,
    seed: int = 3,
    kills_each: int = 4,
    seconds: float = 180.0,
    late_events: bool = False,
) -> dict[str, Any]:
    """Kills by part and phase, and how many were lost, mailed twice, or approved in vain."""
    settle = LATE_SETTLE_AFTER_SECONDS if late_events else SETTLE_AFTER_SECONDS
    changes = {
        "mail_batch_size": BATCH,
        "mail_settle_after_seconds": settle,
        "reminder_lead_days": (),  # nothing dies any more when they would go out
    }
    with (
        _server(wanted=postgresql) as server,
        a_company(server.url if server else None, **changes) as parts,
    ):
        company, processes = parts.company, parts.stack
        company.move_in(addressees)
        number = company.hand_in()
        version = company.version(number).id
        names = (WORKER, WEBSITE, TEMPORAL)
        mortal: dict[str, Part] = {name: processes.part(name) for name in names}
        if server:
            mortal[POSTGRESQL] = server
        crashes = Crashes(
            parts=mortal,
            database=company.database,
            data_dir=processes.settings.data_dir,
            version_id=version,
        )
        latency = _latency(addressees, seconds)
        _behave(parts, latency_ms=latency, delay_seconds=LATE_SECONDS if late_events else 0)
        with approving(processes) as holders:
            began = time.monotonic()
            company.release(number)
            crashes.strike(planned(tuple(mortal), kills_each, seed))
            until(lambda: company.version(number).effective_at is not None)
            took = time.monotonic() - began
        _behave(parts)
        until(lambda: events_are_told(processes.settings.data_dir))
        company.live_through(DAYS)
        mailed = count_mails(company.database, version, processes.settings.data_dir)
        kills, in_flight = crashes.kills, crashes.with_a_post_in_flight()
        return {
            "database": "sqlite" if company.database.is_sqlite else "postgresql",
            "addressees": mailed.addressees,
            "seed": seed,
            "late_events": late_events,
            "seconds": took,
            "latency_ms": latency,
            "kills": len(kills),
            "kills_with_a_post_in_flight": in_flight,
            "in_flight_short_of_half": max(0, ceil(len(kills) / 2) - in_flight),
            "kills_by_part": dict(Counter(kill.part for kill in kills)),
            "kills_by_phase": dict(Counter(kill.phase for kill in kills)),
            "lost": mailed.lost,
            "left_to_ops": mailed.left_to_ops,
            "copies_in_doubt": mailed.in_doubt,
            "doubles": len(mailed.doubles),
            "doubles_without_doubt": sum(not double.allowed for double in mailed.doubles),
            "doubles_listed": [
                {"mail_id": str(double.mail_id), "earlier": double.earlier}
                for double in mailed.doubles
            ],
            "approvals_told": len(holders.told),
            "approvals_lost": len(holders.lost(company.database, version)),
            "unfinished": int(not _is_finished(company, number)),
            "kills_listed": [{**vars(kill), "attempts": len(kill.attempts)} for kill in kills],
        }


def judged(figures: Mapping[str, Any]) -> dict[str, float]:
    """The numbers that `make bench` holds to limits. With late events a mail that was in doubt may
    go out twice, or wait for ops (P4)."""
    excused = ("doubles", "left_to_ops") if figures["late_events"] else ()
    return {
        name: value
        for name, value in figures.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and name not in excused
    }


@contextmanager
def _server(*, wanted: bool) -> Iterator[Postgres | None]:
    if wanted:
        with own_postgres() as server:
            yield server
    else:
        yield None


def _latency(addressees: int, seconds: float) -> int:
    """Milliseconds for each request, so that all of them take so many seconds together."""
    rounds = ceil(addressees / SHARD_SIZE / (TRIES_AT_ONCE * HANDS))
    requests = rounds * ceil(min(addressees, SHARD_SIZE) / BATCH)
    return round(min(seconds / requests, LONGEST_LATENCY_SECONDS) * 1000)


def _behave(parts: Parts, *, latency_ms: int = 0, delay_seconds: float = 0) -> None:
    fault = {"latency_ms": latency_ms, "events": {"delay_seconds": delay_seconds}}
    answer = urllib3.request("POST", f"{parts.stack.inbox}/api/faults", json=fault)
    assert answer.status == 200, answer.data


def _is_finished(company: Company, number: int) -> bool:
    version = company.version(number).id
    with company.database.session() as session:
        campaigns = select(Campaign).where(Campaign.policy_version_id == version)
        return session.exec(campaigns).one().state == "finished"


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crashes", description=__doc__)
    parser.add_argument("--addressees", type=int, default=20_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--kills-each", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--late-events", action="store_true")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    choice = parser.parse_args()
    figures = measure(
        choice.addressees,
        postgresql=choice.database == "postgresql",
        seed=choice.seed,
        kills_each=choice.kills_each,
        seconds=choice.seconds,
        late_events=choice.late_events,
    )
    show(figures, f"{choice.addressees:,} addressees, killed", as_json=choice.format == "json")


if __name__ == "__main__":
    main()
