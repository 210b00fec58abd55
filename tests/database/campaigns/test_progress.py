"""Who is silent: one number, in the report, by segment and in what the campaign's owner is told."""

from collections.abc import Mapping
from itertools import product

from sqlmodel import select

from database.campaigns.freezing import freeze_audience
from database.campaigns.progress import progress_of, silent_by
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
from tests.scene import NOW, Scene

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
    assert {name: sum(counts.values()) for name, counts in by.items()} == dict.fromkeys(
        ("language", "kind", "country", "governing_version"), silent
    )
    assert by["kind"] == {"person": silent}
    assert set(by["language"]) == {"de", "en"}
    assert set(by["country"]) == {"DE", "unknown"}


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
