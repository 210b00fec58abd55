"""Worker, website and servers are killed while a campaign goes out: everybody is mailed once."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from cli.demo_scene import Scene
from database.tables import Campaign
from tests.account_holders import approving
from tests.crashes import POSTGRESQL, TEMPORAL, WEBSITE, WORKER, Crashes, Part, planned
from tests.eventually import eventually
from tests.journeys.company import (
    PEOPLE,
    SAMPLE,
    advance,
    announce,
    import_accounts,
    put_in_force,
    scene_on,
    version,
)
from tests.mailed import count_mails, events_are_told
from tests.own_settings import own_settings
from tests.postgres_server import own_postgres

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.timeout(300)]

SEED = 15
ADDRESSEES = 300
SMALL_BATCHES = {"mail_batch_size": 10, "mail_settle_after_seconds": 30, "canary": False}
LATENCY_MILLISECONDS = 400
UNTIL_ITS_END = timedelta(days=45)
LONGER_THAN_A_PAUSE = timedelta(seconds=45)  # of a campaign, before it tries again


def test_nobody_is_left_out_or_mailed_twice_though_worker_website_and_temporal_are_killed(
    tmp_path: Path,
) -> None:
    """P4, P6: and no approval is lost of which its account holder was told that it is taken."""
    with scene_on(own_settings(tmp_path, **SMALL_BATCHES)) as scene:
        parts = {name: scene.stack.part(name) for name in (WORKER, WEBSITE, TEMPORAL)}
        everybody_is_mailed_once(scene, tmp_path, parts)


@pytest.mark.postgresql
def test_nobody_is_left_out_or_mailed_twice_though_postgresql_is_killed(tmp_path: Path) -> None:
    """P4, P6: what was committed is there, and what could not be noted is never guessed."""
    with (
        own_postgres() as server,
        scene_on(own_settings(tmp_path, database_url=server.url, **SMALL_BATCHES)) as scene,
    ):
        everybody_is_mailed_once(scene, tmp_path, {POSTGRESQL: server})


def everybody_is_mailed_once(scene: Scene, directory: Path, parts: Mapping[str, Part]) -> None:
    put_in_force(scene, SAMPLE / "1.md")
    import_accounts(scene, directory, crowd=ADDRESSEES - len(PEOPLE))
    mail_service_takes(scene, LATENCY_MILLISECONDS)
    with approving(scene.stack) as holders:
        announce(scene, SAMPLE / "2.md")
        crashes = Crashes(
            parts=parts,
            database=scene.database,
            data_dir=scene.stack.settings.data_dir,
            version_id=version(scene, 2).id,
        )
        crashes.strike(planned(tuple(parts), 1, SEED))
        assert crashes.with_a_post_in_flight()
        mail_service_takes(scene, 0)
        eventually(lambda: events_are_told(scene.stack.settings.data_dir))
        while version(scene, 2).effective_at is None:
            advance(scene, LONGER_THAN_A_PAUSE)

    mailed = count_mails(scene.database, crashes.version_id, scene.stack.settings.data_dir)
    assert mailed.addressees == ADDRESSEES
    assert (mailed.lost, mailed.left_to_ops, mailed.doubles) == (0, 0, ()), crashes.kills
    assert holders.told
    assert not holders.lost(scene.database, crashes.version_id)
    advance(scene, UNTIL_ITS_END)
    eventually(lambda: campaign(scene, crashes).state == "finished")


def campaign(scene: Scene, crashes: Crashes) -> Campaign:
    with scene.database.session() as session:
        of_version = select(Campaign).where(Campaign.policy_version_id == crashes.version_id)
        return session.exec(of_version).one()


def mail_service_takes(scene: Scene, milliseconds: int) -> None:
    """So long for each request, so that there is a middle to die in."""
    fault = {"latency_ms": milliseconds}
    answer = scene.connections.request("POST", f"{scene.stack.inbox}/api/faults", json=fault)
    assert answer.status == 200
