"""A change that a law requires governs everybody, on the word of two of legal (P5)."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlmodel import col, select

from database.approvals import standings
from database.approvals.approvals import PolicyHistory, Shown, decide
from database.approvals.governing_lists import governed_after, in_a_line, told
from database.campaigns import campaigns, controls, freezing, reclassifying, rehearsals
from database.campaigns.audiences import preview
from database.campaigns.controls import ControlRefused
from database.campaigns.reclassifying import Mistake
from database.campaigns.reports import report
from database.campaigns.reviews import ReviewContent, ReviewRefused, preparation, under_review
from database.mail.steps import FIRST_NOTICE
from database.policies import law, wording
from database.policies.assessments import findings_of
from database.policies.law import cited
from database.policies.legal_requirements import requirements
from database.policies.policies import policy_by_slug
from database.policies.wording import WordingRefused, Words
from database.tables import (
    Approval,
    Campaign,
    CampaignAddressee,
    Fact,
    LegalRequirement,
    OutboxMail,
    PolicyVersion,
)
from domain.approvals.approvals import Decision
from domain.policies.reviews import VersionClass, release_refusal
from tests.people import ALICE, BOB, CAROL, DORA, LANGUAGES, POLICY
from tests.scene import EFFECT, FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND

A_DAY = timedelta(days=1)
LATER = EFFECT + 10 * A_DAY
LAW = "Telecommunications Act, section 176"
BECAUSE = f"required by law: {LAW} (departure from P5)"
KEPT_LONGER = FIRST.replace("for 30 days and", "for one year and")
"""What the law requires; the second text sells data beside it."""
WORDS = Words(
    language="en",
    sentences={"F1": "Recordings are kept for a year.", "F1-law": "The law wants them kept."},
)


def version(scene: Scene, number: int) -> PolicyVersion:
    with scene.database.session() as session:
        return session.exec(select(PolicyVersion).where(PolicyVersion.number == number)).one()


def review(scene: Scene, by: str, number: int = 2, **said: object) -> None:
    content = ReviewContent(**said)  # type: ignore[arg-type]  # as a reviewer says it
    scene.review(version(scene, number), content, by=by)


def say(scene: Scene, words: Words = WORDS, number: int = 2) -> None:
    with scene.database.transaction() as transaction:
        wording.write_words(
            transaction,
            transaction.get_one(PolicyVersion, version(scene, number).id),
            words,
            languages=LANGUAGES,
            by=scene.staff["noor"],
            now=NOW,
        )


def refusal(scene: Scene, number: int = 2) -> str | None:
    """Why Noor cannot release it."""
    with scene.database.session() as session:
        row = session.get_one(PolicyVersion, version(scene, number).id)
        return release_refusal(
            under_review(session, row), scene.staff["noor"], preparation(session, row, LANGUAGES)
        )


@pytest.fixture
def in_review(scene: Scene) -> PolicyVersion:
    """Lena submitted version 2, in which one change is adverse; Noor confirmed it."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(ALICE, BOB)
    second = scene.submit(KEPT_LONGER)
    scene.assess(first, version=second)
    review(scene, "noor", confirm=("F1",))
    return second


def require(scene: Scene, number: int = 2, key: str = "F1") -> None:
    """Lena cites the law, Noor agrees."""
    review(scene, "lena", number, law={key: f"  {LAW} "})
    agreed = {key: LAW}
    review(scene, "noor", number, agree_to_law=agreed, version_class=VersionClass.NOTICE)


@pytest.fixture
def announced(scene: Scene, in_review: PolicyVersion) -> UUID:
    """The campaign that tells Alice and Bob."""
    require(scene)
    say(scene)
    campaign = scene.announce(in_review)
    freezing.freeze_audience(scene.database, campaign, NOW)
    return campaign


