"""A link opens for the purpose and the keys it was made with, and in no other way."""

import re
from secrets import token_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.links import (
    NONCE_BYTES,
    LinkRefused,
    has_form_of_code,
    is_code,
    make_code,
    make_token,
    read_token,
)

KEY, OLD_KEY = b"k" * 32, b"o" * 32
nonces = st.binary(min_size=16, max_size=16)


@given(purpose=st.text(max_size=40), nonce=nonces)
def test_a_token_gives_back_its_nonce(purpose: str, nonce: bytes) -> None:
    """P32: a link is bound to the record that was made for one person and one purpose."""
    token = make_token(purpose, nonce, [KEY])
    assert read_token(purpose, token, [KEY]) == nonce
    assert token == make_token(purpose, nonce, [KEY]), "a reminder carries the same link"


@given(nonce=nonces, purposes=st.lists(st.text(max_size=20), min_size=2, max_size=2, unique=True))
def test_a_token_of_another_purpose_is_forged(nonce: bytes, purposes: list[str]) -> None:
    """P32: an approval link opens no request."""
    token = make_token(purposes[0], nonce, [KEY])
    assert refusal(purposes[1], token) == "forged"


def test_after_a_change_of_keys_old_links_still_open() -> None:
    nonce = token_bytes(NONCE_BYTES)
    token = make_token("approval", nonce, [OLD_KEY])
    assert read_token("approval", token, [KEY, OLD_KEY]) == nonce
    assert refusal("approval", token) == "forged"


def test_the_first_key_signs() -> None:
    nonce = token_bytes(NONCE_BYTES)
    assert make_token("approval", nonce, [KEY, OLD_KEY]) == make_token("approval", nonce, [KEY])


@given(nonce=nonces, position=st.integers(0, 42), letter=st.sampled_from("ABCabc019-_"))
def test_a_changed_letter_is_refused(nonce: bytes, position: int, letter: str) -> None:
    token = make_token("approval", nonce, [KEY])
    changed = token[:position] + letter + token[position + 1 :]
    if changed != token:
        assert refusal("approval", changed) in {"malformed", "forged"}


@given(nonce=nonces, length=st.integers(0, 42))
def test_a_token_cut_short_is_malformed(nonce: bytes, length: int) -> None:
    assert refusal("approval", make_token("approval", nonce, [KEY])[:length]) == "malformed"


@given(st.text(max_size=60))
def test_junk_is_refused_and_never_crashes(junk: str) -> None:
    assert refusal("approval", junk) in {"malformed", "forged"}


@pytest.mark.parametrize("junk", ["", "=" * 43, "é" * 43, "A" * 43, "A" * 1_000_000, "\0" * 43])
def test_well_known_junk_is_refused(junk: str) -> None:
    assert refusal("approval", junk) in {"malformed", "forged"}


def test_without_keys_nothing_is_made_and_nothing_opens() -> None:
    token = make_token("approval", token_bytes(NONCE_BYTES), [KEY])
    with pytest.raises(ValueError, match="no link key"):
        make_token("approval", token_bytes(NONCE_BYTES), [])
    with pytest.raises(LinkRefused):
        read_token("approval", token, [])


def refusal(purpose: str, token: str) -> str:
    with pytest.raises(LinkRefused) as refused:
        read_token(purpose, token, [KEY])
    return refused.value.kind


@given(nonce=nonces)
def test_a_code_has_eight_digits_and_opens_by_old_keys_too(nonce: bytes) -> None:
    """P19: typed as people type, with spaces or dashes; and by any key that still verifies."""
    code = make_code("code", nonce, [OLD_KEY])
    assert re.fullmatch(r"\d{8}", code)
    for typed in (code, f" {code[:4]} {code[4:]} ", f"{code[:4]}-{code[4:]}"):
        assert is_code(typed, "code", nonce, [KEY, OLD_KEY])
    assert not is_code(code, "code", nonce, [KEY]) or code == make_code("code", nonce, [KEY])


@given(typed=st.text(max_size=20), nonce=nonces)
def test_what_is_not_the_code_opens_nothing_and_never_crashes(typed: str, nonce: bytes) -> None:
    """P19: digits of other scripts, emptiness and halves of letters too."""
    code = make_code("code", nonce, [KEY])
    assert is_code(typed, "code", nonce, [KEY]) == ("".join(typed.split()).replace("-", "") == code)
    assert has_form_of_code(typed) or not is_code(typed, "code", nonce, [KEY])


def test_a_code_is_bound_to_its_purpose_and_its_bytes() -> None:
    """P32: neither another request's code opens this one, nor the same bytes for another end."""
    nonce = b"\1" * NONCE_BYTES
    code = make_code("code", nonce, [KEY])
    assert not is_code(code, "another", nonce, [KEY])
    assert not is_code(code, "code", b"\2" * NONCE_BYTES, [KEY])
