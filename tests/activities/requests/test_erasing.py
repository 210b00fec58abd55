"""An erasure is done at every source, or its answer says what is not (P13, P33)."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlmodel import select

from activities.mail.courier import Courier
from activities.mail.done_words import foretold, outcome_of, told_of
from activities.mail.outbox import Sender
from activities.patrol import register
from database.mail.mail_rows import Batch
from database.requests.answering import set_aside
from database.requests.deferred_erasures import erasure_of
from database.requests.erasure_ends import keep_the_data
from database.requests.erasures import ErasureRefused, grounds_of, skip_the_wait
from database.requests.estates import confirm_authority, freeze, record_authority
from database.requests.holds import HoldRefused
from database.requests.identity import verify_identity
from database.requests.own_erasure import due_in_our_own, erase_our_own
from database.requests.recipients import of_request
from database.requests.requested_rights import decisions_of, rights_of
from database.requests.restrictions import restrict
from database.requests.sendable import DecisionRefused
from database.requests.tombstones import every_mark
from database.tables import Account, DataSubjectRequest, Erasure, Fact, SourceTask
from database.writing import held
from domain.people.restrictions import Reason
from domain.requests.data_subject_requests import Outcome, RightState, State
from domain.requests.erasures import ErasureGround
from domain.requests.personal_data import OWN_SOURCE, Verb
from domain.requests.source_tasks import TaskState
from tests.activities.requests.erasing_lives import (
    ALICE,
    BY_LAW,
    EMIL,
    ERASED,
    UNDER_HOLD,
    Life,
    a_life,
)
from tests.data_sources.conftest import fernhill
from tests.data_sources.fernhill import Fernhill
from tests.sandbox_server import RunningSandbox
from tests.scene import NOW, Scene
from translations.catalogues import speak

__all__ = ("fernhill",)
Begin = Callable[..., Life]
DAY = timedelta(days=1)
OURS = {"billing", "sessions", "marketing"}


@pytest.fixture
def life(scene: Scene, fernhill: Fernhill, courier: Courier, tmp_path: Path) -> Life:
    """Alice asks to be erased."""
    return a_life(scene, fernhill, courier, tmp_path / "storage")


def account_of(life: Life) -> Account:
    """Her account, whatever it is called by now."""
    with life.scene.database.session() as session:
        return session.get_one(Account, life.request.account_id)


def foretold_to(life: Life) -> tuple[str, ...]:
    """What she reads before it begins, but for what a law keeps."""
    with life.scene.database.session() as session:
        (right,) = rights_of(session, life.request_id)
        lines = foretold(session, right, speak("en"))
    return tuple(line for line in lines if not line.startswith("Kept: "))


def told_to_recipients(life: Life) -> set[str]:
    """Who has to hear of it."""
    with life.scene.database.session() as session:
        return {one.recipient for one in of_request(session, life.request_id)}


def sentences(life: Life, language: str = "en") -> str:
    """What her answer says was done."""
    with life.scene.database.session() as session:
        (right,) = rights_of(session, life.request_id)
        return "\n".join(told_of(session, right, speak(language)))


def test_before_anybody_decides_it_is_known_what_would_go_and_what_must_stay(life: Life) -> None:
    """P13: the preview, in counts of each category."""
    life.pass_time()
    looked = life.tasks(Verb.LOCATE)
    assert looked.keys() >= {*OURS, OWN_SOURCE, "support"}
    billing = looked["billing"].receipt
    assert billing is not None
    kept = billing["retained"]
    assert isinstance(kept, list)
    assert {(one["category"], one["reason"]) for one in kept} >= {
        (
            "Invoices and payments",
            "Bookkeeping records are kept by law (Fiscal Code, section 147)",
        )
    }
    assert life.where_known() >= OURS


def test_what_must_stay_somewhere_is_not_promised_to_go(life: Life) -> None:
    """P13, P20."""
    life.pass_time()
    with pytest.raises(DecisionRefused, match="billing must keep a part of it"):
        life.decide(ERASED)


def test_she_is_foretold_only_what_is_ours_to_erase_and_what_is_free_to_go(life: Life) -> None:
    """P13, P24: what is held for the clinic does not go, nor what a hold stands on; what whoever
    keeps it by hand has said nothing of goes only where no law keeps it."""
    life.step()
    assert "support" in life.tasks(Verb.LOCATE)
    with life.scene.database.transaction() as transaction:
        task = held(transaction, SourceTask, life.tasks(Verb.LOCATE)["sessions"].id)
        assert task.receipt is not None
        task.receipt = {"held": task.receipt["held"]}
        transaction.add(task)
    certain, perhaps = foretold_to(life)
    assert certain == (
        "To be erased: Invoices and payments, Marketing contacts, Profile and Use of the "
        "newsletter."
    )
    assert perhaps == (
        "To be erased, unless a law has us keep it: Sessions and devices and Taking part in "
        "sessions."
    )
    life.place("marketing")
    goes, *_, until_then = foretold_to(life)
    assert goes == "To be erased: Invoices and payments."
    assert until_then.startswith("What is needed for legal claims or proceedings is kept")


def test_nothing_is_erased_before_two_days_are_over_and_then_everywhere(life: Life) -> None:
    """P13: the answer goes out when the last source is done, and our own database is last."""
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(2 * DAY - timedelta(seconds=1))
    assert life.where_known() >= OURS
    assert life.request.state == State.WORK
    assert life.mails()["erasure_announced"].addressee_kind == "account"
    life.pass_time(timedelta(minutes=1))
    assert not life.where_known() & {"sessions", "marketing"}
    assert life.request.outcome == Outcome.PARTIAL
    assert account_of(life).email == ALICE.email  # until the answer has reached her
    life.send_mails()
    life.pass_time(timedelta(minutes=1))
    assert account_of(life).status == "closed"
    assert account_of(life).email.endswith("@erased.invalid")
    assert life.tasks()[OWN_SOURCE].state == TaskState.DONE


def test_the_answer_says_what_went_what_stays_why_until_when_and_who_hears_of_it(
    life: Life,
) -> None:
    """P13, P33, GDPR Article 19: and names nobody."""
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(3 * DAY)
    told = sentences(life)
    assert "Erased: " in told
    assert told.count("Bookkeeping records are kept by law") == 1  # for all that it keeps as long
    assert told.count("Requests. It proves that a request was answered in time") == 1
    assert "Invoices and payments. Bookkeeping records are kept by law" in told
    assert "Kept: Requests. It proves that a request was answered in time, and how." in told
    assert "Ledger & Partners, tax advisers" in told
    assert "Alice" not in told
    assert "people.example" not in told
    with life.scene.database.session() as session:
        notices = of_request(session, life.request_id)
    assert {one.recipient for one in notices} >= {
        "Ledger & Partners, tax advisers",
        "Example Mailer, which sends the newsletter",
    }
    assert "Aufbewahrt: Anfragen. Es beweist, dass" in sentences(life, "de")


def test_what_our_own_records_keep_is_said_once_also_when_they_are_erased(life: Life) -> None:
    """P13, P33: on the page of the request, where the answer can be read again."""
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(3 * DAY)
    life.send_mails()
    life.pass_time(timedelta(minutes=5))
    assert life.tasks()[OWN_SOURCE].state == TaskState.DONE
    assert sentences(life).count("It proves that a request was answered in time") == 1


def test_she_may_have_it_at_once_or_keep_her_data_until_it_has_begun(life: Life) -> None:
    """P13."""
    life.pass_time()
    life.decide(BY_LAW)
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        skip_the_wait(transaction, request, life.now)
    life.pass_time(timedelta(minutes=1))
    assert life.erasure.ended_at is not None
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        with pytest.raises(ErasureRefused, match="it has begun"):
            keep_the_data(transaction, request, life.now)


def test_who_keeps_the_data_has_lost_nothing_and_hears_so(life: Life) -> None:
    """P13."""
    before = life.fernhill.contents()
    life.pass_time()
    life.decide(BY_LAW)
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        keep_the_data(transaction, request, life.now)
    life.pass_time(5 * DAY)
    assert life.fernhill.contents() == before
    assert life.request.outcome == Outcome.WITHDRAWN
    assert "request_answer" in life.mails()


def test_a_source_that_is_silent_half_way_is_asked_until_it_says_that_it_is_done(
    life: Life,
) -> None:
    """P13: nobody is told that it is done before."""
    life.sources["sessions"].silent = 3
    life.sources["marketing"].silent_after = 1
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(2 * DAY + timedelta(minutes=1))
    assert life.request.answered_at is None
    assert life.tasks()["billing"].state == TaskState.DONE
    life.pass_time(timedelta(hours=1))
    assert life.request.outcome == Outcome.PARTIAL
    assert not life.where_known() & {"sessions", "marketing"}
    assert life.tasks()["sessions"].attempts == 4


def test_a_source_that_lies_is_not_believed(life: Life) -> None:
    """P13: it is looked at after every erasure, and a person has to see to it."""
    life.sources["sessions"].lies = True
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(3 * DAY)
    task = life.tasks()["sessions"]
    assert task.state == TaskState.NEEDS_PERSON
    assert "still has what it did not say it keeps" in task.problem
    assert life.request.answered_at is None


def test_a_row_on_hold_in_a_source_stays_and_the_answer_is_a_partial_one(
    scene: Scene, fernhill: Fernhill, courier: Courier, tmp_path: Path
) -> None:
    """P13: Emil is in a dispute, as the company's own database says."""
    life = a_life(scene, fernhill, courier, tmp_path / "storage", who=EMIL)
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(3 * DAY)
    assert "billing" in life.where_known(EMIL)
    assert "Until: the hold is released." in sentences(life)


