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
LOOK_EVERY_SECONDS = 5.0
SILENT_AFTER_SECONDS = LOOK_EVERY_SECONDS + ANSWER_WITHIN_SECONDS
"""Counted from the first question without an answer: longer than one look and the pause after it,
as a machine that is merely busy answers late, and is not gone."""

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
"""Asks one neighbour. Whatever it raises means that the neighbour does not answer; TimeoutError,
that it has not yet."""


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A question; `since` when a neighbour that has not answered lately was first asked.

    `number` counts the questions to one neighbour: answers are heard by threads in any order.
    """

    question: "Future[Answer]"
    since: float
    number: int

    def answer(self) -> Answer | None:
        """What the neighbour said; None when it has not."""
        heard = self.question.done() and self.question.exception() is None
        return self.question.result() if heard else None

    def is_refused(self) -> bool:
        """Whether asking again would not be slow, but in vain."""
        fault = self.question.exception() if self.question.done() else None
        return fault is not None and not isinstance(fault, TimeoutError)

    def is_silent(self) -> bool:
        """Whether the first question without an answer is too long ago."""
        return self.answer() is None and monotonic() - self.since > SILENT_AFTER_SECONDS


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
        self._asked: dict[str, _Asked] = {}
        self._heard: dict[str, int] = {}
        self._seen: dict[str, Sighting] = {}
        self._gone_at: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def look(self) -> Mapping[str, Sighting]:
        """Ask all of them side by side, two seconds at most.

        Who refuses is silent at once. Who has not answered yet stays as last seen until it is
        silent, and is not taken for well when it was never seen.
        """
        with self._lock:
            asked = {name: self._ask_or_join(name) for name in self._questions}
        wait([one.question for one in asked.values()], timeout=ANSWER_WITHIN_SECONDS)
        with self._lock:
            for name, one in asked.items():
                self._hear(name, one)
            return {name: self._seen.get(name) or _not_seen(name) for name in asked}

    def is_silent(self, name: str) -> bool:
        """Whether a neighbour has not answered for so long that nobody should wait for it."""
        asked = self._asked.get(name)
        return asked is not None and asked.is_silent()

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

    def _ask_or_join(self, name: str) -> _Asked:
        last = self._asked.get(name)
        if last is None or last.question.done():
            since = last.since if last and last.answer() is None else monotonic()
            number = last.number + 1 if last else 1
            question = ask(self._questions[name])
            self._asked[name] = _Asked(question=question, since=since, number=number)
        return self._asked[name]

    def _hear(self, name: str, asked: _Asked) -> None:
        given_up = asked.is_refused() or asked.is_silent()
        answer = silent(name) if given_up else asked.answer()
        if answer is None or asked.number < self._heard.get(name, 0):
            return  # nothing yet, or somebody asked again meanwhile and has heard more
        self._heard[name] = asked.number
        self._note(name, answer)

    def _note(self, name: str, answer: Answer) -> None:
        last = self._seen.get(name)
        if last is not None and last.answer == answer:
            return
        now = real_now()
        self._seen[name] = Sighting(answer=answer, since=now)
        gone_at = self._gone_at.get(name)
        if gone_at is None and not answer.well:
            self._gone_at[name] = now
            log.warning("The %s %s. %s %s", name, answer.word, self._meanwhile, _see(answer))
        elif gone_at is not None and answer.well:
            del self._gone_at[name]
            away = timedelta(seconds=round((now - gone_at).total_seconds()))
            if answer.remedy:
                log.warning(
                    "The %s is back after %s: it %s. %s", name, away, answer.word, _see(answer)
                )
            else:
                log.warning("The %s %s again, after %s.", name, answer.word, away)


def _see(answer: Answer) -> str:
    return f"See {answer.remedy} in docs/failures.md."


def _not_seen(name: str) -> Sighting:
    return Sighting(answer=silent(name), since=real_now())
