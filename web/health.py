"""Is the website alive, and do the services behind it answer."""

import socket
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from database.tables import Policy
from web.site import OnSite, Site

router = APIRouter()
ANSWERS = "answers"
SILENT = "does not answer"
WAIT_SECONDS = 2


@router.get("/healthz")
def alive() -> JSONResponse:
    """This process answers; nothing else is asked."""
    return JSONResponse({"website": ANSWERS})


@router.get("/readyz")
def ready(site: OnSite) -> JSONResponse:
    """503 as soon as one of the services does not answer; which one, in a word each."""
    found = services(site)
    return JSONResponse(found, status_code=503 if SILENT in found.values() else 200)


def services(site: Site) -> dict[str, str]:
    """Every service behind the website, with a word about it."""
    return {
        "database": ANSWERS if _database_answers(site) else SILENT,
        "temporal": _temporal(site),
        "mail service": ANSWERS if _mail_service_answers(site) else SILENT,
    }


def _database_answers(site: Site) -> bool:
    try:
        with site.database.session() as session:
            session.exec(select(Policy.id).limit(1)).all()
    except SQLAlchemyError:
        return False
    return True


def _temporal(site: Site) -> str:
    if site.temporal_answers is None:
        return "not asked"
    return ANSWERS if site.temporal_answers() else SILENT


def _mail_service_answers(site: Site) -> bool:
    address = urlsplit(site.mail_service_url)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        with socket.create_connection((address.hostname or "", port), timeout=WAIT_SECONDS):
            return True
    except OSError:
        return False