def test_what_was_said_to_stay_and_is_gone_is_decided_again_before_the_answer(life: Life) -> None:
    """P13, P22: nobody reads that a law keeps what every source says that it erased."""
    life.pass_time()
    life.decide(BY_LAW)
    life.fernhill.tell("UPDATE invoice SET issued_on = '2001-01-31'")
    life.pass_time(3 * DAY)
    assert "billing" not in life.where_known()
    assert life.request.answered_at is None
    assert "what was to stay is gone" in life.erasure.problem
    with pytest.raises(DecisionRefused, match="what was to stay is gone"):
        life.decide(BY_LAW)
    life.decide(ERASED)
    life.pass_time(timedelta(minutes=1))
    assert life.request.outcome == Outcome.FULFILLED


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


@pytest.mark.parametrize("is_appeal", [False, True])
def test_an_answer_names_its_page_as_the_way_to_have_it_looked_at_again(
    life: Life, sender: Callable[..., Sender], sandbox: RunningSandbox, is_appeal: bool
) -> None:
    """P20, P23: while that is open; there is no appeal against the answer to one."""
    life.pass_time()
    with life.scene.database.transaction() as transaction:
        transaction.get_one(DataSubjectRequest, life.request_id).is_appeal = is_appeal
    life.decide(BY_LAW)
    life.pass_time(3 * DAY)
    sender().send(Batch(subject_id=life.request_id), life.now)
    (answer,) = (
        mail for mail in sandbox.messages(to=ALICE.email) if "Our answer" in str(mail["subject"])
    )
    for body in (str(answer["text"]), str(answer["html"])):
        offer = re.search(
            r"On its page you can have it looked at again.*?(http\S+)", body, re.DOTALL
        )
        assert bool(offer) is not is_appeal
        assert offer is None or "/requests/" in offer[1]


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


