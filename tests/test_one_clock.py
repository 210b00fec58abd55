"""Nothing reads another clock than the one it is given."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import ROOT

READS_REAL_TIME = re.compile(
    r"""
    \bdatetime\.(now|today|utcnow)\b | \bdate\.today\b
    | \btime\.(time|time_ns|localtime|gmtime|ctime|strftime|asctime|clock_gettime)\b
    | \bfrom\ time\ import\b(?!\ monotonic$) | \breal_now\b
    | \buuid(1|6|7)\b | \bst_[acm]time\b | \bgetmtime\b
    | \bfunc\.(now|current_\w+|localtime\w*|statement_timestamp|clock_timestamp)\b
    | \bCURRENT_(TIME|DATE|TIMESTAMP)\b | \bNOW\(\) | [\"']now[\"'] | \bjulianday\b
    | \bTimedSerializer\b | \bURLSafeTimed\w+\b | \bTimestampSigner\b | \bmax_age\b
    | \bnew\ Date\b | \bDate\.now\b | \bperformance\.now\b
    """,
    re.VERBOSE | re.MULTILINE,
)
ALLOWED = {
    "clock.py": "it is the clock",
    "cli/checkups/behind_temporal.py": (
        "whether a worker and the watchdog are alive is a question of real minutes"
    ),
    "health/lookout.py": "how long a service is away is told in hours of its own",
    "health/neighbours.py": "Temporal notes in real time when a worker last asked it for work",
    "worker.py": "a data source compares with its own clock when it was asked",
    "cli/checkups/house.py": "the same",
    "cli/erasures.py": "the same",
    "database/storage.py": "the file system notes in real time when a file was written",
    "activities/chores.py": "the same: a file that no row knows is left for a day",
    "activities/mail/courier.py": "who takes an alarm compares when it was signed with their clock",
    "web/webhooks.py": "when a batch of delivery events was signed is told by the mail service",
    "database/requests/metrics.py": "SQLite counts the days between two instants of rows like this",
    "database/ids.py": "an id holds real time only to lie beside its neighbours: nobody reads it",
    "web/app.py": "a session of staff ends twelve real hours later: their browser counts too",
    "embedded/sandbox/app.py": "the mail service stands outside the product, and so does its clock",
    "embedded/sandbox/events.py": "the same",
}
NOT_THE_PRODUCT = {"tests", "benchmarks", "docs", "build", "dist"}
"""Docs explain; the others measure the product from outside."""


def sources() -> Iterator[Path]:
    for kind in ("py", "html", "txt", "atom", "js", "sql", "mako"):
        for path in ROOT.rglob(f"*.{kind}"):
            inside = path.relative_to(ROOT).parts
            if not inside[0].startswith(".") and inside[0] not in NOT_THE_PRODUCT:
                yield path


def test_nothing_reads_real_time_but_those_who_may() -> None:
    """P7, P21: one company, one clock. `time.monotonic` measures how long and is no clock."""
    found = {
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if READS_REAL_TIME.search(path.read_text(encoding="utf-8"))
    }
    assert found == set(ALLOWED)


@pytest.mark.parametrize(
    "line",
    [
        "now = datetime.now(UTC)",
        "recorded_at: datetime = Field(default_factory=datetime.utcnow)",
        "began = time.time()",
        "from time import time, monotonic",
        'Column("at", UTCDateTime(), server_default=func.now())',
        "server_default=sa.text('CURRENT_TIMESTAMP')",
        "select datetime('now')",
        "URLSafeTimedSerializer(key).loads(value, max_age=60)",
        "id = uuid7()",
        "<script>new Date()</script>",
    ],
)
def test_each_way_to_read_real_time_is_recognised(line: str) -> None:
    assert READS_REAL_TIME.search(line)


@pytest.mark.parametrize(
    "line",
    [
        "now = workflow.now()",
        "at = site.now()",
        "began = time.monotonic()",
        "from time import monotonic",
        "at.strftime('%H:%M')",
    ],
)
def test_being_told_the_time_is_no_reading(line: str) -> None:
    assert not READS_REAL_TIME.search(line)
