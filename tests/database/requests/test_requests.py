"""A request in the database: its first mails, its decision, its rungs and its breaches."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, select

from database.mail import outbox
from database.mail.mail_rows import Batch
from database.people.staff import by_handle, in_role
from database.requests import answering, identity, requests
from database.requests.answering import Answer
from database.requests.requested_rights import rights_of
from database.requests.requests import RequestUnknown
from database.requests.sendable import DecisionRefused
from database.tables import DataSubjectRequest, Fact, Link, OutboxMail, RequestDecision
from domain.requests.data_subject_requests import Ground, Outcome
from tests.people import DORA
from tests.scene import NOW, ONE_HOUR, Scene

PARTIAL = Answer(
    outcome=Outcome.PARTIAL,
    explanation="Most of it.",
    ground=Ground.RIGHTS_OF_OTHERS,
    evidence="Names of two colleagues are in the recording.",
)


@pytest.fixture
def request_made(scene: Scene) -> DataSubjectRequest:
    """Dora asks for a copy, from the address in her account."""
    scene.import_accounts(DORA)
    return scene.request(DORA.email.upper())


def steps(scene: Scene, request: DataSubjectRequest) -> dict[str, str]:
    """The addressee kinds of a request's mails by step."""
    with scene.database.session() as session:
        return {mail.step: mail.addressee_kind for mail in requests.mails_of(session, request.id)}


def kinds_of_facts(scene: Scene) -> list[str]:
    with scene.database.session() as session:
        return [fact.kind for fact in session.exec(select(Fact)).all()]


def decide(
    scene: Scene,
    request: DataSubjectRequest,
    answer: Answer,
    *,
    by: str = "petra",
    now: datetime = NOW,
) -> UUID:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        decision = answering.propose_decision(
            transaction, row, answer, decided_by=scene.staff[by], now=now
        )
        transaction.flush()
        answering.apply_decision(transaction, row, decision.id, now)
        return decision.id


def confirm(
    transaction: Session, request: DataSubjectRequest, by: str, decision_id: UUID | None = None
) -> None:
    """Somebody confirms the answer that waits, or the one they have read."""
    waiting = (right.decision_id for right in rights_of(transaction, request.id))
    read = decision_id or next((one for one in waiting if one), uuid4())
    member = by_handle(transaction, by)
    answering.confirm_decision(transaction, request, read, staff_id=member.id, now=NOW)


def verify(scene: Scene, request: DataSubjectRequest) -> None:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        identity.verify_identity(transaction, row, how="link", now=NOW)


