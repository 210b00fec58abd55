"""Whatever comes in whatever order, nothing is erased under a hold on any account with the address,
before identity is proved, after a death without authority, before it is copied for who wants a
copy, or before it was granted and thought over. What is granted is erased in the end (P13, P19).
"""

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
from sqlmodel import Session

from activities.mail.courier import Courier
from activities.requests.sources import SourceActivities
from data_sources.data_map import Description
from data_sources.source import Call, DataSource, SourceUnavailable
from database.people.accounts import AccountRow
from database.requests import erasures, estates, source_tasks
from database.requests.answering import Answer
from database.requests.erasure_ends import keep_the_data
from database.requests.erasures import ANNOUNCED, ErasureRefused, skip_the_wait
from database.requests.estates import EstateRefused
from database.requests.holds import HoldRefused
from database.requests.identity import dispute, verify_identity
from database.requests.requested_rights import rights_of
from database.requests.sendable import DecisionRefused
from database.requests.standing_holds import standing_on
from database.storage import Storage
from database.tables import Account, DataSubjectRequest
from domain.requests.data_subject_requests import Kind, Outcome, RightState, State
from domain.requests.erasures import COOLING_OFF, ROOM_TO_ERASE
from domain.requests.legal_holds import keeps
from domain.requests.personal_data import (
    OWN_SOURCE,
    DataRole,
    Done,
    Exported,
    Held,
    Located,
    Person,
    Receipt,
    Verb,
)
from tests.activities.requests.erasing_lives import (
    ALICE,
    BY_LAW,
    DATA_KEY,
    ERASED,
    UNDER_HOLD,
    Life,
)
from tests.data_sources.fernhill import KEY, Fernhill
from tests.scene import NOW, Scene, a_scene

TWIN = AccountRow(external_id="a-alice-2", email=ALICE.email, name="Alice Abel")
BY_HAND = Answer(
    outcome=Outcome.FULFILLED,
    explanation="You have your copy.",
    evidence="handed over at the desk",
)
SOURCES = ("billing", "sessions", OWN_SOURCE)
HELD = ("billing", "", OWN_SOURCE)
PERIODS = tuple(timedelta(hours=hours) for hours in (49, 1, 25))


@dataclass(kw_only=True)
class Shelf:
    """A source with one thing on it. `silent`: so many calls that get no answer, of which the last
    erases nevertheless. `watch` is called at the moment at which the thing goes."""

    name: str
    watch: Callable[[str, datetime], None] = lambda _name, _at: None
    things: int = 1
    silent: int = 0
    copied: set[str] = field(default_factory=set)
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

    def export(self, _person: Person, call: Call) -> Exported:
        self.silent -= 1
        if self.silent > 0:
            raise SourceUnavailable("no answer")
        self.copied.add(call.id)
        return Exported(source=self.name, records=())

    def erase(self, _person: Person, call: Call) -> Receipt:
        self.silent -= 1
        if self.silent > 0:
            raise SourceUnavailable("no answer")
        if self.things:
            self.watch(self.name, call.now)
        gone, self.things = self.things, 0
        if self.silent == 0:
            raise SourceUnavailable("no answer")
        done = (Done(category="Things", rows=gone),)
        return Receipt(source=self.name, verb=Verb.ERASE, done=done)


