"""Is the website alive, and how are the services behind it."""

from collections.abc import Mapping

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse

from health.lookout import Sighting
from health.neighbours import DATABASE
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
    """Every service behind the website, as it is now."""
    return site.lookout.look()


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
