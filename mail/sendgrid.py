"""Hand mails to SendGrid, and say honestly what became of the attempt.

The only file that knows SendGrid's API. SendGrid has no idempotency key, so a POST is never
repeated here: whoever keeps the outbox decides that, from the outcome.
"""

import json
import logging
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from uuid import UUID

import urllib3
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import (
    ClickTracking,
    Content,
    From,
    Ganalytics,
    Header,
    Mail,
    OpenTracking,
    Subject,
    SubscriptionTracking,
    TrackingSettings,
)
from urllib3.exceptions import HTTPError

from mail.message import Message, header_name, one_line

MOST_COPIES = 1000
CONNECT_TIMEOUT = timedelta(seconds=5)
ANSWER_TIMEOUT = timedelta(seconds=15)
KEPT_SECONDS = 2.0
"""How long a connection that nobody uses is used again: less than any server waits before it
closes one. A request that meets the closing is lost, and nobody can tell whether it was read."""
UNATTENDED = {
    "Auto-Submitted": "auto-generated",
    "X-Auto-Response-Suppress": "OOF, AutoReply",
}
"""Headers that keep vacation responders quiet (RFC 3834, Exchange)."""

# At level DEBUG the SDK's own client prints bodies and the key.
logging.getLogger("python_http_client").setLevel(logging.WARNING)


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One person's copy of a message. `mail_id` comes back with every delivery event; `headers`
    are this copy's own."""

    mail_id: UUID
    address: str = field(repr=False)
    name: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """SendGrid has taken the whole request; `provider_id` is its id for all the copies."""

    provider_id: str


