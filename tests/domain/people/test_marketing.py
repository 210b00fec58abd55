"""Which marketing purposes there are, and what a choice about them refuses (P15, P17)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.people.marketing import (
    MARKETING,
    OBJECTION,
    Choices,
    PurposesRefused,
    PurposeUnknown,
    read_purposes,
    use_named,
)

LANGUAGES = ("en", "de")
FILE = """
[newsletter]
en = "News"
de = "Neues"

[partner_offers]
offered_from = 2026-03-01
en = "Offers of others"
de = "Angebote anderer"
"""
KEYS = ("news", "offers", "surveys")
FEBRUARY, MARCH = date(2026, 2, 28), date(2026, 3, 1)


def test_a_file_declares_purposes_with_a_label_in_each_language() -> None:
    newsletter, partners = read_purposes(FILE, LANGUAGES)
    assert (newsletter.key, newsletter.label("de"), newsletter.offered_from) == (
        "newsletter",
        "Neues",
        None,
    )
    assert (partners.is_offered(FEBRUARY), partners.is_offered(MARCH)) == (False, True)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("newsletter", "is no TOML"),
        ("newsletter = 1", "newsletter is no table"),
        ('[newsletter]\nen = "News"', "newsletter: no label in de"),
        ('[newsletter]\nen = "News"\nde = " "', "newsletter: no label in de"),
        ('[newsletter]\nen = "News"\nde = "Neues"\nfrom = 1', "from is no label"),
        ('[newsletter]\noffered_from = "soon"\nen = "a"\nde = "b"', "offered_from is no day"),
        ('[profiling]\nen = "a"\nde = "b"', "profiling cannot be the key"),
        ('[Newsletter]\nen = "a"\nde = "b"', "Newsletter cannot be the key"),
        ('["../x"]\nen = "a"\nde = "b"', "is no key of a purpose"),
    ],
)
def test_a_wrong_file_is_refused_with_the_purpose_and_what_it_lacks(file: str, said: str) -> None:
    with pytest.raises(PurposesRefused, match=said):
        read_purposes(file, LANGUAGES)


def test_a_purpose_that_came_later_is_closed_until_it_was_offered() -> None:
    """P17: before its day for everybody, after it for each until they had the choice."""
    purposes = read_purposes(FILE, LANGUAGES)
    before = use_named("partner_offers", purposes, FEBRUARY)
    after = use_named("partner_offers", purposes, MARCH)
    assert (before.has_begun, before.to_be_offered) == (False, True)
    assert (after.has_begun, after.to_be_offered) == (True, True)
    assert not use_named("newsletter", purposes, FEBRUARY).to_be_offered


def test_a_purpose_that_nobody_declared_is_named_as_that() -> None:
    """P17: what nobody could refuse is no answer of "go ahead"."""
    with pytest.raises(PurposeUnknown, match="do not send"):
        use_named("catalogue", read_purposes(FILE, LANGUAGES), MARCH)


def test_who_refuses_all_marketing_refuses_each_purpose_and_an_objection_more() -> None:
    """P15: profiling, enrichment and prospecting stop with it, and not with an opt-out."""
    purposes = read_purposes(FILE, LANGUAGES)
    assert MARKETING in use_named("newsletter", purposes, MARCH).stopped_by
    for name in OBJECTION[1:]:
        assert use_named(name, purposes, MARCH).stopped_by == (name,)


@given(
    before=st.frozensets(st.sampled_from((MARKETING, *KEYS))),
    shown=st.lists(st.sampled_from(KEYS), unique=True, min_size=1).map(tuple),
    data=st.data(),
)
def test_after_a_choice_exactly_what_was_allowed_of_what_was_shown_goes_on(
    before: frozenset[str], shown: tuple[str, ...], data: st.DataObject
) -> None:
    """P17: and nothing is said of what was not shown, but by refusing all."""
    allowed = data.draw(st.frozensets(st.sampled_from(shown)))
    choices = Choices(shown=shown, allowed=allowed)
    after = (before | {*choices.refused}) - {*choices.lifted(before)}
    for key in shown:
        assert (key not in after and MARKETING not in after) == (key in allowed)
    for key in {*KEYS} - {*shown}:
        assert (key in after) == (key in before)
    assert not {*choices.refused} & {*choices.lifted(before)}
