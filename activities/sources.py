"""Asking the data sources what a request is about: each answer is settled by itself (P10-P17)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session
from temporalio import activity

from activities.courier import Courier
from activities.interceptor import incident
from activities.requests import RequestInput
from data_sources.data_map import ManualDescription
from data_sources.manual import Result, Task
from data_sources.opening import OWN_MAP, Means, open_every_source
from data_sources.source import Call, CorrectionRefused, DataSource, SourceUnavailable, SourceWrong
from database import packages, source_tasks
from database.alarms import AlarmKind, sound
from database.engine import Database
from database.requests import queue_for_staff
from database.staff import in_charge
from database.storage import Storage
from database.tables import DataSubjectRequest, SourceTask
from database.writing import held
from domain.collected import Collected
from domain.company import Company
from domain.personal_data import OWN_SOURCE, Exported, Located, Person, Receipt, Verb, Waits
from domain.places import local_date
from domain.source_tasks import (
    BY_HAND,
    SILENT,
    WRONG,
    done_receipt,
    exported_receipt,
    located_receipt,
)

NOT_IN_THE_MAP = (
    "The data map has no source of this name any more. Put it back, or say that this cannot be had."
)


class HandedInByStaff:
    """The tasks of sources that no machine reaches: staff hand in on the case page what came of
    them, and there they are settled."""

    def give(self, _task: Task) -> Result | None:
        """Nothing has come of it yet; the row of the task knows that somebody is to do it."""
        return None


def opened_sources(
    data_map: Path | None,
    *,
    urls: Mapping[str, str],
    pseudonym_key: bytes,
    outside_clock: Callable[[], datetime],
) -> Sequence[DataSource]:
    """Everywhere that personal data lives: our own database, and what the data map names. None is
    asked anything yet. Raises DataMapRefused."""
    means = Means(
        folder=(data_map or OWN_MAP).parent,
        pseudonym_key=pseudonym_key,
        outside_clock=outside_clock,
        tasks=HandedInByStaff(),
        urls=urls,
    )
    return open_every_source(data_map, means)


class SourceActivities:
    """Asks the data sources; built once, in worker.py."""

    def __init__(
        self,
        *,
        database: Database,
        sources: Sequence[DataSource],
        storage: Storage,
        company: Company,
        courier: Courier,
    ) -> None:
        self._database = database
        self._sources = {source.about.name: source for source in sources}
        self._roles = {source.about.name: source.about.role for source in sources}
        self._storage = storage
        self._company = company
        self._courier = courier

    @activity.defn
    def ask_sources(self, what: RequestInput) -> None:
        """Ask each source that waits for it and is due, the next ones at the next call.

        No source is asked within a transaction of ours, and none that fails holds up another.
        Asked twice, because a worker died in between, a source does nothing twice.
        """
        with self._database.transaction() as transaction:
            request = held(transaction, DataSubjectRequest, what.request_id)
            source_tasks.plan(transaction, request, self._roles, what.now)
            asked = [
                (task, source_tasks.person_asked_about(transaction, request, Verb(task.verb)))
                for task in source_tasks.due(transaction, request.id, what.now)
            ]
        for task, person in asked:
            self._ask(task, person, what)
        self._courier.tell(what.now)

    def _ask(self, task: SourceTask, person: Person, what: RequestInput) -> None:
        source = self._sources.get(task.source)
        if source is None:
            self._needs_person(task, NOT_IN_THE_MAP, what)
            return
        try:
            answer = self._answer(source, task, person, Call(id=str(task.id), now=what.now))
        except SourceUnavailable as silence:
            self._put_off(task, str(silence), what)
        except (SourceWrong, CorrectionRefused) as wrong:
            self._needs_person(task, str(wrong), what)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the other sources are asked
            self._put_off(task, f"Asking it goes wrong: {incident(fault).message}.", what)
        else:
            self._settle(source, task, answer, what)

    def _answer(
        self, source: DataSource, task: SourceTask, person: Person, call: Call
    ) -> Located | Exported | Receipt | Waits:
        match Verb(task.verb):
            case Verb.LOCATE:
                return source.locate(person, call)
            case Verb.EXPORT:
                return source.export(person, call)
            case Verb.RESTRICT:
                return source.restrict(person, call)
            case Verb.ERASE:
                return source.erase(person, call)
            case Verb.SUPPRESS:
                return source.suppress(person, call)
            case Verb.CORRECT:
                raise NotImplementedError

    def _settle(
        self,
        source: DataSource,
        task: SourceTask,
        answer: Located | Exported | Receipt | Waits,
        what: RequestInput,
    ) -> None:
        file = self._kept(source, answer) if isinstance(answer, Exported) else None
        gone: Sequence[str | None] = ()
        with self._database.transaction() as transaction:
            match answer:
                case Waits():
                    settled = self._give_to_staff(transaction, source, task, what)
                case Located():
                    about = source.about
                    receipt = located_receipt(
                        answer, title=about.title, controller=about.controller
                    )
                    settled = source_tasks.settle(transaction, task, receipt, what.now)
                    request = transaction.get_one(DataSubjectRequest, task.request_id)
                    source_tasks.verify_by_source(transaction, request, what.now)
                case Exported():
                    names = tuple(source.about.categories)
                    receipt = exported_receipt(names, answer.records, answer.doubtful)
                    settled = source_tasks.settle(transaction, task, receipt, what.now, file=file)
                case Receipt():
                    receipt = done_receipt(answer)
                    settled = source_tasks.settle(transaction, task, receipt, what.now)
                    gone = self._erased_copies(transaction, task, answer, what)
        # Of two that asked at once the one that came later has a file which no row knows.
        self._storage.delete(*gone, None if settled else file)

    def _erased_copies(
        self, transaction: Session, task: SourceTask, receipt: Receipt, what: RequestInput
    ) -> Sequence[str | None]:
        """Who is erased with us has no copies left here from other requests."""
        request = transaction.get_one(DataSubjectRequest, task.request_id)
        if receipt.verb is not Verb.ERASE or task.source != OWN_SOURCE or not request.account_id:
            return ()
        tasks = packages.files_of_account(transaction, request.account_id, request.id)
        return [packages.forget_file(transaction, task_id, what.now) for task_id in tasks]

    def _kept(self, source: DataSource, exported: Exported) -> str:
        collected = Collected(
            source=exported.source,
            title=source.about.title,
            uses=source.about.categories,
            records=exported.records,
        )
        return self._storage.keep(collected.to_bytes())

    def _give_to_staff(
        self, transaction: Session, source: DataSource, task: SourceTask, what: RequestInput
    ) -> bool:
        days = source.about.days if isinstance(source.about, ManualDescription) else 0
        due_on = local_date(what.now + timedelta(days=days), self._company.zone)
        given = source_tasks.give_to_staff(transaction, task, due_on, what.now)
        if given:
            self._tell(transaction, task, BY_HAND, what)
        return given

    def _put_off(self, task: SourceTask, problem: str, what: RequestInput) -> None:
        with self._database.transaction() as transaction:
            if source_tasks.put_off(transaction, task, problem, what.now):
                self._tell(transaction, task, SILENT, what)
                self._sound(transaction, AlarmKind.SOURCE_SILENT, task, what)

    def _needs_person(self, task: SourceTask, problem: str, what: RequestInput) -> None:
        with self._database.transaction() as transaction:
            if source_tasks.needs_person(transaction, task, problem, what.now):
                self._tell(transaction, task, WRONG, what)
                self._sound(transaction, AlarmKind.SOURCE_WRONG, task, what)

    def _tell(self, transaction: Session, task: SourceTask, step: str, what: RequestInput) -> None:
        """Whoever works on the request hears of it, and else the team; once for each of these."""
        request = transaction.get_one(DataSubjectRequest, task.request_id)
        team = in_charge(transaction, "privacy")
        mine = [member for member in team if member.id == request.assignee_id]
        queue_for_staff(
            transaction,
            request,
            mine or team,
            step=f"{step}#{task.source}.{task.verb}.{task.round}.{task.attempts}",
            template="request_rung",
            now=what.now,
        )

    def _sound(
        self, transaction: Session, kind: AlarmKind, task: SourceTask, what: RequestInput
    ) -> None:
        request = transaction.get_one(DataSubjectRequest, task.request_id)
        sound(
            transaction,
            kind,
            f"{task.id}/{task.attempts}",
            what.now,
            page=f"/staff/requests/{request.reference}",
            reference=request.reference,
            source=task.source,
            verb=task.verb,
        )
