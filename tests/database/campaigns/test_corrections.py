"""Mails that went out wrong are put right, for exactly those who had one (P8)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from database.approvals.approvals import latest_decision
from database.approvals.wrong_words import correction_in
from database.campaigns import controls, corrections, freezing, owed
from database.campaigns.control_acts import control_acts
from database.campaigns.controls import ControlRefused
from database.campaigns.corrections import Right, RightWords
from database.campaigns.progress import progress_of
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch
from database.mail.steps import FIRST_NOTICE
from database.people.accounts import AccountRow
from database.people.staff import StaffRefused
from database.policies import wording
from database.policies.assessments import findings_of
from database.policies.wording import WordingRefused, Words
from database.tables import Campaign, Fact, OutboxMail, PolicyVersion
from domain.policies.reviews import Decisions
from tests import correcting
from tests.deciding import APPROVED
from tests.people import ALICE, BOB, CAROL, LANGUAGES
from tests.scene import EFFECT, NOW, Scene

SOON, LATER = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
pytestmark = pytest.mark.usefixtures("one_holding_order")
HANNA = AccountRow(external_id="hanna", email="hanna@people.example", locale="de-AT")
WRONG = "We said 10 days; it is a year."


def send(scene: Scene, campaign: UUID, limit: int, now: datetime = NOW) -> UUID | None:
    """Some of the queued mails go out; the attempt."""
    with scene.database.transaction() as transaction:
        claim = outbox.claim(transaction, Batch(subject_id=campaign), limit=limit, now=now)
        if claim:
            outcomes.accept(transaction, claim.attempt_id, "x", now)
    return claim.attempt_id if claim else None


def second(scene: Scene) -> PolicyVersion:
    with scene.database.session() as session:
        return session.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()


def propose(
    scene: Scene,
    who: str = "lena",
    now: datetime = SOON,
    *,
    decisions: Decisions = Decisions.KEEP,
    others: Sequence[RightWords] = (),
    mail: str = WRONG,
    summary: str | None = None,
    sentences: Mapping[str, str] | None = None,
) -> None:
    words = RightWords(language="en", mail=mail, summary=summary, sentences=sentences or {})
    right = Right(decisions=decisions, words=[words, *others])
    with scene.database.transaction() as transaction:
        act = controls.acting(
            transaction, scene.staff[who], "legal", reason="a wrong period", now=now
        )
        correcting.propose(transaction, second(scene), act, right)


def confirm(scene: Scene, who: str = "noor", now: datetime = LATER) -> None:
    with scene.database.transaction() as transaction:
        correcting.confirm(transaction, second(scene), scene.staff[who], now)


def state(scene: Scene, campaign: UUID) -> str:
    with scene.database.session() as session:
        return session.get_one(Campaign, campaign).state


def of_step(scene: Scene, campaign: UUID, step: str) -> set[UUID]:
    with scene.database.session() as session:
        return set(
            session.exec(
                select(OutboxMail.addressee_id).where(
                    OutboxMail.subject_id == campaign, OutboxMail.step == step
                )
            ).all()
        )


@pytest.fixture
def campaign(scene: Scene) -> UUID:
    """Two of the three first notices are out."""
    scene.import_accounts(ALICE, BOB, CAROL)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    send(scene, campaign, 2)
    return campaign


def test_who_proposes_stops_the_campaign_until_another_confirms(
    scene: Scene, campaign: UUID
) -> None:
    propose(scene)
    assert state(scene, campaign) == "paused"
    assert send(scene, campaign, 9, SOON) is None
    with pytest.raises(ControlRefused, match="second person"):
        confirm(scene, "lena")
    with pytest.raises(StaffRefused):
        confirm(scene, "omar")
    assert state(scene, campaign) == "paused"
    confirm(scene)
    assert state(scene, campaign) == "running"
    with pytest.raises(ControlRefused, match="No correction"):
        confirm(scene)


def test_exactly_those_who_had_a_wrong_mail_are_told(scene: Scene, campaign: UUID) -> None:
    """Carol's mail goes out after it was put right; a mail in doubt counts as a wrong one."""
    told = {m.addressee_id for m in mails(scene, campaign) if m.state == "accepted"}
    with scene.database.transaction() as transaction:
        one = transaction.exec(select(OutboxMail).where(OutboxMail.state == "accepted")).first()
        assert one
        one.state = "unknown"
    propose(scene)
    confirm(scene)
    send(scene, campaign, 9, LATER + timedelta(minutes=1))
    scene.queue_step(campaign, "correction_1")
    assert of_step(scene, campaign, "correction_1") == told
    assert len(told) == 2


