"""What may be decided about a request, which way it may go, and what an intake must hold."""

from typing import TypedDict, Unpack
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.data_subject_requests import (
    GATED_KINDS,
    GROUND_WORDS,
    KIND_WORDS,
    OUTCOME_WORDS,
    STAGE_WORDS,
    UNCONDITIONAL_KINDS,
    Ground,
    Intake,
    Kind,
    Outcome,
    State,
    decision_refusal,
    ground_allowed,
    needs_second_person,
    problems,
)

PETRA, QUENTIN = uuid4(), uuid4()


class Decision(TypedDict, total=False):
    kind: Kind
    verified: bool
    outcome: Outcome
    ground: Ground | None
    explanation: str
    decided_by: UUID | None
    confirmed_by: UUID | None
    evidence: str | None
    regime: str | None


GRANTED: Decision = {
    "kind": Kind.ACCESS,
    "verified": True,
    "outcome": Outcome.FULFILLED,
    "ground": None,
    "explanation": "Your data is attached.",
    "decided_by": PETRA,
    "confirmed_by": None,
    "evidence": None,
}
REFUSED: Decision = {
    **GRANTED,
    "outcome": Outcome.REFUSED,
    "ground": Ground.RIGHTS_OF_OTHERS,
    "explanation": "The recording shows other people.",
    "confirmed_by": QUENTIN,
    "evidence": "Two other people speak in it.",
}


def refusal(base: Decision, **changes: Unpack[Decision]) -> str | None:
    decision: Decision = {**base, **changes}
    return decision_refusal(**decision)


def test_a_verified_person_may_be_given_access() -> None:
    assert refusal(GRANTED) is None


@pytest.mark.parametrize("kind", sorted(GATED_KINDS))
@pytest.mark.parametrize("outcome", [Outcome.FULFILLED, Outcome.PARTIAL])
def test_nothing_is_done_for_someone_unverified(kind: Kind, outcome: Outcome) -> None:
    """P19: not disclosed, not corrected, not erased."""
    base = GRANTED if outcome is Outcome.FULFILLED else REFUSED
    sentence = refusal(base, kind=kind, outcome=outcome, verified=False)
    assert sentence is not None
    assert "before the person's identity is verified" in sentence


@pytest.mark.parametrize("kind", sorted(set(Kind) - GATED_KINDS))
def test_opt_outs_objections_to_marketing_and_minors_need_no_identity(kind: Kind) -> None:
    """P15, P17, P18, P19: done at once, for anyone who asks."""
    assert refusal(GRANTED, kind=kind, verified=False) is None
    assert refusal(GRANTED, kind=kind, verified=False, outcome=Outcome.UNVERIFIED) is not None


@pytest.mark.parametrize("kind", sorted(UNCONDITIONAL_KINDS))
@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.PARTIAL])
def test_nothing_stands_against_stopping_marketing(kind: Kind, outcome: Outcome) -> None:
    """P15, P17, P20: whatever the ground, evidence and second person."""
    for ground in Ground:
        assert not ground_allowed("korea", kind, ground)
        sentence = refusal(REFUSED, kind=kind, outcome=outcome, ground=ground)
        assert sentence is not None
        assert "it has to be fulfilled" in sentence


def test_someone_unverified_gets_an_explained_answer() -> None:
    """P19, P21: with or without the ground that says so."""
    for ground in (None, Ground.IDENTITY_UNVERIFIED):
        assert refusal(GRANTED, verified=False, outcome=Outcome.UNVERIFIED, ground=ground) is None


def test_a_refusal_to_someone_unverified_tells_nothing_about_what_we_hold() -> None:
    """P19."""
    telling = refusal(REFUSED, verified=False, ground=Ground.REGULATORY_OBLIGATION)
    assert telling is not None
    assert "tells what we hold" in telling
    silent = Ground.MANIFESTLY_UNFOUNDED_OR_EXCESSIVE
    assert refusal(REFUSED, verified=False, ground=silent) is None


def test_a_verified_person_cannot_be_refused_as_unverified() -> None:
    """P19."""
    assert refusal(GRANTED, outcome=Outcome.UNVERIFIED) is not None
    assert refusal(REFUSED, ground=Ground.IDENTITY_UNVERIFIED) is not None


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.PARTIAL])
def test_a_refusal_needs_a_ground_evidence_and_a_second_person(outcome: Outcome) -> None:
    """P20."""
    assert refusal(REFUSED, outcome=outcome) is None
    without: dict[str, Decision] = {
        "grounds": {"ground": None},
        "evidence": {"evidence": "  "},
        "second person": {"confirmed_by": None},
        "a second person": {"confirmed_by": PETRA},
    }
    for word, change in without.items():
        sentence = refusal({**REFUSED, "outcome": outcome}, **change)
        assert sentence is not None
        assert word in sentence


def test_refusals_and_partial_answers_wait_for_a_second_person() -> None:
    """P20."""
    waiting = {outcome for outcome in Outcome if needs_second_person(outcome)}
    assert waiting == {Outcome.REFUSED, Outcome.PARTIAL}


def test_a_ground_belongs_to_a_refusal() -> None:
    """P20."""
    assert refusal(GRANTED, ground=Ground.LEGAL_MATTERS) is not None


