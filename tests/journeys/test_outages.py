"""Parts of the product die in the middle of their work and come back: nothing is lost."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Page, expect
from sqlmodel import col, func, select
from temporalio.client import Client

from cli.demo_scene import Scene, link_in
from database.mail.steps import FIRST_NOTICE
from database.tables import Account, Campaign, OutboxMail
from embedded.processes import Process
from tests.crashes import WORKER, Blow, Crashes
from tests.eventually import eventually
from tests.journeys.company import (
    SAMPLE,
    SLUG,
    act,
    advance,
    announce,
    ask_for_a_copy,
    import_accounts,
    mail_about,
    now,
    put_in_force,
    request_of,
    scene_on,
    sign_in,
    version,
)
from tests.mailed import count_mails, events_are_told
from tests.own_settings import own_settings

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

BATCH = 5
A_DAY = timedelta(days=1)
LONGER_THAN_ANY_CALL = timedelta(seconds=40)  # after which worker and server give it up
LONGER_THAN_A_PAUSE = timedelta(seconds=45)  # of a campaign, before it tries again


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A stack of each test's own, that sends five mails at a time."""
    settings = own_settings(tmp_path, mail_batch_size=BATCH)
    with scene_on(settings) as scene:
        put_in_force(scene, SAMPLE / "1.md")
        yield scene


def test_everybody_is_mailed_once_though_everything_dies_in_the_middle_of_the_campaign(
    scene: Scene, phones: Callable[[], Page], tmp_path: Path
) -> None:
    """P4: never zero unnoticed, and repeated only on evidence.

    The website comes back while nothing can go out, so that however long it takes there are mails
    left for the next part to die in.
    """
    everybody = import_accounts(scene, tmp_path)
    slow_down(scene)
    announce(scene, SAMPLE / "2.md")
    website, worker, sandbox = map(scene.stack.part, ("website", "worker", "mail sandbox"))
    die(scene, website, after=5)
    die(scene, worker, after=10)
    website.start_again()
    worker.start_again()
    die(scene, sandbox, after=15)
    sandbox.start_again()
    eventually(lambda: mails_in(scene, "sending") == 0)
    advance(scene, LONGER_THAN_A_PAUSE)
    scene.wait("all first notices are out", lambda: version(scene, 2).effective_at)

    in_doubt = addresses_in(scene, "operator")
    counted = Counter(str(mail["to"]) for mail in scene.mails())
    assert {one for one in everybody if counted[one] != 1} <= in_doubt
    omar = phones()
    sign_in(omar, scene, "Omar Operations", "/staff/ops")
    expect(
        omar.get_by_role("heading", name=f"Waiting for your decision ({len(in_doubt)})")
    ).to_be_visible()

    somebody = phones()
    somebody.goto(link_in(scene.mails(subject="Please decide")[0], "/approve/"))
    somebody.get_by_role("button", name="I approve the change").click()
    expect(somebody.get_by_role("heading", name="You have approved this change")).to_be_visible()


def test_a_campaign_goes_on_by_itself_when_the_mail_service_was_down_for_an_hour(
    scene: Scene, tmp_path: Path
) -> None:
    """P4, P7: nobody is forgotten or mailed twice, and the notice period runs from the last."""
    everybody = import_accounts(scene, tmp_path)
    slow_down(scene)
    announce(scene, SAMPLE / "2.md")
    sandbox = scene.stack.part("mail sandbox")
    die(scene, sandbox, after=5)
    down_at = now(scene)
    eventually(lambda: mails_in(scene, "sending") == 0)
    advance(scene, timedelta(hours=1))
    assert version(scene, 2).effective_at is None
    assert mails_in(scene, "queued") > 0

    sandbox.start_again()
    eventually(lambda: events_are_told(scene.stack.settings.data_dir))
    advance(scene, LONGER_THAN_A_PAUSE)
    scene.wait("all first notices are out", lambda: version(scene, 2).effective_at)
    mailed = count_mails(scene.database, version(scene, 2).id, scene.stack.settings.data_dir)
    assert (mailed.addressees, mailed.lost, mailed.doubles) == (len(everybody), 0, ())
    assert mailed.left_to_ops <= mailed.in_doubt <= BATCH
    assert last_accepted(scene) > down_at + timedelta(hours=1)


