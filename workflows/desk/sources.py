"""What data sources are asked for requests, where people have a say in it (P10-P17)."""

from uuid import UUID

from database import source_tasks
from database.requests import request_by_reference
from database.staff import require_role
from workflows.desk.part import DeskPart, refusing, require_showable


class Sources(DeskPart):
    """Where the privacy team helps along what a data source did not do by itself."""

    def ask_again(self, reference: str, task_id: UUID, staff_id: UUID) -> None:
        """Have a data source asked now, whatever it said before. Raises Refused."""
        with refusing(), self.database.transaction() as transaction:
            require_role(transaction, staff_id, "privacy")
            request = request_by_reference(transaction, reference)
            source_tasks.ask_again(
                transaction, request, task_id, staff_id=staff_id, now=self.clock.now()
            )
        self._messenger.wake(f"data-subject-request/{request.id}")

    def give_up(self, reference: str, task_id: UUID, staff_id: UUID, *, reason: str) -> None:
        """Say that something cannot be had from a source, and why: the answer is a partial one.
        Raises Refused."""
        require_showable(reason)
        with refusing(), self.database.transaction() as transaction:
            require_role(transaction, staff_id, "privacy")
            request = request_by_reference(transaction, reference)
            source_tasks.give_up(
                transaction,
                request,
                task_id,
                reason=reason,
                staff_id=staff_id,
                now=self.clock.now(),
            )
        self._messenger.wake(f"data-subject-request/{request.id}")
