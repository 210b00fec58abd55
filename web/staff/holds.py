"""The page of legal holds: which stand, why, placed, and released by a second person (P13)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database.facts import record
from database.holds import every_hold
from database.requests import RequestUnknown, request_by_reference
from database.staff import everybody
from database.tables import Account
from web.forms import NOTHING_POSTED, Form, Posted
from web.site import OnSite
from web.staff.access import GENUINE, PlacesHolds, console
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/holds")
PATH = "/staff/holds"


class Asked:
    """Which member of legal or privacy asks."""

    def __init__(self, request: Request, site: OnSite, member: PlacesHolds) -> None:
        self.request = request
        self.site = site
        self.member = member


ByHolder = Annotated[Asked, Depends()]
OfRequest = Annotated[str, Query(alias="request", max_length=20)]


@router.get("")
def holds_page(asked: ByHolder, reference: OfRequest = "") -> HTMLResponse:
    """What is under hold, and the form to place one on the account of a request, or another."""
    return _page(asked, reference=reference)


@router.post("", dependencies=[GENUINE])
def place(asked: ByHolder, posted: Form) -> Response:
    """Place a hold."""
    try:
        asked.site.desk.place_hold(
            posted.line("account"),
            asked.member.id,
            reason=posted.text("reason"),
            source=posted.line("source"),
        )
    except Refused as refusal:
        return _page(asked, posted=posted, refusal=str(refusal))
    return RedirectResponse(PATH, status_code=303)


@router.post("/{hold_id}/release", dependencies=[GENUINE])
def release(asked: ByHolder, hold_id: UUID, posted: Form) -> Response:
    """Release a hold, as a second person."""
    try:
        asked.site.desk.release_hold(hold_id, asked.member.id, reason=posted.text("why"))
    except Refused as refusal:
        return _page(asked, refusal=str(refusal))
    return RedirectResponse(PATH, status_code=303)


def _page(
    asked: Asked, *, reference: str = "", posted: Posted = NOTHING_POSTED, refusal: str = ""
) -> HTMLResponse:
    site = asked.site
    try:
        sources = site.desk.data_sources()
    except Refused as fault:
        sources, refusal = (), refusal or str(fault)
    with site.database.transaction() as transaction:
        account = _account_of(transaction, reference) if reference else None
        standing = every_hold(transaction, released=False)
        over = every_hold(transaction, released=True)
        read = {holder.id for _, holder in (*standing, *over)} | (
            {account.id} if account else set()
        )
        for account_id in sorted(read):  # who reads about whom is recorded (P30)
            record(transaction, "personal_data.read", account_id, site.now(), staff=asked.member.id)
    with site.database.session() as session:
        return console(
            asked.request,
            site,
            asked.member,
            "holds.html",
            status=409 if refusal else 200,
            refusal=refusal,
            posted=posted,
            account=posted.text("account") or (account.external_id if account else ""),
            standing=standing,
            over=over,
            sources=sources,
            staff={member.id: member for member in everybody(session)},
        )


def _account_of(session: Session, reference: str) -> Account | None:
    """The account of a request."""
    try:
        request = request_by_reference(session, reference)
    except RequestUnknown:
        return None
    return session.get(Account, request.account_id) if request.account_id else None
