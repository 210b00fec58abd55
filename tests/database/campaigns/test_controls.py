"""Whoever sees that something is wrong stops it at once; starting again takes its owner (P8)."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from database.campaigns import controls, freezing, owed
from database.campaigns.control_acts import control_acts
from database.campaigns.controls import ControlRefused
from database.engine import Database
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch
from database.mail.outbox import (
    ACCOUNT,
)
from database.mail.steps import FIRST_NOTICE, WITHDRAWAL
from database.people.staff import StaffRefused
from database.policies import policies
from database.tables import Campaign, ControlAct, MailStop, PolicyVersion, Staff
from domain.policies.reviews import VersionState
from tests.people import ALICE, BOB, CAROL
from tests.scene import EFFECT, NOW, ONE_HOUR, Scene, loose_mails

SECOND, ONE_DAY = timedelta(seconds=1), timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


def act(
    scene: Scene,
    what: controls.Control[None],
    who: str,
    why: str = "a wrong sentence",
    now: datetime = NOW,
) -> None:
    with scene.database.transaction() as transaction:
        version = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
        roles = ("legal", "ops", "privacy")
        told = controls.acting(transaction, scene.staff[who], *roles, reason=why, now=now)
        what(transaction, version, told)


def switch(
    scene: Scene,
    what: controls.Switch,
    who: str,
    why: str = "a wrong key",
    now: datetime = NOW,
) -> None:
    with scene.database.transaction() as transaction:
        told = controls.acting(transaction, scene.staff[who], "legal", "ops", reason=why, now=now)
        what(transaction, told)


def claimed(database: Database, batch: Batch) -> int:
    with database.transaction() as transaction:
        claim = outbox.claim(transaction, batch, limit=1000, now=NOW)
    return claim.copies if claim else 0


def states(scene: Scene, campaign: UUID, step: str = FIRST_NOTICE) -> dict[str, int]:
    with scene.database.session() as session:
        return outbox.states(session, Batch(subject_id=campaign, step=step))


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """The first notices for Alice, Bob and Carol are queued."""
    scene.import_accounts(ALICE, BOB, CAROL)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    return campaign


def test_of_a_paused_campaign_nothing_is_claimed_until_its_owner_resumes_it(
    scene: Scene, campaign: UUID
) -> None:
    act(scene, controls.pause, "omar")
    assert claimed(scene.database, Batch(subject_id=campaign)) == 0
    assert states(scene, campaign) == {"queued": 3}
    with pytest.raises(ControlRefused, match="ask lena"):
        act(scene, controls.resume, "omar")
    assert claimed(scene.database, Batch(subject_id=campaign)) == 0
    act(scene, controls.resume, "lena", "read it again: it is right")
    assert claimed(scene.database, Batch(subject_id=campaign)) == 3


def test_a_pause_works_in_another_process_from_its_commit_on(scene: Scene, campaign: UUID) -> None:
    with closing(Database(scene.database.url)) as worker:
        with worker.transaction() as transaction:
            outbox.claim(transaction, Batch(subject_id=campaign), limit=1, now=NOW)
        act(scene, controls.pause, "omar")
        assert claimed(worker, Batch(subject_id=campaign)) == 0


def test_when_the_owner_has_left_legal_resumes_the_campaign(scene: Scene, campaign: UUID) -> None:
    act(scene, controls.pause, "omar")
    with scene.database.transaction() as transaction:
        transaction.get_one(Staff, scene.staff["lena"]).left_at = NOW
    with pytest.raises(ControlRefused, match="takes legal"):
        act(scene, controls.resume, "omar")
    act(scene, controls.resume, "noor")
    assert claimed(scene.database, Batch(subject_id=campaign)) == 3


def slowed(scene: Scene, who: str, per_minute: int) -> int | None:
    """Somebody sets the campaign's rate; what it is then."""
    act(scene, partial(controls.set_rate, per_minute=per_minute), who, "the addresses are new")
    with scene.database.session() as session:
        return session.exec(select(Campaign)).one().per_minute


