"""The doctor names each fault with its remedy, however many neighbours are away or hang."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import NoReturn
from uuid import uuid4

import pytest
from anyio.from_thread import start_blocking_portal
from sqlalchemy import make_url, text
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCStatusCode
from temporalio.worker import Worker
from typer.testing import Result

import temporal
from activities.patrol import Patrol
from cli import doctor
from cli.checkups.check import not_asked
from clock import Clock
from database.engine import Database
from database.imports.account_imports import decide, stage
from database.people.accounts import AccountRow
from database.people.staff import by_handle
from health.fitness import Replayed
from settings import Settings
from tests import databases
from tests.eventually import eventually
from tests.refusing_temporal import refusing_temporal
from tests.small_servers import Quiet, serving
from tests.workflows.conftest import start_temporal
from worker import watch
from workflows.watchdog import WatchdogWorkflow

Run = Callable[..., Result]
Found = dict[str, dict[str, str]]
NOTHING_FOUND = Patrol(watched=3, repaired=(), stuck=(), in_words="Watched 3 workflows, all well.")


@pytest.fixture
def settings(
    stack_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, promisekeeper: Run
) -> Settings:
    """Ports of this test's own, where nobody is."""
    settings = stack_settings()
    for name in ("web_port", "mail_sandbox_port", "temporal_port", "temporal_ui_port"):
        monkeypatch.setenv(f"PROMISEKEEPER_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("TEMPORAL_ADDRESS", settings.temporal_address)
    return settings


@pytest.fixture
def ask(promisekeeper: Run, settings: Settings) -> Callable[[], tuple[int, Found]]:
    """What the doctor finds, by part, and its exit code."""

    def ask() -> tuple[int, Found]:
        result = promisekeeper("doctor", "--format", "json")
        return result.exit_code, {check["part"]: check for check in json.loads(result.stdout)}

    return ask


@pytest.fixture
def another_program(settings: Settings) -> Iterator[None]:
    """Something else has the ports of website and sandbox."""

    class Stranger(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Hello")

    with serving(Stranger, settings.web_port), serving(Stranger, settings.mail_sandbox_port):
        yield


def test_it_names_what_is_missing_and_its_remedy(ask: Callable[[], tuple[int, Found]]) -> None:
    code, found = ask()
    assert code == 3
    for part in ("settings", "this code", "data directory", "database", "mails", "clock"):
        assert found[part]["state"] == "ok"
    for part in ("Temporal", "Temporal UI", "mail sandbox", "website"):
        assert found[part]["state"] == "missing"
        assert "taken by a program" not in found[part]["finding"]
        assert "promisekeeper up" in found[part]["remedy"]


def test_a_data_map_that_cannot_be_opened_is_named_and_no_source_is_asked(
    ask: Callable[[], tuple[int, Found]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """P11: before a person waits for it."""
    found = ask()[1]["data map"]
    assert (found["state"], "billing" in found["finding"]) == ("ok", True)
    broken = tmp_path / "map.toml"
    broken.write_text('title = "Ours"\n[[source]]\nname = "crm"\nkind = "sql"\n')
    monkeypatch.setenv("PROMISEKEEPER_DATA_MAP", str(broken))
    found = ask()[1]["data map"]
    assert found["state"] == "fault"
    assert "crm" in found["finding"]
    assert "docs/data-sources.md" in found["remedy"]


def test_that_alarms_go_by_mail_only_and_that_nobody_outside_listens_is_said(
    ask: Callable[[], tuple[int, Found]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never silently off; and of what is set, nothing that opens anything."""
    found = ask()[1]
    assert (found["alarms"]["state"], found["dead-man switch"]["state"]) == ("advice", "advice")
    assert "go by mail only" in found["alarms"]["finding"]
    assert "nobody outside notices" in found["dead-man switch"]["finding"]
    monkeypatch.setenv("PROMISEKEEPER_ALARM_WEBHOOK_URL", "https://ops.example.com/way-in")
    monkeypatch.setenv("PROMISEKEEPER_ALARM_WEBHOOK_SECRET", "whsec_" + "A" * 32)
    monkeypatch.setenv("PROMISEKEEPER_DEAD_MAN_URL", "https://ping.example.com/way-in")
    found = ask()[1]
    assert (found["alarms"]["state"], found["dead-man switch"]["state"]) == ("ok", "ok")
    assert found["alarms"]["finding"].endswith("at ops.example.com; none waits")
    assert "way-in" not in str(found)


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        (timedelta(days=62, minutes=47, seconds=31.121379), "62 days ahead of real time"),
        (timedelta(days=1, hours=3), "1 day ahead of real time"),
        (timedelta(hours=3, seconds=1.4), "3:00:01 ahead of real time"),
        (timedelta(0), "real time"),
    ],
)
def test_how_far_the_clock_was_moved_is_said_in_whole_words(
    ask: Callable[[], tuple[int, Found]], database: Database, moved: timedelta, words: str
) -> None:
    if moved:
        Clock(database, development=True).advance(moved)
    assert ask()[1]["clock"]["finding"] == words


def test_an_import_that_was_left_in_the_middle_is_pointed_out(
    ask: Callable[[], tuple[int, Found]], database: Database
) -> None:
    assert ask()[1]["imports"]["finding"] == "none is under way"
    now = Clock(database, development=True).now()
    row = AccountRow(external_id="a1", email="alice@example.com")
    with database.session() as session:
        omar = by_handle(session, "omar").id
    an_hour_ago = now - timedelta(hours=1)
    import_id = uuid4()
    assert [*stage(database, import_id, [row], asserted_by=omar, now=an_hour_ago)] == [1]
    assert decide(database, import_id, an_hour_ago)
    _, found = ask()
    assert found["imports"]["state"] == "advice"
    assert "is not done; rows left: 1" in found["imports"]["finding"]
    assert "import-unfinished in docs/failures.md" in found["imports"]["remedy"]


def test_every_neighbour_may_hang_and_it_still_answers(
    ask: Callable[[], tuple[int, Found]], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.checkups.check.ANSWER_WITHIN_SECONDS", 0.2)
    with ExitStack() as listening:
        for port in (settings.temporal_port, settings.web_port, settings.mail_sandbox_port):
            listening.enter_context(socket.create_server(("127.0.0.1", port)))
        code, found = ask()
    assert code == 3
    for part in ("Temporal", "mail sandbox", "website"):
        assert found[part]["state"] == "missing"
        assert "taken by a program" in found[part]["finding"]
        assert "ask again on a busy machine" in found[part]["remedy"]
        assert "restart it" in found[part]["remedy"]
        assert "promisekeeper up" not in found[part]["remedy"]


@pytest.mark.slow
def test_a_check_that_never_ends_is_cut_off(
    ask: Callable[[], tuple[int, Found]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        url = f"postgresql+psycopg://alice:secret@127.0.0.1:{port}/alice"
        monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", url)
        monkeypatch.setattr(doctor, "ALL_WITHIN_SECONDS", 1.5)
        code, found = ask()
    assert (code, found["database"]["state"]) == (3, "missing")
    assert "has not answered" in found["database"]["finding"]
    assert f"127.0.0.1:{port} takes connections" in found["database"]["finding"]
    assert "restart it" in found["database"]["remedy"]
    assert "PROMISEKEEPER_DATABASE_URL" in found["database"]["remedy"]
    assert "promisekeeper up" not in found["database"]["remedy"]
    assert "secret" not in str(found)


def test_on_a_busy_machine_a_closed_port_is_still_told_from_one_that_hangs(
    ask: Callable[[], tuple[int, Found]], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ALL_WITHIN_SECONDS", 0.0)
    _, found = ask()
    assert f"{settings.temporal_address} is silent" in found["Temporal"]["finding"]
    assert "promisekeeper up" in found["Temporal"]["remedy"]
    assert "restart it" not in found["Temporal"]["remedy"]


def test_what_was_found_before_a_look_that_hangs_is_kept(
    ask: Callable[[], tuple[int, Found]], monkeypatch: pytest.MonkeyPatch
) -> None:
    over = Event()

    def delivery_events(_: object) -> NoReturn:
        over.wait()
        raise TimeoutError

    monkeypatch.setattr("cli.checkups.house._delivery_events", delivery_events)
    for seconds in (0.5, 2.0, 8.0, 32.0):  # on a busy machine little is found at first
        monkeypatch.setattr(doctor, "ALL_WITHIN_SECONDS", seconds)
        _, found = ask()
        if "mails" in found:
            break
    over.set()
    assert found["database"]["state"] == "ok"
    assert found["mails"]["state"] == "ok"
    assert found["more of database"]["state"] == "not asked"


def test_what_was_not_asked_is_not_taken_for_well(
    ask: Callable[[], tuple[int, Found]], monkeypatch: pytest.MonkeyPatch
) -> None:
    unseen = partial(iter, [not_asked("worker", "did not say this in time", "ask again")])
    monkeypatch.setattr("cli.checkups.checkups", lambda _: {"Temporal": unseen})
    code, found = ask()
    assert found.keys() == {"settings", "worker"}
    assert code == 3


def test_what_only_temporal_knows_is_not_asked_while_it_is_silent(
    ask: Callable[[], tuple[int, Found]],
) -> None:
    _, found = ask()
    assert found["Temporal"]["state"] == "missing"
    for part in ("namespace", "search attributes", "worker", "work", "watchdog"):
        assert found[part]["state"] == "not asked"


@pytest.mark.postgresql
def test_a_database_that_does_not_let_us_in_is_a_fault(
    ask: Callable[[], tuple[int, Found]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with databases.empty_database(databases.POSTGRESQL, tmp_path) as there:
        url = make_url(there.url).set(database="nowhere").render_as_string(hide_password=False)
        monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", url)
        _, found = ask()
    assert found["database"]["state"] == "fault"
    assert '"nowhere" does not exist' in found["database"]["finding"]


def test_a_temporal_server_that_refuses_our_key_is_a_fault(
    ask: Callable[[], tuple[int, Found]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing_temporal(RPCStatusCode.UNAUTHENTICATED, "Request unauthorized.") as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        _, found = ask()
    assert found["Temporal"]["state"] == "fault"
    assert found["Temporal"]["finding"] == "turns us away: Request unauthorized."
    assert "TEMPORAL_API_KEY" in found["Temporal"]["remedy"]


@pytest.mark.temporal
def test_what_became_of_the_watchdogs_last_round_is_told(
    ask: Callable[[], tuple[int, Found]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """P21: it may go round and round, and get nowhere."""
    rounds: list[ApplicationError | Patrol] = [
        ApplicationError("incident 7", non_retryable=True),
        NOTHING_FOUND,
    ]

    @activity.defn(name="patrol")
    def patrol() -> Patrol:
        found = rounds[0]
        if isinstance(found, Patrol):
            return found
        raise found

    with ExitStack() as running:
        portal = running.enter_context(start_blocking_portal())
        environment = portal.call(start_temporal)
        running.callback(lambda: portal.call(environment.shutdown))
        client = environment.client
        monkeypatch.setenv("TEMPORAL_ADDRESS", client.service_client.config.target_host)
        threads = running.enter_context(ThreadPoolExecutor(1))

        async def worker() -> Worker:
            return Worker(
                client,
                task_queue=temporal.TASK_QUEUE,
                workflows=[WatchdogWorkflow],
                activities=[patrol],
                activity_executor=threads,
            )

        running.enter_context(portal.wrap_async_context_manager(portal.call(worker)))
        portal.call(watch, client)

        def state_when_told(words: str) -> str:
            """Of one and the same answer: the next one may come too late to be heard."""
            watchdog = ask()[1].get("watchdog", {"state": "", "finding": ""})
            return watchdog["state"] if words in watchdog["finding"] else ""

        assert eventually(lambda: state_when_told("went wrong")) == "fault"
        rounds.pop(0)
        portal.call(client.get_schedule_handle(temporal.WATCHDOG).trigger)
        assert eventually(lambda: state_when_told(NOTHING_FOUND.in_words)) == "ok"


@pytest.mark.temporal
def test_a_look_that_comes_late_does_not_make_temporal_missing(
    ask: Callable[[], tuple[int, Found]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def queue(_: object) -> NoReturn:
        await asyncio.Event().wait()
        raise TimeoutError

    with start_blocking_portal() as portal, ExitStack() as running:
        environment = portal.call(start_temporal)
        running.callback(lambda: portal.call(environment.shutdown))
        address = environment.client.service_client.config.target_host
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        monkeypatch.setattr("health.fitness.queue", queue)
        monkeypatch.setattr("health.fitness.replayed", queue)
        _, found = ask()
    assert found["Temporal"]["state"] == "ok"
    assert found["search attributes"]["state"] == "ok"
    assert "has no schedule" in found["watchdog"]["finding"]
    for part in ("worker", "work"):
        assert found[part]["state"] == "not asked"
        assert "not say this in time" in found[part]["finding"]
    assert found["open workflows"]["state"] == "missing"
    assert "no worker answered" in found["open workflows"]["finding"]


@pytest.mark.temporal
def test_open_workflows_that_the_code_does_not_fit_are_named(
    ask: Callable[[], tuple[int, Found]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker with new code is at work, and all of them still sleep."""

    async def replayed(_: object) -> Replayed:
        return Replayed(asked=9, misfits=("publication/privacy-policy/4",))

    with start_blocking_portal() as portal, ExitStack() as running:
        environment = portal.call(start_temporal)
        running.callback(lambda: portal.call(environment.shutdown))
        address = environment.client.service_client.config.target_host
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        assert ask()[1]["open workflows"]["finding"] == "none runs"
        monkeypatch.setattr("health.fitness.replayed", replayed)
        _, found = ask()
    assert found["open workflows"]["state"] == "fault"
    assert "does not fit publication/privacy-policy/4" in found["open workflows"]["finding"]
    assert "go back to the former code" in found["open workflows"]["remedy"]


@pytest.mark.usefixtures("another_program")
def test_another_program_on_our_port_is_recognised(ask: Callable[[], tuple[int, Found]]) -> None:
    _, found = ask()
    for part, setting in (("website", "WEB_PORT"), ("mail sandbox", "MAIL_SANDBOX_PORT")):
        assert found[part]["state"] == "fault"
        assert "another program" in found[part]["finding"]
        assert setting in found[part]["remedy"]


@pytest.mark.parametrize(
    ("revision", "remedy"),
    [("0001", "promisekeeper database migrate"), ("9999", "run the newest version")],
)
def test_tables_of_another_version_are_a_fault(
    ask: Callable[[], tuple[int, Found]], database: Database, revision: str, remedy: str
) -> None:
    with database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
    _, found = ask()
    assert found["database"]["state"] == "fault"
    assert remedy in found["database"]["remedy"]


def test_refused_settings_are_a_line_each(
    promisekeeper: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROMISEKEEPER_NOTICE_DAYS", "3")
    monkeypatch.setenv("PROMISEKEEPER_WEB_PORT", "0")
    result = promisekeeper("doctor", "--format", "json")
    findings = [check["finding"] for check in json.loads(result.stdout)]
    assert result.exit_code == 2
    assert sorted(finding.partition(":")[0] for finding in findings) == [
        "PROMISEKEEPER_NOTICE_DAYS",
        "PROMISEKEEPER_WEB_PORT",
    ]
