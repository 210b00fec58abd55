"""The links for the company's own mails: to the page of choices, and to stop one purpose (P17).

They are made of an account's id and signed, so every account has them, and they work for ever.
"""

from uuid import UUID

from database.people.links import PREFERENCES
from mail.links import make_token
from web.site import Site


def preferences_path(site: Site, account_id: UUID) -> str:
    """The page of an account holder, on this website."""
    return f"/preferences/{_token(site, account_id)}"


def preferences_url(site: Site, account_id: UUID) -> str:
    """The same, for a mail of the company's."""
    return site.company.base_url + preferences_path(site, account_id)


def unsubscribe_url(site: Site, purpose: str, account_id: UUID) -> str:
    """What the header `List-Unsubscribe` of a mail for that purpose holds (RFC 8058)."""
    return f"{site.company.base_url}/unsubscribe/{purpose}/{_token(site, account_id)}"


def _token(site: Site, account_id: UUID) -> str:
    return make_token(PREFERENCES, account_id.bytes, site.link_keys)
