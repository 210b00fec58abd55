"""The request form for whoever the company's own application hands over signed in (P25)."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from database.people.links import REQUEST_HANDOFF, LinkUnusable, usable_link
from database.tables import Account, Link
from domain.requests.data_subject_requests import Intake
from mail.links import LinkRefused, make_token, read_token
from web.forms import Form, Posted
from web.links import LinkClosed, locale_of
from web.readers import OnReader
from web.requests.requests import (
    SIGNED_IN,
    asked_for,
    attach,
    faults_of,
    faults_of_files,
    form_page,
    to_receipt,
)
from web.site import OnSite, Site
from workflows.desk import Receipt

router = APIRouter(prefix="/requests/signed-in")
Token = Annotated[str, Path(max_length=200)]
Kinds = Annotated[list[str] | None, Query(max_length=20)]


def handoff_token(site: Site, link: Link) -> str:
    """The token of a hand-off, good on this very website only."""
    return make_token(_audience(site), link.nonce, site.link_keys)


@router.get("/{token}")
def signed_in_form(
    token: Token, site: OnSite, reader: OnReader, kinds: Kinds = None
) -> HTMLResponse:
    """The form, without a question who asks; looking uses nothing up."""
    with site.database.session() as session:
        link = _opened(session, site, token)
        reader = reader.known_as(locale_of(session, link))
    chosen = Posted(fields=tuple(("kinds", kind) for kind in kinds or ()), files={})
    return form_page(reader, chosen, {}, known=True)


@router.post("/{token}")
def make_request_signed_in(token: Token, site: OnSite, reader: OnReader, posted: Form) -> Response:
    """Take the request of this account's holder in, once; their answer goes to the address in the
    account, whatever was posted. Only without one there are they asked for it."""
    with site.database.session() as session:
        link = _opened(session, site, token)
        account = session.get_one(Account, link.account_id)
    reader = reader.known_as(account.locale)
    intake = Intake(
        name=account.name,
        contact_address=account.email or posted.text("contact_address"),
        **asked_for(posted, reader),
    )
    found = faults_of(intake, reader) | faults_of_files(posted, reader)
    found.pop("name", None)  # as the company has it: nothing they could mend here
    if found:
        return form_page(reader, posted, found, known=True, status=422)
    try:
        request = site.desk.receive_signed_in(link.id, intake)
    except LinkUnusable as refusal:
        raise LinkClosed(refusal.kind, REQUEST_HANDOFF, account.locale) from None
    receipt = Receipt(
        reference=request.reference, received_at=request.received_at, due_at=request.due_at
    )
    attach(reader, receipt, posted)
    return to_receipt(reader, receipt, proof=SIGNED_IN)


def _audience(site: Site) -> str:
    return f"{REQUEST_HANDOFF} {site.company.base_url}"


def _opened(session: Session, site: Site, token: str) -> Link:
    try:
        nonce = read_token(_audience(site), token, site.link_keys)
        return usable_link(session, REQUEST_HANDOFF, nonce, site.now())
    except LinkUnusable as refusal:
        locale = locale_of(session, refusal.link) if refusal.link else ""
        raise LinkClosed(refusal.kind, REQUEST_HANDOFF, locale) from None
    except LinkRefused as refusal:
        raise LinkClosed(refusal.kind, REQUEST_HANDOFF) from None
