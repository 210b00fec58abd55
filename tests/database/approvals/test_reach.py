"""A correction reaches whoever had wrong words, in their language, from their version (P8)."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from database.approvals import approvals, consents, reach
from database.campaigns import controls, corrections, freezing
from database.campaigns.controls import ControlRefused
from database.campaigns.corrections import Right, RightWords
from database.campaigns.owed import open_correction
from database.campaigns.progress import progress_of
from database.campaigns.reports import report
from database.mail.mail_rows import Batch
from database.mail.outbox import claim
from database.mail.outcomes import accept, doubt, give_back
from database.mail.steps import FIRST_NOTICE
from database.people.accounts import AccountRow, account_by_external_id
from database.policies import wording
from database.policies.assessments import findings_between, findings_of
from database.policies.policies import version_by_slug
from database.policies.wording import SUMMARY, Words
from database.tables import Account, Campaign, OutboxMail
from domain.approvals.approvals import Decision
from domain.approvals.consents import Consent
from domain.policies.reviews import Decisions, VersionClass
from tests import correcting
from tests.deciding import APPROVED, DECLINED
from tests.people import ALICE, BOB, LANGUAGES, POLICY
from tests.scene import EFFECT, FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND

A_MINUTE, SOON, LATER = timedelta(minutes=1), NOW + timedelta(hours=1), NOW + timedelta(hours=2)
HANNA = AccountRow(external_id="hanna", email="hanna@people.example", locale="de-AT")
SOLD = FIRST.replace(
    "We never sell your personal data to anyone.",
    "We may sell your personal data to advertising partners.",
)
GERMAN = {"summary": "Zehn Tage.", "F1": "Zehn Tage lang.", "F2": "Wir verkaufen Daten."}


def write(scene: Scene, language: str, said: Mapping[str, str], number: int = 2) -> None:
    """Legal had written this before the release."""
    words = Words(
        language=language,
        summary=said.get("summary"),
        sentences={of: text for of, text in said.items() if of != "summary"},
    )
    with scene.database.transaction() as transaction:
        version = version_by_slug(transaction, POLICY, number)
        noor = scene.staff["noor"]
        wording.keep_words(transaction, version, words, default="en", by=noor, now=NOW)


def mail_everybody(scene: Scene, campaign: UUID, step: str = FIRST_NOTICE) -> None:
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign, step)
    while True:
        with scene.database.transaction() as transaction:
            found = claim(transaction, Batch(subject_id=campaign), limit=9, now=NOW)
            if not found:
                return
            accept(transaction, found.attempt_id, "x", NOW)


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """Alice and Bob had their mail in English, Hanna in German."""
    scene.import_accounts(ALICE, BOB, HANNA)
    campaign = scene.campaign()
    write(scene, "de", GERMAN)
    mail_everybody(scene, campaign)
    return campaign


def propose(
    scene: Scene,
    *words: RightWords,
    decisions: Decisions = Decisions.VOID,
    everybody: bool = False,
    number: int = 2,
) -> reach.Reach:
    right = Right(decisions=decisions, words=words, everybody=everybody)
    with scene.database.transaction() as transaction:
        lena = scene.staff["lena"]
        act = controls.acting(transaction, lena, "legal", reason="a wrong period", now=SOON)
        version = version_by_slug(transaction, POLICY, number)
        return correcting.propose(transaction, version, act, right)


def counted(scene: Scene) -> reach.Reach | None:
    """Whom the correction that waits would tell, as the second person of legal is told."""
    with scene.database.session() as session:
        found = corrections.count(session, version_by_slug(session, POLICY, 2))
    return found.reach if found else None


def confirm(scene: Scene, number: int = 2) -> None:
    with scene.database.transaction() as transaction:
        version, noor = version_by_slug(transaction, POLICY, number), scene.staff["noor"]
        correcting.confirm(transaction, version, noor, LATER)


def decide(
    scene: Scene, who: AccountRow, decision: Decision, language: str, number: int = 2, base: int = 1
) -> None:
    """Somebody reads their page in a language and decides there."""
    with scene.database.transaction() as transaction:
        old, new = (version_by_slug(transaction, POLICY, each) for each in (base, number))
        shown = approvals.Shown(version=new, base=old, how="link", language=language)
        account = account_by_external_id(transaction, who.external_id)
        approvals.decide(transaction, account, shown, decision, NOW + A_MINUTE)


def told(scene: Scene, campaign: UUID, step: str = "correction_1") -> list[str]:
    """Who is mailed that something was wrong."""
    scene.queue_step(campaign, step)
    with scene.database.session() as session:
        return sorted(
            session.exec(
                select(Account.external_id)
                .join(OutboxMail, OutboxMail.addressee_id == Account.id)  # type: ignore[arg-type]
                .where(OutboxMail.subject_id == campaign, OutboxMail.step == step)
            ).all()
        )


def stands(scene: Scene, who: AccountRow, number: int = 2) -> str | None:
    """What somebody decided, as far as it counts."""
    with scene.database.session() as session:
        account = account_by_external_id(session, who.external_id)
        version = version_by_slug(session, POLICY, number)
        latest = approvals.latest_decision(session, account.id, version.id)
    return latest.decision if latest else None


RIGHT_IN_GERMAN = RightWords(
    language="de", mail="Es ist ein Jahr.", sentences={"F1": "Ein Jahr lang."}
)


def test_only_those_are_told_who_were_mailed_in_the_language_that_was_wrong(
    scene: Scene, campaign: UUID
) -> None:
    """P8: no word in English is asked for, as nothing was wrong in it; everybody's answer but
    Hanna's stands, for the version in force too."""
    decide(scene, ALICE, APPROVED, "en")
    decide(scene, BOB, DECLINED, "en")
    decide(scene, HANNA, APPROVED, "de")
    found = propose(scene, RIGHT_IN_GERMAN)
    assert str(found) == "It is mailed to 1 person who was mailed in German from version 1."
    assert found.decisions == 1
    confirm(scene)
    assert told(scene, campaign) == [HANNA.external_id]
    assert [stands(scene, who) for who in (ALICE, BOB, HANNA)] == ["approved", "declined", None]
    scene.put_in_force(scene.version(2), EFFECT)
    assert [scene.governs(who, EFFECT).number for who in (ALICE, HANNA)] == [2, 1]
    with scene.database.session() as session:
        stand = progress_of(session, session.get_one(Campaign, campaign))
        (put_right,) = report(session, session.get_one(Campaign, campaign)).corrections
    assert (stand.approved, stand.declined, stand.silent) == (1, 1, 1)
    assert (put_right.people, put_right.voided, put_right.whose) == (1, 1, ("1 in German",))


