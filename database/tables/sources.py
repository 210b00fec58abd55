"""What data sources are asked for requests, and what they gave."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from database.ids import new_id


class AskedOfSource(SQLModel):
    """What a data source is asked, how far that is, and what it said.

    `state`: `source_tasks.TaskState`. `receipt`: what the source did or has, in counts and
    in the words of the data map, no personal data. `answers`: how many came that could not be
    right; what is asked after one is another call. `file`: where the values are kept, encrypted,
    that it gave. `problem`: why it is not done, in words that name no value. `due_on`: by when
    somebody who holds `assigned_role` is to do what no machine can, who hears of it again at
    `next_try_at`; `evidence` is how they did it.
    """

    id: UUID = Field(default_factory=new_id, primary_key=True)
    source: str
    state: str = "waiting"
    attempts: int = 0
    answers: int = 0
    next_try_at: datetime | None = None
    receipt: dict[str, object] | None = Field(default=None, sa_type=JSON)
    file: str | None = None
    problem: str = ""
    due_on: date | None = None
    assigned_role: str | None = None
    evidence: str = ""
    done_by: UUID | None = Field(default=None, foreign_key="staff.id")
    created_at: datetime
    settled_at: datetime | None = None

    @property
    def call_id(self) -> str:
        """By which a source knows that it is asked again, as its answer may have been lost."""
        return f"{self.id}/{self.answers}" if self.answers else str(self.id)


class SourceTask(AskedOfSource, table=True):
    """One thing that one data source is asked for one right (P10-P17).

    `round` counts from 1, and one more each time it is asked anew after it was settled.
    """

    __tablename__ = "source_task"
    __table_args__ = (
        UniqueConstraint("right_id", "source", "verb", "round"),
        Index("source_task_of_request", "request_id", "state"),
        Index("source_task_next", "state", "next_try_at"),
    )

    request_id: UUID = Field(foreign_key="data_subject_request.id")
    right_id: UUID = Field(foreign_key="requested_right.id")
    verb: str
    round: int = 1


class Package(SQLModel, table=True):
    """The copies that a request asks for, as two of staff let them go (P11, P16).

    What is in them is in the files of its `source_task`s. `seen`: the hash of which files those
    were that somebody looked through and put forward; with others it has to be done again.
    `fetched_at`: when the first transfer came to its end.
    """

    __tablename__ = "package"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(foreign_key="data_subject_request.id", unique=True)
    seen: str
    proposed_by: UUID = Field(foreign_key="staff.id")
    proposed_at: datetime
    released_by: UUID | None = Field(default=None, foreign_key="staff.id")
    released_at: datetime | None = None
    fetched_at: datetime | None = None
    deleted_at: datetime | None = None
