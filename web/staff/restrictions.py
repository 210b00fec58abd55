"""The privacy team's page of restricted accounts: which, why, set, and lifted with notice (P14)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from database.people.staff import everybody
from database.requests.restrictions import Lift, mails_about, outlived, standing
from domain.people.restrictions import WORDS, Reason
from web.forms import NOTHING_POSTED, Form, Posted
from web.staff.access import GENUINE
from web.staff.asked import Asker, OfRequest, account_of, asker
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/restrictions")
PATH = "/staff/restrictions"


ByPrivacy = Annotated[Asker, Depends(asker("privacy"))]


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
    asked: Asker, *, reference: str = "", posted: Posted = NOTHING_POSTED, refusal: str = ""
) -> HTMLResponse:
    site = asked.site
    with site.database.transaction() as transaction:
        account = account_of(transaction, reference)
        rows = standing(transaction)
        read = {restriction.account_id for restriction, _ in rows}
        read |= {account.id} if account else set()
        asked.reads_of(transaction, *sorted(read))
    with site.database.session() as session:
        return asked.page(
            "restrictions.html",
            status=409 if refusal else 200,
            refusal=refusal,
            posted=posted,
            reference=posted.text("reference") or reference,
            account=posted.text("account") or (account.external_id if account else ""),
            rows=rows,
            mails=mails_about(session, [restriction for restriction, _ in rows]),
            outlived=outlived(session),
            words=WORDS,
            staff={member.id: member for member in everybody(session)},
        )
