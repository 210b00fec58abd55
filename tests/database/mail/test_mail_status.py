"""When the mail service takes nothing, and when it is only away for a moment (P21)."""

from datetime import timedelta

import pytest

from database.mail.mail_status import requests_in_vain
from database.tables import MailAttempt
from tests.scene import NOW, Scene

Tried = list[tuple[int, str | None]]
"""How many minutes ago each request was made, and what became of it."""


@pytest.mark.parametrize(
    ("tried", "in_vain"),
    [
        ([(20, "not_sent"), (10, "not_sent"), (1, "unknown")], 3),
        ([(29, "not_sent"), (19, "unknown"), (9, "not_sent"), (1, None)], 3),
        ([(20, "not_sent"), (1, "not_sent")], 0),
        ([(3, "not_sent"), (2, "not_sent"), (1, "not_sent")], 0),
        ([(20, "accepted"), (10, "not_sent"), (5, "not_sent"), (1, "not_sent")], 0),
        ([(20, "not_sent"), (10, "not_sent"), (5, "rejected"), (1, "not_sent")], 0),
        ([(45, "accepted"), (20, "not_sent"), (10, "not_sent"), (1, "not_sent")], 3),
        ([(50, "not_sent"), (40, "not_sent"), (31, "not_sent")], 0),
        ([], 0),
    ],
    ids=[
        "nothing for twenty minutes",
        "one is under way",
        "two only",
        "three minutes only",
        "one was taken",
        "one was refused for itself, so somebody reads them",
        "what was taken before is over",
        "long ago",
        "nothing to send",
    ],
)
def test_in_vain_is_half_an_hour_without_one_that_was_taken(
    scene: Scene, tried: Tried, in_vain: int
) -> None:
    with scene.database.transaction() as transaction:
        for minutes, outcome in tried:
            at = NOW - timedelta(minutes=minutes)
            transaction.add(MailAttempt(copies=1, started_at=at, outcome=outcome))
    with scene.database.session() as session:
        assert requests_in_vain(session, NOW) == in_vain
