"""A neighbour that hangs holds one thread and nobody's time; going and coming back is told once."""

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from datetime import timedelta

import pytest

from health import lookout
from health.lookout import Answer, Lookout
from tests.eventually import eventually
from tests.scene import NOW

MEANWHILE = "Nothing is lost."


class Neighbour:
    """Answers, is gone, late or hangs, as the test wants."""

    def __init__(self) -> None:
        self.gone = False
        self.late = False
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def ask(self) -> Answer:
        self.asked += 1
        assert self.may_answer.wait(60)
        if self.gone:
            raise ConnectionError("nobody is there")
        if self.late:
            raise TimeoutError("it has not answered yet")
        return Answer()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        self.may_answer.clear()
        yield
        self.may_answer.set()


class Overtaken:
    """Somebody else looks when a first look has its answer and has not noted it yet."""

    def __init__(self, other_look: Callable[[], object]) -> None:
        self._other_looks = [other_look]

    def wait(self, questions: Sequence["Future[Answer]"], timeout: float) -> None:
        wait(questions, timeout)
        while self._other_looks:
            self._other_looks.pop()()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine an answer comes late, and nobody is silent."""
    monkeypatch.setattr(lookout, "ANSWER_WITHIN_SECONDS", 30.0)


class Stopwatch:
    """Time passes when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def read(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    stopwatch = Stopwatch()
    monkeypatch.setattr(lookout, "monotonic", stopwatch.read)
    return stopwatch


@pytest.fixture
def neighbour() -> Neighbour:
    return Neighbour()


@pytest.fixture
def look(neighbour: Neighbour) -> Callable[[], Answer]:
    watched = Lookout({"mail service": neighbour.ask}, meanwhile=MEANWHILE)
    return lambda: watched.look()["mail service"].answer


def test_whoever_raises_is_silent_and_the_remedy_is_named(
    neighbour: Neighbour, look: Callable[[], Answer]
) -> None:
    assert look() == Answer()
    neighbour.gone = True
    assert look() == Answer(word="does not answer", well=False, remedy="mail-service-silent")


def test_going_and_coming_back_are_one_line_each(
    neighbour: Neighbour, look: Callable[[], Answer], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for gone in (False, True, True, True, False, False):
        neighbour.gone = gone
        look()
    went, came = (record.getMessage() for record in caplog.records)
    assert went == (
        "The mail service does not answer. Nothing is lost. "
        "See mail-service-silent in docs/failures.md."
    )
    assert re.fullmatch(r"The mail service answers again, after \S+\.", came)


def test_since_when_does_not_move_while_nothing_changes(
    neighbour: Neighbour,
) -> None:
    watched = Lookout({"database": neighbour.ask})
    first = watched.look()["database"]
    assert watched.look()["database"] == first
    neighbour.gone = True
    assert watched.look()["database"].since > first.since


def test_since_when_is_of_what_is_said_now_and_the_log_counts_from_the_first_trouble(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that takes work for three days cannot be asked for a minute, not for three days."""
    at_work, other_code = Answer(word="takes work"), Answer(word="takes work, with other code")
    missing = Answer(word="does not take work", well=False, remedy="worker-missing")
    silent = lookout.silent("worker")
    said = [at_work, other_code, missing, silent, at_work]
    instants = [NOW + n * timedelta(minutes=1) for n in range(len(said))]
    monkeypatch.setattr(lookout, "real_now", iter(instants).__next__)
    watched = Lookout({"worker": iter(said).__next__})
    seen = [watched.look()["worker"] for _ in said]
    assert [(one.answer, one.since) for one in seen] == list(zip(said, instants, strict=True))
    _, came = (record.getMessage() for record in caplog.records)
    assert came == "The worker takes work again, after 0:02:00."


def test_a_hung_neighbour_is_asked_once_however_many_look(
    neighbour: Neighbour, look: Callable[[], Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    with neighbour.hanging(), monkeypatch.context() as impatient:
        impatient.setattr(lookout, "ANSWER_WITHIN_SECONDS", 0.1)
        assert [look().word for _ in range(5)] == ["does not answer"] * 5
        assert eventually(lambda: neighbour.asked) == 1
    eventually(lambda: look() == Answer())


def test_who_is_busy_for_one_look_is_not_called_gone(
    neighbour: Neighbour,
    look: Callable[[], Answer],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    look()
    with neighbour.hanging(), monkeypatch.context() as impatient:
        impatient.setattr(lookout, "ANSWER_WITHIN_SECONDS", 0.1)
        assert look() == Answer()
    neighbour.late = True
    assert eventually(look) == Answer()
    neighbour.late = False
    assert look() == Answer()
    assert not caplog.records


def test_who_is_late_for_more_than_seven_seconds_is_gone(
    neighbour: Neighbour,
    look: Callable[[], Answer],
    stopwatch: Stopwatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Since the first question without an answer, however often it is asked meanwhile."""
    look()
    stopwatch.seconds = 100.0
    neighbour.late = True
    for stopwatch.seconds in (100.0, 105.0, 107.0):
        assert look() == Answer()
    assert not caplog.records
    stopwatch.seconds = 107.1
    assert look().remedy == "mail-service-silent"
    assert len(caplog.records) == 1


def test_an_older_answer_does_not_take_back_a_newer_one(
    neighbour: Neighbour,
    look: Callable[[], Answer],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def somebody_else_looks() -> None:
        neighbour.gone = True
        assert not look().well

    look()
    monkeypatch.setattr(lookout, "wait", Overtaken(somebody_else_looks).wait)
    assert not look().well
    assert len(caplog.records) == 1


def test_an_answer_counts_though_somebody_asks_again_before_it_is_noted(
    neighbour: Neighbour, look: Callable[[], Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def somebody_else_looks() -> None:
        neighbour.may_answer.clear()
        monkeypatch.setattr(lookout, "ANSWER_WITHIN_SECONDS", 0.1)
        look()

    monkeypatch.setattr(lookout, "wait", Overtaken(somebody_else_looks).wait)
    assert look() == Answer()
    neighbour.may_answer.set()


def test_who_was_never_heard_is_not_taken_for_well(
    neighbour: Neighbour, look: Callable[[], Answer], caplog: pytest.LogCaptureFixture
) -> None:
    neighbour.late = True
    assert not look().well
    assert not caplog.records


def test_nobody_needs_to_wait_for_who_has_been_silent_for_long(
    neighbour: Neighbour, stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two questions too: a database may end each of them after a while."""
    watched = Lookout({"database": neighbour.ask})
    assert not watched.is_silent("database")
    neighbour.late = True
    watched.look()
    assert not watched.is_silent("database")
    stopwatch.seconds = 7.1
    assert watched.is_silent("database")
    with neighbour.hanging(), monkeypatch.context() as impatient:
        impatient.setattr(lookout, "ANSWER_WITHIN_SECONDS", 0.1)
        watched.look()
        assert watched.is_silent("database")
        neighbour.late = False
    eventually(lambda: watched.look()["database"].answer == Answer())
    assert not watched.is_silent("database")


def test_who_comes_back_with_something_to_mend_is_told_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that was restarted with other code is no good news."""
    word = "takes work, with other code than this"
    said = [lookout.silent("worker"), Answer(word=word, remedy="worker-differs")]
    monkeypatch.setattr(lookout, "real_now", iter((NOW, NOW + timedelta(seconds=15))).__next__)
    watched = Lookout({"worker": iter(said).__next__})
    for _ in said:
        watched.look()
    _, came = (record.getMessage() for record in caplog.records)
    assert came.startswith("The worker is back after 0:00:15: it takes work, with other code")
    assert came.endswith("See worker-differs in docs/failures.md.")
