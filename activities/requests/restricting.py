"""Restricting at the sources: the flag that each has is as the account stands (P14)."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from data_sources.source import DataSource
from database.engine import Database
from database.people.restricted import restricted_among
from database.requests import recipients, source_tasks
from database.requests.requested_rights import rights_of
from database.tables import DataSubjectRequest, SourceTask
from database.writing import held
from domain.requests.personal_data import Verb
from domain.requests.source_tasks import TaskState


def is_to_be_restricted(database: Database, task: SourceTask) -> bool:
    """Whether the account is restricted at this moment; the same source is asked again when that
    is over. Of whoever has no account nothing here ends what was granted."""
    with database.session() as session:
        account_id = session.get_one(DataSubjectRequest, task.request_id).account_id
        return account_id is None or bool(restricted_among(session, [account_id]))


def settle(
    database: Database, sources: Mapping[str, DataSource], request_id: UUID, now: datetime
) -> None:
    """Whoever was given what is restricted now hears of it."""
    with database.session() as session:
        done = [
            task
            for task in source_tasks.tasks_of(session, request_id)
            if task.verb == Verb.RESTRICT and task.state == TaskState.DONE
        ]
    if not done:
        return
    with database.transaction() as transaction:
        held(transaction, DataSubjectRequest, request_id)
        for right in rights_of(transaction, request_id):
            who = [
                one
                for task in done
                if task.right_id == right.id and task.source in sources
                for one in recipients.of_categories(
                    task.source, sources[task.source].about.categories, task.receipt or {}
                )
            ]
            recipients.note(transaction, right, who, now)
