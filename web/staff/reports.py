"""What a campaign came to, as a page and as a file (P4)."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import HTMLResponse, JSONResponse, Response

from database.campaigns import campaign_by_number
from database.policies import policy_by_slug
from database.reports import Report, report
from web.addresses import Number, Slug
from web.site import OnSite
from web.staff.access import ReadsPolicies, console

router = APIRouter(prefix="/staff/policies/{slug}/versions/{number}")


def reported(slug: Slug, number: Number, site: OnSite) -> Report:
    """A dependency: the report. Raises PolicyUnknown, which is a 404."""
    with site.database.session() as session:
        return report(session, campaign_by_number(session, slug, number), site.company.zone)


Reported = Annotated[Report, Depends(reported)]


@router.get("/report")
def report_page(
    slug: Slug,
    number: Number,
    request: Request,
    site: OnSite,
    member: ReadsPolicies,
    found: Reported,
) -> HTMLResponse:
    """The whole report of a campaign: how it stands, or came out."""
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        return console(
            request, site, member, "report.html", policy=policy, number=number, report=found
        )


@router.get("/report.json")
def report_file(slug: Slug, number: Number, _member: ReadsPolicies, found: Reported) -> Response:
    """The same, to keep."""
    content = {"policy": slug, "version": number, **asdict(found)}
    return JSONResponse(
        jsonable_encoder(content),
        headers={"Content-Disposition": 'attachment; filename="campaign-report.json"'},
    )
