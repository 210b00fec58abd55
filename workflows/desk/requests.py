"""Data-subject requests, from receipt to the answer (P19-P22, P26)."""

from datetime import datetime
from uuid import UUID

import temporal
from activities.requests import Confirmation
from database import policies, request_answers, requests
from database.staff import require_role
from database.tables import DataSubjectRequest, RequestDecision
from domain.data_subject_requests import Intake, Kind
from domain.deadlines import deadline, earliest
from workflows.data_subject_request import DataSubjectRequestWorkflow
from workflows.desk.part import DeskPart, refusing, require_showable


class Requests(DeskPart):
    """Where people ask, and the privacy team answers."""

    def receive(
        self, intake: Intake, *, channel: str, received_at: datetime | None = None
    ) -> DataSubjectRequest:
        """Take in a data-subject request; its clock runs from receipt (P21, P26).

        `intake` has no `problems`. Of several rights the one whose answer is due first binds. A
        request is never refused because Temporal is down: the watchdog starts its thirty days.
        """
        now = self.clock.now()
        due = earliest(
            deadline(
                received_at=received_at or now,
                time_zone=intake.time_zone,
                country=intake.country,
                company_time_zone=self.company.time_zone,
                right=right,
                default_regime=self.company.default_regime,
            )
            for right in intake.rights
        )
        with self.database.transaction() as transaction:
            policy = next(iter(policies.policies(transaction)), None)
            pinned = policies.version_in_force(transaction, policy.id, now) if policy else None
            request = requests.receive(
                transaction,
                intake,
                requests.Received(
                    channel=channel,
                    deadline=due,
                    policy_version_id=pinned.id if pinned else None,
                    languages=self.company.languages,
                ),
                now,
            )
        self._messenger.start_or_leave(
            temporal.data_subject_request(request.id, intake.rights), now
        )
        return request

    def verify(self, request_id: UUID, how: str) -> None:
        """The person behind a request proved control of the address on file (P19)."""
        with self.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, request_id)
            requests.verify_identity(transaction, request, how=how, now=self.clock.now())
        self._messenger.wake(f"data-subject-request/{request_id}")

    def assign(self, reference: str, staff_id: UUID) -> None:
        """Give a request to a member of the privacy team. Raises Refused."""
        with refusing(), self.database.transaction() as transaction:
            require_role(transaction, staff_id, "privacy")
            request = requests.request_by_reference(transaction, reference)
            requests.assign(transaction, request, staff_id, self.clock.now())
        self._messenger.wake(f"data-subject-request/{request.id}")

    def decide(
        self,
        reference: str,
        staff_id: UUID,
        answer: request_answers.Answer,
        kind: Kind | None = None,
    ) -> RequestDecision:
        """Answer a right of a request, or put a refusal before a second person (P20, P22).

        `kind`: which right, where the request asks for several. The answer goes out once all of
        them are decided. Raises Refused.
        """
        require_showable(answer.explanation, answer.evidence or "")
        with refusing(), self.database.transaction() as transaction:
            require_role(transaction, staff_id, "privacy")
            request = requests.request_by_reference(transaction, reference)
            decision = request_answers.propose_decision(
                transaction,
                request,
                answer,
                kind=kind,
                decided_by=staff_id,
                now=self.clock.now(),
            )
        self._messenger.have_decided(
            f"data-subject-request/{request.id}", DataSubjectRequestWorkflow.decide, decision.id
        )
        return decision

    def confirm(self, reference: str, decision_id: UUID, staff_id: UUID) -> None:
        """A second person agrees to the answer that they read (P20). Raises Refused."""
        with refusing(), self.database.session() as session:
            require_role(session, staff_id, "privacy")
            request = requests.request_by_reference(session, reference)
        confirmation = Confirmation(decision_id=decision_id, staff_id=staff_id)
        self._messenger.have_decided(
            f"data-subject-request/{request.id}", DataSubjectRequestWorkflow.confirm, confirmation
        )
