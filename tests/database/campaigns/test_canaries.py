"""A fair sample of a campaign is mailed first; the others follow if all goes well (P8)."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel import col, func, select, update

from database.campaigns import canaries, controls, freezing
from database.campaigns.canaries import choose_canary, look_at_canary
from database.campaigns.control_acts import control_acts
from database.campaigns.shards import open_shards, queue_step
from database.chunks import LongEnough
from database.mail.outbox import STAFF
from database.mail.steps import FIRST_NOTICE
from database.people.accounts import AccountRow
from database.tables import (
    Account,
    Campaign,
    CampaignAddressee,
    ControlAct,
    MailAttempt,
    OutboxMail,
)
from domain.campaigns.sending import Canary
from settings import Settings
from tests.database.campaigns.test_controls import act
from tests.scene import LANGUAGES, NOW, Scene

LATER = NOW + timedelta(minutes=30)
LIMITS = Settings(_env_file=None).limits
TEN = Canary(percent=1, at_least=10, wait_period=timedelta(minutes=30))


def frozen(scene: Scene, count: int) -> UUID:
    """A campaign for so many people, in the order of their ids."""
    scene.import_accounts(
        *(
            AccountRow(external_id=f"p{number:04}", email=f"p{number}@people.example")
            for number in range(count)
        )
    )
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    return campaign


def with_canary(scene: Scene, count: int = 40) -> UUID:
    campaign = frozen(scene, count)
    choose_canary(scene.database, campaign, TEN, NOW)
    return campaign


def shards(scene: Scene) -> dict[int, int]:
    with scene.database.session() as session:
        rows = session.exec(
            select(CampaignAddressee.shard, func.count()).group_by(col(CampaignAddressee.shard))
        ).all()
    return dict(rows)


def shards_open(scene: Scene, campaign: UUID, step: str = FIRST_NOTICE) -> list[int]:
    with scene.database.session() as session:
        return open_shards(session, campaign, step)


def mail_canary(scene: Scene, campaign: UUID, **states: int) -> None:
    """Mail the canary, and let this become of so many of them; the others are delivered."""
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign)
        queue_step(transaction, row, FIRST_NOTICE, -1, languages=LANGUAGES, now=NOW)
        mails = transaction.exec(select(OutboxMail.id)).all()
        wanted = [state for state, count in states.items() for _ in range(count)]
        wanted += ["delivered"] * (len(mails) - len(wanted))
        for mail, state in zip(mails, wanted, strict=True):
            transaction.execute(
                update(OutboxMail).where(col(OutboxMail.id) == mail).values(state=state)
            )


def look(scene: Scene, campaign: UUID, now: datetime) -> Campaign:
    with scene.database.transaction() as transaction:
        look_at_canary(transaction, campaign, TEN, LIMITS, now)
    with scene.database.session() as session:
        return session.get_one(Campaign, campaign)


def acts(scene: Scene) -> list[tuple[str, str, bool]]:
    with scene.database.session() as session:
        rows = session.exec(select(ControlAct).order_by(col(ControlAct.acted_at))).all()
    return [(row.act, row.reason, row.staff_id is None) for row in rows]


def told(scene: Scene) -> list[UUID]:
    with scene.database.session() as session:
        mails = session.exec(select(OutboxMail).where(OutboxMail.addressee_kind == STAFF)).all()
    assert {mail.template for mail in mails} <= {"campaign_stopped"}
    return [mail.addressee_id for mail in mails]


def test_those_who_go_first_come_from_all_over_and_everybody_stays_addressed_once(
    scene: Scene,
) -> None:
    """P8: by lot. That forty of four hundred all come from one half happens once in 10^12 times."""
    campaign, forty = frozen(scene, 400), replace(TEN, at_least=40)
    before = shards(scene)
    choose_canary(scene.database, campaign, forty, NOW)
    choose_canary(scene.database, campaign, forty, NOW)
    assert before == {0: 400}
    assert shards(scene) == {-1: 40, 0: 360}
    with scene.database.session() as session:
        first = session.exec(
            select(Account.external_id)
            .join(CampaignAddressee, col(CampaignAddressee.account_id) == col(Account.id))
            .where(CampaignAddressee.shard == -1)
        ).all()
    assert min(first) < "p0200" <= max(first)


def test_a_large_canary_fills_several_shards_and_goes_on_where_it_was_interrupted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: nobody is chosen twice."""
    monkeypatch.setattr(canaries, "SHARD_SIZE", 4)
    campaign = frozen(scene, 40)

    def enough(_rows: int) -> None:
        raise LongEnough

    with suppress(LongEnough):
        choose_canary(scene.database, campaign, TEN, NOW, enough)
    assert shards(scene) == {-1: 4, 0: 36}
    choose_canary(scene.database, campaign, TEN, NOW)
    assert shards(scene) == {-3: 2, -2: 4, -1: 4, 0: 30}
    assert shards_open(scene, campaign) == [-3, -2, -1]


def test_a_small_campaign_has_no_canary(scene: Scene) -> None:
    """P8: where everybody would be first, nobody is."""
    campaign = with_canary(scene, 10)
    assert shards(scene) == {0: 10}
    assert shards_open(scene, campaign) == [0]


def test_nobody_waits_for_a_canary_of_which_nobody_had_to_be_mailed(scene: Scene) -> None:
    """P8: a correction of what they had been told already."""
    campaign = with_canary(scene)
    mail_canary(scene, campaign, carried=9, suppressed=1)
    assert look(scene, campaign, NOW).canary_ended_at == NOW
    assert shards_open(scene, campaign) == [0]
    assert acts(scene) == []
    assert told(scene) == []


