"""What people may ask for, in words, and what an intake must hold."""

import sys
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.requests.data_subject_requests import (
    GROUND_WORDS,
    KIND_WORDS,
    OUTCOME_WORDS,
    PROBLEM_WORDS,
    RIGHT_STATE_WORDS,
    STAGE_WORDS,
    Ground,
    Intake,
    Kind,
    Outcome,
    RightState,
    State,
    has_control_characters,
    problems,
)


def test_every_value_has_words() -> None:
    assert set(KIND_WORDS) == set(Kind)
    assert set(OUTCOME_WORDS) == set(Outcome)
    assert set(GROUND_WORDS) == set(Ground)
    assert set(RIGHT_STATE_WORDS) == set(RightState)
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


def test_what_is_asked_twice_counts_once_and_in_one_order() -> None:
    """P26: the order in which somebody ticked says nothing."""
    asked = Intake(name="", contact_address="", kinds=("erasure", "access", "erasure"))
    assert asked.rights == (Kind.ACCESS, Kind.ERASURE)


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


def test_a_domain_in_letters_of_its_own_is_taken_in_the_form_that_mail_uses() -> None:
    """P26: whichever of the two somebody types, it is the same address."""
    typed = replace(ALICE, contact_address="alice@Bücher.example", account_address="a@例え.example")
    assert problems(typed) == ()
    assert typed.contact_address == "alice@xn--bcher-kva.example"
    assert typed.account_address == "a@xn--r8jz45g.example"
    assert replace(ALICE, contact_address="alice@xn--bcher-kva.example") == replace(
        typed, account_address=""
    )


@pytest.mark.parametrize("address", ["jürgen@example.com", "ю@bücher.example"])
def test_letters_that_our_mail_cannot_be_sent_to_are_refused_by_name(address: str) -> None:
    """P26: with what to do instead, as no other spelling of it would do."""
    assert problems(replace(ALICE, contact_address=address)) == (
        ("contact_address", PROBLEM_WORDS["letters"]),
    )


@given(st.text(max_size=80))
def test_whatever_is_typed_for_an_address_is_taken_as_it_is_sent_or_refused(text: str) -> None:
    """P26: what is taken has no letters but a to z, and is the same when it is read again."""
    typed = replace(ALICE, contact_address=text)
    assert problems(typed) or typed.contact_address.isascii()
    assert replace(ALICE, contact_address=typed.contact_address) == typed


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


def test_what_cannot_be_shown_is_found_in_every_script() -> None:
    """The control characters and halves of pairs that Unicode knows, and nothing else."""
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    odd = [one for one in every if has_control_characters(f"a{one}b")]
    assert odd == [one for one in every if unicodedata.category(one) in {"Cc", "Cs"}]
    kept = "\r\n\t"
    assert [one for one in odd if not has_control_characters(one, besides=kept)] == sorted(kept)
