"""A change is cleared only by something that shows it harmless, and the change says by what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.materiality import Verdict, assess

HARMLESS = (Verdict.EDITORIAL, Verdict.NEUTRAL)
POLICY = """# Gnome Club

We recieve your letters and we never share your personal data without your consent.

We keep the letters for 30 days. Please write to the gardener about questions.

We show letters to internal gardeners.

The gardener may share your address with our printers, not with anyone else.

Last updated: 3 May 2025
"""


def changed(old: str, new: str) -> str:
    assert POLICY.count(old) == 1
    return POLICY.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "shown_by"),
    [
        ("recieve", "receive", "typing correction"),
        ("letters and we", "letters, and we", "formatting"),
        ("without your consent", "*without your consent*", None),
        ("your letters", "your  letters", None),
        ("write to the gardener", "write to gardener", "typing correction"),
        ("3 May 2025", "9 June 2026", "date of the document"),
        ("Please write", "Please please write", "formatting"),
        ("30 days", "thirty (30) days", "length of time"),
    ],
)
def test_an_editorial_change_is_cleared(old: str, new: str, shown_by: str | None) -> None:
    assessment = assess(POLICY, changed(old, new))
    assert (assessment.verdict, assessment.findings) == (Verdict.EDITORIAL, ())
    assert [change.cleared_as for change in assessment.changes] == ([shown_by] if shown_by else [])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("We do not sell data.", "We don't sell data."),
        ("We organise what you send by e-mail.", "We organize what you send by email."),
    ],
)
def test_another_spelling_of_the_same_words_is_cleared(old: str, new: str) -> None:
    told = assess(f"{POLICY}\n{old}\n", f"{POLICY}\n{new}\n")
    assert [change.cleared_as for change in told.changes] == ["spelling"]
    assert told.verdict is Verdict.EDITORIAL


def test_a_paragraph_that_moved_is_cleared() -> None:
    head, first, second, *rest = POLICY.split("\n\n")
    assessment = assess(POLICY, "\n\n".join([head, second, first, *rest]))
    assert assessment.verdict is Verdict.EDITORIAL
    assert [change.kind for change in assessment.changes] == ["moved"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("30 days", "80 days"),
        ("30 days", "30 weeks"),
        ("never share", "ever share"),
        ("never share", "rarely share"),
        ("may share", "must share"),
        ("consent", "content"),
        ("internal", "external"),
        ("not with anyone", "now with anyone"),
        ("without your consent", "with your consent"),
        ("your consent", "our consent"),
        ("not with anyone", "notwith anyone"),
        ("may share", "may shave"),
        ("with our printers, not with anyone else", "with anyone else, not with our printers"),
    ],
)
def test_what_looks_like_a_slip_and_is_none_is_not_cleared(old: str, new: str) -> None:
    assessment = assess(POLICY, changed(old, new))
    assert assessment.material_adverse or assessment.needs_review


def test_the_same_item_under_a_denying_stem_is_not_a_harmless_move() -> None:
    before = "We do these things:\n\n- mow\n- sell data\n\nWe never do these things:\n\n- shout\n"
    after = "We do these things:\n\n- mow\n\nWe never do these things:\n\n- shout\n- sell data\n"
    assert assess(before, after).verdict not in HARMLESS
    assert assess(after, before).verdict not in HARMLESS


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "## We never share\n\n- your name\n- your place\n\n## We share\n\n- your mail",
            "## We never share\n\n- your name\n\n## We share\n\n- your place\n- your mail",
        ),
        (
            "|A|\n|-|\n|We use:<br>* your name<br>We never use:<br>* your place<br>* your mail|",
            "|A|\n|-|\n|We use:<br>* your name<br>* your place<br>We never use:<br>* your mail|",
        ),
    ],
)
def test_what_comes_out_of_a_denial_is_not_cleared_though_its_words_stayed(
    old: str, new: str
) -> None:
    """P2: the denial itself went round the words, and they are the longest part in common."""
    assert assess(old, new).needs_review


def test_a_heading_that_says_something_is_not_just_a_heading() -> None:
    assert assess(POLICY, POLICY + "\n## How we reach you\n").verdict is Verdict.EDITORIAL
    assert assess(POLICY, POLICY + "\n## We sell your data\n").verdict not in HARMLESS


texts = st.lists(
    st.sampled_from(
        ["We ", "never ", "sell ", "data ", "30 days", ". ", "\n\n", "# ", "- ", "|", "\n", "may "]
    ),
    max_size=25,
).map("".join)


@given(old=texts, new=texts)
def test_any_text_gets_an_answer_and_cleared_means_every_change_is_shown(
    old: str, new: str
) -> None:
    assessment = assess(old, new)
    assert assessment == assess(old, new)
    assert (assessment.verdict is Verdict.IDENTICAL) == (old == new)
    for change in assessment.changes:
        assert bool(change.findings) != bool(change.cleared_as)


def test_stems_that_change_places_over_their_items_are_seen_in_any_language() -> None:
    """P2: not a word of an item differs, and each says the contrary now."""
    never, always = "Wir tun niemals:", "Wir tun immer:"
    told = "Wir betreiben ein Tagebuch.\n\n{}\n\n- Daten verkaufen\n\n{}\n\n- Daten sichern\n"
    assert assess(told.format(never, always), told.format(always, never)).needs_review
