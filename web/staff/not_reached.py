"""Whom a campaign's first notice did not reach: seen, given to somebody, told otherwise (P4).

Legal gives them out; whoever answers the company's telephone and post reads the list too, and notes
whom they told.
"""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response

from database.campaigns.campaigns import campaign_by_number
from database.campaigns.not_reached import (
    COLUMNS,
    MEANS,
    REASONS,
    WHO_REACHES,
    NotReached,
    not_reached,
    segments,
)
from database.people.staff import everybody
from database.policies.policies import policy_by_slug
from domain.spreadsheet import as_csv
from web.forms import Form
from web.staff.access import GENUINE, READ_POLICIES
from web.staff.asked import Asked, AskedByLegal, asked_by

router = APIRouter(prefix="/staff/policies/{slug}/versions/{number}")
LIST = "/not-reached"
SHOWN = 200
AskedByReader = Annotated[Asked, Depends(asked_by(*READ_POLICIES, *WHO_REACHES))]
AskedByWhoReaches = Annotated[Asked, Depends(asked_by(*WHO_REACHES))]


def listed(asked: AskedByReader) -> tuple[NotReached, ...]:
    """A dependency: the whole list; that it was read is recorded (P30).

    Raises PolicyUnknown, which is a 404.
    """
    database = asked.site.database
    with database.session() as session:
        campaign = campaign_by_number(session, asked.slug, asked.number)
        rows = tuple(not_reached(session, campaign, asked.site.company.zone))
    with database.transaction() as transaction:
        asked.reads_of(transaction, campaign.id)
    return rows


Listed = Annotated[tuple[NotReached, ...], Depends(listed)]


@router.get(LIST)
def not_reached_page(asked: AskedByReader, rows: Listed) -> HTMLResponse:
    """Those who wait to be reached, the earliest due first, and how many of what kind they are."""
    waiting = sorted(
        (row for row in rows if row.reached_how is None), key=lambda row: (row.due_on, row.account)
    )
    site, roles = asked.site, {*asked.member.roles}
    with site.database.session() as session:
        return asked.page(
            "not_reached.html",
            policy=policy_by_slug(session, asked.slug),
            number=asked.number,
            waiting=waiting,
            shown=waiting[:SHOWN],
            reached=[row for row in rows if row.reached_how is not None],
            segments=segments(rows),
            reasons=REASONS,
            means=MEANS,
            reaches=roles & {*WHO_REACHES},
            reads_policies=roles & {*READ_POLICIES},
            staff=[each for each in everybody(session) if {*each.roles} & {*WHO_REACHES}],
            today=site.now().astimezone(site.company.zone).date(),
        )


@router.get(LIST + ".csv")
def not_reached_file(rows: Listed) -> Response:
    """The whole list, for a spreadsheet."""
    return Response(
        as_csv((asdict(row) for row in rows), COLUMNS),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="not-reached.csv"'},
    )


@router.post(LIST + "/assign", dependencies=[GENUINE])
def assign(asked: AskedByLegal, posted: Form) -> Response:
    """Give those of one reason, or all, to somebody."""
    state = posted.text("state") or None
    asked.site.desk.assign_not_reached(
        asked.slug, asked.number, asked.member.id, posted.line("to"), state=state
    )
    return asked.back(LIST)


@router.post(LIST + "/reached", dependencies=[GENUINE])
def reached(asked: AskedByWhoReaches, posted: Form) -> Response:
    """Note that somebody was told by other means."""
    account, how, reason = (posted.text(name) for name in ("account", "how", "reason"))
    asked.site.desk.mark_reached(
        asked.slug, asked.number, asked.member.id, account, how=how, reason=reason
    )
    return asked.back(LIST)
