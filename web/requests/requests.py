"""Make a data-subject request, prove that it is yours, and see how it stands (P10-P26)."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypedDict

from fastapi import APIRouter, HTTPException
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeSerializer
from sqlmodel import Session

from activities.mail import redirections
from activities.mail.done_words import ground_of, outcome_of, told_of
from database.people.links import (
    REQUEST_AGENT,
    REQUEST_ERASURE,
    REQUEST_STATUS,
    REQUEST_STOP,
    REQUEST_VERIFY,
)
from database.policies.policies import policies, version_in_force
from database.requests.additions import additions_of
from database.requests.attachments import attachments_of
from database.requests.authorised_agents import agent_of
from database.requests.codes import live_code, value_of
from database.requests.ends import appeal_of, may_be_appealed, may_be_taken_up_again, may_withdraw
from database.requests.identity import BY_LINK, answer_goes_on_file, asks_by_mail, link_is_current
from database.requests.redirections import sent_elsewhere
from database.requests.requested_rights import decisions_of, kinds_of, rights_of
from database.requests.requests import follower_of
from database.tables import DataSubjectRequest, Link, RequestDecision, RequestedRight
from domain.requests.attachments import problems as attachment_problems
from domain.requests.data_subject_requests import (
    GATED_KINDS,
    KIND_WORDS,
    RIGHT_STATE_WORDS,
    STAGE_WORDS,
    Intake,
    Kind,
    Outcome,
    RightState,
    State,
    problems,
)
from domain.requests.deadlines import Authority, authority_for, court_remedy
from domain.requests.decisions import in_our_words
from domain.requests.identity import TRIES
from domain.requests.minors import BY_CHECK
from translations.catalogues import Language
from web.forms import NOTHING_POSTED, Form, Posted
from web.links import LinkClosed, locale_of, open_link
from web.readers import OnReader, Reader
from web.requests.thinking_over import thinking_over_page
from web.site import OnSite, Site
from workflows.desk import Receipt
from workflows.messenger import Refused

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


SIGNED_IN, NOT_NEEDED = "signed-in", "not-needed"
"""Why a page of receipt says nothing of a question who asks."""


@router.get("/new")
def request_form(reader: OnReader) -> HTMLResponse:
    """The form, with a link to the policy it is made under (P1)."""
    return form_page(reader, NOTHING_POSTED, {})


@router.post("/new")
def make_request(site: OnSite, reader: OnReader, posted: Form) -> Response:
    """Take a request in, or show the form again with what is wrong with it."""
    intake = Intake(
        name=posted.text("name"),
        contact_address=posted.text("contact_address"),
        account_address=posted.text("account_address"),
        agent_name=posted.text("agent_name"),
        agent_address=posted.text("agent_address"),
        **asked_for(posted, reader),
    )
    found = faults_of(intake, reader) | faults_of_files(posted, reader)
    if found:
        return form_page(reader, posted, found, status=422)
    receipt, _ = site.desk.take_in(intake, channel="web")
    attach(reader, receipt, posted)
    asks_who = not GATED_KINDS.isdisjoint(intake.rights)
    return to_receipt(reader, receipt, proof="" if asks_who else NOT_NEEDED)


@router.get("/received/{receipt}")
def receipt_page(receipt: str, site: OnSite, reader: OnReader) -> HTMLResponse:
    """The same words and dates, whether we know the person or not (P19)."""
    try:
        reference, received_at, due_at, *proof = _receipts(site).loads(receipt)
    except (BadSignature, ValueError):
        raise HTTPException(404) from None
    return reader.show(
        "request_received.html",
        reference=reference,
        received_at=datetime.fromisoformat(received_at),
        due_at=datetime.fromisoformat(due_at),
        signed_in=SIGNED_IN in proof,
        asks_who=not proof,
    )


@router.get("/{token}")
def request_page(token: Token, site: OnSite, reader: OnReader) -> HTMLResponse:
    """How a request stands, or a question about it; looking verifies and changes nothing."""
    with site.database.session() as session:
        link = open_request(
            *(session, site, token),
            *(REQUEST_STATUS, REQUEST_VERIFY, REQUEST_STOP, REQUEST_AGENT, REQUEST_ERASURE),
        )
        request = session.get_one(DataSubjectRequest, link.subject_id)
        reader = reader.known_as(locale_of(session, link))
        if link.purpose == REQUEST_STOP:
            return _warning_page(session, reader, request)
        if link.purpose == REQUEST_ERASURE:
            return thinking_over_page(session, reader, request, f"/requests/{token}")
        if link.purpose == REQUEST_AGENT:
            return _agent_page(reader, request)
        if link.purpose == REQUEST_VERIFY and not request.answered_at:
            return _verify_page(session, reader, request, f"/requests/{token}")
        return status_page(session, reader, link, token)


@router.post("/{token}")
def press(token: Token, site: OnSite, reader: OnReader) -> Response:
    """The one button of each page: this request is mine; these are my request and my address; or,
    at an address that was on file before, stop (P19)."""
    with site.database.session() as session:
        link = open_request(session, site, token, REQUEST_STATUS, REQUEST_VERIFY, REQUEST_STOP)
    if link.purpose == REQUEST_VERIFY:
        site.desk.verify(link.subject_id, how=BY_LINK)
    elif link.purpose == REQUEST_STOP:
        site.desk.dispute(link.subject_id, by="former address")
    else:
        site.desk.confirm_contact(link.subject_id)
    return RedirectResponse(f"/requests/{token}{reader.kept}", status_code=303)


def open_request(session: Session, site: Site, token: str, *purposes: str) -> Link:
    """The link to a request. Raises LinkClosed, also for one to verify or to think an erasure over
    that went to an address which is on file no more."""
    link = open_link(session, site, token, site.now(), *purposes)
    decides = link.purpose in {REQUEST_VERIFY, REQUEST_ERASURE}
    if decides and not link_is_current(session, link):
        raise LinkClosed("replaced", link.purpose, locale_of(session, link))
    return link


class Asked(TypedDict):
    """The part of an intake that is the same whoever asks."""

    kinds: tuple[str, ...]
    message: str
    country: str | None
    language: str


def asked_for(posted: Posted, reader: Reader) -> Asked:
    """What is asked for, as typed."""
    return Asked(
        kinds=posted.texts("kinds"),
        message=posted.text("message"),
        country=posted.text("country") or None,
        language=reader.language,
    )


def faults_of(intake: Intake, reader: Reader) -> dict[str, str]:
    """What is wrong with an intake, by field, in the reader's language."""
    return {field: reader.gettext(words) for field, words in problems(intake)}


