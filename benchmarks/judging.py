"""What was measured, and whether it keeps to its limits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import log10
from typing import Any

LARGE = 10_000
"""So many addressees are held to limits. What a campaign costs with nobody in it, most of a second
and 230 Temporal events, counts for more than they do when they are fewer."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The figures of one run, which may hold words and lists beside numbers.

    `highest` and `lowest` bound every number whose name ends so.
    """

    name: str
    title: str
    figures: Mapping[str, Any]
    highest: Mapping[str, float] = field(default_factory=dict)
    lowest: Mapping[str, float] = field(default_factory=dict)

    def judged(self) -> "Iterator[Judged]":
        """Each number beside its limits."""
        for figure, value in numbers(self.figures):
            most, least = _bound(self.highest, figure), _bound(self.lowest, figure)
            yield Judged(
                figure=figure,
                value=value,
                highest=most,
                lowest=least,
                kept=(most is None or value <= most) and (least is None or value >= least),
            )


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A number, and whether it is what it may be."""

    figure: str
    value: float
    highest: float | None
    lowest: float | None
    kept: bool

    @property
    def limit(self) -> str:
        """In words; empty when there is none."""
        bounds = (("at most", self.highest), ("at least", self.lowest))
        words = ", ".join(f"{side} {bound:,g}" for side, bound in bounds if bound is not None)
        return words if self.kept else f"{words} MISSED"


def numbers(figures: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers among figures; those of a group are named after it."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}_{part}", number) for part, number in numbers(value))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value


def growth(campaigns: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """How time and memory of the same campaign grow with its addressees, from LARGE up.

    Between sizes that are not a tenfold apart, the time grows by the same power.
    """
    large = sorted(
        (each for each in campaigns if each["addressees"] >= LARGE),
        key=lambda each: int(each["addressees"]),
    )
    if len(large) < 2:
        return {}
    times = {
        f"{fewer['addressees']}_to_{more['addressees']}_times_the_time_for_tenfold": (
            more["seconds"] / fewer["seconds"]
        )
        ** (1 / log10(more["addressees"] / fewer["addressees"]))
        for fewer, more in pairwise(large)
    }
    peaks = [each["peak_rss_mb"]["worker"] for each in large]
    return {**times, "worker_peak_spread_percent": (max(peaks) / min(peaks) - 1) * 100}


def _bound(bounds: Mapping[str, float], figure: str) -> float | None:
    return next((bound for end, bound in bounds.items() if figure.endswith(end)), None)
