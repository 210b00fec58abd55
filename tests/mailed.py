"""What became of everybody whom a campaign addressed, by the mail sandbox and the database."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlmodel import Session, col, func, select

from database.campaigns.progress import count_addressees
from database.engine import Database
from database.mail.steps import FIRST_NOTICE
from database.tables import Campaign, MailAttempt, OutboxMail
from embedded.sandbox.server import DATABASE_FILE


@dataclass(frozen=True, kw_only=True)
class Double:
    """A mail of which the sandbox has more than one copy.

    `earlier`: what we knew of each attempt before the last: nothing (none: its sender died),
    `unknown`, or that it was `accepted`, which is never a reason to repeat it.
    """

    mail_id: UUID
    earlier: tuple[str | None, ...]

    @property
    def allowed(self) -> bool:
        """Whether it was repeated only because nobody knew whether it had gone out (P4)."""
        return all(outcome in (None, "unknown") for outcome in self.earlier)


@dataclass(frozen=True, kw_only=True)
class Mailed:
    """How many addressees were mailed, and how often.

    `lost`: without a first notice, and nobody was told. `left_to_ops`: without one, and ops are
    asked whether to send it. `in_doubt`: so many copies went with attempts of unknown outcome.
    """

    addressees: int
    lost: int
    left_to_ops: int
    in_doubt: int
    doubles: Sequence[Double]


def count_mails(database: Database, version_id: UUID, data_dir: Path) -> Mailed:
    """Count the copies of a campaign in the sandbox that keeps its mail in a directory."""
    arrived = _attempts_of_each(data_dir)
    with database.session() as session:
        campaign = session.exec(
            select(Campaign).where(Campaign.policy_version_id == version_id)
        ).one()
        states = dict(
            session.exec(
                select(OutboxMail.id, OutboxMail.state).where(
                    OutboxMail.subject_id == campaign.id, OutboxMail.step == FIRST_NOTICE
                )
            ).all()
        )
        missing = [mail for mail in states if mail not in arrived]
        left_to_ops = sum(states[mail] == "operator" for mail in missing)
        addressees = count_addressees(session, campaign.id)
        return Mailed(
            addressees=addressees,
            lost=addressees - len(states) + len(missing) - left_to_ops,
            left_to_ops=left_to_ops,
            in_doubt=_in_doubt(session, campaign.id),
            doubles=tuple(_doubles(session, arrived)),
        )


def events_are_told(data_dir: Path) -> bool:
    """Whether the website has heard of every copy in the sandbox."""
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as mails:
        owed = mails.execute("SELECT EXISTS (SELECT 1 FROM owed_event)").fetchone()
        return not owed[0]


def _attempts_of_each(data_dir: Path) -> Mapping[UUID, Sequence[UUID]]:
    """The attempts of each mail's copies, the first to arrive first."""
    attempts: dict[UUID, list[UUID]] = defaultdict(list)
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as mails:
        for mail, attempt in mails.execute(
            "SELECT json_extract(custom_args, '$.mail_id'),"
            " json_extract(custom_args, '$.attempt_id') FROM message ORDER BY id"
        ):
            attempts[UUID(mail)].append(UUID(attempt))
    return attempts


def _in_doubt(session: Session, campaign_id: UUID) -> int:
    outcome = col(MailAttempt.outcome)
    copies = select(func.coalesce(func.sum(MailAttempt.copies), 0)).where(
        MailAttempt.subject_id == campaign_id, outcome.is_(None) | (outcome == "unknown")
    )
    return int(session.exec(copies).one())


def _doubles(session: Session, arrived: Mapping[UUID, Sequence[UUID]]) -> Iterator[Double]:
    for mail, (*earlier, _last) in arrived.items():
        if earlier:
            known = [session.get_one(MailAttempt, attempt).outcome for attempt in earlier]
            yield Double(mail_id=mail, earlier=tuple(known))
