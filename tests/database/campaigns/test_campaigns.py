"""The audience is frozen once, an interrupted freeze goes on, and the counts add up."""

from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Select, text
from sqlmodel import Session, col, select

from database.campaigns import campaigns, freezing
from database.campaigns.not_reached import not_reached
from database.campaigns.progress import progress_of, silent_by
from database.campaigns.shards import open_shards
from database.chunks import LongEnough, at_most
from database.engine import Database
from database.imports import account_imports, unfinished_imports
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch
from database.mail.steps import FIRST_NOTICE
from database.people.accounts import AccountRow
from database.tables import (
    Account,
    AccountImport,
    Campaign,
    CampaignAddressee,
    Fact,
    Link,
    OutboxMail,
    PolicyVersion,
)
from domain.policies.reviews import VersionClass
from tests.deciding import APPROVED, DECLINED
from tests.eventually import eventually
from tests.in_two_processes import in_two_processes, meet, side_by_side
from tests.people import ALICE, BOB, CAROL, DORA
from tests.scene import EFFECT, NOW, ONE_HOUR, Scene
from tests.texts import FIRST, THIRD

LATER = NOW + timedelta(days=1)


def people(count: int) -> list[AccountRow]:
    return [
        AccountRow(external_id=f"p{number:04}", email=f"p{number}@people.example")
        for number in range(count)
    ]


def addressed(scene: Scene) -> list[str]:
    with scene.database.session() as session:
        rows = session.exec(
            select(Account.external_id)
            .join(CampaignAddressee, col(CampaignAddressee.account_id) == col(Account.id))
            .order_by(Account.external_id)
        ).all()
    return list(rows)


def shard_sizes(scene: Scene, campaign: UUID) -> list[int]:
    with scene.database.session() as session:
        rows = session.exec(
            select(CampaignAddressee.shard).where(CampaignAddressee.campaign_id == campaign)
        ).all()
    return [size for _, size in sorted(Counter(rows).items())]


def test_open_accounts_that_the_change_does_not_govern_are_addressed(scene: Scene) -> None:
    """P4: each with a link of its own."""
    closed = AccountRow(external_id="closed", email="closed@people.example", status="closed")
    scene.import_accounts(ALICE, BOB, closed)
    campaign = scene.campaign()
    assert freezing.freeze_audience(scene.database, campaign, NOW) == 2
    assert addressed(scene) == [ALICE.external_id, BOB.external_id]
    for step in (FIRST_NOTICE, "reminder_1"):
        scene.queue_step(campaign, step)
    with scene.database.session() as session:
        links = session.exec(select(Link)).all()
    assert len({link.nonce for link in links}) == len({link.account_id for link in links}) == 2


def test_a_frozen_audience_stays_as_it_is(scene: Scene) -> None:
    """P4: who joins later, or is asked for twice, changes nothing."""
    scene.import_accounts(ALICE)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.import_accounts(BOB, now=NOW)
    assert freezing.freeze_audience(scene.database, campaign, LATER) == 1
    with scene.database.session() as session:
        assert session.get_one(Campaign, campaign).audience_frozen_at == NOW
        facts = session.exec(select(Fact).where(Fact.kind == "campaign.audience_frozen")).all()
        assert [fact.payload for fact in facts] == [{"addressees": 1}]


def test_who_joined_after_the_freeze_began_is_not_addressed(scene: Scene) -> None:
    """P7: late-joining ones do not hold the date."""
    scene.import_accounts(ALICE)
    campaign = scene.campaign()
    scene.import_accounts(BOB, now=LATER)
    assert freezing.freeze_audience(scene.database, campaign, NOW) == 1


def test_all_shards_but_the_last_are_full_however_the_chunks_fall(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freezing, "SHARD_SIZE", 7)
    monkeypatch.setattr(freezing, "FREEZE_CHUNK", 3)
    scene.import_accounts(*people(20))
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    with scene.database.session() as session:
        placed = session.exec(select(CampaignAddressee.shard)).all()
    assert Counter(placed) == {0: 7, 1: 7, 2: 6}