def test_two_of_legal_say_so_and_both_names_stand(scene: Scene, in_review: PolicyVersion) -> None:
    """P5: whoever cited it does not agree, nor whoever submitted the version."""
    with pytest.raises(ReviewRefused, match="Nobody has cited a law"):
        review(scene, "noor", agree_to_law={"F1": LAW})
    with pytest.raises(ReviewRefused, match="1 to 300 characters"):
        review(scene, "noor", law={"F1": "§" * 301})
    review(scene, "noor", law={"F1": LAW})
    for who in ("noor", "lena"):
        with pytest.raises(ReviewRefused, match=r"second person|submitted"):
            review(scene, who, agree_to_law={"F1": LAW})
    review(scene, "lena", law={"F1": LAW})
    with pytest.raises(ReviewRefused, match=f"Another law is cited for F1 by now: {LAW}"):
        review(scene, "noor", agree_to_law={"F1": "Some other Act"})
    review(scene, "noor", agree_to_law={"F1": LAW})
    with scene.database.session() as session:
        (one,) = cited(session, findings_of(session, in_review.id))
        rows = session.exec(select(LegalRequirement).order_by(col(LegalRequirement.id))).all()
        facts = session.exec(select(Fact).where(Fact.kind == "policy_version.reviewed")).all()
    assert (one.cited_by, one.agreed_by) == ("Lena Lindqvist", "Noor Nasser")
    assert [row.dropped_at is None for row in rows] == [False, True]
    said = [fact.payload for fact in facts if "law" in fact.payload]
    agreed = [fact.payload for fact in facts if "agreed_to_law" in fact.payload]
    assert [fact["law"] for fact in said] == [[f"F1={LAW}"]] * 2
    assert [fact["reviewer"] for fact in agreed] == [str(scene.staff["noor"])]


def test_a_release_waits_for_the_second_person_the_class_and_the_words(
    scene: Scene, in_review: PolicyVersion
) -> None:
    """P4, P5: what people are told of the law is written in each language that somebody reads."""
    review(scene, "lena", law={"F1": LAW})
    assert "no second person agreed yet" in str(refusal(scene))
    review(scene, "noor", agree_to_law={"F1": LAW}, version_class=VersionClass.APPROVAL)
    assert "nobody is asked" in str(refusal(scene))
    review(scene, "noor", version_class=VersionClass.NOTICE)
    assert "in English (en) what people are told of the law that requires F1" in str(refusal(scene))
    with pytest.raises(WordingRefused, match="F2-law"):
        say(scene, Words(language="en", sentences={"F2-law": "No such."}))
    say(scene)
    assert "test mail" in str(refusal(scene))
    review(scene, "noor", law={"F1": ""}, version_class=VersionClass.APPROVAL)
    with scene.database.session() as session:
        assert not requirements(session, findings_of(session, in_review.id), agreed=False)


