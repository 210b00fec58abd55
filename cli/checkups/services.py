"""The neighbours that answer HTTP: Temporal's UI, the mail service, the website."""

from collections.abc import Iterator
from functools import partial

import urllib3

from cli.checkups import check
from cli.checkups.check import Check, fault, missing, ok, unanswered
from mail.reach import Reach, reach, reach_with_key
from settings import Settings


def temporal_ui(settings: Settings) -> Iterator[Check]:
    """Whether there is one."""
    yield _answers("Temporal UI", settings.temporal_ui)


def mail_service(settings: Settings) -> Iterator[Check]:
    """Whether it answers and takes our key; no mail is sent."""
    part = "mail sandbox" if settings.development else "mail service"
    host = settings.mail_service
    if settings.development:
        found = reach(host, sandbox=True, within_seconds=check.ANSWER_WITHIN_SECONDS)
    else:
        key = settings.sendgrid_api_key.get_secret_value()
        found = reach_with_key(host, key, within_seconds=check.ANSWER_WITHIN_SECONDS)
    match found:
        case Reach.ANSWERS:
            yield ok(part, host)
        case Reach.KEY_REFUSED:
            mend = "put a key that may send mail into PROMISEKEEPER_SENDGRID_API_KEY"
            yield fault(part, f"{host} refuses our key", mend)
        case Reach.STRANGER:
            yield fault(part, f"{host} is another program", _move("MAIL_SANDBOX_PORT"))
        case Reach.TROUBLED:
            yield missing(part, f"{host} answers with an error", "wait; mails stay queued")
        case Reach.SILENT | Reach.HANGS:
            yield unanswered(part, host)


def website(settings: Settings) -> Iterator[Check]:
    """Whether it is ours, and can serve people."""
    get = partial(urllib3.request, "GET", timeout=check.ANSWER_WITHIN_SECONDS, retries=False)
    try:
        alive = get(f"{settings.website}/healthz")
        if b'"website"' not in alive.data:
            taken = f"{settings.website} is another program"
            yield fault("website", taken, _move("WEB_PORT"))
            return
        ready = get(f"{settings.website}/readyz")
    except urllib3.exceptions.HTTPError:
        yield unanswered("website", settings.website)
        return
    if ready.status == 200:
        yield ok("website", f"{settings.website}, ready")
    else:
        unwell = "; ".join(f"{name} {seen['state']}" for name, seen in ready.json().items())
        finding = f"{settings.website} answers, and cannot serve people: {unwell}"
        yield missing("website", finding, "mend what is missing; it comes back by itself")


def _answers(part: str, url: str) -> Check:
    try:
        answer = urllib3.request("GET", url, timeout=check.ANSWER_WITHIN_SECONDS, retries=False)
    except urllib3.exceptions.HTTPError:
        return unanswered(part, url)
    if answer.status >= 500:
        return fault(part, f"{url} answers {answer.status}", "look into its log")
    return ok(part, url)


def _move(name: str) -> str:
    return f"end that program, or move ours with PROMISEKEEPER_{name}"