def mails(scene: Scene, campaign: UUID) -> list[OutboxMail]:
    with scene.database.session() as session:
        return list(session.exec(select(OutboxMail).where(OutboxMail.subject_id == campaign)).all())


def test_the_right_words_stand_from_the_confirmation_on(scene: Scene, campaign: UUID) -> None:
    propose(scene, summary="Kept for a year.", sentences={"F1": "A year, no less."})
    assert second(scene).summary == "Recordings are kept longer."
    confirm(scene)
    assert second(scene).summary == "Kept for a year."
    with scene.database.session() as session:
        sentences = {each.key: each.sentence for each in findings_of(session, second(scene).id)}
    assert sentences["F1"] == "A year, no less."
    assert sentences["F2"] != "A year, no less."


def test_what_legal_wrote_before_the_release_is_put_right_too(scene: Scene) -> None:
    """P4: in the first language as well, where the words have a row of their own."""
    campaign = mailed(scene, ALICE)
    for_readers = Words(language="en", summary="Kept for 10 days.", sentences={"F1": "10 days."})
    with scene.database.transaction() as transaction:
        wording.keep_words(
            transaction,
            second(scene),
            for_readers,
            default="en",
            by=scene.staff["noor"],
            now=NOW,
        )
    propose(scene, summary="Kept for a year.", sentences={"F1": "A year."})
    confirm(scene)
    with scene.database.session() as session:
        read = wording.words_read(session, second(scene), "en")
        assert corrections.languages_mailed(session, campaign, LANGUAGES) == ("en",)
    assert (read.summary, read.sentences["F1"]) == ("Kept for a year.", "A year.")


def mailed(scene: Scene, *people: AccountRow) -> UUID:
    """A campaign whose first notices are all out."""
    scene.import_accounts(*people)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign)
    while send(scene, campaign, len(people)):
        pass
    return campaign


def test_what_was_wrong_is_said_in_every_language_of_those_who_had_it(scene: Scene) -> None:
    """P4, P8: who reads German had the same words, as there were none in German; the refusal names
    the language, and asks for no words that were right."""
    campaign = mailed(scene, ALICE, HANNA)
    changes = {"summary": "Kept for a year.", "sentences": {"F1": "A year."}}
    with pytest.raises(
        ControlRefused, match=r"Missing in German \(de\), in plain words: what was wrong, and"
    ):
        propose(scene, **changes)  # type: ignore[arg-type]
    german = RightWords(language="de", mail=" ", summary="Ein Jahr.")
    with pytest.raises(ControlRefused, match=r"Missing in German \(de\)"):
        propose(scene, others=[german], **changes)  # type: ignore[arg-type]
    with pytest.raises(WordingRefused, match="'fr' is none of the languages"):
        propose(scene, others=[replace(german, language="fr")])
    assert state(scene, campaign) == "running"
    with scene.database.session() as session:
        assert owed.open_correction(session, campaign) is None


def test_each_reads_the_correction_and_the_right_words_in_their_language(scene: Scene) -> None:
    """P4, P8: only the German sentence was wrong; the English one stays as it was."""
    campaign = mailed(scene, ALICE, HANNA)
    german = RightWords(language="de", mail="Es ist ein Jahr.", sentences={"F1": "Ein Jahr."})
    with scene.database.session() as session:
        before = wording.words_read(session, second(scene), "en")
    propose(scene, others=[german])
    with scene.database.session() as session:
        proposed = owed.open_correction(session, campaign)
        assert proposed
        told = corrections.in_words(session, proposed, LANGUAGES)["words"]
    assert told["de"]["mail"] == "Es ist ein Jahr."  # type: ignore[index]
    confirm(scene)
    with scene.database.session() as session:
        (correction,) = owed.corrections(session, campaign).values()
        assert correction_in(session, correction, "en").words == WRONG
        assert correction_in(session, correction, "de").words == "Es ist ein Jahr."
        assert wording.words_read(session, second(scene), "en") == before
        assert wording.words_read(session, second(scene), "de").sentences["F1"] == "Ein Jahr."


