"""Does the mail service answer, is it the one we mean, and does it take our key?"""

import json
from enum import StrEnum

import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError

MAY_SEND = "mail.send"


class Reach(StrEnum):
    """How the mail service stands to us."""

    ANSWERS = "answers"
    SILENT = "does not answer"
    HANGS = "has not answered yet"
    TROUBLED = "answers with an error"
    STRANGER = "is another program"
    KEY_REFUSED = "refuses our key"


def reach(host: str, *, sandbox: bool, within_seconds: float) -> Reach:
    """Whether anybody answers at `host`; for the sandbox also whether it is the sandbox."""
    answer = _get(f"{host}/healthz" if sandbox else f"{host}/", within_seconds)
    if not sandbox or isinstance(answer, Reach):
        return answer if isinstance(answer, Reach) else Reach.ANSWERS
    found = _json(answer)
    is_ours = isinstance(found, dict) and "messages" in found
    return Reach.ANSWERS if is_ours else Reach.STRANGER


def reach_with_key(host: str, api_key: str, *, within_seconds: float) -> Reach:
    """Whether the mail service takes our key, and lets it send. Nothing is sent.

    A service that speaks only a part of SendGrid's API, and cannot tell, counts as answering.
    """
    answer = _get(f"{host}/v3/scopes", within_seconds, api_key)
    if isinstance(answer, Reach):
        return answer
    if answer.status == 401:
        return Reach.KEY_REFUSED
    found = _json(answer) if answer.status == 200 else None
    scopes = found.get("scopes") if isinstance(found, dict) else None
    refused = isinstance(scopes, list) and MAY_SEND not in scopes
    return Reach.KEY_REFUSED if refused else Reach.ANSWERS


def _get(url: str, within_seconds: float, api_key: str = "") -> urllib3.BaseHTTPResponse | Reach:
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        # A connection that is kept is closed by the other side just when we ask again.
        with urllib3.PoolManager() as own:
            answer = own.request(
                "GET", url, headers=headers, timeout=within_seconds, retries=False, redirect=False
            )
    except ReadTimeoutError:  # somebody took the connection
        return Reach.HANGS
    except HTTPError:
        return Reach.SILENT
    return Reach.TROUBLED if answer.status >= 500 else answer


def _json(answer: urllib3.BaseHTTPResponse) -> object:
    try:
        return json.loads(answer.data)
    except ValueError:
        return None
