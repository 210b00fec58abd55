"""From the token in a personal link to what it stands for, or to a calm page saying why not."""

from datetime import datetime

from fastapi.responses import HTMLResponse
from sqlmodel import Session

from database.links import LinkUnusable, usable_link
from database.tables import Link
from mail.links import LinkRefused, read_token
from web.site import Site

GONE = ("expired", "replaced")


class LinkClosed(Exception):
    """A link that opens nothing. `kind`: malformed | forged | unknown | expired | replaced."""

    def __init__(self, kind: str, purpose: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.purpose = purpose


def open_link(session: Session, site: Site, token: str, now: datetime, *purposes: str) -> Link:
    """The link of a token made for one of the purposes. Raises LinkClosed."""
    kind = "forged"
    for purpose in purposes:
        try:
            return usable_link(session, purpose, read_token(purpose, token, site.link_keys), now)
        except LinkUnusable as refusal:
            raise LinkClosed(refusal.kind, purposes[0]) from None
        except LinkRefused as refusal:
            kind = refusal.kind
    raise LinkClosed(kind, purposes[0])


def closed_page(site: Site, closed: LinkClosed) -> HTMLResponse:
    """What happened to the link, and how to get another; it reveals nothing."""
    return site.pages.show(
        "link_closed.html",
        status=410 if closed.kind in GONE else 404,
        kind=closed.kind,
        purpose=closed.purpose,
    )
