"""A rate over all senders and processes, one of a campaign's own, and what a 429 leaves (P8)."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event
from sqlmodel import select

from database.engine import Database
from database.mail import outbox, outcomes, pace
from database.mail.mail_rows import Batch
from database.mail.mail_status import mail_status, mails_by_state
from database.mail.outbox import ACCOUNT, CAMPAIGN, NotYet
from database.tables import Campaign, MailBucket, MailSlowdown
from domain.mail.pace import MINUTE, SLOWEST
from tests.in_two_processes import in_two_processes, meet, side_by_side
from tests.scene import NOW, Scene, loose_mails

SECOND = timedelta(seconds=1)
RATE = 600


def queued(scene: Scene, copies: int, subject: UUID | None = None) -> Batch:
    subject = subject or uuid4()
    with scene.database.transaction() as transaction:
        outbox.queue(transaction, loose_mails(copies, subject_id=subject), NOW)
    return Batch(subject_id=subject)


def take(
    database: Database,
    batch: Batch,
    *,
    now: datetime = NOW,
    limit: int = 1000,
    per_minute: int = RATE,
) -> int:
    """How many copies one claim gets."""
    with database.transaction() as transaction:
        claim = outbox.claim(transaction, batch, limit=limit, now=now, per_minute=per_minute)
    return claim.copies if claim else 0


def refused_until(database: Database, batch: Batch, **how: object) -> datetime:
    with pytest.raises(NotYet) as not_yet:
        take(database, batch, **how)  # type: ignore[arg-type]
    return not_yet.value.until


def test_a_bucket_is_half_a_minute_of_the_rate_and_fills_as_time_passes(scene: Scene) -> None:
    batch = queued(scene, 1000)
    assert take(scene.database, batch) == RATE // 2
    assert refused_until(scene.database, batch) == NOW + SECOND / 10
    assert take(scene.database, batch, now=NOW + 5 * SECOND) == 50


def test_without_a_rate_nothing_is_written_and_nothing_more_is_asked(scene: Scene) -> None:
    """P8: it costs nothing when it is off."""
    batch = queued(scene, 10)
    asked: list[str] = []
    with scene.database.transaction() as transaction:
        engine = transaction.get_bind().engine
    event.listen(
        engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_rest: asked.append(statement),
    )
    assert take(scene.database, batch, per_minute=0, limit=5) == 5
    statements = [words for words in asked if not words.startswith("BEGIN")]
    # Whether any waits, what is overtaken, the first mail, the others, the attempt.
    assert len(statements) == 5
    with scene.database.session() as session:
        assert session.exec(select(MailBucket)).all() == []


def take_all_elsewhere(url: str, batch: Batch) -> int:
    """As a sender would: until nothing more may go."""
    with closing(Database(url)) as database:
        meet()
        copies = 0
        while True:
            try:
                copies += take(database, batch, limit=7)
            except NotYet:
                return copies


def test_two_processes_share_one_bucket(scene: Scene) -> None:
    """P8: the rate is one over all of them, also where they ask at the same moment."""
    batch = queued(scene, 500)
    taken = in_two_processes(take_all_elsewhere, scene.database.url, batch)
    assert sum(taken) == RATE // 2


def slow_down_elsewhere(url: str, attempts: Sequence[UUID]) -> int:
    with closing(Database(url)) as database:
        for attempt in attempts:
            meet()
            with database.transaction() as transaction:
                outcomes.give_back(transaction, attempt, "SendGrid answered 429", NOW + SECOND)
                pace.slow_down(transaction, attempt, MINUTE, NOW + SECOND)
    return len(attempts)


def claims(scene: Scene, batch: Batch, many: int) -> list[UUID]:
    found = []
    for _ in range(many):
        with scene.database.transaction() as transaction:
            claim = outbox.claim(transaction, batch, limit=5, now=NOW)
            assert claim
        found.append(claim.attempt_id)
    return found


def test_requests_of_two_processes_that_are_refused_at_once_are_one_slowdown(scene: Scene) -> None:
    """P8: twenty 429s to what was under way halve the rate once, and end in one row."""
    attempts = claims(scene, queued(scene, 50), 10)
    side_by_side(
        partial(slow_down_elsewhere, scene.database.url, attempts[::2]),
        partial(slow_down_elsewhere, scene.database.url, attempts[1::2]),
    )
    with scene.database.session() as session:
        row = session.exec(select(MailSlowdown)).one()
    assert (row.rate, row.peak, row.in_effect) == (SLOWEST, 2 * SLOWEST, True)


def slow_down(scene: Scene, now: datetime = NOW, *, sent: int = 0) -> None:
    """The mail service takes so many copies, and then says that this was too fast."""
    if sent:
        batch = queued(scene, sent)
        with scene.database.transaction() as transaction:
            claim = outbox.claim(transaction, batch, limit=sent, now=now)
            assert claim
            outcomes.accept(transaction, claim.attempt_id, "provider", now)
    (refused,) = claims(scene, queued(scene, 5), 1)
    with scene.database.transaction() as transaction:
        outcomes.give_back(transaction, refused, "SendGrid answered 429", now)
        pace.slow_down(transaction, refused, MINUTE, now)


def test_after_a_429_nobody_sends_until_the_service_lets_us_and_then_at_half_the_rate(
    scene: Scene,
) -> None:
    """P8: also without a rate of our own, and also mail that is no campaign's."""
    slow_down(scene, sent=4000)
    batch = queued(scene, 3000)
    with closing(Database(scene.database.url)) as another:
        for database in (scene.database, another):
            assert refused_until(database, batch, per_minute=0) == NOW + MINUTE
    assert take(scene.database, batch, now=NOW + MINUTE, limit=3000, per_minute=0) == 1000
    with scene.database.session() as session:
        status = mail_status(session, mails_by_state(session), NOW + MINUTE, per_minute=0)
    assert (status.rate_learnt, status.rate_before, status.learnt_since) == (2000, 4000, NOW)
    assert status.held_until is None


