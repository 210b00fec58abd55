"""A figure that misses its limit is seen, whatever group it stands in."""

import pytest

from benchmarks.judging import Measured, growth


def test_numbers_are_held_to_the_limits_of_their_names_and_words_and_lists_to_none() -> None:
    run = Measured(
        name="a",
        title="A run",
        figures={
            "database": "sqlite",
            "late": True,
            "lost": 1,
            "parts": {"a_p99_ms": 90.0, "b_p99_ms": 110.0},
            "ratio": 0.25,
            "kills": [{"part": "worker"}],
        },
        highest={"lost": 0, "_p99_ms": 100.0},
        lowest={"ratio": 0.3},
    )
    assert [(each.figure, each.kept, each.limit) for each in run.judged()] == [
        ("lost", False, "at most 0 MISSED"),
        ("parts_a_p99_ms", True, "at most 100"),
        ("parts_b_p99_ms", False, "at most 100 MISSED"),
        ("ratio", False, "at least 0.3 MISSED"),
    ]


def campaign(addressees: int, seconds: float, worker: float) -> dict[str, object]:
    return {"addressees": addressees, "seconds": seconds, "peak_rss_mb": {"worker": worker}}


def test_growth_is_that_of_each_tenfold_and_of_the_worker_from_ten_thousand_on() -> None:
    runs = [campaign(100_000, 20.0, 220.0), campaign(10_000, 2.0, 200.0), campaign(1_000, 1.0, 90)]
    assert growth(runs) == pytest.approx(
        {"10000_to_100000_times_the_time_for_tenfold": 10.0, "worker_peak_spread_percent": 10.0}
    )


def test_sizes_less_than_a_tenfold_apart_are_judged_as_if_the_time_went_on_to_grow_so() -> None:
    figures = growth([campaign(10_000, 1.0, 100.0), campaign(20_000, 2.0, 100.0)])
    assert figures["10000_to_20000_times_the_time_for_tenfold"] == pytest.approx(10.0)


def test_one_size_alone_says_nothing_of_growth() -> None:
    assert growth([campaign(1_000, 1.0, 100.0), campaign(10_000, 1.0, 100.0)]) == {}
