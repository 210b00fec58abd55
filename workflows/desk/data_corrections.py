"""What people say is wrong in their data, noted and judged by the privacy team (P12)."""

from collections.abc import Sequence
from uuid import UUID

from data_sources.map_file import DataMapRefused, read_data_map
from database.requests import data_corrections
from domain.requests.data_corrections import Claim
from domain.requests.personal_data import OWN_SOURCE, DataRole
from workflows.desk.part import DeskPart, require_showable
from workflows.messenger import Refused

Place = tuple[str, str, str]
"""A source, a category and a field of the data map."""


class DataCorrections(DeskPart):
    """Where the privacy team notes which value is wrong, what shows it, and what is right."""

    def note_claim(self, reference: str, staff_id: UUID, claim: Claim) -> None:
        """Note a value that is said to be wrong, and whether that is credible. Raises Refused."""
        require_showable(claim.before, claim.after, claim.evidence, claim.why)
        if (claim.source, claim.category, claim.field) not in self.correctable():
            raise Refused("Choose from the list what is wrong. Nothing was noted.")
        with self._on_request(reference, staff_id) as (transaction, request):
            data_corrections.note(
                transaction, request, claim, staff_id=staff_id, now=self.clock.now()
            )

    def take_claim_back(self, reference: str, claim_id: UUID, staff_id: UUID) -> None:
        """What was noted was wrong itself. Raises Refused."""
        with self._on_request(reference, staff_id) as (transaction, request):
            data_corrections.take_back(
                transaction, request, claim_id, staff_id=staff_id, now=self.clock.now()
            )

    def correctable(self) -> Sequence[Place]:
        """What can be put right at the sources, as the data map has it: what we hold for ourselves,
        and not the engine's own account, which the company's next list puts right. Raises Refused
        where the map cannot be read."""
        if self._data_map is None:
            return ()
        try:
            sources = read_data_map(self._data_map).sources
        except DataMapRefused as refusal:
            raise Refused(str(refusal)) from None
        return [
            (source.name, one.category, one.field)
            for source in sources
            if source.role is DataRole.CONTROLLER and source.name != OWN_SOURCE
            for one in source.described()
        ]
