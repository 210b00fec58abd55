"""All accounts in groups: counted by the database, and the same as if asked one by one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlmodel import Session, func, select

from database.approvals.approvals import PolicyHistory
from database.approvals.standings import standings, texts_in_use
from database.approvals.wrong_words import keep_wrong, whatever_was_told
from database.campaigns.audiences import preview
from database.campaigns.freezing import freeze_audience
from database.people.accounts import AccountRow
from database.policies.assessments import confirmed_adverse, findings_of
from database.policies.policies import policy_by_slug
from database.tables import (
    Account,
    Approval,
    Campaign,
    CampaignAddressee,
    CampaignCorrection,
    Fact,
    PolicyVersion,
    Reclassification,
)
from domain.people.account_holders import LeftOut
from domain.policies.reviews import Decisions
from tests.deciding import APPROVED
from tests.people import ALICE, BOB, CAROL, POLICY
from tests.scene import EFFECT, FIRST_DAY, NOW, ONE_HOUR, Scene
from tests.texts import THIRD

A_DAY = timedelta(days=1)


def history_of(session: Session) -> PolicyHistory:
    return PolicyHistory(session, policy_by_slug(session, POLICY))


def a_crowd(scene: Scene) -> PolicyVersion:
    """Three versions, and sixty accounts that came and decided at all kinds of instants; some
    decisions are voided, some holders were said to be minors or dead, and some of them wrongly."""
    chance = Random(5)
    scene.campaign()
    people = [
        AccountRow(
            external_id=f"a{number:03}",
            email=f"a{number}@people.example",
            locale=chance.choice(["en", "de"]),
            kind=chance.choice(["person", "person", "organisation", "minor"]),
            status=chance.choice(["open", "open", "open", "closed", "deceased"]),
        )
        for number in range(60)
    ]
    scene.import_accounts(*people[:30], now=FIRST_DAY + ONE_HOUR)
    scene.import_accounts(*people[30:40], now=EFFECT - ONE_HOUR)
    with scene.database.session() as session:
        first, second = (history_of(session).versions[number] for number in (1, 2))
    scene.put_in_force(second, EFFECT)
    scene.import_accounts(*people[40:], now=EFFECT + A_DAY)
    again = [replace(one, status="open", kind="person") for one in people[::7]]
    scene.import_accounts(*again, now=EFFECT + 20 * A_DAY)
    scene.import_accounts(*people[::14], now=EFFECT + 25 * A_DAY)
    third = scene.submit(THIRD, now=EFFECT + A_DAY)
    scene.assess(second, first, version=third)
    with scene.database.transaction() as transaction:
        for account in transaction.exec(select(Account).order_by(Account.external_id)).all():
            for number in range(chance.choice([0, 0, 1, 2, 3])):
                decision = Approval(
                    account_id=account.id,
                    policy_version_id=chance.choice([first, second, third]).id,
                    decision=chance.choice(["approved", "declined"]),
                    decided_at=NOW + (number * 11 + chance.randrange(40)) * A_DAY,
                    shown_from_version_id=first.id,
                    text_sha256=second.sha256,
                    change_sha256="",
                    how="link",
                    language="en",
                )
                transaction.add(decision)
        put_right_what_was_mailed(transaction, [first, second, third], scene, chance)
    return third


def put_right_what_was_mailed(
    transaction: Session, versions: Sequence[PolicyVersion], scene: Scene, chance: Random
) -> None:
    """Of each version once or more, sometimes with every answer until then void."""
    for number, version in enumerate(versions):
        campaign = Campaign(
            policy_version_id=version.id,
            generation=9,
            owner_id=scene.staff["lena"],
            started_at=NOW,
        )
        transaction.add(campaign)
        transaction.flush()
        for _ in range(number + 1):
            correction = CampaignCorrection(
                campaign_id=campaign.id,
                reason="a wrong mail",
                mail="It is a year.",
                decisions=chance.choice(list(Decisions)),
                sentences={},
                stopped_campaign=False,
                proposed_by=scene.staff["lena"],
                proposed_at=NOW,
                confirmed_by=scene.staff["noor"],
                confirmed_at=NOW + chance.randrange(30) * A_DAY,
            )
            transaction.add(correction)
            transaction.flush()
            if correction.decisions == Decisions.VOID:
                keep_wrong(transaction, correction, whatever_was_told(transaction, version))


def found_out_late(scene: Scene) -> None:
    """That version 2 is adverse was only seen some days after it had come into force."""
    with scene.database.transaction() as transaction:
        second = history_of(transaction).versions[2]
        found = Reclassification(
            policy_version_id=second.id,
            was="editorial",
            reason="taken for a typo",
            content={},
            proposed_by=scene.staff["lena"],
            proposed_at=EFFECT,
            confirmed_by=scene.staff["noor"],
            confirmed_at=EFFECT + 5 * A_DAY,
        )
        transaction.add(found)
        transaction.flush()
        for finding in findings_of(transaction, second.id):
            if confirmed_adverse(finding):
                finding.reclassified_id = found.id


@pytest.mark.parametrize("late", [False, True])
def test_groups_say_of_each_account_what_is_said_of_it_alone(scene: Scene, *, late: bool) -> None:
    """P2, P6: at any instant, whoever decided what in whatever order, and whatever was found out
    late."""
    third = a_crowd(scene)
    if late:
        found_out_late(scene)
    for at in (
        *(NOW, EFFECT - A_DAY, EFFECT + 2 * A_DAY),
        *(EFFECT + 5 * A_DAY, EFFECT + 8 * A_DAY, NOW + 90 * A_DAY),
    ):
        with scene.database.session() as session:
            history = history_of(session)
            grouped = Counter[tuple[object, ...]]()
            for standing, count in standings(session, history, at, third).items():
                key = (
                    *(standing.status, standing.kind, standing.language),
                    *(standing.governing, standing.accepted, standing.asks_approval),
                )
                grouped[key] += count
            accounts = session.exec(select(Account)).all()
            states = history.governing(accounts, at)
            alone = Counter(
                (
                    *(account.status, account.kind, account.locale, state.number, state.accepted),
                    history.needs_approval(state, third),
                )
                for account in accounts
                if (state := states.get(account.id))
            )
        assert grouped == alone
        assert len(grouped) > 2


def test_whoever_decided_once_counts_with_those_who_stand_alike(scene: Scene) -> None:
    """P6: forty who approved at forty instants are two groups: before the effect, and after it."""
    scene.campaign()
    people = [
        AccountRow(external_id=f"a{number:03}", email=f"a{number}@people.example")
        for number in range(41)
    ]
    scene.import_accounts(*people, now=FIRST_DAY + ONE_HOUR)
    for number, one in enumerate(people[:20]):
        scene.decide(one, APPROVED, at=NOW + number * ONE_HOUR)
    scene.put_in_force(version(scene, 2), EFFECT)
    for number, one in enumerate(people[20:40]):
        scene.decide(one, APPROVED, at=EFFECT + number * ONE_HOUR)
    with scene.database.session() as session:
        history = history_of(session)
        for at, governed in ((EFFECT, {1: 20, 2: 21}), (EFFECT + 30 * A_DAY, {1: 1, 2: 40})):
            found = Counter[int]()
            for standing, accounts in standings(session, history, at).items():
                found[standing.governing] += accounts
            assert found == governed


def version(scene: Scene, number: int) -> PolicyVersion:
    with scene.database.session() as session:
        return history_of(session).versions[number]


def test_every_text_that_an_open_account_may_come_from_is_in_use(scene: Scene) -> None:
    """P6: the change is assessed from each of them before a release."""
    a_crowd(scene)
    with scene.database.session() as session:
        history = history_of(session)
        assert texts_in_use(session, history, FIRST_DAY + 2 * ONE_HOUR) == {1}
        assert texts_in_use(session, history, NOW + 90 * A_DAY) == {1, 2, 3}


def test_a_preview_counts_whom_the_freeze_then_addresses_and_writes_nothing(scene: Scene) -> None:
    """P4: before release, from what is known at that instant."""
    campaign_id = scene.campaign()
    scene.import_accounts(
        ALICE, CAROL, AccountRow(**vars(BOB) | {"status": "closed"}), now=FIRST_DAY + ONE_HOUR
    )
    with scene.database.session() as session:
        facts = session.exec(select(func.count()).select_from(Fact)).one()
        seen = preview(session, history_of(session).versions[2], NOW)
        assert not session.dirty
        assert not session.new
    assert (seen.addressees, seen.asked, seen.unassessed) == (2, 2, ())
    assert seen.left_out[LeftOut.CLOSED] == 1
    [group] = seen.groups
    assert (group.governing, group.accepted, group.language, group.accounts) == (1, 1, "en", 2)
    with scene.database.session() as session:
        assert session.exec(select(func.count()).select_from(Fact)).one() == facts
        assert session.exec(select(CampaignAddressee)).all() == []
    assert freeze_audience(scene.database, campaign_id, NOW) == seen.addressees


def test_a_preview_names_the_versions_it_was_not_compared_with(scene: Scene) -> None:
    """P6: and counts their accounts as asked, because nobody knows."""
    scene.campaign()
    scene.import_accounts(ALICE, now=FIRST_DAY + ONE_HOUR)
    with scene.database.session() as session:
        second = history_of(session).versions[2]
    scene.put_in_force(second, EFFECT)
    third = scene.submit(THIRD, now=EFFECT)
    with scene.database.session() as session:
        seen = preview(session, session.get_one(PolicyVersion, third.id), EFFECT + A_DAY)
    assert (seen.unassessed, seen.asked) == ((1,), 1)