@dataclass(kw_only=True)
class Course:
    """What happens, and who watches."""

    life: Life
    shelves: dict[str, Shelf]
    with_copy: bool
    placed: list[UUID] = field(default_factory=list)
    others: list[UUID] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)

    def watch(self, source: str, at: datetime) -> None:
        """At the moment at which something goes for good."""
        life = self.life
        request, erasure = life.request, life.erasure
        with life.scene.database.session() as session:
            on_hold = self.on_hold(session)
            dead = session.get_one(Account, request.account_id).status == "deceased"
            found = estates.authorities_of(session, request)
            may_ask = bool(found) and found[0].confirmed_at is not None
            is_copied = all(_is_copied(session, one, self.shelves[source]) for one in self.asked())
        allowed = {
            "under a hold": not keeps(source, on_hold),
            "of nobody known": request.verified_at is not None and request.disputed_at is None,
            "after a death": not dead or may_ask,
            "before it is copied": is_copied,
            "not begun": erasure.begun_at is not None and at >= erasure.begun_at,
            "kept by its person": erasure.dropped_at is None,
            "not thought over": self.is_thought_over(),
        }
        self.breaches += [f"{source}: {what}" for what, is_so in allowed.items() if not is_so]

    def is_thought_over(self) -> bool:
        """Two days after she was told, or none where everything was on hold then."""
        erasure, mail = self.life.erasure, self.life.mails().get(ANNOUNCED)
        told_at = mail.accepted_at if mail else None
        assert erasure.begun_at is not None
        return (
            erasure.skipped_at is not None
            or erasure.begins_at == erasure.granted_at
            or (told_at is not None and erasure.begun_at >= told_at + COOLING_OFF)
            or erasure.begun_at >= self.life.request.due_at - ROOM_TO_ERASE
        )

    def on_hold(self, session: Session) -> set[str]:
        """Of both accounts that have her address."""
        accounts = [self.life.scene.account(one.external_id) for one in (ALICE, TWIN)]
        return {hold.source for one in accounts for hold in standing_on(session, one.id)}

    def asked(self) -> list[UUID]:
        """The requests, hers and the others."""
        return [self.life.request_id, *self.others]

    def do(self, act: str, number: int) -> None:
        """One thing; what is refused changes nothing."""
        with suppress(DecisionRefused, HoldRefused, ErasureRefused, EstateRefused):
            self._do(act, number)

    def fitting(self) -> Answer:
        """What may be answered as holds stand."""
        with self.life.scene.database.session() as session:
            return UNDER_HOLD if self.on_hold(session) else ERASED

    def _do(self, act: str, number: int) -> None:
        life = self.life
        acts: dict[str, Callable[[], object]] = {
            "verify": life.verify,
            "grant": lambda: life.decide((self.fitting(), ERASED, BY_LAW)[number]),
            "give a copy": lambda: life.decide(BY_HAND, Kind.ACCESS),
            "hold": lambda: self._hold(HELD[number], ALICE),
            "hold the other": lambda: self._hold(HELD[number], TWIN),
            "release": self._release,
            "ask for a copy": lambda: self._ask((ALICE, TWIN, None)[number]),
            "copy": self._copy,
            "silence": lambda: setattr(self.shelves[SOURCES[number]], "silent", 9),
            "mail": lambda: setattr(life, "mail_is_down", not life.mail_is_down),
            "send": life.send_mails,
            "time": lambda: life.pass_time(PERIODS[number]),
        }
        acts.get(act, lambda: self._do_to_the_request(act))()

    def _release(self) -> None:
        if self.placed:
            self.life.release(self.placed.pop())

    def _copy(self) -> None:
        for other in self.others:
            self.life.step(other)

    def _hold(self, source: str, who: AccountRow) -> None:
        self.placed.append(self.life.place(source, self.life.scene.account(who.external_id).id))

    def _do_to_the_request(self, act: str) -> None:
        life, staff = self.life, self.life.scene.staff
        with life.scene.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, life.request_id)
            match act:
                case "skip":
                    skip_the_wait(transaction, request, life.now)
                case "keep":
                    keep_the_data(transaction, request, life.now)
                case "dispute":
                    dispute(transaction, request, by="address on file", now=life.now)
                case "find out":
                    request.disputed_at = None
                    transaction.add(request)
                case "die":
                    estates.freeze(transaction, request, staff_id=staff["petra"], now=life.now)
                case "inherit":
                    found = estates.record_authority(
                        transaction,
                        request,
                        who="Her son",
                        proof="A will",
                        staff_id=staff["petra"],
                        now=life.now,
                    )
                    transaction.flush()
                    estates.confirm_authority(
                        transaction, request, found.id, staff_id=staff["paul"], now=life.now
                    )

    def _ask(self, who: AccountRow | None) -> None:
        """A request for a copy of one of the two, or of somebody who has not shown to be her."""
        scene = self.life.scene
        other = scene.request(ALICE.email, kinds=("access",), now=self.life.now)
        self.others.append(other.id)
        with scene.database.transaction() as transaction:
            row = transaction.get_one(DataSubjectRequest, other.id)
            row.account_id = scene.account((who or ALICE).external_id).id
            transaction.add(row)
            if who is not None:
                verify_identity(transaction, row, how="link", now=self.life.now)