def test_with_keep_the_decisions_stand(scene: Scene, campaign: UUID) -> None:
    scene.take_mails()
    scene.decide(ALICE, APPROVED, at=SOON)
    propose(scene)
    confirm(scene)
    assert counts(scene, campaign) == (1, 2)


def counts(scene: Scene, campaign: UUID) -> tuple[int, int]:
    with scene.database.session() as session:
        stands = progress_of(session, session.get_one(Campaign, campaign))
    return stands.approved, stands.silent


def test_with_void_everybody_is_asked_again_and_reminded(scene: Scene, campaign: UUID) -> None:
    """P8: from the confirmation on, never backdated; who decides again counts again."""
    scene.take_mails()
    scene.decide(ALICE, APPROVED, at=SOON)
    propose(scene, decisions=Decisions.VOID)
    assert counts(scene, campaign) == (1, 2)
    confirm(scene)
    assert counts(scene, campaign) == (0, 3)
    assert len(scene.queue_step(campaign, "reminder_1")) == 3
    scene.decide(ALICE, APPROVED, at=LATER + timedelta(hours=1))
    scene.decide(BOB, APPROVED, at=LATER + timedelta(hours=1))
    assert counts(scene, campaign) == (2, 1)
    scene.put_in_force(second(scene), EFFECT)
    assert scene.governs(ALICE, EFFECT).number == 2
    with scene.database.session() as session:
        latest = latest_decision(session, scene.account(ALICE.external_id).id, second(scene).id)
        assert latest
        assert latest.decided_at == LATER + timedelta(hours=1)
        (fact,) = session.exec(select(Fact).where(Fact.kind == "campaign.corrected")).all()
        assert fact.payload["voided"] == 1


def test_decisions_void_after_the_effect_move_people_back_from_then_on(
    scene: Scene, campaign: UUID
) -> None:
    """P8: what governed until then stays told, and a finished campaign begins again."""
    scene.decide(ALICE, APPROVED, at=SOON)
    scene.put_in_force(second(scene), EFFECT)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign)
        row.state, row.finished_at = "finished", EFFECT
    late = EFFECT + timedelta(days=5)
    propose(scene, decisions=Decisions.VOID, now=late)
    assert state(scene, campaign) == "finished"
    confirm(scene, now=late)
    assert state(scene, campaign) == "running"
    assert scene.governs(ALICE, late - timedelta.resolution).number == 2
    state_now = scene.governs(ALICE, late)
    assert state_now.number == 1
    assert "was voided (a wrong period, correction " in state_now.steps[-1].because


def test_a_later_proposal_takes_the_place_of_an_earlier_one(scene: Scene, campaign: UUID) -> None:
    propose(scene, mail="Nonsense.")
    propose(scene, "noor")
    with pytest.raises(ControlRefused, match="You proposed it"):
        confirm(scene, "noor")
    confirm(scene, "lena")
    with scene.database.session() as session:
        (only,) = owed.corrections(session, campaign).values()
    assert only.mail == WRONG
    assert state(scene, campaign) == "running"


def test_a_campaign_that_was_paused_before_stays_so(scene: Scene, campaign: UUID) -> None:
    with scene.database.transaction() as transaction:
        act = controls.acting(transaction, scene.staff["omar"], "ops", reason="bounces", now=NOW)
        controls.pause(transaction, second(scene), act)
    propose(scene)
    confirm(scene)
    assert state(scene, campaign) == "paused"


def control(
    scene: Scene, do: controls.Control[Any], reason: str = "it was right", who: str = "lena"
) -> None:
    with scene.database.transaction() as transaction:
        act = controls.acting(
            transaction, scene.staff[who], "legal", "ops", reason=reason, now=SOON
        )
        do(transaction, second(scene), act)


