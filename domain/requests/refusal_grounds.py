"""Which ground may be used against which right under which law (P20), by `refusal_grounds.toml`."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, TypeVar

from domain.requests.data_subject_requests import Ground, Kind

Word = TypeVar("Word", bound=StrEnum)
EVERY = "every"
_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_WHERE_THERE_IS_NONE = frozenset(_TABLE["laws_where_there_is_none"])


@dataclass(frozen=True, kw_only=True)
class Bar:
    """Grounds that may not be used against some rights, and where that is written.

    `laws` are regimes; None stands for every one.
    """

    laws: frozenset[str] | None
    rights: frozenset[Kind]
    grounds: frozenset[Ground]
    citation: str

    def holds(self, regime: str | None) -> bool:
        """Whether it holds under a regime; where there is none, under the strictest ones."""
        regimes = _WHERE_THERE_IS_NONE if regime is None else {regime}
        return self.laws is None or not self.laws.isdisjoint(regimes)


def bar_against(regime: str | None, kind: Kind, ground: Ground) -> Bar | None:
    """Why a ground may not be used against a right; None when it may (P20)."""
    barred = (bar for bar in BARS if kind in bar.rights and ground in bar.grounds)
    return next((bar for bar in barred if bar.holds(regime)), None)


def usable_grounds(regime: str | None, kind: Kind) -> tuple[Ground, ...]:
    """The grounds that may be used against a right (P20)."""
    return tuple(ground for ground in Ground if bar_against(regime, kind, ground) is None)


def _words(named: Literal["every"] | Iterable[str], words: type[Word]) -> frozenset[Word]:
    return frozenset(words if named == EVERY else map(words, named))


BARS = tuple(
    Bar(
        laws=None if bar["laws"] == EVERY else frozenset(bar["laws"]),
        rights=_words(bar["rights"], Kind),
        grounds=_words(bar["grounds"], Ground),
        citation=bar["citation"],
    )
    for bar in _TABLE["bars"]
)