def test_what_went_wrong_is_held_against_those_who_were_mailed(scene: Scene) -> None:
    """P8: that others had been told already makes it no better."""
    campaign = with_canary(scene)
    mail_canary(scene, campaign, carried=8, bounced=1)
    assert look(scene, campaign, NOW).canary_ended_at is None, "one was mailed, and one bounced"
    assert look(scene, campaign, LATER).state == "paused"
    assert ["1 of 2 copies" in reason for _, reason, _ in acts(scene)] == [True]


def test_only_the_canary_is_owed_its_first_notice_until_it_was_looked_at(scene: Scene) -> None:
    """P8: what tells of a withdrawal goes to everybody at once."""
    campaign = with_canary(scene)
    assert shards_open(scene, campaign) == [-1]
    assert shards_open(scene, campaign, "withdrawal") == [-1, 0]
    mail_canary(scene, campaign)
    assert look(scene, campaign, NOW).canary_until == LATER
    assert look(scene, campaign, LATER - timedelta(seconds=1)).canary_ended_at is None
    assert shards_open(scene, campaign) == []
    after = look(scene, campaign, LATER)
    assert (after.state, after.canary_ended_at) == ("running", LATER)
    assert shards_open(scene, campaign) == [0]
    assert acts(scene) == []
    assert told(scene) == []


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ({"bounced": 1}, "1 of 10 copies bounced"),
        ({"dropped": 1}, "1 of 10 copies bounced"),
        ({"rejected": 1}, "1 of 10 copies bounced"),
        ({"complained": 2}, "2 of 10 copies were reported as spam"),
        ({"unknown": 1}, "Nobody knows whether 1 of 10 copies went out"),
        ({"operator": 1}, "Nobody knows whether 1 of 10 copies went out"),
    ],
)
def test_when_too_much_goes_wrong_the_machine_pauses_it_and_tells_its_owner_why(
    scene: Scene, states: dict[str, int], words: str
) -> None:
    """P8."""
    campaign = with_canary(scene)
    mail_canary(scene, campaign, **states)
    look(scene, campaign, NOW)
    assert look(scene, campaign, LATER).state == "paused"
    look(scene, campaign, LATER)
    ((what, reason, machine),) = acts(scene)
    assert (what, machine) == ("canary", True)
    assert words in reason
    assert told(scene) == [scene.staff["lena"]]
    with scene.database.session() as session:
        version = session.get_one(Campaign, campaign).policy_version_id
        (done,) = control_acts(session, version)
    assert done.by == "the machine"


def test_a_campaign_that_its_owner_resumes_does_not_wait_for_a_canary_again(scene: Scene) -> None:
    """P8: its owner has read why, and decided."""
    campaign = with_canary(scene)
    mail_canary(scene, campaign, bounced=5)
    look(scene, campaign, NOW)
    look(scene, campaign, LATER)
    act(scene, controls.resume, "lena", "they were old addresses", now=LATER)
    assert look(scene, campaign, LATER).state == "running"
    assert shards_open(scene, campaign) == [0]


def test_whoever_resumes_in_the_middle_of_the_canary_has_decided_that_it_is_good(
    scene: Scene,
) -> None:
    """P8."""
    campaign = with_canary(scene)
    mail_canary(scene, campaign)
    look(scene, campaign, NOW)
    act(scene, controls.pause, "omar")
    assert look(scene, campaign, LATER).canary_ended_at is None, "a person holds it already"
    act(scene, controls.resume, "lena", "it is right", now=LATER)
    assert shards_open(scene, campaign) == [0]


def test_a_pause_before_the_canary_is_mailed_does_not_spare_it(scene: Scene) -> None:
    """P8: nothing was seen of it yet."""
    campaign = with_canary(scene)
    act(scene, controls.pause, "omar")
    act(scene, controls.resume, "lena", "it is right")
    assert shards_open(scene, campaign) == [-1]


@pytest.mark.parametrize(("answered", "state"), [(500, "paused"), (None, "running")])
def test_a_canary_answered_with_errors_stops_as_soon_as_it_is_mailed_and_a_lost_answer_does_not(
    scene: Scene, answered: int | None, state: str
) -> None:
    """P8: the events of half an hour may tell what became of a request whose answer was lost."""
    campaign = with_canary(scene)
    mail_canary(scene, campaign, unknown=10)
    with scene.database.transaction() as transaction:
        attempt = MailAttempt(copies=10, started_at=NOW, outcome="unknown", answered=answered)
        transaction.add(attempt)
        transaction.execute(update(OutboxMail).values(attempt_id=attempt.id))
    assert look(scene, campaign, NOW).state == state
    assert len(told(scene)) == (1 if answered else 0)
    if answered:
        act(scene, controls.resume, "lena", "it works again", now=NOW + timedelta(minutes=5))
        assert shards_open(scene, campaign) == [-1, 0]
    else:
        assert look(scene, campaign, LATER).state == "paused"


def test_a_canary_that_was_taken_after_all_goes_on(scene: Scene) -> None:
    """P8: an error was answered, and then events told that the mails went out."""
    campaign = with_canary(scene)
    mail_canary(scene, campaign)
    with scene.database.transaction() as transaction:
        attempt = MailAttempt(copies=10, started_at=NOW, outcome="unknown", answered=500)
        transaction.add(attempt)
        transaction.execute(update(OutboxMail).values(attempt_id=attempt.id))
    assert look(scene, campaign, NOW).state == "running"
