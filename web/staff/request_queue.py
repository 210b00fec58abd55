"""The privacy team's queue: requests by due date, and those somebody asks after (P21, P30)."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database.requests.deferred_erasures import to_be_done
from database.requests.finding import answered, by_address, by_reference
from database.requests.minors import open_checks
from database.requests.on_paper import letters_to_post
from database.requests.recipients import still_to_tell
from database.requests.requested_rights import rights_by_request
from database.requests.requests import OPEN_STATES, open_requests
from database.requests.restrictions import outlived
from database.requests.rungs import with_fired_rung
from database.tables import DataSubjectRequest
from domain.requests.identity import DRAFT
from domain.requests.minors import check_by
from domain.requests.recipients import tell_by
from web.forms import Form
from web.staff.access import GENUINE
from web.staff.asked import Asker, asker
from web.staff.identity import note_of
from web.staff.requests import STANDING, all_staff

router = APIRouter(prefix="/staff/requests")
DONE_SHOWN = 100
"""So many of the requests that were answered stand on a page."""
PageNumber = Annotated[int, Query(ge=1, le=100_000)]
ByPrivacy = Annotated[Asker, Depends(asker("privacy"))]


@router.get("")
def queue(asked: ByPrivacy, page: PageNumber = 1) -> HTMLResponse:
    """Requests by due date: those without an answer first, page by page those that have one. Names
    nobody."""
    company, now = asked.site.company, asked.site.now()
    with asked.site.database.session() as session:
        waiting = open_requests(session) if page == 1 else ()
        further = answered(session, DONE_SHOWN, page)
        return _page(
            asked,
            session,
            waiting=waiting,
            done=further[:DONE_SHOWN],
            page=page,
            wanted="",
            is_more=len(further) > DONE_SHOWN,
            letters=len(letters_to_post(session)),
            to_tell=[tell_by(one.noted_at, company.office) for one, *_ in still_to_tell(session)],
            to_erase=to_be_done(session),
            outlived=len(outlived(session)),
            minors=[check_by(one.opened_at, company.office) for one, _ in open_checks(session)],
            today=company.today(now),
        )


@router.post("/find", dependencies=[GENUINE])
def find(asked: ByPrivacy, posted: Form) -> Response:
    """The requests with a reference, or of a whole mail address, which is posted so that it stands
    in no address of a page; whose were found by it is recorded (P30)."""
    wanted = posted.line("wanted")
    if not wanted:
        return RedirectResponse("/staff/requests", status_code=303)
    with asked.site.database.transaction() as transaction:
        if "@" in wanted:
            matching = by_address(transaction, wanted)
            asked.reads_of(transaction, *(one.id for one in matching))
        else:
            matching = by_reference(transaction, wanted)
        if len(matching) == 1:
            return RedirectResponse(f"/staff/requests/{matching[0].reference}", status_code=303)
        return _page(asked, transaction, done=matching, page=1, wanted=wanted)


def _page(
    asked: Asker,
    session: Session,
    *,
    done: Sequence[DataSubjectRequest],
    waiting: Sequence[DataSubjectRequest] = (),
    **values: object,
) -> HTMLResponse:
    now, with_draft = asked.site.now(), set(with_fired_rung(session, DRAFT))
    return asked.page(
        "requests.html",
        status=200,
        open=waiting,
        done=done,
        rights=rights_by_request(session, OPEN_STATES, beside=[row.id for row in done]),
        standing=STANDING,
        notes={row.id: note_of(row, with_draft, now) for row in (*waiting, *done)},
        staff=all_staff(session),
        now=now,
        **values,
    )
