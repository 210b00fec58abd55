"""Staff take in what came by mail, telephone or post, with its true time of receipt (P26, P30)."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from database.people.accounts import AccountUnknown, account_by_external_id
from database.people.staff import INTAKE_ROLES
from database.requests.requests import request_by_reference
from database.tables import Staff
from domain.people.languages import language_named
from domain.places import in_utc
from domain.requests.data_subject_requests import Intake, problems
from web.addresses import Reference
from web.forms import NOTHING_POSTED, Form, Posted
from web.requests.requests import CHOICES, countries
from web.site import OnSite, Site
from web.staff.access import GENUINE, console, holding
from workflows.desk.reception import OLD_RECEIPT
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/requests")
CHANNELS: Mapping[str, str] = {"mail": "e-mail", "phone": "telephone", "post": "letter"}
TakesIn = Annotated[Staff, Depends(holding(*INTAKE_ROLES))]


@router.get("/new")
def intake_form(request: Request, site: OnSite, member: TakesIn) -> HTMLResponse:
    """The form for what somebody wrote or said."""
    return _form(request, site, member)


@router.post("/new", dependencies=[GENUINE])
def take_in(request: Request, site: OnSite, member: TakesIn, posted: Form) -> Response:
    """Take it in; what is wrong is said, and what was typed is kept."""
    found, received_at, account_id = _wrong(site, posted)
    intake = _intake(site, posted)
    found |= dict(problems(intake))
    if found or received_at is None:
        return _form(request, site, member, posted=posted, found=found)
    try:
        taken = site.desk.enter(
            intake,
            member.id,
            channel=posted.text("channel"),
            received_at=received_at,
            is_old=posted.text("is_old") == "yes",
            account_id=account_id,
        )
    except Refused as refusal:
        return _form(request, site, member, posted=posted, found={"received_on": str(refusal)})
    path = f"/staff/requests/{taken.reference}"
    if "privacy" not in member.roles:
        path = f"/staff/requests/taken-in/{taken.reference}"
    return RedirectResponse(path, status_code=303)


@router.get("/taken-in/{reference}")
def taken_in(request: Request, site: OnSite, member: TakesIn, reference: Reference) -> HTMLResponse:
    """What to tell whoever asked: reference and dates; the rest is privacy's (P30)."""
    with site.database.session() as session:
        taken = request_by_reference(session, reference)
    return console(request, site, member, "request_taken_in.html", taken=taken)


def _intake(site: Site, posted: Posted) -> Intake:
    return Intake(
        name=posted.text("name"),
        contact_address=posted.text("contact_address"),
        postal_address=posted.text("postal_address"),
        kinds=posted.texts("kinds"),
        message=posted.text("message"),
        country=posted.text("country") or None,
        language=language_named(posted.text("language"), site.company.languages) or "",
        agent_name=posted.text("agent_name"),
        agent_address=posted.text("agent_address"),
    )


def _wrong(site: Site, posted: Posted) -> tuple[dict[str, str], datetime | None, UUID | None]:
    """What is wrong with what only staff fill in; when it came, and whose account it is about."""
    found: dict[str, str] = {}
    received_at = _received_at(site, posted)
    if posted.text("channel") not in CHANNELS:
        found["channel"] = "Choose how it came."
    if received_at is None:
        found["received_on"] = "Give the day and the time at which it came."
    elif received_at > site.now():
        found["received_on"] = "This is in the future. Give the day and time at which it came."
    account_id = None
    if external_id := posted.line("external_id"):
        try:
            with site.database.session() as session:
                account_id = account_by_external_id(session, external_id).id
        except AccountUnknown:
            found["external_id"] = "There is no such account. Leave it empty if you are not sure."
    return found, received_at, account_id


def _received_at(site: Site, posted: Posted) -> datetime | None:
    try:
        day = date.fromisoformat(posted.text("received_on"))
        at = time.fromisoformat(posted.text("received_time"))
        return in_utc(datetime.combine(day, at.replace(tzinfo=None), tzinfo=site.company.zone))
    except ValueError:
        return None


def _form(
    request: Request,
    site: Site,
    member: Staff,
    *,
    posted: Posted = NOTHING_POSTED,
    found: Mapping[str, str] | None = None,
) -> HTMLResponse:
    pages = site.pages
    return console(
        request,
        site,
        member,
        "request_intake.html",
        status=422 if found else 200,
        posted=posted,
        problems=found or {},
        may_be_old=OLD_RECEIPT in (found or {}).values() or posted.text("is_old") == "yes",
        channels=CHANNELS,
        choices=CHOICES,
        countries=countries(pages.language),
        languages=[(tag, pages.language.name_of(tag)) for tag in site.company.languages],
    )
