"""Accounts that are not like others: of the dead, of minors, of machines, and those that move."""

from datetime import datetime, timedelta
from random import Random

import pytest
from sqlmodel import Session, select

from database.approvals.approvals import PolicyHistory
from database.campaigns.audiences import Preview, preview
from database.campaigns.freezing import freeze_audience
from database.people.accounts import AccountRow
from database.people.links import LinkUnusable, usable_link
from database.policies.policies import policy_by_slug
from database.tables import Account, CampaignAddressee, Link, OutboxMail, PolicyVersion
from domain.people.account_holders import LeftOut
from tests.deciding import APPROVED, DECLINED
from tests.people import ALICE, BOB, CAROL, POLICY
from tests.scene import EFFECT, FIRST_DAY, NOW, ONE_HOUR, Scene

A_DAY = timedelta(days=1)


def but(person: AccountRow, **changed: object) -> AccountRow:
    return AccountRow(**vars(person) | changed)


def history_of(session: Session) -> PolicyHistory:
    return PolicyHistory(session, policy_by_slug(session, POLICY))


def version(scene: Scene, number: int) -> PolicyVersion:
    with scene.database.session() as session:
        return history_of(session).versions[number]


def previewed(scene: Scene, at: datetime = NOW + A_DAY) -> Preview:
    with scene.database.session() as session:
        return preview(session, history_of(session).versions[2], at)


def addressed(scene: Scene) -> set[str]:
    with scene.database.session() as session:
        return set(
            session.exec(
                select(Account.external_id).join(
                    CampaignAddressee,
                    CampaignAddressee.account_id == Account.id,  # type: ignore[arg-type]
                )
            ).all()
        )


def test_the_account_of_the_dead_is_frozen(scene: Scene) -> None:
    """P5: no mail, and what governs stays, whatever comes into force; a mistake is mended from
    then on, and never backdated."""
    campaign_id = scene.campaign()
    scene.import_accounts(ALICE, BOB, now=FIRST_DAY + ONE_HOUR)
    scene.decide(ALICE, APPROVED)
    scene.import_accounts(but(ALICE, status="deceased"), now=NOW + ONE_HOUR)
    assert previewed(scene).left_out[LeftOut.DECEASED] == 1
    freeze_audience(scene.database, campaign_id, NOW + A_DAY)
    assert addressed(scene) == {BOB.external_id}
    scene.put_in_force(version(scene, 2), EFFECT)
    assert scene.governs(ALICE, EFFECT + A_DAY).number == 1
    scene.import_accounts(but(ALICE, status="open"), now=EFFECT + 2 * A_DAY)
    assert scene.governs(ALICE, EFFECT + A_DAY).number == 1
    assert scene.governs(ALICE, EFFECT + 3 * A_DAY).number == 2


def test_a_minors_approvals_are_void(scene: Scene) -> None:
    """P5: those given before count until it was known; later ones never; a grown-up's do."""
    campaign_id = scene.campaign()
    scene.import_accounts(ALICE, BOB, now=FIRST_DAY + ONE_HOUR)
    scene.decide(ALICE, APPROVED)
    scene.put_in_force(version(scene, 2), EFFECT)
    scene.import_accounts(but(ALICE, kind="minor"), now=EFFECT + A_DAY)
    assert scene.governs(ALICE, EFFECT).number == 2
    assert scene.governs(ALICE, EFFECT + 2 * A_DAY).number == 1
    scene.decide(ALICE, APPROVED, at=EFFECT + 3 * A_DAY)
    assert scene.governs(ALICE, EFFECT + 4 * A_DAY).number == 1
    with scene.database.session() as session:
        account = scene.account(ALICE.external_id)
        proven = history_of(session).proven([account], EFFECT + 4 * A_DAY)[account.id]
    assert {void.proof for void in proven.voids.values()} == {"the account holder is a minor"}
    freeze_audience(scene.database, campaign_id, EFFECT + 4 * A_DAY)
    assert addressed(scene) == {ALICE.external_id, BOB.external_id}
    assert previewed(scene, EFFECT + 4 * A_DAY).minors_who_stay == 1
    scene.import_accounts(but(ALICE, kind="person"), now=EFFECT + 5 * A_DAY)
    assert scene.governs(ALICE, EFFECT + 6 * A_DAY).number == 1
    scene.decide(ALICE, APPROVED, at=EFFECT + 7 * A_DAY)
    assert scene.governs(ALICE, EFFECT + 7 * A_DAY).number == 2


def test_a_machine_is_exempt_and_never_dropped_unseen(scene: Scene) -> None:
    """P4: with its reason, counted as exempt."""
    campaign_id = scene.campaign()
    robot = but(CAROL, kind="service", exempt_reason="backup robot")
    scene.import_accounts(ALICE, robot, now=FIRST_DAY + ONE_HOUR)
    assert scene.account(robot.external_id).exempt_reason == "backup robot"
    assert previewed(scene).left_out[LeftOut.EXEMPT] == 1
    assert freeze_audience(scene.database, campaign_id, NOW) == 1
    scene.import_accounts(but(CAROL, kind="person"), now=NOW + ONE_HOUR)
    assert scene.account(robot.external_id).exempt_reason is None


