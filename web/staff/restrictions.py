"""The privacy team's page of restricted accounts: which, why, set, and lifted with notice (P14)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database.facts import record
from database.requests import RequestUnknown, request_by_reference
from database.restrictions import Lift, mails_about, standing
from database.staff import everybody
from database.tables import Account
from domain.restrictions import WORDS, Reason
from web.forms import NOTHING_POSTED, Form, Posted
from web.site import OnSite
from web.staff.access import GENUINE, Privacy, console
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/restrictions")
PATH = "/staff/restrictions"


class Asked:
    """Which member of the privacy team asks."""

    def __init__(self, request: Request, site: OnSite, member: Privacy) -> None:
        self.request = request
        self.site = site
        self.member = member


ByPrivacy = Annotated[Asked, Depends()]
OfRequest = Annotated[str, Query(alias="request", max_length=20)]


@router.get("")
def restrictions_page(asked: ByPrivacy, reference: OfRequest = "") -> HTMLResponse:
    """What is restricted now, and the form to restrict the account of a request, or another."""
    return _page(asked, reference=reference)


@router.post("", dependencies=[GENUINE])
def restrict(asked: ByPrivacy, posted: Form) -> Response:
    """Restrict an account."""
    reason = posted.text("reason")
    if reason not in list(Reason):
        return _page(asked, posted=posted, refusal="Choose why. Nothing was changed.")
    try:
        asked.site.desk.restrict(
            posted.line("account"),
            Reason(reason),
            asked.member.id,
            note=posted.text("note"),
            reference=posted.line("reference") or None,
        )
    except Refused as refusal:
        return _page(asked, posted=posted, refusal=str(refusal))
    return RedirectResponse(PATH, status_code=303)


@router.post("/{restriction_id}/lift", dependencies=[GENUINE])
def lift(asked: ByPrivacy, restriction_id: UUID, posted: Form) -> Response:
    """Tell the holder, and let the restriction end when the mail is out."""
    wanted = Lift(
        explanation=posted.text("explanation"), told_otherwise=posted.text("told_otherwise")
    )
    try:
        asked.site.desk.lift_restriction(restriction_id, asked.member.id, wanted)
    except Refused as refusal:
        return _page(asked, refusal=str(refusal))
    return RedirectResponse(PATH, status_code=303)


def _page(
    asked: Asked, *, reference: str = "", posted: Posted = NOTHING_POSTED, refusal: str = ""
) -> HTMLResponse:
    site = asked.site
    account = _account_of(asked, reference) if reference else None
    with site.database.transaction() as transaction:
        rows = standing(transaction)
        for restriction, _ in rows:
            _note_reading(transaction, asked, restriction.account_id)
    with site.database.session() as session:
        return console(
            asked.request,
            site,
            asked.member,
            "restrictions.html",
            status=409 if refusal else 200,
            refusal=refusal,
            posted=posted,
            reference=posted.text("reference") or reference,
            account=posted.text("account") or (account.external_id if account else ""),
            rows=rows,
            mails=mails_about(session, [restriction for restriction, _ in rows]),
            words=WORDS,
            staff={member.id: member for member in everybody(session)},
        )


def _account_of(asked: Asked, reference: str) -> Account | None:
    """The account of a request."""
    with asked.site.database.transaction() as transaction:
        try:
            request = request_by_reference(transaction, reference)
        except RequestUnknown:
            return None
        _note_reading(transaction, asked, request.id)
        return transaction.get(Account, request.account_id) if request.account_id else None


def _note_reading(transaction: Session, asked: Asked, subject_id: UUID) -> None:
    """Who reads about whom is recorded (P30)."""
    now, reader = asked.site.now(), asked.member.id
    record(transaction, "personal_data.read", subject_id, now, staff=reader)
