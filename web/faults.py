"""Errors as pages in words: what happened, what was not lost, what to do."""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from database.policies.policies import PolicyUnknown
from database.requests.requests import RequestUnknown
from database.silence import is_silence, lacks_tables, reason
from web.api import problems
from web.links import LinkClosed, closed_page
from web.middleware import HEADERS
from web.readers import reader_of
from web.site import site_of
from web.staff.access import SignInNeeded
from workflows.messenger import Refused, TemporalUnreachable

log = logging.getLogger("promisekeeper.faults")

PAGES_OF_STAFF = re.compile(
    r"/staff/(policies/[^/]+/versions/[^/]+|policies/[^/]+|requests/[^/]+|ops)"
)
FOR_MACHINES = ("/webhooks/", "/healthz", "/readyz")
WORDS: Mapping[int, tuple[str, str]] = {
    400: ("This could not be read", "Nothing was changed. Go back and try once more."),
    403: (
        "This is not open to you",
        "Nothing was changed. If it should be open to you, ask an administrator for the role.",
    ),
    404: (
        "There is no such page",
        "The address may be mistyped, or copied only partly. Nothing was lost.",
    ),
    405: ("This address does not take that", "Nothing was changed. Go back and use the form."),
    413: (
        "That was too large",
        (
            "Nothing was stored. Go back, and send fewer or smaller files: all together may have "
            "15 MB."
        ),
    ),
    500: (
        "Something is wrong on our side",
        (
            "The fault is ours and has been noted. What you did before is kept. See whether what "
            "you just sent is there too; if it is not, send it again in a while."
        ),
    ),
    503: (
        "We cannot answer just now",
        (
            "Our database does not answer. Everything that we confirmed to you is kept. What you "
            "just sent counts as not received, unless you find it later or hear from us. Please "
            "try again in a few minutes."
        ),
    ),
}

OTHERWISE = ("This could not be done", "Nothing was changed.")


def add_fault_pages(app: FastAPI) -> None:
    """Teach an application to answer its errors in words; it takes no thread, as all may hang."""

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        said = error.detail != HTTPStatus(error.status_code).phrase
        return _fault(request, error.status_code, error.detail if said else None)

    @app.exception_handler(RequestValidationError)
    async def not_understood(request: Request, error: RequestValidationError) -> Response:
        of_api = request.url.path.startswith(problems.UNDER)
        return problems.of_validation(error) if of_api else _fault(request, 404)

    @app.exception_handler(PolicyUnknown)
    @app.exception_handler(RequestUnknown)
    async def not_found(request: Request, error: Exception) -> Response:
        of_api = request.url.path.startswith(problems.UNDER)
        return _fault(request, 404, str(error) if of_api else None)

    @app.exception_handler(LinkClosed)
    async def link_closed(request: Request, closed: LinkClosed) -> Response:
        return closed_page(reader_of(request), closed)

    @app.exception_handler(SignInNeeded)
    async def sign_in_needed(_request: Request, needed: SignInNeeded) -> Response:
        return RedirectResponse(needed.url, status_code=303)

    @app.exception_handler(Refused)
    async def refused(request: Request, refusal: Refused) -> Response:
        return _fault(request, 409, str(refusal))

    @app.exception_handler(TemporalUnreachable)
    async def temporal_unreachable(request: Request, fault: TemporalUnreachable) -> Response:
        return _fault(request, 503, str(fault))

    @app.exception_handler(SQLAlchemyError)
    async def database_fault(request: Request, error: SQLAlchemyError) -> Response:
        _require_foreseen(error)
        return _fault(request, 503)

    @app.exception_handler(Exception)
    async def own_fault(request: Request, _error: Exception) -> Response:
        answer = _fault(request, 500)
        answer.headers.update(HEADERS)  # this one is made outside the middleware
        return answer


def _require_foreseen(error: SQLAlchemyError) -> None:
    """Raises the error when it is neither silence nor tables of another version."""
    if lacks_tables(error):
        log.error("%s. See tables-older in docs/failures.md.", reason(error))
    elif not is_silence(error):
        raise error


def _fault(request: Request, status: int, detail: str | None = None) -> Response:
    title, what_to_do = WORDS.get(status, OTHERWISE)
    said = detail or what_to_do
    answer: Response
    if request.url.path.startswith(problems.UNDER):
        answer = problems.problem(status, said)
    elif request.url.path.startswith(FOR_MACHINES) or request.url.path.endswith((".json", ".js")):
        answer = JSONResponse({"error": title, "detail": said}, status_code=status)
    elif request.url.path.startswith("/staff"):
        answer = site_of(request).pages.show(
            "staff/fault.html", status=status, title=title, what_to_do=said, back=_back(request)
        )
    else:
        reader = reader_of(request)
        answer = reader.show(
            "fault.html",
            status=status,
            title=reader.gettext(title),
            what_to_do=detail or reader.gettext(what_to_do),
        )
    if status == 503:
        answer.headers["Retry-After"] = str(problems.TRY_AGAIN_SECONDS)
    return answer


def _back(request: Request) -> str:
    """The page of the console that what was refused belongs to; browsers do not say where somebody
    came from."""
    found = PAGES_OF_STAFF.match(request.url.path)
    return found[0] if found and found[0] != request.url.path else "/staff"
