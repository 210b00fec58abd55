"""Where the personal links in mails lead."""

from collections.abc import Sequence

from database.people.links import MINOR_CHECK, PREFERENCES, REQUEST_COPY, UNSUBSCRIBE
from domain.company import Company
from mail.links import make_token

PATH_OF_PURPOSE = {
    "approve": "approve",
    UNSUBSCRIBE: "unsubscribe",
    PREFERENCES: "preferences",
    "request-status": "requests",
    "request-verify": "requests",
    "request-agent": "requests",
    "request-stop": "requests",
    REQUEST_COPY: "requests/copy",
    "request-erasure": "requests",
    MINOR_CHECK: "minor",
}


def personal_link(company: Company, purpose: str, nonce: bytes, keys: Sequence[bytes]) -> str:
    """The address of somebody's own page for a purpose."""
    token = make_token(purpose, nonce, keys)
    return f"{company.base_url}/{PATH_OF_PURPOSE[purpose]}/{token}"