def test_what_was_learnt_is_forgotten_after_five_quiet_minutes(scene: Scene) -> None:
    slow_down(scene, sent=4000)
    batch = queued(scene, 3000)
    quiet = NOW + 6 * MINUTE
    assert take(scene.database, batch, now=quiet, limit=3000, per_minute=0) == 3000
    with scene.database.session() as session:
        row = session.exec(select(MailSlowdown)).one()
    assert (row.in_effect, row.ended_at) == (None, quiet)


def test_what_is_learnt_never_lifts_the_rate_that_was_set(scene: Scene) -> None:
    slow_down(scene, sent=4000)
    assert take(scene.database, queued(scene, 3000), now=NOW + MINUTE, limit=3000) == RATE // 2


def of_campaign(scene: Scene, copies: int, *, per_minute: int | None) -> Batch:
    """First notices of a campaign, with its own rate."""
    campaign_id = scene.campaign()
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign_id).per_minute = per_minute
        mails = [
            outbox.Queued(
                subject_kind=CAMPAIGN,
                subject_id=campaign_id,
                addressee_kind=ACCOUNT,
                addressee_id=uuid4(),
                step="postponement_1",
                template="first_notice",
                variant=campaign_id,
            )
            for _ in range(copies)
        ]
        outbox.queue(transaction, mails, NOW)
    return Batch(subject_id=campaign_id)


def test_a_campaign_has_a_rate_of_its_own_beside_that_of_all_mail(scene: Scene) -> None:
    """P8: it limits that campaign and nobody else."""
    batch = of_campaign(scene, 500, per_minute=100)
    assert take(scene.database, batch, per_minute=0) == 50
    assert refused_until(scene.database, batch, per_minute=0) == NOW + timedelta(seconds=30)
    assert take(scene.database, queued(scene, 500), per_minute=0) == 500


def test_of_two_rates_the_lower_counts(scene: Scene) -> None:
    batch = of_campaign(scene, 500, per_minute=100)
    assert take(scene.database, batch) == 50
    assert take(scene.database, batch, now=NOW + MINUTE, per_minute=20) == 9


def test_a_campaign_takes_a_whole_request_or_waits_for_it(scene: Scene) -> None:
    """Else the copies of a slow campaign would go out one by one."""
    batch = of_campaign(scene, 2000, per_minute=None)
    assert take(scene.database, batch, limit=100) == 100
    assert take(scene.database, batch, limit=100) == 100
    assert refused_until(scene.database, batch, limit=100) == NOW + 3 * SECOND
    assert take(scene.database, batch, now=NOW + 3 * SECOND, limit=100) == 100


def test_a_campaign_leaves_room_for_mails_that_somebody_waits_for(scene: Scene) -> None:
    """P8: an answer does not queue behind a million notices."""
    batch = of_campaign(scene, 2000, per_minute=None)
    assert take(scene.database, batch) == 270
    assert take(scene.database, queued(scene, 500)) == 30
