"""Somebody says that a request is not theirs (P19), and what that means for others."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from database.engine import Transaction
from database.requests import at_once, ends, estates, identity, requests
from database.requests.requested_rights import rights_of
from database.tables import DataSubjectRequest
from database.writing import hold
from domain.requests.data_subject_requests import Intake, Kind, Outcome
from workflows.desk.reception import Reception


class Disputes(Reception):
    """Where a request is disputed."""

    def dispute(self, request_id: UUID, by: Literal["address on file", "former address"]) -> None:
        """Somebody at an address on file, or at one that was, says it is not theirs: the team is
        told, and nothing is disclosed until two of them found out who asks. Whoever was to be
        answered with it has a request of their own again, due when theirs was."""
        now, own = self.clock.now(), []
        with self.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, request_id)
            waiting = requests.waiting_for(transaction, request)
            for one in sorted((request, *waiting), key=lambda each: each.id):
                hold(transaction, one)
            if identity.dispute(transaction, request, by=by, now=now):
                requests.tell_of_dispute(transaction, request, now)
                own = [self._on_its_own(transaction, one, now) for one in waiting]
        self._wake(request_id)
        for new, intake in own:
            self._start(new, intake, now)

    def take_back_death(self, reference: str, staff_id: UUID) -> None:
        """A second person found that the holder of the account lives: whoever was to have its data
        is in doubt, and whoever was to be answered with one of those has a request of their own
        again. Raises Refused."""
        now = self.clock.now()
        with self._on_request(reference, staff_id) as (transaction, request):
            waiting = [
                one
                for heir in estates.heirs_of(transaction, request)
                for one in requests.waiting_for(transaction, heir)
            ]
            for one in sorted((request, *waiting), key=lambda each: each.id):
                hold(transaction, one)
            estates.take_back(transaction, request, staff_id=staff_id, now=now)
            own = [self._on_its_own(transaction, one, now) for one in waiting]
            theirs = estates.open_about_them(transaction, request)
        for request_id in theirs:
            self._wake(request_id)
        for new, intake in own:
            self._start(new, intake, now)

    def _on_its_own(
        self, transaction: Transaction, old: DataSubjectRequest, now: datetime
    ) -> tuple[DataSubjectRequest, Intake]:
        """What ended as a duplicate, anew, as the answer that it waited for may be nobody's."""
        kinds = [
            Kind(right.kind)
            for right in rights_of(transaction, old.id)
            if right.outcome == Outcome.DUPLICATE
        ]
        intake = self._anew(old, kinds, old.message)
        verified_by = old.verified_by if identity.is_verified(old) else None
        received = self._following(old, intake, verified_by, now, received_at=old.received_at)
        ends.stand_alone(transaction, old, now)
        known = requests.follower_of(transaction, old)
        new = known or at_once.take_in(transaction, intake, received, self._suppression_key, now)
        return new, intake