def _is_copied(session: Session, request_id: UUID, shelf: Shelf) -> bool:
    """Whether nobody who asked for a copy, and showed who they are, waits for what is there."""
    request = session.get_one(DataSubjectRequest, request_id)
    rights = rights_of(session, request_id)
    access = next((one for one in rights if one.kind == Kind.ACCESS), None)
    if access is None or request.verified_at is None or request.answered_at is not None:
        return True
    asked = [
        task
        for task in source_tasks.tasks_of(session, request_id)
        if (task.source, task.verb) == (shelf.name, Verb.EXPORT)
    ]
    if not asked:
        return access.state == RightState.DECIDED
    return str(asked[-1].id) in shelf.copied


OFTEN = ("grant", "grant", "grant", "hold", "hold the other", "release", "time", "time", "time")
SELDOM = ("verify", "skip", "keep", "dispute", "find out", "die", "inherit", "silence", "send")
BESIDE = ("ask for a copy", "copy", "give a copy", "mail")
HALF_WAY = (("grant", 0), ("skip", 0), ("silence", 1), ("time", 1))
"""It has begun, and one source has not answered yet."""
ACTS = st.lists(
    st.tuples(st.sampled_from((*OFTEN, *SELDOM, *BESIDE)), st.sampled_from((0, 0, 0, 1, 2))),
    min_size=6,
    max_size=14,
)


def a_course(scene: Scene, folder: Path, *, with_copy: bool) -> Course:
    """Alice asks to be erased, and perhaps for a copy before, at three sources with a thing each.
    She has two accounts."""
    scene.import_accounts(ALICE)
    kinds = ("access", "erasure") if with_copy else ("erasure",)
    request = scene.request(ALICE.email, kinds=kinds)
    scene.import_accounts(ALICE, TWIN)
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
    course = Course(life=life, shelves=shelves, with_copy=with_copy)
    for shelf in shelves.values():
        shelf.watch = course.watch
    return course


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(True, False, [("hold", 0), ("grant", 0), ("time", 0)])
@example(True, False, [("mail", 0), ("grant", 0), ("time", 0)])
@example(True, False, [*HALF_WAY, ("hold", 1), ("time", 2)])
@example(True, False, [*HALF_WAY, ("hold the other", 1), ("time", 2)])
@example(True, False, [*HALF_WAY, ("die", 0), ("time", 2)])
@example(True, False, [*HALF_WAY, ("dispute", 0), ("time", 2)])
@example(True, False, [("ask for a copy", 1), ("grant", 0), ("time", 0), ("copy", 0), ("time", 1)])
@example(True, True, [("silence", 0), ("grant", 0), ("skip", 0), ("time", 1), ("time", 0)])
@given(st.booleans() | st.just(True), st.booleans(), ACTS)
def test_nothing_is_erased_that_may_not_be_and_in_the_end_everything_is(
    database_kind: str, verified: bool, with_copy: bool, acts: list[tuple[str, int]]
) -> None:
    """P13, P19."""
    with TemporaryDirectory() as folder, a_scene(database_kind, Path(folder)) as scene:
        course = a_course(scene, Path(folder), with_copy=with_copy)
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
    """People find out who asks, release every hold, give copies, and grant it: then it is done."""
    life = course.life
    if _is_kept(course):
        return
    for shelf in course.shelves.values():
        shelf.silent = 0
    while course.placed:
        course.do("release", 0)
    for act in ("find out", "verify", "inherit", "copy"):
        course.do(act, 0)
    for _ in range(3):
        life.pass_time(at_most=100)
        course.do("give a copy", 0)
        course.do("grant", 0)
        course.do("skip", 0)
        life.pass_time(timedelta(hours=49), at_most=100)
        course.do("send", 0)
        life.pass_time(timedelta(hours=7), at_most=100)
        if life.request.answered_at is not None:
            break
    assert life.request.answered_at is not None
    assert not course.shelves["billing"].things
    assert not course.shelves["sessions"].things


def _is_kept(course: Course) -> bool:
    """Whether its person keeps the data."""
    with course.life.scene.database.session() as session:
        erasure = erasures.of_request(session, course.life.request_id)
    return erasure is not None and erasure.dropped_at is not None
