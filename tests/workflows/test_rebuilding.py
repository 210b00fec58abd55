"""Whatever is done to Temporal, the database goes on from where it was: the same things happen.

Each story stops at every point at which its workflows wait. There a disturbance hits all of them,
the watchdog goes round, and the story goes on. In the end the same must have happened as in a town
where nobody disturbed anything: every rung once, every mail once, no fact twice.
"""

import pickle
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest

import temporal
from database.mail.outbox import REQUEST, REQUESTER, Queued
from database.requests import requests
from database.tables import DataSubjectRequest
from domain.policies.reviews import VersionClass
from domain.requests.data_subject_requests import Intake
from tests import databases
from tests.answers import REFUSAL
from tests.deciding import APPROVED, DECLINED
from tests.eventually import eventually
from tests.people import ALICE, BOB, CAROL, DORA
from tests.texts import FIRST, SECOND
from tests.workflows.disturbances import (
    DISTURBANCES,
    FragileTown,
    fragile_town,
    nothing,
    what_happened,
)

# A task that a dying worker or server had in its hands comes again only when its time is over, ten
# or thirty seconds later; that may happen at each of eight points.
pytestmark = [pytest.mark.temporal, pytest.mark.slow, pytest.mark.timeout(300)]

Story = Callable[[FragileTown], Iterator[str]]
Disturb = Callable[[FragileTown], None]
Happened = Counter[tuple[object, ...]]


