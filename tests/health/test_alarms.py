"""Who looks is told which ways alarms go, and of one that the webhook does not take."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from database.tables import Alarm
from database.webhooks import posts
from database.webhooks.alarms import AlarmKind, sound
from health.alarms import BY_MAIL_ONLY, alarms
from health.lookout import Answer
from settings import ROOT
from tests.scene import NOW, Scene

FAILURES = (ROOT / "docs" / "failures.md").read_text("utf-8")
WEBHOOK = "https://ops.example.com/alarms/a-secret-way-in"
Told = Callable[..., Answer]


@pytest.fixture
def told(scene: Scene) -> Told:
    """What is said of alarms so many minutes after NOW."""

    def told(minutes: int = 0, *, webhook: str = WEBHOOK) -> Answer:
        with scene.database.session() as session:
            return alarms(session, webhook, NOW + timedelta(minutes=minutes))

    return told


def not_taken(scene: Scene) -> None:
    with scene.database.transaction() as transaction:
        kind = AlarmKind.MAILS_UNSETTLED
        sound(transaction, kind, "today", NOW, page="/staff/ops", mails=1)
        transaction.flush()
        alarm = posts.claim(transaction, Alarm, NOW)
        assert alarm
        transaction.flush()
        posts.put_back(transaction, alarm, "it answers 503")


def test_that_alarms_go_by_mail_only_is_said_in_words(told: Told) -> None:
    """Never silently off."""
    found = told(webhook="")
    assert found == Answer(word=BY_MAIL_ONLY, remedy="alarms-by-mail-only")
    assert "PROMISEKEEPER_ALARM_WEBHOOK_URL is not set" in found.word


def test_of_the_webhook_no_more_than_its_host_is_told(told: Told) -> None:
    """P32: its address may be the key to it."""
    assert told() == Answer(
        word="they go by mail and to the webhook at ops.example.com; none waits"
    )


def test_one_that_waits_is_told_with_its_reason_and_is_not_well_once_the_watchdog_was_by(
    scene: Scene, told: Told
) -> None:
    not_taken(scene)
    assert told(minutes=1).well
    found = told(minutes=20)
    assert (found.well, found.remedy) == (False, "alarms-waiting")
    assert found.word == (
        "they go by mail and to the webhook at ops.example.com; "
        "not taken yet: 1, since 2026-03-02 09:00 UTC, because it answers 503"
    )


@pytest.mark.parametrize("webhook", ["", WEBHOOK])
def test_the_page_quotes_the_words_that_are_said(scene: Scene, told: Told, webhook: str) -> None:
    not_taken(scene)
    found = told(webhook=webhook)
    (line,) = [line for line in FAILURES.splitlines() if line.startswith(f"| `{found.remedy}`")]
    quoted = line.split("|")[2].split("`")[1::2]
    assert quoted
    assert all(words in found.word for words in quoted)
