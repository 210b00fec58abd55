"""Helping along what a data source did not do by itself, from the page of the request."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import Response

from web.forms import Form
from web.staff.about_sources import typed_by_hand
from web.staff.access import GENUINE
from web.staff.requests import ByPrivacy, back

router = APIRouter(prefix="/staff/requests/{reference}/sources/{task_id}")
TaskId = Annotated[UUID, Path()]


@router.post("/again", dependencies=[GENUINE])
def ask_again(asked: ByPrivacy, task_id: TaskId) -> Response:
    """Have the source asked now, whatever it said before."""
    return back(asked, lambda: asked.site.desk.ask_again(asked.reference, task_id, asked.member.id))


@router.post("/give-up", dependencies=[GENUINE])
def give_up(asked: ByPrivacy, task_id: TaskId, posted: Form) -> Response:
    """Say that it cannot be had, and why."""
    return back(
        asked,
        lambda: asked.site.desk.give_up(
            asked.reference, task_id, asked.member.id, reason=posted.text("reason")
        ),
    )


@router.post("/hand-in", dependencies=[GENUINE])
def hand_in(asked: ByPrivacy, task_id: TaskId, posted: Form) -> Response:
    """Say what one found, copied or did where no machine reaches."""
    return back(
        asked,
        lambda: asked.site.desk.hand_in(
            asked.reference,
            task_id,
            asked.member.id,
            typed_by_hand(posted),
        ),
        posted,
    )
