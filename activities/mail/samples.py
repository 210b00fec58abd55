"""What single people would read of a version, written before anything is sent (P4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlmodel import Session

from activities.mail.letters import Letters
from database.campaigns.sample_readers import Reader, sample_readers
from database.engine import Database
from database.facts import record
from database.mail.outbox import ACCOUNT, VERSION, Addressed
from database.people.staff import require_role
from database.tables import OutboxMail, PolicyVersion
from domain.company import CampaignLeads, Company
from mail.message import Message, Templates


@dataclass(frozen=True, kw_only=True)
class SampleMail:
    """The first notice of one account holder, as they would read it; its link leads nowhere."""

    to: str
    base: int
    language: str
    message: Message


class SampleMails:
    """Writes the mails of a version to a few real account holders, and sends none."""

    def __init__(
        self,
        *,
        company: Company,
        leads: CampaignLeads,
        link_keys: Sequence[bytes],
        templates: Path,
    ) -> None:
        self._languages = company.languages
        self._letters = Letters(company=company, leads=leads, link_keys=link_keys)
        self._templates = Templates(templates)

    def read_by(
        self, database: Database, version: PolicyVersion, staff_id: UUID, now: datetime
    ) -> tuple[SampleMail, ...]:
        """Up to ten mails for somebody of legal; that they read of these people is recorded before
        anything is written (P30). Raises StaffRefused."""
        with database.session() as session:
            require_role(session, staff_id, "legal")
            readers = sample_readers(session, version, self._languages, now)
        with database.transaction() as transaction:
            for reader in readers:
                record(transaction, "personal_data.read", reader.account.id, now, staff=staff_id)
        with database.session() as session:
            return tuple(self._mail(session, version, reader, now) for reader in readers)

    def _mail(
        self, session: Session, version: PolicyVersion, reader: Reader, now: datetime
    ) -> SampleMail:
        account = reader.account
        like = OutboxMail(  # never stored
            subject_kind=VERSION,
            subject_id=version.id,
            addressee_kind=ACCOUNT,
            addressee_id=account.id,
            step="sample",
            template=reader.template,
            variant=reader.base.id,
            language=reader.language,
            queued_at=now,
        )
        person = Addressed(
            mail_id=like.id,
            addressee_id=account.id,
            name=account.name,
            address=account.email,
            purpose=None,
            nonce=None,
        )
        letter = self._letters.letter_like(session, like, [person], now)
        message = self._templates.render(
            letter.template,
            language=letter.language,
            shared=letter.shared,
            personal=letter.personal,
        )
        return SampleMail(
            to=account.email,
            base=reader.base.number,
            language=letter.language,
            message=message.personal(letter.copies[0].fields),
        )