def test_words_that_another_language_has_of_its_own_were_right_in_it(
    scene: Scene, campaign: UUID
) -> None:
    """P8: Hanna read German words, which nobody calls wrong."""
    english = RightWords(language="en", mail="It is a year.", sentences={"F1": "For a year."})
    found = propose(scene, english)
    assert [str(group) for group in found.groups] == [
        "2 people who were mailed in English from version 1"
    ]
    confirm(scene)
    assert told(scene, campaign) == [ALICE.external_id, BOB.external_id]


def test_who_moved_to_another_language_since_is_told_in_it(scene: Scene, campaign: UUID) -> None:
    """P4, P8: the mail that puts it right goes out in the language of today."""
    scene.import_accounts(AccountRow(external_id="hanna", email=HANNA.email, locale="en"), now=NOW)
    with pytest.raises(ControlRefused, match=r"Missing in English \(en\), in plain words"):
        propose(scene, RIGHT_IN_GERMAN)


def test_who_decided_on_the_page_in_a_language_that_was_wrong_is_told_as_well(
    scene: Scene, campaign: UUID
) -> None:
    """P8: their mail was right, and so is the answer that Hanna gave in English."""
    decide(scene, ALICE, APPROVED, "de")
    decide(scene, HANNA, DECLINED, "en")
    english = RightWords(language="en", mail="The German page was wrong: it is a year.")
    found = propose(scene, english, RIGHT_IN_GERMAN)
    assert [str(group) for group in found.groups] == [
        "1 person who was mailed in German from version 1",
        "1 person who decided on their page in German from version 1",
    ]
    assert (found.people, found.decisions) == (2, 1)
    confirm(scene)
    assert told(scene, campaign) == [ALICE.external_id, HANNA.external_id]
    assert [stands(scene, who) for who in (ALICE, HANNA)] == [None, "declined"]


