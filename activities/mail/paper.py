"""Mails to whoever has no mailbox, as staff print and post them (P26)."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from activities.mail.letters import Letters
from database.mail.outbox import Addressed
from database.tables import DataSubjectRequest, Link, OutboxMail
from domain.company import CampaignLeads, Company
from mail.message import Message, Templates


class PaperLetters:
    """Writes what stands in the outbox by post."""

    def __init__(
        self,
        *,
        company: Company,
        leads: CampaignLeads,
        link_keys: Sequence[bytes],
        templates: Path,
    ) -> None:
        self._letters = Letters(company=company, leads=leads, link_keys=link_keys)
        self._templates = Templates(templates)

    def write(self, session: Session, mail: OutboxMail, now: datetime) -> Message:
        """What is printed of a mail about a request; its words are those of the mail."""
        request = session.get_one(DataSubjectRequest, mail.subject_id)
        link = session.get(Link, mail.link_id) if mail.link_id else None
        person = Addressed(
            mail_id=mail.id,
            addressee_id=mail.addressee_id,
            name=request.name,
            address="",
            purpose=link.purpose if link else None,
            nonce=link.nonce if link else None,
        )
        letter = self._letters.letter_like(session, mail, [person], now)
        message = self._templates.render(
            letter.template,
            language=letter.language,
            shared=letter.shared,
            personal=letter.personal,
            on_paper=True,
        )
        return message.personal(letter.copies[0].fields)
