"""An erasure is done at every source, or its answer says what is not (P13, P33)."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from activities.mail.courier import Courier
from activities.mail.done_words import foretold
from activities.mail.outbox import Sender
from activities.patrol import register
from database.mail.mail_rows import Batch
from database.requests.answering import set_aside
from database.requests.erasure_ends import keep_the_data
from database.requests.erasures import ErasureRefused, grounds_of, skip_the_wait
from database.requests.identity import verify_identity
from database.requests.own_erasure import due_in_our_own
from database.requests.recipients import of_request
from database.requests.requested_rights import rights_of
from database.requests.restrictions import restrict
from database.requests.sendable import DecisionRefused
from database.requests.tombstones import every_mark
from database.tables import DataSubjectRequest, SourceTask
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
    Life,
    a_life,
    account_of,
    sentences,
)
from tests.data_sources.conftest import fernhill
from tests.data_sources.fernhill import Fernhill
from tests.sandbox_server import RunningSandbox
from tests.scene import NOW, Scene
from translations.catalogues import speak

__all__ = ("fernhill",)
DAY = timedelta(days=1)
OURS = {"billing", "sessions", "marketing"}


@pytest.fixture
def life(scene: Scene, fernhill: Fernhill, courier: Courier, tmp_path: Path) -> Life:
    """Alice asks to be erased."""
    return a_life(scene, fernhill, courier, tmp_path / "storage")


def foretold_to(life: Life) -> tuple[str, ...]:
    """What she reads before it begins, but for what a law keeps."""
    with life.scene.database.session() as session:
        (right,) = rights_of(session, life.request_id)
        lines = foretold(session, right, speak("en"))
    return tuple(line for line in lines if not line.startswith("Kept: "))


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


@pytest.mark.parametrize("is_appeal", [False, True])
def test_an_answer_names_its_page_as_the_way_to_have_it_looked_at_again(
    life: Life, sender: Callable[..., Sender], sandbox: RunningSandbox, is_appeal: bool
) -> None:
    """P20, P23: while that is open; there is no appeal against the answer to one."""
    life.pass_time()
    if is_appeal:
        first = other_request(life, verified=False)
        with life.scene.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, life.request_id)
            request.is_appeal, request.follows_id = True, first.id
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
