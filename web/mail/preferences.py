"""What somebody may be mailed for: a choice for each purpose, and one press to stop one (P17).

The links are for the company's own mails, need no login and work for ever. GET changes nothing,
since scanners open every link; no stamp is asked for, as a mail program that presses the button has
seen no page (RFC 8058).
"""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from database.people.links import PREFERENCES
from database.people.restricted import restricted_among
from database.requests.marketing import ONE_CLICK, PAGE, choose, offered_to, refuse, refused_by
from database.tables import Account
from domain.mail.suppressions import keys_of
from domain.people.marketing import MARKETING, OBJECTION, Choices, MarketingPurpose
from mail.links import LinkRefused, read_token
from web.forms import Form
from web.links import LinkClosed
from web.mail.marketing_links import preferences_path
from web.mail.unsubscribe import ONE_CLICK as PRESSED
from web.readers import OnReader, Reader
from web.site import OnSite, Site

router = APIRouter()
Token = Annotated[str, PathParameter(max_length=200)]
Purpose = Annotated[str, PathParameter(max_length=40)]


@router.get("/preferences/{token}")
def preferences_page(token: Token, site: OnSite, reader: OnReader) -> HTMLResponse:
    """Every purpose, and whether it is allowed; this changes nothing."""
    with site.database.session() as session:
        return _show(session, reader, _account(session, site, token))


@router.post("/preferences/{token}")
def choose_preferences(token: Token, site: OnSite, reader: OnReader, posted: Form) -> HTMLResponse:
    """Note what is allowed, of what the page showed: nothing is said of what came since."""
    now = site.now()
    declared = {purpose.key for purpose in _offered(site)}
    named = [value for name, value in posted.fields if name == "shown"]
    allowed = {value for name, value in posted.fields if name == "allowed"}
    choices = Choices(
        shown=tuple(key for key in dict.fromkeys(named) if key in declared),
        allowed=frozenset(allowed & declared & {*named}),
    )
    with site.database.transaction() as transaction:
        account = _account(transaction, site, token)
        choose(transaction, account, choices, site.suppression_key, now=now)
        transaction.flush()
        return _show(transaction, reader, account, saved=True)


@router.get("/unsubscribe/{purpose}/{token}")
def one_purpose_page(
    purpose: Purpose, token: Token, site: OnSite, reader: OnReader
) -> HTMLResponse:
    """Ask whether this purpose should stop; this never stops it."""
    with site.database.session() as session:
        return _show_one(session, reader, _account(session, site, token), _named(site, purpose))


@router.post("/unsubscribe/{purpose}/{token}")
def stop_one_purpose(
    purpose: Purpose, token: Token, site: OnSite, reader: OnReader, posted: Form
) -> HTMLResponse:
    """Stop it, and answer without a redirect: mail programs follow none (RFC 8058)."""
    how = ONE_CLICK if PRESSED in posted.fields else PAGE
    stopped = _named(site, purpose)
    with site.database.transaction() as transaction:
        account = _account(transaction, site, token)
        refuse(
            transaction,
            keys_of(account.email, [account.id], site.suppression_key),
            [stopped.key],
            how=how,
            now=site.now(),
            account_ids=[account.id],
        )
        return _show_one(transaction, reader, account, stopped)


def _account(session: Session, site: Site, token: str) -> Account:
    """Whose token it is."""
    try:
        account_id = UUID(bytes=read_token(PREFERENCES, token, site.link_keys))
    except LinkRefused as refusal:
        raise LinkClosed(refusal.kind, PREFERENCES) from None
    account = session.get(Account, account_id)
    if account is None:
        raise LinkClosed("unknown", PREFERENCES)
    return account


def _offered(site: Site) -> Sequence[MarketingPurpose]:
    today = site.company.today(site.now())
    return [purpose for purpose in site.company.purposes if purpose.is_offered(today)]


def _named(site: Site, key: str) -> MarketingPurpose:
    """A purpose that was declared. One that is not any more answers 404, and nothing is sent."""
    for purpose in site.company.purposes:
        if purpose.key == key:
            return purpose
    raise HTTPException(404)


def _show(
    session: Session, reader: Reader, account: Account, *, saved: bool = False
) -> HTMLResponse:
    site = reader.site
    refused = refused_by(session, account, site.suppression_key)
    offered = offered_to(session, [account.id]).get(account.id, frozenset())
    reader = reader.known_as(account.locale)
    return reader.show(
        "preferences.html",
        saved=saved,
        choices=[
            (purpose.key, purpose.label(reader.language), _is_allowed(purpose, refused, offered))
            for purpose in _offered(site)
        ],
        refuses_all=MARKETING in refused,
        objects=refused >= {*OBJECTION},
        restricted=account.id in restricted_among(session, [account.id]),
    )


def _is_allowed(
    purpose: MarketingPurpose, refused: frozenset[str], offered: frozenset[str]
) -> bool:
    """Whether it is done now: neither refused, nor new and not chosen yet."""
    begun = purpose.offered_from is None or purpose.key in offered
    return begun and not refused & {purpose.key, MARKETING}


def _show_one(
    session: Session, reader: Reader, account: Account, purpose: MarketingPurpose
) -> HTMLResponse:
    site = reader.site
    refused = refused_by(session, account, site.suppression_key)
    reader = reader.known_as(account.locale)
    return reader.show(
        "unsubscribe_purpose.html",
        label=purpose.label(reader.language),
        stopped=bool(refused & {purpose.key, MARKETING}),
        everything=preferences_path(site, account.id),
    )