@pytest.mark.parametrize(
    "words",
    [
        {"everybody": True, "sentences": {"F1": "Ein Jahr lang."}},
        {"everybody": False, "sentences": {}},
    ],
    ids=["legal_says_so", "the_mail_itself"],
)
def test_where_the_mail_itself_was_wrong_everybody_is_told(
    scene: Scene, campaign: UUID, words: Mapping[str, object]
) -> None:
    """P8: where legal says so, and where no words are given that were wrong."""
    decide(scene, ALICE, APPROVED, "en")
    german = RightWords(
        language="de",
        mail="Es ist ein Jahr.",
        sentences=words["sentences"],  # type: ignore[arg-type]
    )
    english = RightWords(language="en", mail="It is a year.")
    found = propose(scene, english, german, everybody=bool(words["everybody"]))
    assert str(found).startswith("It is mailed to everybody who was mailed, 3 people: ")
    confirm(scene)
    assert told(scene, campaign) == [ALICE.external_id, BOB.external_id, HANNA.external_id]
    assert stands(scene, ALICE) is None


def test_words_that_people_read_already_were_not_wrong(scene: Scene, campaign: UUID) -> None:
    """P8: as in a form where nothing was changed. Nobody is told by mistake."""
    unchanged = RightWords(
        language="de",
        mail="Es ist ein Jahr.",
        summary=" Zehn Tage. ",
        sentences={"F1": "Zehn  Tage lang."},
    )
    with pytest.raises(ControlRefused, match="are those that people read already"):
        propose(scene, unchanged)
    with scene.database.session() as session:
        assert session.get_one(Campaign, campaign).state == "running"


def test_words_that_another_finding_has_already_are_right_for_this_one_too(
    scene: Scene, campaign: UUID
) -> None:
    """P8: what Hanna read of F2 was wrong, whatever she read of F1."""
    same = RightWords(language="de", mail="Falsch.", sentences={"F2": GERMAN["F1"]})
    assert propose(scene, same).people == 1


def test_a_summary_in_other_lines_says_the_same(scene: Scene, campaign: UUID) -> None:
    write(scene, "de", {"summary": "Zehn Tage.\n\nMehr nicht."})
    in_lines = RightWords(language="de", mail="", summary="Zehn Tage.\r\n\r\nMehr nicht.")
    with pytest.raises(ControlRefused, match="are those that people read already"):
        propose(scene, in_lines)


def test_what_was_left_as_it_stood_is_no_part_of_the_correction(
    scene: Scene, campaign: UUID
) -> None:
    """P8: the form has every field; German readers without words of their own keep reading the
    first language's, put right."""
    with_all = RightWords(
        language="de",
        mail="Es ist ein Jahr.",
        summary=GERMAN["summary"],
        sentences={"F1": "Ein Jahr lang.", "F2": GERMAN["F2"]},
    )
    propose(scene, with_all)
    with scene.database.session() as session:
        campaign_row = session.get_one(Campaign, campaign)
        proposed = open_correction(session, campaign_row.id)
        assert proposed
        read = corrections.in_words(session, proposed, LANGUAGES)["words"]
    assert read["de"] == {  # type: ignore[index]
        "mail": "Es ist ein Jahr.",
        "summary": "as it was",
        "sentences": {"F1": "Ein Jahr lang."},
    }


def in_doubt_and_queued_again(scene: Scene, campaign: UUID) -> None:
    """As the machine or ops do it: nobody knows whether the German mail went out."""
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign, FIRST_NOTICE)
    for _language in ("en", "de"):
        with scene.database.transaction() as transaction:
            found = claim(transaction, Batch(subject_id=campaign), limit=9, now=NOW)
            assert found
            if found.like.language == "de":
                doubt(transaction, found.attempt_id, "no answer", NOW)
            else:
                accept(transaction, found.attempt_id, "x", NOW)
    with scene.database.transaction() as transaction:
        unknown = select(OutboxMail).where(OutboxMail.state == "unknown")
        transaction.exec(unknown).one().state = "queued"


@pytest.mark.parametrize("goes_out_first", [True, False])
def test_who_may_have_had_wrong_words_in_a_try_without_an_answer_is_told(
    scene: Scene, goes_out_first: bool
) -> None:
    """P4, P8: whether their mail goes out again with the right words before or after."""
    scene.import_accounts(ALICE, BOB, HANNA)
    campaign = scene.campaign()
    write(scene, "de", GERMAN)
    in_doubt_and_queued_again(scene, campaign)
    assert propose(scene, RIGHT_IN_GERMAN).people == 1
    confirm(scene)
    if goes_out_first:
        with scene.database.transaction() as transaction:
            again = claim(transaction, Batch(subject_id=campaign), limit=9, now=LATER + A_MINUTE)
            assert again
            accept(transaction, again.attempt_id, "y", LATER + A_MINUTE)
    assert told(scene, campaign) == [HANNA.external_id]


