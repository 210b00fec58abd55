"""Who is silent: one number, in the report, by segment and in what the campaign's owner is told."""

from collections.abc import Mapping
from datetime import datetime
from itertools import product
from uuid import UUID

from sqlmodel import select

from database.campaigns.canaries import choose_canary
from database.campaigns.freezing import freeze_audience
from database.campaigns.progress import progress_of, silent_by
from database.campaigns.shards import queue_step
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch
from database.mail.outbox import CARRIED
from database.mail.steps import FIRST_NOTICE, UNDELIVERABLE
from database.people.accounts import AccountRow
from database.tables import (
    Account,
    Approval,
    Campaign,
    CampaignAddressee,
    MissedNotice,
    OutboxMail,
)
from domain.campaigns.sending import Canary
from tests.deciding import APPROVED, DECLINED
from tests.people import LANGUAGES
from tests.scene import NOW, ONE_HOUR, Scene

STATES = ("queued", "sending", "accepted", "delivered", CARRIED, *UNDELIVERABLE)
ANSWERS = (None, "approved", "declined")
LIVES = tuple(
    product(("open", "closed"), ("person", "minor", "service"), STATES, ANSWERS, (False, True))
)
"""What becomes of an addressee after the freeze: status and kind of the account, the state of its
first notice, its answer, and whether it was told otherwise."""


def test_silent_is_who_was_told_and_could_have_answered_and_has_not(scene: Scene) -> None:
    """P4, P5: of every life; neither whoever is not mailed yet, nor whoever has closed their
    account, nor whoever was never reached; and each is counted in every segment."""
    campaign_id = scene.campaign()
    names = [f"a{number:03}" for number, _ in enumerate(LIVES)]
    rows = [
        AccountRow(
            external_id=name,
            email=f"{name}@people.example",
            locale=("en", "de")[number % 2],
            country=("DE", "")[number % 3 == 0],
        )
        for number, name in enumerate(names)
    ]
    scene.import_accounts(*rows)
    freeze_audience(scene.database, campaign_id, NOW)
    live(scene, campaign_id, dict(zip(names, LIVES, strict=True)))
    with scene.database.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        stands, by = progress_of(session, campaign), silent_by(session, campaign)
    silent = sum(
        status == "open"
        and kind == "person"
        and answer is None
        and (state in ("accepted", "delivered", CARRIED) or otherwise)
        for status, kind, state, answer, otherwise in LIVES
    )
    assert 0 < silent < len(LIVES)
    assert stands.silent == silent
    assert sum(stands.audience.values()) == stands.addressees == len(LIVES)
    assert all(stands.audience.values())
    assert {name: sum(counts.values()) for name, counts in by.items()} == dict.fromkeys(
        ("language", "kind", "country", "governing_version"), silent
    )
    assert by["kind"] == {"person": silent}
    assert set(by["language"]) == {"de", "en"}
    assert set(by["country"]) == {"DE", "unknown"}


def stands_now(scene: Scene, campaign_id: UUID) -> dict[str, int]:
    """Where the addressees stand, nobody left out and nobody counted twice."""
    with scene.database.session() as session:
        progress = progress_of(session, session.get_one(Campaign, campaign_id))
    assert sum(progress.audience.values()) == progress.addressees
    return {name: count for name, count in progress.audience.items() if count}


def send(scene: Scene, campaign_id: UUID, *, copies: int, at: datetime = NOW) -> UUID:
    """So many mails go with one request; the request."""
    with scene.database.transaction() as transaction:
        batch = Batch(subject_id=campaign_id, step=FIRST_NOTICE)
        claimed = outbox.claim(transaction, batch, limit=copies, now=at)
        assert claimed
        return claimed.attempt_id


