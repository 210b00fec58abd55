"""What happens without approval is fixed before the release, and only then moves later (P5)."""

import dataclasses
from datetime import date, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from database.approvals.approvals import PolicyHistory
from database.approvals.governing_lists import governed_after, in_a_line, told
from database.approvals.shown_changes import shown_change
from database.campaigns import controls, freezing, not_reached, rehearsals
from database.campaigns.not_approved import NotApproved, not_approved
from database.policies import without_approval
from database.policies.policies import policy_by_slug
from database.policies.without_approval import PromiseRefused
from database.tables import Account, Campaign, Fact, OutboxMail, PolicyVersion
from domain.approvals.without_approval import Promise, WithoutApproval
from domain.policies.reviews import VersionClass
from tests.deciding import APPROVED, DECLINED
from tests.people import ALICE, BOB, CAROL, LANGUAGES, POLICY
from tests.scene import EFFECT, FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND, THIRD

BERLIN = ZoneInfo("Europe/Berlin")
EFFECT_ON = EFFECT.date()
UNTIL_JUNE = Promise(what=WithoutApproval.STAY_UNTIL, until_on=date(2026, 6, 1))
OFFER_CLOSING = Promise(what=WithoutApproval.OFFER_CLOSING)


def second(scene: Scene) -> PolicyVersion:
    with scene.database.session() as session:
        return session.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()


def promise(scene: Scene, what: Promise, *, effect_on: date = EFFECT_ON) -> None:
    """Lena promises it of version 2."""
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, second(scene).id)
        without_approval.change_promise(
            transaction,
            row,
            what,
            effect_on=effect_on,
            closing_page="https://fernhill.example/close",
            by=scene.staff["lena"],
            now=NOW,
        )


def facts(scene: Scene, kind: str) -> list[dict[str, object]]:
    with scene.database.session() as session:
        return [f.payload for f in session.exec(select(Fact).where(Fact.kind == kind)).all()]


