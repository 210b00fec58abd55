"""What a person may still do about a request of theirs from its page: tell us more, take it back,
take it up again, or have the answer looked at again (P19, P20)."""

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from database.people.links import REQUEST_STATUS, REQUEST_VERIFY
from database.tables import Link
from web.forms import NOTHING_POSTED, Form, Posted
from web.links import locale_of
from web.readers import OnReader, Reader
from web.requests.requests import Token, open_request, status_page
from web.site import OnSite, Site
from workflows.messenger import Refused

router = APIRouter(prefix="/requests/{token}")


@router.post("/withdraw")
def withdraw(token: Token, site: OnSite, reader: OnReader) -> Response:
    """Take back what is not answered yet."""
    return _back(
        token, site, reader, lambda link: site.desk.withdraw_request(link.subject_id, link.purpose)
    )


@router.post("/again")
def take_up_again(token: Token, site: OnSite, reader: OnReader) -> Response:
    """Late proof, or another change of mind: what was answered as unverified, or withdrawn, is
    asked for anew, with its own clock."""
    return _back(
        token, site, reader, lambda link: site.desk.take_up_again(link.subject_id, link.purpose)
    )


@router.post("/appeal")
def appeal(token: Token, site: OnSite, reader: OnReader, posted: Form) -> Response:
    """Have somebody else look at the answer, once."""
    words = posted.text("words")
    return _back(
        token,
        site,
        reader,
        lambda link: site.desk.appeal(link.subject_id, link.purpose, words),
        posted,
    )


@router.post("/files")
def add_information(token: Token, site: OnSite, reader: OnReader, posted: Form) -> Response:
    """Tell us more, or send something along that helps."""
    more = posted.text("more")
    if not (more or posted.attached):
        return RedirectResponse(f"/requests/{token}{reader.kept}", status_code=303)
    return _back(
        token,
        site,
        reader,
        lambda link: site.desk.add_information(link.subject_id, more, posted.attached),
        posted,
    )


def _back(
    token: str,
    site: Site,
    reader: Reader,
    act: Callable[[Link], object],
    posted: Posted = NOTHING_POSTED,
) -> Response:
    """To the page of the request once it is done; or that page with why not, and what was typed."""
    with site.database.session() as session:
        link = open_request(session, site, token, REQUEST_STATUS, REQUEST_VERIFY)
        known = reader.known_as(locale_of(session, link))
    try:
        act(link)
    except Refused as refused:
        refusal = known.gettext(str(refused))
        with site.database.session() as session:
            page = status_page(session, known, link, token, refusal=refusal, posted=posted)
            page.status_code = 409
            return page
    return RedirectResponse(f"/requests/{token}{reader.kept}", status_code=303)
