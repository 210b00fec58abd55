"""A version that should have asked for approval is mended by two people, from then on (P2)."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, col, select

from database.approvals import standings
from database.approvals.approvals import PolicyHistory, took_for_clean
from database.campaigns import freezing, owed
from database.campaigns.campaigns import campaign_of, take_step
from database.campaigns.controls import ControlRefused
from database.campaigns.reports import report
from database.facts import record
from database.people.accounts import AccountRow
from database.people.staff import StaffRefused
from database.policies import policies
from database.policies.assessments import findings_of
from database.policies.wording import WordingRefused, Words
from database.tables import (
    Campaign,
    CampaignAddressee,
    CampaignCorrection,
    ControlAct,
    Fact,
    Finding,
    PolicyVersion,
)
from domain.policies.reviews import Decisions, VersionClass
from tests.deciding import APPROVED
from tests.people import ALICE, BOB, CAROL, POLICY
from tests.reclassifying import (
    A_DAY,
    FOUND,
    JUST_BEFORE,
    QUOTE,
    adverse,
    confirm,
    propose,
    second,
    wrongly_editorial,
)
from tests.scene import EFFECT, NOW, Scene

HANNA = AccountRow(external_id="hanna", email="hanna@people.example", locale="de-AT")
ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
def wrong(scene: Scene) -> PolicyVersion:
    return wrongly_editorial(scene)


def test_who_never_approved_falls_back_from_then_on_and_the_past_is_told_as_an_error(
    scene: Scene, wrong: PolicyVersion
) -> None:
    """P2, P6: nobody is moved before the second person agrees, and never backdated."""
    scene.decide(ALICE, APPROVED, at=EFFECT + 2 * A_DAY)
    propose(scene)
    people = (ALICE, BOB, CAROL)
    before = [scene.governs(one, JUST_BEFORE) for one in people]
    assert [state.number for state in before] == [2, 2, 2]
    confirm(scene)
    assert [scene.governs(one, JUST_BEFORE) for one in people] == before
    alice, bob, carol = (scene.governs(one, FOUND + A_DAY) for one in people)
    assert [state.number for state in (alice, bob, carol)] == [2, 1, 2]
    assert [(step.number, bool(step.in_error)) for step in bob.steps] == [
        (1, False),
        (2, True),
        (1, False),
    ]
    assert bob.since == FOUND
    assert "released without asking for approval (we took it for a typo" in bob.steps[-1].because
    assert [bool(step.in_error) for step in alice.steps] == [False, True, False]
    assert alice.steps[-1].approval, "what governs her now is her own word"
    assert not any(step.in_error for step in carol.steps), "she joined under it"


def test_it_takes_two_of_legal(scene: Scene, wrong: PolicyVersion) -> None:
    """P2."""
    with pytest.raises(ControlRefused, match="No reclassification"):
        confirm(scene)
    propose(scene)
    with pytest.raises(ControlRefused, match="second person"):
        confirm(scene, "lena")
    with pytest.raises(StaffRefused):
        confirm(scene, "omar")
    assert second(scene).version_class == "editorial"
    confirm(scene)
    assert second(scene).version_class == "approval"
    with pytest.raises(ControlRefused, match="never lowered"):
        propose(scene)
    with scene.database.session() as session:
        acts = session.exec(select(ControlAct.act).order_by(col(ControlAct.acted_at))).all()
        kinds = set(session.exec(select(Fact.kind)).all())
        confirmed = session.exec(select(Finding).where(Finding.status == "confirmed")).one()
    assert sorted(acts) == ["propose_reclassification", "reclassify"]
    assert {"policy_version.reclassified", "campaign.opened", "notice.up"} <= kinds
    assert confirmed.reclassified_id


def test_exactly_those_who_fell_back_are_asked(scene: Scene, wrong: PolicyVersion) -> None:
    """P2, P5: by a campaign of their own, from the version that governs them again."""
    scene.decide(ALICE, APPROVED, at=EFFECT + 2 * A_DAY)
    propose(scene)
    campaign = confirm(scene)
    freezing.freeze_audience(scene.database, campaign, FOUND + timedelta(hours=1))
    with scene.database.session() as session:
        (asked,) = session.exec(
            select(CampaignAddressee).where(CampaignAddressee.campaign_id == campaign)
        ).all()
    assert asked.account_id == scene.account(BOB.external_id).id
    assert asked.asks_approval
    assert asked.governing_version_id != second(scene).id


def only_told(transaction: Session, wrong: PolicyVersion) -> Campaign:
    """The campaign of the version, which was of class notice: it told people, and asked nobody."""
    row = transaction.get_one(PolicyVersion, wrong.id)
    row.version_class = VersionClass.NOTICE
    policy = policies.policy_by_slug(transaction, POLICY)
    told = Campaign(policy_version_id=row.id, owner_id=policy.owner_id, started_at=NOW)
    transaction.add(told)
    transaction.flush()
    return told


def test_a_campaign_that_only_told_people_gives_way_to_one_that_asks(
    scene: Scene, wrong: PolicyVersion
) -> None:
    """P2: class notice; what was told stays on record."""
    with scene.database.transaction() as transaction:
        told = only_told(transaction, wrong)
    propose(scene)
    asks = confirm(scene)
    with scene.database.session() as session:
        earlier = session.get_one(Campaign, told.id)
        assert (earlier.state, earlier.finished_at) == ("replaced", FOUND)
        latest = campaign_of(session, wrong.id)
        assert latest
        assert (latest.id, latest.generation, latest.state) == (asks, 2, "running")


def test_nobody_who_is_asked_late_hears_of_days_that_moved_before(
    scene: Scene, wrong: PolicyVersion
) -> None:
    """P2, P8: they were told by the campaign that announced it, and it is in force."""
    with scene.database.transaction() as transaction:
        moved = ControlAct(
            policy_version_id=wrong.id,
            act="postpone",
            reason="a strike",
            staff_id=scene.staff["lena"],
            acted_at=NOW,
        )
        transaction.add(moved)
    propose(scene)
    asks = confirm(scene)
    with scene.database.session() as session:
        assert owed.postponements(session, wrong.id)
        assert owed.steps_caused(session, session.get_one(Campaign, asks)) == ()


def test_the_report_of_who_is_asked_late_tells_of_its_own_notice(
    scene: Scene, wrong: PolicyVersion
) -> None:
    """P4: and not of the one by which the version was announced."""
    with scene.database.transaction() as transaction:
        record(transaction, "notice.up", wrong.id, NOW)
        record(transaction, "notice.down", wrong.id, EFFECT)
    propose(scene)
    asks = confirm(scene)
    with scene.database.session() as session:
        found = report(session, session.get_one(Campaign, asks))
    assert (found.notice_up, found.notice_down) == (FOUND, None)


@pytest.mark.parametrize("moved", [True, False])
def test_only_a_way_that_took_no_approval_was_wrong(
    scene: Scene, wrong: PolicyVersion, *, moved: bool
) -> None:
    """P2: whoever had to approve it from the beginning was never governed by it in error."""
    if not moved:
        with scene.database.transaction() as transaction:
            known = findings_of(transaction, wrong.id)
            known[-1].direction, known[-1].status = "adverse", "confirmed"
    propose(scene, key=first_adverse(scene))
    confirm(scene)
    with scene.database.session() as session:
        base, version = policies.versions(session, second(scene).policy_id)
        assert took_for_clean(session, base, version) is moved


def first_adverse(scene: Scene) -> str:
    with scene.database.session() as session:
        found = findings_of(session, second(scene).id)
    return next(
        each.key for each in found if each.direction == "adverse" and each.status == "dismissed"
    )


def test_a_quote_is_added_with_a_sentence_in_every_language(
    scene: Scene, wrong: PolicyVersion
) -> None:
    """P2, P4: its key is the next one, and refusals name the language and what is missing."""
    scene.import_accounts(HANNA)
    with scene.database.session() as session:
        key = f"F{len(findings_of(session, wrong.id)) + 1}"
    with pytest.raises(ControlRefused, match=rf"read English \(en\),.* words: {key}"):
        propose(scene, add=QUOTE)
    english = Words(language="en", sentences={key: "Kept for a year."})
    with pytest.raises(ControlRefused, match=rf"read German \(de\),.* words: summary; {key}"):
        propose(scene, "lena", english, add=QUOTE)
    german = Words(language="de", summary="Ein Jahr.", sentences={key: "Ein Jahr behalten."})
    with pytest.raises(WordingRefused, match="no finding F99"):
        propose(scene, "lena", Words(language="en", sentences={"F99": "?"}), add=QUOTE)
    propose(scene, "lena", english, german, add=QUOTE)
    confirm(scene)
    assert scene.governs(BOB, FOUND).number == 1
    assert scene.governs(BOB, JUST_BEFORE).number == 2


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("superseded", "A later version has followed"),
        ("announced", "governs nobody yet"),
        ("withdrawn", "never governed anybody"),
        ("in_review", "never governed anybody"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    scene: Scene, wrong: PolicyVersion, state: str, words: str
) -> None:
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, wrong.id).state = state
    with pytest.raises(ControlRefused, match=words):
        propose(scene)


def test_what_asks_nobody_is_refused_in_words(scene: Scene, wrong: PolicyVersion) -> None:
    with pytest.raises(ControlRefused, match="no finding F99"):
        propose(scene, key="F99")
    with pytest.raises(ControlRefused, match="not in version 2"):
        propose(scene, add="for ten years")
    with scene.database.transaction() as transaction:
        key = adverse(scene)
        for finding in findings_of(transaction, wrong.id):
            if finding.key == key:
                finding.direction = "favourable"
    with pytest.raises(ControlRefused, match=f"{key} is favourable"):
        propose(scene, key=key)


def test_groups_agree_with_the_fold(scene: Scene, wrong: PolicyVersion) -> None:
    """P6: before and after, also for those who decided."""
    scene.decide(ALICE, APPROVED, at=EFFECT + 2 * A_DAY)
    propose(scene)
    confirm(scene)
    for at in (EFFECT, JUST_BEFORE, FOUND, FOUND + A_DAY):
        with scene.database.session() as session:
            history = PolicyHistory(session, policies.policy_by_slug(session, POLICY))
            counted: dict[int, int] = {}
            for standing, accounts in standings.standings(session, history, at).items():
                counted[standing.governing] = counted.get(standing.governing, 0) + accounts
        one_by_one: dict[int, int] = {}
        for who in (ALICE, BOB, CAROL):
            if at > EFFECT or who is not CAROL:
                number = scene.governs(who, at).number
                one_by_one[number] = one_by_one.get(number, 0) + 1
        assert counted == one_by_one


def test_a_campaign_that_owes_people_a_correction_does_not_give_way_before(
    scene: Scene, wrong: PolicyVersion
) -> None:
    """P2, P8: whose answers were voided are told so first."""
    with scene.database.transaction() as transaction:
        told = only_told(transaction, wrong)
        owed_to_them = CampaignCorrection(
            campaign_id=told.id,
            reason="a wrong period",
            mail="It was wrong.",
            sentences={},
            stopped_campaign=False,
            decisions=Decisions.VOID,
            proposed_by=scene.staff["lena"],
            proposed_at=FOUND,
            confirmed_by=scene.staff["noor"],
            confirmed_at=FOUND,
        )
        transaction.add(owed_to_them)
    propose(scene)
    with pytest.raises(ControlRefused, match="Agree once that has gone out"):
        confirm(scene)
    with scene.database.transaction() as transaction:
        take_step(transaction, told.id, "correction_1", due_at=FOUND, now=FOUND)
    confirm(scene)
