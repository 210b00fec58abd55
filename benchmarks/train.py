"""Learns the weights of the materiality engine from labelled changes, and writes `weights.json`.

    python -m benchmarks.train --data DIR [--part tune]

Learned from: the statements of `DIR` (see `benchmarks/materiality.py`), each as a reader judged it
(`statements/readings.tsv`, by hash; the texts stay in `DIR`), and `statements/examples.jsonl`,
statements in our own words. A word that is rare there, or missing, weighs like the words that are
used as it is in the policies (`word_vectors.py`). Thresholds and the records of the rules come from
scores of company groups that the weights had not seen. The same input gives the same file.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from itertools import chain
from math import inf
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.progress import track
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

from benchmarks.materiality import APART, POSITIVE, Pair, asking_for_pairs, chosen_pairs, stands_in
from benchmarks.word_vectors import Vectors, word_vectors
from domain.materiality import judging
from domain.materiality.assessment import Direction
from domain.materiality.engine import comparisons
from domain.materiality.harmless import shown_harmless
from domain.materiality.rules import Comparison, Version
from domain.materiality.weighing import scale
from domain.texts.clauses import Clause, ClauseKind, clause_id, read_clauses

STATEMENTS = Path(__file__).with_name("statements")
WEIGHTS = Path(__file__).parents[1] / "domain" / "materiality" / "weights.json"
SEEDS = 3
FOLDS = 5
TO_BE_SAFE = 0.25
SLACK = 1.0  # the inverse of the penalty on large weights
RAREST = 3  # company groups, or examples, that a name must occur in
MOST = 4_000  # names that have a weight of their own
CAME, WENT = "+ ", "- "
MINOR_COUNTS = 0.3
EXAMPLE_COUNTS = 0.3  # beside a statement of a real policy
QUOTED_COUNTS = 2.0
HARMLESS_BESIDE_COUNTS = 0.5  # a harmless statement of a pair that is adverse elsewhere
WHOLE_VERSION = ("++", "--")  # an example has no document around it


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A comparison as the engine sees it, with what a reader said of it, if anything."""

    names: frozenset[str]
    rules: tuple[tuple[str, bool], ...]
    can_be_flagged: bool
    pair: Pair | None
    adverse: bool | None
    counts: float


