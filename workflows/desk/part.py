"""What every part of the desk works with, and how it says no."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from clock import Clock
from database.campaigns import controls, rehearsals, reviews
from database.campaigns.unheard import note_heard, unheard
from database.engine import Database, Transaction
from database.people.accounts import AccountUnknown
from database.people.staff import StaffRefused, require_role
from database.policies import policies, without_approval, wording
from database.requests import (
    asked_tasks,
    authorised_agents,
    data_corrections,
    deferred_erasures,
    ends,
    erasures,
    estates,
    holds,
    identity_checks,
    instructions,
    joined,
    minors,
    naming,
    on_paper,
    packages,
    receipts,
    recipients,
    requests,
    restrictions,
    sendable,
)
from database.requests.additions import AdditionRefused
from database.requests.attachments import AttachmentRefused
from database.requests.rungs import NothingToAcknowledge
from database.storage import Storage
from database.tables import DataSubjectRequest
from domain.campaigns.timetable import NoticeTooShort, not_before
from domain.company import Company
from domain.requests.data_subject_requests import Kind, has_control_characters
from domain.requests.deadlines import Deadline, deadline, earliest
from workflows.messenger import Messenger, Refused

REFUSALS = (
    policies.PolicyUnknown,
    policies.SubmissionRefused,
    reviews.ReviewRefused,
    requests.RequestUnknown,
    sendable.DecisionRefused,
    ends.EndRefused,
    estates.EstateRefused,
    identity_checks.CheckRefused,
    naming.NotNamed,
    authorised_agents.AgentRefused,
    on_paper.PostRefused,
    restrictions.RestrictionRefused,
    minors.MinorRefused,
    holds.HoldRefused,
    erasures.ErasureRefused,
    data_corrections.ClaimRefused,
    recipients.NoticeRefused,
    deferred_erasures.NotToErase,
    asked_tasks.TaskRefused,
    instructions.InstructionRefused,
    packages.PackageRefused,
    receipts.ReceiptRefused,
    joined.NotJoined,
    NothingToAcknowledge,
    StaffRefused,
    NoticeTooShort,
    controls.ControlRefused,
    AccountUnknown,
    AdditionRefused,
    AttachmentRefused,
    wording.WordingRefused,
    rehearsals.RehearsalRefused,
    without_approval.PromiseRefused,
)


@dataclass(frozen=True, kw_only=True)
class NoticePeriods:
    """The usual days of notice, and what sending may take (P7)."""

    notice_days: int
    sending_period: timedelta


class DeskPart:
    """A part of the desk. Its methods may be called from any thread.

    `suppression_key` makes the hashes by which addresses and accounts are known that mail must not
    go to. `storage`: where copies of people's data are kept. `data_map`: the file that names the
    data sources, if there is one.
    """

    def __init__(  # noqa: PLR0913, all that the desk works with is handed down, and by name
        self,
        *,
        database: Database,
        clock: Clock,
        company: Company,
        suppression_key: bytes,
        periods: NoticePeriods,
        messenger: Messenger,
        storage: Storage,
        data_map: Path | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.company = company
        self._suppression_key = suppression_key
        self._periods = periods
        self._messenger = messenger
        self._storage = storage
        self._data_map = data_map

    @contextmanager
    def _acting(self, staff_id: UUID, *roles: str) -> Iterator[Transaction]:
        """Somebody of staff with one of these roles changes something. Raises Refused."""
        with refusing(), self.database.transaction() as transaction:
            require_role(transaction, staff_id, *roles)
            yield transaction

    @contextmanager
    def _on_request(
        self, reference: str, staff_id: UUID
    ) -> Iterator[tuple[Transaction, DataSubjectRequest]]:
        """Somebody of the privacy team works on a request. Raises Refused."""
        with self._acting(staff_id, "privacy") as transaction:
            yield transaction, requests.request_by_reference(transaction, reference)

    def _wake(self, request_id: UUID) -> None:
        """Have a request's workflow look at what was written."""
        self._messenger.wake(f"data-subject-request/{request_id}")

    def _tell(self, slug: str, number: int) -> None:
        """Have the workflows of a version look what was decided; where Temporal does not answer,
        the watchdog tells them once it does."""
        with self.database.session() as session:
            acts = unheard(session, (slug, number))
        workflows = (f"campaign/{slug}/{number}", f"publication/{slug}/{number}")
        if all(map(self._messenger.wake, workflows)):
            with self.database.transaction() as transaction:
                for of_version in acts.values():
                    note_heard(transaction, of_version, self.clock.now())

    def clock_of(
        self,
        rights: Iterable[Kind],
        received_at: datetime,
        country: str | None,
        time_zone: str | None,
    ) -> Deadline:
        """Of several rights the one whose answer is due first binds (P21). Raises ValueError."""
        return earliest(
            deadline(
                received_at=received_at,
                time_zone=time_zone,
                country=country,
                company_time_zone=self.company.time_zone,
                right=right,
                default_regime=self.company.default_regime,
            )
            for right in rights
        )

    def _not_before(self, planned_on: date | None, notice_days: int, now: datetime) -> date:
        """The day that mails would name if the version were released now (P7)."""
        return not_before(
            now,
            notice_days,
            planned_on,
            sending_allowance=self._periods.sending_period,
            time_zone=self.company.time_zone,
        )


def require_showable(*texts: str) -> None:
    """Raises Refused for text with a character that no page can show."""
    if any(has_control_characters(text, besides="\r\n\t") for text in texts):
        raise Refused(
            "The text contains a control character, which cannot be shown. Nothing was stored. "
            "Remove it, or type the text again."
        )


@contextmanager
def refusing() -> Iterator[None]:
    """Say in words what the database refuses, as Refused."""
    try:
        yield
    except REFUSALS as refusal:
        raise Refused(str(refusal)) from None
