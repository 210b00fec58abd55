"""What each round of the watchdog does besides: it looks at mails in doubt, lifts restrictions,
doubts heirs of the living, deletes copies, closes and purges requests."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from activities.interceptor import incident
from activities.requests.retention import Retention
from clock import real_now
from database.engine import Database
from database.mail.doubts import reconsider
from database.requests import instructed_tasks, packages
from database.requests.attachments import known_attachments
from database.requests.estates import doubt_heirs_of_the_living
from database.requests.reached import note_late_answers
from database.requests.restrictions import lift_what_was_told
from database.storage import Storage
from database.webhooks import posts
from domain.company import Company

LIFTED_AT_ONCE = 100
LATE_ANSWERS_AT_ONCE = 100
HEIRS_AT_ONCE = 100
PURGED_AT_ONCE = 1000
PURGED_IN_A_ROUND = 100_000
"""The next round goes on."""
UNKNOWN_FOR = timedelta(days=1)
"""A file is written before its row knows it; a day later none will."""
GOES_WRONG = "seeing to them goes wrong: {}"


class Chores:
    """What nobody waits for, and what has to be done all the same."""

    def __init__(
        self,
        *,
        database: Database,
        company: Company,
        storage: Storage,
        retention: Retention,
        settle_after: timedelta,
    ) -> None:
        self._database = database
        self._company = company
        self._storage = storage
        self._retention = retention
        self._settle_after = settle_after

    def do(self, now: datetime) -> Mapping[str, str]:
        """All of them, each by itself; those that went wrong, and why."""
        chores: Mapping[str, Callable[[datetime], None]] = {
            "mails that were in doubt": self._reconsider,
            "restrictions whose holders were told": self._lift,
            "answers that went out late": self._note_late_answers,
            "heirs of those who live after all": self._doubt_heirs,
            "what was posted long ago": self._purge,
            "copies of people's data": self._delete_copies,
            "requests that were answered long ago": self._retention.keep_to_it,
        }
        undone = {}
        for name, chore in chores.items():
            try:
                chore(now)
            except Exception as fault:  # noqa: BLE001 - whatever it is, its words stay here
                undone[name] = GOES_WRONG.format(incident(fault).message)
        return undone

    def _reconsider(self, now: datetime) -> None:
        moved = 1
        while moved:
            with self._database.transaction() as transaction:
                moved = reconsider(transaction, settle_after=self._settle_after, now=now)

    def _lift(self, now: datetime) -> None:
        lifted = LIFTED_AT_ONCE
        while lifted == LIFTED_AT_ONCE:
            with self._database.transaction() as transaction:
                lifted = lift_what_was_told(transaction, now, limit=LIFTED_AT_ONCE)

    def _note_late_answers(self, now: datetime) -> None:
        with self._database.transaction() as transaction:
            note_late_answers(transaction, now, limit=LATE_ANSWERS_AT_ONCE)

    def _doubt_heirs(self, now: datetime) -> None:
        with self._database.transaction() as transaction:
            doubt_heirs_of_the_living(transaction, now, limit=HEIRS_AT_ONCE)

    def _purge(self, now: datetime) -> None:
        for table, period in posts.KEPT.items():
            gone, left = PURGED_AT_ONCE, PURGED_IN_A_ROUND
            while gone == PURGED_AT_ONCE and left > 0:
                with self._database.transaction() as transaction:
                    gone = posts.purge(transaction, table, now - period, limit=PURGED_AT_ONCE)
                left -= gone

    def _delete_copies(self, now: datetime) -> None:
        """Those whose time is over; and files that no row knows, as a worker died over them."""
        with self._database.session() as session:
            tasks = packages.files_to_delete(session, self._company.package_period, now)
            instructed = instructed_tasks.files_to_delete(
                session, self._company.package_period, now
            )
        for task_id in tasks:
            with self._database.transaction() as transaction:
                file = packages.forget_file(transaction, task_id, now)
            self._storage.delete(file)
        for task_id in instructed:
            with self._database.transaction() as transaction:
                file = instructed_tasks.forget_file(transaction, task_id)
            self._storage.delete(file)
        old = self._storage.older_than(UNKNOWN_FOR, real_now())
        with self._database.session() as session:
            known = (
                packages.known_files(session, old)
                | known_attachments(session, old)
                | instructed_tasks.known_files(session)
            )
        self._storage.delete(*set(old).difference(known))
