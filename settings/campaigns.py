"""Campaigns: the notice, the reminders and escalations, the canary, and when the machine pauses."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, Field, field_validator

from domain.campaigns.sending import Canary, Limits
from settings.values import Percent, Several

PAUSED_OVER = "A campaign is paused when more than this share of its copies"


class CampaignSettings(BaseModel):
    """How people are told of a new version, how fast, and what stops it (P5, P7, P8)."""

    notice_days: Annotated[
        int, Field(ge=14, le=365, description="Days between the last first notice and effect (P7)")
    ] = 30
    sending_days: Annotated[
        int,
        Field(ge=0, le=30, description="Days a campaign may take to send; part of `not before`"),
    ] = 1
    reminder_lead_days: Annotated[
        Several[int],
        Field(description="Days before effect at which the silent are reminded, at most two (P5)"),
    ] = (14, 3)
    escalation_lead_days: Annotated[
        int,
        Field(ge=0, description="Days before effect at which silence reaches the campaign's owner"),
    ] = 1
    legal_escalation_days: Annotated[
        int, Field(ge=0, description="Days after effect at which remaining silence reaches legal")
    ] = 7

    canary: Annotated[
        bool,
        Field(description="Whether a few get a campaign's first notice before the others (P8)"),
    ] = True
    canary_percent: Annotated[
        int, Field(ge=1, le=50, description="How many that is: this share of the addressees")
    ] = 1
    canary_addressees: Annotated[
        int,
        Field(
            ge=1, description="Or so many, if that is more. To no more than so many, all at once"
        ),
    ] = 100
    canary_minutes: Annotated[
        int, Field(ge=0, description="How long the others wait for what becomes of the canary")
    ] = 30

    stop_failed_percent: Annotated[
        Percent, Field(description=f"{PAUSED_OVER} bounce, are dropped or are rejected (P8)")
    ] = 5
    stop_complained_percent: Annotated[
        Percent, Field(description=f"{PAUSED_OVER}, and two at least, are called spam")
    ] = 0.3
    stop_unknown_percent: Annotated[
        Percent,
        Field(
            description=f"{PAUSED_OVER}, or of the requests of a minute, three at least, are of "
            "unknown outcome"
        ),
    ] = 5
    stop_copies: Annotated[
        int, Field(ge=1, le=10000, description="Of how many copies, the last that were heard of")
    ] = 1000
    stop_copies_at_least: Annotated[
        int, Field(ge=1, le=10000, description="With fewer than that nothing is concluded")
    ] = 100

    @field_validator("reminder_lead_days")
    @classmethod
    def _are_reminders(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if len(days) > 2:
            raise ValueError("at most two reminders are promised (P5)")
        if any(lead < 1 for lead in days):
            raise ValueError("they come before the day of effect: each is 1 at least")
        return days

    @property
    def sending_period(self) -> timedelta:
        """What a campaign may take to send its first notices (P7)."""
        return timedelta(days=self.sending_days)

    @property
    def canaries(self) -> Canary:
        """How many of a campaign's addressees are mailed first, and for how long they are alone."""
        return Canary(
            on=self.canary,
            percent=self.canary_percent,
            at_least=self.canary_addressees,
            wait_period=timedelta(minutes=self.canary_minutes),
        )

    @property
    def limits(self) -> Limits:
        """How much may go wrong before the machine pauses a campaign."""
        return Limits(
            failed_percent=self.stop_failed_percent,
            complained_percent=self.stop_complained_percent,
            unknown_percent=self.stop_unknown_percent,
            copies=self.stop_copies,
            copies_at_least=self.stop_copies_at_least,
        )