def test_ops_make_a_campaign_slower_and_only_its_owner_makes_it_faster(
    scene: Scene, campaign: UUID
) -> None:
    """P8: as with a stop: anybody may hold back, and who answers for it lets go."""
    assert slowed(scene, "omar", 600) == 600
    assert slowed(scene, "omar", 60) == 60
    for faster in (61, 0):
        with pytest.raises(ControlRefused, match=r"ask lena\. It stays at 60 a minute"):
            slowed(scene, "omar", faster)
    assert slowed(scene, "lena", 6_000) == 6_000
    assert slowed(scene, "lena", 0) is None
    with scene.database.session() as session:
        acts = control_acts(session, session.exec(select(PolicyVersion.id)).all()[1])
    assert [(done.act, done.by, done.per_minute) for done in acts] == [
        ("rate", "omar", 600),
        ("rate", "omar", 60),
        ("rate", "lena", 6_000),
        ("rate", "lena", None),
    ]


@pytest.mark.parametrize(
    ("per_minute", "words"),
    [
        (-1, "whole number"),
        (1_000_001, "whole number"),
        (0, "already: no rate of its own"),
    ],
)
def test_a_rate_that_is_none_is_refused_in_words(
    scene: Scene, campaign: UUID, per_minute: int, words: str
) -> None:
    with pytest.raises(ControlRefused, match=words):
        slowed(scene, "lena", per_minute)


def test_the_rate_of_a_campaign_that_was_taken_back_is_nobodys_matter(
    scene: Scene, campaign: UUID
) -> None:
    act(scene, controls.withdraw, "lena")
    with pytest.raises(ControlRefused, match="is withdrawn"):
        slowed(scene, "lena", 60)


@pytest.mark.parametrize(
    ("before", "what", "words"),
    [
        ([controls.pause], controls.pause, "is paused: there is nothing to pause"),
        ([], controls.resume, "is running, so it cannot be resumed"),
        ([controls.withdraw], controls.pause, "is withdrawn: there is nothing to pause"),
        ([controls.withdraw], controls.withdraw, "withdrawn already"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    scene: Scene,
    campaign: UUID,
    before: list[controls.Control[None]],
    what: controls.Control[None],
    words: str,
) -> None:
    for earlier in before:
        act(scene, earlier, "lena")
    now = states(scene, campaign)
    with pytest.raises(ControlRefused, match=words):
        act(scene, what, "lena")
    assert states(scene, campaign) == now


def test_nobody_stops_anything_without_a_reason_or_a_role(scene: Scene, campaign: UUID) -> None:
    with pytest.raises(ControlRefused, match="A reason is needed"):
        act(scene, controls.pause, "omar", "  ")
    with pytest.raises(StaffRefused):
        switch(scene, controls.stop_mail, "petra")
    assert claimed(scene.database, Batch(subject_id=campaign)) == 3


def test_a_withdrawn_version_governs_nobody_and_nothing_of_its_queue_goes_out(
    scene: Scene, campaign: UUID
) -> None:
    """P8: and one that was mailed already is told; the others never heard of it."""
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, Batch(subject_id=campaign), limit=1, now=NOW)
        assert claim
        outcomes.accept(transaction, claim.attempt_id, "x", NOW)
    act(scene, controls.withdraw, "noor")
    assert claimed(scene.database, Batch(subject_id=campaign)) == 0
    assert len(scene.queue_step(campaign, WITHDRAWAL)) == 1
    assert claimed(scene.database, Batch(subject_id=campaign, step=WITHDRAWAL)) == 1
    with scene.database.session() as session:
        row = session.get_one(Campaign, campaign)
        version = session.get_one(PolicyVersion, row.policy_version_id)
        assert (row.state, version.state) == ("withdrawn", VersionState.WITHDRAWN)
        current = policies.version_in_force(session, version.policy_id, EFFECT + timedelta(days=99))
        assert current
        assert current.number == 1


def test_after_a_withdrawal_another_version_can_be_submitted(scene: Scene, campaign: UUID) -> None:
    act(scene, controls.withdraw, "noor")
    assert scene.submit("# Privacy\n\nWe keep nothing at all.\n").number == 3
    assert claimed(scene.database, Batch(subject_id=campaign)) == 0


def test_what_is_in_force_by_its_date_cannot_be_taken_back(scene: Scene, campaign: UUID) -> None:
    """Also while nobody has written down yet that the date has come."""
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign)
        transaction.get_one(PolicyVersion, row.policy_version_id).effective_at = NOW
    with pytest.raises(ControlRefused, match="is in force"):
        act(scene, controls.withdraw, "noor")