def test_whose_mail_surely_did_not_go_out_before_had_right_words_alone(scene: Scene) -> None:
    """P8: Hanna's was refused once, and went out after the words were put right."""
    scene.import_accounts(ALICE, BOB, HANNA)
    campaign = scene.campaign()
    write(scene, "de", GERMAN)
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign, FIRST_NOTICE)
    batch = Batch(subject_id=campaign)
    with scene.database.transaction() as transaction:
        for found in [claim(transaction, batch, limit=9, now=NOW) for _language in ("en", "de")]:
            assert found
            if found.like.language == "de":
                give_back(transaction, found.attempt_id, "too many", NOW)
            else:
                accept(transaction, found.attempt_id, "x", NOW)
    assert propose(scene, RIGHT_IN_GERMAN).people == 0
    confirm(scene)
    with scene.database.transaction() as transaction:
        again = claim(transaction, batch, limit=9, now=LATER + A_MINUTE)
        assert again
        accept(transaction, again.attempt_id, "y", LATER + A_MINUTE)
    assert told(scene, campaign) == []


def two_beginnings(scene: Scene) -> UUID:
    """Alice has version 1, Bob version 2, where data may be sold already; version 3 keeps
    recordings longer too."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    second = scene.submit(SOLD, now=FIRST_DAY)
    scene.assess(first, version=second)
    scene.confirm_all(second, VersionClass.APPROVAL)
    scene.put_in_force(second, FIRST_DAY + A_MINUTE)
    scene.import_accounts(ALICE)
    scene.import_accounts(BOB, now=FIRST_DAY + timedelta(days=1))
    third = scene.submit(SECOND)
    scene.assess(first, second, version=third)
    scene.confirm_all(third, VersionClass.APPROVAL)
    campaign = scene.announce(third)
    mail_everybody(scene, campaign)
    return campaign


def shown_from(scene: Scene, base: int) -> set[str]:
    with scene.database.session() as session:
        old, new = (version_by_slug(session, POLICY, each) for each in (base, 3))
        return {finding.key for finding in findings_between(session, old.id, new.id)}


def test_only_those_are_told_for_whom_the_change_shows_what_was_wrong(scene: Scene) -> None:
    """P8: that data may be sold is new only to whoever has version 1."""
    campaign = two_beginnings(scene)
    only_from_1 = min(shown_from(scene, 1) - shown_from(scene, 2))
    decide(scene, ALICE, APPROVED, "en", 3, 1)
    decide(scene, BOB, APPROVED, "en", 3, 2)
    english = RightWords(language="en", mail="To partners alone.", sentences={only_from_1: "Yes."})
    found = propose(scene, english, number=3)
    assert [str(each) for each in found.groups] == [
        "1 person who was mailed in English from version 1"
    ]
    confirm(scene, 3)
    assert told(scene, campaign) == [ALICE.external_id]
    assert [stands(scene, who, 3) for who in (ALICE, BOB)] == [None, "approved"]


def test_what_is_shown_from_every_version_was_wrong_for_everybody(scene: Scene) -> None:
    campaign = two_beginnings(scene)
    shared = (shown_from(scene, 1) & shown_from(scene, 2)).pop()
    english = RightWords(language="en", mail="It is a year.", sentences={shared: "For a year."})
    propose(scene, english, number=3)
    confirm(scene, 3)
    assert told(scene, campaign) == [ALICE.external_id, BOB.external_id]


def consent(
    scene: Scene,
    who: AccountRow,
    language: str,
    purpose: str,
    said: Consent = Consent.GIVEN,
    after: timedelta = A_MINUTE,
) -> None:
    """Somebody says about a purpose what they want, on their page in a language."""
    with scene.database.transaction() as transaction:
        first, second = (version_by_slug(transaction, POLICY, each) for each in (1, 2))
        shown = approvals.Shown(version=second, base=first, how="link", language=language)
        account = account_by_external_id(transaction, who.external_id)
        consents.say(transaction, account, shown, purpose, said, NOW + after)


def consented(scene: Scene, who: AccountRow) -> set[str]:
    """The purposes to which somebody's yes stands."""
    with scene.database.session() as session:
        policy = version_by_slug(session, POLICY, 2).policy_id
        account = account_by_external_id(session, who.external_id)
        said = consents.standing(session, account.id, policy)
    return {purpose for purpose, row in said.items() if row.decision == Consent.GIVEN}


