"""Consent is its own choice for each purpose, apart from approving (P5)."""

from datetime import timedelta

import pytest
from sqlmodel import select

from database.approvals import consents
from database.approvals.approvals import Shown
from database.approvals.shown_changes import shown_change
from database.approvals.wrong_words import keep_wrong, whatever_was_told
from database.campaigns import freezing, rehearsals, reviews
from database.campaigns.reports import report
from database.campaigns.reviews import ReviewContent, ReviewRefused
from database.people.accounts import AccountRow
from database.policies import wording
from database.policies.assessments import findings_between, findings_of
from database.policies.purposes import asked_because_of, purposes_of
from database.policies.wording import WordingRefused, Words, missing_words, wording_of
from database.tables import (
    Approval,
    Campaign,
    CampaignCorrection,
    ConsentDecision,
    Fact,
    PolicyVersion,
)
from domain.approvals.consents import Consent
from domain.policies.reviews import Decisions, VersionClass, release_refusal
from tests.deciding import APPROVED
from tests.people import ALICE, BOB, LANGUAGES
from tests.scene import FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND

HANNA = AccountRow(external_id="hanna", email="hanna@people.example", locale="de-AT")
ADS = "May advertisers have your data?"
MINUTE = timedelta(minutes=1)


def numbered(scene: Scene, number: int) -> PolicyVersion:
    with scene.database.session() as session:
        return session.exec(select(PolicyVersion).where(PolicyVersion.number == number)).one()


def confirmed(scene: Scene) -> str:
    with scene.database.session() as session:
        found = findings_of(session, numbered(scene, 2).id)
        return next(finding.key for finding in found if finding.status == "confirmed")


def write(scene: Scene, language: str, number: int = 2, **labels: str) -> None:
    with scene.database.transaction() as transaction:
        wording.write_words(
            transaction,
            transaction.get_one(PolicyVersion, numbered(scene, number).id),
            Words(language=language, sentences=labels),
            languages=LANGUAGES,
            by=scene.staff["lena"],
            now=NOW,
        )


def missing(scene: Scene) -> list[str]:
    with scene.database.session() as session:
        version = session.get_one(PolicyVersion, numbered(scene, 2).id)
        return [str(each) for each in missing_words(wording_of(session, version, LANGUAGES))]


def asked(scene: Scene, language: str) -> dict[str, str]:
    with scene.database.session() as session:
        base, version = (session.get_one(PolicyVersion, numbered(scene, n).id) for n in (1, 2))
        findings = findings_between(session, base.id, version.id)
        return dict(asked_because_of(session, findings, language))


