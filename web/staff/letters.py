"""Letters to whoever has no mailbox: printed and posted by hand, with proof of sending (P26)."""

from datetime import date
from uuid import UUID

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from database.facts import record
from database.requests.on_paper import PostRefused, letter_of, letters_to_post
from database.requests.requests import request_by_reference
from web.addresses import Reference
from web.forms import Form
from web.site import OnSite
from web.staff.access import GENUINE, Privacy, console
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/requests")


@router.get("/letters")
def letters(request: Request, site: OnSite, member: Privacy) -> HTMLResponse:
    """What waits to be printed and posted. Names nobody."""
    with site.database.session() as session:
        waiting = letters_to_post(session)
    return console(request, site, member, "letters.html", letters=waiting)


@router.get("/{reference}/letters/{mail_id}")
def letter(
    request: Request, site: OnSite, member: Privacy, reference: Reference, mail_id: UUID
) -> HTMLResponse:
    """One letter as it is printed; that it was read is recorded (P30)."""
    with site.database.transaction() as transaction:
        case = request_by_reference(transaction, reference)
        try:
            mail = letter_of(transaction, case, mail_id)
        except PostRefused:
            raise HTTPException(404) from None
        record(transaction, "personal_data.read", case.id, site.now(), staff=member.id)
    with site.database.session() as session:
        message = site.paper_letters.write(session, mail, site.now())
    return console(request, site, member, "letter.html", case=case, mail=mail, text=message.text)


@router.post("/{reference}/letters/{mail_id}/posted", dependencies=[GENUINE])
def posted_letter(
    site: OnSite, member: Privacy, reference: Reference, mail_id: UUID, posted: Form
) -> Response:
    """Note that it was posted, when, and what proves it."""
    try:
        on = date.fromisoformat(posted.text("posted_on"))
    except ValueError:
        raise Refused("Give the day on which it was posted. Nothing was noted.") from None
    site.desk.note_posted(reference, mail_id, member.id, posted_on=on, proof=posted.text("proof"))
    return RedirectResponse(f"/staff/requests/{reference}", status_code=303)