def test_whoever_becomes_a_machine_or_a_minor_after_the_freeze_is_not_asked(scene: Scene) -> None:
    """P4, P5: a machine gets no mail; a minor is told."""
    campaign_id = scene.campaign()
    scene.import_accounts(ALICE, BOB, CAROL, now=FIRST_DAY + ONE_HOUR)
    freeze_audience(scene.database, campaign_id, NOW)
    robot = but(BOB, kind="service", exempt_reason="a mailbox without a person")
    scene.import_accounts(robot, but(CAROL, kind="minor"), now=NOW + ONE_HOUR)
    scene.queue_step(campaign_id)
    with scene.database.session() as session:
        mails = session.exec(select(OutboxMail).where(OutboxMail.state != "cancelled")).all()
    assert {mail.addressee_id: mail.template for mail in mails} == {
        scene.account(ALICE.external_id).id: "approval_first_notice",
        scene.account(CAROL.external_id).id: "minor_first_notice",
    }


def test_an_organisation_and_its_approver_decide_each_for_themselves(scene: Scene) -> None:
    """P5: whoever follows the organisation's link binds its account, and no member's."""
    scene.campaign()
    company = AccountRow(external_id="acme", email="legal@acme.example", kind="organisation")
    scene.import_accounts(
        company, but(ALICE, organisation_id="acme", approver=True), now=FIRST_DAY + ONE_HOUR
    )
    assert previewed(scene).addressees == 2
    scene.decide(company, APPROVED)
    scene.put_in_force(version(scene, 2), EFFECT)
    assert scene.governs(company, EFFECT).number == 2
    assert scene.governs(ALICE, EFFECT).number == 1


def test_another_address_makes_the_old_link_open_nothing(scene: Scene) -> None:
    """P32: and what has not gone out carries the new one."""
    campaign_id = scene.campaign()
    scene.import_accounts(ALICE, BOB, now=FIRST_DAY + ONE_HOUR)
    freeze_audience(scene.database, campaign_id, NOW)
    scene.queue_step(campaign_id)
    before = links(scene)
    moved = but(ALICE, email="alice@elsewhere.example")
    scene.import_accounts(moved, but(BOB, email=BOB.email.upper()), now=NOW + ONE_HOUR)
    alice, bob = (scene.account(who.external_id).id for who in (ALICE, BOB))
    after = links(scene)
    assert after[bob].id == before[bob].id
    assert after[alice].id != before[alice].id
    with scene.database.session() as session:
        with pytest.raises(LinkUnusable, match="replaced"):
            usable_link(session, "approve", before[alice].nonce, NOW + A_DAY)
        assert usable_link(session, "approve", after[alice].nonce, NOW + A_DAY)
        mails = session.exec(select(OutboxMail)).all()
    assert {mail.addressee_id: mail.link_id for mail in mails} == {
        alice: after[alice].id,
        bob: before[bob].id,
    }


def links(scene: Scene) -> dict[object, Link]:
    """The links that open something, by account."""
    with scene.database.session() as session:
        rows = session.exec(select(Link).where(Link.successor_id == None)).all()  # noqa: E711
        return {row.account_id: row for row in rows}


@pytest.mark.parametrize("seed", range(4))
def test_no_import_changes_what_governed_before_it(scene: Scene, seed: int) -> None:
    """P6: whatever it says, and however often: dead, alive, a minor, grown up, and again."""
    chance = Random(seed)
    scene.campaign()
    people = [
        AccountRow(external_id=f"a{number}", email=f"a{number}@people.example")
        for number in range(12)
    ]
    scene.import_accounts(*people, now=FIRST_DAY + ONE_HOUR)
    scene.put_in_force(version(scene, 2), EFFECT)
    told: dict[tuple[str, datetime], object] = {}
    for number in range(8):
        now = NOW + number * 20 * A_DAY
        for one in people:
            if chance.random() < 0.5:
                scene.decide(one, chance.choice([APPROVED, DECLINED]), at=now)
        some = [
            but(
                one,
                status=chance.choice(["open", "open", "closed", "deceased"]),
                kind=chance.choice(["person", "minor", "service"]),
            )
            for one in people
            if chance.random() < 0.7
        ]
        scene.import_accounts(*some, now=now + A_DAY)
        with scene.database.session() as session:
            accounts = session.exec(select(Account)).all()
            history = history_of(session)
            instants = {at for _, at in told} | {now, now + A_DAY / 2}
            answers = {
                (account.external_id, at): history.governing(accounts, at)[account.id]
                for at in instants
                for account in accounts
            }
        for known, before in told.items():
            assert answers[known] == before, known
        told = dict(answers)