@pytest.fixture
def in_review(scene: Scene) -> PolicyVersion:
    """Version 2 is reviewed and not released."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    version = scene.submit(SECOND)
    scene.assess(first, version=version)
    scene.confirm_all(version, VersionClass.APPROVAL)
    return version


@pytest.fixture
def announced(scene: Scene) -> UUID:
    """Alice, Bob and Carol are asked to approve version 2, and stay until June without."""
    scene.import_accounts(ALICE, BOB, CAROL)
    campaign = scene.campaign()
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, second(scene).id)
        row.without_approval, row.stay_until_on = UNTIL_JUNE.what, UNTIL_JUNE.until_on
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    return campaign


def test_legal_changes_it_until_the_release(scene: Scene, in_review: PolicyVersion) -> None:
    """P5: with a fact; never after the release."""
    assert facts(scene, "policy_version.submitted")[-1]["without_approval"] == "stay"
    promise(scene, UNTIL_JUNE)
    promise(scene, UNTIL_JUNE)
    (fact,) = facts(scene, "policy_version.without_approval")
    assert (fact["without_approval"], fact["stay_until_on"]) == ("stay_until", "2026-06-01")
    with pytest.raises(PromiseRefused, match="60 days"):
        promise(scene, UNTIL_JUNE, effect_on=EFFECT_ON + timedelta(days=1))
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, in_review.id).released_by = scene.staff["noor"]
    with pytest.raises(PromiseRefused, match="fixed"):
        promise(scene, OFFER_CLOSING)
    assert second(scene).without_approval == "stay_until"


def test_another_promise_asks_for_another_test_mail_and_is_part_of_what_was_shown(
    scene: Scene, in_review: PolicyVersion
) -> None:
    """P4, P5."""
    seen = set()
    for what in (Promise(), UNTIL_JUNE, OFFER_CLOSING):
        promise(scene, what)
        with scene.database.session() as session:
            row = session.get_one(PolicyVersion, in_review.id)
            first = session.exec(select(PolicyVersion).where(PolicyVersion.number == 1)).one()
            seen.add(
                (
                    rehearsals.fingerprint(session, row, LANGUAGES),
                    shown_change(session, first, row, "en").sha256,
                )
            )
    assert len({mails for mails, _ in seen}) == len({page for _, page in seen}) == 3


def test_the_day_moves_later_with_the_effect_and_never_earlier(
    scene: Scene, announced: UUID
) -> None:
    """P5, P7: sixty days stay between them."""
    for until_on, expected in (
        (date(2026, 4, 3), date(2026, 6, 2)),
        (None, date(2026, 6, 2)),
        (date(2026, 5, 10), date(2026, 7, 9)),
    ):
        later = partial(
            controls.postpone,
            until_on=until_on,
            zone=BERLIN,
            sending_period=timedelta(days=1),
        )
        with scene.database.transaction() as transaction:
            act = controls.acting(
                transaction, scene.staff["lena"], "legal", reason="later", now=NOW
            )
            later(transaction, transaction.get_one(PolicyVersion, second(scene).id), act)
        assert second(scene).stay_until_on == expected
    moved = facts(scene, "policy_version.stay_until_moved")
    assert [fact["stay_until_on"] for fact in moved] == ["2026-06-02", "2026-07-09"]


def test_who_is_asked_late_stays_for_sixty_days_after_it(scene: Scene, announced: UUID) -> None:
    """P2, P5: a day that was promised while nobody was asked is not over as soon as they are."""
    scene.put_in_force(second(scene), EFFECT)
    for asks_until, expected in (
        (date(2026, 8, 1), date(2026, 9, 30)),
        (date(2026, 7, 1), date(2026, 9, 30)),
    ):
        with scene.database.transaction() as transaction:
            row = transaction.get_one(PolicyVersion, second(scene).id)
            without_approval.follow(transaction, row, asks_until, NOW)
        assert second(scene).stay_until_on == expected


def listed(scene: Scene, campaign: UUID, today: date) -> list[NotApproved]:
    with scene.database.session() as session:
        history = PolicyHistory(session, policy_by_slug(session, POLICY))
        row = session.get_one(Campaign, campaign)
        return list(not_approved(session, history, row, at=EFFECT, today=today))


def test_who_has_not_approved_is_a_list_with_the_day_on_which_the_contract_may_end(
    scene: Scene, announced: UUID
) -> None:
    """P5: the version never governs them; whoever approves is not on it."""
    scene.take_mails()
    scene.decide(ALICE, APPROVED)
    scene.decide(BOB, DECLINED)
    before = listed(scene, announced, date(2026, 3, 3))
    scene.put_in_force(second(scene), EFFECT)
    on_the_day = listed(scene, announced, date(2026, 6, 1))
    after = listed(scene, announced, date(2026, 6, 2))
    for rows in (before, on_the_day, after):
        assert [(row.account, row.decision, row.governing_version) for row in rows] == [
            (BOB.external_id, "declined", 1),
            (CAROL.external_id, None, 1),
        ]
        assert {row.first_notice for row in rows} == {"accepted"}
        assert {row.stay_until for row in rows} == {date(2026, 6, 1)}
    assert [{row.may_end for row in rows} for rows in (before, on_the_day, after)] == [
        {False},
        {False},
        {True},
    ]
    with scene.database.transaction() as transaction:
        transaction.get_one(Account, scene.account(CAROL.external_id).id).status = "closed"
    assert [row.account for row in listed(scene, announced, date(2026, 6, 2))] == [BOB.external_id]
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, second(scene).id).state = "withdrawn"
    assert not listed(scene, announced, date(2026, 6, 2))


def test_the_contract_of_who_was_not_told_may_not_end(scene: Scene, announced: UUID) -> None:
    """P4, P5: a notice that came back told nobody of the day; staff who told them did."""
    scene.take_mails()
    carol = scene.account(CAROL.external_id).id
    with scene.database.transaction() as transaction:
        mails = transaction.exec(select(OutboxMail).where(OutboxMail.addressee_id == carol)).all()
        for mail in mails:
            mail.state, mail.settled_at = "bounced", NOW
    scene.put_in_force(second(scene), EFFECT)
    over = date(2026, 6, 2)

    def may_end() -> dict[str, bool]:
        return {row.account: row.may_end for row in listed(scene, announced, over)}

    assert may_end()[BOB.external_id]
    assert not may_end()[CAROL.external_id]
    with scene.database.transaction() as transaction:
        campaign = transaction.get_one(Campaign, announced)
        not_reached.mark_reached(
            transaction,
            campaign,
            transaction.get_one(Account, carol),
            by=scene.staff["petra"],
            how="post",
            reason="registered letter",
            now=NOW,
        )
    assert may_end()[CAROL.external_id]
    third = scene.submit(THIRD, now=NOW)
    scene.put_in_force(third, EFFECT)
    assert not any(may_end().values()), "the version that followed says that they stay"


def test_a_minor_is_promised_nothing_but_to_stay(scene: Scene, announced: UUID) -> None:
    """P5, P6: they cannot approve, and read that nothing changes; of no end of their contract."""
    minor = dataclasses.replace(CAROL, kind="minor")
    scene.import_accounts(ALICE, BOB, minor, now=NOW)
    scene.put_in_force(second(scene), EFFECT)
    with scene.database.session() as session:
        history = PolicyHistory(session, policy_by_slug(session, POLICY))
        rows = governed_after(session, history, EFFECT, after="", limit=10)
        said = {row.account.external_id: in_a_line(row.proven) for row in rows if row.proven}
    assert said[BOB.external_id]["without_approval"] == "stay_until"
    assert said[minor.external_id]["without_approval"] is None
    assert said[minor.external_id]["stay_until"] is None


def test_what_governs_an_account_says_what_it_was_promised(scene: Scene, announced: UUID) -> None:
    """P5, P6: to whom the version in force does not apply, and to nobody else."""
    scene.decide(ALICE, APPROVED)
    scene.put_in_force(second(scene), EFFECT)
    with scene.database.session() as session:
        history = PolicyHistory(session, policy_by_slug(session, POLICY))
        rows = governed_after(session, history, EFFECT, after="", limit=10)
        for tell in (in_a_line, partial(told, history)):
            said = {row.account.external_id: tell(row.proven) for row in rows if row.proven}
            assert said[ALICE.external_id]["without_approval"] is None
            assert said[BOB.external_id]["without_approval"] == "stay_until"
            assert said[BOB.external_id]["stay_until"] == date(2026, 6, 1)
        earlier = governed_after(session, history, NOW, after="", limit=10)
        assert {in_a_line(row.proven)["stay_until"] for row in earlier if row.proven} == {None}
