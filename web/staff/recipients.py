"""Telling whoever was given data what became of it: on the page of the request, and in one list of
all who have still to hear of it (P12-P14, GDPR Article 19)."""

from collections import defaultdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from database.requests.recipients import still_to_tell
from domain.requests.recipients import tell_by
from web.forms import NOTHING_POSTED, Form, Posted
from web.staff.access import GENUINE
from web.staff.asked import Asker, asker
from web.staff.requests import ByPrivacy, all_staff, back
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/requests")
LIST = "/staff/requests/recipients"
OfPrivacy = Annotated[Asker, Depends(asker("privacy"))]


@router.get("/recipients")
def recipients_page(asked: OfPrivacy) -> HTMLResponse:
    """Who was given data and has still to hear what became of it, by when. Names no person."""
    return _page(asked)


@router.post("/recipients", dependencies=[GENUINE])
def note_told_together(asked: OfPrivacy, posted: Form) -> Response:
    """Say that a recipient was told of all that is ticked, and how."""
    try:
        asked.site.desk.note_told_together(
            {UUID(one) for one in posted.texts("notice")}, asked.member.id, how=posted.text("how")
        )
    except ValueError:
        return _page(asked, posted=posted, refusal="Tick what you told them of.")
    except Refused as refusal:
        return _page(asked, posted=posted, refusal=str(refusal))
    return RedirectResponse(LIST, status_code=303)


@router.post("/{reference}/recipients/{notice_id}", dependencies=[GENUINE])
def note_told(asked: ByPrivacy, notice_id: Annotated[UUID, Path()], posted: Form) -> Response:
    """Say that a recipient of data was told, and how."""
    return back(
        asked,
        lambda: asked.site.desk.note_told(
            asked.reference, notice_id, asked.member.id, how=posted.text("how")
        ),
    )


def _page(asked: Asker, *, posted: Posted = NOTHING_POSTED, refusal: str = "") -> HTMLResponse:
    site = asked.site
    with site.database.session() as session:
        by_recipient = defaultdict(list)
        for notice, request, right in still_to_tell(session):
            by_recipient[notice.recipient].append(
                {
                    "notice": notice,
                    "request": request,
                    "kind": right.kind,
                    "due_on": tell_by(notice.noted_at, site.company.office),
                }
            )
        return asked.page(
            "recipients.html",
            status=409 if refusal else 200,
            refusal=refusal,
            posted=posted,
            ticked=posted.texts("notice"),
            recipients=dict(by_recipient),
            today=site.company.today(site.now()),
            staff=all_staff(session),
        )
