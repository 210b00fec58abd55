"""Whom a campaign's first notice did not reach: seen, given to somebody, told otherwise (P4)."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database import policies
from database.campaigns import campaign_by_number
from database.not_reached import COLUMNS, MEANS, REASONS, NotReached, not_reached, segments
from database.staff import everybody
from database.tables import Staff
from domain.spreadsheet import as_csv
from web.addresses import Number, Slug
from web.forms import Form
from web.site import OnSite, Site
from web.staff.access import GENUINE, Legal, ReadsPolicies, console
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/policies/{slug}/versions/{number}")
SHOWN = 200


def listed(slug: Slug, number: Number, site: OnSite) -> tuple[NotReached, ...]:
    """A dependency: the whole list. Raises PolicyUnknown, which is a 404."""
    with site.database.session() as session:
        campaign = campaign_by_number(session, slug, number)
        return tuple(not_reached(session, campaign, site.company.zone))


Listed = Annotated[tuple[NotReached, ...], Depends(listed)]


@router.get("/not-reached")
def not_reached_page(
    slug: Slug, number: Number, request: Request, site: OnSite, member: ReadsPolicies, rows: Listed
) -> HTMLResponse:
    """Those who wait to be reached, the earliest due first, and how many of what kind they are."""
    with site.database.session() as session:
        return _page(session, slug, number, request, site, member, rows)


@router.get("/not-reached.csv")
def not_reached_file(_member: ReadsPolicies, rows: Listed) -> Response:
    """The whole list, for a spreadsheet."""
    return Response(
        as_csv((asdict(row) for row in rows), COLUMNS),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="not-reached.csv"'},
    )


@router.post("/not-reached/assign", dependencies=[GENUINE])
def assign(slug: Slug, number: Number, site: OnSite, member: Legal, posted: Form) -> Response:
    """Give those of one reason, or all, to somebody."""
    state = posted.text("state") or None
    try:
        site.desk.assign_not_reached(slug, number, member.id, posted.line("to"), state=state)
    except Refused as refusal:
        raise HTTPException(409, str(refusal)) from None
    return RedirectResponse(_path(slug, number), status_code=303)


@router.post("/not-reached/reached", dependencies=[GENUINE])
def reached(slug: Slug, number: Number, site: OnSite, member: Legal, posted: Form) -> Response:
    """Note that somebody was told by other means."""
    account, how, reason = (posted.text(name) for name in ("account", "how", "reason"))
    try:
        site.desk.mark_reached(slug, number, member.id, account, how=how, reason=reason)
    except Refused as refusal:
        raise HTTPException(409, str(refusal)) from None
    return RedirectResponse(_path(slug, number), status_code=303)


def _page(
    session: Session,
    slug: str,
    number: int,
    request: Request,
    site: Site,
    member: Staff,
    rows: tuple[NotReached, ...],
) -> HTMLResponse:
    waiting = sorted(
        (row for row in rows if row.reached_how is None), key=lambda row: (row.due_on, row.account)
    )
    return console(
        request,
        site,
        member,
        "not_reached.html",
        policy=policies.policy_by_slug(session, slug),
        number=number,
        waiting=waiting,
        shown=waiting[:SHOWN],
        reached=[row for row in rows if row.reached_how is not None],
        segments=segments(rows),
        reasons=REASONS,
        means=MEANS,
        staff=everybody(session),
        today=site.now().astimezone(site.company.zone).date(),
    )


def _path(slug: str, number: int) -> str:
    return f"/staff/policies/{slug}/versions/{number}/not-reached"
