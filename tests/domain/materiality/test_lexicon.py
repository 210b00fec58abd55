"""The lexicon is in order: every phrase finds itself and nothing that merely looks like it."""

import re

import pytest

from domain.materiality.lexicon import LEXICON, Lexicon, LexiconRefused
from domain.materiality.reading import read
from domain.materiality.words import words

SMALLEST = "[data]\n[purposes]\n[recipients]\n[rights]\n[safeguards]\n[acts]\n[words]\n[roles]\n"


@pytest.mark.parametrize("label", sorted({label for label, _ in LEXICON.phrases()}))
def test_every_phrase_finds_what_it_stands_for(label: str) -> None:
    for phrase in (phrase for found, phrase in LEXICON.phrases() if found == label):
        spoken = words(phrase.replace("*", "s"))
        assert label in {mention.label for mention in LEXICON.mentions(spoken)}, phrase


def test_every_term_has_a_name() -> None:
    for terms in LEXICON.terms.values():
        assert all(term.name for term in terms.values())


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ('[data.place]\nname = "places"\nphrases = ["Paris"]', "in small letters"),
        ('[data.place]\nname = "places"\nphrases = ["pa*ris"]', "can only end a word"),
        ('[data.place]\nphrases = ["paris"]', "has no name"),
        ("[data.place", "not TOML"),
        ('[data.place]\nname = "places"\nphrases = "paris"', "as a list"),
        ('[data.place]\nname = "places"\nphrases = [7]', "as a list"),
        ('[data.place]\nname = "places"', "as a list"),
        ('[data.place]\nname = "places"\nphrases = ["can\u2019t"]', "as they are typed"),
        ('[data.place]\nname = "places"\npractice = "advertisng"\nphrases = ["paris"]', "practice"),
        ("[data]\n[wrods]", "[wrods] is missing, or is none"),
        ("", "[data] is missing"),
        ("[data]\nplace = 3", "[data.place] is no term"),
        ('[data.place]\nname = 3\nphrases = ["paris"]', "has no name"),
    ],
)
def test_a_lexicon_with_a_mistake_is_refused_in_words(written: str, complaint: str) -> None:
    source = SMALLEST.replace("[data]\n", f"{written}\n").encode()
    with pytest.raises(LexiconRefused, match=re.escape(complaint)):
        _ = Lexicon(source=source).terms


@pytest.mark.parametrize("name", ["negation", "grammar", "share", "retention"])
def test_a_list_that_no_rule_would_find_is_refused(name: str) -> None:
    """A misspelt one would be a check that is silently off."""
    misspelt = LEXICON.source.replace(f"\n{name} = [".encode(), f"\n{name}x = [".encode())
    with pytest.raises(LexiconRefused, match=f"{name}x?, or has one that no rule asks for"):
        Lexicon(source=misspelt)


def test_a_phrase_matches_whole_words_and_hyphens() -> None:
    assert read("You may opt-out here.").says("opt_out")
    assert "ai_training" not in read("We email the maid about the rain.").of("purposes")


def test_a_negation_reaches_what_follows_and_stops_at_but() -> None:
    reading = read("We never sell your data, but we share it with printers.")
    assert "sell" in reading.denied
    assert "share" in reading.allowed


def test_partners_for_advertising_are_a_recipient_and_no_purpose() -> None:
    reading = read("We give it to advertising partners.")
    assert reading.of("recipients") >= {"advertisers"}
    assert "advertising" not in reading.of("purposes")


def test_a_lexicon_in_another_encoding_is_refused_in_words() -> None:
    with pytest.raises(LexiconRefused, match="save it as UTF-8"):
        Lexicon(source=SMALLEST.encode("utf-16"))
