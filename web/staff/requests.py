"""The privacy team's pages: the queue by due date, and one request with its clock (P19-P23)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database.facts import record
from database.request_answers import Answer, pending_decision
from database.requests import OPEN_STATES, all_requests, fired_rungs, mails_of, request_by_reference
from database.staff import everybody
from database.tables import Account, DataSubjectRequest, Staff
from domain.data_subject_requests import (
    GATED_KINDS,
    GROUND_WORDS,
    KIND_WORDS,
    OUTCOME_WORDS,
    Ground,
    Kind,
    Outcome,
    State,
)
from domain.timetable import request_ladder
from web.addresses import Reference
from web.forms import NOTHING_POSTED, Form, Posted
from web.site import OnSite, Site
from web.staff.access import GENUINE, Privacy, console
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/requests")
RUNGS_SHOWN = 3


@router.get("")
def queue(request: Request, site: OnSite, member: Privacy) -> HTMLResponse:
    """Requests by due date: those without an answer first. Names nobody."""
    with site.database.session() as session:
        rows = all_requests(session)
        return console(
            request,
            site,
            member,
            "requests.html",
            open=[row for row in rows if row.state in OPEN_STATES],
            done=[row for row in rows if row.state not in OPEN_STATES],
            staff=_staff(session),
            now=site.now(),
        )


class Asked:
    """Which member of the privacy team asks for which request."""

    def __init__(
        self, request: Request, site: OnSite, member: Privacy, reference: Reference
    ) -> None:
        self.request = request
        self.site = site
        self.member = member
        self.reference = reference

    @property
    def path(self) -> str:
        """The page of the request."""
        return f"/staff/requests/{self.reference}"


ByPrivacy = Annotated[Asked, Depends()]


@router.get("/{reference}")
def case_page(asked: ByPrivacy) -> HTMLResponse:
    """Everything about one request; that it was read is recorded (P30)."""
    return _case(asked)


@router.post("/{reference}/assign", dependencies=[GENUINE])
def assign_to_me(asked: ByPrivacy) -> Response:
    """Take a request on."""
    asked.site.desk.assign(asked.reference, asked.member.id)
    return RedirectResponse(asked.path, status_code=303)


@router.post("/{reference}/answer", dependencies=[GENUINE])
def answer(asked: ByPrivacy, posted: Form) -> Response:
    """Answer, or put a refusal before a second person; what is refused keeps its words."""
    outcome, ground = posted.text("outcome"), posted.text("ground")
    if outcome not in list(Outcome):
        return _case(asked, posted=posted, refusal="Choose how the request ends.")
    try:
        asked.site.desk.decide(
            asked.reference,
            asked.member.id,
            Answer(
                outcome=Outcome(outcome),
                ground=Ground(ground) if ground in list(Ground) else None,
                explanation=posted.text("explanation"),
                evidence=posted.text("evidence") or None,
            ),
        )
    except Refused as refusal:
        return _case(asked, posted=posted, refusal=str(refusal))
    return RedirectResponse(asked.path, status_code=303)


@router.post("/{reference}/confirm", dependencies=[GENUINE])
def confirm(asked: ByPrivacy, posted: Form) -> Response:
    """The second person lets the refusal or partial answer that they read go out."""
    try:
        answer_id = UUID(posted.text("answer"))
    except ValueError:
        return _case(asked, refusal="Read the answer below, and confirm that one.")
    try:
        asked.site.desk.confirm(asked.reference, answer_id, asked.member.id)
    except Refused as refusal:
        return _case(asked, refusal=str(refusal))
    return RedirectResponse(asked.path, status_code=303)


def _case(asked: Asked, *, posted: Posted = NOTHING_POSTED, refusal: str = "") -> HTMLResponse:
    site, now = asked.site, asked.site.now()
    with site.database.transaction() as transaction:
        request = request_by_reference(transaction, asked.reference)
        record(transaction, "personal_data.read", request.id, now, staff=asked.member.id)
    with site.database.session() as session:
        return console(
            asked.request,
            site,
            asked.member,
            "request.html",
            status=409 if refusal else 200,
            case=request,
            posted=posted,
            refusal=refusal,
            now=now,
            open=request.state in OPEN_STATES,
            asked_for=KIND_WORDS[Kind(request.kind)],
            gated=request.kind in GATED_KINDS,
            candidates=[
                (one["rule"], datetime.fromisoformat(str(one["due_at"])), one["explanation"])
                for one in request.candidates
            ],
            account=session.get(Account, request.account_id) if request.account_id else None,
            staff=_staff(session),
            mails=mails_of(session, request.id),
            workflow_url=site.workflow_url(f"data-subject-request/{request.id}"),
            decision=pending_decision(session, request.id),
            in_review=request.state == State.REVIEW,
            outcomes=OUTCOME_WORDS,
            grounds=GROUND_WORDS,
            **_rungs(session, site, request),
        )


def _rungs(session: Session, site: Site, request: DataSubjectRequest) -> Mapping[str, object]:
    fired = fired_rungs(session, request.id)
    keys = {rung.rung for rung in fired}
    ladder = request_ladder(
        request_id=request.id,
        received_at=request.received_at,
        due_at=request.due_at,
        time_zone=site.company.time_zone,
        holidays_of=site.company.country,
    )
    coming = [rung for rung in ladder if rung.key not in keys and rung.at > site.now()]
    return {
        "fired": fired,
        "coming": coming[:RUNGS_SHOWN] if request.state in OPEN_STATES else [],
        "summaries": {rung.key: rung.summary for rung in ladder},
    }


def _staff(session: Session) -> Mapping[object, Staff]:
    return {member.id: member for member in everybody(session)}
