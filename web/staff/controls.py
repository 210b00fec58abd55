"""Stopping and letting go on, from the console: a campaign, an announced version, all mail (P8).

What the desk refuses is said on a page of its own (`web/faults.py`).
"""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from uuid import UUID

from fastapi import APIRouter, HTTPException
from fastapi.responses import RedirectResponse, Response

from database.campaigns.corrections import Right, without_what_stands
from database.campaigns.reclassifying import Mistake
from database.policies.policies import version_by_slug
from domain.policies.reviews import Decisions
from web.forms import Form
from web.site import OnSite
from web.staff.access import GENUINE, Controls
from web.staff.asked import Asked, AskedByControls, AskedByLegal
from web.staff.wording import right_words
from workflows.desk import Desk

router = APIRouter(prefix="/staff")
VERSION = "/policies/{slug}/versions/{number}"


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


@router.post(VERSION + "/campaign/rate", dependencies=[GENUINE])
def set_rate(asked: AskedByControls, posted: Form) -> Response:
    """Let no more than so many copies of a campaign go out in a minute; the desk says who may."""
    try:
        per_minute = int(posted.text("per_minute"))
    except ValueError:
        raise HTTPException(422, "Give copies in a minute, like 600. Nothing changed.") from None
    reason = posted.text("control_reason")
    asked.site.desk.set_rate(asked.slug, asked.number, asked.member.id, reason, per_minute)
    return _back(asked)


@router.post(VERSION + "/campaign/{act}", dependencies=[GENUINE])
def control(asked: AskedByControls, act: Control, posted: Form) -> Response:
    """Pause or resume a campaign, or withdraw its version; the desk says who may."""
    reason = posted.text("control_reason")
    CONTROLS[act](asked.site.desk, asked.slug, asked.number, asked.member.id, reason)
    return _back(asked)


@router.post(VERSION + "/postpone", dependencies=[GENUINE])
def postpone(asked: AskedByLegal, posted: Form) -> Response:
    """Let an announced version take effect later, or leave its day open."""
    day, reason = posted.text("until_on"), posted.text("control_reason")
    try:
        until_on = date.fromisoformat(day) if day else None
    except ValueError:
        raise HTTPException(422, "Give the new day, like 2026-11-22. Nothing changed.") from None
    asked.site.desk.postpone(asked.slug, asked.number, asked.member.id, reason, until_on)
    return asked.back()


@router.post(VERSION + "/correct", dependencies=[GENUINE])
def correct(asked: AskedByLegal, posted: Form) -> Response:
    """Propose how mails that went out wrong are put right, of those whose words were wrong or of
    everybody."""
    wanted, reason = posted.text("decisions"), posted.text("control_reason")
    if wanted not in list(Decisions):
        raise HTTPException(422, "Say whether people's answers stay or are void. Nothing changed.")
    whose = posted.text("whose")
    with asked.site.database.session() as session:
        version = version_by_slug(session, asked.slug, asked.number)
        words = [without_what_stands(session, version, each) for each in right_words(posted)]
    if whose == "words" and not any(each.by_what_they_are_of for each in words):
        raise HTTPException(
            422,
            "Change the words that were wrong, or say that everybody had a wrong mail. Nothing "
            "changed.",
        )
    right = Right(decisions=Decisions(wanted), words=words, everybody=whose == "everybody")
    asked.site.desk.correct(asked.slug, asked.number, asked.member.id, reason, right)
    return asked.back()


@router.post(VERSION + "/correct/confirm", dependencies=[GENUINE])
def confirm_correction(asked: AskedByLegal) -> Response:
    """A second person lets the correction go out."""
    asked.site.desk.confirm_correction(asked.slug, asked.number, asked.member.id)
    return asked.back()


@router.post(VERSION + "/correct/take-back", dependencies=[GENUINE])
def take_back_correction(asked: AskedByLegal, posted: Form) -> Response:
    """Nothing was wrong: the campaign goes on as it was."""
    reason = posted.text("control_reason")
    asked.site.desk.take_back_correction(asked.slug, asked.number, asked.member.id, reason)
    return asked.back()


@router.post(VERSION + "/reclassify", dependencies=[GENUINE])
def reclassify(asked: AskedByLegal, posted: Form) -> Response:
    """Propose that a version in force should have asked for approval."""
    quote, reason = posted.text("add"), posted.text("control_reason")
    mistake = Mistake(
        confirm=tuple(posted.with_prefix("confirm-")),
        add=(quote,) if quote else (),
        words=right_words(posted),
    )
    asked.site.desk.reclassify(asked.slug, asked.number, asked.member.id, reason, mistake)
    return asked.back()


@router.post(VERSION + "/reclassify/agree", dependencies=[GENUINE])
def agree_to_reclassification(asked: AskedByLegal) -> Response:
    """A second person lets it take approval from now on."""
    asked.site.desk.agree_to_reclassification(asked.slug, asked.number, asked.member.id)
    return asked.back()


@router.post("/ops/mail/{act}", dependencies=[GENUINE])
def switch_mail(act: Switch, site: OnSite, member: Controls, posted: Form) -> Response:
    """Stop all mail, or let it go on."""
    SWITCHES[act](site.desk, member.id, posted.text("control_reason"))
    return RedirectResponse("/staff/ops" if "ops" in member.roles else "/staff", status_code=303)


def _back(asked: Asked) -> Response:
    """To the page from which this member controls the campaign."""
    if "legal" in asked.member.roles:
        return asked.back()
    return RedirectResponse("/staff/ops", status_code=303)
