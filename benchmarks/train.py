"""Learns the weights of the materiality engine from labelled changes, and writes `weights.json`.

    python -m benchmarks.train --data DIR [--part tune]

Learned from: the statements of `DIR` (see `benchmarks/materiality.py`), each as a reader judged it
(`statements/readings.tsv`, by hash; the texts stay in `DIR`), and `statements/examples.jsonl`,
statements in our own words. Thresholds and the records of the rules come from scores of company
groups that the weights had not seen. The same input gives the same file.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.progress import track
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.materiality import APART, POSITIVE, Pair, asking_for_pairs, chosen_pairs, stands_in
from domain.clauses import Clause, ClauseKind, clause_id
from domain.materiality import judging
from domain.materiality.assessment import Direction
from domain.materiality.engine import comparisons
from domain.materiality.harmless import shown_harmless
from domain.materiality.rules import Comparison, Version
from domain.materiality.weighing import scale

STATEMENTS = Path(__file__).with_name("statements")
WEIGHTS = Path(__file__).parents[1] / "domain" / "materiality" / "weights.json"
SEEDS = 3
FOLDS = 5
SLACK = 1.0  # the inverse of the penalty on large weights
AS_GOOD = 0.01  # in F1
RAREST = 3  # company groups, or examples, that a name must occur in
MOST = 4_000  # names that are kept
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
    learned = _learn(statements, examples)
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
    return Statement(
        names=judging.names_of(comparison, raised),
        rules=tuple(
            (name, judging.is_particular((name, found)))
            for name, found in raised
            if found.direction is Direction.ADVERSE
        ),
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
        yield Statement(
            names=frozenset(n for n in statement.names if not n.startswith(WHOLE_VERSION)),
            rules=statement.rules,
            pair=None,
            adverse=statement.adverse,
            counts=counts * EXAMPLE_COUNTS,
        )


def _clauses(text: str | None, stem: str) -> tuple[Clause, ...]:
    if not text:
        return ()
    kind = ClauseKind.ITEM if stem else ClauseKind.PARAGRAPH
    return (Clause(id=clause_id(text), path=(), kind=kind, stem=stem, text=text, lines=(1, 1)),)


def _learn(statements: Sequence[Statement], examples: Sequence[Statement]) -> dict[str, Any]:
    known = _known(statements, examples)
    start, weights = _fit([*statements, *examples], known)
    kept = {
        name: round(weight, 3)
        for name, weight in sorted(weights.items(), key=lambda item: (-abs(item[1]), item[0]))
    }
    scores = _unseen(statements, examples, known)
    pairs = _pairs(statements, scores)
    adverse_from = _best_f1(pairs)
    return {
        "start": round(start, 3),
        "adverse_from": round(adverse_from, 2),
        "harmless_below": round(_lowest_material(pairs), 2),
        "records": _records(statements, scores, adverse_from),
        "weights": dict(sorted(kept.items())),
    }


def _known(statements: Sequence[Statement], examples: Sequence[Statement]) -> frozenset[str]:
    """The names that several company groups or examples have; the most common of them."""
    spread: dict[str, set[object]] = defaultdict(set)
    for place, statement in enumerate((*statements, *examples)):
        where = statement.pair.family if statement.pair else place
        for name in statement.names:
            spread[name].add(where)
    common = Counter({name: len(where) for name, where in spread.items() if len(where) >= RAREST})
    ordered = sorted(common, key=lambda name: (-common[name], name))
    return frozenset(ordered[:MOST])


def _fit(statements: Sequence[Statement], known: frozenset[str]) -> tuple[float, dict[str, float]]:
    read = [statement for statement in statements if statement.adverse is not None]
    vectorizer = DictVectorizer()
    features = vectorizer.fit_transform([_features(one, known) for one in read])
    adverse = np.array([bool(one.adverse) for one in read])
    counts = np.array([one.counts for one in read])
    counts[adverse] *= counts[~adverse].sum() / counts[adverse].sum()
    model = LogisticRegression(C=SLACK, max_iter=5000)
    model.fit(features, adverse, sample_weight=counts)
    names = vectorizer.get_feature_names_out()
    return float(model.intercept_[0]), dict(zip(names, model.coef_[0].tolist(), strict=True))


def _features(statement: Statement, known: frozenset[str]) -> dict[str, float]:
    names = statement.names & known
    return dict.fromkeys(sorted(names), scale(len(names)))


def _unseen(
    statements: Sequence[Statement], examples: Sequence[Statement], known: frozenset[str]
) -> list[float]:
    """The weight of each statement by weights that have not seen its company group."""
    total = np.zeros(len(statements))
    families = sorted({one.pair.family for one in statements if one.pair})
    for seed in range(SEEDS):
        shuffled = np.random.RandomState(seed).permutation(families)
        fold_of = {family: place % FOLDS for place, family in enumerate(shuffled)}
        for fold in range(FOLDS):
            seen = [one for one in statements if one.pair and fold_of[one.pair.family] != fold]
            start, weights = _fit([*seen, *examples], known)
            for place, one in enumerate(statements):
                if one.pair and fold_of[one.pair.family] == fold:
                    features = _features(one, known)
                    score = start + sum(weights.get(n, 0.0) * v for n, v in features.items())
                    particular = any(is_particular for _, is_particular in one.rules)
                    total[place] += score + judging.A_RULE_COUNTS * particular
    return [float(score) for score in total / SEEDS]


@dataclass(frozen=True, kw_only=True)
class _Weighed:
    """A pair by its weightiest statement; `held` if a rule keeps it from being cleared anyway."""

    weight: float
    adverse: bool
    held: bool


def _pairs(statements: Sequence[Statement], scores: Sequence[float]) -> list[_Weighed]:
    weighed: dict[str, _Weighed] = {}
    for one, weight in zip(statements, scores, strict=True):
        if one.pair and one.pair.counts and one.pair.label != APART:
            known = weighed.get(one.pair.id)
            held = any(particular for _, particular in one.rules)
            weighed[one.pair.id] = _Weighed(
                weight=max(weight, known.weight) if known else weight,
                adverse=one.pair.label == POSITIVE,
                held=held or bool(known and known.held),
            )
    return list(weighed.values())


def _best_f1(pairs: Sequence[_Weighed]) -> float:
    """The middle of the thresholds that are as good as the best; the best itself is partly luck."""
    positives = sum(pair.adverse for pair in pairs)

    def f1(threshold: float) -> float:
        flagged = [pair.adverse for pair in pairs if pair.weight >= threshold]
        return 2 * sum(flagged) / (len(flagged) + positives)

    scored = {pair.weight: f1(pair.weight) for pair in pairs}
    best = max(scored.values())
    return median(weight for weight, value in scored.items() if value >= best - AS_GOOD)


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
