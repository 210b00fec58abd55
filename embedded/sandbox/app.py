"""The sandbox's pages and interfaces: SendGrid's `mail/send`, an inbox, an API for scripts.

Sync functions on purpose: Starlette runs them on threads, and SQLite commits within milliseconds.
"""

import asyncio
import json
import secrets
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from embedded.sandbox import inbox
from embedded.sandbox.events import EventSender
from embedded.sandbox.faults import EventFault, Fault, Switch, Treatment
from embedded.sandbox.links import links_of
from embedded.sandbox.signing import load_key
from embedded.sandbox.store import Store, StoredCopy
from embedded.sandbox.validation import faults

MOST_BYTES = 30 * 1024 * 1024
LOCAL_NAMES = ["127.0.0.1", "localhost"]


class SandboxRefused(Exception):
    """The sandbox was asked to run where real mail should go out."""


def create_app(
    database: Path,
    *,
    webhook_url: str | None,
    signing_key: Path,
    api_key: str,
    environment: str = "development",
) -> ASGIApp:
    """Return the sandbox as an ASGI application that keeps its mail in `database`.

    Delivery events go to `webhook_url`, signed with the key at `signing_key` (made if missing).
    Raises SandboxRefused in production.
    """
    if environment == "production":
        raise SandboxRefused(
            "The mail sandbox delivers to nobody, so it does not run in production. "
            "Set PROMISEKEEPER_SENDGRID_HOST to SendGrid's address instead."
        )
    sandbox = _Sandbox(Store(database), api_key)
    if webhook_url:
        key = load_key(signing_key)
        sandbox.events = EventSender(sandbox.store, webhook_url, key, sandbox.switch)
    return _with_abort(sandbox.app())


class _Sandbox:
    def __init__(self, store: Store, api_key: str) -> None:
        self.store = store
        self.events: EventSender | None = None
        self._authorization = f"Bearer {api_key}".encode()
        self.switch = Switch()

    def app(self) -> FastAPI:
        app = FastAPI(title="Mail sandbox", lifespan=self._lifespan, docs_url=None, redoc_url=None)
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=LOCAL_NAMES)
        app.post("/v3/mail/send")(self.send)
        app.get("/api/faults")(self.fault)
        app.post("/api/faults")(self.set_fault)
        app.get("/api/messages")(self.list_messages)
        app.delete("/api/messages", status_code=204)(self.delete_messages)
        app.get("/api/messages/{message_id}")(self.read_message)
        app.get("/healthz")(self.health)
        app.get("/", response_class=HTMLResponse)(self.inbox_page)
        app.get("/faults", response_class=HTMLResponse)(self.faults_page)
        app.post("/faults")(self.set_fault_by_hand)
        app.get("/messages/{message_id}", response_class=HTMLResponse)(self.message_page)
        return app

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        if self.events:
            self.events.start()
        yield
        if self.events:
            await run_in_threadpool(self.events.stop)
        self.store.close()

    async def send(self, request: Request) -> Response:
        """SendGrid's `POST /v3/mail/send`."""
        body = await request.body()
        treatment = self.switch.next_treatment(body)
        await asyncio.sleep(treatment.latency_seconds)
        if treatment.mode in _ERRORS:
            return _ERRORS[treatment.mode](treatment)
        authorization = request.headers.get("authorization", "").encode()
        if not secrets.compare_digest(authorization, self._authorization):
            return _error(401, "The provided authorization grant is invalid, expired, or revoked")
        if treatment.mode == "reset":
            return _aborted(request)
        answer = await run_in_threadpool(self._accept, body)
        return _aborted(request) if treatment.mode == "accept-then-reset" else answer

    def _accept(self, body: bytes) -> Response:
        if len(body) > MOST_BYTES:
            return _error(413, "Payload too large")
        mail = _json(body)
        if refused := [fault.as_json() for fault in faults(mail)]:
            return JSONResponse({"errors": refused}, status_code=400)
        if _is_sandbox_mode(mail):
            return Response(status_code=200)
        request_id = self.store.accept(mail, _now())
        if self.events:
            self.events.wake()
        return Response(status_code=202, headers={"X-Message-Id": request_id})

    def fault(self) -> Fault:
        """Return how the sandbox misbehaves now."""
        return self.switch.standing()

    def set_fault(self, fault: Fault) -> Fault:
        """Misbehave from now on: see `faults.py`."""
        self.switch.set(fault)
        if self.events:
            self.events.wake()
        return fault

    def faults_page(self) -> HTMLResponse:
        """Switch faults on and off by hand."""
        return _page(inbox.faults_page(self.switch.standing()))

    async def set_fault_by_hand(self, request: Request) -> Response:
        """What the form on that page sends: the fields of a fault, those of its events by name."""
        async with request.form() as form:
            given = {name: value for name, value in form.items() if value != ""}
        try:
            fault = Fault.model_validate(
                {name: value for name, value in given.items() if name in Fault.model_fields}
                | {"times": given.get("times")}
                | {"events": {k: v for k, v in given.items() if k in EventFault.model_fields}}
            )
        except ValidationError as refusal:
            raise HTTPException(422, [one["msg"] for one in refusal.errors()]) from None
        self.set_fault(fault)
        return RedirectResponse("/faults", status_code=303)

    def list_messages(
        self,
        to: str = "",
        subject: str = "",
        limit: Annotated[int, Query(ge=1, le=10_000)] = 50,
    ) -> list[dict[str, object]]:
        """Return the newest messages first; `to` is an address, or a part of one without `@`."""
        return [_as_json(copy) for copy in self.store.copies(to=to, subject=subject, limit=limit)]

    def read_message(self, message_id: int) -> dict[str, object]:
        """Return one message."""
        return _as_json(self._copy(message_id))

    def delete_messages(self) -> None:
        """Empty the inbox."""
        self.store.clear()

    def health(self) -> dict[str, int]:
        """Say that the sandbox is up, and how much it holds."""
        return {"messages": self.store.count()}

    def inbox_page(
        self, q: str = "", before: Annotated[int | None, Query(ge=1)] = None
    ) -> HTMLResponse:
        """The inbox for eyes."""
        copies = self.store.copies(words=q, before=before, limit=inbox.COPIES_ON_A_PAGE)
        return _page(inbox.list_page(copies, words=q, before=before, total=self.store.count()))

    def message_page(self, message_id: int) -> HTMLResponse:
        """One message for eyes."""
        return _page(inbox.message_page(self._copy(message_id)))

    def _copy(self, message_id: int) -> StoredCopy:
        copy = self.store.copy(message_id) if message_id < 2**63 else None
        if copy is None:
            raise HTTPException(404, "There is no such message; it may have been deleted.")
        return copy


