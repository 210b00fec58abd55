"""How well requests are answered: a page for the privacy team, and counts for Prometheus (P21)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse

from database.requests.metrics import request_metrics
from domain.requests.metrics import RequestMetrics
from web.site import OnSite
from web.staff.access import Privacy, console

router = APIRouter()
PERIODS: Mapping[str, int] = {"30": 30, "365": 365, "all": 0}
"""Of which requests, by the days since they were received."""


@router.get("/staff/requests/metrics")
def page(request: Request, site: OnSite, member: Privacy, of: str = "365") -> HTMLResponse:
    """The figures of a period. Names nobody."""
    now, days = site.now(), PERIODS.get(of, 365)
    with site.database.session() as session:
        found = request_metrics(session, now - timedelta(days=days) if days else None, now)
    return console(
        request, site, member, "request_metrics.html", metrics=found, of=of, periods=PERIODS
    )


@router.get("/metrics")
def for_prometheus(site: OnSite) -> PlainTextResponse:
    """Counts of all requests, in the text format of Prometheus: no personal data."""
    with site.database.session() as session:
        found = request_metrics(session, None, site.now())
    return PlainTextResponse(
        "\n".join(_lines(found)) + "\n", media_type="text/plain; version=0.0.4"
    )


def _lines(found: RequestMetrics) -> Iterator[str]:
    gauges = {"open": found.open, "overdue": found.overdue}
    counters = {
        "received": found.received,
        "answered": found.answered,
        "answered_in_time": found.answered_in_time,
        "near_misses": found.near_misses,
        "late_replies": found.late_replies,
    }
    for name, value in gauges.items():
        yield from _one(f"promisekeeper_requests_{name}", "gauge", [("", value)])
    for name, value in counters.items():
        yield from _one(f"promisekeeper_requests_{name}_total", "counter", [("", value)])
    for label, counts in (("kind", found.by_kind), ("outcome", found.by_outcome)):
        values = [(f'{{{label}="{word}"}}', count) for word, count in counts.items()]
        yield from _one(f"promisekeeper_rights_by_{label}_total", "counter", values)


def _one(name: str, kind: str, values: list[tuple[str, int]]) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    for labels, value in values:
        yield f"{name}{labels} {value}"
