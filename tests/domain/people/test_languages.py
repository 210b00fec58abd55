"""The nearest language we speak, whatever a locale or a browser says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.people.languages import best_language, language_named, nearest_language

SPOKEN = ("en", "de", "pt-BR", "zh-Hant")


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("de_CH", "de"),
        ("DE", "de"),
        ("de-Latn-AT-1996", "de"),
        ("en-GB", "en"),
        ("pt_BR", "pt-BR"),
        ("zh-Hant-TW", "zh-Hant"),
    ],
)
def test_a_locale_is_shortened_until_we_speak_it(locale: str, language: str) -> None:
    assert nearest_language(locale, SPOKEN) == language


@pytest.mark.parametrize(
    "locale",
    ["", "fr", "xx", "pt", "zh", "d", "dede", "../../etc", "de/../en", "x" * 300, "-", "\0"],
)
def test_what_we_do_not_speak_stands_for_the_first_language(locale: str) -> None:
    assert nearest_language(locale, SPOKEN) == "en"
    assert nearest_language(locale, ("de", "en")) == "de"
    assert language_named(locale, SPOKEN) is None


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("fr, de;q=0.5, en;q=0.3", "de"),
        ("en;q=0.3, de;q=0.9", "de"),
        ("de;q=0, en", "en"),
        ("de-AT,de;q=0.8", "de"),
        ("fr-CH, fr;q=0.9, *;q=0.5", "en"),
        ("de;q=much", "de"),
        ("de;q=nan, en;q=2", "de"),
        (";;;,,,q=", "en"),
    ],
)
def test_a_browser_gets_what_it_likes_best_of_what_we_speak(header: str, language: str) -> None:
    assert best_language(header, SPOKEN) == language


@given(st.text(max_size=400), st.text(max_size=400))
def test_whatever_is_said_some_language_of_ours_comes_out(locale: str, header: str) -> None:
    assert nearest_language(locale, SPOKEN) in SPOKEN
    assert best_language(header, SPOKEN) in SPOKEN