@pytest.fixture
def asks_consent(scene: Scene, campaign: UUID) -> UUID:
    """F1 takes consent to ads and F2 to research; Alice, who reads English, and Hanna gave both."""
    with scene.database.transaction() as transaction:
        version = version_by_slug(transaction, POLICY, 2)
        for finding in findings_of(transaction, version.id):
            if finding.key in ("F1", "F2"):
                finding.consent_key = {"F1": "ads", "F2": "research"}[finding.key]
                finding.consent_label = f"May we use your data for {finding.consent_key}?"
    write(scene, "de", {"ads": "Werbung?", "research": "Forschung?"})
    for who, language in ((ALICE, "en"), (HANNA, "de")):
        for purpose in ("ads", "research"):
            consent(scene, who, language, purpose)
    return campaign


@pytest.mark.parametrize(
    ("right", "stay"),
    [
        ({"F1": "Ein Jahr lang."}, {"research"}),
        ({"F2": "Wir verkaufen sie."}, {"ads"}),
        ({"ads": "Werbung anderer?"}, {"research"}),
        ({"F4": "Ein Jahr lang."}, {"ads", "research"}),
        ({"F4": "Ein Jahr lang.", "research": "Nur Forschung?"}, {"ads"}),
        ({SUMMARY: "Ein Jahr."}, set()),
    ],
)
def test_only_consent_given_by_wrong_words_of_its_own_is_void(
    scene: Scene, asks_consent: UUID, right: dict[str, str], stay: set[str]
) -> None:
    """P5, P8: what people consented to by right words is untouched by another sentence; the summary
    is about all. Who reads another language had none of it; legal reads how many before."""
    decide(scene, HANNA, APPROVED, "de")
    sentences = {of: said for of, said in right.items() if of != SUMMARY}
    german = RightWords(
        language="de", mail="Falsch.", summary=right.get(SUMMARY), sentences=sentences
    )
    found = propose(scene, german)
    consents_void = f"{2 - len(stay)} {'consent' if len(stay) == 1 else 'consents'}"
    assert found.voids == f"1 answer and {consents_void}"
    assert counted(scene) == found, "the second person reads what the first one read"
    assert consented(scene, HANNA) == {"ads", "research"}, "nobody agreed yet"
    confirm(scene)
    assert consented(scene, HANNA) == stay
    assert consented(scene, ALICE) == {"ads", "research"}
    assert stands(scene, HANNA) is None


def test_consent_is_void_of_everybody_where_the_whole_mail_was_wrong(
    scene: Scene, asks_consent: UUID
) -> None:
    """P5, P8."""
    english = RightWords(language="en", mail="Wrong.")
    german = RightWords(language="de", mail="Falsch.")
    found = propose(scene, english, german, everybody=True)
    assert found.consents == 4
    assert counted(scene) == found
    confirm(scene)
    assert consented(scene, ALICE) == consented(scene, HANNA) == set()


def test_a_no_is_never_void_as_it_would_bring_an_earlier_yes_back(
    scene: Scene, asks_consent: UUID
) -> None:
    """P5, P8: Alice gave it by right words, and took it back on a page with wrong ones."""
    consent(scene, ALICE, "de", "ads", Consent.WITHHELD, 2 * A_MINUTE)
    propose(scene, RIGHT_IN_GERMAN)
    confirm(scene)
    assert consented(scene, ALICE) == {"research"}
    assert consented(scene, HANNA) == {"research"}


def test_who_never_had_wrong_words_has_nothing_put_right(scene: Scene, campaign: UUID) -> None:
    """P8: nor has who was mailed after the right words stood there."""
    propose(scene, RIGHT_IN_GERMAN)
    confirm(scene)
    with scene.database.session() as session:
        version = version_by_slug(session, POLICY, 2)
        put_right = {
            who.external_id: reach.correction_for(
                session, version.id, account_by_external_id(session, who.external_id).id
            )
            for who in (ALICE, HANNA)
        }
    assert put_right[ALICE.external_id] is None
    assert put_right[HANNA.external_id]
