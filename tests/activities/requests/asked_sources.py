"""The invented company's sources, asked for requests of a scene; some of them misbehave."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from temporalio.testing import ActivityEnvironment

from activities.mail.courier import Courier
from activities.requests.requests import RequestInput
from activities.requests.sources import SourceActivities, opened_sources
from data_sources.data_map import Description
from data_sources.source import DataSource, SourceUnavailable
from database.engine import Database
from database.people.accounts import AccountRow
from database.requests import identity, requests, source_tasks
from database.requests.at_once import take_effect
from database.storage import Storage
from database.tables import DataSubjectRequest, SourceTask
from domain.requests.data_subject_requests import Kind
from domain.requests.deadlines import deadline, earliest
from domain.requests.personal_data import OWN_SOURCE
from embedded.sample_company import IN_ONE_DATABASE
from embedded.sample_company import database as sample
from settings import DEVELOPMENT_DATA_KEY, SAMPLE_DATA_MAP, Settings
from tests import databases
from tests.people import import_accounts
from tests.scene import NOW, Scene

ALICE = AccountRow(external_id="a-alice", email="alice@people.example", name="Alice Abel")
BOB = AccountRow(external_id="a-bob", email="bob@people.example", name="Bob Brandt")
COMPANY = Settings(_env_file=None).company


class Watched:
    """A source that tells what it was asked, and may be silent."""

    def __init__(self, source: DataSource, *, silent: bool = False) -> None:
        self._source, self._silent = source, silent
        self.about: Description = source.about
        self.asked: list[str] = []

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        def asked(*given: object) -> object:
            self.asked.append(verb)
            if self._silent:
                raise SourceUnavailable("support did not answer.")
            return getattr(self._source, verb)(*given)

        return asked


@dataclass(kw_only=True)
class AskedSources:
    """Requests of account holders, and the sources that they are about."""

    scene: Scene
    sources: Mapping[str, DataSource]
    storage: Storage
    courier: Courier
    instead: dict[str, DataSource] = field(default_factory=dict)

    def activities(self) -> SourceActivities:
        """What asks; sources in `instead` stand in for those of their name."""
        return SourceActivities(
            database=self.scene.database,
            sources=[*{**self.sources, **self.instead}.values()],
            storage=self.storage,
            company=COMPANY,
            courier=self.courier,
            pseudonym_key=Settings(_env_file=None).suppression_key_bytes,
        )

    def ask(self, request_id: UUID, now: datetime = NOW) -> None:
        """One turn of the workflow."""
        what = RequestInput(request_id=request_id, now=now)
        ActivityEnvironment().run(self.activities().ask_sources, what)

    def verified(self, who: AccountRow, *kinds: str) -> DataSubjectRequest:
        """A request of somebody who showed who they are."""
        request = self.scene.request(who.email, name=who.name or "", kinds=kinds)
        with self.scene.database.transaction() as transaction:
            row = transaction.get_one(DataSubjectRequest, request.id)
            requests.acknowledge(transaction, row, NOW)
            identity.verify_identity(transaction, row, how=identity.BY_LINK, now=NOW)
            return row

    def wants_no_marketing(self, who: AccountRow) -> DataSubjectRequest:
        """A request that the machine grants when it is taken in."""
        kind = Kind.MARKETING_OPT_OUT
        request = self.scene.request(who.email, name=who.name or "", kinds=(kind,))
        with self.scene.database.transaction() as transaction:
            row = transaction.get_one(DataSubjectRequest, request.id)
            received = requests.Received(
                channel="web",
                deadline=earliest(
                    [
                        deadline(
                            received_at=NOW, time_zone=None, country=None, company_time_zone="UTC"
                        )
                    ]
                ),
                policy_version_id=None,
                languages=("en",),
            )
            take_effect(transaction, row, received, (kind,), b"s" * 32, NOW)
            return row

    def tasks(self, request_id: UUID) -> Mapping[str, SourceTask]:
        """The last round of what each source is asked, by its name."""
        with self.scene.database.session() as session:
            found = source_tasks.last_rounds(source_tasks.tasks_of(session, request_id))
            return {task.source: task for task in found}

    def states(self, request_id: UUID) -> Mapping[str, str]:
        """How each stands."""
        return {name: task.state for name, task in self.tasks(request_id).items()}

    def do(self, act: Callable[..., Any], request_id: UUID, *given: object, **more: object) -> None:
        """One act of staff about a request."""
        with self.scene.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, request_id)
            act(transaction, request, *given, **more)


@contextmanager
def asked_sources(
    scene: Scene, courier: Courier, kind: str, directory: Path
) -> Iterator[AskedSources]:
    """The company with Alice and Bob, who have accounts here and data in its sources."""
    with company_sources(scene.database, kind, directory) as sources:
        import_accounts(scene.database, [ALICE, BOB], by=scene.staff["omar"], now=NOW)
        yield AskedSources(
            scene=scene,
            sources={source.about.name: source for source in sources},
            storage=Storage(directory / "storage", [DEVELOPMENT_DATA_KEY]),
            courier=courier,
        )


@contextmanager
def company_sources(own: Database, kind: str, directory: Path) -> Iterator[Sequence[DataSource]]:
    """Our own database as a source, and those of the invented company, made for this test."""
    other = directory / "fernhill"
    other.mkdir()
    with databases.empty_database(kind, other) as fernhill:
        url = fernhill.engine.url.render_as_string(hide_password=False)
        assert sample.make(url, others=3)
        own_url = own.engine.url.render_as_string(hide_password=False)
        urls = {OWN_SOURCE: own_url, **dict.fromkeys(IN_ONE_DATABASE, url)}
        yield opened_sources(
            SAMPLE_DATA_MAP, urls=urls, pseudonym_key=b"k" * 32, outside_clock=lambda: NOW
        )