def go_on_with_correction(scene: Scene) -> None:
    confirm(scene)


def take_correction_back(scene: Scene) -> None:
    control(scene, corrections.take_back)


@pytest.mark.parametrize("end", [go_on_with_correction, take_correction_back])
def test_ops_pause_a_campaign_whose_correction_waits_and_it_stays_so(
    scene: Scene, campaign: UUID, end: Callable[[Scene], None]
) -> None:
    """P8: whoever sees something else that is wrong stops it; starting again takes its owner."""
    propose(scene)
    control(scene, controls.pause, "the links lead elsewhere", "omar")
    with pytest.raises(ControlRefused, match="nothing to pause"):
        control(scene, controls.pause, "once more", "omar")
    end(scene)
    assert state(scene, campaign) == "paused"
    assert send(scene, campaign, 9, LATER) is None
    control(scene, controls.resume, "they are right")
    assert state(scene, campaign) == "running"


def test_a_correction_that_waits_ends_with_its_campaign(scene: Scene, campaign: UUID) -> None:
    """P8: nobody could confirm it, or take it back, and it would be shown for good."""
    propose(scene)
    control(scene, controls.withdraw)
    with scene.database.session() as session:
        assert owed.open_corrections(session) == {}
        (fact,) = session.exec(select(Fact).where(Fact.kind == "campaign.correction_dropped")).all()
    assert fact.subject_id == campaign


def test_nobody_lets_a_campaign_go_on_while_its_correction_waits(
    scene: Scene, campaign: UUID
) -> None:
    """P8: nothing wrong goes out meanwhile; the refusal says how it goes on."""
    propose(scene)
    with pytest.raises(ControlRefused, match="legal takes it back"):
        control(scene, controls.resume)
    assert state(scene, campaign) == "paused"


def test_what_is_taken_back_is_told_to_nobody_and_the_campaign_goes_on(
    scene: Scene, campaign: UUID
) -> None:
    """P8: who took it back and why is kept."""
    propose(scene)
    control(scene, corrections.take_back)
    assert state(scene, campaign) == "running"
    with pytest.raises(ControlRefused, match="No correction"):
        confirm(scene)
    with pytest.raises(ControlRefused, match="No correction"):
        control(scene, corrections.take_back)
    with scene.database.session() as session:
        assert owed.corrections(session, campaign) == {}
        *_, last = control_acts(session, second(scene).id)
    assert (last.act, last.by, last.reason) == ("take_back_correction", "lena", "it was right")


def test_a_campaign_that_was_paused_before_stays_so_when_a_correction_is_taken_back(
    scene: Scene, campaign: UUID
) -> None:
    control(scene, controls.pause, "bounces")
    propose(scene)
    control(scene, corrections.take_back)
    assert state(scene, campaign) == "paused"


def test_each_correction_is_a_step_of_its_own(scene: Scene, campaign: UUID) -> None:
    for number in (1, 2):
        propose(scene, now=SOON + timedelta(days=number))
        confirm(scene, now=LATER + timedelta(days=number))
    with scene.database.session() as session:
        row = session.get_one(Campaign, campaign)
        assert owed.steps_caused(session, row) == ("correction_1", "correction_2")


def test_what_makes_no_sense_is_refused_in_words(scene: Scene, campaign: UUID) -> None:
    with pytest.raises(ControlRefused, match="plain words"):
        propose(scene, mail=" ")
    with pytest.raises(WordingRefused, match="no finding F9"):
        propose(scene, sentences={"F9": "No."})
    assert state(scene, campaign) == "running"
    with scene.database.transaction() as transaction:
        transaction.get_one(Campaign, campaign).state = "withdrawn"
    with pytest.raises(ControlRefused, match="is withdrawn"):
        propose(scene)


def test_before_any_mail_there_is_nobody_to_tell(scene: Scene) -> None:
    scene.import_accounts(ALICE)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    scene.queue_step(campaign, FIRST_NOTICE)
    with pytest.raises(ControlRefused, match="nobody to tell"):
        propose(scene)
