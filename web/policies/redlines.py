"""Redlines for pages: long runs of unchanged clauses folded away."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from domain.texts.alignment import ChangeKind
from domain.texts.redline import RedlineBlock, document_redline

FOLDED_FROM = 3


@dataclass(frozen=True, kw_only=True)
class Passage:
    """Neighbouring clauses of a redline; `folded` when nothing happens in them for long."""

    folded: bool
    blocks: Sequence[RedlineBlock]


@lru_cache(maxsize=32)
def passages(before: str, after: str) -> tuple[Passage, ...]:
    """The redline of two texts, as passages to be read one after the other."""
    grouped = groupby(document_redline(before, after), key=_untouched)
    found = []
    for untouched, group in grouped:
        blocks = tuple(group)
        found.append(Passage(folded=untouched and len(blocks) >= FOLDED_FROM, blocks=blocks))
    return tuple(found)


def _untouched(block: RedlineBlock) -> bool:
    return block.kind is ChangeKind.UNCHANGED and not block.moved
