"""Alarms for staff: which ways they go, and does one wait?"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlmodel import Session

from database.tables import Alarm
from database.webhooks.posts import undelivered
from health.lookout import Answer

LONG = timedelta(minutes=15)
"""The watchdog has come by since."""
BY_MAIL_ONLY = (
    "alarms for staff go by mail only, so none arrives while mail is what is wrong: "
    "PROMISEKEEPER_ALARM_WEBHOOK_URL is not set"
)


def alarms(session: Session, webhook_url: str, now: datetime) -> Answer:
    """In words that name nobody, and of the webhook no more than its host."""
    if not webhook_url:
        return Answer(word=BY_MAIL_ONLY, remedy="alarms-by-mail-only")
    ways = f"they go by mail and to the webhook at {urlsplit(webhook_url).hostname}"
    found = undelivered(session, Alarm)
    if found.since is None:
        return Answer(word=f"{ways}; none waits")
    word = f"{ways}; not taken yet: {found.count}, since {found.since:%Y-%m-%d %H:%M} UTC"
    if found.problem:
        word += f", because {found.problem}"
    return Answer(word=word, well=now - found.since < LONG, remedy="alarms-waiting")
