"""Closing and purging what was answered, or ended, long ago; part of the watchdog's round (P33)."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from data_sources.pseudonyms import address_pseudonym
from database.engine import Database
from database.mail.forgetting import EVENTS_KEPT, attempts_to_forget, forget_events
from database.people.address_changes import forget_replaced
from database.requests.retention import close_answered, purge_closed, purge_instructions
from database.storage import Storage
from domain.requests.retention import RequestPeriods

EVENTS_AT_ONCE = 1000
FORGOTTEN_IN_A_ROUND = 100
"""So many requests to the mail service, each with up to a thousand copies; the next round goes
on."""


class Retention:
    """Ends the life of requests, and of what was said of mails. `pseudonym_key`: as of the data
    sources."""

    def __init__(
        self, *, database: Database, storage: Storage, periods: RequestPeriods, pseudonym_key: bytes
    ) -> None:
        self._storage = storage
        self._database = database
        self._periods = periods
        self._key = pseudonym_key

    def keep_to_it(self, now: datetime) -> None:
        """Close and purge every request, and purge every instruction, whose time has come, each a
        hundred in a transaction; forget the addresses that accounts had before, and delivery events
        of campaigns that ended long ago."""
        closed_by = now - self._periods.until_closed
        purged_by = now - self._periods.until_purged
        self._in_chunks(
            lambda transaction: close_answered(transaction, closed_by, self._storage, now)
        )
        self._in_chunks(
            lambda transaction: purge_closed(transaction, purged_by, self._pseudonym, now)
        )
        self._in_chunks(
            lambda transaction: purge_instructions(transaction, purged_by, self._pseudonym, now)
        )
        self._in_chunks(lambda transaction: forget_replaced(transaction, now))
        self._forget_events(now)

    def _forget_events(self, now: datetime) -> None:
        with self._database.session() as session:
            attempts = attempts_to_forget(session, now - EVENTS_KEPT, limit=FORGOTTEN_IN_A_ROUND)
        for attempt in attempts:
            gone = EVENTS_AT_ONCE
            while gone == EVENTS_AT_ONCE:
                with self._database.transaction() as transaction:
                    gone = forget_events(transaction, attempt, limit=EVENTS_AT_ONCE)

    def _pseudonym(self, address: str) -> str:
        return address_pseudonym(address, self._key)

    def _in_chunks(self, step: Callable[[Session], int]) -> None:
        done = 1
        while done:
            with self._database.transaction() as transaction:
                done = step(transaction)