@pytest.mark.parametrize("explanation", ["", " \n\t"])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_no_answer_goes_out_without_an_explanation(outcome: Outcome, explanation: str) -> None:
    """P22."""
    sentence = refusal(GRANTED, outcome=outcome, explanation=explanation)
    assert sentence is not None
    assert "explanation" in sentence


def test_an_answer_has_a_person_behind_it() -> None:
    assert refusal(GRANTED, decided_by=None) is not None


@pytest.mark.parametrize("regime", ["gdpr", "uk_gdpr", None])
@pytest.mark.parametrize(
    "kind", [Kind.INQUIRY, Kind.ACCESS, Kind.PORTABILITY, Kind.ERASURE, Kind.OBJECTION]
)
def test_effort_is_no_ground_in_the_union_and_the_kingdom(regime: str | None, kind: Kind) -> None:
    """P20: never against access, portability, erasure or objection."""
    assert not ground_allowed(regime, kind, Ground.DISPROPORTIONATE_EFFORT)
    ground = Ground.DISPROPORTIONATE_EFFORT
    assert refusal(REFUSED, kind=kind, ground=ground, regime=regime) is not None


def test_effort_is_a_ground_elsewhere() -> None:
    """P20."""
    assert ground_allowed("california", Kind.ACCESS, Ground.DISPROPORTIONATE_EFFORT)
    assert ground_allowed("gdpr", Kind.CORRECTION, Ground.DISPROPORTIONATE_EFFORT)


@given(
    kind=st.sampled_from(Kind),
    verified=st.booleans(),
    outcome=st.sampled_from(Outcome),
    ground=st.none() | st.sampled_from(Ground),
    explanation=st.sampled_from(("", " ", "Because of this.")),
    decided_by=st.sampled_from((None, PETRA)),
    confirmed_by=st.sampled_from((None, PETRA, QUENTIN)),
    evidence=st.sampled_from((None, "", "A letter.")),
    regime=st.sampled_from((None, "gdpr", "korea")),
)
def test_what_may_be_sent_keeps_every_promise(**decision: Unpack[Decision]) -> None:
    """P15, P19, P20, P22: of all combinations, those that pass are these."""
    if decision_refusal(**decision) is not None:
        return
    assert decision["explanation"].strip()
    assert decision["decided_by"]
    if decision["outcome"] in {Outcome.REFUSED, Outcome.PARTIAL}:
        assert decision["kind"] not in UNCONDITIONAL_KINDS
        assert decision["ground"]
        assert decision["evidence"]
        assert decision["confirmed_by"] not in {None, decision["decided_by"]}
    if decision["outcome"] in {Outcome.FULFILLED, Outcome.PARTIAL}:
        assert decision["verified"] or decision["kind"] not in GATED_KINDS


def test_every_value_has_words() -> None:
    assert set(KIND_WORDS) == set(Kind)
    assert set(OUTCOME_WORDS) == set(Outcome)
    assert set(GROUND_WORDS) == set(Ground)
    answered = {State.ANSWERED, State.CLOSED, State.PURGED}
    assert set(STAGE_WORDS) == set(State) - answered


ALICE = Intake(name="Alice Ångström", contact_address="alice@example.com", kinds=("access",))


def faults(**changes: object) -> list[str]:
    values = {**vars(ALICE), **changes}
    return [field for field, _ in problems(Intake(**values))]


def test_a_plain_request_is_taken() -> None:
    """P26."""
    assert problems(ALICE) == ()
    assert faults(country="de", time_zone="Europe/Berlin", message="Hello,\r\n\tplease.") == []
    assert faults(name="", kinds=("access", "erasure"), country="", time_zone="") == []


@pytest.mark.parametrize(
    "address",
    [
        *("", "alice", "alice@", "@example.com", "alice@localhost", "alice@example..com"),
        *("a lice@example.com", "alice@example.com\nBcc: bob@example.org", "alice@-example.com"),
        *(".alice@example.com", "al..ice@example.com", "a@b@example.com", "<alice@example.com>"),
        "a" * 65 + "@example.com",
        "alice@" + "a" * 63 + ("." + "b" * 63) * 3 + ".com",
    ],
)
def test_an_address_that_no_mail_can_reach_is_refused(address: str) -> None:
    assert faults(contact_address=address) == ["contact_address"]


@pytest.mark.parametrize(
    "address", ["a@example.com", "alice.o'hara+privacy@mail.example.co.uk", "a_b-c@example.org"]
)
def test_an_ordinary_address_is_taken(address: str) -> None:
    assert faults(contact_address=address) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 201),
        ("name", "Alice\r\nBcc: bob@example.org"),
        ("name", "Alice\u202egpj.exe"),
        ("kinds", ()),
        ("kinds", ("access", "everything")),
        ("message", "x" * 10_001),
        ("message", "nul\x00"),
        ("country", "Germany"),
        ("time_zone", "Mars/Olympus"),
    ],
)
def test_each_fault_is_named_by_its_field(field: str, value: object) -> None:
    """P26: a sentence for the person, and nothing taken."""
    assert faults(**{field: value}) == [field]


@given(st.text(max_size=60))
def test_any_text_is_judged_without_falling_over(text: str) -> None:
    found = problems(
        Intake(
            name=text,
            contact_address=text,
            kinds=(text,),
            message=text,
            country=text,
            time_zone=text,
        )
    )
    assert all(sentence.endswith(".") for _, sentence in found)