def test_an_interrupted_freeze_goes_on_where_it_stopped(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4: nobody twice, nobody left out, and shards of the agreed size."""
    monkeypatch.setattr(freezing, "SHARD_SIZE", 10)
    monkeypatch.setattr(freezing, "FREEZE_CHUNK", 7)
    scene.import_accounts(*people(35))
    campaign = scene.campaign()

    freeze_and_die(scene, campaign)
    assert len(addressed(scene)) == 7
    assert freezing.freeze_audience(scene.database, campaign, NOW) == 35
    assert addressed(scene) == [row.external_id for row in people(35)]
    assert shard_sizes(scene, campaign) == [10, 10, 10, 5]


def test_who_joins_between_two_tries_to_freeze_is_named_wherever_the_first_one_stopped(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4, P7: every try goes by the instant of the first, so nobody falls between them."""
    monkeypatch.setattr(freezing, "FREEZE_CHUNK", 7)
    scene.import_accounts(*people(20))
    campaign = scene.campaign()
    freeze_and_die(scene, campaign)
    passed, coming = (
        AccountRow(external_id=name, email=f"{name}@people.example")
        for name in ("p0003a", "p0015a")
    )
    scene.import_accounts(passed, coming, now=NOW + ONE_HOUR)
    assert freezing.freeze_audience(scene.database, campaign, LATER) == 20
    assert addressed(scene) == [row.external_id for row in people(20)]
    assert missed(scene, campaign) == ["p0003a", "p0015a"]
    with scene.database.session() as session:
        assert session.get_one(Campaign, campaign).audience_frozen_at == NOW


@pytest.mark.parametrize("interrupted", [False, True])
def test_who_was_closed_at_the_freeze_and_comes_back_is_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    """P4, P7: known for long, yet neither addressed nor told."""
    monkeypatch.setattr(freezing, "FREEZE_CHUNK", 2)
    gone = replace(ALICE, external_id="p0000", status="closed")
    scene.import_accounts(gone, *people(5)[1:])
    campaign = scene.campaign()
    if interrupted:
        freeze_and_die(scene, campaign)
    else:
        freezing.freeze_audience(scene.database, campaign, NOW)
    assert missed(scene, campaign) == []
    scene.import_accounts(replace(gone, status="open"), now=NOW + ONE_HOUR)
    assert freezing.freeze_audience(scene.database, campaign, LATER) == 4
    assert missed(scene, campaign) == ["p0000"]
    with scene.database.session() as session:
        assert progress_of(session, session.get_one(Campaign, campaign)).not_reached == 1


def test_who_is_addressed_and_was_closed_for_a_while_is_not_late(scene: Scene) -> None:
    """P4: named once, by what became of the mail."""
    scene.import_accounts(ALICE)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    for status in ("closed", "open"):
        scene.import_accounts(replace(ALICE, status=status), now=LATER)
    assert missed(scene, campaign) == []


def freeze_and_die(scene: Scene, campaign: UUID) -> None:
    """Freeze the first chunk of an audience, and die."""
    address = freezing._address

    def die(*given: Any) -> None:  # noqa: ANN401 - whatever it is given
        address(*given)
        raise ConnectionError("the database went away")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(freezing, "_address", die)
        with pytest.raises(ConnectionError):
            freezing.freeze_audience(scene.database, campaign, NOW)


def missed(scene: Scene, campaign: UUID) -> list[str]:
    with scene.database.session() as session:
        row = session.get_one(Campaign, campaign)
        return [account.account for account in not_reached(session, row, ZoneInfo("UTC"))]


def freeze_elsewhere(url: str, campaign: UUID) -> int:
    with closing(Database(url)) as database:
        return freezing.freeze_audience(database, campaign, NOW)


@pytest.mark.slow
def test_two_that_freeze_at_once_address_everybody_once(scene: Scene) -> None:
    """P4: in shards of the agreed size, and one fact."""
    scene.import_accounts(*people(2300))
    campaign = scene.campaign()
    assert in_two_processes(freeze_elsewhere, scene.database.url, campaign) == [2300, 2300]
    assert shard_sizes(scene, campaign) == [1000, 1000, 300]
    with scene.database.session() as session:
        facts = session.exec(select(Fact).where(Fact.kind == "campaign.audience_frozen")).all()
    assert [fact.payload for fact in facts] == [{"addressees": 2300}]


def test_an_import_that_stands_is_finished_before_the_audience_is_frozen(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4: who was imported before is addressed, though the import was stopped in the middle."""
    monkeypatch.setattr(unfinished_imports, "STANDSTILL_SECONDS", 0)
    campaign, import_id, omar = scene.campaign(), uuid4(), scene.staff["omar"]
    staged = account_imports.stage(
        scene.database, import_id, [ALICE, BOB], asserted_by=omar, now=NOW
    )
    assert sum(staged) == 2
    assert account_imports.decide(scene.database, import_id, NOW)
    assert freezing.freeze_audience(scene.database, campaign, NOW) == 2


def test_a_freeze_ends_when_told_so_also_while_it_waits_for_an_import(scene: Scene) -> None:
    """Others get on with a large one: what a step has time for passes, and a later step goes on."""
    campaign, import_id, omar = scene.campaign(), uuid4(), scene.staff["omar"]
    rows = people(300)
    staged = account_imports.stage(scene.database, import_id, rows, asserted_by=omar, now=NOW)
    assert sum(staged) == 300
    assert account_imports.decide(scene.database, import_id, NOW)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(unfinished_imports, "_standstill", lambda *_: None)
        with pytest.raises(LongEnough):
            freezing.freeze_audience(scene.database, campaign, NOW, at_most(timedelta(0)))
    unfinished_imports.carry(scene.database, import_id, NOW)
    assert freezing.freeze_audience(scene.database, campaign, LATER) == 300


@pytest.mark.parametrize("by_its_clock", [NOW, NOW - ONE_HOUR])
def test_who_comes_by_an_import_that_stands_after_the_freeze_began_is_named_by_whichever_clock(
    scene: Scene, by_its_clock: datetime
) -> None:
    """P4, P7: it looked at the clock before, or its clock is slow; nobody falls between."""
    scene.import_accounts(ALICE, BOB, replace(CAROL, status="closed"))
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.import_accounts(DORA, replace(CAROL, status="open"), now=by_its_clock)
    assert addressed(scene) == [ALICE.external_id, BOB.external_id]
    assert missed(scene, campaign) == [CAROL.external_id, DORA.external_id]


def let_the_other_begin(transaction: Session, is_through: Select[Any]) -> None:
    """Go on when the other waits for us, or has passed us; on SQLite it does not get in at all."""
    meet()
    if transaction.get_bind().dialect.name == "postgresql":
        waits = text("SELECT 1 FROM pg_locks WHERE NOT granted")
        eventually(
            lambda: transaction.execute(waits).first() or transaction.execute(is_through).first()
        )


def decide_meanwhile(url: str, import_id: UUID, *, first: bool) -> None:
    """Decide by a clock that is slow. The first of two lets the other begin before it is done."""
    instant = account_imports.after_the_last_audience

    def dawdle(transaction: Session, now: datetime) -> datetime:
        found = instant(transaction, now)
        frozen = select(Campaign.id).where(col(Campaign.audience_frozen_at).is_not(None))
        let_the_other_begin(transaction, frozen)
        return found

    with closing(Database(url)) as database, pytest.MonkeyPatch.context() as patched:
        if first:
            patched.setattr(account_imports, "after_the_last_audience", dawdle)
        else:
            meet()
        assert account_imports.decide(database, import_id, NOW - ONE_HOUR)


def freeze_meanwhile(url: str, campaign: UUID, *, first: bool) -> None:
    """Freeze. The first of two lets the other begin before its instant is written."""
    stands = unfinished_imports.one_stands_unfinished

    def dawdle(transaction: Session) -> bool:
        found = stands(transaction)
        decided = select(AccountImport.id).where(AccountImport.state == "decided")
        let_the_other_begin(transaction, decided)
        return found

    with closing(Database(url)) as database, pytest.MonkeyPatch.context() as patched:
        patched.setattr(unfinished_imports, "STANDSTILL_SECONDS", 0)
        if first:
            patched.setattr(freezing, "one_stands_unfinished", dawdle)
        else:
            meet()
        freezing.freeze_audience(database, campaign, NOW)


@pytest.mark.slow
@pytest.mark.parametrize("decided_first", [True, False])
def test_who_is_imported_while_the_freeze_begins_is_addressed_or_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, decided_first: bool
) -> None:
    """P4, P7: two writers at the same moment, whichever is first; nobody falls between them."""
    monkeypatch.setattr(unfinished_imports, "STANDSTILL_SECONDS", 0)
    scene.import_accounts(CAROL)
    campaign, import_id, omar = scene.campaign(), uuid4(), scene.staff["omar"]
    staging = account_imports.stage(scene.database, import_id, [BOB], asserted_by=omar, now=NOW)
    assert sum(staging) == 1
    url = scene.database.url
    side_by_side(
        partial(decide_meanwhile, url, import_id, first=decided_first),
        partial(freeze_meanwhile, url, campaign, first=not decided_first),
    )
    unfinished_imports.finish_imports(scene.database, NOW)
    told, late = addressed(scene), missed(scene, campaign)
    assert sorted((*told, *late)) == [BOB.external_id, CAROL.external_id]
    assert late == ([] if decided_first else [BOB.external_id])


def test_a_notice_goes_to_everybody_and_a_correction_to_nobody(scene: Scene) -> None:
    """P2, P4: class notice is mailed without being asked for; version 3 mails nobody."""
    scene.import_accounts(ALICE, BOB)
    first = scene.submit(FIRST)
    scene.put_in_force(first, NOW)
    corrected = scene.submit(THIRD.replace("one year", "30 days"))
    scene.assess(first, version=corrected)
    scene.confirm_all(corrected, VersionClass.APPROVAL)
    campaign = scene.announce(corrected)
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, corrected.id).version_class = VersionClass.NOTICE
    assert freezing.freeze_audience(scene.database, campaign, NOW) == 2


def test_a_clean_version_asks_nobody(scene: Scene) -> None:
    """P4, P6: who is governed by it without approving is told, and not asked to."""
    scene.import_accounts(ALICE)
    first = scene.submit(FIRST)
    scene.put_in_force(first, NOW)
    typo = scene.submit(FIRST.replace("disadvantge", "disadvantage"))
    scene.assess(first, version=typo)
    campaign_id = scene.announce(typo)
    assert freezing.freeze_audience(scene.database, campaign_id, NOW) == 1
    with scene.database.session() as session:
        assert not campaigns.asks_anybody(session, campaign_id)


def test_the_counts_of_a_campaign_add_up(scene: Scene) -> None:
    """P4, P5: the latest decision counts, and the not-reached are named."""
    scene.import_accounts(ALICE, BOB, CAROL, DORA)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    scene.queue_step(campaign_id)
    scene.decide(ALICE, DECLINED)
    scene.decide(ALICE, APPROVED, at=NOW + ONE_HOUR)
    scene.decide(BOB, DECLINED)
    with scene.database.transaction() as transaction:
        campaign = transaction.get_one(Campaign, campaign_id)
        claimed = outbox.claim(transaction, Batch(subject_id=campaign_id), limit=10, now=NOW)
        assert claimed
        dora = scene.account(DORA.external_id).id
        of_dora = transaction.exec(
            select(OutboxMail.id).where(OutboxMail.addressee_id == dora)
        ).all()
        outcomes.reject(transaction, claimed.attempt_id, of_dora, "no such mailbox", NOW)
    scene.take_mails()
    with scene.database.session() as session:
        progress = progress_of(session, session.get_one(Campaign, campaign_id))
        assert (progress.addressees, progress.approved, progress.declined) == (4, 1, 1)
        assert (progress.silent, progress.not_reached) == (1, 1)
        campaign = session.get_one(Campaign, campaign_id)
        (unreached,) = not_reached(session, campaign, ZoneInfo("UTC"))
        assert (unreached.account, unreached.state) == (DORA.external_id, "rejected")
        assert (unreached.reason, unreached.mail) == ("no such mailbox", of_dora[0])


def test_who_was_only_told_is_not_counted_as_silent(scene: Scene) -> None:
    """P4: nobody asked them; whoever answers all the same counts as that."""
    scene.import_accounts(ALICE, BOB, CAROL)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    scene.queue_step(campaign_id)
    scene.take_mails()
    with scene.database.transaction() as transaction:
        for each in transaction.exec(select(CampaignAddressee)).all():
            each.asks_approval = each.account_id == scene.account(CAROL.external_id).id
    scene.decide(ALICE, APPROVED)
    with scene.database.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        found = progress_of(session, campaign)
        silent = silent_by(session, campaign)
    assert (found.approved, found.told_only, found.silent) == (1, 1, 1)
    assert silent["kind"] == {"person": 1}


def test_who_joins_between_the_freeze_and_the_effect_is_named_and_not_mailed(
    scene: Scene,
) -> None:
    """P4, P7: on the list of the not-reached, and nobody who joined before or afterwards is."""
    scene.import_accounts(ALICE)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    scene.import_accounts(BOB, now=LATER)
    with scene.database.transaction() as transaction:
        campaign = transaction.get_one(Campaign, campaign_id)
        transaction.get_one(PolicyVersion, campaign.policy_version_id).effective_at = EFFECT
    scene.import_accounts(CAROL, now=EFFECT)
    with scene.database.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        (late,) = not_reached(session, campaign, ZoneInfo("UTC"))
        assert progress_of(session, campaign).not_reached == 1
    assert (late.account, late.mail) == (BOB.external_id, None)
    assert late.reason == "joined or came back after the audience was frozen"


def test_a_step_is_taken_once(scene: Scene) -> None:
    """P5: what is noted as taken is not taken again."""
    campaign = scene.campaign()
    with scene.database.transaction() as transaction:
        assert campaigns.take_step(transaction, campaign, FIRST_NOTICE, due_at=NOW, now=NOW)
        assert not campaigns.take_step(transaction, campaign, FIRST_NOTICE, due_at=NOW, now=LATER)


def test_reminders_are_queued_for_open_accounts_only(scene: Scene) -> None:
    """P4, P5."""
    scene.import_accounts(ALICE, BOB)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    gone = AccountRow(external_id=BOB.external_id, email=BOB.email, status="closed")
    scene.import_accounts(gone, now=NOW)
    scene.queue_step(campaign, "reminder_1")
    with scene.database.session() as session:
        (mail,) = session.exec(select(OutboxMail)).all()
        assert mail.addressee_id == scene.account(ALICE.external_id).id


@pytest.mark.slow
def test_a_shard_is_done_with_a_step_when_all_its_mails_are_out(scene: Scene) -> None:
    """P4: a campaign that begins anew asks this, and leaves nobody out."""
    scene.import_accounts(*people(freezing.SHARD_SIZE + 1))
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)

    def still_open() -> list[int]:
        with scene.database.session() as session:
            return open_shards(session, campaign, FIRST_NOTICE)

    assert still_open() == [0, 1]
    scene.queue_step(campaign)
    assert still_open() == [0, 1]
    batch = Batch(subject_id=campaign, step=FIRST_NOTICE, shard=0)
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, batch, limit=freezing.SHARD_SIZE, now=NOW)
    assert claim is not None
    assert still_open() == [0, 1]
    with scene.database.transaction() as transaction:
        outcomes.accept(transaction, claim.attempt_id, "taken", NOW)
    assert still_open() == [1]


def test_the_planner_hears_of_a_large_audience_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4: until then PostgreSQL joins all there are for each thousand: half as many mails went out
    in a second."""
    monkeypatch.setattr(freezing, "COUNTED_ANEW", 2)
    scene.import_accounts(ALICE, BOB)
    freezing.freeze_audience(scene.database, scene.campaign(), NOW)
    if scene.database.is_sqlite:
        return
    with scene.database.session() as session:
        known = session.scalar(
            text("SELECT reltuples FROM pg_class WHERE oid = 'campaign_addressee'::regclass")
        )
    assert known == 2
