"""Every door through which a data-subject request comes in (P25, P26)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import temporal
from database import handed_in
from database.people import handoffs
from database.people.links import REQUEST_VERIFY
from database.people.staff import INTAKE_ROLES
from database.policies import policies
from database.requests import at_once, ends, identity, joined, requests
from database.requests.receipts import OLD_AFTER
from database.tables import Account, DataSubjectRequest, Link
from database.writing import held
from domain.requests.data_subject_requests import Intake, Kind, problems
from domain.requests.deadlines import Deadline, utc_text
from workflows.desk.part import DeskPart
from workflows.messenger import Refused

BY_LOGIN = "login"
"""The channel of a hand-off."""
NOTHING_TO_TAKE_UP = "There is nothing of this request to take up again. Nothing was changed."
NOTHING_TO_APPEAL = (
    "This request cannot be looked at again from here: it is closed, or was looked at again. "
    "Nothing was changed."
)
CLOCKS_DIFFER = timedelta(minutes=1)
"""By so much a receipt may lie ahead of our clock."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What whoever asks is told at once, whatever becomes of the request then."""

    reference: str
    received_at: datetime
    due_at: datetime


class OldReceipt(Refused):
    """It is said to have come more than a year ago, and nobody confirmed that it did."""


OLD_RECEIPT = (
    "That is more than a year ago. Look at the year; if the day is right, confirm that it is. "
    "Nothing was stored."
)


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
        is_old: bool = False,
        account_id: UUID | None = None,
    ) -> DataSubjectRequest:
        """Staff take in what came by mail, telephone or post, with the true time of receipt (P26).

        `is_old`: they have confirmed that it came more than a year ago. Raises Refused, for a
        receipt in the future too.
        """
        now, intake = self.clock.now(), self._with_what_is_on_file(intake, account_id)
        _require_recent(received_at, now, is_old=is_old)
        received = replace(
            self._received(channel, self._deadline(intake, received_at, now), now),
            account_id=account_id,
            entered_by=staff_id,
        )
        with self._acting(staff_id, *INTAKE_ROLES) as transaction:
            request = at_once.take_in(transaction, intake, received, self._suppression_key, now)
        self._start(request, intake, now)
        return request

    def take_in(
        self,
        intake: Intake,
        *,
        channel: str,
        received_at: datetime | None = None,
        is_old: bool = False,
        account_id: UUID | None = None,
        by_key: ByKey | None = None,
    ) -> tuple[Receipt, bool]:
        """As `receive`, at a door that is open to anybody: of too many from one address the further
        ones are kept with one for the same (`database/joined.py`).

        Returns the receipt, and whether this came for the first time. Raises Refused for a receipt
        in the future, OldReceipt for one of more than a year ago that nobody confirmed (`is_old`),
        KeyUsedOtherwise.
        """
        now, intake = self.clock.now(), self._with_what_is_on_file(intake, account_id)
        due, an_hour = self._deadline(intake, received_at, now), self.company.requests_an_hour
        received = replace(self._received(channel, due, now), account_id=account_id)
        with self.database.transaction() as transaction:
            known = by_key and handed_in.known_as(
                transaction, by_key.api_key_id, by_key.key, by_key.content_sha256
            )
            if known and known.answer:
                return _receipt_of(known.answer), False
            _require_recent(due.received_at, now, is_old=is_old)
            row = at_once.join_if_too_many(
                transaction, intake, received, self._suppression_key, now, an_hour=an_hour
            ) or at_once.take_in(
                transaction,
                intake,
                replace(
                    received,
                    agent_is_told=joined.agent_hears(transaction, intake, an_hour=an_hour, now=now),
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

    def take_out(self, reference: str, joined_id: UUID, staff_id: UUID) -> DataSubjectRequest:
        """What was joined to a request becomes one of its own, with the reference and the receipt
        that its person was told of. Raises Refused."""
        now = self.clock.now()
        with self._acting(staff_id, "privacy") as transaction:
            beside = requests.request_by_reference(transaction, reference)
            taken = joined.take_out(transaction, beside, joined_id, now)
            received = replace(
                self._received(
                    taken.channel, self._deadline(taken.intake, taken.received_at, now), now
                ),
                account_id=taken.account_id,
                reference=taken.reference,
                entered_by=staff_id,
            )
            request = at_once.take_in(
                transaction, taken.intake, received, self._suppression_key, now
            )
        self._start(request, taken.intake, now)
        return request

    def receive_signed_in(self, link_id: UUID, intake: Intake) -> DataSubjectRequest:
        """Take in the one request of a hand-off: its login proves who asks (P25).

        Raises LinkUnusable when the link was used, or its time is over, by now.
        """
        with self.database.session() as session:
            account_id = session.get_one(Link, link_id).account_id
        now, intake = self.clock.now(), self._with_what_is_on_file(intake, account_id, proved=True)
        received = self._received(BY_LOGIN, self._deadline(intake, None, now), now)
        with self.database.transaction() as transaction:
            link = handoffs.use_up(transaction, link_id, now)
            received = replace(
                received, account_id=link.account_id, verified_by=handoffs.VERIFIED_BY
            )
            request = at_once.take_in(transaction, intake, received, self._suppression_key, now)
        self._start(request, intake, now)
        return request

    def take_up_again(self, request_id: UUID, purpose: str) -> DataSubjectRequest:
        """What was withdrawn, or answered as unverified, anew, with a clock of its own; `purpose`:
        of the link behind which that was asked for. The link to the address on file proves who
        they are, unless the request was disputed, and it is their own then, whoever asked for
        them. Asking again gives the same one. Raises Refused."""
        with self.database.session() as session:
            old = session.get_one(DataSubjectRequest, request_id)
            kinds = ends.may_be_taken_up_again(session, old, purpose)
        if not kinds:
            raise Refused(NOTHING_TO_TAKE_UP)
        verified_by = identity.BY_LINK if purpose == REQUEST_VERIFY else None
        return self._follow(old, self._anew(old, kinds, old.message), verified_by)

    def appeal(self, request_id: UUID, purpose: str, words: str) -> DataSubjectRequest:
        """The person does not agree with the answer: somebody else looks at it, once, with a clock
        of its own. Asking again gives the same one. Raises Refused."""
        with self.database.session() as session:
            old = session.get_one(DataSubjectRequest, request_id)
            kinds = ends.may_be_appealed(session, old, purpose)
            verified_by = old.verified_by if identity.is_verified(old) else None
        if not kinds:
            raise Refused(NOTHING_TO_APPEAL)
        intake = self._anew(old, kinds, words)
        if found := problems(intake):
            raise Refused(found[0][1])
        return self._follow(old, intake, verified_by, is_appeal=True)

    def _anew(self, old: DataSubjectRequest, kinds: Sequence[Kind], message: str) -> Intake:
        return Intake(
            name=old.name,
            contact_address=old.contact_email,
            account_address=old.account_address or "",
            postal_address=old.postal_address,
            kinds=tuple(kinds),
            message=message,
            country=old.country,
            time_zone=old.time_zone,
            language=old.language,
        )

    def _follow(
        self,
        old: DataSubjectRequest,
        intake: Intake,
        verified_by: str | None,
        *,
        is_appeal: bool = False,
    ) -> DataSubjectRequest:
        now = self.clock.now()
        received = self._following(old, intake, verified_by, now, is_appeal=is_appeal)
        with self.database.transaction() as transaction:
            request = requests.follower_of(
                transaction, held(transaction, DataSubjectRequest, old.id), is_appeal=is_appeal
            ) or at_once.take_in(transaction, intake, received, self._suppression_key, now)
        self._start(request, intake, now)
        return request

    def _following(
        self,
        old: DataSubjectRequest,
        intake: Intake,
        verified_by: str | None,
        now: datetime,
        *,
        received_at: datetime | None = None,
        is_appeal: bool = False,
    ) -> requests.Received:
        """How a request comes that takes up an old one: now, or when the old one did."""
        proved = verified_by is not None and old.disputed_at is None
        told = self._with_what_is_on_file(intake, old.account_id, proved=proved)
        return replace(
            self._received(old.channel, self._deadline(told, received_at, now), now),
            account_id=old.account_id,
            verified_by=verified_by,
            follows_id=old.id,
            is_appeal=is_appeal,
            disputed_at=old.disputed_at,
        )

    def _with_what_is_on_file(
        self, intake: Intake, account_id: UUID | None, *, proved: bool = False
    ) -> Intake:
        """What was asked, with the country and time zone of the account that was said where the
        person says none (P21). Only where they have shown who they are, or whoever reads mail at
        the address on file alone is told when it is due: nobody else may learn of an account by
        that (P19)."""
        with self.database.session() as session:
            account = session.get(Account, account_id) if account_id else None
        if account is None:
            return intake
        address = requests.contact_key(intake.contact_address)
        is_on_file = address and address == requests.contact_key(account.email)
        if not proved and (intake.by_agent or not is_on_file):
            return intake
        return replace(
            intake,
            country=intake.country or account.country,
            time_zone=intake.time_zone or account.time_zone,
        )

    def _deadline(self, intake: Intake, received_at: datetime | None, now: datetime) -> Deadline:
        if received_at is not None and received_at > now + CLOCKS_DIFFER:
            raise Refused("The time of receipt is in the future. Nothing was stored.")
        return self.clock_of(
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


def _require_recent(received_at: datetime, now: datetime, *, is_old: bool) -> None:
    """Raises OldReceipt: mostly it is the year that was mistyped (P26)."""
    if received_at < now - OLD_AFTER and not is_old:
        raise OldReceipt(OLD_RECEIPT)
