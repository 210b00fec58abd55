"""Data-subject requests after their receipt, up to the answer (P19-P22, P26)."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from activities.requests.requests import Confirmation
from database.people.accounts import account_by_external_id
from database.people.staff import INTAKE_ROLES, require_role
from database.requests import (
    additions,
    answering,
    authorised_agents,
    codes,
    ends,
    estates,
    identity,
    identity_checks,
    naming,
    on_paper,
    receipts,
    requests,
)
from database.requests import attachments as request_attachments
from database.requests.at_once import showing_who_asks
from database.requests.authorised_agents import Authority
from database.requests.requested_rights import kinds_of
from database.requests.rungs import acknowledge_step
from database.storage import FileUnusable
from database.tables import (
    DataSubjectRequest,
    ProposedEnd,
    ReceiptCorrection,
    RequestAttachment,
    RequestDecision,
)
from database.writing import held
from domain.requests.attachments import Attachment
from domain.requests.data_subject_requests import Kind, Outcome
from domain.requests.deadlines import Deadline
from domain.requests.identity import CheckMethod
from workflows.data_subject_request import DataSubjectRequestWorkflow
from workflows.desk.part import DeskPart, refusing, require_showable
from workflows.messenger import Refused


class Requests(DeskPart):
    """Where the privacy team works on what people ask, and people show who they are."""

    def verify(self, request_id: UUID, how: str) -> None:
        """The person behind a request proved control of the address on file, and said there that
        they want what is asked, whoever asks it for them (P19)."""
        now = self.clock.now()
        with (
            self.database.transaction() as transaction,
            showing_who_asks(transaction, request_id, now, self.clock_of) as request,
        ):
            identity.verify_identity(transaction, request, how=how, now=now)
            if identity.is_verified(request):
                authorised_agents.confirm_authority(transaction, request, now)
        self._wake(request_id)

    def confirm_contact(self, request_id: UUID) -> None:
        """Who reads mail at the contact address says that address and request are theirs."""
        now = self.clock.now()
        with (
            self.database.transaction() as transaction,
            showing_who_asks(transaction, request_id, now, self.clock_of) as request,
        ):
            if identity.confirm_contact(transaction, request, now):
                authorised_agents.confirm_authority(transaction, request, now)
        self._wake(request_id)

    def try_code(self, request_id: UUID, opens: Callable[[bytes], bool]) -> bool:
        """Whether a code that somebody typed proves who they are; `opens` knows the code.

        That an agent may act it does not say: codes are read out to others.
        """
        now = self.clock.now()
        with (
            self.database.transaction() as transaction,
            showing_who_asks(transaction, request_id, now, self.clock_of) as request,
        ):
            right = codes.try_code(transaction, request, opens, now)
        if right:
            self._wake(request_id)
        return right

    def send_code(self, request_id: UUID) -> bool:
        """Another code to the address on file, if there is one; False when there were too many."""
        with self.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, request_id)
            sent = codes.ask_again(transaction, request, self.clock.now())
        self._wake(request_id)
        return sent

    def name_account(self, reference: str, staff_id: UUID, external_id: str) -> None:
        """Somebody of the team found out which account a request is about that came with nothing to
        know it by. Raises Refused."""
        with self._on_request(reference, staff_id) as (transaction, request):
            naming.name_account(
                transaction,
                request,
                account_by_external_id(transaction, external_id),
                self._suppression_key,
                staff_id=staff_id,
                now=self.clock.now(),
            )
        self._wake(request.id)

    def record_check(
        self, reference: str, staff_id: UUID, *, method: CheckMethod, passed: bool, evidence: str
    ) -> None:
        """Somebody of the team found out who asks, whose mailbox is gone. Raises Refused."""
        require_showable(evidence)
        with self._on_request(reference, staff_id) as (transaction, request):
            identity_checks.record_check(
                transaction,
                request,
                method=method,
                passed=passed,
                evidence=evidence,
                staff_id=staff_id,
                now=self.clock.now(),
            )

    def confirm_check(self, reference: str, check_id: UUID, staff_id: UUID) -> None:
        """A second person agrees, and the person counts as verified. Raises Refused.

        Whether somebody may ask for them is another question (`decide_authority`).
        """
        now = self.clock.now()
        with self._acting(staff_id, "privacy") as transaction:
            request_id = requests.request_by_reference(transaction, reference).id
            with showing_who_asks(transaction, request_id, now, self.clock_of) as request:
                identity_checks.confirm_check(
                    transaction, request, check_id, staff_id=staff_id, now=now
                )
        self._wake(request_id)

    def assign(self, reference: str, staff_id: UUID, *, to: UUID | None = None) -> None:
        """Take a request on, or give it `to` another member of the privacy team. Raises Refused."""
        assignee_id = to or staff_id
        with self._on_request(reference, staff_id) as (transaction, request):
            require_role(transaction, assignee_id, "privacy")
            requests.assign(transaction, request, assignee_id, self.clock.now(), by=staff_id)
        self._wake(request.id)

    def decide(
        self,
        reference: str,
        staff_id: UUID,
        answer: answering.Answer,
        kind: Kind | None = None,
    ) -> RequestDecision:
        """Answer a right of a request, or put a refusal before a second person (P20, P22).

        `kind`: which right, where the request asks for several. The answer goes out once all of
        them are decided. Raises Refused.
        """
        require_showable(answer.explanation, answer.evidence or "")
        self._look_at_address(reference)
        with self._on_request(reference, staff_id) as (transaction, request):
            answering.require_what_is_to_be_done(transaction, request, answer, kind)
            decision = answering.propose_decision(
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
        self._look_at_address(reference)
        with refusing(), self.database.session() as session:
            require_role(session, staff_id, "privacy")
            request = requests.request_by_reference(session, reference)
        confirmation = Confirmation(decision_id=decision_id, staff_id=staff_id)
        self._messenger.have_decided(
            f"data-subject-request/{request.id}", DataSubjectRequestWorkflow.confirm, confirmation
        )

    def withdraw_request(self, request_id: UUID, purpose: str) -> None:
        """The person takes their request back, from the page behind a link of this purpose.
        Raises Refused."""
        with refusing(), self.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, request_id)
            ends.withdraw(transaction, request, purpose, self.clock.now())
        self._wake(request_id)

    def end_request(
        self, reference: str, staff_id: UUID, outcome: Outcome, *, reason: str, of: str = ""
    ) -> ProposedEnd | None:
        """End a request that is not to be judged, or put that before a second person (P20).

        `of`: the reference of the one that it is a duplicate of. Returns what waits for
        `confirm_end`; None when it is ended. Raises Refused.
        """
        require_showable(reason)
        with self._on_request(reference, staff_id) as (transaction, request):
            waits = ends.end(
                transaction,
                request,
                outcome,
                reason=reason,
                of=of,
                staff_id=staff_id,
                now=self.clock.now(),
            )
        self._wake(request.id)
        if request.duplicate_of_id is not None:
            self._wake(request.duplicate_of_id)  # which may be due sooner now
        return waits

    def confirm_end(self, reference: str, proposed_id: UUID, staff_id: UUID) -> None:
        """A second person agrees that it ends without being judged (P20). Raises Refused."""
        with self._on_request(reference, staff_id) as (transaction, request):
            ends.confirm_end(
                transaction, request, proposed_id, staff_id=staff_id, now=self.clock.now()
            )
        self._wake(request.id)

    def freeze_account(self, reference: str, staff_id: UUID) -> None:
        """The holder of the account that a request is about has died. Raises Refused."""
        with self._on_request(reference, staff_id) as (transaction, request):
            estates.freeze(transaction, request, staff_id=staff_id, now=self.clock.now())
            theirs = estates.open_about_them(transaction, request)
        for request_id in theirs:
            self._wake(request_id)

    def record_estate(self, reference: str, staff_id: UUID, *, who: str, proof: str) -> None:
        """Note who asks after a death, and what shows that they may. Raises Refused."""
        require_showable(who, proof)
        with self._on_request(reference, staff_id) as (transaction, request):
            estates.record_authority(
                transaction, request, who=who, proof=proof, staff_id=staff_id, now=self.clock.now()
            )

    def confirm_estate(self, reference: str, authority_id: UUID, staff_id: UUID) -> None:
        """A second person agrees that whoever asks after a death may. Raises Refused."""
        now = self.clock.now()
        with (
            self._on_request(reference, staff_id) as (transaction, request),
            showing_who_asks(transaction, request.id, now, self.clock_of) as held_request,
        ):
            estates.confirm_authority(
                transaction, held_request, authority_id, staff_id=staff_id, now=now
            )
        self._wake(request.id)

    def attach(
        self, reference: str, attachments: Sequence[Attachment], staff_id: UUID | None = None
    ) -> None:
        """Keep files with an open request; `staff_id`: who of privacy or support took them in,
        where it was not the person. Raises Refused."""
        with refusing(), self.database.transaction() as transaction:
            if staff_id is not None:
                require_role(transaction, staff_id, *INTAKE_ROLES)
            request = requests.request_by_reference(transaction, reference)
            request_attachments.attach(
                transaction,
                request,
                attachments,
                self._storage,
                limits=self.company.attachments,
                staff_id=staff_id,
                now=self.clock.now(),
            )
        self._wake(request.id)

    def add_information(
        self, request_id: UUID, words: str, attachments: Sequence[Attachment]
    ) -> None:
        """Keep what a person tells later about an open request, and files with it: all or nothing.
        Whoever works on it hears of it. Raises Refused."""
        now = self.clock.now()
        with refusing(), self.database.transaction() as transaction:
            request = held(transaction, DataSubjectRequest, request_id)
            if words:
                additions.add(transaction, request, words, now)
            if attachments:
                request_attachments.attach(
                    transaction,
                    request,
                    attachments,
                    self._storage,
                    limits=self.company.attachments,
                    staff_id=None,
                    now=now,
                )
            if words or attachments:
                additions.tell_of_it(transaction, request, self.company.today(now), now)
        self._wake(request_id)

    def attachment(self, request_id: UUID, attachment_id: UUID) -> tuple[str, bytes]:
        """The name of a file of a request and what is in it. Raises Refused."""
        with self.database.session() as session:
            found = session.get(RequestAttachment, attachment_id)
        if found is None or found.request_id != request_id:
            raise Refused("There is no such file (any more).")
        try:
            return found.name, self._storage.read(found.file)
        except FileUnusable as fault:
            raise Refused(str(fault)) from None

    def decide_authority(
        self, reference: str, staff_id: UUID, authority: Authority, evidence: str
    ) -> None:
        """Say whether whoever asks for somebody else may, and what showed it. Raises Refused."""
        require_showable(evidence)
        with self._on_request(reference, staff_id) as (transaction, request):
            authorised_agents.decide_authority(
                transaction,
                request,
                authority,
                evidence=evidence,
                staff_id=staff_id,
                now=self.clock.now(),
            )

    def delete_evidence_of_authority(self, reference: str, staff_id: UUID) -> None:
        """What showed that somebody may ask for another is no longer needed. Raises Refused."""
        with self._on_request(reference, staff_id) as (transaction, request):
            authorised_agents.delete_evidence(
                transaction, request, staff_id=staff_id, now=self.clock.now()
            )

    def note_posted(
        self, reference: str, mail_id: UUID, staff_id: UUID, *, posted_on: date, proof: str
    ) -> None:
        """A letter to whoever has no mailbox was posted (P26). Raises Refused."""
        require_showable(proof)
        with self._on_request(reference, staff_id) as (transaction, request):
            on_paper.note_posted(
                transaction,
                request,
                mail_id,
                posted_on=posted_on,
                proof=proof,
                staff_id=staff_id,
                zone=self.company.zone,
                now=self.clock.now(),
            )
        self._wake(request.id)

    def acknowledge(self, reference: str, staff_id: UUID) -> None:
        """Somebody of staff says "I have seen this and act", so nobody else is told before the
        next rung (P21). Raises Refused."""
        with refusing(), self.database.transaction() as transaction:
            request = requests.request_by_reference(transaction, reference)
            acknowledge_step(transaction, request, staff_id, self.clock.now())
        self._wake(request.id)

    def correct_receipt(
        self, reference: str, staff_id: UUID, receipt: receipts.Receipt
    ) -> ReceiptCorrection:
        """Set right when a request came, or from where; its ladder is armed anew (P21, P26).

        What gives us more time waits for `confirm_receipt`. Raises Refused.
        """
        require_showable(receipt.proof)
        with self._on_request(reference, staff_id) as (transaction, request):
            correction = receipts.propose_receipt(
                transaction,
                request,
                receipt,
                self._clock_with(
                    request, kinds_of(transaction, request.id), receipt.received_at, receipt.country
                ),
                by=staff_id,
                now=self.clock.now(),
            )
        self._wake(request.id)
        return correction

    def confirm_receipt(self, reference: str, correction_id: UUID, staff_id: UUID) -> None:
        """A second person agrees to a correction that gives us more time. Raises Refused."""
        with self._on_request(reference, staff_id) as (transaction, request):
            correction = receipts.correction_of(transaction, request, correction_id)
            receipts.confirm_receipt(
                transaction,
                request,
                correction_id,
                self._clock_with(
                    request,
                    kinds_of(transaction, request.id),
                    correction.received_at,
                    correction.country,
                ),
                by=staff_id,
                now=self.clock.now(),
            )
        self._wake(request.id)

    def _clock_with(
        self,
        request: DataSubjectRequest,
        rights: Iterable[Kind],
        at: datetime,
        country: str | None,
    ) -> Deadline:
        """The clock that a request would have had with this receipt. Raises Refused."""
        try:
            return self.clock_of(rights, at, country=country, time_zone=request.time_zone)
        except ValueError as fault:
            raise Refused(f"{fault}. Nothing was changed.") from None

    def _look_at_address(self, reference: str) -> None:
        """If the address on file changed since it was proved, its old one is warned and disclosure
        held before anybody answers; also when the answer is then refused (P19)."""
        with refusing(), self.database.transaction() as transaction:
            request = requests.request_by_reference(transaction, reference)
            warned = identity.hold_disclosure(transaction, request, self.clock.now())
        if warned:
            self._wake(request.id)
