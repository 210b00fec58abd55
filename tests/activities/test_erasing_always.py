"""Whatever comes in whatever order, nothing is erased under a hold, before identity is proved, or
before it was granted and thought over; and what is granted is erased in the end (P13, P19)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from activities.courier import Courier
from activities.sources import SourceActivities
from data_sources.data_map import Description
from data_sources.source import Call, DataSource, SourceUnavailable
from database.requests import holds
from database.requests.answering import Answer, DecisionRefused
from database.requests.erasure_ends import keep_the_data
from database.requests.erasures import ErasureRefused, skip_the_wait
from database.requests.holds import HoldRefused
from database.requests.identity import dispute
from database.storage import Storage
from database.tables import DataSubjectRequest
from domain.data_subject_requests import State
from domain.legal_holds import keeps
from domain.personal_data import OWN_SOURCE, DataRole, Done, Held, Located, Person, Receipt, Verb
from tests.activities.erasing_lives import ALICE, BY_LAW, DATA_KEY, ERASED, UNDER_HOLD, Life
from tests.data_sources.fernhill import KEY, Fernhill
from tests.scene import NOW, Scene, a_scene

SOURCES = ("billing", "sessions", OWN_SOURCE)
HELD = ("billing", "", OWN_SOURCE)
PERIODS = tuple(timedelta(hours=hours) for hours in (49, 1, 25))


@dataclass(kw_only=True)
class Shelf:
    """A source with one thing on it. `silent`: so many calls that get no answer, after the thing is
    gone or before, by turns. `watch` is called at the moment at which it goes."""

    name: str
    watch: Callable[[str, datetime], None] = lambda _name, _at: None
    things: int = 1
    silent: int = 0
    about: Description = field(init=False)

    def __post_init__(self) -> None:
        self.about = cast(
            "Description",
            SimpleNamespace(
                name=self.name,
                title=self.name,
                role=DataRole.CONTROLLER,
                controller=None,
                categories={"Things": ()},
            ),
        )

    def locate(self, _person: Person, _call: Call) -> Located:
        held = (Held(category="Things", rows=self.things, uses=()),)
        return Located(source=self.name, held=held)

    def erase(self, _person: Person, call: Call) -> Receipt:
        self.silent -= 1
        if self.silent > 0 and self.silent % 2:
            raise SourceUnavailable("no answer")
        if self.things:
            self.watch(self.name, call.now)
        gone, self.things = self.things, 0
        if self.silent > 0:
            raise SourceUnavailable("no answer")
        done = (Done(category="Things", rows=gone),)
        return Receipt(source=self.name, verb=Verb.ERASE, done=done)


@dataclass(kw_only=True)
class Course:
    """What happens, and who watches."""

    life: Life
    shelves: dict[str, Shelf]
    placed: list[UUID] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)

    def watch(self, source: str, at: datetime) -> None:
        """At the moment at which something goes for good."""
        life = self.life
        request, erasure = life.request, life.erasure
        assert request.account_id is not None
        with life.scene.database.session() as session:
            on_hold = holds.sources_on_hold(session, request.account_id)
        thought_over = erasure.skipped_at or erasure.begun_at == erasure.begins_at
        allowed = {
            "under a hold": not keeps(source, on_hold),
            "of nobody known": request.verified_at is not None,
            "not begun": erasure.begun_at is not None and at >= erasure.begun_at,
            "kept by its person": erasure.dropped_at is None,
            "not thought over": bool(thought_over),
        }
        self.breaches += [f"{source}: {what}" for what, is_so in allowed.items() if not is_so]

    def do(self, act: str, number: int) -> None:
        """One thing; what is refused changes nothing."""
        with suppress(DecisionRefused, HoldRefused, ErasureRefused):
            self._do(act, number)

    def fitting(self) -> Answer:
        """What may be answered as holds stand."""
        account_id = self.life.request.account_id
        assert account_id is not None
        with self.life.scene.database.session() as session:
            return UNDER_HOLD if holds.standing_on(session, account_id) else ERASED

    def _do(self, act: str, number: int) -> None:
        life, database = self.life, self.life.scene.database
        match act:
            case "verify":
                life.verify()
            case "grant":
                life.decide((self.fitting(), ERASED, BY_LAW)[number])
            case "hold":
                self.placed.append(life.place(HELD[number]))
            case "release" if self.placed:
                life.release(self.placed.pop())
            case "skip" | "keep":
                choose = skip_the_wait if act == "skip" else keep_the_data
                with database.transaction() as transaction:
                    request = transaction.get_one(DataSubjectRequest, life.request_id)
                    choose(transaction, request, life.now)
            case "dispute":
                with database.transaction() as transaction:
                    request = transaction.get_one(DataSubjectRequest, life.request_id)
                    dispute(transaction, request, by="address on file", now=life.now)
            case "silence":
                self.shelves[SOURCES[number]].silent = 3
            case "send":
                life.send_mails()
            case "time":
                life.pass_time(PERIODS[number])


OFTEN = ("grant", "grant", "grant", "hold", "hold", "release", "time", "time", "time")
SELDOM = ("verify", "skip", "keep", "dispute", "silence", "send")
ACTS = st.lists(
    st.tuples(st.sampled_from((*OFTEN, *SELDOM)), st.sampled_from((0, 0, 0, 1, 2))),
    min_size=6,
    max_size=14,
)


def a_course(scene: Scene, folder: Path) -> Course:
    """Alice asks to be erased, at three sources with a thing each."""
    scene.import_accounts(ALICE)
    request = scene.request(ALICE.email, kinds=("erasure",))
    shelves = {name: Shelf(name=name) for name in SOURCES}
    sources = cast("dict[str, Any]", shelves)
    steps = SourceActivities(
        database=scene.database,
        sources=cast("list[DataSource]", list(shelves.values())),
        storage=Storage(folder, [DATA_KEY]),
        company=cast("Any", SimpleNamespace(zone=None)),
        courier=Courier(database=scene.database, webhook=None, base_url=""),
        pseudonym_key=KEY,
    )
    life = Life(
        scene=scene,
        fernhill=cast("Fernhill", None),
        sources=sources,
        steps=steps,
        company=cast("Any", None),
        request_id=request.id,
        now=NOW,
    )
    course = Course(life=life, shelves=shelves)
    for shelf in shelves.values():
        shelf.watch = course.watch
    return course


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(True, [("hold", 0), ("grant", 0), ("time", 0)])
@example(True, [("grant", 0), ("silence", 1), ("time", 0), ("hold", 1), ("time", 0)])
@given(st.booleans() | st.just(True), ACTS)
def test_nothing_is_erased_that_may_not_be_and_in_the_end_everything_is(
    database_kind: str, verified: bool, acts: list[tuple[str, int]]
) -> None:
    """P13, P19."""
    with TemporaryDirectory() as folder, a_scene(database_kind, Path(folder)) as scene:
        course = a_course(scene, Path(folder))
        for act, number in [("verify", 0)] * verified + acts:
            course.do(act, number)
        life = course.life
        answered = life.request.answered_at is not None
        if answered and life.request.outcome == "fulfilled":
            assert not course.shelves["billing"].things
            assert not course.shelves["sessions"].things
        if life.request.state == State.ANSWERED and life.request.outcome == "withdrawn":
            assert all(shelf.things for shelf in course.shelves.values())
        _see_it_through(course)
        assert course.breaches == []


def _see_it_through(course: Course) -> None:
    """Nobody disputes it, every hold is released, and people grant it: then it is done."""
    life = course.life
    if life.request.disputed_at or life.request.outcome == "withdrawn":
        return
    for shelf in course.shelves.values():
        shelf.silent = 0
    while course.placed:
        course.do("release", 0)
    course.do("verify", 0)
    for _ in range(3):
        course.do("grant", 0)
        life.pass_time(timedelta(hours=49))
        course.do("send", 0)
        life.pass_time(timedelta(hours=7))
    assert life.request.answered_at is not None
    assert not course.shelves["billing"].things
    assert not course.shelves["sessions"].things
