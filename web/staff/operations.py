"""What ops look at: services, workflows, imports, and mails that wait for a person to decide."""

from uuid import UUID

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from database.campaigns.controls import open_stop, running
from database.campaigns.owed import open_corrections
from database.mail.doubts import doubt_by_key, doubts, mails_alike, rejects
from database.mail.mail_status import mail_status, mails_by_state
from health.alarms import alarms
from health.imports import imports
from temporal import VIEWS
from web.health import services
from web.site import OnSite
from web.staff.access import GENUINE, Operations, console

router = APIRouter(prefix="/staff/ops")
MAILS_ON_A_PAGE = 20


@router.get("")
def operations(request: Request, site: OnSite, member: Operations) -> HTMLResponse:
    """Health, imports, alarms, mail by state, mails that wait for a decision."""
    found = services(site)  # they take their time, and need no database meanwhile
    with site.database.session() as session:
        mails = mails_by_state(session)
        return console(
            request,
            site,
            member,
            "operations.html",
            services=found,
            clock=site.clock.standing() if site.development else "",
            imports=imports(session, site.now()),
            alarms=alarms(session, site.alarm_webhook_url, site.now()),
            mails=mails,
            mail_status=mail_status(session, mails, site.now(), per_minute=site.mail_rate),
            doubts=doubts(session),
            rejects=rejects(session, site.now()),
            campaigns=running(session),
            corrections=open_corrections(session),
            mail_stop=open_stop(session),
            views=VIEWS,
            workflows_url=site.workflows_url,
        )


@router.get("/views/{key}")
def view(
    request: Request, key: str, site: OnSite, member: Operations, *, keep: bool = False
) -> HTMLResponse:
    """On to the Temporal UI, which lists what a view finds now; `keep` saves the view there.

    No redirect: a browser that comes from signing in follows none to another site.
    """
    if key not in VIEWS:
        raise HTTPException(404)
    address = site.view_url(VIEWS[key], keep=keep)
    page = console(request, site, member, "onward.html", view=VIEWS[key], address=address)
    page.headers["Refresh"] = f"0; url={address}"
    return page


@router.get("/mails/{key}")
def alike(
    request: Request, key: str, site: OnSite, member: Operations, page: int = 1
) -> HTMLResponse:
    """The single mails of a group that waits for ops, a few on each page."""
    with site.database.session() as session:
        now = site.now()
        doubt = doubt_by_key(session, key, now)
        if doubt is None:
            raise HTTPException(404)
        pages = -(-doubt.mails // MAILS_ON_A_PAGE)
        page = min(max(page, 1), pages)
        return console(
            request,
            site,
            member,
            "doubt.html",
            doubt=doubt,
            mails=mails_alike(
                session, doubt, now, after=(page - 1) * MAILS_ON_A_PAGE, limit=MAILS_ON_A_PAGE
            ),
            page=page,
            pages=pages,
        )


@router.post("/mails/alike/{key}/resend", dependencies=[GENUINE])
def resend_alike(key: str, site: OnSite, member: Operations) -> Response:
    """Send all mails of a group again; who decided that is recorded."""
    site.desk.resend_alike(key, member.id)
    return RedirectResponse("/staff/ops", status_code=303)


@router.post("/mails/{mail_id}/resend", dependencies=[GENUINE])
def resend_mail(mail_id: UUID, site: OnSite, member: Operations) -> Response:
    """Send a mail again of unknown outcome, or that was rejected; who decided that is recorded."""
    site.desk.resend(mail_id, member.id)
    return RedirectResponse("/staff/ops", status_code=303)
