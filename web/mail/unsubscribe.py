"""The page behind "no more reminders": one button, and the POST that mail programs send without it.

No stamp is asked for, as there is no page when a mail program presses the button (RFC 8058). GET
changes nothing, since scanners open every link. Notices that are owed go on (P4, P17).
"""

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from database.mail.suppressions import remind_no_more, reminded_no_more_since
from database.people.links import UNSUBSCRIBE, Holder, LinkUnusable, holder_of
from database.tables import Account
from mail.links import LinkRefused, read_token
from web.forms import Form
from web.links import LinkClosed
from web.mail.marketing_links import preferences_path
from web.readers import OnReader, Reader
from web.site import OnSite, Site

router = APIRouter(prefix="/unsubscribe")
Token = Annotated[str, PathParameter(max_length=200)]
ONE_CLICK = ("List-Unsubscribe", "One-Click")


@router.get("/{token}")
def unsubscribe_page(token: Token, site: OnSite, reader: OnReader) -> HTMLResponse:
    """Ask whether reminders should stop; this never stops them."""
    with site.database.session() as session:
        return _show(session, reader, _holder(session, site, token))


@router.post("/{token}")
def unsubscribe(token: Token, site: OnSite, reader: OnReader, posted: Form) -> HTMLResponse:
    """Stop reminders, and answer without a redirect: mail programs follow none (RFC 8058)."""
    how = "one_click" if ONE_CLICK in posted.fields else "page"
    with site.database.transaction() as transaction:
        holder = _holder(transaction, site, token)
        remind_no_more(transaction, holder, how=how, now=site.now())
        return _show(transaction, reader, holder)


def _holder(session: Session, site: Site, token: str) -> Holder:
    """Whose token it is. It works for ever, also when the one to approve was replaced."""
    try:
        return holder_of(session, read_token(UNSUBSCRIBE, token, site.link_keys))
    except (LinkRefused, LinkUnusable) as refusal:
        raise LinkClosed(refusal.kind, UNSUBSCRIBE) from None


def _show(session: Session, reader: Reader, holder: Holder) -> HTMLResponse:
    account = session.get_one(Account, holder.account_id)
    site = reader.site
    return reader.known_as(account.locale).show(
        "unsubscribe.html",
        since=reminded_no_more_since(session, account.id),
        marketing=preferences_path(site, account.id) if site.company.purposes else "",
        zone=site.company.zone_of(account.time_zone),
    )
