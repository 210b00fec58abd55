"""Who asks (P19): a code typed, another one asked for, a request disowned."""

from functools import partial

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from database.people.links import REQUEST_CODE, REQUEST_STATUS, REQUEST_VERIFY
from mail.links import has_form_of_code, is_code
from web.forms import Form
from web.links import locale_of
from web.readers import OnReader, Reader
from web.requests.requests import Token, open_request, status_page
from web.site import OnSite, Site

router = APIRouter(prefix="/requests/{token}")


@router.post("/code")
def type_code(token: Token, site: OnSite, reader: OnReader, posted: Form) -> Response:
    """The code from the mail to the address on file, typed by whoever has the status page."""
    with site.database.session() as session:
        link = open_request(session, site, token, REQUEST_STATUS)
    typed = posted.text("code")
    if words := no_code(reader, typed):
        return _with_problem(token, site, reader, words, status=422)
    opens = partial(_opens, site, typed)
    if site.desk.try_code(link.subject_id, opens):
        return _back(token, reader)
    words = reader.gettext(
        "This is not the code, or it is good no more. Nothing was changed. You may try again, ask "
        "for another code, or use the link in the mail."
    )
    return _with_problem(token, site, reader, words, status=422)


@router.post("/new-code")
def send_code(token: Token, site: OnSite, reader: OnReader) -> Response:
    """Another code, to the address on file if there is one; the same is said to everybody."""
    with site.database.session() as session:
        link = open_request(session, site, token, REQUEST_STATUS)
    if site.desk.send_code(link.subject_id):
        return _back(token, reader)
    words = reader.gettext(
        "There is no other code now: we send a few in an hour and in a day. The link in the mail "
        "works all the time."
    )
    return _with_problem(token, site, reader, words, status=429)


@router.post("/not-mine")
def disown(token: Token, site: OnSite, reader: OnReader) -> Response:
    """The holder of the address on file says that somebody else made the request."""
    with site.database.session() as session:
        link = open_request(session, site, token, REQUEST_VERIFY)
    site.desk.dispute(link.subject_id, by="address on file")
    return _back(token, reader)


def no_code(reader: Reader, typed: str) -> str:
    """Why what was typed cannot be a code, and so counts as no try; empty where it can."""
    if has_form_of_code(typed):
        return ""
    return reader.gettext(
        "The code has eight digits, as they stand in the mail. This did not count as a try."
    )


def _opens(site: Site, typed: str, nonce: bytes) -> bool:
    return is_code(typed, REQUEST_CODE, nonce, site.link_keys)


def _back(token: str, reader: Reader) -> Response:
    return RedirectResponse(f"/requests/{token}{reader.kept}", status_code=303)


def _with_problem(
    token: str, site: Site, reader: Reader, problem: str, *, status: int
) -> HTMLResponse:
    with site.database.session() as session:
        link = open_request(session, site, token, REQUEST_STATUS)
        known = reader.known_as(locale_of(session, link))
        page = status_page(session, known, link, token, problem=problem)
        page.status_code = status
        return page
