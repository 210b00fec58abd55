"""People as a data source: what no machine reaches is done by somebody of staff, and waited for.

Who it is about, what to do and until when stands on the page of what is asked; there it is handed
in (`by_hand.py`), and that settles it: a source of people is not asked for it again.
"""

from collections.abc import Sequence

from data_sources.data_map import ManualDescription
from data_sources.source import Call
from domain.requests.personal_data import Correction, Person, Verb, Waits


class ManualSource:
    """Each verb waits for somebody to do it."""

    def __init__(self, about: ManualDescription) -> None:
        self.about = about

    def locate(self, _person: Person, _call: Call) -> Waits:
        """Have somebody look."""
        return self._waits(Verb.LOCATE)

    def export(self, _person: Person, _call: Call) -> Waits:
        """Have somebody copy."""
        return self._waits(Verb.EXPORT)

    def correct(self, _person: Person, _corrections: Sequence[Correction], _call: Call) -> Waits:
        """Have somebody correct."""
        return self._waits(Verb.CORRECT)

    def restrict(self, _person: Person, _call: Call, *, restricted: bool = True) -> Waits:  # noqa: ARG002 - as asked of every source
        """Have somebody put a restriction on, or lift it."""
        return self._waits(Verb.RESTRICT)

    def erase(self, _person: Person, _call: Call) -> Waits:
        """Have somebody destroy it."""
        return self._waits(Verb.ERASE)

    def suppress(self, _person: Person, _call: Call) -> Waits:
        """Have somebody stop marketing."""
        return self._waits(Verb.SUPPRESS)

    def _waits(self, verb: Verb) -> Waits:
        return Waits(source=self.about.name, verb=verb)
