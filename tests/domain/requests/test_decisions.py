"""What may be decided about a right, and what the rights make of the request."""

from itertools import product
from random import Random
from typing import TypedDict, Unpack
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.requests.data_subject_requests import (
    GATED_KINDS,
    UNCONDITIONAL_KINDS,
    Ground,
    Kind,
    Outcome,
)
from domain.requests.deadlines import PACKS
from domain.requests.decisions import (
    DONE,
    SET_ASIDE,
    decision_refusal,
    needs_second_person,
    outcome_of,
    possible_grounds,
    possible_outcomes,
)
from domain.requests.refusal_grounds import bar_against

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
    on_hold: bool
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
    "on_hold": False,
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


@given(
    kind=st.sampled_from(Kind),
    verified=st.booleans(),
    outcome=st.sampled_from(Outcome),
    ground=st.none() | st.sampled_from(Ground),
    explanation=st.sampled_from(("", " ", "Because of this.")),
    decided_by=st.sampled_from((None, PETRA)),
    confirmed_by=st.sampled_from((None, PETRA, QUENTIN)),
    evidence=st.sampled_from((None, "", "A letter.")),
    on_hold=st.booleans(),
    regime=st.sampled_from((None, *PACKS)),
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
        assert bar_against(decision["regime"], decision["kind"], decision["ground"]) is None
        assert decision["evidence"]
        assert decision["confirmed_by"] not in {None, decision["decided_by"]}
    if decision["outcome"] in {Outcome.FULFILLED, Outcome.PARTIAL}:
        assert decision["verified"] or decision["kind"] not in GATED_KINDS
        under_hold = decision["on_hold"] and decision["kind"] is Kind.ERASURE
        kept = decision["outcome"], decision["ground"]
        assert not under_hold or kept == (Outcome.PARTIAL, Ground.LEGAL_MATTERS)


def test_under_a_hold_an_erasure_is_answered_in_part_or_refused_and_staff_read_how() -> None:
    """P13: nothing else is held back by it."""
    sentence = refusal(GRANTED, kind=Kind.ERASURE, on_hold=True)
    assert sentence is not None
    assert "Choose partial or refused with that ground." in sentence
    invoices = Ground.REGULATORY_OBLIGATION
    partial: Decision = {**REFUSED, "kind": Kind.ERASURE, "outcome": Outcome.PARTIAL}
    assert refusal(partial, ground=invoices, on_hold=True) == sentence
    assert refusal(partial, ground=Ground.LEGAL_MATTERS, on_hold=True) is None
    assert refusal(REFUSED, kind=Kind.ERASURE, ground=invoices, on_hold=True) is None
    assert refusal(GRANTED, on_hold=True) is None


@pytest.mark.parametrize("regime", [None, *PACKS])
def test_every_law_knows_an_answer_to_an_erasure_under_a_hold(regime: str | None) -> None:
    """P13, P20: in time, in part or refused."""
    for outcome in (Outcome.PARTIAL, Outcome.REFUSED):
        answer: Decision = {**REFUSED, "kind": Kind.ERASURE, "outcome": outcome, "regime": regime}
        assert refusal(answer, ground=Ground.LEGAL_MATTERS, on_hold=True) is None


def test_a_ground_that_the_law_bars_is_refused_with_the_place_in_the_law() -> None:
    """P20: whoever decides reads why."""
    sentence = refusal(REFUSED, kind=Kind.ERASURE, regime="gdpr")
    assert sentence is not None
    assert "GDPR Articles 16, 17(3) and 21(1)" in sentence


@pytest.mark.parametrize(
    ("kind", "verified", "on_hold", "regime"),
    list(product(Kind, (False, True), (False, True), (None, *PACKS))),
)
def test_what_staff_may_choose_from_can_be_sent_and_nothing_else_can(
    kind: Kind, verified: bool, on_hold: bool, regime: str | None
) -> None:
    """P13, P19, P20: forms offer these, and the decision is judged by the same rules."""
    sendable = {
        (outcome, ground)
        for outcome in Outcome
        for ground in (None, *Ground)
        if refusal(
            REFUSED,
            kind=kind,
            verified=verified,
            on_hold=on_hold,
            regime=regime,
            outcome=outcome,
            ground=ground,
        )
        is None
    }
    of_refusals = {ground for outcome, ground in sendable if outcome is Outcome.REFUSED}
    assert of_refusals <= {*possible_grounds(regime, kind, verified=verified)}
    offered = possible_outcomes(kind, verified=verified, on_hold=on_hold)
    assert {outcome for outcome, _ in sendable} <= {*offered}
    if Outcome.REFUSED in offered:
        assert of_refusals == {*possible_grounds(regime, kind, verified=verified)}


@pytest.mark.parametrize(
    ("rights", "request_ends"),
    [
        (["fulfilled", "fulfilled"], "fulfilled"),
        (["refused", "refused"], "refused"),
        (["fulfilled", "refused"], "partial"),
        (["fulfilled", "unverified"], "partial"),
        (["partial", "refused"], "partial"),
        (["fulfilled", "redirected"], "partial"),
        (["redirected", "redirected"], "redirected"),
        (["refused", "redirected"], "refused"),
        (["unverified", "redirected"], "unverified"),
        (["refused", "unverified"], "refused"),
        (["fulfilled", "withdrawn"], "fulfilled"),
        (["refused", "withdrawn", "duplicate"], "refused"),
        (["withdrawn", "duplicate"], "withdrawn"),
        (["spam"], "spam"),
    ],
)
def test_how_a_request_ends_follows_from_its_rights(rights: list[str], request_ends: str) -> None:
    """P20, P22."""
    assert outcome_of(map(Outcome, rights)) is Outcome(request_ends)


@given(st.lists(st.sampled_from(Outcome), min_size=1, max_size=5), st.randoms())
def test_no_request_ends_better_than_its_rights(rights: list[Outcome], chance: Random) -> None:
    """P20, P22, P23: fulfilled only when all that was judged is; a refusal is always in the end."""
    ends = outcome_of(rights)
    judged = set(rights).difference(SET_ASIDE)
    if ends is Outcome.FULFILLED:
        assert judged == {Outcome.FULFILLED}
    if Outcome.REFUSED in rights:
        assert needs_second_person(ends)
    assert (ends in DONE) == bool(judged & DONE)
    assert ends in {*rights, Outcome.PARTIAL}
    shuffled = [*rights, *rights]
    chance.shuffle(shuffled)
    assert outcome_of(shuffled) is ends
