"""What data sources are asked for requests, where people have a say in it (P10-P17)."""

from uuid import UUID

from data_sources.by_hand import Typed, TypedWrong, counted, records, retained
from data_sources.data_map import Description, ManualDescription
from data_sources.map_file import DataMapRefused, read_data_map
from database.requests import source_tasks
from database.requests.asked_tasks import ByHand
from database.requests.manual_tasks import doers
from database.requests.requests import request_by_reference
from database.tables import SourceTask
from domain.requests.collected import Collected
from domain.requests.personal_data import Verb
from domain.requests.source_tasks import exported_receipt, kept_entries
from workflows.desk.part import DeskPart, require_showable
from workflows.messenger import Refused


class Sources(DeskPart):
    """Where the privacy team helps along what a data source did not do by itself."""

    def ask_again(self, reference: str, task_id: UUID, staff_id: UUID) -> None:
        """Have a data source asked now, whatever it said before. Raises Refused."""
        with self._on_request(reference, staff_id) as (transaction, request):
            source_tasks.ask_again(
                transaction, request, task_id, staff_id=staff_id, now=self.clock.now()
            )
        self._wake(request.id)

    def give_up(self, reference: str, task_id: UUID, staff_id: UUID, *, reason: str) -> None:
        """Say that something cannot be had from a source, and why: the answer is a partial one.
        Raises Refused."""
        require_showable(reason)
        with self._on_request(reference, staff_id) as (transaction, request):
            source_tasks.give_up(
                transaction,
                request,
                task_id,
                reason=reason,
                staff_id=staff_id,
                now=self.clock.now(),
            )
        self._wake(request.id)

    def described_sources(self) -> dict[str, Description]:
        """What the data map says of each source, by name. Raises Refused."""
        if self._data_map is None:
            return {}
        try:
            sources = read_data_map(self._data_map).sources
        except DataMapRefused as fault:
            raise Refused(str(fault)) from None
        return {one.name: one for one in sources}

    def title_of(self, source: str) -> str:
        """How people call a data source; its name where the data map cannot be read, or knows it no
        more."""
        try:
            about = self.described_sources().get(source)
        except Refused:
            return source
        return about.title if about else source

    def hand_in(self, reference: str, task_id: UUID, staff_id: UUID, typed: Typed) -> None:
        """Hand in what came of something that one did by hand: somebody of privacy, or who holds
        the role that it is given to. Raises Refused."""
        require_showable(typed.evidence, *typed.entries.values())
        with self.database.session() as session:
            task = session.get(SourceTask, task_id)
        about = self.described_sources().get(task.source) if task else None
        if task is None or about is None:
            raise Refused("The data map has no such source. Nothing was changed.")
        try:
            done = self._by_hand(about, Verb(task.verb), typed)
        except TypedWrong as wrong:
            raise Refused(f"{wrong} Nothing was changed.") from None
        with (
            self._storage.until_known([done.file]),
            self._acting(staff_id, *doers(task)) as transaction,
        ):
            request = request_by_reference(transaction, reference)
            source_tasks.hand_in(
                transaction, request, task_id, done, staff_id=staff_id, now=self.clock.now()
            )
        self._wake(request.id)

    def _by_hand(self, about: Description, verb: Verb, typed: Typed) -> ByHand:
        """What was typed, as the source's receipt; the values are kept encrypted. Of a source that
        is asked by machine a restriction alone is done by hand, where it has no flag for it."""
        if not isinstance(about, ManualDescription) and verb is not Verb.RESTRICT:
            raise TypedWrong("This source is asked by machine.")
        if verb is Verb.LOCATE:
            uses = about.categories
            held = [
                {**one, "uses": [vars(use) for use in uses[str(one["category"])]]}
                for one in counted(about, typed)
            ]
            receipt: dict[str, object] = {
                "held": held,
                "doubtful": 0,
                "title": about.title,
                "controller": about.controller,
            }
            return ByHand(receipt=receipt, evidence=typed.evidence)
        if verb is Verb.EXPORT:
            found = records(about, typed)
            collected = Collected(
                source=about.name, title=about.title, uses=about.categories, records=found
            )
            receipt = exported_receipt(tuple(about.categories), found, 0)
            file = self._storage.keep(collected.to_bytes())
            return ByHand(receipt=receipt, evidence=typed.evidence, file=file)
        kept = retained(about, typed) if verb is Verb.ERASE else ()
        receipt = {"done": counted(about, typed), "retained": kept_entries(kept), "failed": []}
        return ByHand(receipt=receipt, evidence=typed.evidence)
