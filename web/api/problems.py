"""What went wrong, for machines and the people who read their logs: RFC 9457, in sentences."""

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from database.approvals.acceptances import AcceptanceRefused, NothingToAccept
from database.approvals.approvals import NotGovernedYet
from database.imports.account_imports import ImportRefused
from database.imports.one_account import ImportUnderWay
from database.people.accounts import AccountUnknown

UNDER = "/api/"
MEDIA_TYPE = "application/problem+json"
TRY_AGAIN_SECONDS = 60
"""What pages and the API ask of who comes while we cannot answer."""


class Problem(Exception):
    """An answer that is no. `faults` are fields, each with what is wrong with it.

    `retry_after`: in so many seconds it may be yes.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        faults: Sequence[tuple[str, str]] = (),
        *,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = faults
        self.retry_after = retry_after


def problem(
    status: int,
    detail: str,
    faults: Sequence[tuple[str, str]] = (),
    *,
    retry_after: int | None = None,
) -> JSONResponse:
    """The answer of a problem."""
    content: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if faults:
        content["faults"] = [{"field": field, "fault": fault} for field, fault in faults]
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        retry_after = TRY_AGAIN_SECONDS
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return JSONResponse(content, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def of_validation(error: RequestValidationError) -> JSONResponse:
    """Which fields are wrong. What was sent is not repeated: it may be personal."""
    faults = [
        (".".join(map(str, fault["loc"][1:])) or "body", str(fault["msg"]))
        for fault in error.errors()
    ]
    return problem(422, "Some of what was sent is wrong. Nothing was changed.", faults)


def add_problems(app: FastAPI) -> None:
    """Teach an application the API's ways of saying no."""

    @app.exception_handler(Problem)
    async def said(_request: Request, found: Problem) -> JSONResponse:
        return problem(found.status, found.detail, found.faults, retry_after=found.retry_after)

    @app.exception_handler(AccountUnknown)
    @app.exception_handler(NotGovernedYet)
    async def unknown(_request: Request, fault: Exception) -> JSONResponse:
        return problem(404, str(fault))

    @app.exception_handler(NothingToAccept)
    async def conflict(_request: Request, fault: Exception) -> JSONResponse:
        return problem(409, str(fault))

    @app.exception_handler(AcceptanceRefused)
    @app.exception_handler(ImportRefused)
    async def wrong(_request: Request, fault: Exception) -> JSONResponse:
        return problem(422, str(fault))

    @app.exception_handler(ImportUnderWay)
    async def later(_request: Request, fault: Exception) -> JSONResponse:
        return problem(503, str(fault))
