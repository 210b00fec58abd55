"""Whether the holder of an account is a minor: found out by privacy (P18)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import temporal
from database.people.accounts import account_by_external_id
from database.requests import minor_findings, minors
from database.tables import Account
from domain.requests.data_subject_requests import LONGEST_MESSAGE, has_control_characters
from domain.requests.minors import BY_CHECK
from workflows.desk.part import refusing, require_showable
from workflows.desk.reception import Reception
from workflows.messenger import Refused

CHANNEL = "staff"
"""Of the request to erase a minor's data, which we make ourselves."""
TOO_LONG = "Please shorten what you write, and leave out characters that cannot be shown."


class Minors(Reception):
    """Where a minor's account is found out, and its holder says something."""

    def open_minor_check(self, external_id: str, staff_id: UUID, *, note: str) -> None:
        """Staff saw that an account may be a minor's. Raises Refused."""
        require_showable(note)
        with self._by_privacy(staff_id) as transaction:
            minors.open_by_staff(
                transaction,
                account_by_external_id(transaction, external_id).id,
                note=note,
                staff_id=staff_id,
                languages=self.company.languages,
                now=self.clock.now(),
            )

    def restrict_reported(self, check_id: UUID, staff_id: UUID) -> None:
        """Restrict what a report did not restrict by itself. Raises Refused."""
        with self._by_privacy(staff_id) as transaction:
            minors.restrict_now(
                transaction,
                check_id,
                staff_id=staff_id,
                languages=self.company.languages,
                now=self.clock.now(),
            )

    def name_minor(self, check_id: UUID, external_id: str, staff_id: UUID) -> None:
        """Say which account a report is about. Raises Refused."""
        with self._by_privacy(staff_id) as transaction:
            minors.name_account(
                transaction,
                check_id,
                account_by_external_id(transaction, external_id).id,
                staff_id=staff_id,
                languages=self.company.languages,
                now=self.clock.now(),
            )

    def take_on_minor(self, check_id: UUID, staff_id: UUID) -> None:
        """Look into it oneself. Raises Refused."""
        with self._by_privacy(staff_id) as transaction:
            minor_findings.take_on(transaction, check_id, staff_id=staff_id, now=self.clock.now())

    def note_heard(self, check_id: UUID, staff_id: UUID, *, said: str, how: str) -> None:
        """Staff heard the holder, or tried. Raises Refused."""
        require_showable(said, how)
        with self._by_privacy(staff_id) as transaction:
            minor_findings.hear(
                transaction, check_id, said, self.clock.now(), how=how, staff_id=staff_id
            )

    def hear_holder(self, check_id: UUID, said: str) -> None:
        """What the holder writes on their page. Raises Refused."""
        if len(said) > LONGEST_MESSAGE or has_control_characters(said, besides="\r\n\t"):
            raise Refused(TOO_LONG)
        with refusing(), self.database.transaction() as transaction:
            minor_findings.hear(transaction, check_id, said, self.clock.now())

    def end_minor_check(
        self, check_id: UUID, staff_id: UUID, looked: minor_findings.Looked
    ) -> None:
        """Say what was found out. Raises Refused."""
        require_showable(looked.means)
        with self._by_privacy(staff_id) as transaction:
            minor_findings.propose_end(
                transaction,
                check_id,
                looked,
                staff_id=staff_id,
                office=self.company.office,
                languages=self.company.languages,
                now=self.clock.now(),
            )

    def confirm_minor(self, check_id: UUID, staff_id: UUID) -> str:
        """Agree that it is a minor's account, as a second person; the reference of the request to
        erase it. Raises Refused."""
        now = self.clock.now()
        with refusing(), self.database.session() as session:
            account_id = minors.check_by_id(session, check_id).account_id
            if account_id is None:
                raise Refused(minors.NO_SUCH)
            intake = minor_findings.to_erase(session.get_one(Account, account_id))
        received = replace(
            self._received(CHANNEL, self._deadline(intake, None, now), now),
            account_id=account_id,
            verified_by=BY_CHECK,
            entered_by=staff_id,
            is_acknowledged=False,
        )
        with self._by_privacy(staff_id) as transaction:
            request = minor_findings.confirm_minor(
                transaction,
                check_id,
                received,
                staff_id=staff_id,
                office=self.company.office,
                now=now,
            )
        self._start(request, intake, now)
        return request.reference

    @contextmanager
    def _by_privacy(self, staff_id: UUID) -> Iterator[Any]:
        """A transaction in which one of privacy does something; the mails that it brings are sent.
        Raises Refused."""
        now = self.clock.now()
        with self._acting(staff_id, "privacy") as transaction:
            yield transaction
            mails = minors.queued_at(transaction, now)
        for mail_id in mails:
            self._messenger.start_or_leave(temporal.mail_delivery(mail_id), now)
