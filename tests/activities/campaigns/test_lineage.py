"""What was told of an announced version is put right and taken back by its successor (P8)."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from database.approvals import reach
from database.campaigns import campaigns, controls, not_reached, owed
from database.campaigns.controls import ControlRefused
from database.campaigns.corrections import Right, RightWords
from database.campaigns.progress import progress_of
from database.mail.delivery import Event, record_events
from database.mail.steps import FIRST_NOTICE
from database.people.accounts import AccountRow
from database.policies.wording import Words, keep_words, words_read
from database.tables import OutboxMail, PolicyVersion
from domain.policies.reviews import Decisions, VersionClass
from tests import correcting
from tests.activities.campaigns.succession import LATER, WORSE, Story
from tests.deciding import APPROVED
from tests.people import ALICE, BOB, CAROL
from tests.scene import ONE_HOUR
from tests.texts import FIRST, THIRD

BERLIN = ZoneInfo("Europe/Berlin")
SOON, LATER_STILL = LATER + ONE_HOUR, LATER + 2 * ONE_HOUR
EDITORIAL = FIRST.replace("disadvantge", "disadvantage")


def do(story: Story, number: int, what: controls.Control[Any]) -> None:
    """Lena of legal acts upon a version, an hour later."""
    with story.scene.database.transaction() as transaction:
        lena = story.scene.staff["lena"]
        act = controls.acting(transaction, lena, "legal", reason="a wrong period", now=SOON)
        what(transaction, transaction.get_one(PolicyVersion, story.version(number).id), act)


def propose(story: Story, number: int, decisions: Decisions = Decisions.KEEP) -> None:
    words = [RightWords(language="en", mail="We said 10 days; it is a year.")]
    right = Right(decisions=decisions, words=words)
    do(
        story,
        number,
        lambda transaction, version, act: correcting.propose(transaction, version, act, right),
    )


def confirm(story: Story, number: int, now: datetime = LATER_STILL) -> None:
    """Noor agrees, another hour later."""
    with story.scene.database.transaction() as transaction:
        version = transaction.get_one(PolicyVersion, story.version(number).id)
        noor = story.scene.staff["noor"]
        correcting.confirm(transaction, version, noor, now)


def postpone(story: Story, number: int, until_on: date | None = date(2026, 8, 1)) -> None:
    do(
        story,
        number,
        lambda transaction, version, act: controls.postpone(
            transaction,
            version,
            act,
            until_on=until_on,
            zone=BERLIN,
            sending_period=timedelta(days=3),
        ),
    )


def first_notice(story: Story, number: int, who: AccountRow) -> OutboxMail:
    with story.scene.database.session() as session:
        return session.exec(
            select(OutboxMail).where(
                OutboxMail.subject_id == story.campaign(number).id,
                OutboxMail.addressee_id == story.scene.account(who.external_id).id,
                OutboxMail.step == FIRST_NOTICE,
            )
        ).one()


def test_wrong_mails_about_a_version_are_put_right_by_the_one_that_corrects_it(
    story: Story,
) -> None:
    """P8: of version 3 nobody was mailed yet, and still there are people to tell."""
    number = story.announce(THIRD)
    with pytest.raises(ControlRefused, match="Correct the mails of version 3"):
        propose(story, 2)
    propose(story, number)
    confirm(story, number)
    story.sandbox.empty()
    story.send(number, "correction_1", LATER_STILL)
    assert story.told() == [ALICE.email, BOB.email]


def test_a_correction_speaks_the_languages_of_the_mails_about_a_corrected_version(
    story: Story,
) -> None:
    """P4: also before anybody is an addressee of the one that took its place."""
    number = story.announce(THIRD)
    story.scene.import_accounts(
        AccountRow(external_id=ALICE.external_id, email=ALICE.email, locale="de-AT"), now=LATER
    )
    with pytest.raises(ControlRefused, match=r"Missing in German \(de\)"):
        propose(story, number)


def test_void_are_decisions_about_every_version_that_counts_for_the_corrected_one(
    story: Story,
) -> None:
    """P5, P8: Carol, who was told last, is not the only one who had wrong words."""
    story.scene.decide(ALICE, APPROVED)
    number = story.announce(THIRD)
    story.send(number)
    story.fix_date(number)
    effect = story.version(number).effective_at
    assert effect
    assert story.scene.governs(ALICE, effect).number == number
    propose(story, number, Decisions.VOID)
    confirm(story, number)
    story.sandbox.empty()
    story.send(number, "correction_1", LATER_STILL)
    assert story.told() == [ALICE.email, BOB.email, CAROL.email]
    with story.scene.database.session() as session:
        assert progress_of(session, story.campaign(number)).approved == 0
    assert story.scene.governs(ALICE, effect).number == 1


def test_what_was_void_stays_so_when_the_version_is_corrected_once_more(story: Story) -> None:
    """P8: whichever of the versions the void was about."""
    story.scene.decide(ALICE, APPROVED)
    number = story.announce(THIRD)
    propose(story, number, Decisions.VOID)
    confirm(story, number)
    story.send(number, "correction_1", LATER_STILL)
    with story.scene.database.transaction() as transaction:
        campaigns.take_step(
            transaction,
            story.campaign(number).id,
            "correction_1",
            due_at=LATER_STILL,
            now=LATER_STILL,
        )
    last = story.announce(THIRD.replace("write to you and", "write to you\nand"), now=LATER_STILL)
    assert story.version(2).corrected_by_id == story.version(last).id
    story.send(last, now=LATER_STILL)
    with story.scene.database.session() as session:
        assert progress_of(session, story.campaign(last)).approved == 0
        alice = story.scene.account(ALICE.external_id).id
        correction = reach.correction_for(session, story.version(last).id, alice)
        assert correction
        assert correction.mail == "We said 10 days; it is a year."
    story.fix_date(last, LATER_STILL)
    effect = story.version(last).effective_at
    assert effect
    assert story.scene.governs(ALICE, effect).number == 1


@pytest.mark.parametrize("confirmed", [True, False])
def test_where_a_correction_is_still_to_be_told_everybody_hears_of_the_new_version(
    story: Story, confirmed: bool
) -> None:
    """P8: nobody is left with a wrong mail, and nothing waits that nobody can decide about."""
    propose(story, 2)
    if confirmed:
        confirm(story, 2)
    number = story.announce(THIRD, now=LATER_STILL)
    assert story.version(2).corrected_by_id is None
    with story.scene.database.session() as session:
        assert owed.open_corrections(session) == {}
    story.sandbox.empty()
    story.send(number, now=LATER_STILL)
    assert story.told() == [ALICE.email, BOB.email, CAROL.email]


def test_where_a_later_day_is_still_to_be_told_everybody_hears_it_of_the_new_version(
    story: Story,
) -> None:
    """P7, P8."""
    postpone(story, 2)
    said = story.version(2).effective_at
    number = story.announce(THIRD, now=LATER_STILL)
    story.sandbox.empty()
    story.send(2, "postponement_1", LATER_STILL)
    story.send(number, now=LATER_STILL)
    assert story.told() == [ALICE.email, BOB.email, CAROL.email]
    story.fix_date(number, LATER_STILL)
    assert story.version(number).effective_at == said


@pytest.mark.parametrize("text", [WORSE, THIRD])
def test_whoever_was_told_of_a_replaced_version_hears_that_its_successor_is_withdrawn(
    story: Story, text: str
) -> None:
    """P8: nothing of the successor had gone out, and its audience was not even written down."""
    number = story.announce(text)
    do(story, number, controls.withdraw)
    case = story.case(number)
    assert (case.frozen, case.addresses, case.tells_the_end) == (False, True, True)
    story.sandbox.empty()
    story.send(number, "withdrawal", SOON)
    withdrawn = "We have withdrawn the change of our privacy policy"
    assert story.mailed() == [(ALICE.email, withdrawn), (BOB.email, withdrawn)]


def test_of_a_version_that_took_no_place_nobody_is_addressed_once_it_is_withdrawn(
    story: Story,
) -> None:
    do(story, 2, controls.withdraw)
    number = story.announce(WORSE, now=LATER_STILL)
    do(story, number, controls.withdraw)
    assert not story.case(number).addresses
    story.sandbox.empty()
    story.send(number, "withdrawal", LATER_STILL)
    assert story.mailed() == []


@pytest.mark.parametrize("texts", [(), (WORSE,)])
def test_who_was_told_that_it_is_off_is_not_told_so_again(
    story: Story, texts: tuple[str, ...]
) -> None:
    """P8: an editorial one was only posted, so the campaign before told them; the next is new."""
    number = 2
    for text in texts:
        number = story.announce(text)
    posted = story.announce(EDITORIAL, VersionClass.EDITORIAL)
    story.sandbox.empty()
    story.send(number, "withdrawal")
    assert story.told() == [ALICE.email, BOB.email]
    with story.scene.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, story.version(posted).id)
        row.effective_at = LATER + timedelta(days=30)
    number = story.announce(WORSE.replace("three", "four"), now=SOON)
    assert story.version(posted).replaced_by_id == story.version(number).id
    do(story, number, controls.withdraw)
    story.sandbox.empty()
    story.send(number, "withdrawal", LATER_STILL)
    assert story.mailed() == []


@pytest.mark.parametrize("until_on", [date(2026, 8, 1), None])
def test_whoever_was_told_of_a_replaced_version_hears_that_its_successor_comes_later(
    story: Story, until_on: date | None
) -> None:
    """P7, P8: also where nobody had a mail of the successor yet."""
    number = story.announce(WORSE)
    postpone(story, number, until_on)
    story.sandbox.empty()
    story.send(number, "postponement_1", SOON)
    later = "The change of our privacy policy comes later"
    assert story.mailed() == [(ALICE.email, later), (BOB.email, later)]


def come_back(story: Story, mail: OutboxMail, event: str) -> None:
    attempt = mail.attempt_id
    assert attempt
    back = Event(
        mail_id=mail.id, attempt_id=attempt, event=event, occurred_at=SOON, reason="no such address"
    )
    with story.scene.database.transaction() as transaction:
        record_events(transaction, [back], SOON)


@pytest.mark.parametrize(
    ("event", "state"),
    [("bounce", "bounced"), ("dropped", "dropped"), ("spamreport", "complained")],
)
def test_a_notice_that_was_carried_falls_with_the_mail_that_it_rests_on(
    story: Story, event: str, state: str
) -> None:
    """P4: who had none is among the not reached, and gets it at the address that is mended."""
    number = story.announce(THIRD)
    story.send(number)
    assert story.states(number) == {"accepted": 1, "carried": 2}
    had = first_notice(story, 2, ALICE)
    come_back(story, had, event)
    assert first_notice(story, number, ALICE).state == state
    assert first_notice(story, number, BOB).state == "carried"
    with story.scene.database.session() as session:
        missed = not_reached.not_reached(session, story.campaign(number), BERLIN)
        assert [each.account for each in missed] == [ALICE.external_id]
    story.scene.import_accounts(
        AccountRow(external_id=ALICE.external_id, email="alice@new.example"), now=LATER_STILL
    )
    story.sandbox.empty()
    story.send(number, now=LATER_STILL)
    assert story.told() == ["alice@new.example"]


def test_who_decided_without_a_mail_stays_carried_when_one_comes_back(story: Story) -> None:
    """P6: their decision stands for it."""
    mail = first_notice(story, 2, ALICE)
    with story.scene.database.transaction() as transaction:
        transaction.get_one(OutboxMail, mail.id).state = "operator"
    story.scene.decide(ALICE, APPROVED)
    number = story.announce(THIRD)
    story.send(number)
    come_back(story, mail, "bounce")
    assert first_notice(story, number, ALICE).state == "carried"


def test_a_mail_about_a_text_that_is_worse_on_the_whole_way_stands_for_none(story: Story) -> None:
    """P6: version 3 corrects version 2 and version 4 version 3, but something came in between."""
    number = story.announce(THIRD)
    story.send(number)
    with story.scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, story.version(2).id).corrected_by_id = None
    last = story.announce(THIRD.replace("write to you and", "write to you\nand"), now=LATER_STILL)
    story.sandbox.empty()
    story.send(last, now=LATER_STILL)
    assert story.states(last) == {"accepted": 2, "carried": 1}
    assert story.told() == [ALICE.email, BOB.email]


def test_whoever_was_told_as_a_minor_and_is_grown_up_is_asked_by_the_correction(
    story: Story,
) -> None:
    """P4, P5: what they had of version 2 only told them; of version 3 they have its first notice,
    and not only its reminder."""
    alice = AccountRow(external_id=ALICE.external_id, email=ALICE.email, kind="minor")
    worse = story.announce(WORSE, now=LATER)
    story.scene.import_accounts(alice, now=LATER)
    story.send(worse)
    assert first_notice(story, worse, ALICE).template == "minor_first_notice"
    story.scene.import_accounts(replace(alice, kind="person"), now=SOON)
    number = story.announce(WORSE.replace("disadvantge", "disadvantage"), now=SOON)
    assert story.version(worse).corrected_by_id == story.version(number).id
    story.sandbox.empty()
    story.send(number, now=SOON)
    asked = first_notice(story, number, ALICE)
    assert (asked.state, asked.template) == ("accepted", "approval_first_notice")
    assert first_notice(story, number, BOB).state == "carried"
    assert story.told() == [ALICE.email]


def put_sentence_right(story: Story, number: int, key: str, sentence: str) -> None:
    words = [RightWords(language="en", mail="It is a year.", sentences={key: sentence})]
    right = Right(decisions=Decisions.VOID, words=words)
    do(
        story,
        number,
        lambda transaction, version, act: correcting.propose(transaction, version, act, right),
    )
    confirm(story, number)


@pytest.mark.parametrize("was_right", [True, False])
def test_mails_about_a_corrected_version_were_wrong_where_they_lack_the_right_words(
    story: Story, was_right: bool
) -> None:
    """P8: Alice and Bob had a mail about version 2, Carol one about version 3, which was wrong."""
    story.scene.decide(ALICE, APPROVED)
    number = story.announce(THIRD)
    if was_right:
        with story.scene.database.transaction() as transaction:
            version = transaction.get_one(PolicyVersion, story.version(2).id)
            words = Words(language="en", sentences={"F1": "A year, no less."})
            noor = story.scene.staff["noor"]
            keep_words(transaction, version, words, default="en", by=noor, now=LATER)
    story.send(number)
    put_sentence_right(story, number, "F1", "A year, no less.")
    story.sandbox.empty()
    story.send(number, "correction_1", LATER_STILL)
    assert story.told() == [CAROL.email] if was_right else [ALICE.email, BOB.email, CAROL.email]
    with story.scene.database.session() as session:
        approved = progress_of(session, story.campaign(number)).approved
    assert approved == (1 if was_right else 0)


def test_words_that_the_corrected_version_has_right_were_wrong_before_it(story: Story) -> None:
    """P8: legal gives the words of version 3, which lacked in version 2."""
    number = story.announce(THIRD)
    story.send(number)
    with story.scene.database.session() as session:
        stands = words_read(session, story.version(number), "en").sentences["F1"]
    with story.scene.database.transaction() as transaction:
        version = transaction.get_one(PolicyVersion, story.version(2).id)
        wrong = Words(language="en", sentences={"F1": "Ten days."})
        noor = story.scene.staff["noor"]
        keep_words(transaction, version, wrong, default="en", by=noor, now=LATER)
    put_sentence_right(story, number, "F1", stands)
    story.sandbox.empty()
    story.send(number, "correction_1", LATER_STILL)
    assert story.told() == [ALICE.email, BOB.email]


def test_each_is_told_what_became_of_their_own_answer(story: Story) -> None:
    """P8: two corrections, the first of which voids: Alice's answer stays void, Bob gave a new one,
    and both are told so by the second, which keeps."""
    story.scene.decide(ALICE, APPROVED)
    story.scene.decide(BOB, APPROVED)
    propose(story, 2, Decisions.VOID)
    confirm(story, 2)
    story.sandbox.empty()
    story.send(2, "correction_1", LATER_STILL)
    for who in (ALICE, BOB):
        assert "The answer that you gave does not count any more" in text_to(story, who)
    story.scene.decide(BOB, APPROVED, at=LATER_STILL + ONE_HOUR)
    propose(story, 2, Decisions.KEEP)
    confirm(story, 2, LATER_STILL + 2 * ONE_HOUR)
    story.sandbox.empty()
    story.send(2, "correction_2", LATER_STILL + 3 * ONE_HOUR)
    assert "The answer that you gave does not count any more" in text_to(story, ALICE)
    assert "The answer that you have given stays as it is" in text_to(story, BOB)


def test_who_has_not_answered_is_asked_to_by_a_correction(story: Story) -> None:
    propose(story, 2, Decisions.VOID)
    confirm(story, 2)
    story.sandbox.empty()
    story.send(2, "correction_1", LATER_STILL)
    assert "You have not answered yet. Please read the change and decide" in text_to(story, BOB)


def text_to(story: Story, who: AccountRow) -> str:
    return str(story.sandbox.message_to(who.email)["text"])


def test_a_correction_after_the_effect_names_no_day_to_come(story: Story) -> None:
    """P4, P8: what is in force since then does not take effect on a day that is past."""
    effect = story.version(2).effective_at
    assert effect
    story.scene.put_in_force(story.version(2), effect)
    propose(story, 2)
    confirm(story, 2)
    story.sandbox.empty()
    story.send(2, "correction_1", effect + ONE_HOUR)
    text = text_to(story, ALICE)
    assert "It has been in force since" in text
    assert "takes effect" not in text
