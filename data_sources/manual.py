"""People as a data source: what no machine reaches is a task with a role, a day and evidence."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol, TypeVar

from data_sources.data_map import ManualDescription
from data_sources.source import Call, SourceWrong
from domain.requests.personal_data import (
    Correction,
    Exported,
    Located,
    Person,
    Receipt,
    Verb,
    Waits,
)

Result = Located | Exported | Receipt
R = TypeVar("R", Located, Exported, Receipt)


@dataclass(frozen=True, kw_only=True)
class Task:
    """What somebody with a role is to do until a day. `id` is opaque, and the same each time."""

    id: str
    source: str
    verb: Verb
    assigned_role: str
    due_at: datetime
    instructions: str
    person: Person = field(repr=False)
    corrections: tuple[Correction, ...] = field(default=(), repr=False)
    restricted: bool = True


class Tasks(Protocol):
    """Whoever keeps tasks, with the evidence that somebody handed in for each."""

    def give(self, task: Task) -> Result | None:
        """Take a task, once for each id: the first one stands. What came of it, None meanwhile.

        What came of it are the values that a machine would have answered, as the person who did it
        entered them; the evidence stays with the task.
        """


class ManualSource:
    """Asked again, it says what somebody did; until then it waits."""

    def __init__(self, about: ManualDescription, tasks: Tasks) -> None:
        self.about = about
        self._tasks = tasks

    def locate(self, person: Person, call: Call) -> Located | Waits:
        """Have somebody look."""
        return self._ask(self._task(Verb.LOCATE, person, call), Located)

    def export(self, person: Person, call: Call) -> Exported | Waits:
        """Have somebody copy."""
        return self._ask(self._task(Verb.EXPORT, person, call), Exported)

    def correct(
        self, person: Person, corrections: Sequence[Correction], call: Call
    ) -> Receipt | Waits:
        """Have somebody correct."""
        task = self._task(Verb.CORRECT, person, call, corrections=tuple(corrections))
        return self._ask(task, Receipt)

    def restrict(self, person: Person, call: Call, *, restricted: bool = True) -> Receipt | Waits:
        """Have somebody put a restriction on, or lift it."""
        return self._ask(self._task(Verb.RESTRICT, person, call, restricted=restricted), Receipt)

    def erase(self, person: Person, call: Call) -> Receipt | Waits:
        """Have somebody destroy it."""
        return self._ask(self._task(Verb.ERASE, person, call), Receipt)

    def suppress(self, person: Person, call: Call) -> Receipt | Waits:
        """Have somebody stop marketing."""
        return self._ask(self._task(Verb.SUPPRESS, person, call), Receipt)

    def _task(
        self,
        verb: Verb,
        person: Person,
        call: Call,
        *,
        corrections: tuple[Correction, ...] = (),
        restricted: bool = True,
    ) -> Task:
        return Task(
            id=sha256(f"{call.id}/{self.about.name}/{verb}".encode()).hexdigest()[:32],
            source=self.about.name,
            verb=verb,
            assigned_role=self.about.assigned_role,
            due_at=call.now + timedelta(days=self.about.days),
            instructions=self.about.instructions[verb],
            person=person,
            corrections=corrections,
            restricted=restricted,
        )

    def _ask(self, task: Task, kind: type[R]) -> R | Waits:
        result = self._tasks.give(task)
        if result is None:
            return Waits(source=task.source, verb=task.verb, task_id=task.id)
        if not isinstance(result, kind) or not self._fits(task, result):
            raise SourceWrong(
                f"What was handed in for the task {task.id} of {task.source} does not fit what was "
                "asked, or the data map. Nothing of it was used."
            )
        return result

    def _fits(self, task: Task, result: Result) -> bool:
        known = {(one.category, one.field) for one in self.about.described()}
        categories = self.about.categories.keys()
        match result:
            case Located():
                answered = [one.category for one in result.held] == list(categories)
            case Exported():
                answered = all((one.category, one.field) in known for one in result.records)
            case Receipt():
                every = [one.category for one in result.done] == list(categories)
                answered = result.verb is task.verb and every
        return answered and result.source == task.source
