"""The privacy team's page of one request: its clock, and what they decide (P19-P23)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database.people.staff import everybody
from database.requests.additions import additions_of
from database.requests.answering import Answer
from database.requests.appeals import may_decide, too_few
from database.requests.at_once import is_known
from database.requests.attachments import attachments_of
from database.requests.authorised_agents import Authority, agent_of
from database.requests.deferred_erasures import erasure_of
from database.requests.ends import possible_duplicates, proposed_end
from database.requests.estates import authorities_of, has_died
from database.requests.identity import controls_empty_address, is_verified
from database.requests.joined import joined_to
from database.requests.naming import why_not_named
from database.requests.on_paper import letters_to_post, posted_letters
from database.requests.receipts import Receipt, clock_on_file
from database.requests.requested_rights import decisions_of, rights_of
from database.requests.requests import (
    OPEN_STATES,
    mails_of,
    request_by_reference,
)
from database.requests.standing_holds import standing_on
from database.tables import DataSubjectRequest, Staff
from domain.people.languages import nearest_language
from domain.requests.data_subject_requests import (
    GATED_KINDS,
    GROUND_WORDS,
    OUTCOME_WORDS,
    Ground,
    Kind,
    Outcome,
    RightState,
)
from domain.requests.deadlines import PACKS
from domain.requests.decisions import SET_ASIDE, possible_grounds, possible_outcomes
from domain.requests.ends import TAKES_TWO
from domain.requests.erasures import ErasureGround
from domain.requests.identity import CheckMethod
from domain.requests.legal_holds import HELD_BACK, UNDER_A_HOLD
from web.addresses import Reference
from web.forms import NOTHING_POSTED, Form, Posted
from web.requests.requests import CHOICES
from web.site import OnSite
from web.staff.about_data_corrections import about_data_corrections
from web.staff.about_erasing import about_erasing
from web.staff.about_sources import about_sources
from web.staff.access import GENUINE, Privacy
from web.staff.asked import Asker
from web.staff.clock import clock_of, read_local
from web.staff.drafts import drafts
from web.staff.identity import about_identity, drafted
from web.staff.late_reply import missing_late_replies
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/requests")
STANDING: Mapping[RightState, str] = {
    RightState.OPEN: "waits for an answer",
    RightState.REVIEW: "waits for a second person",
    RightState.DECIDED: "decided",
}


@dataclass(frozen=True, kw_only=True)
class Asked(Asker):
    """A member of the privacy team, and the request that they ask for; it need not exist."""

    reference: str

    @property
    def path(self) -> str:
        """The page of the request."""
        return f"/staff/requests/{self.reference}"


def asked_by_privacy(
    request: Request, site: OnSite, member: Privacy, reference: Reference
) -> Asked:
    """A dependency: what a member of the privacy team asks for."""
    return Asked(request=request, site=site, member=member, reference=reference)


ByPrivacy = Annotated[Asked, Depends(asked_by_privacy)]


@router.get("/{reference}")
def case_page(asked: ByPrivacy) -> HTMLResponse:
    """Everything about one request; that it was read is recorded (P30)."""
    return _case(asked)


@router.post("/{reference}/assign", dependencies=[GENUINE])
def assign(asked: ByPrivacy, posted: Form) -> Response:
    """Take a request on, or give it to a colleague."""
    try:
        to = UUID(posted.text("to")) if posted.text("to") else None
    except ValueError:
        return _case(asked, refusal="Choose one of the privacy team. Nothing was changed.")
    return back(asked, lambda: asked.site.desk.assign(asked.reference, asked.member.id, to=to))


@router.post("/{reference}/take-out", dependencies=[GENUINE])
def take_out(asked: ByPrivacy, posted: Form) -> Response:
    """Make what was joined to the request one of its own, and go there."""
    try:
        joined_id = UUID(posted.text("joined"))
        own = asked.site.desk.take_out(asked.reference, joined_id, asked.member.id)
    except ValueError:
        return _case(asked, refusal="Read below what was joined, and take one of these out.")
    except Refused as refusal:
        return _case(asked, refusal=str(refusal))
    return RedirectResponse(f"/staff/requests/{own.reference}", status_code=303)


@router.post("/{reference}/acknowledge", dependencies=[GENUINE])
def acknowledge(asked: ByPrivacy) -> Response:
    """Say "I have seen this and act": the step goes on to nobody else."""
    return back(asked, lambda: asked.site.desk.acknowledge(asked.reference, asked.member.id))


@router.post("/{reference}/receipt", dependencies=[GENUINE])
def correct_receipt(asked: ByPrivacy, posted: Form) -> Response:
    """Set right when the request came, or from where; the clock follows."""
    with asked.site.database.session() as session:
        known = request_by_reference(session, asked.reference).received_at
    try:
        receipt = Receipt(
            received_at=read_local(posted.text("received_at"), known, asked.site),
            country=posted.line("country") or None,
            proof=posted.text("proof"),
        )
        asked.site.desk.correct_receipt(asked.reference, asked.member.id, receipt)
    except (ValueError, Refused) as refusal:
        return _case(asked, posted=posted, refusal=str(refusal))
    return RedirectResponse(asked.path, status_code=303)


@router.post("/{reference}/receipt/confirm", dependencies=[GENUINE])
def confirm_receipt(asked: ByPrivacy, posted: Form) -> Response:
    """The second person agrees to the receipt that they read, which gives us more time."""
    try:
        correction_id = UUID(posted.text("correction"))
    except ValueError:
        return _case(asked, refusal="Read the correction below, and confirm that one.")
    return back(
        asked,
        lambda: asked.site.desk.confirm_receipt(asked.reference, correction_id, asked.member.id),
    )


@router.post("/{reference}/answer", dependencies=[GENUINE])
def answer(asked: ByPrivacy, posted: Form) -> Response:
    """Answer a right, or put a refusal before a second person; what is refused keeps its words."""
    outcome, ground, kind = (posted.text(name) for name in ("outcome", "ground", "right"))
    why = posted.text("erasure_ground")
    if outcome not in list(Outcome):
        return _case(asked, posted=posted, refusal="Choose how it ends.")
    return back(
        asked,
        lambda: asked.site.desk.decide(
            asked.reference,
            asked.member.id,
            Answer(
                outcome=Outcome(outcome),
                ground=Ground(ground) if ground in list(Ground) else None,
                explanation=posted.text("explanation"),
                evidence=posted.text("evidence") or None,
                erasure_ground=ErasureGround(why) if why in list(ErasureGround) else None,
            ),
            Kind(kind) if kind in list(Kind) else None,
        ),
        posted,
    )


@router.post("/{reference}/confirm", dependencies=[GENUINE])
def confirm(asked: ByPrivacy, posted: Form) -> Response:
    """The second person agrees to the refusal or partial answer that they read."""
    try:
        answer_id = UUID(posted.text("answer"))
    except ValueError:
        return _case(asked, refusal="Read the answer below, and confirm that one.")
    return back(asked, lambda: asked.site.desk.confirm(asked.reference, answer_id, asked.member.id))


@router.post("/{reference}/end", dependencies=[GENUINE])
def end(asked: ByPrivacy, posted: Form) -> Response:
    """End a request that is not to be judged, or put that before a second person."""
    outcome = posted.text("end")
    if outcome not in SET_ASIDE:
        return _case(asked, posted=posted, refusal="Choose how the request ends.")
    return back(
        asked,
        lambda: asked.site.desk.end_request(
            asked.reference,
            asked.member.id,
            Outcome(outcome),
            reason=posted.text("reason"),
            of=posted.line("of"),
        ),
        posted,
    )


@router.post("/{reference}/end/confirm", dependencies=[GENUINE])
def confirm_end(asked: ByPrivacy, posted: Form) -> Response:
    """The second person agrees to the end that they read."""
    try:
        proposed_id = UUID(posted.text("proposed"))
    except ValueError:
        return _case(asked, refusal="Read below how the request is to end, and confirm that.")
    return back(
        asked, lambda: asked.site.desk.confirm_end(asked.reference, proposed_id, asked.member.id)
    )


@router.post("/{reference}/died", dependencies=[GENUINE])
def freeze(asked: ByPrivacy) -> Response:
    """Note that the holder of the account has died."""
    return back(asked, lambda: asked.site.desk.freeze_account(asked.reference, asked.member.id))


@router.post("/{reference}/lives", dependencies=[GENUINE])
def take_back_death(asked: ByPrivacy) -> Response:
    """A second person found that the holder of the account lives."""
    return back(asked, lambda: asked.site.desk.take_back_death(asked.reference, asked.member.id))


@router.post("/{reference}/estate", dependencies=[GENUINE])
def record_estate(asked: ByPrivacy, posted: Form) -> Response:
    """Note who asks after a death, and what shows that they may."""
    return back(
        asked,
        lambda: asked.site.desk.record_estate(
            asked.reference, asked.member.id, who=posted.line("who"), proof=posted.text("proof")
        ),
        posted,
    )


@router.post("/{reference}/estate/confirm", dependencies=[GENUINE])
def confirm_estate(asked: ByPrivacy, posted: Form) -> Response:
    """The second person agrees to what they read."""
    try:
        authority_id = UUID(posted.text("authority"))
    except ValueError:
        return _case(asked, refusal="Read below who asks after the death, and confirm that.")
    return back(
        asked,
        lambda: asked.site.desk.confirm_estate(asked.reference, authority_id, asked.member.id),
    )


@router.post("/{reference}/erased", dependencies=[GENUINE])
def note_erased(asked: ByPrivacy) -> Response:
    """Say that the erasure is done which waited for the release of a hold."""
    return back(asked, lambda: asked.site.desk.note_erased(asked.reference, asked.member.id))


@router.post("/{reference}/authority", dependencies=[GENUINE])
def decide_authority(asked: ByPrivacy, posted: Form) -> Response:
    """Say whether whoever asks for the person may, and what showed it."""
    authority = posted.text("authority")
    if authority not in list(Authority):
        return _case(asked, refusal="Say whether they may act for the person.")
    asked.site.desk.decide_authority(
        asked.reference, asked.member.id, Authority(authority), posted.text("evidence")
    )
    return RedirectResponse(asked.path, status_code=303)


@router.post("/{reference}/authority/delete-evidence", dependencies=[GENUINE])
def delete_evidence(asked: ByPrivacy) -> Response:
    """Delete what showed it; the decision stays."""
    asked.site.desk.delete_evidence_of_authority(asked.reference, asked.member.id)
    return RedirectResponse(asked.path, status_code=303)


@router.post("/{reference}/account", dependencies=[GENUINE])
def name_account(asked: ByPrivacy, posted: Form) -> Response:
    """Say which account a request is about that came with nothing to know it by."""
    return back(
        asked,
        lambda: asked.site.desk.name_account(
            asked.reference, asked.member.id, posted.line("account")
        ),
        posted,
    )


@router.post("/{reference}/check", dependencies=[GENUINE])
def check(asked: ByPrivacy, posted: Form) -> Response:
    """Note how somebody found out who asks, whose mailbox is gone (P19)."""
    method = posted.text("method")
    if method not in list(CheckMethod):
        return _case(asked, posted=posted, refusal="Choose how you found out who asks.")
    return back(
        asked,
        lambda: asked.site.desk.record_check(
            asked.reference,
            asked.member.id,
            method=CheckMethod(method),
            passed=posted.text("passed") == "yes",
            evidence=posted.text("found"),
        ),
        posted,
    )


@router.post("/{reference}/confirm-check", dependencies=[GENUINE])
def confirm_check(asked: ByPrivacy, posted: Form) -> Response:
    """A second person agrees to the check that they read, and the person counts as verified."""
    try:
        check_id = UUID(posted.text("check"))
    except ValueError:
        return _case(asked, refusal="Read the check below, and confirm that one.")
    return back(
        asked, lambda: asked.site.desk.confirm_check(asked.reference, check_id, asked.member.id)
    )


def back(asked: Asked, act: Callable[[], object], posted: Posted = NOTHING_POSTED) -> Response:
    """To the page of the request once it is done, or the page with why not, and what was typed."""
    try:
        act()
    except Refused as refusal:
        return _case(asked, posted=posted, refusal=str(refusal))
    return RedirectResponse(asked.path, status_code=303)


def _case(asked: Asked, *, posted: Posted = NOTHING_POSTED, refusal: str = "") -> HTMLResponse:
    site, now = asked.site, asked.site.now()
    with site.database.transaction() as transaction:
        request = request_by_reference(transaction, asked.reference)
        asked.reads_of(transaction, request.id)
    with site.database.session() as session:
        draft = drafted(session, site, request)
        return asked.page(
            "request.html",
            status=409 if refusal else 200,
            case=request,
            posted=posted,
            nothing_posted=NOTHING_POSTED,
            draft=draft,
            drafts=drafts(session, site, request),
            refusal=refusal,
            now=now,
            on_file=clock_on_file(session, request, site.desk.clock_of),
            open=request.state in OPEN_STATES,
            holds=standing_on(session, request.account_id) if request.account_id else (),
            erasure=erasure_of(session, request.id),
            under_a_hold=UNDER_A_HOLD,
            rights=_rights(session, request),
            standing=STANDING,
            law=PACKS[request.regime].name if request.regime else "the strictest law",
            candidates=[
                {"rights": (), **one, "due_at": datetime.fromisoformat(str(one["due_at"]))}
                for one in request.candidates
            ],
            **about_identity(session, request, now),
            additions=additions_of(session, request.id),
            is_known=is_known(request),
            may_be_named=why_not_named(session, request) is None,
            attachments=attachments_of(session, request.id),
            too_few=too_few(session, request),
            colleagues=[one for one in may_decide(session, request) if one.id != asked.member.id],
            has_died=has_died(session, request),
            estates=authorities_of(session, request),
            **about_sources(session, site, request),
            **about_erasing(session, site, request),
            **about_data_corrections(session, site, request),
            staff=all_staff(session),
            mails=mails_of(session, request.id),
            workflow_url=site.workflow_url(f"data-subject-request/{request.id}"),
            outcomes=OUTCOME_WORDS,
            grounds=GROUND_WORDS,
            agent=agent_of(session, request.id),
            joined=joined_to(session, request),
            duplicates=possible_duplicates(session, request, now),
            ends=SET_ASIDE,
            takes_two=TAKES_TWO,
            proposed_end=proposed_end(session, request.id),
            before=session.get(DataSubjectRequest, request.follows_id)
            if request.follows_id
            else None,
            answered_with=session.get(DataSubjectRequest, request.duplicate_of_id)
            if request.duplicate_of_id
            else None,
            posted_letters=posted_letters(session, request.id),
            to_post={mail.id for mail, _ in letters_to_post(session, request.id)},
            late_reply_missing=nearest_language(request.language, site.company.languages)
            in missing_late_replies(session, site),
            **clock_of(session, site, request),
        )


def _rights(session: Session, request: DataSubjectRequest) -> list[dict[str, object]]:
    """Each right with what is decided about it, and what may be."""
    rights = rights_of(session, request.id)
    decisions = decisions_of(session, rights)
    verified, of_nothing = is_verified(request), controls_empty_address(session, request)
    holds = standing_on(session, request.account_id) if request.account_id else ()
    undecided = {right.id for right in rights if right.state != RightState.DECIDED}
    return [
        {
            "row": right,
            "chosen": CHOICES[kind],
            "gated": kind in GATED_KINDS,
            "decision": decisions.get(right.id),
            "on_hold": Ground.LEGAL_MATTERS if holds and kind is HELD_BACK else None,
            "outcomes": possible_outcomes(
                kind, verified=verified, on_hold=bool(holds), controls_empty_address=of_nothing
            ),
            "grounds": possible_grounds(request.regime, kind, verified=verified),
            "last": undecided <= {right.id},
        }
        for right in rights
        for kind in (Kind(right.kind),)
    ]


def all_staff(session: Session) -> Mapping[object, Staff]:
    """Present staff by id, for their names."""
    return {member.id: member for member in everybody(session)}