def test_who_did_what_and_why_is_kept(scene: Scene, campaign: UUID) -> None:
    act(scene, controls.pause, "omar", "bounces")
    act(scene, controls.resume, "lena", "mended", NOW + SECOND)
    with scene.database.session() as session:
        version_id = session.get_one(Campaign, campaign).policy_version_id
        done = control_acts(session, version_id)
        assert [(each.act, each.by, each.reason) for each in done] == [
            ("pause", "omar", "bounces"),
            ("resume", "lena", "mended"),
        ]
        assert len(session.exec(select(ControlAct)).all()) == 2


def test_while_all_mail_is_stopped_nothing_is_claimed_of_anything(
    scene: Scene, campaign: UUID
) -> None:
    with scene.database.transaction() as transaction:
        (other,) = outbox.queue(transaction, loose_mails(1), NOW)
    switch(scene, controls.stop_mail, "omar")
    assert claimed(scene.database, Batch(subject_id=campaign)) == 0
    assert claimed(scene.database, Batch(mail_id=other)) == 0
    with pytest.raises(ControlRefused, match="stopped already"):
        switch(scene, controls.stop_mail, "omar")
    with pytest.raises(ControlRefused, match="ask lena"):
        switch(scene, controls.start_mail, "omar")
    assert claimed(scene.database, Batch(mail_id=other)) == 0
    switch(scene, controls.start_mail, "lena")
    assert claimed(scene.database, Batch(subject_id=campaign, addressee_kind=ACCOUNT)) == 3
    assert claimed(scene.database, Batch(mail_id=other)) == 1


def test_mail_can_be_stopped_again_and_each_stop_is_kept(scene: Scene) -> None:
    steps: list[tuple[Callable[..., None], str]] = [
        (controls.stop_mail, "omar"),
        (controls.start_mail, "lena"),
        (controls.stop_mail, "noor"),
    ]
    for what, who in steps:
        switch(scene, what, who)
    with scene.database.session() as session:
        stops = session.exec(select(MailStop)).all()
        assert sorted(bool(stop.in_effect) for stop in stops) == [False, True]
        assert outbox.all_is_stopped(session)
    switch(scene, controls.start_mail, "lena")
    with pytest.raises(ControlRefused, match="Mail is not stopped"):
        switch(scene, controls.start_mail, "lena")


def effective_at(scene: Scene, campaign: UUID, at: datetime | None) -> None:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign)
        transaction.get_one(PolicyVersion, row.policy_version_id).effective_at = at


def postpone(scene: Scene, until_on: date | None, now: datetime = NOW) -> PolicyVersion:
    later = partial(controls.postpone, until_on=until_on, zone=BERLIN, sending_period=ONE_DAY)
    act(scene, later, "noor", now=now)
    with scene.database.session() as session:
        return session.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()


def test_a_date_moves_later_to_the_midnight_of_the_company(scene: Scene, campaign: UUID) -> None:
    """P7: and never earlier, nor to the day that was said already."""
    effective_at(scene, campaign, EFFECT)
    assert postpone(scene, date(2026, 5, 1)).effective_at == datetime(2026, 4, 30, 22, tzinfo=UTC)
    for day in (date(2026, 5, 1), date(2026, 4, 20)):
        with pytest.raises(ControlRefused, match="only ever moves later"):
            postpone(scene, day)
    with scene.database.session() as session:
        (done,) = control_acts(session, session.get_one(Campaign, campaign).policy_version_id)
        assert (done.act, done.until_on) == ("postpone", date(2026, 5, 1))


def test_before_the_date_is_fixed_its_earliest_day_moves(scene: Scene, campaign: UUID) -> None:
    later = postpone(scene, date(2026, 6, 1))
    assert (later.effective_at, later.planned_effective_on) == (None, date(2026, 6, 1))