@dataclass(frozen=True, kw_only=True)
class NotSent:
    """Nothing went out, for sure. `too_fast`: SendGrid says that we are (429), so try again, not
    before `retry_after` when it said so."""

    reason: str
    too_fast: bool = False
    retry_after: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """Nothing went out because of the copies named; with none named, halve the batch to find it.
    A copy that went alone is always named."""

    mail_ids: tuple[UUID, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Halt:
    """Nothing went out, and nothing will until somebody mends the key, account or settings."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """The request left and no answer came that says what became of it. `answered`: the status of
    an answer that only says that something went wrong (5xx)."""

    reason: str
    answered: int | None = None


Outcome = Accepted | NotSent | Rejected | Halt | Unknown


def unsubscribe_headers(link: str) -> dict[str, str]:
    """Headers by which a mail program offers a button: one POST to `link` and no page (RFC 8058).

    For courtesies alone: a button that stops nothing would be a lie on a notice that is owed.
    """
    return {
        "List-Unsubscribe": f"<{link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


class MailService:
    """SendGrid, or whatever speaks its API at `host`. One for all threads."""

    def __init__(
        self,
        *,
        api_key: str,
        host: str,
        sender_address: str,
        sender_name: str,
        connect_timeout: timedelta = CONNECT_TIMEOUT,
        answer_timeout: timedelta = ANSWER_TIMEOUT,
    ) -> None:
        if not api_key:
            raise ValueError("the mail service has no API key")
        self._sender = From(sender_address, header_name(sender_name))
        self._sendgrid = SendGridAPIClient(api_key, host=host.rstrip("/"))
        self._sendgrid.client = _KeepAliveClient(
            host=self._sendgrid.host,
            headers=self._sendgrid.client.request_headers,
            timeout=urllib3.Timeout(
                connect=connect_timeout.total_seconds(), read=answer_timeout.total_seconds()
            ),
        )

    def send(
        self,
        message: Message,
        copies: Sequence[Copy],
        attempt_id: UUID,
        headers: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Send 1 to 1,000 personal copies in one request, once.

        Raises TemplateRefused when a copy lacks a personal field, ValueError for no copies or too
        many. Everything that happens on the wire is an outcome, not an error.
        """
        if not 1 <= len(copies) <= MOST_COPIES:
            raise ValueError(f"a request takes 1 to {MOST_COPIES} copies, not {len(copies)}")
        headers = {**UNATTENDED, **(headers or {})}
        try:
            answer = self._sendgrid.send(self._request(message, copies, attempt_id, headers))
        except _NoAnswerError as fault:
            reason = str(fault)
            return Unknown(reason=reason) if fault.begun else NotSent(reason=reason)
        return _outcome(answer, copies)

    def close(self) -> None:
        """Close the connection of this thread; those of others are left alone and closed soon."""
        self._sendgrid.client.close()

    def _request(
        self,
        message: Message,
        copies: Sequence[Copy],
        attempt_id: UUID,
        headers: Mapping[str, str],
    ) -> dict[str, object]:
        if len(copies) == 1:  # filled in here: exact, and without SendGrid's limit on substitutions
            message = message.personal(copies[0].fields)
        mail = Mail()
        mail.from_email = self._sender
        mail.subject = Subject(message.subject)
        mail.content = [Content("text/plain", message.text), Content("text/html", message.html)]
        mail.tracking_settings = _no_tracking()
        for name, value in headers.items():
            mail.add_header(Header(name, one_line(value)))
        attempt = str(attempt_id)
        personal = [_personalization(message, copy, attempt) for copy in copies]
        return {**mail.get(), "personalizations": personal}


def _personalization(message: Message, copy: Copy, attempt: str) -> dict[str, object]:
    """As the SDK's own class for it would say, which takes six times as long."""
    name = header_name(copy.name)
    personalization: dict[str, object] = {
        "to": [{"email": copy.address, "name": name} if name else {"email": copy.address}],
        "custom_args": {"mail_id": str(copy.mail_id), "attempt_id": attempt},
    }
    if copy.headers:
        headers = {header: one_line(value) for header, value in copy.headers.items()}
        personalization["headers"] = headers
    substitutions = message.fill(copy.fields)
    return {**personalization, "substitutions": substitutions} if substitutions else personalization


def _no_tracking() -> TrackingSettings:
    """Tracking would route personal links through other hosts, where scanners follow them."""
    tracking = TrackingSettings()
    tracking.click_tracking = ClickTracking(enable=False, enable_text=False)
    tracking.open_tracking = OpenTracking(enable=False)
    tracking.subscription_tracking = SubscriptionTracking(enable=False)
    tracking.ganalytics = Ganalytics(enable=False)
    return tracking


class _Body:
    """A request body that knows whether any of it left: before that, nothing can have been sent."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.begun = False

    def __iter__(self) -> "_Body":
        return self

    def __next__(self) -> bytes:
        if self.begun:
            raise StopIteration
        self.begun = True
        return self.content


class _NoAnswerError(Exception):
    """The mail service did not answer; `begun` says whether it may have got the request."""

    def __init__(self, reason: str, *, begun: bool) -> None:
        super().__init__(f"no answer from the mail service: {reason}")
        self.begun = begun


class _Kept(threading.local):
    """A connection of each thread's own, and when it was last used."""

    def __init__(self, timeout: urllib3.Timeout) -> None:
        self.connections = urllib3.PoolManager(timeout=timeout)
        self.used_at = monotonic()

    def still_good(self) -> urllib3.PoolManager:
        """The connection, or a new one in place of one that was left alone for too long."""
        if monotonic() - self.used_at > KEPT_SECONDS:
            self.connections.clear()
        return self.connections


class _KeepAliveClient:
    """What `SendGridAPIClient.send` asks for (`mail.send.post`), on connections that are kept.

    The SDK's own client opens a connection for every call, has no time-out, follows redirects,
    and cannot tell a refused connection from a lost answer.
    """

    def __init__(self, *, host: str, headers: Mapping[str, str], timeout: urllib3.Timeout) -> None:
        self._url = f"{host}/v3/mail/send"
        self._headers = {**headers, "Content-Type": "application/json"}
        self._kept = _Kept(timeout)

    @property
    def mail(self) -> "_KeepAliveClient":
        return self

    @property
    def send(self) -> "_KeepAliveClient":
        return self

    def post(self, request_body: Mapping[str, object]) -> urllib3.BaseHTTPResponse:
        body = _Body(json.dumps(request_body).encode())
        try:
            return self._kept.still_good().request(
                "POST",
                self._url,
                body=body,
                headers={**self._headers, "Content-Length": str(len(body.content))},
                retries=False,
                redirect=False,
            )
        except (HTTPError, OSError) as fault:
            raise _NoAnswerError(type(fault).__name__, begun=body.begun) from fault
        finally:
            self._kept.used_at = monotonic()

    def close(self) -> None:
        self._kept.connections.clear()


def _outcome(answer: urllib3.BaseHTTPResponse, copies: Sequence[Copy]) -> Outcome:
    """Read SendGrid's answer.

    An answer that is about the account or our settings, not about a copy, halts: treated as a
    rejection it would cost everybody in the campaign their notice.
    """
    status = answer.status
    if status in (200, 202):  # 200 is SendGrid's own sandbox mode
        return Accepted(provider_id=answer.headers.get("X-Message-Id", ""))
    if 200 <= status < 300:  # something on the way says that all is well, and not who took it
        return Unknown(reason=f"SendGrid answered {status}")
    if status >= 500 or status == 408:
        return Unknown(reason=f"SendGrid answered {status}", answered=status)
    errors = _errors(answer)
    reason = _reason(status, errors)
    if status == 429:
        return NotSent(reason=reason, too_fast=True, retry_after=_retry_after(answer.headers))
    if status < 400 or status in (401, 403, 404, 405, 407):
        return Halt(reason=reason)
    fields = [str(error["field"]) for error in errors if error.get("field")]
    if fields and not any(name.startswith("personalizations") for name in fields):
        return Halt(reason=reason)
    named = _copies_named(fields, copies) or (tuple(copies) if len(copies) == 1 else ())
    return Rejected(mail_ids=tuple(copy.mail_id for copy in named), reason=reason)


def _errors(answer: urllib3.BaseHTTPResponse) -> list[Mapping[str, object]]:
    try:
        errors = json.loads(answer.data)["errors"]
    except (ValueError, KeyError, TypeError):
        return []
    return (
        [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    )


def _reason(status: int, errors: Sequence[Mapping[str, object]]) -> str:
    """What it said, the same of each copy: neither which of a request it was, nor its address."""
    said = (f"{error.get('field') or ''} {error.get('message')}".strip() for error in errors)
    alike = (re.sub(r"^(personalizations)[.\[]\d+\]?", r"\1", each) for each in said)
    words = "; ".join(dict.fromkeys(alike))
    without_addresses = re.sub(r"[^\s<>\"']+@[^\s<>\"']+", "[address]", one_line(words))
    return f"SendGrid answered {status}: {without_addresses[:400]}".removesuffix(": ")


def _copies_named(fields: Sequence[str], copies: Sequence[Copy]) -> tuple[Copy, ...]:
    matches = (re.match(r"personalizations[.\[](\d+)", name) for name in fields)
    numbers = sorted({int(match[1]) for match in matches if match})
    return tuple(copies[number] for number in numbers if number < len(copies))


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Read `Retry-After` (seconds), else `X-RateLimit-Reset` (unix time) against `Date`."""
    try:
        if "Retry-After" in headers:
            return max(timedelta(seconds=float(headers["Retry-After"])), timedelta())
        reset_at = datetime.fromtimestamp(float(headers["X-RateLimit-Reset"]), UTC)
        return max(reset_at - parsedate_to_datetime(headers["Date"]), timedelta())
    except (KeyError, ValueError, OverflowError, TypeError):
        return None
