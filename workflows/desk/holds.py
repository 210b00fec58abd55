"""Legal holds, placed by legal or privacy and released by a second person (P13)."""

from collections.abc import Sequence
from uuid import UUID

import temporal
from data_sources.map_file import DataMapRefused
from data_sources.opening import source_names
from database.people.accounts import account_by_external_id
from database.requests import deferred_erasures, erasure_ends, holds, instructions
from database.requests.requested_rights import kinds_of
from domain.requests.legal_holds import EVERYWHERE, HOLDERS
from workflows.desk.part import DeskPart, require_showable
from workflows.messenger import Refused


class Holds(DeskPart):
    """Where legal and privacy keep data from being erased."""

    def place_hold(
        self, external_id: str, staff_id: UUID, *, reason: str, source: str = EVERYWHERE
    ) -> UUID:
        """Let a hold stand on an account, or on what one data source has of it; its id. Raises
        Refused."""
        require_showable(reason)
        if source != EVERYWHERE and source not in self.data_sources():
            raise Refused(
                f"There is no data source {source}. The data map names "
                f"{', '.join(self.data_sources())}. Nothing was changed."
            )
        with self._acting(staff_id, *HOLDERS) as transaction:
            account = account_by_external_id(transaction, external_id)
            now = self.clock.now()
            stopped = instructions.give_way_to_hold(transaction, account.id, source, now)
            placed = holds.place(
                transaction,
                account.id,
                reason=reason,
                source=source,
                staff_id=staff_id,
                now=now,
            )
        for request_id in placed.reopened:
            self._wake(request_id)
        for instruction_id in stopped:
            self._messenger.wake(f"controller-instruction/{instruction_id}")
        return placed.hold_id

    def release_hold(self, hold_id: UUID, staff_id: UUID, *, reason: str) -> None:
        """End a hold, as a second person. Raises Refused."""
        require_showable(reason)
        with self._acting(staff_id, *HOLDERS) as transaction:
            released = holds.release(
                transaction,
                hold_id,
                reason=reason,
                staff_id=staff_id,
                office=self.company.office,
                now=self.clock.now(),
            )
        for request_id in released.reopened:
            self._wake(request_id)
        for request_id in released.resumed:
            self._messenger.start_or_leave(self._its_workflow(request_id), self.clock.now())
            self._wake(request_id)

    def note_erased(self, reference: str, staff_id: UUID) -> None:
        """What waited for the release of a hold is erased. Raises Refused."""
        with self._on_request(reference, staff_id) as (transaction, request):
            now = self.clock.now()
            erasure_ends.tell_after_hold(transaction, request, now)
            deferred_erasures.note_erased(transaction, request, staff_id=staff_id, now=now)
        self._messenger.start_or_leave(self._its_workflow(request.id), now)

    def data_sources(self) -> Sequence[str]:
        """What a hold may stand on, by name. Raises Refused where the data map cannot be read."""
        try:
            return source_names(self._data_map)
        except DataMapRefused as refusal:
            raise Refused(str(refusal)) from None

    def _its_workflow(self, request_id: UUID) -> temporal.Start:
        with self.database.session() as session:
            return temporal.data_subject_request(request_id, kinds_of(session, request_id))
