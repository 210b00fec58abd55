"""How long the engine takes for policies of 50 to 400 kB, and for texts that are made to hurt it.

A regular policy is made of the sentences in our own words that the weights learn from: sections of
eight, every twentieth another one in the later version.
"""

import json
import resource
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from time import perf_counter

from domain.materiality import assess

EXAMPLES = Path(__file__).with_name("statements") / "examples.jsonl"
SIZES_KB = (50, 100, 200, 400)
AGAIN = 10
SECTION = 8
CHANGED = 20
ITEMS = 50_000


def measure() -> dict[str, float]:
    """Seconds for each size and each text, and whether memory stays when it goes on."""
    sentences = _sentences()
    policies = {size: _policy(sentences, size) for size in SIZES_KB}
    assess("# Privacy\n\nWe keep it.", "# Privacy\n\nWe sell it.")
    figures = {
        f"regular_{size}_kb_seconds": _seconds(*versions) for size, versions in policies.items()
    }
    figures["memory_after_400_kb_mb"] = _memory()
    for number in range(AGAIN):
        assess(*_policy(Random(number).sample(sentences, len(sentences)), SIZES_KB[0]))
    figures["memory_after_ten_others_mb"] = _memory()
    return figures | {
        f"{name}_hostile_seconds": _seconds(*versions) for name, versions in _hostile()
    }


def _sentences() -> list[str]:
    lines = map(json.loads, EXAMPLES.read_text(encoding="utf-8").splitlines())
    return [line["new"] or line["old"] for line in lines]


def _policy(sentences: Sequence[str], kilobytes: int) -> tuple[str, str]:
    """Two versions, each of about that size."""
    old: list[str] = []
    length = 0
    rest = iter(sentences)
    while length < kilobytes * 1000:
        old.append(next(rest))
        length += len(old[-1]) + 2
    new = [next(rest) if place % CHANGED == 0 else one for place, one in enumerate(old)]
    return _in_sections(old), _in_sections(new)


def _in_sections(sentences: Sequence[str]) -> str:
    parts = [sentences[start : start + SECTION] for start in range(0, len(sentences), SECTION)]
    return "\n\n".join(
        "\n\n".join((f"## Section {number}", *part)) for number, part in enumerate(parts, start=1)
    )


def _hostile() -> Iterator[tuple[str, tuple[str, str]]]:
    items = [f"- item {number} is kept for {number} days" for number in range(ITEMS)]
    others = [f"- thing {number} goes to partner {number}" for number in range(ITEMS // 10)]
    changed = [*items[:-1], "- item 1 is sold to advertisers"]
    line = "We keep your name and address. " * 32_000
    yield "one_line_of_1_mb", (line, f"{line}We sell them.")
    yield "brackets_20000", ("[" * 20_000, "[" * 20_000 + "We sell your data.")
    yield "quotes_in_quotes_5000", (">" * 5_000 + " kept", ">" * 5_000 + " sold")
    yield "items_50000_one_changed", ("\n".join(items), "\n".join(changed))
    yield "items_50000_against_5000_others", ("\n".join(items), "\n".join(others))


def _seconds(old: str, new: str) -> float:
    begun = perf_counter()
    assess(old, new)
    return perf_counter() - begun


def _memory() -> float:
    """The most this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
