"""Wrong mails put right as the desk does it: whom it tells is counted first (P8)."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from database.approvals.reach import Reach
from database.campaigns import corrections
from database.campaigns.controls import Act
from database.campaigns.corrections import Right
from database.tables import PolicyVersion
from tests.people import LANGUAGES


def propose(transaction: Session, version: PolicyVersion, act: Act, right: Right) -> Reach:
    """Somebody of legal says what was wrong; whom they tell. Raises ControlRefused."""
    found = corrections.look_ahead(transaction, version, right, languages=LANGUAGES)
    corrections.propose(transaction, version, act, right, languages=LANGUAGES)
    return found


def confirm(transaction: Session, version: PolicyVersion, staff_id: UUID, now: datetime) -> None:
    """A second person agrees. Raises ControlRefused."""
    counted = corrections.count(transaction, version)
    corrections.confirm(transaction, version, staff_id, now, counted=counted, languages=LANGUAGES)
