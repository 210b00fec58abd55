"""Telling whoever was given data what became of it, from the page of the request (P12-P14)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import Response

from web.forms import Form
from web.staff.access import GENUINE
from web.staff.requests import ByPrivacy, back

router = APIRouter(prefix="/staff/requests/{reference}/recipients")


@router.post("/{notice_id}", dependencies=[GENUINE])
def note_told(asked: ByPrivacy, notice_id: Annotated[UUID, Path()], posted: Form) -> Response:
    """Say that a recipient of data was told, and how."""
    return back(
        asked,
        lambda: asked.site.desk.note_told(
            asked.reference, notice_id, asked.member.id, how=posted.text("how")
        ),
    )
