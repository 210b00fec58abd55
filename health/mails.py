"""A mail service that answers, and takes nothing: of that our own requests tell."""

from datetime import datetime

from sqlmodel import Session

from database.mail.mail_status import failing
from health.lookout import Answer, Sighting


def takes_no_mail(session: Session, now: datetime) -> Sighting | None:
    """Since when the mail service only fails, in words; None while it takes mail."""
    fails = failing(session, now)
    if fails is None:
        return None
    requests = "1 request" if fails.requests == 1 else f"{fails.requests:,} requests"
    word = f"answers, but took no mail: {requests} failed with {fails.answered}"
    answer = Answer(word=word, well=False, remedy="mail-service-fails")
    return Sighting(answer=answer, since=fails.since)
