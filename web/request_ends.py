"""What a person may still do about a request of theirs from its page: take it back (P19)."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from database.links import REQUEST_STATUS, REQUEST_VERIFY
from web.links import locale_of
from web.readers import OnReader
from web.requests import Token, open_request, status_page
from web.site import OnSite
from workflows.messenger import Refused

router = APIRouter(prefix="/requests/{token}")


@router.post("/withdraw")
def withdraw(token: Token, site: OnSite, reader: OnReader) -> Response:
    """Take back what is not answered yet."""
    with site.database.session() as session:
        link = open_request(session, site, token, REQUEST_STATUS, REQUEST_VERIFY)
        reader = reader.known_as(locale_of(session, link))
    try:
        site.desk.withdraw_request(link.subject_id, link.purpose)
    except Refused as refused:
        refusal = reader.gettext(str(refused))
        with site.database.session() as session:
            return status_page(session, reader, link, token, refusal=refusal, status=409)
    return RedirectResponse(f"/requests/{token}{reader.kept}", status_code=303)
