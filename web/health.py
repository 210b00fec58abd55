"""Is the website alive, and how are the services behind it."""

from collections.abc import Mapping
from contextlib import suppress

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from health.lookout import Sighting
from health.mails import takes_no_mail
from health.neighbours import DATABASE, MAIL_SERVICE
from web.site import Site, site_of

router = APIRouter()
NEEDED = (DATABASE,)
"""Without these nobody is served. Without the others people are: what they do waits."""


@router.get("/healthz")
async def alive() -> JSONResponse:
    """This process answers; nothing else is asked, and no thread is needed."""
    return JSONResponse({"website": "answers"})


@router.get("/readyz")
async def ready(request: Request) -> JSONResponse:
    """503 when people cannot be served. Of each service: a word, since when, and the remedy."""
    site = site_of(request)
    limiter: CapacityLimiter = request.app.state.readiness
    found = await to_thread.run_sync(services, site, limiter=limiter)
    served = all(found[name].answer.well for name in NEEDED)
    return JSONResponse(
        {name: _shown(sighting) for name, sighting in found.items()},
        status_code=200 if served else 503,
    )


def services(site: Site) -> Mapping[str, Sighting]:
    """Every service behind the website, as it is now.

    Of a mail service that answers, but only with errors to what we send, our own requests tell.
    """
    found = site.lookout.look()
    seen = [found.get(name) for name in (DATABASE, MAIL_SERVICE)]
    if not all(one and one.answer.well for one in seen):
        return found
    with suppress(SQLAlchemyError), site.database.session() as session:
        fails = takes_no_mail(session, site.now())
        if fails:
            return {**found, MAIL_SERVICE: fails}
    return found


async def require_database(request: Request) -> None:
    """Answer in words at once while the database is silent: nobody's thread waits with it."""
    if site_of(request).lookout.is_silent(DATABASE):
        raise HTTPException(503)


def _shown(sighting: Sighting) -> dict[str, str]:
    shown = {
        "state": sighting.answer.word,
        "since": sighting.since.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    if sighting.answer.remedy:
        shown["remedy"] = sighting.answer.remedy
    return shown
