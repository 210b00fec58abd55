"""Opens what commands work with, once, and turns what goes wrong into words and exit codes."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import UUID

import typer
from anyio.from_thread import BlockingPortal, start_blocking_portal
from sqlalchemy.exc import SQLAlchemyError

from cli.printing import stop
from clock import Clock, ClockIsReal
from database.approvals import approvals
from database.engine import Database
from database.facts import record
from database.imports import account_imports
from database.migrate import MigrationBroken, SchemaDiffers, require_current
from database.people import absences, accounts, api_keys, staff
from database.policies import policies
from database.requests import holds, requests
from database.silence import is_silence, reason, remedy
from database.tables import Staff
from database.versions import DatabaseTooOld
from domain.places import in_utc
from settings import Settings, SettingsRefused, load_settings

if TYPE_CHECKING:
    from temporalio.client import Client

    from workflows.desk import Desk

THE_ANSWER_IS_NO = 1
BAD_USAGE = 2
NOT_REACHABLE = 3
REFUSALS = (
    absences.AbsenceRefused,
    accounts.AccountUnknown,
    account_imports.ImportRefused,
    api_keys.KeyRefused,
    approvals.NotGovernedYet,
    holds.HoldRefused,
    policies.PolicyUnknown,
    policies.SubmissionRefused,
    requests.RequestUnknown,
    staff.StaffRefused,
    ClockIsReal,
    MigrationBroken,
)


@dataclass(frozen=True, kw_only=True)
class Office:
    """What a command works with."""

    settings: Settings
    database: Database
    clock: Clock

    def member(self, given: str) -> Staff:
        """Who acts: by handle in development, by personal token anywhere. Raises StaffRefused."""
        with self.database.session() as session:
            if given.startswith(staff.TOKEN_PREFIX):
                return staff.by_token(session, given)
            if self.settings.development:
                return staff.by_handle(session, given)
        raise staff.StaffRefused(
            f"Outside development --as takes a personal token ({staff.TOKEN_PREFIX}...)."
        )

    def record_read(self, given: str, roles: Sequence[str], subjects: Iterable[UUID]) -> None:
        """Record that a member of staff reads personal data (P30), before they are shown.

        Raises StaffRefused when the member holds none of the roles.
        """
        member, now = self.member(given), self.clock.now()
        with self.database.transaction() as transaction:
            staff.require_role(transaction, member.id, *roles)
            for subject_id in subjects:
                record(transaction, "personal_data.read", subject_id, now, staff=member.id)

    @contextmanager
    def desk(self) -> "Iterator[Desk]":
        """The desk that takes in what staff decide. Ends the command in words when it refuses."""
        from database.storage import Storage
        from workflows.desk import Desk, NoticePeriods
        from workflows.messenger import (
            LEFT_TO_THE_WATCHDOG,
            Messenger,
            Refused,
            TemporalUnreachable,
        )

        left: set[str] = set()
        with connected(self.settings) as (portal, client):
            try:
                yield Desk(
                    database=self.database,
                    clock=self.clock,
                    company=self.settings.company,
                    suppression_key=self.settings.suppression_key_bytes,
                    periods=NoticePeriods(
                        notice_days=self.settings.notice_days,
                        sending_period=self.settings.sending_period,
                    ),
                    storage=Storage(self.settings.storage_folder, self.settings.data_keys),
                    data_map=self.settings.data_map_file,
                    messenger=Messenger(
                        portal=portal,
                        client=client,
                        clock=self.clock,
                        left_to_the_watchdog=lambda: left.add(LEFT_TO_THE_WATCHDOG),
                    ),
                )
            except Refused as refusal:
                raise stop(refusal, THE_ANSWER_IS_NO) from None
            except TemporalUnreachable as fault:
                raise stop(fault, NOT_REACHABLE) from None
        for words in left:
            typer.echo(words, err=True)

    def workflow_url(self, workflow_id: str) -> str:
        """Where ops see a workflow. Ends the command when Temporal's settings are wrong."""
        import temporal

        try:
            namespace = temporal.namespace()
        except temporal.TemporalSettingsRefused as refusal:
            raise stop(refusal, BAD_USAGE) from None
        name = quote(workflow_id, safe="")
        return f"{self.settings.temporal_ui}/namespaces/{namespace}/workflows/{name}"


@contextmanager
def connected(settings: Settings) -> "Iterator[tuple[BlockingPortal, Client]]":
    """A client that connects when first used, and the portal to call it through.

    Ends the command in words when Temporal does not answer.
    """
    from temporalio.service import RPCError

    import temporal

    with start_blocking_portal() as portal:
        try:
            yield (
                portal,
                portal.call(partial(temporal.connect, settings.temporal_address, lazy=True)),
            )
        except typer.Exit:  # a RuntimeError too, but it has spoken already
            raise
        except temporal.TemporalSettingsRefused as refusal:
            raise stop(refusal, BAD_USAGE) from None
        except (RPCError, RuntimeError, TimeoutError):
            raise stop(
                "Temporal does not answer. What was written down before is kept. "
                "Look with: promisekeeper doctor",
                NOT_REACHABLE,
            ) from None


@contextmanager
def opened() -> Iterator[Office]:
    """Settings, database and clock; a command that is refused ends in words (contract)."""
    with answering():
        settings = load_settings()
        database = Database(settings.database, told_events=settings.tells_events)
        try:
            require_current(database)
            yield Office(
                settings=settings,
                database=database,
                clock=Clock(database, development=settings.development),
            )
        finally:
            database.close()


@contextmanager
def at_the_desk(as_staff: str) -> "Iterator[tuple[Desk, UUID]]":
    """The desk, and the id of the member of staff who acts at it."""
    with opened() as office:
        member = office.member(as_staff)
        with office.desk() as desk:
            yield desk, member.id


@contextmanager
def answering() -> Iterator[None]:
    """Exit codes: 1 the answer is no, 2 bad usage, 3 a service is not reachable."""
    try:
        yield
    except REFUSALS as refusal:
        raise stop(refusal, THE_ANSWER_IS_NO) from None
    except SettingsRefused as fault:
        raise stop(fault, BAD_USAGE) from None
    except (SchemaDiffers, DatabaseTooOld) as fault:
        raise stop(fault, NOT_REACHABLE) from None
    except SQLAlchemyError as fault:
        if not is_silence(fault):
            raise
        raise stop(
            f"The database does not answer: {reason(fault)}. Nothing was changed. What mends it: "
            f"{remedy(load_settings().database)}. See: promisekeeper doctor",
            NOT_REACHABLE,
        ) from None


def instant(given: str | None, otherwise: datetime, *, option: str = "--at") -> datetime:
    """An instant as typed, in UTC. Ends the command when it is none."""
    if given is None:
        return otherwise
    try:
        return in_utc(datetime.fromisoformat(given))
    except ValueError as fault:
        message = f"{option} {given}: {fault}. Write it like 2026-03-01T00:00:00Z."
        raise stop(message, BAD_USAGE) from None


def day(option: str, given: str) -> date:
    """A day as typed. Ends the command when it is none."""
    try:
        return date.fromisoformat(given)
    except ValueError:
        message = f"{option} {given}: write the day like 2026-03-01. Nothing was stored."
        raise stop(message, BAD_USAGE) from None
