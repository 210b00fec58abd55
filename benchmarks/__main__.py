"""`make bench`: every benchmark, as a table and as JSON in benchmarks/results/."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.main_job import measure

RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Run, print, keep."""
    figures = measure(addressees=1000)
    table = Table("figure", "value", title="The main job, 1,000 addressees, embedded stack")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:,.2f}")
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "main_job.json").write_text(json.dumps(figures, indent=2) + "\n")


main()
