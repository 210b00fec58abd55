"""What a legal hold stands on is not erased, and goes by itself once it is released (P13, P33)."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from activities.mail.courier import Courier
from activities.mail.done_words import outcome_of
from activities.mail.outbox import Sender
from database.mail.mail_rows import Batch
from database.requests.deferred_erasures import erasure_of
from database.requests.estates import confirm_authority, freeze, record_authority
from database.requests.holds import HoldRefused
from database.requests.own_erasure import erase_our_own
from database.requests.requested_rights import decisions_of, rights_of
from database.tables import DataSubjectRequest, Erasure, Fact
from database.writing import held
from domain.requests.data_subject_requests import Outcome
from domain.requests.personal_data import OWN_SOURCE
from domain.requests.source_tasks import TaskState
from tests.activities.requests.erasing_lives import (
    ALICE,
    BY_LAW,
    UNDER_HOLD,
    Life,
    a_life,
    account_of,
    sentences,
    told_to_recipients,
)
from tests.data_sources.conftest import fernhill
from tests.data_sources.fernhill import Fernhill
from tests.sandbox_server import RunningSandbox
from tests.scene import Scene
from translations.catalogues import speak

__all__ = ("fernhill",)
DAY = timedelta(days=1)


@pytest.fixture
def life(scene: Scene, fernhill: Fernhill, courier: Courier, tmp_path: Path) -> Life:
    """Alice asks to be erased."""
    return a_life(scene, fernhill, courier, tmp_path / "storage")


def outcome_told(life: Life) -> str:
    """How her answer says that it ended."""
    with life.scene.database.session() as session:
        rights = rights_of(session, life.request_id)
        (decision,) = decisions_of(session, rights).values()
        return outcome_of(session, rights[0], decision, speak("en"))


def test_an_answer_under_a_hold_on_everything_does_not_say_that_a_part_is_done(
    life: Life, sender: Callable[..., Sender], sandbox: RunningSandbox
) -> None:
    """P13, P22: nothing could be erased, why, and that it will be."""
    life.pass_time()
    hold_id = life.place()
    life.decide(UNDER_HOLD)
    life.pass_time(3 * DAY)
    sender().send(Batch(subject_id=life.request_id), life.now)
    (answer,) = (
        mail for mail in sandbox.messages(to=ALICE.email) if "Our answer" in str(mail["subject"])
    )
    for body in (str(answer["text"]), str(answer["html"])):
        assert "Nothing could be erased yet. It is erased by itself" in body
        assert "The data is needed for legal claims or proceedings." in body
        assert "done part" not in body
    life.release(hold_id)
    assert "Nothing could be erased yet" in outcome_told(life)
    life.pass_time(DAY)
    assert outcome_told(life) == "We have done part of what you asked for."


@pytest.mark.parametrize("source", ["", "sessions"])
def test_under_a_hold_what_it_stands_on_is_left_answered_in_part_and_erased_on_release(
    life: Life, source: str
) -> None:
    """P13: nothing goes that a hold stands on, and the release does the rest by itself."""
    life.pass_time()
    hold_id = life.place(source)
    before = life.fernhill.contents()
    life.decide(UNDER_HOLD)
    life.pass_time(3 * DAY)
    assert life.request.outcome == Outcome.PARTIAL
    assert "sessions" in life.where_known()
    assert ("marketing" in life.where_known()) == (source == "")
    assert ("Nothing could be erased yet" in outcome_told(life)) == (source == "")
    if not source:
        assert life.fernhill.contents() == before
        assert told_to_recipients(life) == set()
    assert account_of(life).email == ALICE.email
    assert "kept until that is over" in sentences(life)
    life.send_mails()
    life.release(hold_id)
    life.pass_time(timedelta(minutes=5))
    life.send_mails()  # that it is done
    life.pass_time(timedelta(minutes=5))
    assert not life.where_known() & {"sessions", "marketing"}
    assert any("Example Mailer" in one for one in told_to_recipients(life))
    assert account_of(life).email.endswith("@erased.invalid")
    with life.scene.database.session() as session:
        deferred = erasure_of(session, life.request_id)
        assert deferred is not None
        assert deferred.erased_at is not None


def test_who_was_answered_under_a_hold_hears_when_the_rest_is_erased(
    life: Life, sender: Callable[..., Sender], sandbox: RunningSandbox
) -> None:
    """P13: while we still know where to write, and with what our own records keep by then."""
    life.pass_time()
    hold_id = life.place()
    life.decide(UNDER_HOLD)
    life.pass_time(3 * DAY)
    life.send_mails()
    assert "erased_after_hold" not in life.mails()
    life.release(hold_id)
    life.pass_time(timedelta(minutes=5))
    assert not life.where_known() & {"sessions", "marketing"}
    assert account_of(life).email == ALICE.email
    sender().send(Batch(subject_id=life.request_id), life.now)
    (mail,) = sandbox.messages(to=ALICE.email)
    assert "The rest of your data is erased" in str(mail["subject"])
    assert "Erased: " in str(mail["text"])
    assert "Until: the hold is released" not in str(mail["text"])
    life.pass_time(timedelta(minutes=5))
    assert account_of(life).email.endswith("@erased.invalid")
    life.step()
    assert len(sandbox.messages(to=ALICE.email)) == 1
    with life.scene.database.session() as session:
        fact = session.exec(select(Fact).where(Fact.kind == "erasure.done")).one()
    assert fact.payload["told"] is True


def test_after_a_death_those_who_may_ask_hear_that_the_rest_is_erased(life: Life) -> None:
    """P13, P19: once two found that they may; nothing goes to who has died."""
    life.pass_time()
    hold_id = life.place()
    life.decide(UNDER_HOLD)
    life.pass_time(3 * DAY)
    life.send_mails()
    staff = life.scene.staff
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        freeze(transaction, request, staff_id=staff["petra"], now=life.now)
    life.release(hold_id)
    life.pass_time(timedelta(minutes=5))
    assert "erased_after_hold" not in life.mails()
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        found = record_authority(
            transaction,
            request,
            who="Her son",
            proof="A will",
            staff_id=staff["petra"],
            now=life.now,
        )
        transaction.flush()
        confirm_authority(transaction, request, found.id, staff_id=staff["paul"], now=life.now)
    life.pass_time(timedelta(hours=2))
    assert life.mails()["erased_after_hold"].addressee_kind == "requester"


def test_a_hold_on_our_own_records_at_the_last_moment_keeps_nothing_for_good(life: Life) -> None:
    """P13: they are erased after its release."""
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(3 * DAY)
    life.send_mails()
    with life.scene.database.transaction() as transaction:
        request = held(transaction, DataSubjectRequest, life.request_id)
        erasure = transaction.get_one(Erasure, life.erasure.id)
        erase_our_own(transaction, request, erasure, life.now)
    hold_id = life.place(OWN_SOURCE)
    life.pass_time(timedelta(minutes=5))
    assert account_of(life).email == ALICE.email
    life.release(hold_id)
    life.pass_time(timedelta(minutes=5))
    assert account_of(life).email.endswith("@erased.invalid")


def test_a_hold_that_comes_half_way_stops_what_is_not_erased_yet(life: Life) -> None:
    """P13: and people decide again, as it can be fulfilled no more."""
    life.sources["sessions"].silent = 5
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(2 * DAY + timedelta(minutes=1))
    life.place()
    life.pass_time(DAY)
    assert "sessions" in life.where_known()
    assert life.tasks()["sessions"].state == TaskState.DROPPED
    assert life.request.answered_at is None
    life.decide(UNDER_HOLD)
    life.pass_time(timedelta(minutes=1))
    assert life.request.outcome == Outcome.PARTIAL


def test_no_hold_is_placed_at_the_very_moment_of_an_erasure(life: Life) -> None:
    """P13: whoever places one knows what is still there."""
    placed: list[str] = []

    def meanwhile() -> None:
        try:
            life.place()
        except HoldRefused as refusal:
            placed.append(str(refusal))

    life.sources["sessions"].meanwhile = meanwhile
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(3 * DAY)
    assert ["being erased at this moment" in one for one in placed] == [True]
    life.place()
