"""The weights say how sure the engine is, and what they have never met shows nothing."""

import json

from hypothesis import given
from hypothesis import strategies as st

from domain.materiality import Direction, Verdict, assess
from domain.materiality.weighing import WEIGHTS, Weights

NAMES = st.sets(st.sampled_from(sorted(WEIGHTS.weights)), max_size=40)


def weights(**of: float) -> Weights:
    written = {
        "start": -1.0,
        "adverse_from": 1.0,
        "harmless_below": -0.5,
        "records": {"sharing.sale.new": {"right": 11, "of": 14}},
        "weights": {name.replace("_", " "): weight for name, weight in of.items()},
    }
    return Weights.read(json.dumps(written).encode())


def test_names_the_weights_do_not_know_weigh_nothing() -> None:
    some = weights(plus_sell=2.0)
    assert some.weigh(["plus sell"]) > some.start
    assert some.weigh(["plus sell", "of a kind never met"]) == some.weigh(["plus sell"])


def test_one_strong_word_counts_for_less_among_many_weak_ones() -> None:
    weak = {f"weak{number}": 0.01 for number in range(60)}
    some = weights(strong=2.0, **weak)
    assert some.weigh(["strong"]) > some.weigh(["strong", *weak])


@given(names=NAMES)
def test_the_order_of_names_changes_nothing(names: set[str]) -> None:
    assert WEIGHTS.weigh(sorted(names)) == WEIGHTS.weigh(sorted(names, reverse=True))


def test_words_never_met_are_not_known() -> None:
    some = Weights.read(WEIGHTS.source)
    assert some.knows([]) == 1.0
    assert some.knows(["zyzzyva"]) == 0.0


def test_what_is_adverse_and_what_is_harmless_do_not_meet() -> None:
    assert WEIGHTS.harmless_below < WEIGHTS.adverse_from


def test_no_record_is_better_than_perfect() -> None:
    assert all(0 <= record.right <= record.of for record in WEIGHTS.records.values())


def test_a_flag_always_names_a_rule_and_words() -> None:
    """The weights are never the only reason."""
    assessment = assess(
        "We use your address to answer you.",
        "We use your address to answer you.\n\nWe give your browsing history and your precise "
        "location to advertisers and data brokers for targeted advertising.",
    )
    assert assessment.verdict is Verdict.MATERIAL_ADVERSE
    for finding in assessment.findings:
        if finding.direction is Direction.ADVERSE:
            assert not finding.rule.startswith("change.")
            assert finding.explanation
            assert finding.before or finding.after


def test_a_change_in_words_the_weights_never_met_goes_to_a_person() -> None:
    assessment = assess(
        "The widget is kept in the zorple of the frumious team.",
        "The widget is kept in the grobble of the slithy team.",
    )
    assert assessment.needs_review