def test_each_postponement_is_a_step_for_those_who_were_mailed_before(
    scene: Scene, campaign: UUID
) -> None:
    """P7, P8: not for who never heard another day."""
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, Batch(subject_id=campaign), limit=2, now=NOW)
        assert claim
        outcomes.accept(transaction, claim.attempt_id, "x", NOW)
    version = postpone(scene, date(2026, 6, 1))
    with scene.database.session() as session:
        assert list(owed.postponements(session, version.id)) == ["postponement_1"]
    with scene.database.transaction() as transaction:
        later = NOW + ONE_HOUR
        claim = outbox.claim(transaction, Batch(subject_id=campaign), limit=2, now=later)
        assert claim
        outcomes.accept(transaction, claim.attempt_id, "x", later)
    assert states(scene, campaign) == {"accepted": 3}
    assert len(scene.queue_step(campaign, "postponement_1")) == 2, "Carol's mail named the new day"


def test_what_is_in_force_or_withdrawn_cannot_be_postponed(scene: Scene, campaign: UUID) -> None:
    effective_at(scene, campaign, NOW)
    with pytest.raises(ControlRefused, match="is in force"):
        postpone(scene, date(2026, 6, 1))
    effective_at(scene, campaign, EFFECT)
    act(scene, controls.withdraw, "noor")
    with pytest.raises(ControlRefused, match="withdrawn already"):
        postpone(scene, date(2026, 6, 1))


def test_while_its_day_is_open_nothing_of_the_timetable_goes_out(
    scene: Scene, campaign: UUID
) -> None:
    """P8: not the first notices that wait, nor a reminder; only word that it comes later."""
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, Batch(subject_id=campaign), limit=1, now=NOW)
        assert claim
        outcomes.accept(transaction, claim.attempt_id, "x", NOW)
    version = postpone(scene, None)
    assert (version.state, version.effective_at) == (VersionState.POSTPONED, None)
    assert claimed(scene.database, Batch(subject_id=campaign)) == 0
    assert len(scene.queue_step(campaign, "postponement_1")) == 1
    assert claimed(scene.database, Batch(subject_id=campaign, step="postponement_1")) == 1
    assert states(scene, campaign) == {"accepted": 1, "queued": 2}
    with pytest.raises(ControlRefused, match="postponed already"):
        postpone(scene, None)
    postpone(scene, date(2026, 6, 1))
    assert claimed(scene.database, Batch(subject_id=campaign)) == 2


def test_a_day_after_an_open_one_leaves_the_whole_notice(scene: Scene, campaign: UUID) -> None:
    """P7: those who heard that nothing comes for now hear of the day as if for the first time."""
    effective_at(scene, campaign, EFFECT)
    notified(scene, campaign)
    postpone(scene, None)
    late = NOW + timedelta(days=60)
    with pytest.raises(ControlRefused, match="the earliest is 2026-06-02"):
        postpone(scene, date(2026, 6, 1), late)
    version = postpone(scene, date(2026, 6, 2), late)
    assert version.state == VersionState.ANNOUNCED
    assert version.effective_at == datetime(2026, 6, 1, 22, tzinfo=UTC)


def test_a_day_after_an_open_one_is_never_earlier_than_was_said(
    scene: Scene, campaign: UUID
) -> None:
    """P7."""
    effective_at(scene, campaign, EFFECT + timedelta(days=100))
    notified(scene, campaign)
    postpone(scene, None)
    with pytest.raises(ControlRefused, match="only ever moves later"):
        postpone(scene, date(2026, 7, 1))


def test_a_version_whose_day_is_open_governs_nobody_and_can_be_withdrawn(
    scene: Scene, campaign: UUID
) -> None:
    effective_at(scene, campaign, EFFECT)
    version = postpone(scene, None)
    with scene.database.session() as session:
        late = EFFECT + timedelta(days=99)
        current = policies.version_in_force(session, version.policy_id, late)
        assert current
        assert current.number == 1
        announced = policies.announced_version(session, version.policy_id, late)
        assert announced
        assert announced.number == 2
    act(scene, controls.withdraw, "noor", now=EFFECT + timedelta(days=1))
    assert claimed(scene.database, Batch(subject_id=campaign)) == 0


def notified(scene: Scene, campaign: UUID) -> None:
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign).notified_at = NOW
