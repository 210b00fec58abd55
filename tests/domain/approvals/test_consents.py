"""A purpose has a key that cannot be taken for anything else (P5)."""

import pytest

from domain.approvals.consents import purpose_key


@pytest.mark.parametrize("given", ["ads", " Product_Tips ", "health2"])
def test_a_short_word_is_a_key(given: str) -> None:
    assert purpose_key(given) == given.strip().lower()


@pytest.mark.parametrize("given", ["", "a", "F2", "summary", "two words", "a:b", "über", "x" * 41])
def test_anything_else_is_refused_in_words(given: str) -> None:
    """F2 and summary are what other words on the same page are called."""
    with pytest.raises(ValueError, match="is no key of a purpose"):
        purpose_key(given)
