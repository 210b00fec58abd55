"""Who calls: an API key in the header `Authorization`, never in an address (P32)."""

from math import ceil
from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from database.people.api_keys import KeyRefused, is_use_to_be_noted, key_of, note_use
from database.tables import ApiKey
from web.api.problems import Problem
from web.site import OnSite

BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="API key",
    description="Made with `promisekeeper api-key add`; sent as `Authorization: Bearer pk_api_...`",
)
Given = Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]


def calling(site: OnSite, given: Given) -> ApiKey:
    """A dependency: the key that was sent. Answers 401 without one, 429 to too many calls."""
    if given is None:
        raise Problem(401, "Send an API key: Authorization: Bearer pk_api_... Nothing was done.")
    now = site.now()
    try:
        with site.database.session() as session:
            key = key_of(session, given.credentials)
    except KeyRefused as refusal:
        raise Problem(401, f"{refusal} Nothing was done.") from None
    if wait := site.api_pace.take(key.id, now):
        raise _too_fast(site.api_pace.per_minute, seconds=ceil(wait.total_seconds()))
    if is_use_to_be_noted(key, now):
        with site.database.transaction() as transaction:
            note_use(transaction, key.id, now)
    return key


def _too_fast(per_minute: int, *, seconds: int) -> Problem:
    words = f"This API key may make {per_minute:,} calls a minute. Nothing was done. "
    in_a_while = f"in {seconds} seconds" if seconds > 1 else "in a second"
    return Problem(429, f"{words}Send it again {in_a_while}.", retry_after=seconds)


Reads = Annotated[ApiKey, Depends(calling)]


def _writing(key: Reads) -> ApiKey:
    if not key.may_write:
        raise Problem(403, "This API key may only read. Nothing was changed.")
    return key


Writes = Annotated[ApiKey, Depends(_writing)]
