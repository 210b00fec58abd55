"""Every door through which a data-subject request comes in (P25, P26)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import temporal
from database import at_once, handed_in, handoffs, joined_requests, policies, requests
from database.staff import require_role
from database.tables import DataSubjectRequest
from domain.data_subject_requests import Intake
from domain.deadlines import Deadline, utc_text
from workflows.desk.part import DeskPart, refusing
from workflows.messenger import Refused

INTAKE_ROLES = ("privacy", "support")
"""Who may take in what came by mail, telephone or post (P30)."""
BY_LOGIN = "login"
"""The channel of a hand-off."""
CLOCKS_DIFFER = timedelta(minutes=1)
"""By so much a receipt may lie ahead of our clock."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What whoever asks is told at once, whatever becomes of the request then."""

    reference: str
    received_at: datetime
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class ByKey:
    """A call of one of the company's systems, so that the same one sent again is known."""

    api_key_id: UUID
    key: str
    content_sha256: str


class Reception(DeskPart):
    """Takes requests in. None is refused because Temporal is down: the watchdog starts its thirty
    days. Each takes an `Intake` without `problems`."""

    def receive(
        self, intake: Intake, *, channel: str, received_at: datetime | None = None
    ) -> DataSubjectRequest:
        """Take in a request; its clock runs from receipt (P21, P26). Raises Refused for a receipt
        in the future."""
        now = self.clock.now()
        received = self._received(channel, self._deadline(intake, received_at, now), now)
        with self.database.transaction() as transaction:
            request = at_once.take_in(transaction, intake, received, self._suppression_key, now)
        self._start(request, intake, now)
        return request

    def enter(
        self,
        intake: Intake,
        staff_id: UUID,
        *,
        channel: str,
        received_at: datetime,
        account_id: UUID | None = None,
    ) -> DataSubjectRequest:
        """Staff take in what came by mail, telephone or post, with the true time of receipt (P26).

        Raises Refused, for a receipt in the future too.
        """
        now = self.clock.now()
        received = replace(
            self._received(channel, self._deadline(intake, received_at, now), now),
            account_id=account_id,
            entered_by=staff_id,
        )
        with refusing(), self.database.transaction() as transaction:
            require_role(transaction, staff_id, *INTAKE_ROLES)
            request = at_once.take_in(transaction, intake, received, self._suppression_key, now)
        self._start(request, intake, now)
        return request

    def take_in(
        self,
        intake: Intake,
        *,
        channel: str,
        received_at: datetime | None = None,
        account_id: UUID | None = None,
        by_key: ByKey | None = None,
    ) -> tuple[Receipt, bool]:
        """As `receive`, at a door that is open to anybody: of too many from one address the further
        ones are kept with one for the same (`database/joined_requests.py`).

        Returns the receipt, and whether this came for the first time. Raises Refused for a receipt
        in the future, KeyUsedOtherwise.
        """
        now = self.clock.now()
        due, an_hour = self._deadline(intake, received_at, now), self.company.requests_an_hour
        received = replace(self._received(channel, due, now), account_id=account_id)
        with self.database.transaction() as transaction:
            known = by_key and handed_in.known_as(
                transaction, by_key.api_key_id, by_key.key, by_key.content_sha256
            )
            if known and known.answer:
                return _receipt_of(known.answer), False
            row = at_once.join_if_too_many(
                transaction, intake, received, self._suppression_key, now, an_hour=an_hour
            ) or at_once.take_in(
                transaction,
                intake,
                replace(
                    received,
                    agent_is_told=joined_requests.agent_hears(
                        transaction, intake, an_hour=an_hour, now=now
                    ),
                ),
                self._suppression_key,
                now,
            )
            receipt = Receipt(
                reference=row.reference, received_at=due.received_at, due_at=due.due_at
            )
            if known:
                known.answer = _told(receipt)
        if isinstance(row, DataSubjectRequest):
            self._start(row, intake, now)
        return receipt, True

    def receive_signed_in(self, link_id: UUID, intake: Intake) -> DataSubjectRequest:
        """Take in the one request of a hand-off: its login proves who asks (P25).

        Raises LinkUnusable when the link was used, or its time is over, by now.
        """
        now = self.clock.now()
        received = self._received(BY_LOGIN, self._deadline(intake, None, now), now)
        with self.database.transaction() as transaction:
            link = handoffs.use_up(transaction, link_id, now)
            received = replace(
                received, account_id=link.account_id, verified_by=handoffs.VERIFIED_BY
            )
            request = at_once.take_in(transaction, intake, received, self._suppression_key, now)
        self._start(request, intake, now)
        return request

    def _deadline(self, intake: Intake, received_at: datetime | None, now: datetime) -> Deadline:
        if received_at is not None and received_at > now + CLOCKS_DIFFER:
            raise Refused("The time of receipt is in the future. Nothing was stored.")
        return self._clock_of(
            intake.rights, received_at or now, country=intake.country, time_zone=intake.time_zone
        )

    def _received(self, channel: str, due: Deadline, now: datetime) -> requests.Received:
        with self.database.session() as session:
            policy = next(iter(policies.policies(session)), None)
            pinned = policies.version_in_force(session, policy.id, now) if policy else None
        return requests.Received(
            channel=channel,
            deadline=due,
            policy_version_id=pinned.id if pinned else None,
            languages=self.company.languages,
        )

    def _start(self, request: DataSubjectRequest, intake: Intake, now: datetime) -> None:
        self._messenger.start_or_leave(
            temporal.data_subject_request(request.id, intake.rights), now
        )


def _told(receipt: Receipt) -> dict[str, str]:
    return {
        "reference": receipt.reference,
        "received_at": utc_text(receipt.received_at),
        "due_at": utc_text(receipt.due_at),
    }


def _receipt_of(told: dict[str, str]) -> Receipt:
    return Receipt(
        reference=told["reference"],
        received_at=datetime.fromisoformat(told["received_at"]),
        due_at=datetime.fromisoformat(told["due_at"]),
    )
