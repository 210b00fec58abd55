"""The privacy team's page of accounts that may be a minor's: heard, agreed to (P18)."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database.people.restricted import restricted_among
from database.requests.minor_findings import Looked
from database.requests.minors import open_checks
from database.tables import Account, DataSubjectRequest, MinorCheck
from domain.company import OfficeHours
from domain.requests.minors import END_WORDS, MinorEnd, age_of_majority, check_by, heard_by
from web.forms import NOTHING_POSTED, Form, Posted
from web.staff.access import GENUINE
from web.staff.asked import Asker, OfRequest, account_of, asker
from web.staff.requests import all_staff
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/minors")
PATH = "/staff/minors"
OfPrivacy = Annotated[Asker, Depends(asker("privacy"))]


@router.get("")
def minors_page(asked: OfPrivacy, reference: OfRequest = "") -> HTMLResponse:
    """What is looked into, and the form for what one saw oneself."""
    return _page(asked, reference=reference)


@router.post("", dependencies=[GENUINE])
def open_check(asked: OfPrivacy, posted: Form) -> Response:
    """I saw that an account may be a minor's."""
    account, note = posted.line("account"), posted.text("note")
    return _back(
        asked,
        lambda: asked.site.desk.open_minor_check(account, asked.member.id, note=note),
        posted,
    )


@router.post("/{check_id}/take-on", dependencies=[GENUINE])
def take_on(asked: OfPrivacy, check_id: UUID) -> Response:
    """I look into it."""
    return _back(asked, lambda: asked.site.desk.take_on_minor(check_id, asked.member.id))


@router.post("/{check_id}/restrict", dependencies=[GENUINE])
def restrict(asked: OfPrivacy, check_id: UUID) -> Response:
    """The report holds: stop marketing and sharing, and tell the holder."""
    return _back(asked, lambda: asked.site.desk.restrict_reported(check_id, asked.member.id))


@router.post("/{check_id}/name", dependencies=[GENUINE])
def name(asked: OfPrivacy, check_id: UUID, posted: Form) -> Response:
    """I found which account it is about."""
    account = posted.line("account")
    return _back(
        asked, lambda: asked.site.desk.name_minor(check_id, account, asked.member.id), posted
    )


@router.post("/{check_id}/heard", dependencies=[GENUINE])
def heard(asked: OfPrivacy, check_id: UUID, posted: Form) -> Response:
    """I heard the holder, or tried to."""
    said, how = posted.text("said"), posted.text("how")
    return _back(
        asked,
        lambda: asked.site.desk.note_heard(check_id, asked.member.id, said=said, how=how),
        posted,
    )


@router.post("/{check_id}/found", dependencies=[GENUINE])
def found(asked: OfPrivacy, check_id: UUID, posted: Form) -> Response:
    """What I found out, and how."""
    outcome = posted.text("outcome")
    if outcome not in list(MinorEnd):
        return _page(asked, posted=posted, refusal="Choose what you found. Nothing was changed.")
    looked = Looked(outcome=MinorEnd(outcome), means=posted.text("means"))
    return _back(
        asked,
        lambda: asked.site.desk.end_minor_check(check_id, asked.member.id, looked),
        posted,
    )


@router.post("/{check_id}/confirm", dependencies=[GENUINE])
def confirm(asked: OfPrivacy, check_id: UUID) -> Response:
    """I agree that it is a minor's: to the request to erase it."""
    try:
        reference = asked.site.desk.confirm_minor(check_id, asked.member.id)
    except Refused as refusal:
        return _page(asked, refusal=str(refusal))
    return RedirectResponse(f"/staff/requests/{reference}", status_code=303)


def _back(asked: Asker, act: Callable[[], object], posted: Posted = NOTHING_POSTED) -> Response:
    try:
        act()
    except Refused as refusal:
        return _page(asked, posted=posted, refusal=str(refusal))
    return RedirectResponse(PATH, status_code=303)


def _page(
    asked: Asker, *, reference: str = "", posted: Posted = NOTHING_POSTED, refusal: str = ""
) -> HTMLResponse:
    site = asked.site
    with site.database.transaction() as transaction:
        account = account_of(transaction, reference)
        rows = open_checks(transaction)
        read = {holder.id for _, holder in rows if holder} | ({account.id} if account else set())
        asked.reads_of(transaction, *sorted(read))
    with site.database.session() as session:
        restricted = restricted_among(session, [one.id for _, one in rows if one])
        return asked.page(
            "minors.html",
            status=409 if refusal else 200,
            refusal=refusal,
            posted=posted,
            account=posted.line("account") or (account.external_id if account else ""),
            checks=[
                {
                    **_about(session, check, holder, site.company.office),
                    "restricted": holder is not None and holder.id in restricted,
                }
                for check, holder in rows
            ],
            ends=END_WORDS,
            today=site.company.today(site.now()),
            staff=all_staff(session),
        )


def _about(
    session: Session, check: MinorCheck, holder: Account | None, office: OfficeHours
) -> dict[str, object]:
    report = session.get(DataSubjectRequest, check.request_id) if check.request_id else None
    return {
        "row": check,
        "holder": holder,
        "report": report,
        "due_on": check_by(check.opened_at, office),
        "heard_by_on": heard_by(check.informed_at, office) if check.informed_at else None,
        "age": age_of_majority(holder.country) if holder else None,
    }
