"""The one protocol that every data source speaks, and how one fails (P11-P15)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from data_sources.data_map import Description
from domain.requests.personal_data import Correction, Exported, Located, Person, Receipt, Waits


class SourceUnavailable(Exception):
    """A source did not answer, or not in time. Nothing is lost: try again."""


class SourceWrong(Exception):
    """What a source answers, or how it is described, cannot be right: a person must look.

    Nothing of the answer was used. The message names no value, as a value may be somebody's data.
    """


class CorrectionRefused(Exception):
    """A right value does not fit where it should go. Nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One thing that is asked of a source.

    `id` is opaque, and the same when it is asked again: a source that heard it before does nothing
    twice. `now` is the instant by which retention is counted and tasks become due.
    """

    id: str
    now: datetime


class DataSource(Protocol):
    """A place with personal data. Every verb may be repeated, and takes all of its effect or none.

    Each raises SourceUnavailable and SourceWrong, and never gives a part for the whole.
    """

    @property
    def about(self) -> Description:
        """What the data map says of it."""

    def locate(self, person: Person, call: Call) -> Located | Waits:
        """Whether and what kind of data it holds (P10)."""

    def export(self, person: Person, call: Call) -> Exported | Waits:
        """Every value it holds (P11)."""

    def correct(
        self, person: Person, corrections: Sequence[Correction], call: Call
    ) -> Receipt | Waits:
        """Put right what is wrong (P12). Raises CorrectionRefused."""

    def restrict(self, person: Person, call: Call, *, restricted: bool = True) -> Receipt | Waits:
        """Set the flag by which other systems leave the data alone, or lift it (P14)."""

    def erase(self, person: Person, call: Call) -> Receipt | Waits:
        """Erase what need not be kept (P13)."""

    def suppress(self, person: Person, call: Call) -> Receipt | Waits:
        """Stop marketing (P15, P17)."""