def main() -> int:
    """Train and write; ends with 2 when the data is not there."""
    parser = asking_for_pairs("Learn the weights of the materiality engine.")
    pairs = chosen_pairs(parser.parse_args())
    readings = _readings()
    examples = [*_examples()]
    statements = [
        statement
        for pair in track(pairs, description="Reading", transient=True)
        for statement in _statements(pair, readings)
    ]
    texts = chain.from_iterable((pair.before, pair.after) for pair in pairs)
    learned = _learn(statements, examples, _alike(texts))
    WEIGHTS.write_text(json.dumps(learned, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def reading_key(old: str, new: str) -> str:
    """The hash under which a reader's answer for a statement is kept."""
    return sha256(f"{old}\x1f{new}".encode()).hexdigest()[:12]


def _readings() -> dict[str, str]:
    lines = (STATEMENTS / "readings.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


def _statements(pair: Pair, readings: Mapping[str, str]) -> Iterable[Statement]:
    english, compared = comparisons(pair.before, pair.after)
    for comparison in compared if english else ():
        if shown_harmless(comparison) is None:
            yield _statement(comparison, pair, _read_as(pair, comparison, readings))


def _read_as(
    pair: Pair, comparison: Comparison, readings: Mapping[str, str]
) -> tuple[bool | None, float]:
    if not pair.label.startswith("adverse"):
        return False, 1.0
    if pair.label == POSITIVE and stands_in(pair.quote, (comparison.old_text, comparison.new_text)):
        return True, QUOTED_COUNTS
    match readings.get(reading_key(comparison.old_text, comparison.new_text)):
        case None:
            return None, 0.0
        case "M":
            return True, 1.0
        case "m":
            return True, MINOR_COUNTS
    return False, HARMLESS_BESIDE_COUNTS


def _statement(
    comparison: Comparison,
    pair: Pair | None,
    reading: tuple[bool | None, float],
) -> Statement:
    raised = tuple(judging.findings_in(comparison))
    adverse = judging.most_particular(raised)
    return Statement(
        names=judging.names_of(comparison, raised),
        rules=tuple(
            (name, judging.is_particular((name, found)))
            for name, found in raised
            if found.direction is Direction.ADVERSE
        ),
        can_be_flagged=bool(adverse) and not any(found.counter_evidence for _, found in adverse),
        pair=pair,
        adverse=reading[0],
        counts=reading[1],
    )


def _examples() -> Iterable[Statement]:
    for line in (STATEMENTS / "examples.jsonl").read_text(encoding="utf-8").splitlines():
        example = json.loads(line)
        old, new = (_clauses(example[side], example["stem"]) for side in ("old", "new"))
        comparison = Comparison(
            old=old, new=new, old_version=Version(old), new_version=Version(new)
        )
        counts = MINOR_COUNTS if example["label"] == "m" else 1.0
        statement = _statement(comparison, None, (example["label"] in "Mm", counts))
        yield replace(
            statement,
            names=frozenset(n for n in statement.names if not n.startswith(WHOLE_VERSION)),
            counts=counts * EXAMPLE_COUNTS,
        )


def _clauses(text: str | None, stem: str) -> tuple[Clause, ...]:
    if not text:
        return ()
    kind = ClauseKind.ITEM if stem else ClauseKind.PARAGRAPH
    return (Clause(id=clause_id(text), path=(), kind=kind, stem=stem, text=text, lines=(1, 1)),)


def _alike(texts: Iterable[str]) -> Vectors:
    lines = (STATEMENTS / "examples.jsonl").read_text(encoding="utf-8").splitlines()
    examples = (json.loads(line)[side] or "" for line in lines for side in ("old", "new"))
    clauses = (clause.text for text in texts for clause in read_clauses(text))
    return word_vectors(chain(clauses, examples))


def _learn(
    statements: Sequence[Statement], examples: Sequence[Statement], alike: Vectors
) -> dict[str, Any]:
    names = _Names(own=_known(statements, examples), alike=alike)
    start, weights = names.fit([*statements, *examples])
    scores = _unseen(statements, examples, names)
    pairs = _pairs(statements, scores)
    adverse_from = _balanced(pairs)
    return {
        "start": round(start, 3),
        "adverse_from": round(adverse_from, 2),
        "harmless_below": round(_lowest_material(pairs) - TO_BE_SAFE, 2),
        "records": _records(statements, scores, adverse_from),
        "weights": {name: round(weight, 3) for name, weight in sorted(weights.items())},
    }


def _known(statements: Sequence[Statement], examples: Sequence[Statement]) -> tuple[str, ...]:
    """The names that several company groups or examples have; the most common of them."""
    spread: dict[str, set[object]] = defaultdict(set)
    for place, statement in enumerate((*statements, *examples)):
        where = statement.pair.family if statement.pair else place
        for name in statement.names:
            spread[name].add(where)
    common = Counter({name: len(where) for name, where in spread.items() if len(where) >= RAREST})
    return tuple(sorted(common, key=lambda name: (-common[name], name))[:MOST])


@dataclass(frozen=True, kw_only=True)
class _Names:
    """What is weighed: names with a weight of their own, and words that weigh as those alike."""

    own: tuple[str, ...]
    alike: Vectors

    @cached_property
    def matrix(self) -> csr_matrix:
        """Of each name what it counts for: itself, and the vector of a word that came or went."""
        own = {name: place for place, name in enumerate(self.own)}
        width = len(next(iter(self.alike.values())))
        vectors = np.zeros((len(self.all), 2 * width))
        for row, name in enumerate(self.all):
            sign, word = name[: len(CAME)], name[len(CAME) :]
            if sign in (CAME, WENT) and word in self.alike:
                first = 0 if sign == CAME else width
                vectors[row, first : first + width] = self.alike[word]
        rows = [row for row, name in enumerate(self.all) if name in own]
        columns = [own[name] for name in self.all if name in own]
        identity = csr_matrix(
            (np.ones(len(rows)), (rows, columns)), shape=(len(self.all), len(own))
        )
        return hstack([identity, csr_matrix(vectors)]).tocsr()

    @cached_property
    def all(self) -> tuple[str, ...]:
        words = (sign + root for sign in (CAME, WENT) for root in self.alike)
        return tuple(sorted({*self.own, *words}))

    @cached_property
    def place(self) -> Mapping[str, int]:
        return {name: place for place, name in enumerate(self.all)}

    def counted(self, statements: Sequence[Statement]) -> csr_matrix:
        """A row for each statement: what each of its names counts for."""
        places = [
            sorted(map(self.place.__getitem__, one.names & self.place.keys())) for one in statements
        ]
        scales = [scale(len(one)) for one in places for _ in one]
        starts = np.cumsum([0, *map(len, places)])
        columns = list(chain.from_iterable(places))
        return csr_matrix((scales, columns, starts), shape=(len(statements), len(self.all)))

    def fit(self, statements: Sequence[Statement]) -> tuple[float, dict[str, float]]:
        """The start, and the weight of each name."""
        read = [statement for statement in statements if statement.adverse is not None]
        adverse = np.array([bool(one.adverse) for one in read])
        counts = np.array([one.counts for one in read])
        counts[adverse] *= counts[~adverse].sum() / counts[adverse].sum()
        model = LogisticRegression(C=SLACK, max_iter=5000)
        model.fit(self.counted(read) @ self.matrix, adverse, sample_weight=counts)
        weights = self.matrix @ model.coef_[0]
        return float(model.intercept_[0]), dict(zip(self.all, weights.tolist(), strict=True))


def _unseen(
    statements: Sequence[Statement], examples: Sequence[Statement], names: _Names
) -> list[float]:
    """The weight of each statement by weights that have not seen its company group."""
    counted = names.counted(statements)
    total = np.array([judging.A_RULE_COUNTS * any(p for _, p in one.rules) for one in statements])
    total *= SEEDS
    families = sorted({one.pair.family for one in statements if one.pair})
    for seed in range(SEEDS):
        shuffled = np.random.RandomState(seed).permutation(families)
        fold_of = {family: place % FOLDS for place, family in enumerate(shuffled)}
        for fold in range(FOLDS):
            seen = [one for one in statements if one.pair and fold_of[one.pair.family] != fold]
            start, weights = names.fit([*seen, *examples])
            weighed = start + counted @ np.array([weights[name] for name in names.all])
            unseen = [one.pair and fold_of[one.pair.family] == fold for one in statements]
            total += np.where(unseen, weighed, 0.0)
    return [float(score) for score in total / SEEDS]


@dataclass(frozen=True, kw_only=True)
class _Weighed:
    """A pair by its weightiest statement; `held` if a rule keeps it from being cleared anyway."""

    weight: float
    flagged_at: float
    adverse: bool
    held: bool


def _pairs(statements: Sequence[Statement], scores: Sequence[float]) -> list[_Weighed]:
    of_pair: dict[str, list[tuple[Statement, float]]] = defaultdict(list)
    for one, weight in zip(statements, scores, strict=True):
        if one.pair and one.pair.counts and one.pair.label != APART:
            of_pair[one.pair.id].append((one, weight))
    return [
        _Weighed(
            weight=max(weight for _, weight in weighed),
            flagged_at=max((weight for one, weight in weighed if one.can_be_flagged), default=-inf),
            adverse=any(one.pair.label == POSITIVE for one, _ in weighed if one.pair),
            held=any(particular for one, _ in weighed for _, particular in one.rules),
        )
        for weighed in of_pair.values()
    ]


def _balanced(pairs: Sequence[_Weighed]) -> float:
    """Where as many pairs are flagged in vain as are missed: precision and recall are one."""

    def imbalance(threshold: float) -> int:
        in_vain = sum(pair.flagged_at >= threshold for pair in pairs if not pair.adverse)
        missed = sum(pair.flagged_at < threshold for pair in pairs if pair.adverse)
        return abs(in_vain - missed)

    weights = sorted(pair.flagged_at for pair in pairs if pair.flagged_at > -inf)
    fewest = min(map(imbalance, weights))
    return median(weight for weight in weights if imbalance(weight) == fewest)


def _lowest_material(pairs: Sequence[_Weighed]) -> float:
    """No adverse pair of a company group that was not seen weighed less, but those held anyway."""
    return min(pair.weight for pair in pairs if pair.adverse and not pair.held)


def _records(
    statements: Sequence[Statement], scores: Sequence[float], adverse_from: float
) -> dict[str, dict[str, int]]:
    """Per rule: of its adverse findings, how many a reader called adverse too."""
    right: Counter[str] = Counter()
    of: Counter[str] = Counter()
    for one, weight in zip(statements, scores, strict=True):
        if one.adverse is not None and weight >= adverse_from:
            particular = [name for name, is_particular in one.rules if is_particular]
            for name in particular or [name for name, _ in one.rules]:
                right[name] += one.adverse
                of[name] += 1
    return {name: {"right": right[name], "of": of[name]} for name in sorted(of)}


if __name__ == "__main__":
    sys.exit(main())
