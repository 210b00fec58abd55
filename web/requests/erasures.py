"""What a person chooses while they think an erasure over: at once, or not at all (P13)."""

from contextlib import suppress

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from database.people.links import REQUEST_ERASURE
from web.readers import OnReader
from web.requests.requests import Token, open_request
from web.site import OnSite
from workflows.messenger import Refused

router = APIRouter(prefix="/requests/{token}")


@router.post("/erase-at-once")
def erase_at_once(token: Token, site: OnSite, reader: OnReader) -> Response:
    """The person needs no time to think. Where it is too late, the page says how it stands."""
    with site.database.session() as session:
        link = open_request(session, site, token, REQUEST_ERASURE)
    with suppress(Refused):
        site.desk.skip_the_wait(link.subject_id)
    return RedirectResponse(f"/requests/{token}{reader.kept}", status_code=303)


@router.post("/keep-my-data")
def keep_my_data(token: Token, site: OnSite, reader: OnReader) -> Response:
    """The person changes their mind. Where it is too late, the page says that it has begun."""
    with site.database.session() as session:
        link = open_request(session, site, token, REQUEST_ERASURE)
    with suppress(Refused):
        site.desk.keep_the_data(link.subject_id)
    return RedirectResponse(f"/requests/{token}{reader.kept}", status_code=303)
