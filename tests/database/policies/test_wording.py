"""What people read of a change, in their language; and what keeps a version from them (P2, P4)."""

import pytest
from sqlmodel import select

from database.approvals.shown_changes import shown_change
from database.campaigns import reviews
from database.campaigns.rehearsals import fingerprint
from database.campaigns.reviews import ReviewContent, ReviewRefused
from database.people.accounts import AccountRow
from database.policies import assessments, policies, wording
from database.policies.policies import SubmissionRefused
from database.policies.wording import WordingRefused, Words, WordsState
from database.tables import Fact, Finding, Policy, PolicyVersion
from domain.policies.reviews import VersionClass, release_refusal
from tests.people import ALICE, LANGUAGES
from tests.scene import FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND
from translations.catalogues import speak

APPROVAL = VersionClass.APPROVAL
HANNA = AccountRow(external_id="hanna", email="hanna@people.example", locale="de-AT")
GERMAN = "Aufnahmen werden länger behalten."


@pytest.fixture
def second(scene: Scene) -> PolicyVersion:
    """Version 2, confirmed, of class approval; Alice and Hanna read of it."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    scene.import_accounts(ALICE, HANNA)
    version = scene.submit(SECOND)
    scene.assess(first, version=version)
    scene.confirm_all(version, APPROVAL)
    return version


def confirmed(scene: Scene, version: PolicyVersion) -> list[Finding]:
    with scene.database.session() as session:
        found = assessments.findings_of(session, version.id)
    return [finding for finding in found if finding.status == "confirmed"]


def write(scene: Scene, version: PolicyVersion, words: Words, *, by: str = "noor") -> None:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version.id)
        wording.write_words(
            transaction, row, words, languages=LANGUAGES, by=scene.staff[by], now=NOW
        )


def in_german(scene: Scene, version: PolicyVersion) -> Words:
    keys = [finding.key for finding in confirmed(scene, version)]
    return Words(language="de", summary=GERMAN, sentences={key: f"{key}: neu." for key in keys})


def refusal(scene: Scene, version: PolicyVersion) -> str:
    with scene.database.session() as session:
        row = session.get_one(PolicyVersion, version.id)
        return str(
            release_refusal(
                reviews.under_review(session, row),
                scene.staff["noor"],
                reviews.preparation(session, row, LANGUAGES),
            )
        )


def close_hanna(scene: Scene) -> None:
    closed = AccountRow(external_id="hanna", email=HANNA.email, status="closed")
    scene.import_accounts(closed)


def test_a_release_waits_for_the_words_in_every_language_that_somebody_reads(
    scene: Scene, second: PolicyVersion
) -> None:
    """P2, P4: the refusal names what is missing; nobody reads German once Hanna has left."""
    keys = [finding.key for finding in confirmed(scene, second)]
    sentences = f"the sentences of {', '.join(keys)}"
    assert f"in German (de) the summary and {sentences}" in refusal(scene, second)
    write(scene, second, Words(language="de", summary=GERMAN))
    assert f"Missing: in German (de) {sentences}." in refusal(scene, second)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, second.id)
        with pytest.raises(ReviewRefused, match="in their language"):
            reviews.release(transaction, row, scene.staff["noor"], NOW, languages=LANGUAGES)
    close_hanna(scene)
    assert "in their language" not in refusal(scene, second)


def test_words_in_every_language_let_a_version_go_out(scene: Scene, second: PolicyVersion) -> None:
    """P4: and each is shown its own; who reads neither falls back on the first language."""
    write(scene, second, in_german(scene, second))
    assert "in their language" not in refusal(scene, second)
    with scene.database.session() as session:
        row = session.get_one(PolicyVersion, second.id)
        told = wording.sentences_in(session, confirmed(scene, second), "de")
        assert all(sentence.endswith(": neu.") for sentence in told.values())
        assert wording.summary_in(session, row, "de") == GERMAN
        assert wording.summary_in(session, row, "fr") == second.summary


def test_what_legal_added_needs_a_sentence_by_a_person(scene: Scene, second: PolicyVersion) -> None:
    """P2: a quote says what stands there, not what it means for people."""
    close_hanna(scene)
    (quote,) = {f.after for f in confirmed(scene, second)[:1]}
    scene.review(second, ReviewContent(add=(str(quote),)))
    added = confirmed(scene, second)[-1]
    assert f"Missing: in English (en) the sentence of {added.key}." in refusal(scene, second)
    write(scene, second, Words(language="en", sentences={added.key: "We sell  more.\nMuch."}))
    assert "Missing" not in refusal(scene, second)
    assert confirmed(scene, second)[-1].sentence == "We sell more. Much."


def test_what_the_engine_could_not_judge_needs_a_sentence_by_a_person(
    scene: Scene, second: PolicyVersion
) -> None:
    """P2: that somebody has to read it is no news for people."""
    close_hanna(scene)
    with scene.database.transaction() as transaction:
        transaction.get_one(Finding, confirmed(scene, second)[0].id).direction = "unclear"
    assert "Missing: in English (en) the sentence of F1." in refusal(scene, second)
    write(scene, second, Words(language="en", sentences={"F1": "We sell your data."}))
    assert "Missing" not in refusal(scene, second)


def test_an_editorial_version_waits_for_no_words(scene: Scene, second: PolicyVersion) -> None:
    """P2: nobody gets a mail about it."""
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, second.id).version_class = VersionClass.EDITORIAL
    assert "Missing" not in refusal(scene, second)
    with scene.database.session() as session:
        told = wording.wording_of(session, session.get_one(PolicyVersion, second.id), LANGUAGES)
    assert {words.state for words in told if words.language == "de"} == {WordsState.NOT_NEEDED}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (Words(language="fr", summary="Plus long."), "none of the languages"),
        (Words(language="de", summary="Neu.", sentences={"F99": "Neu."}), "no finding F99"),
        (Words(language="de", summary="Neu.", sentences={"F1": " \n"}), "sentence of F1 is empty"),
        (Words(language="de", summary="ü" * 5_001), "has 5001 characters"),
    ],
)
def test_words_are_taken_whole_or_not_at_all(
    scene: Scene, second: PolicyVersion, words: Words, why: str
) -> None:
    before = refusal(scene, second)
    with pytest.raises(WordingRefused, match=why):
        write(scene, second, words)
    assert refusal(scene, second) == before


def test_nobody_changes_the_words_of_a_released_version(
    scene: Scene, second: PolicyVersion
) -> None:
    """P8: people have read them."""
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, second.id).released_by = scene.staff["noor"]
    with pytest.raises(WordingRefused, match="not in review"):
        write(scene, second, Words(language="en", summary="All is well."))


def test_who_wrote_is_recorded_without_the_words(scene: Scene, second: PolicyVersion) -> None:
    """P32: hashes prove them."""
    write(scene, second, Words(language="de", summary=GERMAN))
    with scene.database.session() as session:
        (fact,) = session.exec(select(Fact).where(Fact.kind == "policy_version.worded")).all()
    assert fact.payload["by"] == str(scene.staff["noor"])
    assert GERMAN not in str(fact.payload)


def test_the_same_finding_in_the_next_draft_keeps_its_words(
    scene: Scene, second: PolicyVersion
) -> None:
    """P2: in each language; nobody translates twice."""
    write(scene, second, in_german(scene, second))
    write(scene, second, Words(language="en", sentences={"F1": "Longer, for you."}))
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, second.id).state = "rejected"
        first = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 1)).one()
    third = scene.submit(f"{SECOND}\nWe greet you.\n")
    scene.assess(first, version=third)
    with scene.database.session() as session:
        row = session.get_one(PolicyVersion, third.id)
        told = wording.wording_of(session, row, LANGUAGES)
    states = {(words.language, words.of): words.state for words in told}
    assert states["en", "F1"] is WordsState.WRITTEN
    assert states["de", "summary"] is WordsState.MISSING
    german = {of: state for (language, of), state in states.items() if language == "de"}
    assert {state for of, state in german.items() if of != "summary"} == {WordsState.WRITTEN}


def test_an_approval_proves_what_was_shown_in_that_language(
    scene: Scene, second: PolicyVersion
) -> None:
    """P5: each translated word counts; the hash of who reads the default language stays."""
    with scene.database.session() as session:
        first = session.exec(select(PolicyVersion).where(PolicyVersion.number == 1)).one()
        english = shown_change(session, first, second, "en").sha256
        assert shown_change(session, first, second, "de").sha256 == english
    seen = {english}
    key = confirmed(scene, second)[0].key
    for words in (
        Words(language="de", summary=GERMAN),
        Words(language="de", sentences={key: "Neu."}),
        Words(language="de", sentences={key: "Anders."}),
    ):
        write(scene, second, words)
        with scene.database.session() as session:
            row = session.get_one(PolicyVersion, second.id)
            assert shown_change(session, first, row, "en").sha256 == english
            seen.add(shown_change(session, first, row, "de").sha256)
    assert len(seen) == 4


def test_the_title_is_a_word_that_people_read(scene: Scene, second: PolicyVersion) -> None:
    """P4: it stands in the subject of each mail, so a release waits for it in the languages read,
    unless every catalogue has it."""
    assert "title" not in refusal(scene, second)
    with scene.database.transaction() as transaction:
        policy = transaction.get_one(Policy, second.policy_id)
        policy.title = "House rules"
    assert "in German (de) the policy's title and the summary" in refusal(scene, second)
    entitle(scene, second, {"de": " Unsere\n Hausordnung "})
    assert "the policy's title" not in refusal(scene, second)
    with scene.database.session() as session:
        policy = session.get_one(Policy, second.policy_id)
        assert speak("de").title(policy.title, policy.titles) == "Unsere Hausordnung"
        assert speak("en").title(policy.title, policy.titles) == "House rules"


def test_a_title_that_nobody_reads_holds_nothing_back(scene: Scene, second: PolicyVersion) -> None:
    """P4: nor does one of an editorial version, of which nobody is told."""
    with scene.database.transaction() as transaction:
        transaction.get_one(Policy, second.policy_id).title = "House rules"
    close_hanna(scene)
    assert "title" not in refusal(scene, second)


@pytest.mark.parametrize(
    ("titles", "why"),
    [
        ({"de": "Hausordnung", "fr": "Règlement"}, "none of the languages"),
        ({"de": " \n"}, "has 0 characters"),
        ({"de": "ü" * 101}, "has 101 characters"),
    ],
)
def test_titles_are_taken_whole_or_not_at_all(
    scene: Scene, second: PolicyVersion, titles: dict[str, str], why: str
) -> None:
    with pytest.raises(SubmissionRefused, match=why):
        entitle(scene, second, titles)
    with scene.database.session() as session:
        assert session.get_one(Policy, second.policy_id).titles == {}


def test_a_new_title_takes_a_new_test_mail(scene: Scene, second: PolicyVersion) -> None:
    """P4: nobody has read the mail that goes out now."""
    with scene.database.session() as session:
        before = fingerprint(session, session.get_one(PolicyVersion, second.id), LANGUAGES)
    entitle(scene, second, {"de": "Hausordnung"})
    with scene.database.session() as session:
        row = session.get_one(PolicyVersion, second.id)
        assert fingerprint(session, row, LANGUAGES) != before


def entitle(scene: Scene, version: PolicyVersion, titles: dict[str, str]) -> None:
    with scene.database.transaction() as transaction:
        policies.entitle(
            transaction,
            transaction.get_one(Policy, version.policy_id),
            titles,
            languages=LANGUAGES,
            by=scene.staff["lena"],
            now=NOW,
        )
