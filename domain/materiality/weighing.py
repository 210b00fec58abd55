"""How strongly the words of a comparison speak of an adverse change, learned from labelled changes.

The weights are in `weights.json`, written by `benchmarks/train.py`; a name of `evidence.py` on each
line with its weight. They only say how sure the engine is of what a rule has found.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from math import sqrt
from pathlib import Path

from domain.materiality.assessment import TrackRecord

# Long statements name more; without this a long harmless one would outweigh a short adverse one.
USUAL_NAMES = 20
SMOOTHING = 4


@dataclass(frozen=True, kw_only=True)
class Weights:
    """`adverse_from` and up a finding is adverse; under `harmless_below` nothing is found."""

    source: bytes
    start: float
    adverse_from: float
    harmless_below: float
    weights: Mapping[str, float]
    records: Mapping[str, TrackRecord]

    @classmethod
    def read(cls, source: bytes) -> "Weights":
        """Raises KeyError or ValueError for anything the training did not write."""
        written = json.loads(source)
        return cls(
            source=source,
            start=written["start"],
            adverse_from=written["adverse_from"],
            harmless_below=written["harmless_below"],
            weights=written["weights"],
            records={rule: TrackRecord(**record) for rule, record in written["records"].items()},
        )

    @cached_property
    def fingerprint(self) -> str:
        return sha256(self.source).hexdigest()[:8]

    def weigh(self, names: Iterable[str]) -> float:
        """Above zero for what looks adverse, below for what looks harmless (log-odds)."""
        # Sorted, because a sum of floats depends on its order and a set has none.
        known = [self.weights[name] for name in sorted(names) if name in self.weights]
        return self.start + scale(len(known)) * sum(known)

    def knows(self, roots: Iterable[str]) -> float:
        """The share of some words' roots that the weights have met, up to 1."""
        asked = list(roots)
        return sum(map(self.met, asked)) / len(asked) if asked else 1.0

    def met(self, root: str) -> bool:
        """Whether the labelled changes had a word of this root."""
        return f"+ {root}" in self.weights or f"- {root}" in self.weights


def scale(names: int) -> float:
    """What one of so many names counts for."""
    return sqrt(USUAL_NAMES / (names + SMOOTHING))


WEIGHTS = Weights.read(Path(__file__).with_name("weights.json").read_bytes())
