"""Closing and purging what was answered long ago; part of the watchdog's round (P33)."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from data_sources.pseudonyms import address_pseudonym
from database.engine import Database
from database.people.address_changes import forget_replaced
from database.requests.retention import close_answered, purge_closed
from database.storage import Storage
from domain.request_retention import RequestPeriods


class Retention:
    """Ends the life of requests. `pseudonym_key`: as of the data sources."""

    def __init__(
        self, *, database: Database, storage: Storage, periods: RequestPeriods, pseudonym_key: bytes
    ) -> None:
        self._storage = storage
        self._database = database
        self._periods = periods
        self._key = pseudonym_key

    def keep_to_it(self, now: datetime) -> None:
        """Close and purge every request whose time has come, a hundred in a transaction; and forget
        the addresses that accounts had before."""
        closed_by = now - self._periods.until_closed
        purged_by = now - self._periods.until_purged
        self._in_chunks(
            lambda transaction: close_answered(transaction, closed_by, self._storage, now)
        )
        self._in_chunks(
            lambda transaction: purge_closed(transaction, purged_by, self._pseudonym, now)
        )
        self._in_chunks(lambda transaction: forget_replaced(transaction, now))

    def _pseudonym(self, address: str) -> str:
        return address_pseudonym(address, self._key)

    def _in_chunks(self, step: Callable[[Session], int]) -> None:
        done = 1
        while done:
            with self._database.transaction() as transaction:
                done = step(transaction)
