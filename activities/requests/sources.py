"""Asking the data sources what a request is about: each answer is settled by itself (P10-P17)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TypeAlias

from sqlmodel import Session
from temporalio import activity

from activities.mail.courier import Courier
from activities.moments import moments_since
from activities.requests import correcting, erasing, restricting
from activities.requests.asking import NOT_IN_THE_MAP, Asking
from activities.requests.requests import RequestInput
from data_sources.opening import OWN_MAP, Means, open_every_source
from data_sources.source import Call, DataSource, SourceWrong
from data_sources.sql import SqlSource
from database.engine import Database
from database.people.staff import in_charge
from database.requests import asked_tasks, packages, source_tasks
from database.requests.requests import queue_for_staff
from database.requests.same_person import person_asked_about
from database.storage import Storage
from database.tables import DataSubjectRequest, SourceTask
from database.webhooks.alarms import AlarmKind, sound
from database.writing import held
from domain.company import Company
from domain.requests.personal_data import (
    OWN_SOURCE,
    Exported,
    Located,
    Person,
    Receipt,
    Verb,
    Waits,
)
from domain.requests.source_tasks import (
    BESIDE,
    done_receipt,
    exported_receipt,
    located_receipt,
)

ENOUGH = timedelta(minutes=2)
"""After so long no further source is asked in one go, so that several slow ones do not add up."""
Answer: TypeAlias = Located | Exported | Receipt | Waits
NOT_ALL = (
    "The data source {source} has not done all of it: {failed}. See to the rest there, and have it "
    "asked again; or say that it cannot be had."
)


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
        urls=urls,
    )
    return open_every_source(data_map, means)


class SourceActivities(Asking[SourceTask]):
    """Asks the data sources; built once, in worker.py."""

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
        super().__init__(
            database=database,
            sources=sources,
            storage=storage,
            company=company,
            courier=courier,
            pseudonym_key=pseudonym_key,
        )
        self._roles = {source.about.name: source.about.role for source in sources}

    @activity.defn
    def ask_sources(self, what: RequestInput) -> None:
        """Ask each source that waits for it and is due, the next ones at the next call, and remind
        those who do by hand what is due. After slow ones the rest comes at the next call too, that
        what is done is never begun again.

        No source is asked within a transaction of ours, and none that fails holds up another.
        Asked twice, because a worker died in between, a source does nothing twice.
        """
        what = replace(what, now=moments_since(what.now).began_at)
        with self._database.transaction() as transaction:
            request = held(transaction, DataSubjectRequest, what.request_id)
            source_tasks.plan(transaction, request, self._roles, what.now)
            erasing.go_on(transaction, request, self._sources, what.now)
            asked = [
                (task, person_asked_about(transaction, request, Verb(task.verb)))
                for task in source_tasks.due(transaction, request.id, what.now)
            ]
            by_hand = source_tasks.to_remind(transaction, request.id, what.now)
        enough_at = monotonic() + ENOUGH.total_seconds()
        for task, person in asked:
            self._ask(task, person, what)
            if monotonic() >= enough_at:
                break
        self._remind(by_hand, what.now)
        erasing.settle(self._database, self._sources, what.request_id, what.now)
        correcting.settle(self._database, self._sources, what.request_id, what.now)
        restricting.settle(self._database, self._sources, what.request_id, what.now)
        self._courier.tell(what.now)

    def _ask(self, task: SourceTask, person: Person, what: RequestInput) -> None:
        source = self._sources.get(task.source)
        if source is None:
            self._needs_person(task, NOT_IN_THE_MAP, what.now)
            return
        if task.verb == Verb.ERASE:
            with erasing.claimed(
                self._database, task, person, self._pseudonym_key, what.now
            ) as may_erase:
                if may_erase:
                    self._have_answered(source, task, person, what)
        else:
            self._have_answered(source, task, person, what)

    def _have_answered(
        self, source: DataSource, task: SourceTask, person: Person, what: RequestInput
    ) -> None:
        call = Call(id=task.call_id, now=what.now)

        def ask() -> tuple[Answer, Mapping[str, object]]:
            answer = self._answer(source, task, person, call)
            preview = erasing.preview(self._database, source, task, person, call)
            return answer, {**preview, **self._beside(source, task, person)}

        answered = self._answered(task, ask, what.now)
        if answered is not None:
            self._settle(source, task, what, *answered)

    def _answer(self, source: DataSource, task: SourceTask, person: Person, call: Call) -> Answer:
        match Verb(task.verb):
            case Verb.LOCATE:
                return source.locate(person, call)
            case Verb.EXPORT:
                return source.export(person, call)
            case Verb.RESTRICT:
                restricted = restricting.is_to_be_restricted(self._database, task)
                return source.restrict(person, call, restricted=restricted)
            case Verb.ERASE:
                return _whole(erasing.erase(source, person, call))
            case Verb.SUPPRESS:
                return _whole(source.suppress(person, call))
            case Verb.CORRECT:
                wrong = correcting.to_be_corrected(self._database, task)
                return _whole(source.correct(person, wrong, call))

    def _beside(self, source: DataSource, task: SourceTask, person: Person) -> Mapping[str, object]:
        """Beside what our own database holds: whether that is more than the very request for which
        it is asked (P19)."""
        if task.verb != Verb.LOCATE or source.about.name != OWN_SOURCE:
            return {}
        if not isinstance(source, SqlSource):
            return {}
        with self._database.session() as session:
            reference = session.get_one(DataSubjectRequest, task.request_id).reference
        table = str(DataSubjectRequest.__tablename__)
        return {BESIDE: source.holds_beside(person, table, "reference", reference)}

    def _settle(
        self,
        source: DataSource,
        task: SourceTask,
        what: RequestInput,
        answer: Answer,
        more: Mapping[str, object],
    ) -> None:
        file = self._kept(source, answer) if isinstance(answer, Exported) else None
        gone: Sequence[str | None] = ()
        with self._database.transaction() as transaction:
            match answer:
                case Waits():
                    settled = self._give_to_staff(transaction, source, task, what.now)
                case Located():
                    about = source.about
                    receipt = located_receipt(
                        answer, title=about.title, controller=about.controller
                    )
                    receipt |= more
                    settled = asked_tasks.settle(transaction, task, receipt, what.now)
                    request = transaction.get_one(DataSubjectRequest, task.request_id)
                    source_tasks.identify_by_source(transaction, request, what.now)
                case Exported():
                    names = tuple(source.about.categories)
                    receipt = exported_receipt(names, answer.records, answer.doubtful)
                    settled = asked_tasks.settle(transaction, task, receipt, what.now, file=file)
                case Receipt() if answer.verb is Verb.RESTRICT and answer.failed:
                    settled = self._give_to_staff(transaction, source, task, what.now)
                case Receipt():
                    receipt = erasing.with_what_went_before(transaction, task, done_receipt(answer))
                    settled = asked_tasks.settle(transaction, task, receipt, what.now)
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

    def _tell(self, transaction: Session, task: SourceTask, step: str, now: datetime) -> None:
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
            now=now,
        )

    def _must_wait(self, transaction: Session, task: SourceTask) -> bool:
        request = transaction.get_one(DataSubjectRequest, task.request_id)
        return source_tasks.why_not_by_hand(transaction, request, task) is not None

    def _needed_by(self, transaction: Session, task: SourceTask) -> datetime | None:
        request = transaction.get_one(DataSubjectRequest, task.request_id)
        return request.due_at if request.answered_at is None else None

    def _sound(
        self, transaction: Session, kind: AlarmKind, task: SourceTask, now: datetime
    ) -> None:
        request = transaction.get_one(DataSubjectRequest, task.request_id)
        sound(
            transaction,
            kind,
            f"{task.id}/{task.attempts}",
            now,
            page=f"/staff/requests/{request.reference}",
            reference=request.reference,
            source=task.source,
            verb=task.verb,
        )


def _whole(answer: Receipt | Waits) -> Receipt | Waits:
    """The receipt of a source that did all that it was asked. Raises SourceWrong."""
    if isinstance(answer, Receipt) and answer.failed:
        told = ", ".join(f"{one.category} ({one.reason})" for one in answer.failed)
        raise SourceWrong(NOT_ALL.format(source=answer.source, failed=told))
    return answer
