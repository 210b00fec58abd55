"""Mail that comes back, mail that is called spam, and a reader who wants no reminders."""

import csv
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from cli.demo_scene import Scene, link_in
from database.campaigns import campaigns
from database.campaigns.not_reached import not_reached as not_reached_by
from database.tables import Account, OutboxMail
from tests.eventually import eventually
from tests.journeys.company import SAMPLE, act, address, advance_to, announce, put_in_force, version

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

PEOPLE = ("alice", "bob", "bounce", "complain", "return", "block")
"""Alice and Bob read their mail; what becomes of the others' is in their address."""


def test_a_failed_address_gets_no_more_notices_and_who_wants_no_reminders_gets_none(
    scene: Scene, phones: Callable[[], Page], tmp_path: Path
) -> None:
    """P4, P17: signed events stop mail to an address; one press, or the mail program's own button,
    stops reminders; ops let mail go to an address again."""
    put_in_force(scene, SAMPLE / "1.md")
    take_in(scene, tmp_path)
    announce(scene, SAMPLE / "2.md")
    scene.wait("all first notices are out", lambda: version(scene, 2).effective_at)
    came_to = {"alice": "delivered", "bob": "delivered", "bounce": "bounced"}
    came_to |= {"complain": "complained", "return": "bounced", "block": "bounced"}
    scene.wait("all is told of them", lambda: mails_of(scene, "first_notice") == came_to)

    forward_to(scene, timedelta(days=14))
    scene.wait("the reminder is out", lambda: len(mails_of(scene, "reminder_1")) == len(PEOPLE))
    for name in ("bounce", "complain", "return"):
        is_held_back(scene, name, "reminder_1")
        assert len(scene.mails(to=address(name))) == 1
    assert len(scene.mails(to=address("block"))) == 2  # that was for a while only

    alice, bob = (scene.mails(to=address(name))[0] for name in ("alice", "bob"))
    page = phones()
    page.goto(link_in(alice, "/unsubscribe/"))
    page.get_by_role("button", name="Send me no more reminders").click()
    expect(page.get_by_role("heading", name="You get no more reminders")).to_be_visible()
    one_click = scene.connections.request(
        "POST",
        bob["headers"]["List-Unsubscribe"].strip("<>"),
        fields=dict([bob["headers"]["List-Unsubscribe-Post"].split("=")]),
        encode_multipart=False,
        redirect=False,
    )
    assert one_click.status == 200

    act(scene, "mail", "allow", address("bounce"), "--reason", "She wrote to us.", "--as", "omar")
    scene.wait("her reminder is out", lambda: len(scene.mails(to=address("bounce"))) == 2)

    forward_to(scene, timedelta(days=3))
    scene.wait("the last reminder", lambda: len(mails_of(scene, "reminder_2")) == len(PEOPLE))
    for name in ("alice", "bob"):
        is_held_back(scene, name, "reminder_2")
        assert len(scene.mails(to=address(name))) == 2
    assert not_reached(scene) == ["a-block", "a-bounce", "a-complain", "a-return"]


def take_in(scene: Scene, directory: Path) -> None:
    """Ops import these people."""
    file = directory / "accounts.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("external_id", "email", "name"))
        writer.writerows((f"a-{name}", address(name), name.title()) for name in PEOPLE)
    act(scene, "accounts", "import", str(file), "--as", "omar")


def mails_of(scene: Scene, step: str) -> dict[str, str]:
    """The state of each person's mail of a step."""
    with scene.database.session() as session:
        rows = session.exec(
            select(Account.external_id, OutboxMail.state)
            .join(OutboxMail, OutboxMail.addressee_id == Account.id)  # type: ignore[arg-type]
            .where(OutboxMail.step == step)
        ).all()
    return {name.removeprefix("a-"): state for name, state in rows}


def is_held_back(scene: Scene, name: str, step: str) -> None:
    """That mail goes to nobody."""
    eventually(lambda: mails_of(scene, step)[name] == "suppressed")


def not_reached(scene: Scene) -> list[str]:
    """Whom the first notice did not reach."""
    with scene.database.session() as session:
        campaign = campaigns.campaign_of(session, version(scene, 2).id)
        assert campaign
        return [one.account for one in not_reached_by(session, campaign, ZoneInfo("UTC"))]


def forward_to(scene: Scene, lead: timedelta) -> None:
    """Time passes until ten in the morning of the day that lies so long before the effect."""
    effective_at = version(scene, 2).effective_at
    assert effective_at
    advance_to(scene, effective_at - lead + timedelta(hours=10))