def test_at_every_stage_the_numbers_add_up_to_the_audience(scene: Scene) -> None:
    """P4, P8: who waits behind the canary too."""
    names = [f"a{number}" for number in range(10)]
    scene.import_accounts(*(AccountRow(external_id=n, email=f"{n}@people.example") for n in names))
    campaign_id = scene.campaign()
    assert stands_now(scene, campaign_id) == {}
    freeze_audience(scene.database, campaign_id, NOW)
    first_two = Canary(percent=1, at_least=2, wait_period=ONE_HOUR)
    choose_canary(scene.database, campaign_id, first_two, NOW)
    assert stands_now(scene, campaign_id) == {"not_mailed": 10}
    queue_shard(scene, campaign_id, -1)
    attempt = send(scene, campaign_id, copies=2)
    assert stands_now(scene, campaign_id) == {"not_mailed": 10}
    with scene.database.transaction() as transaction:
        outcomes.accept(transaction, attempt, "x", NOW)
    assert stands_now(scene, campaign_id) == {"silent": 2, "not_mailed": 8}
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign_id).canary_ended_at = NOW
    queue_shard(scene, campaign_id, 0)
    lost, taken = send(scene, campaign_id, copies=2), send(scene, campaign_id, copies=4)
    with scene.database.transaction() as transaction:
        outcomes.doubt(transaction, lost, "the line broke", NOW)
        outcomes.accept(transaction, taken, "y", NOW)
    part_way = {"silent": 6, "not_mailed": 2, "not_reached": 2}
    assert stands_now(scene, campaign_id) == part_way
    late = AccountRow(external_id="late", email="late@people.example")
    scene.import_accounts(late, now=NOW + ONE_HOUR)
    assert stands_now(scene, campaign_id) == part_way
    with scene.database.transaction() as transaction:
        told = transaction.exec(
            select(OutboxMail.addressee_id).where(OutboxMail.state == "accepted")
        ).all()
        people = [transaction.get_one(Account, each) for each in told]
        people[2].status = "closed"
    scene.decide(AccountRow(external_id=people[0].external_id, email="x@x.example"), APPROVED)
    scene.decide(AccountRow(external_id=people[1].external_id, email="x@x.example"), DECLINED)
    answered = {"approved": 1, "declined": 1, "silent": 3, "account_closed": 1}
    assert stands_now(scene, campaign_id) == {
        **answered,
        "not_mailed": 2,
        "not_reached": 2,
    }
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign_id).state = "withdrawn"
        outbox.cancel(transaction, Batch(subject_id=campaign_id))
    assert stands_now(scene, campaign_id) == {
        **answered,
        "not_mailed": 2,
        "not_reached": 2,
    }


def queue_shard(scene: Scene, campaign_id: UUID, shard: int) -> None:
    with scene.database.transaction() as transaction:
        campaign = transaction.get_one(Campaign, campaign_id)
        queue_step(transaction, campaign, FIRST_NOTICE, shard, languages=LANGUAGES, now=NOW)


def live(
    scene: Scene, campaign_id: object, lives: Mapping[str, tuple[str, str, str, str | None, bool]]
) -> None:
    """Let each account of the campaign have its life."""
    second = scene.version(2)
    with scene.database.transaction() as transaction:
        campaign = transaction.get_one(Campaign, campaign_id)
        accounts = transaction.exec(
            select(Account, CampaignAddressee)
            .join(CampaignAddressee, CampaignAddressee.account_id == Account.id)  # type: ignore[arg-type]
            .where(CampaignAddressee.campaign_id == campaign.id)
        ).all()
        assert len(accounts) == len(lives)
        for account, addressee in accounts:
            status, kind, state, answer, otherwise = lives[account.external_id]
            account.status, account.kind = status, kind
            transaction.add(
                OutboxMail(
                    subject_kind="campaign",
                    subject_id=campaign.id,
                    addressee_kind="account",
                    addressee_id=account.id,
                    step=FIRST_NOTICE,
                    shard=addressee.shard,
                    template="approval_first_notice",
                    variant=addressee.governing_version_id,
                    language="en",
                    state=state,
                    queued_at=NOW,
                )
            )
            if answer:
                transaction.add(
                    Approval(
                        account_id=account.id,
                        policy_version_id=second.id,
                        decision=answer,
                        decided_at=NOW,
                        shown_from_version_id=addressee.governing_version_id,
                        text_sha256=second.sha256,
                        change_sha256="",
                        how="link",
                        language="en",
                    )
                )
            if otherwise:
                transaction.add(
                    MissedNotice(
                        campaign_id=campaign.id,
                        account_id=account.id,
                        reached_how="post",
                        reached_at=NOW,
                    )
                )
