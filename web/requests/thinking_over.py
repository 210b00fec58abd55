"""The page on which a person thinks over that their data is to be erased (P13)."""

from fastapi.responses import HTMLResponse
from sqlmodel import Session

from activities.mail.done_words import foretold, told_of
from database.requests.erasures import life_of, of_request
from database.tables import DataSubjectRequest, RequestedRight
from domain.requests.erasures import Life, Stage
from web.readers import Reader


def thinking_over_page(
    session: Session, reader: Reader, request: DataSubjectRequest, path: str
) -> HTMLResponse:
    """How the erasure stands, and what can still be chosen; looking changes nothing."""
    erasure = of_request(session, request.id)
    life = life_of(session, erasure) if erasure else Life()
    lines: tuple[str, ...] = ()
    if erasure is not None:
        right = session.get_one(RequestedRight, erasure.right_id)
        say = told_of if life.stage is Stage.DONE else foretold
        lines = say(session, right, reader.pages.language)
    return reader.show(
        "request_erasure.html",
        request=request,
        path=path,
        stage=life.stage,
        begins_at=life.begins_at,
        skipped=life.skipped_at is not None,
        erased=lines,
    )
