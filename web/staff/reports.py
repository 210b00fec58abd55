"""What a campaign came to, as a page and as a file (P4)."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.encoders import jsonable_encoder
from fastapi.responses import HTMLResponse, JSONResponse, Response

from database.campaigns.campaigns import campaign_by_number
from database.campaigns.controls import open_stop
from database.campaigns.reports import Report, report
from database.mail.steps import CALLED_OFF
from database.policies.policies import policy_by_slug
from web.staff.asked import AskedByReader

router = APIRouter(prefix="/staff/policies/{slug}/versions/{number}")


def reported(asked: AskedByReader) -> Report:
    """A dependency: the report. Raises PolicyUnknown, which is a 404."""
    with asked.site.database.session() as session:
        campaign = campaign_by_number(session, asked.slug, asked.number)
        return report(session, campaign)


Reported = Annotated[Report, Depends(reported)]


@router.get("/report")
def report_page(asked: AskedByReader, found: Reported) -> HTMLResponse:
    """The whole report of a campaign: how it stands, or came out."""
    with asked.site.database.session() as session:
        policy = policy_by_slug(session, asked.slug)
        campaign = campaign_by_number(session, asked.slug, asked.number)
        return asked.page(
            "report.html",
            policy=policy,
            number=asked.number,
            report=found,
            called_off=campaign.state in CALLED_OFF,
            mail_stop=open_stop(session),
        )


@router.get("/report.json")
def report_file(asked: AskedByReader, found: Reported) -> Response:
    """The same, to keep."""
    content = {"policy": asked.slug, "version": asked.number, **asdict(found)}
    return JSONResponse(
        jsonable_encoder(content),
        headers={"Content-Disposition": 'attachment; filename="campaign-report.json"'},
    )
