"""How far an erasure is, and who hears of it, for the page of its request."""

from sqlmodel import Session

from database import erasures, recipients
from database.tables import DataSubjectRequest
from domain.erasures import STAGE_WORDS, WORDS_FOR_STAFF


def about_erasing(session: Session, request: DataSubjectRequest) -> dict[str, object]:
    """The erasure that was granted, if one was, with the words for it."""
    granted = erasures.of_request(session, request.id)
    return {
        "granted": granted,
        "granted_stage": erasures.life_of(granted).stage if granted else None,
        "erasure_stages": STAGE_WORDS,
        "erasure_grounds": WORDS_FOR_STAFF,
        "grounds_to_erase": erasures.grounds_of(session, request),
        "recipients": recipients.of_request(session, request.id),
    }
