"""Noting which value of somebody's data is wrong, from the page of the request (P12)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import Response

from domain.requests.data_corrections import Claim, CorrectionGround
from web.forms import Form
from web.staff.access import GENUINE
from web.staff.requests import ByPrivacy, back
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/requests/{reference}/values")
JUDGED = {"yes": True, "no": False}


@router.post("", dependencies=[GENUINE])
def note_value(asked: ByPrivacy, posted: Form) -> Response:
    """Note a value that is said to be wrong; what is refused keeps what was typed."""

    def note() -> None:
        place = posted.text("place").split("|", 2)
        ground = posted.text("why_wrong")
        if len(place) != 3 or ground not in list(CorrectionGround):
            raise Refused("Choose what is wrong, and how. Nothing was noted.")
        if posted.text("credible") not in JUDGED:
            raise Refused("Choose whether it is shown credibly. Nothing was noted.")
        asked.site.desk.note_claim(
            asked.reference,
            asked.member.id,
            Claim(
                source=place[0],
                category=place[1],
                field=place[2],
                before=posted.text("before"),
                after=posted.text("after"),
                ground=CorrectionGround(ground),
                evidence=posted.text("shown_by"),
                credible=JUDGED[posted.text("credible")],
                why=posted.text("not_credible"),
            ),
        )

    return back(asked, note, posted)


@router.post("/{claim_id}/take-back", dependencies=[GENUINE])
def take_back(asked: ByPrivacy, claim_id: Annotated[UUID, Path()]) -> Response:
    """What was noted was wrong itself."""
    return back(
        asked,
        lambda: asked.site.desk.take_claim_back(asked.reference, claim_id, asked.member.id),
    )
