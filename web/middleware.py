"""What holds for every answer: headers, HEAD wherever there is GET, size, and the access log."""

import logging
from collections.abc import Mapping

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 16_000_000  # three photographs; a file alone is held to its own limit
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""Given to every answer that does not say otherwise; public pages say how long they keep."""

access_log = logging.getLogger("promisekeeper.access")


class Conduct:
    """Wraps the whole application. The log names the route, never the token in its path (P32)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = scope["method"]
        # A copy: the server goes by its own scope when it leaves out the body of a HEAD.
        scope = {**scope, "method": "GET" if asked == "HEAD" else asked}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                access_log.info("%s %s %s", asked, _template(scope), message["status"])
            await send(message)

        await self._app(scope, _capped(scope, receive), answer)


def _template(scope: Scope) -> str:
    route = scope.get("route")
    return getattr(route, "path_format", None) or scope.get("root_path") or "(no page)"


def _capped(scope: Scope, receive: Receive) -> Receive:
    announced = Headers(scope=scope).get("content-length", "0")
    got = 0

    async def capped() -> Message:
        nonlocal got
        if announced.isdigit() and int(announced) > LARGEST_BODY:
            raise HTTPException(413)
        message = await receive()
        got += len(message.get("body", b""))
        if got > LARGEST_BODY:
            raise HTTPException(413)
        return message

    return capped
