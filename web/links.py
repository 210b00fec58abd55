"""From the token in a personal link to what it stands for, or to a calm page saying why not."""

from datetime import datetime

from fastapi.responses import HTMLResponse
from sqlmodel import Session

from database.people.links import LinkUnusable, usable_link
from database.tables import Account, DataSubjectRequest, Link
from mail.links import LinkRefused, read_token
from web.readers import Reader
from web.site import Site

GONE = ("expired", "replaced", "used", "given_back")


class LinkClosed(Exception):
    """A link that opens nothing.

    `kind`: malformed | forged | unknown | expired | replaced | used | given_back.

    `locale` is that of whoever it was for, empty when nobody knows.
    """

    def __init__(self, kind: str, purpose: str, locale: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.purpose = purpose
        self.locale = locale


def open_link(session: Session, site: Site, token: str, now: datetime, *purposes: str) -> Link:
    """The link of a token made for one of the purposes. Raises LinkClosed."""
    kind = "forged"
    for purpose in purposes:
        try:
            return usable_link(session, purpose, read_token(purpose, token, site.link_keys), now)
        except LinkUnusable as refusal:
            locale = locale_of(session, refusal.link) if refusal.link else ""
            raise LinkClosed(refusal.kind, purposes[0], locale) from None
        except LinkRefused as refusal:
            kind = refusal.kind
    raise LinkClosed(kind, purposes[0])


def locale_of(session: Session, link: Link) -> str:
    """The locale of whoever a link is for: of the account, else of the page a request came from."""
    if link.account_id is not None:
        return session.get_one(Account, link.account_id).locale
    request = session.get(DataSubjectRequest, link.subject_id)
    return request.language if request else ""


def closed_page(reader: Reader, closed: LinkClosed) -> HTMLResponse:
    """What happened to the link, and how to get another; it reveals nothing."""
    return reader.known_as(closed.locale).show(
        "link_closed.html",
        status=410 if closed.kind in GONE else 404,
        kind=closed.kind,
        purpose=closed.purpose,
    )