def test_a_mail_service_that_answered_only_errors_costs_nobody_their_notice(
    tmp_path: Path, phones: Callable[[], Page]
) -> None:
    """P4, P8: those who went first are with ops, all as one; once the others had theirs, the
    machine sends them again by itself, and everybody has one."""
    settings = own_settings(tmp_path, mail_batch_size=BATCH, canary_addressees=BATCH)
    with scene_on(settings) as scene:
        put_in_force(scene, SAMPLE / "1.md")
        everybody = import_accounts(scene, tmp_path)
        announce(scene, SAMPLE / "2.md", meanwhile=lambda: answer(scene, "500"))
        eventually(lambda: "paused" in campaign_states(scene))
        answer(scene, "")
        assert mails_in(scene, "unknown") == BATCH
        advance(scene, timedelta(minutes=1))
        resume = ("campaign", "resume", SLUG, "2", "--reason", "It works again.")
        act(scene, *resume, "--as", "lena")
        scene.wait("the others are mailed", lambda: version(scene, 2).effective_at)
        omar = phones()
        sign_in(omar, scene, "Omar Operations", "/staff/ops")
        expect(omar.get_by_text(f"Send these {BATCH} again", exact=True)).to_be_visible()
        eventually(lambda: events_are_told(scene.stack.settings.data_dir))
        advance(scene, timedelta(minutes=1))
        let_the_watchdog_look(scene)
        eventually(lambda: mails_in(scene, "delivered") == len(everybody))
        mailed = count_mails(scene.database, version(scene, 2).id, scene.stack.settings.data_dir)
        assert (mailed.lost, mailed.left_to_ops, mailed.doubles) == (0, 0, ())


def answer(scene: Scene, mode: str) -> None:
    """The mail service answers every request with an error, until this is called without one."""
    fault = {"mode": mode, "times": None} if mode else {}
    assert (
        scene.connections.request("POST", f"{scene.stack.inbox}/api/faults", json=fault).status
        == 200
    )


def campaign_states(scene: Scene) -> set[str]:
    with scene.database.session() as session:
        return set(session.exec(select(Campaign.state)).all())


def test_what_went_out_is_not_repeated_though_the_webhook_is_silent_for_a_day(
    scene: Scene, tmp_path: Path
) -> None:
    """P4: without a word of later mails nothing is repeated; ops are asked, and need do nothing."""
    everybody = import_accounts(scene, tmp_path)
    slow_down(scene, silent_seconds=A_DAY.total_seconds())
    announce(scene, SAMPLE / "2.md")
    crashes = Crashes(
        parts={WORKER: scene.stack.part(WORKER)},
        database=scene.database,
        data_dir=scene.stack.settings.data_dir,
        version_id=version(scene, 2).id,
    )
    crashes.strike([Blow(part=WORKER, after=0.2, posting=True, pause_seconds=0)])
    eventually(crashes.with_a_post_in_flight)
    advance(scene, A_DAY)
    scene.wait("all other first notices are out", lambda: version(scene, 2).effective_at)
    assert mails_in(scene, "operator") == BATCH
    assert mails_in(scene, "accepted") == len(everybody) - BATCH

    slow_down(scene)
    eventually(lambda: mails_in(scene, "delivered") == len(everybody))
    mailed = count_mails(scene.database, version(scene, 2).id, scene.stack.settings.data_dir)
    assert (mailed.lost, mailed.left_to_ops, mailed.doubles) == (0, 0, ())


