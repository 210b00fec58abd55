"""The stack refuses what it cannot start, in words, and hands its settings on exactly."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable

import psutil
import pytest
from sqlmodel import select

from database.engine import Database
from database.migrate import require_current
from database.people.staff import by_handle
from database.tables import Staff
from embedded import stack as stacks
from embedded.stack import StackRefused, environment_of, stack
from settings import ROOT, Settings

READ_SETTINGS = """
import json
from embedded.stack import environment_of
from settings import load_settings
print(json.dumps(environment_of(load_settings())))
"""

ONLY_THE_WEBSITE = """
import time
from embedded import stack
from embedded.processes import running
from settings import load_settings
settings = stack._embedded(load_settings())
settings.data_dir.mkdir(exist_ok=True)
stack._prepare_database(settings)
_, (website, _) = stack._programs(settings)
with running([website]):
    print("ready", flush=True)
    time.sleep(600)
"""


def test_a_taken_port_is_named_with_the_setting_that_moves_it(
    stack_settings: Callable[..., Settings],
) -> None:
    settings = stack_settings()
    with socket.socket() as neighbour:
        neighbour.bind(("127.0.0.1", settings.web_port))
        neighbour.listen()
        expected = f"website wants port {settings.web_port}.*PROMISEKEEPER_WEB_PORT="
        with pytest.raises(StackRefused, match=expected), stack(settings):
            pass
    assert not (settings.data_dir / "promisekeeper.db").exists()


def test_two_parts_on_one_port_are_refused(stack_settings: Callable[..., Settings]) -> None:
    port = stack_settings().web_port
    settings = stack_settings(web_port=port, temporal_ui_port=port)
    with pytest.raises(StackRefused, match="PROMISEKEEPER_TEMPORAL_UI_PORT"), stack(settings):
        pass


def test_two_stacks_do_not_share_a_data_directory(
    stack_settings: Callable[..., Settings],
) -> None:
    settings = stack_settings()
    settings.data_dir.mkdir()
    with (
        stacks._only_stack_in(settings.data_dir),
        pytest.raises(StackRefused, match=r"already \(process \d+\).*--data-dir"),
        stack(settings),
    ):
        pass


def test_production_is_refused(stack_settings: Callable[..., Settings]) -> None:
    settings = stack_settings().model_copy(update={"environment": "production"})
    with pytest.raises(StackRefused, match="for development"), stack(settings):
        pass


@pytest.mark.slow
def test_another_process_reads_exactly_these_settings(
    stack_settings: Callable[..., Settings],
) -> None:
    settings = stacks._embedded(
        stack_settings(reminder_lead_days=(9, 2), company_name="Fernhill & Söhne, „Büro“")
    )
    environment = environment_of(settings)
    assert environment["TEMPORAL_ADDRESS"] == f"127.0.0.1:{settings.temporal_port}"
    read = subprocess.run(
        [sys.executable, "-c", READ_SETTINGS],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(read.stdout) == environment


def test_the_website_answers_in_as_many_processes_as_are_wanted(
    stack_settings: Callable[..., Settings],
) -> None:
    settings = stacks._embedded(stack_settings(web_processes=3))
    _, (website, _) = stacks._programs(settings)
    assert "--workers 3" in " ".join(website.command)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
def test_no_process_of_the_website_answers_once_the_stack_was_killed(
    stack_settings: Callable[..., Settings],
) -> None:
    settings = stack_settings(web_processes=2)
    address = ("127.0.0.1", settings.web_port)
    with subprocess.Popen(
        [sys.executable, "-c", ONLY_THE_WEBSITE],
        env=environment_of(settings),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "ready\n"
        website = psutil.Process(supervisor.pid).children(recursive=True)
        assert answers(address)
        supervisor.kill()
    _, outlived = psutil.wait_procs(website, timeout=10)
    still_answers = answers(address)
    for process in outlived:
        process.kill()
    assert not still_answers


def answers(address: tuple[str, int]) -> bool:
    """Whether anybody listens there."""
    with socket.socket() as caller:
        return caller.connect_ex(address) == 0


def test_the_address_in_mails_follows_the_websites_port(
    stack_settings: Callable[..., Settings],
) -> None:
    settings = stack_settings()
    assert stacks._embedded(settings).website == f"http://127.0.0.1:{settings.web_port}"
    chosen = stack_settings(base_url="http://laptop.example:8000")
    assert stacks._embedded(chosen).website == "http://laptop.example:8000"


def test_sample_staff_work_where_nobody_does_yet(
    stack_settings: Callable[..., Settings],
) -> None:
    settings = stack_settings()
    settings.data_dir.mkdir()
    for _start_and_resume in range(2):
        stacks._prepare_database(settings)
    database = Database(settings.database)
    require_current(database)
    with database.session() as session:
        assert len(session.exec(select(Staff)).all()) == len(stacks.SAMPLE_STAFF)
        assert by_handle(session, "lena").roles == ["legal"]
    database.close()
