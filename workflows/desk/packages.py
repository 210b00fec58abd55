"""Copies of people's data: redacted and released by staff, fetched by the person (P11, P16)."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from database.requests import packages
from database.requests.packages import PartOfCopy
from database.requests.requests import request_by_reference
from database.storage import FileUnusable
from database.tables import DataSubjectRequest
from domain.requests.collected import Collected, collected_from
from workflows.desk.mail import Mail
from workflows.desk.part import refusing, require_showable
from workflows.messenger import Refused


class Packages(Mail):
    """Where copies are looked through, let go and handed over."""

    def collected(self, parts: Sequence[PartOfCopy]) -> Sequence[Collected]:
        """What is in the parts of a copy that are still there. Raises Refused."""
        files = [part.file for part in parts if part.file]
        try:
            read = {file: collected_from(self._storage.read(file)) for file in {*files}}
        except FileUnusable as fault:
            raise Refused(str(fault)) from None
        return [read[file] for file in files]

    def redact(
        self, reference: str, task_id: UUID, staff_id: UUID, words: Mapping[int, str]
    ) -> None:
        """Say what is given away of values that may tell of others. Raises Refused."""
        require_showable(*words.values())
        made: list[str] = []

        def changed(file: str) -> str:
            try:
                new = collected_from(self._storage.read(file)).redacted(words)
            except (FileUnusable, ValueError) as fault:
                raise Refused(str(fault)) from None
            made.append(self._storage.keep(new.to_bytes()))
            return made[0]

        with (
            self._storage.until_known(made),
            self._on_request(reference, staff_id) as (transaction, request),
        ):
            old = packages.redact(
                transaction, request, task_id, changed, staff_id=staff_id, now=self.clock.now()
            )
        self._storage.delete(old)

    def put_forward(self, reference: str, seen: str, staff_id: UUID) -> None:
        """Put a copy that one has looked through before a second person. Raises Refused."""
        with self.database.session() as session, refusing():
            request = request_by_reference(session, reference)
            collected = self.collected(packages.parts_of(session, request.id))
        with self._on_request(reference, staff_id) as (transaction, request):
            packages.put_forward(
                transaction, request, collected, seen, staff_id=staff_id, now=self.clock.now()
            )

    def release_copy(self, reference: str, seen: str, staff_id: UUID) -> None:
        """Let a copy go that somebody else put forward. Raises Refused."""
        with self._on_request(reference, staff_id) as (transaction, request):
            packages.release(transaction, request, seen, staff_id=staff_id, now=self.clock.now())

    def send_copy_code(self, request_id: UUID) -> bool:
        """Send a code to the address on file, with which the copy is fetched; False when there
        were too many."""
        with self.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, request_id)
            link = packages.copy_link(transaction, request_id)
            mail = (
                packages.new_copy_code(transaction, request, link, self.clock.now())
                if link
                else None
            )
        if mail is not None:
            self.send(mail)
        return mail is not None

    def try_copy_code(self, request_id: UUID, opens: Callable[[bytes], bool]) -> bool:
        """Whether a code that somebody typed opens the copy; `opens` knows the code."""
        with self.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, request_id)
            return packages.try_copy_code(transaction, request, opens, self.clock.now())

    def note_fetched(self, request_id: UUID) -> None:
        """The whole copy was transferred."""
        with self.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, request_id)
            packages.note_fetched(transaction, request, self.clock.now())
