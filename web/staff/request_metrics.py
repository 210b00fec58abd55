"""How well requests are answered: a page for the privacy team, and counts for Prometheus (P21)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from hmac import compare_digest
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from database.requests.metrics import request_metrics
from domain.requests.metrics import RequestMetrics
from web.site import OnSite, Site
from web.staff.access import Privacy, console

router = APIRouter()
PERIODS: Mapping[str, int] = {"30": 30, "365": 365, "all": 0}
"""Of which requests, by the days since they were received."""
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
CLOSED = "There are no metrics here: PROMISEKEEPER_METRICS_TOKEN is not set.\n"
NOT_LET_IN = (
    "Send the token of PROMISEKEEPER_METRICS_TOKEN: Authorization: Bearer ... In Prometheus: "
    "authorization.credentials_file of the scrape.\n"
)


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
def for_prometheus(site: OnSite, given: Given) -> PlainTextResponse:
    """Counts of all requests, in the text format of Prometheus: no personal data. For whoever has
    the token; on a laptop for everybody, where none is set."""
    if refusal := _refusal(site, given.credentials if given else ""):
        return refusal
    with site.database.session() as session:
        found = request_metrics(session, None, site.now())
    return PlainTextResponse(
        "\n".join(_lines(found)) + "\n", media_type="text/plain; version=0.0.4"
    )


def _refusal(site: Site, token: str) -> PlainTextResponse | None:
    """How business goes is not everybody's; a token that was never set opens nothing."""
    if not site.metrics_token:
        return None if site.development else PlainTextResponse(CLOSED, status_code=404)
    if compare_digest(token.encode(), site.metrics_token.encode()):
        return None
    bearer = {"WWW-Authenticate": "Bearer"}
    return PlainTextResponse(NOT_LET_IN, status_code=401, headers=bearer)


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
    by = {"kind": found.by_kind, "outcome": found.by_outcome, "ground": found.by_ground}
    for label, counts in by.items():
        values = [(f'{{{label}="{word}"}}', count) for word, count in counts.items()]
        yield from _one(f"promisekeeper_rights_by_{label}_total", "counter", values)


def _one(name: str, kind: str, values: list[tuple[str, int]]) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    for labels, value in values:
        yield f"{name}{labels} {value}"
