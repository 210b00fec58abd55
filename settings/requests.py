"""Data-subject requests: what people send, who they are, and for how long it is kept."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, Field, field_validator

from domain.company import AttachmentLimits
from domain.requests.identity import IdentityNumbers
from domain.requests.retention import RequestPeriods
from settings.values import Several


class RequestSettings(BaseModel):
    """From a request's receipt until nothing of it but its proof is left (P11, P19, P26, P33)."""

    requests_an_hour: Annotated[
        int,
        Field(
            ge=1,
            description="Requests from one address within an hour that are answered each by "
            "itself; further ones for the same are kept with them, and bring no mails of their "
            "own (P26)",
        ),
    ] = 5
    attachments: Annotated[
        int,
        Field(ge=0, le=10, description="How many files people may send with one request"),
    ] = 10
    attachment_megabytes: Annotated[
        int, Field(ge=1, le=15, description="How large each of them may be")
    ] = 5
    identity_reminder_days: Annotated[
        Several[int],
        Field(
            description="Days after receipt at which whoever makes a request is reminded to "
            "confirm who they are, until they do (P19)"
        ),
    ] = (1, 3, 7, 14, 21)
    identity_draft_lead_days: Annotated[
        int,
        Field(
            ge=1,
            le=29,
            description="Days before the answer is due at which, if they did not, the answer that "
            "we could not verify it is drafted for a person to sign",
        ),
    ] = 5
    package_days: Annotated[
        int,
        Field(
            ge=1,
            le=365,
            description="Days after the answer for which a copy can be fetched; then it is deleted",
        ),
    ] = 30
    request_close_days: Annotated[
        int,
        Field(
            ge=1,
            le=365,
            description="Days after its answer at which a request is closed: until then it can be "
            "appealed against. Then what showed that somebody may ask for another is deleted (P33)",
        ),
    ] = 60
    request_purge_days: Annotated[
        int,
        Field(
            ge=30,
            le=3650,
            description="Days after its answer at which a closed request loses names, addresses "
            "and words, unless a legal hold stands; what proves the answer in time stays (P33)",
        ),
    ] = 1096

    @field_validator("identity_reminder_days")
    @classmethod
    def _are_days_after_receipt(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if any(day < 1 for day in days):
            raise ValueError("they count from receipt: the first is 1")
        return days

    @property
    def attachment_limits(self) -> AttachmentLimits:
        """What people may send with one request."""
        return AttachmentLimits(
            count=self.attachments, largest=self.attachment_megabytes * 1_000_000
        )

    @property
    def identity(self) -> IdentityNumbers:
        """When people are reminded to say who they are, and when an answer is drafted (P19)."""
        return IdentityNumbers(
            reminder_days=self.identity_reminder_days,
            draft_lead=timedelta(days=self.identity_draft_lead_days),
        )

    @property
    def request_periods(self) -> RequestPeriods:
        """For how long requests are kept."""
        return RequestPeriods(
            until_closed=timedelta(days=self.request_close_days),
            until_purged=timedelta(days=max(self.request_purge_days, self.request_close_days)),
        )
