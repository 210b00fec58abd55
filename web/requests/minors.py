"""The page behind the mail to an account holder who is said to be a minor: what they say (P18).

Looking changes nothing. The link works until it is decided, and then says that it is.
"""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database.people.links import MINOR_CHECK
from database.requests.identity import link_is_current
from database.tables import Account, Link, MinorCheck
from domain.requests.minors import age_of_majority, check_by, heard_by
from web.forms import Form
from web.links import LinkClosed, locale_of, open_link
from web.readers import OnReader, Reader
from web.site import OnSite, Site
from workflows.messenger import Refused

router = APIRouter(prefix="/minor")
Token = Annotated[str, Path(max_length=200)]


@router.get("/{token}")
def minor_page(token: Token, site: OnSite, reader: OnReader) -> HTMLResponse:
    """What is looked into, and what was said so far."""
    with site.database.session() as session:
        return _show(session, site, reader, token)


@router.post("/{token}")
def say(token: Token, site: OnSite, reader: OnReader, posted: Form) -> Response:
    """Say something about it; whoever says more later says it instead."""
    with site.database.session() as session:
        check_id = _open(session, site, token).subject_id
    try:
        site.desk.hear_holder(check_id, posted.text("said"))
    except Refused as refused:
        with site.database.session() as session:
            return _show(
                session, site, reader, token, said=posted.text("said"), problem=str(refused)
            )
    return RedirectResponse(f"/minor/{token}{reader.kept}", status_code=303)


def _open(session: Session, site: Site, token: str) -> Link:
    """Raises LinkClosed, also for a link that went to an address which is on file no more."""
    link = open_link(session, site, token, site.now(), MINOR_CHECK)
    if not link_is_current(session, link):
        raise LinkClosed("replaced", MINOR_CHECK, locale_of(session, link))
    return link


def _show(
    session: Session,
    site: Site,
    reader: Reader,
    token: str,
    *,
    said: str = "",
    problem: str = "",
) -> HTMLResponse:
    link = _open(session, site, token)
    check = session.get_one(MinorCheck, link.subject_id)
    account = session.get_one(Account, link.account_id)
    reader, office = reader.known_as(locale_of(session, link)), site.company.office
    return reader.show(
        "minor.html",
        status=409 if problem else 200,
        check=check,
        path=f"/minor/{token}",
        said=said or check.said,
        problems={"said": reader.gettext(problem)} if problem else {},
        check_by_on=check_by(check.opened_at, office),
        heard_by_on=heard_by(check.informed_at or check.opened_at, office),
        age=age_of_majority(account.country),
        zone=site.company.zone_of(account.time_zone),
    )
