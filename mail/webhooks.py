"""Posts to addresses of the company's own choice: signed messages, and the dead-man switch."""

from dataclasses import dataclass
from datetime import datetime

import urllib3
from standardwebhooks import Webhook as Signer
from urllib3.exceptions import HTTPError

ANSWER_WITHIN_SECONDS = 5.0
SILENT = "it does not answer"
TOO_MANY = 429


@dataclass(frozen=True, kw_only=True)
class NotTaken:
    """A message was not taken: why, in our words.

    `refused`: whoever takes messages is there and does not want this one, so the next may well be
    taken. Otherwise none is at the moment.
    """

    problem: str
    refused: bool = False


class Webhook:
    """An address that takes messages signed as Standard Webhooks says."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._signer = Signer(secret)

    def post(self, message_id: str, body: str, signed_at: datetime) -> NotTaken | None:
        """Post a message once; None when it was taken.

        `signed_at` is real time in UTC: a receiver compares it with its own clock. A redirect is
        not followed: a message goes where ops said, or nowhere.
        """
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Promisekeeper",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(signed_at.timestamp())),
            "webhook-signature": self._signer.sign(message_id, signed_at, body),
        }
        return _ask("POST", self._url, body=body, headers=headers)


def ping(url: str) -> str | None:
    """Tell a dead-man switch that all is well; None when it heard, else what went wrong."""
    not_heard = _ask("GET", url)
    return not_heard.problem if not_heard else None


def _ask(
    method: str, url: str, *, body: str | None = None, headers: dict[str, str] | None = None
) -> NotTaken | None:
    try:
        # A connection that is kept is closed by the other side just when we ask again.
        with urllib3.PoolManager() as own:
            answer = own.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=ANSWER_WITHIN_SECONDS,
                retries=False,
                redirect=False,
            )
    except HTTPError:
        return NotTaken(problem=SILENT)  # its own words hold the address, which may be a secret
    if 200 <= answer.status < 300:
        return None
    refused = 400 <= answer.status < 500 and answer.status != TOO_MANY
    return NotTaken(problem=f"it answers {answer.status}", refused=refused)
