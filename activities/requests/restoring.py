"""After a backup was restored: whoever was erased since it was taken is erased again (P13)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from data_sources.pseudonyms import id_pseudonym
from data_sources.source import Call, DataSource
from data_sources.sql import SqlSource
from data_sources.tombstones import who_came_back
from database.engine import Database
from database.facts import record
from database.people.accounts import accounts_by_external_ids
from database.requests.standing_holds import sources_on_hold
from database.requests.tombstones import Mark
from database.tables import Account
from domain.people.account_holders import Status
from domain.requests.legal_holds import keeps
from domain.requests.personal_data import OWN_SOURCE, DataRole, Person, Receipt


@dataclass(frozen=True, kw_only=True)
class Again:
    """What became of one erasure in one source that was restored.

    `receipt` is None where a legal hold stands: nothing was touched.
    """

    source: str
    erasure_id: UUID
    receipt: Receipt | None


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What was restored, and whom it cannot know to be erased: `erased` are those who were since it
    was taken."""

    sources: Sequence[DataSource]
    erased: Sequence[Mark]

    def erased_in(self, source: DataSource) -> Mapping[str, UUID]:
        """By pseudonym, who was erased in a source: there alone because its controller told us, or
        in everything that is ours because the person asked (P24)."""
        about = source.about
        everywhere = [""] if about.role is DataRole.CONTROLLER else []
        return {
            mark.known_as: mark.erasure_id
            for mark in self.erased
            if mark.source in {about.name, *everywhere}
        }


def cannot_be_searched(backup: Backup) -> tuple[str, ...]:
    """Sources in which somebody was erased, or can have been, that only look for whom we can name,
    which nobody can any more."""
    return tuple(
        one.about.name
        for one in backup.sources
        if not isinstance(one, SqlSource)
        and (one.about.role is DataRole.CONTROLLER or backup.erased_in(one))
    )


def erase_again(
    database: Database, backup: Backup, key: bytes, now: datetime, *, dry_run: bool = False
) -> Iterator[Again]:
    """Erase whoever came back, source by source, as each is found; `dry_run` only says what would
    be erased. `key` makes the pseudonyms. Raises SourceUnavailable, SourceWrong: asking again is
    safe."""
    for source in backup.sources:
        if not isinstance(source, SqlSource):
            continue
        for erasure_id, person in who_came_back(source, backup.erased_in(source), key).items():
            call = Call(id=f"{erasure_id}/again", now=now)
            yield _again(database, source, person, call, erasure_id, key, dry_run=dry_run)


def _again(
    database: Database,
    source: SqlSource,
    person: Person,
    call: Call,
    erasure_id: UUID,
    key: bytes,
    *,
    dry_run: bool,
) -> Again:
    name = source.about.name
    with database.session() as session:
        held = keeps(name, _on_hold(session, person, key))
    if held:
        return Again(source=name, erasure_id=erasure_id, receipt=None)
    if dry_run:
        receipt = source.would_erase(person, call)
        return Again(source=name, erasure_id=erasure_id, receipt=receipt)
    if name == OWN_SOURCE:
        _close(database, person, key, call.now)
    receipt = source.erase(person, call)
    with database.transaction() as transaction:
        rows = sum(one.rows for one in receipt.done)
        record(transaction, "erasure.repeated", erasure_id, call.now, source=name, rows=rows)
    return Again(source=name, erasure_id=erasure_id, receipt=receipt)


def _close(database: Database, person: Person, key: bytes, now: datetime) -> None:
    """An open account would be written to."""
    with database.transaction() as transaction:
        for account in _accounts(transaction, person, key):
            if account.status != Status.CLOSED:
                account.status, account.closed_at = Status.CLOSED, now
                transaction.add(account)


def _on_hold(session: Session, person: Person, key: bytes) -> frozenset[str]:
    """The sources that holds stand on of the accounts that the person has, or had."""
    return sources_on_hold(session, replace(person, external_ids=_ids(person, key)))


def _accounts(session: Session, person: Person, key: bytes) -> Sequence[Account]:
    return list(accounts_by_external_ids(session, _ids(person, key)).values())


def _ids(person: Person, key: bytes) -> tuple[str, ...]:
    """As the company knows them, and as our own database does since they were erased."""
    return (*person.external_ids, *(id_pseudonym(one, key) for one in person.external_ids))