def other_request(life: Life, *, verified: bool, at: datetime = NOW) -> DataSubjectRequest:
    """Alice asks for a copy as well, from another address; or somebody who says to be her."""
    request = life.scene.request("alice@work.example", kinds=("access",), about=ALICE.email, now=at)
    if verified:
        with life.scene.database.transaction() as transaction:
            row = transaction.get_one(DataSubjectRequest, request.id)
            verify_identity(transaction, row, how="link", now=at)
    return request


def answer_it(life: Life, request: DataSubjectRequest) -> None:
    """It is answered as something that nobody can judge; its mails go out."""
    with life.scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        set_aside(
            transaction,
            row,
            Outcome.WITHDRAWN,
            mail="request_withdrawn",
            decided_by=None,
            confirmed_by=None,
            now=life.now,
        )


def test_our_own_database_waits_for_the_answer_to_another_request_of_hers(
    life: Life, sender: Callable[..., Sender], sandbox: RunningSandbox
) -> None:
    """P13: it knows where that goes; the erasure goes on by itself when it is out."""
    other = other_request(life, verified=True)
    life.step(other.id)
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(3 * DAY)
    life.send_mails()
    life.pass_time(DAY)
    assert not life.where_known() & {"sessions", "marketing"}
    assert account_of(life).email == ALICE.email
    assert "to answer another request about you is kept until that is answered" in sentences(life)
    answer_it(life, other)
    life.pass_time(timedelta(minutes=5))
    assert account_of(life).email == ALICE.email  # its answer has still to go out
    with life.scene.database.session() as session:
        assert due_in_our_own(session) == []
    sender().send(Batch(subject_id=other.id), life.now)
    answers = sandbox.messages(to=ALICE.email)
    assert any("request" in str(mail["subject"]) for mail in answers)
    with life.scene.database.session() as session:
        assert due_in_our_own(session) == [life.request_id]
        assert f"data-subject-request/{life.request_id}" in {
            one.workflow_id for one in register(session)
        }
    life.pass_time(timedelta(minutes=5))
    assert account_of(life).email.endswith("@erased.invalid")
    with life.scene.database.session() as session:
        assert due_in_our_own(session) == []