def test_a_request_made_while_temporal_is_down_is_taken_in_and_started_later(
    scene: Scene, phones: Callable[[], Page], tmp_path: Path
) -> None:
    """P21, P26: receipt is what counts, whatever of ours is down."""
    import_accounts(scene, tmp_path, crowd=0)
    temporal = scene.stack.part("Temporal server")
    temporal.kill()
    page = phones()
    ask_for_a_copy(page, scene, "dora")
    request = request_of(scene, "dora")
    expect(page.get_by_text(request.reference)).to_be_visible()
    page.goto(f"{scene.stack.website}/policies/privacy-policy")
    expect(page.get_by_text("version 1, in force since")).to_be_visible()
    assert not scene.mails()

    temporal.start_again()
    let_the_watchdog_look(scene)
    link = link_in(mail_about(scene, "dora", "confirm"), "/requests/")
    assert mail_about(scene, "dora", "We have your request")
    page.goto(link)
    page.get_by_role("button", name="Yes, this request is mine").click()
    scene.wait("she is verified", lambda: request_of(scene, "dora").verified_at)


def test_requests_go_on_when_a_hung_temporal_wakes_up(
    scene: Scene, phones: Callable[[], Page], tmp_path: Path
) -> None:
    """P21: a suspended laptop or a paused machine; answers that were on their way then are lost."""
    import_accounts(scene, tmp_path, crowd=0)
    temporal = scene.stack.part("Temporal server")
    page = phones()
    ask_for_a_copy(page, scene, "dora")
    os.kill(temporal.pid, signal.SIGSTOP)
    Event().wait(LONGER_THAN_ANY_CALL.total_seconds())
    os.kill(temporal.pid, signal.SIGCONT)
    ask_for_a_copy(page, scene, "emil")
    let_the_watchdog_look(scene)
    assert mail_about(scene, "dora", "We have your request")
    assert mail_about(scene, "emil", "We have your request")
    scene.wait("Dora's is noted", lambda: request_of(scene, "dora").acknowledged_at)
    scene.wait("Emil's is noted", lambda: request_of(scene, "emil").acknowledged_at)
    advance(scene, timedelta(days=1))


def slow_down(scene: Scene, *, silent_seconds: float = 0) -> None:
    """Every request to the mail service takes a while, so that there is a middle to die in."""
    fault = {"latency_ms": 1000, "events": {"silent_seconds": silent_seconds}}
    answer = scene.connections.request("POST", f"{scene.stack.inbox}/api/faults", json=fault)
    assert answer.status == 200


def die(scene: Scene, part: Process, *, after: int) -> None:
    """A part is killed when so many mails are out, with others still to come."""
    eventually(lambda: len(scene.mails()) >= after)
    part.kill()
    assert mails_in(scene, "queued") > 0, "it died too late to tell anything"


def mails_in(scene: Scene, state: str) -> int:
    with scene.database.session() as session:
        first_notices = select(OutboxMail.id).where(
            OutboxMail.step == FIRST_NOTICE, OutboxMail.state == state
        )
        return len(session.exec(first_notices).all())


def last_accepted(scene: Scene) -> datetime:
    with scene.database.session() as session:
        (found,) = session.exec(select(func.max(OutboxMail.accepted_at))).all()
        assert found
        return found


def addresses_in(scene: Scene, state: str) -> set[str]:
    with scene.database.session() as session:
        rows = session.exec(
            select(Account.email)
            .join(OutboxMail, col(OutboxMail.addressee_id) == col(Account.id))
            .where(OutboxMail.state == state)
        )
        return set(rows.all())


def let_the_watchdog_look(scene: Scene) -> None:
    """As its schedule does every ten minutes."""

    async def trigger() -> None:
        client = await Client.connect(scene.stack.temporal_address)
        await client.get_schedule_handle("watchdog").trigger()

    with start_blocking_portal() as portal:
        portal.call(trigger)
