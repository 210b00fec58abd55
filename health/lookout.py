"""Keeps an eye on the neighbours of a process, and says once when one goes or comes back.

Each neighbour is asked one question at a time, in a thread of its own: one that hangs holds one
thread, however many people ask how it is.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import TypeVar

from clock import real_now

T = TypeVar("T")
ANSWER_WITHIN_SECONDS = 2.0
HUNG_AFTER_SECONDS = 5.0
LOOK_EVERY_SECONDS = 5.0

log = logging.getLogger("promisekeeper.neighbours")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a neighbour is, in a word or two; `remedy` names a line of `docs/failures.md`."""

    word: str = "answers"
    well: bool = True
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What was last seen of a neighbour, and since when it has been so."""

    answer: Answer
    since: datetime


Question = Callable[[], Answer]
"""Asks one neighbour. Whatever it raises means that the neighbour does not answer."""


def silent(neighbour: str) -> Answer:
    """The neighbour does not answer, or not in time."""
    remedy = f"{neighbour.lower().replace(' ', '-')}-silent"
    return Answer(word="does not answer", well=False, remedy=remedy)


def ask(question: Callable[[], T]) -> "Future[T]":
    """Ask in a thread that keeps no process from ending, however long the answer takes."""
    answer: Future[T] = Future()
    answer.set_running_or_notify_cancel()

    def work() -> None:
        try:
            answer.set_result(question())
        except Exception as fault:  # noqa: BLE001 - it is whoever waits that wants it
            answer.set_exception(fault)

    threading.Thread(target=work, name="question", daemon=True).start()
    return answer


class Lookout:
    """Watches neighbours. Any thread may look.

    `meanwhile` says what becomes of this process's work while one is away; it ends the line that
    is logged then.
    """

    def __init__(self, questions: Mapping[str, Question], *, meanwhile: str = "") -> None:
        self._questions = questions
        self._meanwhile = meanwhile
        self._asked: dict[str, tuple[Future[Answer], float]] = {}
        self._seen: dict[str, Sighting] = {}
        self._lock = threading.Lock()

    def look(self) -> Mapping[str, Sighting]:
        """Ask all of them side by side. Who has not answered after two seconds is silent."""
        with self._lock:
            asked = {name: self._ask_or_join(name) for name in self._questions}
        wait(asked.values(), timeout=ANSWER_WITHIN_SECONDS)
        with self._lock:
            for name, answer in asked.items():
                self._note(name, _answer(name, answer))
            return dict(self._seen)

    def is_hung(self, name: str) -> bool:
        """Whether a neighbour has been asked so long ago that nobody else should wait for it."""
        answer, at = self._asked.get(name, (None, 0.0))
        return answer is not None and not answer.done() and monotonic() - at > HUNG_AFTER_SECONDS

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look every few seconds, for the sake of the log; those that start with us have one."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(LOOK_EVERY_SECONDS):
                self.look()

        thread = threading.Thread(target=watch, name="lookout", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(2 * ANSWER_WITHIN_SECONDS)

    def _ask_or_join(self, name: str) -> "Future[Answer]":
        answer, _at = self._asked.get(name, (None, 0.0))
        if answer is None or answer.done():
            answer = ask(self._questions[name])
            self._asked[name] = (answer, monotonic())
        return answer

    def _note(self, name: str, answer: Answer) -> None:
        last = self._seen.get(name)
        if last is not None and last.answer == answer:
            return
        now = real_now()
        was_well = last is None or last.answer.well
        if was_well and not answer.well:
            remedy = f"See {answer.remedy} in docs/failures.md."
            log.warning("The %s %s. %s %s", name, answer.word, self._meanwhile, remedy)
        elif last is not None and answer.well and not was_well:
            away = timedelta(seconds=round((now - last.since).total_seconds()))
            log.warning("The %s %s again, after %s.", name, answer.word, away)
        since = last.since if last is not None and last.answer.well == answer.well else now
        self._seen[name] = Sighting(answer=answer, since=since)


def _answer(name: str, answer: "Future[Answer]") -> Answer:
    if not answer.done() or answer.exception() is not None:
        return silent(name)
    return answer.result()