def test_nobody_puts_her_erasure_off_by_asking_again_and_again_in_her_name(life: Life) -> None:
    """P13, P19: what came before it began, and what she showed to be hers, is waited for; no more
    than that."""
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(3 * DAY)
    other_request(life, verified=False, at=life.now)
    life.send_mails()
    life.pass_time(timedelta(minutes=5))
    assert account_of(life).email.endswith("@erased.invalid")


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


def test_nothing_is_erased_before_it_is_known_who_asks(
    scene: Scene, fernhill: Fernhill, courier: Courier, tmp_path: Path
) -> None:
    """P19: nor when somebody at the address says meanwhile that it is not theirs."""
    life = a_life(scene, fernhill, courier, tmp_path / "storage")
    before = fernhill.contents()
    life.pass_time()
    life.decide(BY_LAW)
    with scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        request.disputed_at = life.now
        transaction.add(request)
    life.pass_time(10 * DAY)
    assert fernhill.contents() == before
    assert life.request.answered_at is None


def test_whoever_is_erased_leaves_a_tombstone_and_no_name(life: Life) -> None:
    """P13: laid before the first source is asked."""
    life.pass_time()
    life.decide(BY_LAW)
    life.pass_time(2 * DAY - timedelta(minutes=1))
    with life.scene.database.session() as session:
        assert every_mark(session) == []
    life.pass_time(2 * timedelta(minutes=1))
    with life.scene.database.session() as session:
        marks = every_mark(session)
    assert len(marks) == 2
    assert ALICE.email not in repr(marks)


def test_what_the_sources_did_otherwise_than_decided_is_decided_again(life: Life) -> None:
    """P13: an invoice came after the preview."""
    life.pass_time()
    with life.scene.database.transaction() as transaction:
        for task in life.tasks(Verb.LOCATE).values():
            row = transaction.merge(task)
            row.receipt = {**(row.receipt or {}), "retained": []}
    life.decide(ERASED)
    life.pass_time(3 * DAY)
    assert life.request.answered_at is None
    assert "billing did not erase everything" in life.erasure.problem
    with life.scene.database.session() as session:
        assert [one.state for one in rights_of(session, life.request_id)] == [RightState.OPEN]
    life.decide(BY_LAW)
    life.pass_time(timedelta(minutes=1))
    assert life.request.outcome == Outcome.PARTIAL


def test_a_minor_s_data_is_erased_without_delay(life: Life) -> None:
    """P18: only where somebody reported it, or the company says so; found out as ever, by who is
    asked or by two of staff."""
    by_minor = replace(BY_LAW, erasure_ground=ErasureGround.MINOR)
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        assert ErasureGround.MINOR not in grounds_of(transaction, request)
        restrict(transaction, [request.account_id or uuid4()], Reason.MINOR_REPORT, now=life.now)
        assert ErasureGround.MINOR in grounds_of(transaction, request)
    life.pass_time()
    life.decide(by_minor)
    life.pass_time(timedelta(minutes=1))
    assert not life.where_known() & {"sessions", "marketing"}
    assert "The account was a minor's." in sentences(life)
