"""Correcting at the sources: what each is to put right, and the answer once all have (P12)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from data_sources.source import DataSource
from database.engine import Database
from database.requests import data_corrections, recipients
from database.requests.answering import correction_is_done
from database.requests.data_corrections import claims_of
from database.requests.requested_rights import rights_of
from database.tables import DataSubjectRequest, RequestedRight, SourceTask
from database.writing import held
from domain.requests.data_subject_requests import Kind
from domain.requests.personal_data import Correction


def to_be_corrected(database: Database, task: SourceTask) -> Sequence[Correction]:
    """What a source is to put right for a right."""
    with database.session() as session:
        return data_corrections.of_source(session, task.right_id, task.source)


def settle(
    database: Database, sources: Mapping[str, DataSource], request_id: UUID, now: datetime
) -> None:
    """When every source has put right what was to be: whoever was given it hears so, and the answer
    goes out."""
    with database.session() as session:
        request = session.get_one(DataSubjectRequest, request_id)
        if data_corrections.done_at(session, request) is None:
            return
        decided = [one for one in rights_of(session, request_id) if one.kind == Kind.CORRECTION]
    with database.transaction() as transaction:
        request = held(transaction, DataSubjectRequest, request_id)
        if data_corrections.done_at(transaction, request) is None:
            return  # somebody else was quicker, or it is disputed by now
        for right in decided:
            row = transaction.get_one(RequestedRight, right.id)
            who = [
                recipients.Recipient(name=name, source=claim.source)
                for claim in claims_of(transaction, right.id)
                if claim.credible and claim.source in sources
                for use in sources[claim.source].about.categories.get(claim.category, ())
                for name in use.recipients
            ]
            recipients.note(transaction, row, who, now)
            correction_is_done(transaction, request, row, now)
