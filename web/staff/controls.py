"""Stopping and letting go on, from the console: a campaign, an announced version, all mail (P8)."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import RedirectResponse, Response

from database.corrections import Right
from database.reclassifying import Mistake
from database.tables import Staff
from domain.reviews import Decisions
from web.addresses import Number, Slug
from web.forms import Form
from web.site import OnSite
from web.staff.access import GENUINE, Legal, holding
from web.staff.wording import right_words
from workflows.desk import Desk
from workflows.messenger import Refused

router = APIRouter(prefix="/staff")
Controls = Annotated[Staff, Depends(holding("legal", "ops"))]


class Control(StrEnum):
    """What can be done to a campaign or its version."""

    PAUSE = "pause"
    RESUME = "resume"
    WITHDRAW = "withdraw"


class Switch(StrEnum):
    """What can be done to all mail."""

    STOP = "stop"
    START = "start"


CONTROLS: dict[Control, Callable[[Desk, str, int, UUID, str], None]] = {
    Control.PAUSE: Desk.pause,
    Control.RESUME: Desk.resume,
    Control.WITHDRAW: Desk.withdraw,
}
SWITCHES: dict[Switch, Callable[[Desk, UUID, str], None]] = {
    Switch.STOP: Desk.stop_mail,
    Switch.START: Desk.start_mail,
}


@router.post("/policies/{slug}/versions/{number}/campaign/rate", dependencies=[GENUINE])
def set_rate(slug: Slug, number: Number, site: OnSite, member: Controls, posted: Form) -> Response:
    """Let no more than so many copies of a campaign go out in a minute; the desk says who may."""
    try:
        per_minute = int(posted.text("per_minute"))
        site.desk.set_rate(slug, number, member.id, posted.text("control_reason"), per_minute)
    except ValueError:
        raise HTTPException(422, "Give copies in a minute, like 600. Nothing changed.") from None
    except Refused as refusal:
        raise HTTPException(409, str(refusal)) from None
    return _back(slug, number, member)


@router.post("/policies/{slug}/versions/{number}/campaign/{act}", dependencies=[GENUINE])
def control(
    slug: Slug, number: Number, act: Control, site: OnSite, member: Controls, posted: Form
) -> Response:
    """Pause or resume a campaign, or withdraw its version; the desk says who may."""
    try:
        CONTROLS[act](site.desk, slug, number, member.id, posted.text("control_reason"))
    except Refused as refusal:
        raise HTTPException(409, str(refusal)) from None
    return _back(slug, number, member)


@router.post("/policies/{slug}/versions/{number}/postpone", dependencies=[GENUINE])
def postpone(slug: Slug, number: Number, site: OnSite, member: Legal, posted: Form) -> Response:
    """Let an announced version take effect later, or leave its day open."""
    reason = posted.text("control_reason")
    try:
        day = posted.text("until_on")
        until_on = date.fromisoformat(day) if day else None
        site.desk.postpone(slug, number, member.id, reason, until_on)
    except ValueError:
        raise HTTPException(422, "Give the new day, like 2026-11-22. Nothing changed.") from None
    except Refused as refusal:
        raise HTTPException(409, str(refusal)) from None
    return RedirectResponse(f"/staff/policies/{slug}/versions/{number}", status_code=303)


@router.post("/policies/{slug}/versions/{number}/correct", dependencies=[GENUINE])
def correct(slug: Slug, number: Number, site: OnSite, member: Legal, posted: Form) -> Response:
    """Propose how mails that went out wrong are put right."""
    wanted = posted.text("decisions")
    if wanted not in list(Decisions):
        raise HTTPException(422, "Say whether people's answers stay or are void. Nothing changed.")
    right = Right(decisions=Decisions(wanted), words=right_words(posted))
    try:
        site.desk.correct(slug, number, member.id, posted.text("control_reason"), right)
    except Refused as refusal:
        raise HTTPException(409, str(refusal)) from None
    return RedirectResponse(f"/staff/policies/{slug}/versions/{number}", status_code=303)


@router.post("/policies/{slug}/versions/{number}/correct/confirm", dependencies=[GENUINE])
def confirm_correction(slug: Slug, number: Number, site: OnSite, member: Legal) -> Response:
    """A second person lets the correction go out."""
    try:
        site.desk.confirm_correction(slug, number, member.id)
    except Refused as refusal:
        raise HTTPException(409, str(refusal)) from None
    return RedirectResponse(f"/staff/policies/{slug}/versions/{number}", status_code=303)


@router.post("/policies/{slug}/versions/{number}/correct/take-back", dependencies=[GENUINE])
def take_back_correction(
    slug: Slug, number: Number, site: OnSite, member: Legal, posted: Form
) -> Response:
    """Nothing was wrong: the campaign goes on as it was."""
    try:
        site.desk.take_back_correction(slug, number, member.id, posted.text("control_reason"))
    except Refused as refusal:
        raise HTTPException(409, str(refusal)) from None
    return RedirectResponse(f"/staff/policies/{slug}/versions/{number}", status_code=303)


@router.post("/policies/{slug}/versions/{number}/reclassify", dependencies=[GENUINE])
def reclassify(slug: Slug, number: Number, site: OnSite, member: Legal, posted: Form) -> Response:
    """Propose that a version in force should have asked for approval."""
    quote = posted.text("add")
    mistake = Mistake(
        confirm=tuple(posted.with_prefix("confirm-")),
        add=(quote,) if quote else (),
        words=right_words(posted),
    )
    try:
        site.desk.reclassify(slug, number, member.id, posted.text("control_reason"), mistake)
    except Refused as refusal:
        raise HTTPException(409, str(refusal)) from None
    return RedirectResponse(f"/staff/policies/{slug}/versions/{number}", status_code=303)


@router.post("/policies/{slug}/versions/{number}/reclassify/agree", dependencies=[GENUINE])
def agree_to_reclassification(slug: Slug, number: Number, site: OnSite, member: Legal) -> Response:
    """A second person lets it take approval from now on."""
    try:
        site.desk.agree_to_reclassification(slug, number, member.id)
    except Refused as refusal:
        raise HTTPException(409, str(refusal)) from None
    return RedirectResponse(f"/staff/policies/{slug}/versions/{number}", status_code=303)


@router.post("/ops/mail/{act}", dependencies=[GENUINE])
def switch_mail(act: Switch, site: OnSite, member: Controls, posted: Form) -> Response:
    """Stop all mail, or let it go on."""
    try:
        SWITCHES[act](site.desk, member.id, posted.text("control_reason"))
    except Refused as refusal:
        raise HTTPException(409, str(refusal)) from None
    return RedirectResponse("/staff/ops" if "ops" in member.roles else "/staff", status_code=303)


def _back(slug: str, number: int, member: Staff) -> Response:
    """To the page from which a campaign is controlled."""
    legal = "legal" in member.roles
    return RedirectResponse(
        f"/staff/policies/{slug}/versions/{number}" if legal else "/staff/ops", status_code=303
    )
