"""What the page of a request shows of its clock: who was told, who acts, what comes next (P21)."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from activities.requests.identity import coming_rungs
from activities.requests.turns import works_on_it
from database.requests.receipts import waiting_receipt
from database.requests.rungs import fired_rungs, rungs_of, waiting_step
from database.tables import DataSubjectRequest
from domain.requests.identity import identity_rungs
from domain.requests.ladder import UNASSIGNED, words_of_rungs
from web.site import Site

RUNGS_SHOWN = 3


def clock_of(session: Session, site: Site, request: DataSubjectRequest) -> Mapping[str, object]:
    """The clock of a request for its page: rungs that fired, the next three and the next
    of who asks, and what waits."""
    now, is_open = site.now(), request.answered_at is None
    rungs, fired = rungs_of(session, request, site.company.office, now=now)
    assigned = works_on_it(session, request)
    coming = [
        rung
        for rung in rungs
        if rung.key not in fired and rung.at > now and not (assigned and rung.key == UNASSIGNED)
    ]
    of_identity = identity_rungs(request.received_at, request.due_at, site.identity)
    asked = [rung for rung in coming_rungs(request, site.identity) if rung.key not in fired]
    ahead = sorted([*coming[:RUNGS_SHOWN], *asked[:1]], key=lambda rung: rung.at)
    waiting = waiting_step(session, request) if is_open else None
    return {
        "fired": fired_rungs(session, request.id),
        "coming": ahead if is_open else [],
        "rung_words": {
            **words_of_rungs(site.company.ladder),
            **{rung.key: rung.summary for rung in of_identity},
        },
        "step": waiting,
        "receipt": waiting_receipt(session, request.id) if is_open else None,
        "promise_broken_at": _broken_at(request, "policy.", request.policy_breach_at),
        "limit_passed_at": _broken_at(request, "statute.", request.statutory_breach_at),
        "received_local": local_minute(request.received_at, site),
        "zone": site.company.time_zone,
    }


def _broken_at(
    request: DataSubjectRequest, clocks: str, noted_at: datetime | None
) -> datetime | None:
    """When a promise or limit was broken: as it ran out, which for a letter that lay about is long
    before anybody could note it."""
    if noted_at is None:
        return None
    ran_out = (
        datetime.fromisoformat(str(one["due_at"]))
        for one in request.candidates
        if str(one["rule"]).startswith(clocks)
    )
    return min(ran_out, default=noted_at)


def local_minute(instant: datetime, site: Site) -> str:
    """An instant as a form has it, in the company's zone, to the minute."""
    return instant.astimezone(site.company.zone).strftime("%Y-%m-%dT%H:%M")


def read_local(text: str, known: datetime, site: Site) -> datetime:
    """An instant as a form gives it back; `known`, to the microsecond, when it was left as it was.

    Raises ValueError, in words.
    """
    if text == local_minute(known, site):
        return known
    try:
        return datetime.fromisoformat(text).replace(tzinfo=site.company.zone)
    except ValueError:
        raise ValueError("Give day and time of receipt, like 2026-03-01T14:30.") from None