def test_a_version_that_is_required_only_in_part_is_not_released(scene: Scene) -> None:
    """P5: nobody is governed by half a version."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    second = scene.submit(SECOND)
    scene.assess(first, version=second)
    scene.confirm_all(second, VersionClass.APPROVAL)
    with scene.database.session() as session:
        (kept,) = [
            one.key
            for one in findings_of(session, second.id)
            if one.after and "recordings" in one.after
        ]
    review(scene, "lena", law={kept: LAW})
    review(scene, "noor", agree_to_law={kept: LAW})
    assert "nobody is governed by half a version" in str(refusal(scene))
    with pytest.raises(ReviewRefused, match="cannot be notice"):
        review(scene, "noor", version_class=VersionClass.NOTICE)


def test_the_mails_tell_of_the_law_and_another_law_asks_for_another_test_mail(
    scene: Scene, in_review: PolicyVersion
) -> None:
    """P4: only what the campaign will send is rehearsed, and no question is among it."""
    require(scene)
    say(scene)

    def fingerprint() -> str:
        with scene.database.session() as session:
            return rehearsals.fingerprint(session, version(scene, 2), LANGUAGES)

    before = fingerprint()
    with scene.database.session() as session:
        samples = rehearsals.samples_of(session, version(scene, 2))
    assert [sample.template for sample in samples] == ["law_first_notice"]
    say(scene, Words(language="en", sentences={"F1-law": "Other words."}))
    assert fingerprint() != before


def test_everybody_is_told_nobody_asked_and_nobody_reminded(scene: Scene, announced: UUID) -> None:
    """P4, P5."""
    for step in (FIRST_NOTICE, "reminder_1"):
        scene.queue_step(announced, step)
    with scene.database.session() as session:
        mails = session.exec(select(OutboxMail)).all()
        addressees = session.exec(select(CampaignAddressee)).all()
        assert not campaigns.asks_anybody(session, announced)
    assert [(mail.step, mail.template) for mail in mails] == [
        ("first_notice", "law_first_notice")
    ] * 2
    assert all(mail.link_id for mail in mails)
    assert [one.asks_approval for one in addressees] == [False, False]


def governed(scene: Scene, at: object = LATER) -> dict[str, dict[str, object]]:
    with scene.database.session() as session:
        history = PolicyHistory(session, policy_by_slug(session, POLICY))
        rows = governed_after(session, history, at, after="", limit=10)  # type: ignore[arg-type]
        return {row.account.external_id: in_a_line(row.proven) for row in rows if row.proven}


def test_it_governs_everybody_from_the_effect_and_is_nobodys_approval(
    scene: Scene, announced: UUID
) -> None:
    """P5, P6: whoever joined meanwhile too; the departure is on record with both people."""
    scene.import_accounts(CAROL, now=NOW + A_DAY)
    scene.put_in_force(version(scene, 2), EFFECT)
    scene.import_accounts(DORA, now=EFFECT + A_DAY)
    assert {row["version"] for row in governed(scene, EFFECT - timedelta.resolution).values()} == {
        1
    }
    rows = governed(scene)
    for who in (ALICE, BOB, CAROL):
        row = rows[who.external_id]
        assert (row["version"], row["since"], row["accepted"]) == (2, EFFECT, 1)
        assert (row["because"], row["required_by_law"]) == (BECAUSE, LAW)
        assert row["approval"] is row["decided_at"] is row["without_approval"] is None
    assert rows[DORA.external_id]["version"] == 2
    with scene.database.session() as session:
        history = PolicyHistory(session, policy_by_slug(session, POLICY))
        (alice, *_) = governed_after(session, history, LATER, after="", limit=1)
        assert alice.proven
        steps = told(history, alice.proven)["steps"]
        fact = session.exec(
            select(Fact).where(Fact.kind == "policy_version.departed_from_p5")
        ).one()
        assert not session.exec(select(Approval)).all()
        groups = standings.standings(session, history, LATER)
    assert [step["required_by_law"] for step in steps] == [None, (LAW,)]  # type: ignore[attr-defined]
    assert fact.payload["laws"] == [LAW]
    assert fact.payload["cited_by"] == [str(scene.staff["lena"])]
    assert fact.payload["agreed_by"] == [str(scene.staff["noor"])]
    assert {group.governing: count for group, count in groups.items() if group.accepted == 1} == {
        2: 3
    }


def test_an_account_whose_holder_died_stays_where_it_was(scene: Scene, announced: UUID) -> None:
    """P5: it is frozen, and moves only if that was a mistake."""
    dead = partial(scene.import_accounts, now=EFFECT - A_DAY)
    dead(type(BOB)(external_id=BOB.external_id, email=BOB.email, status="deceased"))
    scene.put_in_force(version(scene, 2), EFFECT)
    assert governed(scene)[BOB.external_id]["version"] == 1
    scene.import_accounts(
        type(BOB)(external_id=BOB.external_id, email=BOB.email, status="open"), now=EFFECT + A_DAY
    )
    row = governed(scene)[BOB.external_id]
    assert (row["version"], row["since"]) == (2, EFFECT + A_DAY)


def test_the_report_says_which_law_who_said_so_and_that_it_departs(
    scene: Scene, announced: UUID
) -> None:
    """P5."""
    scene.put_in_force(version(scene, 2), EFFECT)
    with scene.database.session() as session:
        found = report(session, session.get_one(Campaign, announced))
    (one,) = found.required_by_law
    assert (one.finding, one.citation) == ("F1", LAW)
    assert (one.cited_by, one.agreed_by) == ("Lena Lindqvist", "Noor Nasser")
    assert found.departed_from_p5_at == EFFECT
    assert (found.asked_from_versions, found.progress.approved) == ((), 0)


def test_a_later_version_inherits_the_law_and_asks_nobody_again(
    scene: Scene, announced: UUID
) -> None:
    """P5, P6: measured from what people last accepted, the same change is there, and the same law
    with the same two people and words."""
    scene.put_in_force(version(scene, 2), EFFECT)
    third = scene.submit(KEPT_LONGER.replace("disadvantge", "disadvantage"), now=EFFECT + A_DAY)
    with scene.database.session() as session:
        history = PolicyHistory(session, policy_by_slug(session, POLICY))
        in_use = standings.texts_in_use(session, history, EFFECT + A_DAY)
    assert in_use == {1, 2}
    scene.assess(version(scene, 2), version(scene, 1), version=third)
    with scene.database.session() as session:
        (inherited,) = requirements(session, findings_of(session, third.id)).values()
        said = law.laws_said(session, version(scene, 1), version(scene, 3), "en")
        audience = preview(session, version(scene, 3), EFFECT + A_DAY)
    assert inherited.inherited_from
    assert (inherited.cited_by, inherited.agreed_by) == (scene.staff["lena"], scene.staff["noor"])
    assert said == (law.Law(citation=LAW, sentence="The law wants them kept."),)
    assert audience.asked == 0
    review(scene, "noor", 3, version_class=VersionClass.EDITORIAL)
    assert refusal(scene, 3) is None
    scene.put_in_force(third, EFFECT + 2 * A_DAY)
    row = governed(scene)[ALICE.external_id]
    assert (row["version"], row["accepted"], row["because"]) == (3, 1, BECAUSE)


def test_a_law_that_was_cited_wrongly_is_mended_from_then_on(scene: Scene, announced: UUID) -> None:
    """P2, P5: two of legal find that it needed approval; whoever was moved falls back, is told so,
    and what governed until then stays on record as an error."""
    scene.put_in_force(version(scene, 2), EFFECT)
    words = [
        Words(language=language, summary="Longer.", sentences={"F2": "Kept for a year."})
        for language in LANGUAGES
    ]
    with scene.database.transaction() as transaction:
        act = controls.acting(
            transaction, scene.staff["lena"], "legal", reason="no such law", now=LATER
        )
        row = transaction.get_one(PolicyVersion, version(scene, 2).id)
        with pytest.raises(ControlRefused, match=r"F1 is confirmed already\. If no law"):
            reclassifying.propose(
                transaction, row, act, Mistake(confirm=["F1"]), languages=LANGUAGES
            )
        mistake = Mistake(add=["for one year"], words=words)
        reclassifying.propose(transaction, row, act, mistake, languages=LANGUAGES)
        transaction.flush()
        reclassifying.confirm(
            transaction,
            row,
            scene.staff["noor"],
            LATER,
            asks_until_on=(LATER + 31 * A_DAY).date(),
            languages=LANGUAGES,
        )
    assert governed(scene, LATER - timedelta.resolution)[BOB.external_id]["version"] == 2
    with scene.database.session() as session:
        history = PolicyHistory(session, policy_by_slug(session, POLICY))
        (alice, *_) = governed_after(session, history, LATER, after="", limit=1)
        assert alice.proven
        steps = alice.proven.state.steps
        assert not law.laws_of(session, version(scene, 2), "en")
    assert [(step.number, bool(step.in_error)) for step in steps] == [
        (1, False),
        (2, True),
        (1, False),
    ]
    assert steps[1].required_by == (LAW,)


def decided(scene: Scene, who: str, decision: Decision) -> None:
    with scene.database.transaction() as transaction:
        shown = Shown(version=version(scene, 2), base=version(scene, 1), how="link", language="en")
        decide(transaction, scene.account(who), shown, decision, NOW)


def templates(scene: Scene, campaign: UUID) -> dict[UUID, str]:
    scene.queue_step(campaign)
    with scene.database.session() as session:
        mails: Sequence[OutboxMail] = session.exec(
            select(OutboxMail).where(OutboxMail.subject_id == campaign)
        ).all()
        return {mail.addressee_id: mail.template for mail in mails}


def test_whoever_stayed_behind_is_asked_and_never_bound_to_what_they_declined(
    scene: Scene,
) -> None:
    """P5: version 2 sells data, and Bob declined that; version 3 has what a law requires beside it.
    It governs Alice, who approved version 2, and of Bob it asks his approval."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(ALICE, BOB)
    second = scene.submit(SECOND.replace("for one year and", "for 30 days and"))
    scene.assess(first, version=second)
    scene.confirm_all(second, VersionClass.APPROVAL)
    scene.announce(second)
    decided(scene, ALICE.external_id, Decision.APPROVED)
    decided(scene, BOB.external_id, Decision.DECLINED)
    scene.put_in_force(second, EFFECT)
    third = scene.submit(SECOND, now=EFFECT)
    scene.assess(second, first, version=third)
    review(scene, "noor", 3, confirm=("F1",))
    require(scene, 3)
    assert "Missing" in str(refusal(scene, 3))
    with scene.database.session() as session:
        assert law.asked_nevertheless(session, version(scene, 3)) == (1,)
        assert preview(session, version(scene, 3), EFFECT + A_DAY).asked == 1
        samples = rehearsals.samples_of(session, version(scene, 3))
    assert [(sample.template, sample.base.number) for sample in samples] == [
        ("law_first_notice", 2),
        ("approval_first_notice", 1),
        ("approval_reminder", 1),
    ]
    campaign = scene.announce(third, on=LATER.date())
    freezing.freeze_audience(scene.database, campaign, EFFECT + A_DAY)
    assert templates(scene, campaign) == {
        scene.account(ALICE.external_id).id: "law_first_notice",
        scene.account(BOB.external_id).id: "approval_first_notice",
    }
    scene.put_in_force(third, LATER)
    rows = governed(scene)
    alice, bob = rows[ALICE.external_id], rows[BOB.external_id]
    assert (alice["version"], alice["accepted"], alice["because"]) == (3, 2, BECAUSE)
    assert alice["approval"] is None
    assert (bob["version"], bob["without_approval"]) == (1, "stay")