@pytest.fixture
def second(scene: Scene) -> PolicyVersion:
    """Version 2 is reviewed, and one of its changes takes consent; Alice and Bob read of it."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(ALICE, BOB)
    version = scene.submit(SECOND)
    scene.assess(first, version=version)
    scene.confirm_all(version, VersionClass.APPROVAL)
    scene.review(version, ReviewContent(consent={confirmed(scene): "Ads"}))
    return version


def say(scene: Scene, who: AccountRow, consent: Consent, at: timedelta = timedelta()) -> None:
    with scene.database.transaction() as transaction:
        base, version = (transaction.get_one(PolicyVersion, numbered(scene, n).id) for n in (1, 2))
        shown = Shown(version=version, base=base, how="link", language="en")
        account = scene.account(who.external_id)
        consents.say(transaction, account, shown, "ads", consent, NOW + at)


def test_the_release_waits_for_the_words_of_each_purpose(
    scene: Scene, second: PolicyVersion
) -> None:
    """P4, P5: in every language that account holders read."""
    assert missing(scene) == ["in English (en) the sentence of ads"]
    with scene.database.session() as session:
        row = session.get_one(PolicyVersion, second.id)
        prepared = reviews.preparation(session, row, LANGUAGES)
        under_review = reviews.under_review(session, row)
    assert "ads" in str(release_refusal(under_review, scene.staff["noor"], prepared))
    write(scene, "en", ads=ADS)
    assert missing(scene) == []
    scene.import_accounts(HANNA)
    assert "ads" in missing(scene)[0]
    assert asked(scene, "de") == {"ads": ADS}
    write(scene, "de", ads="Dürfen Werbekunden Ihre Daten haben?")
    assert asked(scene, "de") == {"ads": "Dürfen Werbekunden Ihre Daten haben?"}
    assert asked(scene, "en") == {"ads": ADS}


def test_a_change_that_takes_another_consent_needs_words_of_its_own(
    scene: Scene, second: PolicyVersion
) -> None:
    """P5: nobody consents to one purpose by the words of another."""
    write(scene, "en", ads=ADS)
    scene.review(second, ReviewContent(consent={confirmed(scene): "Research"}))
    assert asked(scene, "en") == {}
    assert missing(scene) == ["in English (en) the sentence of research"]


def test_only_a_confirmed_change_takes_consent(scene: Scene, second: PolicyVersion) -> None:
    """P5: marked by somebody other than the submitter, with a proper key; it can be unmarked."""
    key = confirmed(scene)
    with pytest.raises(ReviewRefused, match="is no key of a purpose"):
        scene.review(second, ReviewContent(consent={key: "two words"}))
    with pytest.raises(ReviewRefused, match="someone other than"):
        scene.review(second, ReviewContent(consent={key: "tips"}), by="lena")
    with pytest.raises(ReviewRefused, match="no finding F99"):
        scene.review(second, ReviewContent(consent={"F99": "tips"}))
    with pytest.raises(ReviewRefused, match="not confirmed"):
        scene.review(second, ReviewContent(consent={key: "tips"}, dismiss=(key,)))
    with pytest.raises(WordingRefused, match="no finding tips"):
        write(scene, "en", tips="Tips?")
    scene.review(second, ReviewContent(consent={key: ""}))
    with scene.database.session() as session:
        assert purposes_of(session, second.id) == ()


def test_marking_and_wording_ask_for_another_test_mail_and_change_what_was_shown(
    scene: Scene, second: PolicyVersion
) -> None:
    """P4, P5."""

    def seen() -> tuple[str, str]:
        with scene.database.session() as session:
            base, row = (session.get_one(PolicyVersion, numbered(scene, n).id) for n in (1, 2))
            mails = rehearsals.fingerprint(session, row, LANGUAGES)
            return mails, shown_change(session, base, row, "en").sha256

    write(scene, "en", ads=ADS)
    first = seen()
    write(scene, "en", ads="May we sell your data?")
    second_time = seen()
    scene.review(second, ReviewContent(consent={confirmed(scene): ""}))
    for one in zip(first, second_time, seen(), strict=True):
        assert len(set(one)) == 3


def test_a_later_draft_takes_the_choice_along(scene: Scene, second: PolicyVersion) -> None:
    """P2, P5: with its words, as it takes along what was decided of the finding."""
    write(scene, "en", ads=ADS)
    third = scene.submit(SECOND.replace("disadvantge", "disadvantage") + "\nThank you.\n")
    scene.assess(numbered(scene, 1), version=third)
    with scene.database.session() as session:
        base, row = (session.get_one(PolicyVersion, numbered(scene, n).id) for n in (1, 3))
        findings = findings_between(session, base.id, row.id)
        assert asked_because_of(session, findings, "en") == {"ads": ADS}


def test_the_last_word_about_a_purpose_counts_and_all_are_kept(
    scene: Scene, second: PolicyVersion
) -> None:
    """P5: off by default; the same again adds nothing; with the hash of what was shown."""
    write(scene, "en", ads=ADS)
    alice = scene.account(ALICE.external_id)
    with scene.database.session() as session:
        assert consents.told(session, alice.id) == []
    say(scene, ALICE, Consent.GIVEN)
    say(scene, ALICE, Consent.GIVEN, MINUTE)
    say(scene, ALICE, Consent.WITHHELD, 2 * MINUTE)
    with scene.database.session() as session:
        (told,) = consents.told(session, alice.id)
        rows = session.exec(select(ConsentDecision)).all()
        facts = session.exec(select(Fact.kind).where(Fact.subject_id == alice.id)).all()
        base, version = (session.get_one(PolicyVersion, numbered(scene, n).id) for n in (1, 2))
        shown = shown_change(session, base, version, "en").sha256
    assert (told["purpose"], told["consent"]) == ("ads", "withheld")
    assert [row.decision for row in rows] == ["given", "withheld"]
    assert {row.change_sha256 for row in rows} == {shown}
    assert {"consent.given", "consent.withheld"} <= set(facts)


def test_consent_to_wrong_words_is_void_with_the_decisions(
    scene: Scene, second: PolicyVersion
) -> None:
    """P5, P8: who wants it anew says so anew; what was said stays on record."""
    write(scene, "en", ads=ADS)
    campaign = scene.announce(second)
    freezing.freeze_audience(scene.database, campaign, NOW)
    say(scene, ALICE, Consent.GIVEN)
    alice = scene.account(ALICE.external_id)
    with scene.database.transaction() as transaction:
        voiding = CampaignCorrection(
            campaign_id=campaign,
            reason="a wrong label",
            mail="It is about advertisers.",
            decisions=Decisions.VOID,
            sentences={},
            stopped_campaign=False,
            proposed_by=scene.staff["lena"],
            proposed_at=NOW + MINUTE,
            confirmed_by=scene.staff["noor"],
            confirmed_at=NOW + MINUTE,
        )
        transaction.add(voiding)
        transaction.flush()
        keep_wrong(transaction, voiding, whatever_was_told(transaction, second))
    with scene.database.session() as session:
        assert consents.standing(session, alice.id, second.policy_id) == {}
        (told,) = consents.told(session, alice.id)
        found = report(session, session.get_one(Campaign, campaign))
    assert (told["consent"], len(told["decisions"])) == (None, 1)  # type: ignore[arg-type]
    assert found.consents == {"ads": {"given": 0, "withheld": 0}}
    say(scene, ALICE, Consent.GIVEN, 2 * MINUTE)
    with scene.database.session() as session:
        assert consents.standing(session, alice.id, second.policy_id)["ads"].decision == "given"


def test_approving_gives_no_consent_and_consent_approves_nothing(
    scene: Scene, second: PolicyVersion
) -> None:
    """P5; the report counts both apart."""
    write(scene, "en", ads=ADS)
    campaign = scene.announce(second)
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    scene.take_mails()
    say(scene, BOB, Consent.GIVEN)
    scene.decide(ALICE, APPROVED)
    with scene.database.session() as session:
        found = report(session, session.get_one(Campaign, campaign))
        assert len(session.exec(select(Approval)).all()) == 1
        assert consents.told(session, scene.account(ALICE.external_id).id) == []
    assert (found.progress.approved, found.progress.silent) == (1, 1)
    assert found.consents == {"ads": {"given": 1, "withheld": 0}}
