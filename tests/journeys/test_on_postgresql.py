"""The stack on PostgreSQL: from an empty database to a version that somebody approved."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cli.demo_scene import Scene, link_in
from tests import databases
from tests.journeys.company import (
    SAMPLE,
    announce,
    ask_for_a_copy,
    governing,
    import_accounts,
    mail_about,
    put_in_force,
    request_of,
    scene_on,
    version,
)
from tests.own_settings import own_settings

pytestmark = [pytest.mark.journey, pytest.mark.postgresql, pytest.mark.timeout(300)]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A stack that finds a PostgreSQL database without tables."""
    with (
        databases.empty_database(databases.POSTGRESQL, tmp_path) as database,
        scene_on(own_settings(tmp_path, database_url=database.url)) as scene,
    ):
        yield scene


def test_website_worker_and_command_line_work_on_postgresql(
    scene: Scene, phones: Callable[[], Page], tmp_path: Path
) -> None:
    """P1 to P5, P26."""
    put_in_force(scene, SAMPLE / "1.md")
    everybody = import_accounts(scene, tmp_path)
    announce(scene, SAMPLE / "2.md")
    scene.wait("the date is fixed", lambda: version(scene, 2).effective_at)
    assert {mail["to"] for mail in scene.mails(limit="1000")} == set(everybody)

    page = phones()
    page.goto(link_in(mail_about(scene, "alice", "privacy policy"), "/approve/"))
    page.get_by_role("button", name="I approve").click()
    expect(page.get_by_role("heading", name="You have approved this change")).to_be_visible()
    assert governing(scene, "alice").accepted == 2
    assert governing(scene, "bob").accepted == 1

    ask_for_a_copy(phones(), scene, "dora")
    mail_about(scene, "dora", request_of(scene, "dora").reference)
