"""Takes alarms and events to their webhooks: of alarms the second way, if mail is what is wrong."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic

from temporalio import activity

from activities.moments import Moments, moments_since
from clock import real_now
from database.engine import Database
from database.tables import Account, Alarm, DataSubjectRequest, Event, Policy, PolicyVersion
from database.webhooks import posts
from database.webhooks.posts import Post
from mail.webhooks import NotTaken, Webhook

AT_ONCE = timedelta(seconds=5)
IN_A_ROUND = timedelta(minutes=3)
LEFT_ALONE_SECONDS = 60.0
"""After a failure, steps of workflows do not wait for the webhook so long: the rounds try it."""
OF_EVENTS = "the webhook of events: "


@dataclass(frozen=True, kw_only=True)
class RoundInput:
    """The instant at which the workflow sends the courier."""

    now: datetime


@dataclass(frozen=True, kw_only=True)
class Round:
    """How many posts still wait, and why the courier came back with them.

    `alarms_stuck`: the webhook of alarms takes none at the moment, so it is left alone for longer
    each time. Nothing that is wrong with events or with one alarm makes alarms wait like that.
    """

    waiting: int
    problem: str | None = None
    alarms_stuck: bool = False


class Courier:
    """Posts alarms to one webhook and events to the other, each if it is set; one courier for all
    threads of a process."""

    def __init__(
        self,
        *,
        database: Database,
        webhook: Webhook | None,
        base_url: str,
        events_webhook: Webhook | None = None,
    ) -> None:
        self._database = database
        self._base_url = base_url
        self._to_staff = _Way(database, Alarm, webhook, self._alarm)
        events = _Way(database, Event, events_webhook, self._event)
        self._ways: tuple[_Way[Any], ...] = (self._to_staff, events)

    def tell(self, now: datetime) -> None:
        """Post the alarms that wait, now, in a few seconds or not at all. The rest, and events, the
        watchdog sees to."""
        self._to_staff.post_soon(now)

    def owes(self, now: datetime) -> bool:
        """Whether posts wait for a webhook that is set. Without one they are left."""
        return sum(way.waiting(now) for way in self._ways) > 0

    @activity.defn
    def deliver_alarms(self, what: RoundInput) -> Round:
        """Post all that waits, events too; each until none is left or its webhook takes none."""
        moments = moments_since(what.now)
        alarms, events = (way.post_all(moments, IN_A_ROUND) for way in self._ways)
        waiting = sum(way.waiting(moments.now()) for way in self._ways)
        if not waiting:
            return Round(waiting=0)
        return Round(
            waiting=waiting,
            problem=alarms.problem if alarms else OF_EVENTS + events.problem if events else None,
            alarms_stuck=alarms is not None and not alarms.refused,
        )

    def _alarm(self, alarm: Alarm) -> Mapping[str, object]:
        return {**alarm.content, "url": f"{self._base_url}{alarm.page}"}

    def _event(self, event: Event) -> Mapping[str, object]:
        """Which account, by the company's own id, null when it is gone meanwhile; which version;
        which request, and how that stands."""
        with self._database.session() as session:
            about: dict[str, object] = {}
            if event.account_id:
                account = session.get(Account, event.account_id)
                about["account"] = account.external_id if account else None
            if event.policy_version_id:
                version = session.get_one(PolicyVersion, event.policy_version_id)
                policy = session.get_one(Policy, version.policy_id)
                about |= {"policy": policy.slug, "version": version.number}
            if event.request_id:
                about |= _request(session.get(DataSubjectRequest, event.request_id), event)
            return about


def _request(request: DataSubjectRequest | None, event: Event) -> dict[str, object]:
    """Our own id and states; no reference, by which people are asked on the telephone."""
    state, outcome = (request.state, request.outcome) if request else (None, None)
    return {"request": str(event.request_id), "state": state, "outcome": outcome}


class _Way(Generic[Post]):
    """One kind of posts on its way to its webhook. Without one it leaves what waits."""

    def __init__(
        self,
        database: Database,
        table: type[Post],
        webhook: Webhook | None,
        data: Callable[[Post], Mapping[str, object]],
    ) -> None:
        self._database = database
        self._table: type[Post] = table
        self._webhook = webhook
        self._data: Callable[[Post], Mapping[str, object]] = data
        self._left_alone_until = 0.0

    def post_soon(self, now: datetime) -> None:
        if time.monotonic() >= self._left_alone_until:
            self.post_all(Moments(now), AT_ONCE)

    def post_all(self, moments: Moments, within: timedelta) -> NotTaken | None:
        """Post until none is left, or none is taken at the moment; one that is refused is put
        aside. Returns the last that was not taken."""
        not_taken = None
        while self._webhook is not None and moments.passed() < within:
            with self._database.transaction() as transaction:
                post = posts.claim(transaction, self._table, moments.now())
            if post is None:
                break
            name = f"{self._table.__tablename__}_{post.id}"
            answer = self._webhook.post(name, self._body(post), real_now())
            self._note(post, answer, moments.now())
            not_taken = answer or not_taken
            if answer is not None and not answer.refused:
                self._left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
                break
        return not_taken

    def _note(self, post: Post, answer: NotTaken | None, now: datetime) -> None:
        with self._database.transaction() as transaction:
            if answer is None:
                posts.deliver(transaction, post, now)
            elif answer.refused:
                posts.put_aside(transaction, post, answer.problem, now)
            else:
                posts.put_back(transaction, post, answer.problem)

    def waiting(self, now: datetime) -> int:
        """How many wait; none do where no webhook is set."""
        with self._database.session() as session:
            waiting = posts.undelivered(session, self._table).count
        if waiting and self._webhook is None:
            with self._database.transaction() as transaction:
                posts.leave(transaction, self._table, now)
            return 0
        return waiting

    def _body(self, post: Post) -> str:
        said = {
            "type": post.kind,
            "timestamp": posts.in_json(post.raised_at),
            "data": self._data(post),
        }
        return json.dumps(said)
