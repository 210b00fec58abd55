"""`make bench`: every benchmark, as a table and as JSON in benchmarks/results/.

Exit code 1 when a figure is over its limit.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import continue_as_new, crashes, long_policies, main_job, second_writer, watchdog

RESULTS = Path(__file__).with_name("results")
LIMITS = {
    "_p99_ms": 100.0,  # whoever writes beside an import is held up no longer
    "lost": 0.0,
    "doubles": 0.0,
    "doubles_without_doubt": 0.0,  # only what nobody knew to be out is ever repeated (P4)
    "left_to_ops": 0.0,
    "unfinished": 0.0,
    "longest_repair_seconds": 900.0,  # the watchdog's quarter of an hour
    "regular_400_kb_seconds": 3.0,
    "hostile_seconds": 60.0,  # nobody waits for it, and nobody else waits because of it
}
"""The highest value of every figure whose name ends so."""


def main() -> int:
    """Run, print, keep; 1 when anything was over its limit."""
    kept = (
        _keep(
            "main_job",
            "The main job, 1,000 addressees, embedded stack",
            main_job.measure(addressees=1000),
        ),
        _keep(
            "second_writer",
            "A second writer, every 5 ms, beside imports and a freeze",
            second_writer.measure(accounts=100_000, addressees=50_000),
        ),
        _keep(
            "continue_as_new",
            "A campaign that continues as new after every window of shards",
            continue_as_new.measure(addressees=50_000),
        ),
        _keep(
            "watchdog",
            "From terminate to repaired, with 1,000 and 10,000 open requests",
            watchdog.measure(),
        ),
        _keep(
            "crashes",
            "A campaign whose worker, website and Temporal server are killed four times each",
            crashes.judged(crashes.measure(addressees=20_000)),
        ),
        _keep(
            "crashes_postgresql",
            "The same on PostgreSQL, which is killed as well",
            crashes.judged(crashes.measure(addressees=20_000, postgresql=True)),
        ),
        _keep(
            "crashes_late_events",
            "The same on SQLite, with delivery events that come after ops were asked",
            crashes.judged(crashes.measure(addressees=20_000, late_events=True)),
        ),
        _keep(
            "long_policies",
            "The engine on long policies, and on texts that are made to hurt it",
            long_policies.measure(),
        ),
    )
    return 0 if all(kept) else 1


def _keep(name: str, title: str, figures: Mapping[str, float]) -> bool:
    """Print and store figures; whether each keeps to its limit."""
    table = Table("figure", "value", "limit", title=title)
    kept = True
    for figure, value in figures.items():
        limit = next((limit for end, limit in LIMITS.items() if figure.endswith(end)), None)
        over = limit is not None and value > limit
        kept = kept and not over
        shown = "" if limit is None else f"{limit:,.0f}{' EXCEEDED' if over else ''}"
        table.add_row(figure.replace("_", " "), f"{value:,.2f}", shown)
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")
    return kept


if __name__ == "__main__":
    sys.exit(main())
