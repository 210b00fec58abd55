"""The circuit breaker: a campaign whose mails go wrong while it sends is paused (P8)."""

import time
from datetime import datetime
from uuid import UUID

from activities.mail.courier import Courier
from database.campaigns.controls import BREAKER, stop_by_machine
from database.campaigns.tally import why_stop_campaign
from database.engine import Database
from database.mail.mail_rows import Batch
from domain.campaigns.sending import Limits

LOOK_EVERY_SECONDS = 1.0


class Breaker:
    """Looks at what became of a campaign's mails; one for all threads of a process."""

    def __init__(self, *, database: Database, limits: Limits, courier: Courier) -> None:
        self._database = database
        self._courier = courier
        self._limits = limits
        self._looked_at: dict[UUID, float] = {}

    def look(self, batch: Batch, now: datetime, *, at_once: bool = False) -> tuple[UUID, ...]:
        """Pause a campaign whose step meets too many errors; returns the mails that tell its owner.

        Asked before every claim, it looks once a second, or `at_once`. Any other subject, and a
        single mail, is left alone.
        """
        campaign_id = batch.subject_id
        if campaign_id is None or batch.step is None:
            return ()
        if not (at_once or self._is_time(campaign_id)):
            return ()
        with self._database.session() as session:
            reason = why_stop_campaign(session, campaign_id, batch.step, self._limits, now)
        if reason is None:
            return ()
        with self._database.transaction() as transaction:
            told = stop_by_machine(transaction, campaign_id, BREAKER, reason, now)
        self._courier.tell(now)
        return told

    def _is_time(self, campaign_id: UUID) -> bool:
        """Two threads may both find that it is: they look twice, and the campaign stops once."""
        now = time.monotonic()
        looked_at = self._looked_at.get(campaign_id)
        if looked_at is not None and now < looked_at + LOOK_EVERY_SECONDS:
            return False
        self._looked_at[campaign_id] = now
        return True
