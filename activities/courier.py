"""Takes alarms to the webhook: the second way, for the day on which mail is what is wrong."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import activity

from activities.moments import Moments, moments_since
from clock import real_now
from database import alarms
from database.engine import Database
from database.tables import Alarm
from mail.webhooks import Webhook

AT_ONCE = timedelta(seconds=5)
IN_A_ROUND = timedelta(minutes=3)
LEFT_ALONE_SECONDS = 60.0
"""After a failure, steps of workflows do not wait for the webhook so long: the rounds try it."""


@dataclass(frozen=True, kw_only=True)
class RoundInput:
    """The instant at which the workflow sends the courier."""

    now: datetime


@dataclass(frozen=True, kw_only=True)
class Round:
    """How many alarms still wait, and why the courier came back with them."""

    waiting: int
    problem: str | None = None


class Courier:
    """Posts alarms; one for all threads of a process. Without a webhook it has nothing to do."""

    def __init__(self, *, database: Database, webhook: Webhook | None, base_url: str) -> None:
        self._database = database
        self._webhook = webhook
        self._base_url = base_url
        self._left_alone_until = 0.0

    def tell(self, now: datetime) -> None:
        """Post what waits, now, in a few seconds or not at all. The rest the watchdog sees to."""
        if self._webhook is not None and time.monotonic() >= self._left_alone_until:
            self._post_all(self._webhook, Moments(now), AT_ONCE)

    def owes(self, now: datetime) -> bool:
        """Whether alarms wait for the webhook. Without one they are left to mail."""
        with self._database.session() as session:
            waiting = alarms.undelivered(session).count
        if waiting and self._webhook is None:
            with self._database.transaction() as transaction:
                alarms.leave_to_mail(transaction, now)
        return bool(waiting) and self._webhook is not None

    @activity.defn
    def deliver_alarms(self, what: RoundInput) -> Round:
        """Post all that waits, until none is left or one is not taken."""
        problem = None
        moments = moments_since(what.now)
        if self._webhook is not None:
            problem = self._post_all(self._webhook, moments, IN_A_ROUND)
        if not self.owes(moments.now()):
            return Round(waiting=0)
        with self._database.session() as session:
            return Round(waiting=alarms.undelivered(session).count, problem=problem)

    def _post_all(self, webhook: Webhook, moments: Moments, within: timedelta) -> str | None:
        problem = None
        while problem is None and moments.passed() < within:
            with self._database.transaction() as transaction:
                alarm = alarms.claim(transaction, moments.now())
            if alarm is None:
                break
            problem = webhook.post(f"alarm_{alarm.id}", self._body(alarm), real_now())
            with self._database.transaction() as transaction:
                alarms.settle(transaction, alarm, problem, moments.now())
        if problem is not None:
            self._left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
        return problem

    def _body(self, alarm: Alarm) -> str:
        data: Mapping[str, object] = {**alarm.content, "url": f"{self._base_url}{alarm.page}"}
        said = {"type": alarm.kind, "timestamp": alarms.in_json(alarm.raised_at), "data": data}
        return json.dumps(said)
