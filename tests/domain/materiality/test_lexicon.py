"""The lexicon is in order: every phrase finds itself and nothing that merely looks like it."""

import tomllib

import pytest

from domain.materiality.lexicon import LEXICON
from domain.materiality.reading import read

ENTRIES = tomllib.loads(LEXICON.source.decode())


@pytest.mark.parametrize("kind", sorted(LEXICON.terms))
def test_every_phrase_of_a_term_finds_the_term(kind: str) -> None:
    for key, entry in ENTRIES[kind].items():
        for phrase in entry["phrases"]:
            assert LEXICON.terms[kind][key].pattern.search(phrase.replace("*", "s")), phrase
        assert entry.get("weight", "unclear") in ("material", "unclear")


def test_a_phrase_matches_whole_words_and_hyphens() -> None:
    assert read("You may opt-out here.").says("opt_out")
    assert "ai_training" not in read("We email the training plan to the maid.").of("purposes")


def test_a_negation_reaches_what_follows_and_stops_at_but() -> None:
    reading = read("We never sell your data, but we share it with printers.")
    assert "sell" in reading.denied
    assert "share" in reading.allowed
