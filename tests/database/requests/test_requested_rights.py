"""One request, several rights: each with its own clock, decision and outcome, in one answer."""

from dataclasses import replace
from uuid import UUID

import pytest
from sqlmodel import select

from database.requests import answering, identity, requests
from database.requests.answering import Answer
from database.requests.requested_rights import rights_by_request, rights_of
from database.requests.requests import OPEN_STATES
from database.requests.sendable import DecisionRefused
from database.tables import DataSubjectRequest, Fact, Link
from domain.requests.data_subject_requests import Ground, Kind, Outcome, RightState
from tests.answers import IN_FULL, INVOICES, REFUSAL
from tests.people import DORA
from tests.scene import NOW, ONE_HOUR, Scene

UNVERIFIED = Answer(outcome=Outcome.UNVERIFIED, explanation="You did not confirm that it is you.")


@pytest.fixture
def request_made(scene: Scene) -> DataSubjectRequest:
    """Dora asks for a copy and for erasure, and shows who she is."""
    scene.import_accounts(DORA)
    made = scene.request(DORA.email, kinds=("erasure", "access"))
    verify(scene, made)
    return made


def verify(scene: Scene, request: DataSubjectRequest) -> None:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        requests.acknowledge(transaction, row, NOW)
        identity.verify_identity(transaction, row, how="link", now=NOW)


def decide(
    scene: Scene, request: DataSubjectRequest, kind: str, answer: Answer, *, by: str = "petra"
) -> UUID:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        decision = answering.propose_decision(
            transaction, row, answer, kind=Kind(kind), decided_by=scene.staff[by], now=NOW
        )
        transaction.flush()
        answering.apply_decision(transaction, row, decision.id, NOW)
        return decision.id


def confirm(scene: Scene, request: DataSubjectRequest, decision_id: UUID, *, by: str) -> None:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        answering.confirm_decision(
            transaction, row, decision_id, staff_id=scene.staff[by], now=NOW + ONE_HOUR
        )


def standing(scene: Scene, request: DataSubjectRequest) -> dict[str, str]:
    with scene.database.session() as session:
        return {right.kind: right.state for right in rights_of(session, request.id)}


def look(scene: Scene, request: DataSubjectRequest) -> DataSubjectRequest:
    with scene.database.session() as session:
        return session.get_one(DataSubjectRequest, request.id)


def answers(scene: Scene, request: DataSubjectRequest) -> int:
    with scene.database.session() as session:
        mails = requests.mails_of(session, request.id)
    return sum(mail.step == "answer" for mail in mails)


def test_each_right_has_its_own_clock_and_the_earliest_binds(scene: Scene) -> None:
    """P21: Brazil gives 15 days for access, and none for erasure."""
    made = scene.request("paula@example.org", kinds=("erasure", "access", "access"), country="BR")
    with scene.database.session() as session:
        access, erasure = rights_of(session, made.id)
    assert (access.kind, access.rule) == ("access", "statute.brazil")
    assert (erasure.kind, erasure.rule) == ("erasure", "policy.720h")
    assert access.due_at < erasure.due_at
    assert (made.due_at, made.rule) == (access.due_at, access.rule)
    assert {str(one["rule"]): one["rights"] for one in made.candidates} == {
        "policy.720h": ["access", "erasure"],
        "statute.brazil": ["access"],
    }