def test_a_reference_can_be_read_out_over_the_telephone(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P26: no letter that looks or sounds like a digit; found in any case."""
    assert re.fullmatch(r"R-[A-HJ-NP-Z2-9]{8}", request_made.reference)
    with scene.database.session() as session:
        found = requests.request_by_reference(session, request_made.reference.lower())
        assert found.id == request_made.id
        with pytest.raises(RequestUnknown, match="R-NOWHERE"):
            requests.request_by_reference(session, "R-NOWHERE")


def test_the_link_to_verify_goes_only_to_an_address_on_file(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P19: the acknowledgement goes to the address typed in, known or not; the same is written for
    a stranger, and goes to nobody."""
    stranger = scene.request("stranger@example.org")
    first_mails = {"acknowledgement": "requester", "verification": "account"}
    assert steps(scene, request_made) == steps(scene, stranger) == first_mails
    with scene.database.session() as session:
        of_verifying = select(OutboxMail).where(OutboxMail.step == "verification")
        mails = {mail.subject_id: mail for mail in session.exec(of_verifying).all()}
        assert mails[request_made.id].state == "queued"
        assert mails[stranger.id].state == "no_address"
        verify_link = session.get_one(Link, mails[request_made.id].link_id)
        assert verify_link.expires_at is not None
        assert verify_link.expires_at > request_made.due_at  # being late must shut nobody out


def test_verifying_twice_counts_once(scene: Scene, request_made: DataSubjectRequest) -> None:
    """P19."""
    verify(scene, request_made)
    verify(scene, request_made)
    assert kinds_of_facts(scene).count("request.verified") == 1


def test_an_answer_in_full_goes_out_and_is_sent_once(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P22."""
    verify(scene, request_made)
    whole = Answer(outcome=Outcome.FULFILLED, explanation="Here it is.")
    decide(scene, request_made, whole)
    assert steps(scene, request_made)["answer"] == "requester"
    assert kinds_of_facts(scene).count("request.answered") == 1


def test_a_partial_answer_waits_for_a_second_person(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P20."""
    verify(scene, request_made)
    decide(scene, request_made, PARTIAL)
    assert "answer" not in steps(scene, request_made)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request_made.id)
        assert row.state == "review"
        with pytest.raises(DecisionRefused, match="second person"):
            confirm(transaction, row, "petra")
        confirm(transaction, row, "paul")
    assert steps(scene, request_made)["answer"] == "requester"


def test_what_could_never_go_out_is_not_even_written_down(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P19, P22."""
    with pytest.raises(DecisionRefused, match="identity is verified"):
        decide(scene, request_made, Answer(outcome=Outcome.FULFILLED, explanation="Here it is."))
    with pytest.raises(DecisionRefused, match="needs an explanation"):
        decide(scene, request_made, Answer(outcome=Outcome.UNVERIFIED, explanation="  "))
    with scene.database.session() as session:
        assert session.exec(select(RequestDecision)).all() == []


def test_nothing_can_be_confirmed_where_nothing_waits(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P20."""
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request_made.id)
        with pytest.raises(DecisionRefused, match="no answer that waits"):
            confirm(transaction, row, "paul")


def test_only_the_answer_that_was_read_can_be_confirmed(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P20: two colleagues put different answers forward; the second one is what waits."""
    verify(scene, request_made)
    read = decide(scene, request_made, PARTIAL)
    less = replace(PARTIAL, explanation="Less of it.")
    newer = decide(scene, request_made, less, by="paul", now=NOW + ONE_HOUR)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request_made.id)
        with pytest.raises(DecisionRefused, match="another one was put forward since"):
            confirm(transaction, row, "paul", read)
        assert row.answered_at is None
        confirm(transaction, row, "petra", newer)
        confirm(transaction, row, "petra", newer)
        with pytest.raises(DecisionRefused, match="answered already"):
            confirm(transaction, row, "paul", read)
    assert kinds_of_facts(scene).count("request.answered") == 1


def test_of_two_answers_at_once_the_slower_one_is_refused_in_words(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P22: it is not lost without a word."""
    verify(scene, request_made)
    whole = Answer(outcome=Outcome.FULFILLED, explanation="Here it is.")
    decide(scene, request_made, whole)
    with pytest.raises(DecisionRefused, match="answered already, with another answer"):
        decide(scene, request_made, whole, by="paul")


def test_an_answer_that_became_wrong_meanwhile_does_not_take_effect(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P19: the person confirmed who they are just after we wrote that they had not."""
    unverified = Answer(outcome=Outcome.UNVERIFIED, explanation="You did not confirm it.")
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request_made.id)
        decision = answering.propose_decision(
            transaction, row, unverified, decided_by=scene.staff["petra"], now=NOW
        )
        transaction.flush()
        identity.verify_identity(transaction, row, how="link", now=NOW)
        with pytest.raises(DecisionRefused, match="identity is verified"):
            answering.apply_decision(transaction, row, decision.id, NOW)


def test_the_late_reply_is_queued_once_and_is_no_answer(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P21."""
    for _ in range(2):
        with scene.database.transaction() as transaction:
            row = transaction.get_one(DataSubjectRequest, request_made.id)
            requests.record_late_reply(transaction, row, NOW)
    assert steps(scene, request_made)["late_reply"] == "requester"
    assert kinds_of_facts(scene).count("request.late_reply") == 1
    with scene.database.session() as session:
        assert [one.id for one in requests.open_requests(session)] == [request_made.id]


def test_the_breaches_of_policy_and_of_law_are_recorded_apart(scene: Scene) -> None:
    """P21: each when its own clock has run out, and each once."""
    request = scene.request("stranger@example.org")
    due = {str(c["rule"]).partition(".")[0]: str(c["due_at"]) for c in request.candidates}
    assert due.keys() == {"policy", "statute"}
    first, second = sorted(due, key=lambda clock: due[clock])
    for hours in (0, 1, 48):
        with scene.database.transaction() as transaction:
            row = transaction.get_one(DataSubjectRequest, request.id)
            requests.record_breach(transaction, row, request.due_at + hours * ONE_HOUR)
        assert getattr(row, f"{first}_breach_at".replace("statute", "statutory")) == request.due_at
        later = getattr(row, f"{second}_breach_at".replace("statute", "statutory"))
        assert (later is None) == (hours < 48)
    kinds = [kind for kind in kinds_of_facts(scene) if kind.endswith("_breach")]
    assert sorted(kinds) == ["request.policy_breach", "request.statutory_breach"]


def test_an_answer_after_the_due_time_leaves_the_breaches_on_record(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P21: an answer between the limit and the next rung hides no breach."""
    verify(scene, request_made)
    late = request_made.due_at + timedelta(days=3)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request_made.id)
        whole = Answer(outcome=Outcome.FULFILLED, explanation="Here it is, late.")
        decision = answering.propose_decision(
            transaction, row, whole, decided_by=scene.staff["petra"], now=late
        )
        transaction.flush()
        answering.apply_decision(transaction, row, decision.id, late)
        assert row.answered_at == late
        assert (row.policy_breach_at, row.statutory_breach_at) == (late, late)


def test_a_late_reply_that_waited_does_not_follow_the_answer(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P21: it goes out only if nobody has answered."""
    verify(scene, request_made)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request_made.id)
        requests.record_late_reply(transaction, row, NOW)
    decide(scene, request_made, Answer(outcome=Outcome.FULFILLED, explanation="Here it is."))
    batch = Batch(subject_id=request_made.id)
    claimed: list[str] = []
    with scene.database.transaction() as transaction:
        while claim := outbox.claim(transaction, batch, limit=10, now=NOW):
            claimed.append(claim.like.step)
    assert sorted(claimed) == ["acknowledgement", "answer", "verification"]


def test_nothing_is_breached_before_its_time(scene: Scene) -> None:
    """P21."""
    request = scene.request("stranger@example.org")
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        requests.record_breach(transaction, row, request.due_at - timedelta.resolution)
        assert (row.policy_breach_at, row.statutory_breach_at) == (None, None)


def test_staff_are_told_of_a_rung_once_each(scene: Scene, request_made: DataSubjectRequest) -> None:
    """P21: nobody is told twice of the same rung."""
    for _ in range(2):
        with scene.database.transaction() as transaction:
            row = transaction.get_one(DataSubjectRequest, request_made.id)
            team = in_role(transaction, "privacy")
            requests.queue_for_staff(
                transaction, row, team, step="due-10", template="request_rung", now=NOW
            )
    with scene.database.session() as session:
        told = session.exec(select(OutboxMail).where(OutboxMail.step == "due-10")).all()
    assert {mail.addressee_id for mail in told} == {scene.staff["petra"], scene.staff["paul"]}
    assert len(told) == 2