def faults_of_files(posted: Posted, reader: Reader) -> dict[str, str]:
    """What is wrong with the files that were sent along, in the reader's language."""
    wrong = attachment_problems(posted.attached, reader.site.company.attachments)
    return {"attachment": " ".join(map(reader.gettext, wrong))} if wrong else {}


def attach(reader: Reader, receipt: Receipt, posted: Posted) -> None:
    """Keep the files that came with a request which is taken in. Raises Refused, in words that say
    so, where they cannot be: it was joined to one that is answered, or has many."""
    if not posted.attached:
        return
    try:
        reader.site.desk.attach(receipt.reference, posted.attached)
    except Refused:
        raise Refused(
            reader.gettext(
                "Your request %(reference)s has come, and its files were not kept: it is answered "
                "already, or has too many. If they matter, please write to us.",
                reference=receipt.reference,
            )
        ) from None


def to_receipt(reader: Reader, receipt: Receipt, *, proof: str = "") -> Response:
    """Lead to the page that says what was received, and until when we answer. `proof`: why nobody
    is asked who they are, if so."""
    told = [receipt.reference, receipt.received_at.isoformat(), receipt.due_at.isoformat()]
    signed = _receipts(reader.site).dumps([*told, *([proof] if proof else [])])
    return RedirectResponse(f"/requests/received/{signed}{reader.kept}", status_code=303)


def form_page(
    reader: Reader,
    posted: Posted,
    found: Mapping[str, str],
    *,
    known: bool = False,
    status: int = 200,
) -> HTMLResponse:
    """The form with what was typed. `known`: whoever fills it in has shown who they are."""
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
        known=known,
        choices=CHOICES,
        countries=countries(reader.pages.language),
        in_force=in_force,
    )


def countries(language: Language) -> list[tuple[str, str]]:
    """Codes and names, in the order of the names; accents do not count for it."""
    named = [(code, language.country(code)) for code in COUNTRIES]
    named += [(code, language.gettext(name)) for code, name in REGIONS.items()]
    return sorted(named, key=lambda country: unicodedata.normalize("NFKD", country[1]).casefold())


def _verify_page(
    session: Session, reader: Reader, request: DataSubjectRequest, path: str
) -> HTMLResponse:
    return reader.show(
        "request_verify.html",
        request=request,
        agent=agent_of(session, request.id),
        path=path,
        asked_for=_asked_for(session, reader, request),
        may_withdraw=may_withdraw(session, request, REQUEST_VERIFY),
        zone=reader.site.company.zone_of(request.time_zone),
    )


