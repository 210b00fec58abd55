"""Make a data-subject request, prove that it is yours, and see how it stands (P10-P26)."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeSerializer
from sqlmodel import Session

from database.links import REQUEST_STATUS, REQUEST_VERIFY
from database.policies import policies, version_in_force
from database.tables import DataSubjectRequest, Link, RequestDecision
from domain.data_subject_requests import (
    GROUND_WORDS,
    KIND_WORDS,
    OUTCOME_WORDS,
    STAGE_WORDS,
    Ground,
    Intake,
    Kind,
    Outcome,
    State,
    problems,
)
from domain.deadlines import Authority, complaint_right, court_remedy
from web.forms import NOTHING_POSTED, Form, Posted
from web.links import open_link
from web.site import OnSite, Site

router = APIRouter(prefix="/requests")
Token = Annotated[str, PathParameter(max_length=200)]
COUNTRIES: Mapping[str, str] = dict(
    line.split(" ", 1)
    for line in (Path(__file__).parent / "countries.txt").read_text("utf-8").splitlines()
)
CHOICES: Mapping[Kind, str] = {
    Kind.INQUIRY: "Tell me what kind of data you hold about me, and how you use it",
    Kind.ACCESS: "Send me a copy of my data",
    Kind.CORRECTION: "Correct or complete my data",
    Kind.ERASURE: "Erase my data",
    Kind.RESTRICTION: "Restrict what you do with my data",
    Kind.OBJECTION: "Stop using my data, because of my particular situation",
    Kind.OBJECTION_MARKETING: "Stop using my data for marketing",
    Kind.PORTABILITY: "Give me my data in a form other systems can read",
    Kind.MARKETING_OPT_OUT: "Send me no more marketing messages",
    Kind.MINOR: "You may hold data about a minor",
}


@router.get("/new")
def request_form(site: OnSite) -> HTMLResponse:
    """The form, with a link to the policy it is made under (P1)."""
    return _form(site, NOTHING_POSTED, {})


@router.post("/new")
def make_request(site: OnSite, posted: Form) -> Response:
    """Take a request in, or show the form again with what is wrong with it."""
    intake = Intake(
        name=posted.text("name"),
        contact_address=posted.text("contact_address"),
        kinds=(posted.text("kinds"),) if posted.text("kinds") else (),
        message=posted.text("message"),
        country=posted.text("country") or None,
    )
    found = dict(problems(intake))
    if found:
        return _form(site, posted, found, status=422)
    request = site.desk.receive(intake, channel="web")
    receipt = _receipts(site).dumps(
        [request.reference, request.received_at.isoformat(), request.due_at.isoformat()]
    )
    return RedirectResponse(f"/requests/received/{receipt}", status_code=303)


@router.get("/received/{receipt}")
def receipt_page(receipt: str, site: OnSite) -> HTMLResponse:
    """The same words and dates, whether we know the person or not (P19)."""
    try:
        reference, received_at, due_at = _receipts(site).loads(receipt)
    except (BadSignature, ValueError):
        raise HTTPException(404) from None
    return site.pages.show(
        "request_received.html",
        reference=reference,
        received_at=datetime.fromisoformat(received_at),
        due_at=datetime.fromisoformat(due_at),
    )


@router.get("/{token}")
def request_page(token: Token, site: OnSite) -> HTMLResponse:
    """How a request stands, or the question whether it is really yours; never verifies."""
    with site.database.session() as session:
        link = open_link(session, site, token, site.now(), REQUEST_STATUS, REQUEST_VERIFY)
        request = session.get_one(DataSubjectRequest, link.subject_id)
        if link.purpose == REQUEST_VERIFY:
            return site.pages.show(
                "request_verify.html", request=request, asked_for=KIND_WORDS[Kind(request.kind)]
            )
        return _status_page(session, site, request)


@router.post("/{token}")
def verify_request(token: Token, site: OnSite) -> Response:
    """The one button: yes, this request is mine (P19)."""
    with site.database.session() as session:
        link: Link = open_link(session, site, token, site.now(), REQUEST_VERIFY)
    site.desk.verify(link.subject_id, how="link to the address on file")
    return RedirectResponse(f"/requests/{token}", status_code=303)


def _form(
    site: Site, posted: Posted, found: Mapping[str, str], *, status: int = 200
) -> HTMLResponse:
    with site.database.session() as session:
        now = site.now()
        in_force = [
            (policy, version)
            for policy in policies(session)
            if (version := version_in_force(session, policy.id, now))
        ]
    return site.pages.show(
        "request_new.html",
        status=status,
        posted=posted,
        problems=found,
        choices=CHOICES,
        countries=COUNTRIES,
        in_force=in_force,
    )


def _status_page(session: Session, site: Site, request: DataSubjectRequest) -> HTMLResponse:
    answered = request.answered_at is not None and request.decision_id is not None
    decision = session.get(RequestDecision, request.decision_id) if answered else None
    stage = STAGE_WORDS.get(State(request.state))
    return site.pages.show(
        "request_status.html",
        request=request,
        asked_for=KIND_WORDS[Kind(request.kind)],
        stage=stage or "This request is closed.",
        decision=decision,
        outcome=OUTCOME_WORDS[Outcome(decision.outcome)] if decision else None,
        ground=GROUND_WORDS[Ground(decision.ground)] if decision and decision.ground else None,
        remedies=_remedies(site, request),
    )


def _remedies(site: Site, request: DataSubjectRequest) -> tuple[str, ...]:
    """Where to complain, and the court where the person's law gives one (P23)."""
    lead = Authority(name=site.company.authority_name, url=site.company.authority_url)
    sentences = (complaint_right(request.country, lead=lead), court_remedy(request.regime))
    return tuple(sentence for sentence in sentences if sentence)


def _receipts(site: Site) -> URLSafeSerializer:
    return URLSafeSerializer(list(reversed(site.link_keys)), salt="request-receipt")
