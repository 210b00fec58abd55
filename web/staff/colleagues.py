"""Who of staff is away, and who stands in for them: said by themselves, or by an admin (P21)."""

from datetime import date
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database.people.absences import AbsenceRefused, absences, set_absent, set_back
from database.people.staff import StaffRefused, by_handle, everybody
from database.tables import Staff
from domain.places import local_date
from web.forms import NOTHING_POSTED, Form, Posted
from web.site import OnSite, Site
from web.staff.access import GENUINE, SignedIn, console

router = APIRouter(prefix="/staff/colleagues")


@router.get("")
def colleagues(request: Request, site: OnSite, member: SignedIn) -> HTMLResponse:
    """Everybody, with roles and absences."""
    return _page(request, site, member)


@router.post("/absent", dependencies=[GENUINE])
def note_absence(request: Request, site: OnSite, member: SignedIn, posted: Form) -> Response:
    """Say who is away from when until when, and who stands in; what is refused keeps its words."""
    try:
        from_on, until_on = _day(posted, "from"), _day(posted, "until")
        with site.database.transaction() as transaction:
            set_absent(
                transaction,
                by_handle(transaction, posted.line("handle")),
                from_on=from_on,
                until_on=until_on,
                delegate=by_handle(transaction, posted.line("delegate")),
                by=_acting(transaction, member.id),
                now=site.now(),
            )
    except (AbsenceRefused, StaffRefused) as refusal:
        return _page(request, site, member, posted=posted, refusal=str(refusal))
    return RedirectResponse("/staff/colleagues", status_code=303)


@router.post("/back", dependencies=[GENUINE])
def note_return(request: Request, site: OnSite, member: SignedIn, posted: Form) -> Response:
    """Say that somebody is back, or does not go."""
    try:
        with site.database.transaction() as transaction:
            set_back(
                transaction,
                by_handle(transaction, posted.line("handle")),
                by=_acting(transaction, member.id),
                on=local_date(site.now(), site.company.zone),
                now=site.now(),
            )
    except StaffRefused as refusal:
        return _page(request, site, member, refusal=str(refusal))
    return RedirectResponse("/staff/colleagues", status_code=303)


def _page(
    request: Request,
    site: Site,
    member: Staff,
    *,
    posted: Posted = NOTHING_POSTED,
    refusal: str = "",
) -> HTMLResponse:
    today = local_date(site.now(), site.company.zone)
    with site.database.session() as session:
        present = everybody(session)
        return console(
            request,
            site,
            member,
            "colleagues.html",
            status=409 if refusal else 200,
            present=present,
            by_id={one.id: one for one in present},
            absences=absences(session, today),
            changes=[one for one in present if one.id == member.id or "admin" in member.roles],
            today=today,
            posted=posted,
            refusal=refusal,
        )


def _acting(transaction: Session, staff_id: UUID) -> Staff:
    return transaction.get_one(Staff, staff_id)


def _day(posted: Posted, name: str) -> date:
    try:
        return date.fromisoformat(posted.text(name))
    except ValueError:
        raise AbsenceRefused(
            f"Give the day {name} when, like 2026-03-01. Nothing changed."
        ) from None