def _agent_page(reader: Reader, request: DataSubjectRequest) -> HTMLResponse:
    """Where it stands, and never what was answered: that is the person's alone (P19)."""
    stage = STAGE_WORDS.get(State(request.state), CLOSED)
    return reader.show(
        "request_agent.html",
        request=request,
        stage=reader.gettext(stage),
        zone=reader.site.company.zone_of(request.time_zone),
    )


def _warning_page(session: Session, reader: Reader, request: DataSubjectRequest) -> HTMLResponse:
    asked_for = _asked_for(session, reader, request)
    return reader.show("request_warning.html", request=request, asked_for=asked_for)


def _asked_for(session: Session, reader: Reader, request: DataSubjectRequest) -> str:
    kinds = kinds_of(session, request.id)
    return reader.pages.language.listed(KIND_WORDS[kind] for kind in kinds)


def status_page(
    session: Session,
    reader: Reader,
    link: Link,
    token: str,
    *,
    problem: str = "",
    refusal: str = "",
    posted: Posted = NOTHING_POSTED,
) -> HTMLResponse:
    """How a request stands: the same whether the person is known to us or not (P19).

    The answer is shown behind a link that went where the answer goes. `problem`: why a code did
    not do, for its field; `refusal`: why something else was not done; `posted`: what was typed.
    """
    request = session.get_one(DataSubjectRequest, link.subject_id)
    rights = rights_of(session, request.id)
    decisions = decisions_of(session, rights) if request.answered_at else {}
    stage = STAGE_WORDS.get(State(request.state), CLOSED)
    company = reader.site.company
    lead = Authority(name=company.authority_name, url=company.authority_url)
    code = live_code(session, request, reader.site.now())
    verifies = link.purpose == REQUEST_VERIFY
    elsewhere = (
        request.answered_at is not None and not verifies and answer_goes_on_file(session, request)
    )
    return reader.show(
        "request_status.html",
        request=request,
        path=f"/requests/{token}",
        rights=[_right(session, reader, right, decisions.get(right.id)) for right in rights],
        stage=reader.gettext(stage),
        by_us=request.verified_by == BY_CHECK,
        agent=agent_of(session, request.id),
        asks=asks_by_mail(request),
        code_until=value_of(code).good_until if code else None,
        tries_left=TRIES - code.tries if code else 0,
        problems={"code": problem} if problem else {},
        refusal=refusal,
        files=len(attachments_of(session, request.id)),
        added=[one.added_at for one in additions_of(session, request.id)],
        elsewhere=elsewhere,
        may_withdraw=may_withdraw(session, request, link.purpose),
        answered_with=session.get(DataSubjectRequest, request.duplicate_of_id)
        if request.duplicate_of_id
        else None,
        again=may_be_taken_up_again(session, request, link.purpose),
        follower=follower_of(session, request),
        may_appeal=may_be_appealed(session, request, link.purpose),
        appeal=appeal_of(session, request),
        posted=posted,
        others=redirections.in_words(reader.pages.language, sent_elsewhere(session, request)),
        authority=authority_for(request.country, lead=lead),
        court=reader.gettext(court_remedy(request.regime)),
        zone=company.zone_of(request.time_zone),
    )


def _right(
    session: Session, reader: Reader, right: RequestedRight, decision: RequestDecision | None
) -> dict[str, object]:
    """What a person asked for and, once it is answered, what came of it."""
    words: dict[str, object] = {
        "asked_for": reader.gettext(KIND_WORDS[Kind(right.kind)]),
        "state": reader.gettext(RIGHT_STATE_WORDS[RightState(right.state)]),
    }
    if decision is None:
        return words
    request = session.get_one(DataSubjectRequest, right.request_id)
    language, zone = reader.pages.language, reader.site.company.zone_of(request.time_zone)
    return {
        **words,
        "outcome": outcome_of(session, right, decision, language),
        "ground": ground_of(session, right, decision, language, zone),
        "explanation": _explanation(reader, decision),
        "done": told_of(session, right, language),
    }


def _explanation(reader: Reader, decision: RequestDecision) -> str:
    """Our own sentences are translated; what a person wrote stays as it is."""
    said = decision.explanation
    ours = in_our_words(Outcome(decision.outcome), decision.decided_by)
    return reader.gettext(said) if ours else said


def _receipts(site: Site) -> URLSafeSerializer:
    return URLSafeSerializer(list(reversed(site.link_keys)), salt="request-receipt")
