"""The late reply, read and approved by two of privacy before anybody gets it (P21)."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database.people.staff import everybody
from database.requests.late_replies import (
    NEEDED,
    approve_late_reply,
    late_reply_approvals,
    unapproved,
)
from web.forms import Form
from web.samples import late_replies
from web.site import OnSite, Site
from web.staff.access import GENUINE, Privacy, console

router = APIRouter(prefix="/staff/late-reply")


@router.get("")
def late_reply_page(request: Request, site: OnSite, member: Privacy) -> HTMLResponse:
    """Its words in each language, at every stage, and who approved them."""
    replies = late_replies(site.company.languages)
    with site.database.session() as session:
        return console(
            request,
            site,
            member,
            "late_reply.html",
            replies=replies.values(),
            approvals={
                reply.sha256: late_reply_approvals(session, reply.sha256)
                for reply in replies.values()
            },
            needed=NEEDED,
            staff={one.id: one for one in everybody(session)},
        )


@router.post("/approve", dependencies=[GENUINE])
def approve(site: OnSite, member: Privacy, posted: Form) -> Response:
    """Approve the words that were read; where they changed since, the page shows the new ones."""
    read = posted.text("sha256")
    with site.database.transaction() as transaction:
        for reply in late_replies(site.company.languages).values():
            if reply.sha256 == read:
                approve_late_reply(
                    transaction,
                    language=reply.language,
                    sha256=reply.sha256,
                    by=member.id,
                    now=site.now(),
                )
    return RedirectResponse("/staff/late-reply", status_code=303)


def missing_late_replies(session: Session, site: Site) -> list[str]:
    """The languages that people read us in and that no late reply is approved in."""
    replies = late_replies(site.company.languages)
    return unapproved(session, {tag: reply.sha256 for tag, reply in replies.items()})
