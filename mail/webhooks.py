"""Posts to addresses of the company's own choice: signed messages, and the dead-man switch."""

from datetime import datetime

import urllib3
from standardwebhooks import Webhook as Signer
from urllib3.exceptions import HTTPError

ANSWER_WITHIN_SECONDS = 5.0
SILENT = "it does not answer"


class Webhook:
    """An address that takes messages signed as Standard Webhooks says."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._signer = Signer(secret)

    def post(self, message_id: str, body: str, signed_at: datetime) -> str | None:
        """Post a message once; None when it was taken, else what went wrong, in our words.

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
    return _ask("GET", url)


def _ask(
    method: str, url: str, *, body: str | None = None, headers: dict[str, str] | None = None
) -> str | None:
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
        return SILENT  # its own words hold the address, which may be a secret
    return None if 200 <= answer.status < 300 else f"it answers {answer.status}"