def _as_json(copy: StoredCopy) -> dict[str, object]:
    return {
        "id": str(copy.id),
        "to": copy.address,
        "to_name": copy.name,
        "from": copy.sender,
        "from_name": copy.sender_name,
        "subject": copy.subject,
        "text": copy.text,
        "html": copy.html,
        "headers": copy.headers,
        "links": links_of(copy.text, copy.html),
        "custom_args": copy.custom_args,
        "accepted_at": copy.accepted_at,
    }


def _json(body: bytes) -> Any:  # noqa: ANN401 - whatever was sent; validation looks at it next
    try:
        mail = json.loads(body)
        if b"\\ud" in body.lower():  # half a character, which no text may hold, is no JSON either
            json.dumps(mail, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return mail


def _is_sandbox_mode(mail: Mapping[str, Any]) -> bool:
    settings = mail.get("mail_settings")
    mode = settings.get("sandbox_mode") if isinstance(settings, dict) else None
    return isinstance(mode, dict) and mode.get("enable") is True


def _error(
    status: int, message: str, *, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    body = {"errors": [{"message": message, "field": field, "help": None}]}
    return JSONResponse(body, status_code=status, headers=headers)


def _too_many_requests() -> Response:
    reset_at = str(int(time.time()) + 1)
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset_at, "Retry-After": "1"}
    return _error(429, "too many requests", headers=headers)


_ERRORS: dict[str, Callable[[Treatment], Response]] = {
    "429": lambda _: _too_many_requests(),
    "429-without-headers": lambda _: _error(429, "too many requests"),
    "500": lambda _: _error(500, "Internal Server Error"),
    "400": lambda fault: _error(400, "Does not contain a valid address.", field=fault.field),
    "401": lambda _: _error(401, "Maximum credits exceeded"),
    "403": lambda _: _error(
        403, "The from address does not match a verified Sender Identity.", field="from"
    ),
    "413": lambda _: _error(413, "Payload too large"),
}


def _page(html: str) -> HTMLResponse:
    return HTMLResponse(html, headers=inbox.HEADERS)


def _now() -> str:
    now = datetime.now(UTC)  # noqa: TID251 - a mail service outside the product has real time
    return now.isoformat(timespec="milliseconds")


def _aborted(request: Request) -> Response:
    request.scope["abort"]()
    return Response(status_code=500)  # goes nowhere: the connection is gone


def _with_abort(app: ASGIApp) -> ASGIApp:
    """Put into the scope a way to break the connection without an answer, as uvicorn knows it."""

    async def outermost(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["abort"] = _abort_of(send)
        await app(scope, receive, send)

    return outermost


def _abort_of(send: Send) -> Callable[[], None]:
    def abort() -> None:
        transport = send.__self__.transport  # type: ignore[attr-defined]
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    return abort
