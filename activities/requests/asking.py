"""Asking one data source, whatever for: its answer is settled, or it is asked later, or a person
has to look."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from sqlmodel import Session

from activities.interceptor import incident
from activities.mail.courier import Courier
from activities.requests.turns import PRIVACY, does_by_hand
from data_sources.data_map import ManualDescription
from data_sources.source import CorrectionRefused, DataSource, SourceUnavailable, SourceWrong
from database.engine import Database
from database.requests import asked_tasks, manual_tasks
from database.requests.asked_tasks import AskedTask
from database.storage import Storage
from database.webhooks.alarms import AlarmKind
from domain.company import Company
from domain.places import local_date
from domain.requests.collected import Collected
from domain.requests.personal_data import Exported
from domain.requests.source_tasks import BY_HAND, BY_HAND_OVERDUE, SILENT, WRONG

Task = TypeVar("Task", bound=AskedTask)
Answer = TypeVar("Answer")
NOT_IN_THE_MAP = (
    "The data map has no source of this name any more. Put it back, or say that this cannot be had."
)


class Asking(ABC, Generic[Task]):
    """What asking for a request and asking because of an instruction have in common."""

    def __init__(
        self,
        *,
        database: Database,
        sources: Sequence[DataSource],
        storage: Storage,
        company: Company,
        courier: Courier,
        pseudonym_key: bytes,
    ) -> None:
        self._database = database
        self._sources = {source.about.name: source for source in sources}
        self._storage = storage
        self._company = company
        self._courier = courier
        self._pseudonym_key = pseudonym_key

    @abstractmethod
    def _tell(self, transaction: Session, task: Task, step: str, now: datetime) -> None:
        """Have staff hear of a step of what a source is asked."""

    @abstractmethod
    def _must_wait(self, transaction: Session, task: Task) -> bool:
        """Whether what is to be done by hand must not be done yet."""

    @abstractmethod
    def _needed_by(self, transaction: Session, task: Task) -> datetime | None:
        """Until when the answer has to be out for which it is asked; None where nothing says so."""

    @abstractmethod
    def _sound(self, transaction: Session, kind: AlarmKind, task: Task, now: datetime) -> None:
        """Sound the alarm about a source that is silent, or wrong."""

    def _answered(self, task: Task, ask: Callable[[], Answer], now: datetime) -> Answer | None:
        """What a source answers; None where it did not, and that is noted."""
        try:
            return ask()
        except SourceUnavailable as silence:
            self._put_off(task, str(silence), now)
        except (SourceWrong, CorrectionRefused) as wrong:
            self._needs_person(task, str(wrong), now)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the other sources are asked
            self._put_off(task, f"Asking it goes wrong: {incident(fault).message}.", now)
        return None

    def _put_off(self, task: Task, problem: str, now: datetime) -> None:
        with self._database.transaction() as transaction:
            if asked_tasks.put_off(transaction, task, problem, now):
                self._tell(transaction, task, SILENT, now)
                self._sound(transaction, AlarmKind.SOURCE_SILENT, task, now)

    def _needs_person(self, task: Task, problem: str, now: datetime) -> None:
        with self._database.transaction() as transaction:
            if asked_tasks.needs_person(transaction, task, problem, now):
                self._tell(transaction, task, WRONG, now)
                self._sound(transaction, AlarmKind.SOURCE_WRONG, task, now)

    def _give_to_staff(
        self, transaction: Session, source: DataSource, task: Task, now: datetime
    ) -> bool:
        about = source.about
        manual = about if isinstance(about, ManualDescription) else None
        days, role = (manual.days, manual.assigned_role) if manual else (0, PRIVACY)
        due_at, needed_by = now + timedelta(days=days), self._needed_by(transaction, task)
        if needed_by is not None:
            due_at = max(min(due_at, needed_by - timedelta.resolution), now)
        due_on = local_date(due_at, self._company.zone)
        given = asked_tasks.give_to_staff(
            transaction, task, due_on, role=role, office=self._company.office, now=now
        )
        if given:
            self._tell_by_hand(transaction, task, BY_HAND, now)
        return given

    def _tell_by_hand(self, transaction: Session, task: Task, step: str, now: datetime) -> None:
        """Have those hear of it who may do by hand what no machine can."""
        row = asked_tasks.hold_task(transaction, task)
        members = does_by_hand(transaction, row, self._company.today(now))
        manual_tasks.tell(transaction, row, members, step, now)

    def _remind(self, tasks: Sequence[Task], now: datetime) -> None:
        """Whoever does something by hand hears of it on the day on which it is due; each working
        day after, whoever is in charge does too."""
        for task in tasks:
            with self._database.transaction() as transaction:
                step = asked_tasks.remind(transaction, task, self._company.office, now)
                if step is None or self._must_wait(transaction, task):
                    continue
                self._tell_by_hand(transaction, task, step, now)
                if step == BY_HAND_OVERDUE:
                    self._tell(transaction, task, step, now)

    def _kept(self, source: DataSource, exported: Exported) -> str:
        """The name of the encrypted file with the values that a source gave."""
        about = source.about
        collected = Collected(
            source=about.name, title=about.title, uses=about.categories, records=exported.records
        )
        return self._storage.keep(collected.to_bytes())
