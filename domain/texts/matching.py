"""Where two sequences agree, in order: exact while that is affordable, bounded beyond."""

from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher

from rapidfuzz.distance import LCSseq

# The exact answer needs a bit for each pair of items; beyond 50 MB a good answer has to do.
LARGEST_TABLE = 400_000_000


def common_runs(
    before: Sequence[Hashable], after: Sequence[Hashable]
) -> list[tuple[int, int, int]]:
    """Runs that both sequences share: start in `before`, start in `after`, length, in order."""
    number: dict[Hashable, int] = {}
    keys = [[number.setdefault(item, len(number)) for item in side] for side in (before, after)]
    if len(before) * len(after) > LARGEST_TABLE:
        blocks = SequenceMatcher(isjunk=None, a=keys[0], b=keys[1]).get_matching_blocks()
        return [(block.a, block.b, block.size) for block in blocks if block.size]
    found = LCSseq.opcodes(*keys).as_matching_blocks()
    return [(block.a, block.b, block.size) for block in found if block.size]
