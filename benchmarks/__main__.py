"""`make bench`: every benchmark, as a table and as JSON in benchmarks/results/.

    python -m benchmarks [NAME ...] [--addressees N ...]

Exit code 1 when a figure misses its limit.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import (
    approvals,
    campaign,
    continue_as_new,
    crashes,
    delivery_events,
    long_policies,
    main_job,
    requests,
    second_writer,
    watchdog,
)
from benchmarks.company import POSTGRESQL, SQLITE, chosen_database
from benchmarks.judging import LARGE, Measured, growth

RESULTS = Path(__file__).with_name("results")
DATABASES = (SQLITE, POSTGRESQL)
ADDRESSEES = (1_000, 10_000, 100_000)
RATIO_TO_BARE_LOOP = 0.35
ADDRESSEES_PER_SECOND = {SQLITE: 5000.0, POSTGRESQL: 3000.0}
ADDRESSEES_PER_SECOND_WITH_EVENTS = 2500.0
OF_CAMPAIGN = {"temporal_events_per_addressee": 0.02}
OF_GROWTH = {"times_the_time_for_tenfold": 12.0, "worker_peak_spread_percent": 20.0}
OF_APPROVALS = {"p99_ms": 250.0}
RATIO_TO_BARE = {"ratio_to_bare": 0.3}
OF_SECOND_WRITER = {"_p99_ms": 100.0}  # whoever writes beside an import is held up no longer
OF_LATE_EVENTS = dict.fromkeys(
    ("lost", "doubles_without_doubt", "approvals_lost", "unfinished", "in_flight_short_of_half"), 0
)
"""With late events a mail that was in doubt may go out twice, or wait for ops (P4)."""
NOBODY = {**OF_LATE_EVENTS, "doubles": 0, "left_to_ops": 0}
OPEN_REQUESTS = (1_000, 10_000)
OF_REQUESTS = dict.fromkeys(("lost", "doubled", "server_was_away", "worker_was_away"), 0)
OF_WATCHDOG = {"longest_repair_seconds": 900.0}  # the watchdog's quarter of an hour
OF_LONG_POLICIES = {
    "regular_400_kb_seconds": 3.0,
    "hostile_seconds": 60.0,  # nobody waits for it, and nobody else waits because of it
}


def main() -> int:
    """Run, print, keep; 1 when anything missed its limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"of {', '.join(BENCHMARKS)}; all without one")
    parser.add_argument(
        "--addressees", type=int, nargs="+", default=ADDRESSEES, help="sizes of campaigns"
    )
    choice = parser.parse_args()
    if unknown := set(choice.name) - BENCHMARKS.keys():
        parser.error(f"There is no benchmark {', '.join(sorted(unknown))}.")
    chosen = choice.name or BENCHMARKS
    kept = [_keep(run) for name in chosen for run in BENCHMARKS[name](choice.addressees)]
    return 0 if all(kept) else 1


def _keep(run: Measured) -> bool:
    """Print the numbers and store everything; whether each number keeps to its limits."""
    table = Table("figure", "value", "limit", title=run.title)
    judged = list(run.judged())
    for each in judged:
        table.add_row(each.figure.replace("_", " "), f"{each.value:,.3f}", each.limit)
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{run.name}.json").write_text(json.dumps(run.figures, indent=2) + "\n")
    return all(each.kept for each in judged)


def _main_job(_sizes: Sequence[int]) -> Iterator[Measured]:
    yield Measured(
        name="main_job",
        title="The main job, 1,000 addressees, embedded stack",
        figures=main_job.measure(addressees=1000),
    )


def _campaigns(sizes: Sequence[int]) -> Iterator[Measured]:
    for events, database in product((False, True), DATABASES):
        kind = f"{database}_with_events" if events else database
        runs: list[Mapping[str, Any]] = []
        for size in sorted(sizes):
            with chosen_database(database) as url:
                runs.append(campaign.measure(size, url, events=events))
            yield Measured(
                name=f"campaign_{kind}_{size}",
                title=f"A campaign of {size:,} on {kind.replace('_', ' ')}",
                figures=runs[-1],
                highest=OF_CAMPAIGN if size >= LARGE else {},
                lowest=_least_of_campaign(database, events=events) if size >= LARGE else {},
            )
        if figures := growth(runs):
            yield Measured(
                name=f"campaign_{kind}_growth",
                title=f"Campaigns on {kind.replace('_', ' ')} beside each other",
                figures=figures,
                highest=OF_GROWTH,
            )


