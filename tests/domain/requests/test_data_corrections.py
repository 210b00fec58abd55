"""Correcting data: each value is claimed, shown and judged by itself (P12, P20)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.requests.data_corrections import Claim, CorrectionGround, claim_refusal, outcome_refusal
from domain.requests.data_subject_requests import Ground, Outcome

STREET = Claim(
    source="billing",
    category="Contact details",
    field="street",
    before="1 Old Road",
    after="2 New Road",
    ground=CorrectionGround.OUT_OF_DATE,
    evidence="The registration of 3 February",
    credible=True,
)


def test_what_is_wrong_what_is_right_and_what_shows_it_is_enough() -> None:
    """P12."""
    assert claim_refusal(STREET) is None
    assert claim_refusal(replace(STREET, before="", ground=CorrectionGround.INCOMPLETE)) is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (replace(STREET, after="1 Old Road "), "is the one that is there"),
        (replace(STREET, after=" "), "What is to go is an erasure"),
        (replace(STREET, before=""), "Write the value that is wrong"),
        (replace(STREET, evidence=" "), "Write what shows it"),
        (replace(STREET, credible=False), "does not show it credibly"),
        (replace(STREET, after="x" * 501), "500 characters at most"),
    ],
)
def test_what_nobody_could_act_on_is_refused_in_words(wrong: Claim, words: str) -> None:
    """P12."""
    assert words in (claim_refusal(wrong) or "")


@given(
    st.sampled_from(Outcome),
    st.none() | st.sampled_from(Ground),
    st.lists(st.booleans(), max_size=4),
)
def test_nothing_counts_as_corrected_that_was_not_shown(
    outcome: Outcome, ground: Ground | None, credible: list[bool]
) -> None:
    """P12, P20."""
    allowed = outcome_refusal(outcome, ground, credible) is None
    if outcome is Outcome.FULFILLED:
        assert allowed == (bool(credible) and all(credible))
    elif outcome is Outcome.PARTIAL and allowed:
        assert any(credible)
    elif outcome is not Outcome.PARTIAL:
        assert allowed
