"""Somebody of legal had the test mails of a version, and they arrived."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col

from database.campaigns import rehearsals
from database.tables import OutboxMail, PolicyVersion
from domain.policies.reviews import VersionClass
from tests.people import LANGUAGES


def rehearse(transaction: Session, version: PolicyVersion, by: UUID, now: datetime) -> None:
    """Send the test mails without a mail service; of an editorial version there are none."""
    if version.version_class == VersionClass.EDITORIAL:
        return
    mails = rehearsals.send_to(transaction, version, by, languages=LANGUAGES, now=now)
    transaction.execute(
        update(OutboxMail).where(col(OutboxMail.id).in_(mails)).values(state="accepted")
    )
