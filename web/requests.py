"""Make a data-subject request, prove that it is yours, and see how it stands (P10-P26)."""

import unicodedata
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
from database.requested_rights import decisions_of, kinds_of, rights_of
from database.tables import DataSubjectRequest, Link, RequestDecision, RequestedRight
from domain.data_subject_requests import (
    GROUND_WORDS,
    KIND_WORDS,
    OUTCOME_WORDS,
    RIGHT_STATE_WORDS,
    STAGE_WORDS,
    Ground,
    Intake,
    Kind,
    Outcome,
    RightState,
    State,
    problems,
)
from domain.deadlines import Authority, authority_for, court_remedy
from web.forms import NOTHING_POSTED, Form, Posted
from web.links import locale_of, open_link
from web.readers import OnReader, Reader
from web.site import OnSite, Site

router = APIRouter(prefix="/requests")
Token = Annotated[str, PathParameter(max_length=200)]
COUNTRIES = (Path(__file__).parent / "countries.txt").read_text("utf-8").split()
REGIONS: Mapping[str, str] = {"US-CA": "United States: California"}
"""Parts of countries with a law of their own, which is why people may choose them."""
CLOSED = "This request is closed."
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
def request_form(reader: OnReader) -> HTMLResponse:
    """The form, with a link to the policy it is made under (P1)."""
    return _form(reader, NOTHING_POSTED, {})


@router.post("/new")
def make_request(site: OnSite, reader: OnReader, posted: Form) -> Response:
    """Take a request in, or show the form again with what is wrong with it."""
    intake = Intake(
        name=posted.text("name"),
        contact_address=posted.text("contact_address"),
        kinds=posted.texts("kinds"),
        message=posted.text("message"),
        country=posted.text("country") or None,
        language=reader.language,
    )
    found = {field: reader.gettext(words) for field, words in problems(intake)}
    if found:
        return _form(reader, posted, found, status=422)
    request = site.desk.receive(intake, channel="web")
    receipt = _receipts(site).dumps(
        [request.reference, request.received_at.isoformat(), request.due_at.isoformat()]
    )
    return RedirectResponse(f"/requests/received/{receipt}{reader.kept}", status_code=303)


@router.get("/received/{receipt}")
def receipt_page(receipt: str, site: OnSite, reader: OnReader) -> HTMLResponse:
    """The same words and dates, whether we know the person or not (P19)."""
    try:
        reference, received_at, due_at = _receipts(site).loads(receipt)
    except (BadSignature, ValueError):
        raise HTTPException(404) from None
    return reader.show(
        "request_received.html",
        reference=reference,
        received_at=datetime.fromisoformat(received_at),
        due_at=datetime.fromisoformat(due_at),
    )


@router.get("/{token}")
def request_page(token: Token, site: OnSite, reader: OnReader) -> HTMLResponse:
    """How a request stands, or the question whether it is really yours; never verifies."""
    with site.database.session() as session:
        link = open_link(session, site, token, site.now(), REQUEST_STATUS, REQUEST_VERIFY)
        request = session.get_one(DataSubjectRequest, link.subject_id)
        reader = reader.known_as(locale_of(session, link))
        if link.purpose == REQUEST_VERIFY:
            return _verify_page(session, reader, request)
        return _status_page(session, reader, request)


@router.post("/{token}")
def verify_request(token: Token, site: OnSite, reader: OnReader) -> Response:
    """The one button: yes, this request is mine (P19)."""
    with site.database.session() as session:
        link: Link = open_link(session, site, token, site.now(), REQUEST_VERIFY)
    site.desk.verify(link.subject_id, how="link to the address on file")
    return RedirectResponse(f"/requests/{token}{reader.kept}", status_code=303)


def _form(
    reader: Reader, posted: Posted, found: Mapping[str, str], *, status: int = 200
) -> HTMLResponse:
    site = reader.site
    with site.database.session() as session:
        now = site.now()
        in_force = [
            (policy, version)
            for policy in policies(session)
            if (version := version_in_force(session, policy.id, now))
        ]
    return reader.show(
        "request_new.html",
        status=status,
        posted=posted,
        problems=found,
        choices=CHOICES,
        countries=_countries(reader),
        in_force=in_force,
    )


def _countries(reader: Reader) -> list[tuple[str, str]]:
    """Codes and names, in the order of the names; accents do not count for it."""
    language = reader.pages.language
    named = [(code, language.country(code)) for code in COUNTRIES]
    named += [(code, language.gettext(name)) for code, name in REGIONS.items()]
    return sorted(named, key=lambda country: unicodedata.normalize("NFKD", country[1]).casefold())


def _verify_page(session: Session, reader: Reader, request: DataSubjectRequest) -> HTMLResponse:
    kinds = kinds_of(session, request.id)
    return reader.show(
        "request_verify.html",
        request=request,
        asked_for=reader.pages.language.listed(KIND_WORDS[kind] for kind in kinds),
        zone=reader.site.company.zone_of(request.time_zone),
    )


def _status_page(session: Session, reader: Reader, request: DataSubjectRequest) -> HTMLResponse:
    rights = rights_of(session, request.id)
    decisions = decisions_of(session, rights) if request.answered_at else {}
    stage = STAGE_WORDS.get(State(request.state), CLOSED)
    company = reader.site.company
    lead = Authority(name=company.authority_name, url=company.authority_url)
    return reader.show(
        "request_status.html",
        request=request,
        rights=[_right(reader, right, decisions.get(right.id)) for right in rights],
        stage=reader.gettext(stage),
        authority=authority_for(request.country, lead=lead),
        court=reader.gettext(court_remedy(request.regime)),
        zone=company.zone_of(request.time_zone),
    )


def _right(
    reader: Reader, right: RequestedRight, decision: RequestDecision | None
) -> dict[str, object]:
    """What a person asked for and, once it is answered, what came of it."""
    words: dict[str, object] = {
        "asked_for": reader.gettext(KIND_WORDS[Kind(right.kind)]),
        "state": reader.gettext(RIGHT_STATE_WORDS[RightState(right.state)]),
    }
    if decision is None:
        return words
    ground = GROUND_WORDS[Ground(decision.ground)] if decision.ground else ""
    return {
        **words,
        "outcome": reader.gettext(OUTCOME_WORDS[Outcome(decision.outcome)]),
        "ground": reader.gettext(ground),
        "explanation": decision.explanation,
    }


def _receipts(site: Site) -> URLSafeSerializer:
    return URLSafeSerializer(list(reversed(site.link_keys)), salt="request-receipt")
