"""Erasures where their person has a say in it, and who hears of them (P12-P14)."""

from collections.abc import Collection
from uuid import UUID

from database.requests import erasure_ends, erasures, recipients
from database.tables import DataSubjectRequest
from database.writing import held
from workflows.desk.part import DeskPart, refusing, require_showable


class Erasures(DeskPart):
    """Where people think over what cannot be undone, and the team tells recipients."""

    def skip_the_wait(self, request_id: UUID) -> None:
        """The person wants their data erased now. Raises Refused."""
        with refusing(), self.database.transaction() as transaction:
            request = held(transaction, DataSubjectRequest, request_id)
            erasures.skip_the_wait(transaction, request, self.clock.now())
        self._wake(request_id)

    def keep_the_data(self, request_id: UUID) -> None:
        """The person wants to keep their data; nothing is erased yet. Raises Refused."""
        with refusing(), self.database.transaction() as transaction:
            request = held(transaction, DataSubjectRequest, request_id)
            erasure_ends.keep_the_data(transaction, request, self.clock.now())
        self._wake(request_id)

    def note_told(self, reference: str, notice_id: UUID, staff_id: UUID, *, how: str) -> None:
        """Somebody of the team told a recipient of data what became of it. Raises Refused."""
        require_showable(how)
        with self._on_request(reference, staff_id) as (transaction, request):
            recipients.told(
                transaction, request, notice_id, how=how, staff_id=staff_id, now=self.clock.now()
            )

    def note_told_together(self, notice_ids: Collection[UUID], staff_id: UUID, *, how: str) -> None:
        """Somebody told a recipient of several requests at once. Raises Refused."""
        require_showable(how)
        with self._acting(staff_id, "privacy") as transaction:
            recipients.told_together(
                transaction, notice_ids, how=how, staff_id=staff_id, now=self.clock.now()
            )
