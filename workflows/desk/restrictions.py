"""Restrictions of accounts, set and lifted by the privacy team (P14, P18)."""

from uuid import UUID

import temporal
from database.people.accounts import account_by_external_id
from database.requests import restrictions
from database.requests.requests import request_by_reference
from domain.people.restrictions import Reason
from workflows.desk.part import DeskPart, require_showable
from workflows.messenger import Refused


class Restrictions(DeskPart):
    """Where privacy staff restrict an account, and let that end."""

    def restrict(
        self,
        external_id: str,
        reason: Reason,
        staff_id: UUID,
        *,
        note: str,
        reference: str | None = None,
    ) -> None:
        """Restrict an account, because of a request or without one. Raises Refused."""
        require_showable(note)
        with self._acting(staff_id, "privacy") as transaction:
            account = account_by_external_id(transaction, external_id)
            request = request_by_reference(transaction, reference) if reference else None
            new = restrictions.restrict(
                transaction,
                [account.id],
                reason,
                now=self.clock.now(),
                staff_id=staff_id,
                request_id=request.id if request else None,
                note=note.strip(),
            )
            if not new:
                raise Refused("The account is restricted for that reason already.")

    def lift_restriction(
        self, restriction_id: UUID, staff_id: UUID, lift: restrictions.Lift
    ) -> None:
        """Tell the holder that a restriction ends, and it does with that mail. Raises Refused."""
        require_showable(lift.explanation, lift.told_otherwise)
        now = self.clock.now()
        with self._acting(staff_id, "privacy") as transaction:
            mails = restrictions.ask_to_lift(
                transaction,
                restriction_id,
                lift,
                staff_id=staff_id,
                languages=self.company.languages,
                now=now,
            )
        for mail_id in mails:
            self._messenger.start_or_leave(temporal.mail_delivery(mail_id), now)
