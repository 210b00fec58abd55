"""The page of legal holds: which stand, why, placed, and released by a second person (P13)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from database.people.staff import everybody
from database.requests.holds import every_hold
from domain.requests.legal_holds import HOLDERS
from web.forms import NOTHING_POSTED, Form, Posted
from web.staff.access import GENUINE
from web.staff.asked import Asker, OfRequest, account_of, asker
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/holds")
PATH = "/staff/holds"


ByHolder = Annotated[Asker, Depends(asker(*HOLDERS))]


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
    asked: Asker, *, reference: str = "", posted: Posted = NOTHING_POSTED, refusal: str = ""
) -> HTMLResponse:
    site = asked.site
    try:
        sources = site.desk.data_sources()
    except Refused as fault:
        sources, refusal = (), refusal or str(fault)
    with site.database.transaction() as transaction:
        account = account_of(transaction, reference)
        standing = every_hold(transaction, released=False)
        over = every_hold(transaction, released=True)
        read = {holder.id for _, holder in (*standing, *over)}
        read |= {account.id} if account else set()
        asked.reads_of(transaction, *sorted(read))
    with site.database.session() as session:
        return asked.page(
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
