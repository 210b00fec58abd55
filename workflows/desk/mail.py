"""Mail as such: all of it stopped, one sent, an address allowed again (P4, P8)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import temporal
from database.campaigns import controls
from database.campaigns.unheard import note_start_heard, unheard_starts
from database.facts import record
from database.mail import doubts, outbox, suppressions
from database.mail.senders import steps_without_sender
from domain.mail.suppressions import address_key
from workflows.desk.part import DeskPart, refusing, require_showable
from workflows.messenger import Refused


class Mail(DeskPart):
    """Where ops and pages have mail stopped, started and sent."""

    def stop_mail(self, staff_id: UUID, reason: str) -> None:
        """No mail goes out any more, to anybody (P8). Raises Refused."""
        self._switch_mail(controls.stop_mail, staff_id, reason)

    def start_mail(self, staff_id: UUID, reason: str) -> None:
        """Let mail go on, which takes an owner of a policy (P8). Raises Refused.

        Campaigns are woken; where Temporal does not answer, the watchdog wakes them once it does.
        """
        self._switch_mail(controls.start_mail, staff_id, reason)
        with self.database.session() as session:
            over = unheard_starts(session)
            campaigns = [
                f"campaign/{policy.slug}/{version.number}"
                for policy, version, _ in controls.running(session)
            ]
        if all(map(self._messenger.wake, campaigns)):
            with self.database.transaction() as transaction:
                note_start_heard(transaction, over, self.clock.now())

    def send(self, mail: outbox.Queued) -> None:
        """Send one mail that somebody asked for on a page."""
        now = self.clock.now()
        with self.database.transaction() as transaction:
            queued = outbox.queue(transaction, [mail], now)
        for mail_id in queued:
            self._messenger.start_or_leave(temporal.mail_delivery(mail_id), now)

    def send_owed_again(
        self, *, account_id: UUID | None = None, mail_ids: Collection[UUID] = ()
    ) -> None:
        """Send first notices that are owed again, as an address was mended or an account is open
        again (P4): those to an account, these mails, or, where neither is given, all."""
        with self.database.session() as session:
            steps = steps_without_sender(session, account_id=account_id, mail_ids=mail_ids)
        for campaign_id, step in steps:
            self._messenger.start_or_leave(
                temporal.step_delivery(campaign_id, step), self.clock.now()
            )

    def resend(self, mail_id: UUID, staff_id: UUID) -> None:
        """Ops send a mail again of unknown outcome, or that was rejected; who decided that is
        recorded (P4).

        Raises Refused; TemporalUnreachable when it is decided and only the start is missing.
        """
        now = self.clock.now()
        with self._acting(staff_id, "ops") as transaction:
            if not doubts.resend(transaction, mail_id, now):
                raise Refused(
                    f"The mail {mail_id} does not wait for a decision, its campaign does not run, "
                    "or it would come too late or to somebody who has answered; nothing was sent."
                )
            record(transaction, "mail.resent_by_ops", mail_id, now, staff=staff_id)
        self._messenger.start(temporal.mail_delivery(mail_id), now)

    def resend_alike(self, key: str, staff_id: UUID) -> int:
        """Ops send all mails of a group again, in doubt or rejected (P4); how many.

        A thousand in each transaction, each recorded with who decided. Raises Refused;
        TemporalUnreachable when it is decided and only the start is missing.
        """
        now = self.clock.now()
        with self.database.session() as session:
            doubt = doubts.doubt_by_key(session, key, now)
        if doubt is None:
            raise Refused(
                f"No mails {key} wait for a decision (any more); nothing was sent. What waits: "
                "promisekeeper mail unknown --groups, and promisekeeper mail rejected"
            )
        sent: list[UUID] = []
        while some := self._resend_some(doubt, staff_id, now):
            sent += some
        if not sent:
            raise Refused(
                "The campaign of these mails does not run, or they would come too late or to "
                "people who have answered; nothing was sent. A paused campaign its owner resumes."
            )
        starts = (
            [temporal.step_delivery(doubt.campaign_id, doubt.step)]
            if doubt.campaign_id
            else [temporal.mail_delivery(mail_id) for mail_id in sent]
        )
        for what in starts:
            self._messenger.start(what, now)
        return len(sent)

    def _resend_some(self, doubt: doubts.Doubt, staff_id: UUID, now: datetime) -> Sequence[UUID]:
        with self._acting(staff_id, "ops") as transaction:
            return doubts.resend_some(transaction, doubt, staff_id, now)

    def allow_mail(self, address: str, staff_id: UUID, reason: str) -> int:
        """Ops let mail go to an address again where it came back, or was reported as spam (P4).

        Returns how many mails that were held back because of it go out now. Raises Refused.
        """
        require_showable(reason)
        now = self.clock.now()
        with refusing(), self.database.transaction() as transaction:
            act = controls.acting(transaction, staff_id, "ops", reason=reason, now=now)
            allowed = suppressions.allow(
                transaction,
                address,
                address_key(address, self._suppression_key),
                staff_id=act.staff.id,
                reason=act.reason,
                now=now,
            )
            if not allowed.lifted:
                raise Refused("Mail to this address is not stopped; nothing was changed.")
        for mail_id in allowed.mails:
            self._messenger.start_or_leave(temporal.mail_delivery(mail_id), now)
        return len(allowed.mails)

    def _switch_mail(self, switch: controls.Switch, staff_id: UUID, reason: str) -> None:
        require_showable(reason)
        with refusing(), self.database.transaction() as transaction:
            now = self.clock.now()
            switch(
                transaction,
                controls.acting(transaction, staff_id, "ops", "legal", reason=reason, now=now),
            )
