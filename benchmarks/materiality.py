"""The materiality engine against labelled changes of real policies.

    python -m benchmarks.materiality --data DIR [--format json] [--part tune|test]

`DIR` holds `labels.jsonl` and `pairs/<id>/{before,after}.md`. Strict scoring: positive is
`adverse_material`, negative `none`, `neutral` and `favourable`; `adverse_minor` is told apart;
left out are labels of confidence 1 and artifacts of the capture.
"""

import argparse
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import sqrt
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from domain.materiality import Assessment, Direction, assess

POSITIVE = "adverse_material"
APART = "adverse_minor"
RESAMPLES = 1_000
SHORTEST_QUOTE = 4  # letters; what is shorter stands everywhere
PARTS = ("tune", "test")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two texts with what a reader said of their difference."""

    id: str
    label: str
    categories: tuple[str, ...]
    quote: str
    family: str
    counts: bool
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the engine said of a pair."""

    pair: Pair
    flagged: bool
    reviewed: bool
    quoted: bool
    milliseconds: float

    @property
    def shown(self) -> bool:
        """Whether a person has to look at it."""
        return self.flagged or self.reviewed


def load(directory: Path) -> tuple[Pair, ...]:
    """Read a labelled folder. Raises OSError, or KeyError for a label without its fields."""
    labels = (directory / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(_pair(directory, json.loads(line)) for line in labels if line.strip())


def _pair(directory: Path, label: Mapping[str, Any]) -> Pair:
    texts = {
        side: (directory / "pairs" / label["id"] / f"{side}.md").read_text(encoding="utf-8")
        for side in ("before", "after")
    }
    return Pair(
        id=label["id"],
        label=label["label"],
        categories=tuple(label["categories"]),
        quote=label["quote"],
        family=label["family"],
        counts=label["confidence"] > 1 and not label["artifact"],
        **texts,
    )


def part_of(family: str) -> str:
    """`tune` or `test`: a third of the company groups is kept for testing, whole groups only."""
    return PARTS[sha256(family.encode()).digest()[0] % 3 == 0]


def answer(pair: Pair) -> Answer:
    """Let the engine assess a pair, and time it."""
    started = time.perf_counter()
    assessment = assess(pair.before, pair.after)
    milliseconds = (time.perf_counter() - started) * 1000
    return Answer(
        pair=pair,
        flagged=assessment.material_adverse,
        reviewed=assessment.needs_review,
        quoted=_shows(assessment, pair.quote),
        milliseconds=milliseconds,
    )


def _shows(assessment: Assessment, quote: str) -> bool:
    """Whether a quote stands in a finding that legal has to read."""
    return stands_in(
        quote,
        [
            text
            for finding in assessment.findings
            if finding.direction in (Direction.ADVERSE, Direction.UNCLEAR)
            for text in (finding.before, finding.after)
            if text
        ],
    )


def stands_in(quote: str, texts: Iterable[str]) -> bool:
    """Whether a part of a quote, which is cut at its ellipses, stands in one of the texts."""
    parts = [_letters(part) for part in re.split(r"\.\.\.|\u2026", quote)]
    shown = [_letters(text) for text in texts]
    return any(part in text for part in parts if len(part) >= SHORTEST_QUOTE for text in shown)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def score(answers: Sequence[Answer]) -> dict[str, Any]:
    """The figures of the issue: shares with 95 % intervals (Wilson), per label and category."""
    strict = [one for one in answers if one.pair.counts]
    positives = [one for one in strict if one.pair.label == POSITIVE]
    negatives = [one for one in strict if one.pair.label not in (POSITIVE, APART)]
    judged = [*positives, *negatives]
    cleared = [one for one in judged if not one.shown]
    precision = _share(positives, [one for one in judged if one.flagged], flagged=True)
    recall = _rate(one.flagged for one in positives)
    return {
        "pairs": len(answers),
        "positives": len(positives),
        "negatives": len(negatives),
        "flagged": {
            "precision": precision,
            "recall": recall,
            "f1": _f1(judged),
        },
        "flagged_or_review": {
            "precision": _share(positives, [one for one in judged if one.shown]),
            "recall": _rate(one.shown for one in positives),
        },
        "cleared": {
            "of_harmless": _rate(not one.shown for one in negatives),
            "pairs": len(cleared),
            "wrongly": _rate(one.pair.label == POSITIVE for one in cleared),
            "material": sorted(one.pair.id for one in cleared if one.pair.label == POSITIVE),
        },
        "quote_shown": _rate(one.quoted for one in positives),
        "milliseconds": times([one.milliseconds for one in answers]),
        "by_label": _by_label(strict),
        "by_category": _by_category(positives),
    }


def _share(
    positives: Sequence[Answer], chosen: Sequence[Answer], *, flagged: bool = False
) -> dict[str, Any]:
    right = sum(one.flagged if flagged else one.shown for one in positives)
    return _interval(right, len(chosen))


def _rate(told: Iterable[bool]) -> dict[str, Any]:
    values = list(told)
    return _interval(sum(values), len(values))


def _interval(right: int, of: int) -> dict[str, Any]:
    """A share with its 95 % interval after Wilson (1927)."""
    if not of:
        return {"value": None, "right": 0, "of": 0, "low": None, "high": None}
    z, share = 1.959964, right / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return {
        "value": round(share, 3),
        "right": right,
        "of": of,
        "low": round(middle - half, 3),
        "high": round(middle + half, 3),
    }


def _f1(judged: Sequence[Answer]) -> dict[str, Any]:
    """F1 with its 95 % interval: what it is for as many pairs drawn from these again and again."""
    drawing = Random(0)
    told = [(one.pair.label == POSITIVE, one.flagged) for one in judged]
    again = sorted(
        _f1_of(drawing.choices(told, k=len(told))) for _ in range(RESAMPLES if told else 0)
    )
    low, high = (again[int(share * len(again))] if again else None for share in (0.025, 0.975))
    return {"value": _f1_of(told) if told else None, "low": low, "high": high}


def _f1_of(told: Sequence[tuple[bool, bool]]) -> float:
    both = sum(positive and flagged for positive, flagged in told)
    either = sum(positive + flagged for positive, flagged in told)
    return round(2 * both / either, 3) if either else 0.0


def times(milliseconds: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and longest."""
    ordered = sorted(milliseconds)
    p95 = quantiles(ordered, n=20)[-1] if len(ordered) > 1 else ordered[0]
    return {
        "median": round(median(ordered), 1),
        "p95": round(p95, 1),
        "longest": round(ordered[-1], 1),
    }


def _by_label(answers: Iterable[Answer]) -> dict[str, dict[str, Any]]:
    """For each label how the engine answered; an answer is the most that it says."""
    found: defaultdict[str, list[Answer]] = defaultdict(list)
    for one in answers:
        found[one.pair.label].append(one)
    return {
        label: {
            "flagged": _rate(one.flagged for one in those),
            "review": _rate(one.reviewed and not one.flagged for one in those),
            "cleared": _rate(not one.shown for one in those),
        }
        for label, those in sorted(found.items())
    }


def _by_category(positives: Iterable[Answer]) -> dict[str, dict[str, Any]]:
    """For each kind of material adverse change how often it was found."""
    found: defaultdict[str, list[Answer]] = defaultdict(list)
    for one in positives:
        for category in one.pair.categories:
            found[category].append(one)
    return {
        category: {
            "flagged": _rate(one.flagged for one in those),
            "flagged_or_review": _rate(one.shown for one in those),
            "quote_shown": _rate(one.quoted for one in those),
        }
        for category, those in sorted(found.items())
    }


def _print(figures: Mapping[str, Any]) -> None:
    table = Table("figure", "value", "95 %", "right of")
    for name, value in _flat(figures):
        share = value if isinstance(value, dict) else {"value": value}
        table.add_row(
            name.replace("_", " "),
            str(share["value"]),
            f"{share['low']} to {share['high']}" if "low" in share else "",
            f"{share['right']} of {share['of']}" if "of" in share else "",
        )
    Console().print(table)


def _flat(group: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every figure with its whole name."""
    for name, value in group.items():
        whole = f"{above} {name}".strip()
        if isinstance(value, dict) and "value" not in value:
            yield from _flat(value, whole)
        else:
            yield whole, value


def asking_for_pairs(description: str) -> argparse.ArgumentParser:
    """A command line that says which labelled pairs are meant, for `chosen_pairs`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--part", choices=PARTS, help="only these company groups")
    return parser


def chosen_pairs(chosen: argparse.Namespace) -> tuple[Pair, ...]:
    """The pairs that were asked for; ends the program in words when the data is not there."""
    try:
        pairs = load(chosen.data)
    except OSError as error:
        sys.stderr.write(f"{chosen.data}: {error.strerror}. Give a folder with labels.jsonl.\n")
        raise SystemExit(2) from error
    return tuple(pair for pair in pairs if chosen.part in (None, part_of(pair.family)))


def main() -> int:
    """Measure and print; ends with 2 when there is no such data."""
    parser = asking_for_pairs("The materiality engine on labelled changes.")
    parser.add_argument("--format", choices=("json", "text"), default="text")
    chosen = parser.parse_args()
    figures = score([answer(pair) for pair in chosen_pairs(chosen)])
    if chosen.format == "json":
        sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    else:
        _print(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