def _least_of_campaign(database: str, *, events: bool) -> Mapping[str, float]:
    if events:
        return {"addressees_per_second": ADDRESSEES_PER_SECOND_WITH_EVENTS}
    return {
        "addressees_per_second": ADDRESSEES_PER_SECOND[database],
        "ratio_to_bare_loop": RATIO_TO_BARE_LOOP,
    }


def _approvals(_sizes: Sequence[int]) -> Iterator[Measured]:
    for database in DATABASES:
        with chosen_database(database) as url:
            yield Measured(
                name=f"approvals_{database}",
                title=f"Approvals while a campaign is sending, on {database}",
                figures=approvals.measure(url),
                highest=OF_APPROVALS,
                lowest=RATIO_TO_BARE,
            )


def _delivery_events(_sizes: Sequence[int]) -> Iterator[Measured]:
    for database in DATABASES:
        with chosen_database(database) as url:
            yield Measured(
                name=f"delivery_events_{database}",
                title=f"Delivery events, on {database}",
                figures=delivery_events.measure(url),
                lowest=RATIO_TO_BARE,
            )


def _second_writer(_sizes: Sequence[int]) -> Iterator[Measured]:
    yield Measured(
        name="second_writer",
        title="A second writer, every 5 ms, beside imports and a freeze",
        figures=second_writer.measure(accounts=100_000, addressees=50_000),
        highest=OF_SECOND_WRITER,
    )


def _continue_as_new(_sizes: Sequence[int]) -> Iterator[Measured]:
    yield Measured(
        name="continue_as_new",
        title="A campaign that continues as new after every window of shards",
        figures=continue_as_new.measure(addressees=50_000),
        highest=NOBODY,
    )


def _watchdog(_sizes: Sequence[int]) -> Iterator[Measured]:
    yield Measured(
        name="watchdog",
        title="From terminate to repaired, with 1,000 and 10,000 open requests",
        figures=watchdog.measure(),
        highest=OF_WATCHDOG,
    )


def _requests(_sizes: Sequence[int]) -> Iterator[Measured]:
    for count in OPEN_REQUESTS:
        yield Measured(
            name=f"requests_{count}",
            title=f"{count:,} open requests, all due at one moment",
            figures=requests.measure(count),
            highest=OF_REQUESTS,
        )


def _crashes(_sizes: Sequence[int]) -> Iterator[Measured]:
    yield Measured(
        name="crashes",
        title="A campaign whose worker, website and Temporal server are killed four times each",
        figures=crashes.measure(addressees=20_000),
        highest=NOBODY,
    )
    yield Measured(
        name="crashes_postgresql",
        title="The same on PostgreSQL, which is killed as well",
        figures=crashes.measure(addressees=20_000, postgresql=True),
        highest=NOBODY,
    )
    yield Measured(
        name="crashes_late_events",
        title="The same on SQLite, with delivery events that come after ops were asked",
        figures=crashes.measure(addressees=20_000, late_events=True),
        highest=OF_LATE_EVENTS,
    )


def _long_policies(_sizes: Sequence[int]) -> Iterator[Measured]:
    yield Measured(
        name="long_policies",
        title="The engine on long policies, and on texts that are made to hurt it",
        figures=long_policies.measure(),
        highest=OF_LONG_POLICIES,
    )


BENCHMARKS: Mapping[str, Callable[[Sequence[int]], Iterator[Measured]]] = {
    "main_job": _main_job,
    "campaign": _campaigns,
    "approvals": _approvals,
    "delivery_events": _delivery_events,
    "second_writer": _second_writer,
    "continue_as_new": _continue_as_new,
    "watchdog": _watchdog,
    "requests": _requests,
    "crashes": _crashes,
    "long_policies": _long_policies,
}

if __name__ == "__main__":
    sys.exit(main())
