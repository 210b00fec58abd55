"""Fetching a copy of one's data: a link from the answer, and a code to the address on file.

GET shows, POST sends a code or fetches. A link and its code are used up by a transfer that came to
its end, and by nothing else (P11, P16).
"""

from collections.abc import Iterator
from functools import partial

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from sqlmodel import Session

from database.people.links import REQUEST_COPY, REQUEST_COPY_CODE
from database.requests import packages
from database.tables import DataSubjectRequest, Link
from mail.links import is_code
from web.forms import Form
from web.links import LinkClosed, locale_of, open_link
from web.readers import OnReader, Reader
from web.requests.copy_files import NAME, copy_archive
from web.requests.identity import no_code
from web.requests.requests import Token
from web.site import OnSite, Site
from workflows.messenger import Refused

router = APIRouter(prefix="/requests/copy/{token}")
PIECE_BYTES = 65_536


@router.get("")
def copy_page(token: Token, site: OnSite, reader: OnReader) -> HTMLResponse:
    """What can be fetched, and until when; looking sends and fetches nothing."""
    return _page(token, site, reader)


@router.post("/code")
def send_code(token: Token, site: OnSite, reader: OnReader) -> Response:
    """Send a code to the address that is on file now."""
    with site.database.session() as session:
        link = _open(session, site, token)
    if site.desk.send_copy_code(link.subject_id):
        return RedirectResponse(f"/requests/copy/{token}{reader.kept}", status_code=303)
    words = reader.gettext(
        "There is no other code now: we send a few in an hour and in a day. Please try again later."
    )
    return _page(token, site, reader, problem=words, status=429)


@router.post("")
def fetch(token: Token, site: OnSite, reader: OnReader, posted: Form) -> Response:
    """Give the copy to whoever types the code."""
    with site.database.session() as session:
        link = _open(session, site, token)
    typed = posted.text("code")
    if words := no_code(reader, typed):
        return _page(token, site, reader, problem=words, status=422)
    opens = partial(_opens, site, typed)
    if not site.desk.try_copy_code(link.subject_id, opens):
        words = reader.gettext(
            "This is not the code, or it is good no more. Nothing was given away. You may try "
            "again, or ask for another code."
        )
        return _page(token, site, reader, problem=words, status=422)
    with site.database.session() as session:
        request = session.get_one(DataSubjectRequest, link.subject_id)
        try:
            content = _archive(session, site, reader.known_as(locale_of(session, link)), request)
        except Refused:
            words = reader.gettext(
                "The copy cannot be opened at the moment. The fault is ours, and nothing is lost: "
                "please write to us."
            )
            return _page(token, site, reader, problem=words, status=503)
    name = NAME.format(reference=request.reference)
    return StreamingResponse(
        _pieces(site, request, content),
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
        },
    )


def _pieces(site: Site, request: DataSubjectRequest, content: bytes) -> Iterator[bytes]:
    """The archive piece by piece; whoever breaks off before the last one has used up nothing."""
    for start in range(0, len(content), PIECE_BYTES):
        yield content[start : start + PIECE_BYTES]
    site.desk.note_fetched(request.id)


def _archive(session: Session, site: Site, reader: Reader, request: DataSubjectRequest) -> bytes:
    parts = packages.parts_of(session, request.id)
    collected = site.desk.collected(parts)
    return copy_archive(
        session,
        site,
        reader.pages,
        request,
        list(zip(parts, collected, strict=True)),
        packages.granted_copies(session, request),
        request.answered_at or site.now(),
    )


def _open(session: Session, site: Site, token: str) -> Link:
    """The link to a copy that is still there. Raises LinkClosed."""
    link = open_link(session, site, token, site.now(), REQUEST_COPY)
    request = session.get_one(DataSubjectRequest, link.subject_id)
    package = packages.package_of(session, request.id)
    over = request.answered_at is None or (
        request.answered_at + site.company.package_period <= site.now()
    )
    if over or package is None or package.deleted_at is not None:
        raise LinkClosed("expired", REQUEST_COPY, locale_of(session, link))
    return link


def _page(
    token: str, site: Site, reader: Reader, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    with site.database.session() as session:
        link = _open(session, site, token)
        request = session.get_one(DataSubjectRequest, link.subject_id)
        code = packages.live_copy_code(session, request, site.now())
        value = packages.value_of(code) if code else None
        answered_at = request.answered_at or site.now()
        return reader.known_as(locale_of(session, link)).show(
            "request_copy.html",
            status=status,
            request=request,
            path=f"/requests/copy/{token}",
            until=answered_at + site.company.package_period,
            has_address=packages.has_address(session, request),
            code_until=value.good_until if value else None,
            tries_left=value.most - value.tries if value else 0,
            problems={"code": problem} if problem else {},
            zone=site.company.zone_of(request.time_zone),
        )


def _opens(site: Site, typed: str, nonce: bytes) -> bool:
    return is_code(typed, REQUEST_COPY_CODE, nonce, site.link_keys)
