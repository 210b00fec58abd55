"""The ladder of data-subject requests: whom an answer that is not there reaches, and when (P21)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta
from typing import Annotated

from pydantic import BaseModel, Field, field_validator

from domain.company import LadderNumbers, Officers
from settings.values import Several


class LadderSettings(BaseModel):
    """Its people and its rungs."""

    privacy_lead: Annotated[
        str,
        Field(
            description="Staff handle of who leads the privacy team, and is told of what is "
            "nobody's; empty means everybody with the role privacy"
        ),
    ] = ""
    privacy_officer: Annotated[str, Field(description="Staff handle; empty as above")] = ""
    deputy: Annotated[str, Field(description="The officer's deputy; empty as above")] = ""
    executive: Annotated[
        str, Field(description="Staff handle; empty means everybody with the role admin")
    ] = ""

    ladder_days: Annotated[
        Several[int],
        Field(
            description="Days before an answer is due at which staff are told, seven: assignee, "
            "assignee again, lead, officer, in review, deputy, executive (P21)"
        ),
    ] = (20, 15, 10, 7, 5, 3, 2)
    ladder_hour: Annotated[
        int,
        Field(
            ge=0,
            le=15,
            description="At which hour of a working day: the office opens. Reminders and "
            "escalations of campaigns stand at it too",
        ),
    ] = 9
    unassigned_days: Annotated[
        int, Field(ge=1, le=10, description="Working days until the lead hears of what is nobody's")
    ] = 1
    acknowledge_hours: Annotated[
        int,
        Field(
            ge=1,
            le=80,
            description="Working hours, eight a day, in which somebody has to say that they act; "
            "then the next person is told",
        ),
    ] = 8
    acknowledge_hours_at_the_end: Annotated[
        int, Field(ge=1, le=80, description="The same from the deputy's day on")
    ] = 1
    late_reply_hours: Annotated[
        int,
        Field(ge=1, le=120, description="Hours before it is due at which the late reply goes out"),
    ] = 24

    @field_validator("ladder_days")
    @classmethod
    def _are_rungs(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if len(days) != 7:
            raise ValueError(f"names {len(days)} days: a ladder has seven rungs for staff")
        _rungs(days)
        return days

    @property
    def officers(self) -> Officers:
        """Whom a late data-subject request reaches."""
        return Officers(
            lead=self.privacy_lead,
            privacy_officer=self.privacy_officer,
            deputy=self.deputy,
            executive=self.executive,
        )

    @property
    def ladder(self) -> LadderNumbers:
        """When staff are told of a request, and how long the next person waits (P21)."""
        return replace(
            _rungs(self.ladder_days),
            unassigned_after_working_days=self.unassigned_days,
            late_reply_lead=timedelta(hours=self.late_reply_hours),
            acknowledge_within=timedelta(hours=self.acknowledge_hours),
            acknowledge_within_at_the_end=timedelta(hours=self.acknowledge_hours_at_the_end),
            hour=time(self.ladder_hour),
        )


def _rungs(days: Sequence[int]) -> LadderNumbers:
    """Raises ValueError for days that make no ladder."""
    assignee, again, lead, officer, in_review, deputy, executive = days
    return LadderNumbers(
        assignee=assignee,
        assignee_again=again,
        lead=lead,
        officer=officer,
        in_review=in_review,
        deputy=deputy,
        executive=executive,
    )
