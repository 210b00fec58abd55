"""What ops look at: services, mail, and the mails whose outcome only a person can decide."""

from uuid import UUID

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session, col, func, select

from database.outbox import waiting_for_ops
from database.tables import OutboxMail
from web.health import services
from web.site import OnSite
from web.staff.access import GENUINE, Operations, console
from workflows.desk import Refused

router = APIRouter(prefix="/staff/ops")


@router.get("")
def operations(request: Request, site: OnSite, member: Operations) -> HTMLResponse:
    """Health, mail by state, mails that wait for a decision."""
    with site.database.session() as session:
        return console(
            request,
            site,
            member,
            "operations.html",
            services=services(site),
            mails=_mails_by_state(session),
            waiting=waiting_for_ops(session),
        )


@router.post("/mails/{mail_id}/resend", dependencies=[GENUINE])
def resend_mail(mail_id: UUID, site: OnSite, member: Operations) -> Response:
    """Send a mail of unknown outcome again; who decided that is recorded."""
    try:
        site.desk.resend(mail_id, member.id)
    except Refused as refusal:
        raise HTTPException(409, str(refusal)) from None
    return RedirectResponse("/staff/ops", status_code=303)


def _mails_by_state(session: Session) -> dict[str, int]:
    rows = session.exec(
        select(OutboxMail.state, func.count())
        .group_by(OutboxMail.state)
        .order_by(col(OutboxMail.state))
    ).all()
    return dict(rows)