def a_version_goes_out(town: FragileTown) -> Iterator[str]:
    """P2-P7: publication and campaign, from submission until legal hears of the silent ones."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB, CAROL)
    number = town.submit(SECOND)
    yield "in review"
    town.confirm_all(number, VersionClass.APPROVAL)
    town.rehearse(number)
    town.mail.misbehave("401", times=None)
    town.release(number)
    eventually(lambda: town.version(number).state == "announced")
    town.come_to_rest()
    yield "announced, and no mail goes out"
    town.mail.misbehave("off")
    town.advance(minutes=30)
    eventually(lambda: town.version(number).effective_at)
    yield "before the first reminder"
    town.decide(ALICE, APPROVED, number)
    town.advance(days=18)
    yield "before the second reminder"
    town.decide(BOB, DECLINED, number)
    town.advance(days=11)
    yield "before the owner is told"
    town.advance(days=2)
    yield "before the date of effect"
    town.advance(days=2)
    eventually(lambda: town.version(number).state == "in_force")
    yield "before legal is told"
    town.advance(days=8)


def a_request_is_answered_late(town: FragileTown) -> Iterator[str]:
    """P19-P22: every rung of the ladder, and an answer that waits for a second person."""
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    request = asks(town)
    yield "the person has to confirm who they are"
    town.desk.verify(request.id, how="link to the address on file")
    town.desk.assign(request.reference, town.staff["petra"])
    yield "between two rungs"
    town.advance(days=16)
    decision = town.desk.decide(request.reference, town.staff["petra"], REFUSAL)
    yield "a second person has to agree"
    town.advance(days=13, hours=2)
    yield "the late reply is out"
    town.advance(days=2)
    yield "overdue"
    town.desk.confirm(request.reference, decision.id, town.staff["paul"])
    town.advance(days=2)


def mails_have_to_wait(town: FragileTown) -> Iterator[str]:
    """P4, P26: a request and a link asked for again, while the mail service is down."""
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    town.mail.misbehave("401", times=None)
    request = asks(town, acknowledged=False)
    with town.database.session() as session:
        mails = requests.mails_of(session, request.id)
        (link,) = (mail.link_id for mail in mails if mail.step == "acknowledgement")
    town.desk.send(
        Queued(
            subject_kind=REQUEST,
            subject_id=request.id,
            addressee_kind=REQUESTER,
            addressee_id=request.id,
            step="link_again/1",
            template="request_acknowledgement",
            variant=request.id,
            link_id=link,
        )
    )
    yield "the mail service is down"
    town.advance(hours=1)
    yield "it is still down"
    town.mail.misbehave("off")
    town.advance(hours=1)
    eventually(lambda: look(town, request).acknowledged_at)
    town.advance(days=1)


def a_workflow_behind_its_time(town: FragileTown) -> Iterator[str]:
    """P21: asked for at an instant that its own clock has still to reach."""
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    request = asks(town)
    what = temporal.data_subject_request(request.id, ["access"])
    town.terminate(what.workflow_id)
    town.portal.call(lambda: temporal.start(town.client, what, as_of=town.now()))
    town.come_to_rest()
    yield "until it was asked for"
    town.advance(days=4)


STORIES = (
    a_version_goes_out,
    a_request_is_answered_late,
    mails_have_to_wait,
    a_workflow_behind_its_time,
)


def asks(town: FragileTown, *, acknowledged: bool = True) -> DataSubjectRequest:
    """Dora, who has an account, asks for a copy of her data."""
    request = town.desk.receive(
        Intake(name="Dora Dahl", contact_address=DORA.email, kinds=("access",), country="DE"),
        channel="web",
    )
    if acknowledged:
        eventually(lambda: look(town, request).acknowledged_at)
    return request


def look(town: FragileTown, request: DataSubjectRequest) -> DataSubjectRequest:
    with town.database.session() as session:
        return session.get_one(DataSubjectRequest, request.id)


def live_through(story: Story, disturb: Disturb, directory: Path, kind: str) -> Happened:
    """Tell a story with a disturbance at each point of waiting; what happened in the end."""
    with (
        databases.migrated_database(kind, directory) as database,
        fragile_town(database, directory) as town,
    ):
        since = town.now()
        for _point in story(town):
            town.come_to_rest()
            disturb(town)
            town.go_on()
        town.come_to_rest()
        return what_happened(town, since)


@pytest.fixture(scope="session")
def told_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Where processes that test side by side leave what they know for each other."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


def undisturbed(story: Story, told_once: Path) -> Happened:
    """What happens where nobody disturbs; told again only by those who could not wait for it."""
    told = told_once / f"{story.__name__}.pickle"
    if not told.exists():
        with TemporaryDirectory(dir=told_once) as directory:
            happened = live_through(story, nothing, Path(directory), databases.SQLITE)
            written = Path(directory) / told.name
            written.write_bytes(pickle.dumps(happened))
            written.replace(told)
    return cast(Happened, pickle.loads(told.read_bytes()))  # noqa: S301 - our own file


def assert_the_same(happened: Happened, expected: Happened) -> None:
    assert {"too much": happened - expected, "missing": expected - happened} == {
        "too much": Counter(),
        "missing": Counter(),
    }


def like_a_chessboard(stories: Sequence[Story], others: Iterable[object]) -> list[Any]:
    """Each story with each of the others, every second time on PostgreSQL: both meet both kinds."""
    return [
        pytest.param(
            story,
            other,
            kind := databases.DATABASES[(row + column) % 2],
            marks=[pytest.mark.postgresql] if kind == databases.POSTGRESQL else [],
            id=f"{story.__name__}-{other}-{kind}",
        )
        for row, story in enumerate(stories)
        for column, other in enumerate(others)
    ]


@pytest.mark.parametrize(
    ("story", "name", "database_kind"), like_a_chessboard(STORIES, DISTURBANCES)
)
def test_the_same_happens_as_in_an_undisturbed_town(
    story: Story, name: str, database_kind: str, tmp_path: Path, told_once: Path
) -> None:
    """P4, P21: every mail once, every rung once, whatever is pressed, lost or restarted."""
    happened = live_through(story, DISTURBANCES[name], tmp_path, database_kind)
    assert_the_same(happened, undisturbed(story, told_once))


@pytest.mark.parametrize(
    ("story", "seed", "database_kind"), like_a_chessboard(STORIES[:2], range(2))
)
def test_so_it_is_when_one_disturbance_follows_another(
    story: Story, seed: int, database_kind: str, tmp_path: Path, told_once: Path
) -> None:
    """P4, P21: several at once, and others at each point."""
    chance = Random(seed)

    def several(town: FragileTown) -> None:
        for name in chance.choices(list(DISTURBANCES), k=2):
            DISTURBANCES[name](town)

    happened = live_through(story, several, tmp_path, database_kind)
    assert_the_same(happened, undisturbed(story, told_once))