def test_the_answer_goes_out_once_when_every_right_is_decided(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P22: one mail, and not before."""
    decide(scene, request_made, "access", IN_FULL)
    assert answers(scene, request_made) == 0
    assert standing(scene, request_made) == {"access": "decided", "erasure": "open"}
    assert look(scene, request_made).state == "work"
    decide(scene, request_made, "erasure", IN_FULL, by="paul")
    assert answers(scene, request_made) == 1
    answered = look(scene, request_made)
    assert (answered.state, answered.outcome) == ("answered", "fulfilled")
    with pytest.raises(DecisionRefused, match="answered already"):
        decide(scene, request_made, "access", IN_FULL)


def test_a_refusal_of_one_right_waits_for_its_second_person_alone(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P20: the other right needs nobody, and the end of the request is partial."""
    refusal = decide(scene, request_made, "erasure", INVOICES)
    assert look(scene, request_made).state == "work"
    decide(scene, request_made, "access", IN_FULL)
    assert look(scene, request_made).state == "review"
    assert answers(scene, request_made) == 0
    with pytest.raises(DecisionRefused, match="second person"):
        confirm(scene, request_made, refusal, by="petra")
    confirm(scene, request_made, refusal, by="paul")
    confirm(scene, request_made, refusal, by="paul")
    assert answers(scene, request_made) == 1
    assert look(scene, request_made).outcome == "partial"


def test_an_agreed_refusal_waits_for_the_other_rights(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P20, P22."""
    refusal = decide(scene, request_made, "erasure", INVOICES)
    confirm(scene, request_made, refusal, by="paul")
    assert standing(scene, request_made) == {"access": "open", "erasure": "decided"}
    assert answers(scene, request_made) == 0


def test_a_decision_may_be_replaced_until_the_answer_goes_out(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P20: what takes its place needs its own second person; the old one cannot be agreed to."""
    first = decide(scene, request_made, "access", REFUSAL)
    confirm(scene, request_made, first, by="paul")
    second = decide(scene, request_made, "access", replace(REFUSAL, explanation="Only others."))
    assert standing(scene, request_made)["access"] == "review"
    with pytest.raises(DecisionRefused, match="another one was put forward since"):
        confirm(scene, request_made, first, by="paul")
    confirm(scene, request_made, second, by="paul")
    decide(scene, request_made, "erasure", IN_FULL)
    with scene.database.session() as session:
        facts = session.exec(select(Fact).where(Fact.kind == "request.answered")).all()
    assert [fact.payload["outcome"] for fact in facts] == ["partial"]
    assert str(second) in str(facts[0].payload["decisions"])


def test_whoever_answers_says_which_right_it_is(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P22: nothing is written down otherwise."""
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request_made.id)
        petra = scene.staff["petra"]
        with pytest.raises(DecisionRefused, match="Say which one you answer: access, erasure"):
            answering.propose_decision(transaction, row, IN_FULL, decided_by=petra, now=NOW)
    with pytest.raises(DecisionRefused, match="does not ask for portability"):
        decide(scene, request_made, "portability", IN_FULL)


def test_each_right_has_its_own_gate(scene: Scene) -> None:
    """P19: no marketing, without proof of identity; no copy before it."""
    scene.import_accounts(DORA)
    made = scene.request(DORA.email, kinds=("access", "marketing_opt_out"))
    with pytest.raises(DecisionRefused, match="identity is verified"):
        decide(scene, made, "access", IN_FULL)
    decide(scene, made, "marketing_opt_out", IN_FULL)
    assert standing(scene, made) == {"access": "open", "marketing_opt_out": "decided"}


@pytest.mark.parametrize("kinds", [("access", "minor"), ("minor",), ("marketing_opt_out",)])
def test_one_gated_right_is_enough_to_ask_who_it_is(scene: Scene, kinds: tuple[str, ...]) -> None:
    """P19: and where none is, nobody is asked."""
    scene.import_accounts(DORA)
    made = scene.request(DORA.email, kinds=kinds)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, made.id)
        requests.acknowledge(transaction, row, NOW)
    with scene.database.session() as session:
        asked = session.exec(select(Link).where(Link.purpose == "request-verify")).all()
    assert (len(asked), look(scene, made).state) == (
        (1, "identity") if "access" in kinds else (0, "work")
    )


def test_who_shows_late_who_they_are_is_not_told_that_they_did_not(scene: Scene) -> None:
    """P19: what was decided for want of proof is open again, whether it waited or not."""
    scene.import_accounts(DORA)
    made = scene.request(DORA.email, kinds=("access", "erasure", "marketing_opt_out"))
    decide(scene, made, "access", UNVERIFIED)
    refusal = Answer(
        outcome=Outcome.REFUSED,
        ground=Ground.IDENTITY_UNVERIFIED,
        explanation="You did not confirm that it is you.",
        evidence="No click in three weeks.",
    )
    waiting = decide(scene, made, "erasure", refusal)
    verify(scene, made)
    assert standing(scene, made) == {
        "access": "open",
        "erasure": "open",
        "marketing_opt_out": "open",
    }
    with pytest.raises(DecisionRefused, match="no answer that waits"):
        confirm(scene, made, waiting, by="paul")
    for kind in ("access", "erasure", "marketing_opt_out"):
        decide(scene, made, kind, IN_FULL)
    assert look(scene, made).outcome == "fulfilled"


def test_who_shows_who_they_are_while_all_is_in_review_brings_it_back_to_work(
    scene: Scene,
) -> None:
    """P19."""
    scene.import_accounts(DORA)
    made = scene.request(DORA.email)
    refusal = replace(REFUSAL, ground=Ground.IDENTITY_UNVERIFIED)
    decide(scene, made, "access", refusal)
    assert look(scene, made).state == "review"
    verify(scene, made)
    assert look(scene, made).state == "work"


def test_an_answer_that_went_out_stays_when_somebody_shows_who_they_are(scene: Scene) -> None:
    """P19, P22."""
    made = scene.request("stranger@example.org")
    decide(scene, made, "access", UNVERIFIED)
    verify(scene, made)
    assert (look(scene, made).state, standing(scene, made)) == ("answered", {"access": "decided"})


def test_open_requests_are_listed_with_how_each_right_stands(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P30: nothing about the person."""
    decide(scene, request_made, "erasure", INVOICES)
    done = scene.request("stranger@example.org")
    decide(scene, done, "access", UNVERIFIED)
    with scene.database.session() as session:
        assert rights_by_request(session, OPEN_STATES) == {
            request_made.id: {Kind.ACCESS: RightState.OPEN, Kind.ERASURE: RightState.REVIEW}
        }
        assert set(rights_by_request(session)) == {request_made.id, done.id}


def test_the_first_limit_of_the_law_that_passes_is_the_breach(scene: Scene) -> None:
    """P21: of several rights, each with its own limit."""
    made = scene.request("paula@example.org", kinds=("erasure", "access"), country="BR")
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, made.id)
        requests.record_breach(transaction, row, made.due_at)
        assert (row.statutory_breach_at, row.policy_breach_at) == (made.due_at, None)
