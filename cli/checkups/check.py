"""What a check says of one part, and what mends a part that does not answer."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.engine import make_url
from urllib3.util import parse_url

import temporal
from settings import Settings

START_IT = "start the stack: promisekeeper up"
RESTART_IT = (
    "ask again on a busy machine; else look at that process and its log: restart it, "
    "or end it when it is not ours"
)
ASK_AGAIN = "ask again: promisekeeper doctor"
ANSWER_WITHIN_SECONDS = 3.0
SETTINGS_OF = {
    "database": "PROMISEKEEPER_DATABASE_URL",
    "Temporal": "TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE",
    "Temporal UI": "PROMISEKEEPER_TEMPORAL_UI_URL",
    "mail service": "PROMISEKEEPER_SENDGRID_HOST",
    "mail sandbox": "PROMISEKEEPER_SENDGRID_HOST",
    "website": "PROMISEKEEPER_BASE_URL",
}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One part: `state` is ok, fault, missing (a service does not answer), not asked or advice."""

    part: str
    state: str
    finding: str
    remedy: str = ""


def ok(part: str, finding: str) -> Check:
    """All is well with a part."""
    return Check(part=part, state="ok", finding=finding)


def fault(part: str, finding: str, remedy: str) -> Check:
    """Something is set wrong."""
    return Check(part=part, state="fault", finding=finding, remedy=remedy)


def missing(part: str, finding: str, remedy: str) -> Check:
    """A service does not answer."""
    return Check(part=part, state="missing", finding=finding, remedy=remedy)


def not_asked(part: str, finding: str, remedy: str) -> Check:
    """Nobody looked, or not in time: nothing is known."""
    return Check(part=part, state="not asked", finding=finding, remedy=remedy)


def advice(part: str, finding: str, remedy: str) -> Check:
    """Nothing is wrong, and somebody should look."""
    return Check(part=part, state="advice", finding=finding, remedy=remedy)


def remedy_of(part: str) -> str:
    """What mends a part that does not answer."""
    if part == "worker":
        return f"restart it if it hangs; else {START_IT}; elsewhere run: python worker.py"
    return f"{START_IT}; elsewhere check {SETTINGS_OF[part]}" if part in SETTINGS_OF else START_IT


def late(settings: Settings, part: str, seconds: float) -> Check:
    """A part that said nothing in time: it hangs when its port is open, and else is not there."""
    address = _addresses(settings).get(part, "")
    if address and not _listens(address):
        return missing(part, f"{address} is silent", remedy_of(part))
    where = f"{address} takes connections, and" if address else "it"
    finding = f"{where} has not answered within {seconds:.0f} s"
    named = f". Another address: {SETTINGS_OF[part]}" if part in SETTINGS_OF else ""
    return missing(part, finding, f"{RESTART_IT}{named}")


def unanswered(part: str, address: str, finding: str = "") -> Check:
    """A part that hangs is told from one that is not there: starting mends only the second."""
    if _listens(address):
        taken = f"{address} is taken by a program that does not answer as it should"
        return missing(part, taken, RESTART_IT)
    return missing(part, finding or f"{address} is silent", remedy_of(part))


def _listens(address: str) -> bool:
    url = parse_url(address)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        with socket.create_connection((str(url.hostname), port), timeout=1.0):
            return True
    except OSError:
        return False


def _addresses(settings: Settings) -> Mapping[str, str]:
    database = make_url(settings.database)
    return {
        "database": f"{database.host}:{database.port or 5432}" if database.host else "",
        "Temporal": temporal.address(settings.temporal_address),
        "Temporal UI": settings.temporal_ui,
        "mail service": settings.mail_service,
        "mail sandbox": settings.mail_service,
        "website": settings.website,
    }
