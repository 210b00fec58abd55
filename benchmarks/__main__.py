"""`make bench`: every benchmark, as a table and as JSON in benchmarks/results/."""

import json
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import continue_as_new, main_job, second_writer, watchdog

RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Run, print, keep."""
    _keep(
        "main_job",
        "The main job, 1,000 addressees, embedded stack",
        main_job.measure(addressees=1000),
    )
    _keep(
        "second_writer",
        "A second writer, every 5 ms, beside imports and a freeze",
        second_writer.measure(accounts=100_000, addressees=50_000),
    )
    _keep(
        "continue_as_new",
        "A campaign that continues as new after every window of shards",
        continue_as_new.measure(addressees=50_000),
    )
    _keep(
        "watchdog",
        "From terminate to repaired, with 1,000 and 10,000 open requests",
        watchdog.measure(),
    )


def _keep(name: str, title: str, figures: Mapping[str, float]) -> None:
    table = Table("figure", "value", title=title)
    for figure, value in figures.items():
        table.add_row(figure.replace("_", " "), f"{value:,.2f}")
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
