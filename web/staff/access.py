"""Signing in with a personal token, and who may see and do what (P30)."""

import secrets
from collections.abc import Callable
from hmac import compare_digest
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from database.people.staff import StaffRefused, by_handle, by_token, everybody
from database.tables import Staff
from web.forms import Form
from web.site import OnSite, Site

router = APIRouter(prefix="/staff")


class SignInNeeded(Exception):
    """The page is for staff, and nobody is signed in."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.url = f"/staff/sign-in?next={quote(path)}"


def signed_in(request: Request, site: OnSite) -> Staff:
    """Whoever is signed in. Raises SignInNeeded."""
    staff_id = request.session.get("staff_id")
    with site.database.session() as session:
        member = session.get(Staff, UUID(staff_id)) if staff_id else None
    if member is None or member.left_at is not None:
        raise SignInNeeded(request.url.path if request.method == "GET" else "/staff")
    return member


SignedIn = Annotated[Staff, Depends(signed_in)]


def holding(*roles: str) -> Callable[[Staff], Staff]:
    """A dependency: the signed-in member of staff, who holds one of these roles."""

    def member_holding(member: SignedIn) -> Staff:
        if not set(roles) & {*member.roles}:
            raise HTTPException(
                403,
                f"This page takes the role {' or '.join(roles)}; "
                f"you have {', '.join(member.roles)}.",
            )
        return member

    return member_holding


def genuine(request: Request, posted: Form) -> None:
    """A dependency of every staff form: it comes from a page of this session."""
    expected = request.session.get("form_key", "")
    if not expected or not compare_digest(expected.encode(), posted.text("form_key").encode()):
        raise HTTPException(
            403,
            "This form is not from your present session, so nothing was changed. "
            "Go back, reload the page and send it again.",
        )


GENUINE = Depends(genuine)
READ_POLICIES = ("legal", "auditor", "admin")
CONTROL_CAMPAIGNS = ("legal", "ops")
ReadsPolicies = Annotated[Staff, Depends(holding(*READ_POLICIES))]
Controls = Annotated[Staff, Depends(holding(*CONTROL_CAMPAIGNS))]
Legal = Annotated[Staff, Depends(holding("legal"))]
Privacy = Annotated[Staff, Depends(holding("privacy"))]
Operations = Annotated[Staff, Depends(holding("ops", "admin"))]


def console(
    request: Request,
    site: Site,
    member: Staff,
    name: str,
    *,
    status: int = 200,
    **values: object,
) -> HTMLResponse:
    """A page of the console, with the menu of this member and the key of its forms."""
    form_key = request.session.setdefault("form_key", secrets.token_urlsafe(32))
    return site.pages.show(
        f"staff/{name}",
        status=status,
        member=member,
        form_key=form_key,
        temporal_ui=site.temporal_ui,
        inbox_url=site.inbox_url,
        **values,
    )


@router.get("/sign-in")
def sign_in_page(request: Request, site: OnSite) -> HTMLResponse:
    """Ask for the personal token."""
    return _sign_in(request, site)


@router.post("/sign-in", dependencies=[GENUINE])
def sign_in(request: Request, site: OnSite, posted: Form) -> Response:
    """Let a member of staff in; in development the handle is enough."""
    try:
        with site.database.session() as session:
            handle = posted.line("handle") if site.development else ""
            member = (
                by_handle(session, handle) if handle else by_token(session, posted.text("token"))
            )
    except StaffRefused as refusal:
        return _sign_in(request, site, refusal=str(refusal), status=403)
    request.session.clear()
    request.session["staff_id"] = str(member.id)
    return RedirectResponse(_local(posted.text("next")), status_code=303)


@router.post("/sign-out", dependencies=[GENUINE])
def sign_out(request: Request) -> Response:
    """End the session."""
    request.session.clear()
    return RedirectResponse("/staff/sign-in", status_code=303)


def _sign_in(request: Request, site: Site, *, refusal: str = "", status: int = 200) -> HTMLResponse:
    form_key = request.session.setdefault("form_key", secrets.token_urlsafe(32))
    with site.database.session() as session:
        colleagues = everybody(session) if site.development else []
    return site.pages.show(
        "staff/sign_in.html",
        status=status,
        refusal=refusal,
        form_key=form_key,
        next=_local(request.query_params.get("next", "")),
        colleagues=colleagues,
    )


def _local(path: str) -> str:
    """Only pages of the console: nobody is sent elsewhere after signing in."""
    safe = path.startswith("/staff") and "\\" not in path and "//" not in path
    return path if safe else "/staff"
