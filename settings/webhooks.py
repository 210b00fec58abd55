"""Whom we tell: alarms beside mail, the company's own systems, and who listens for the watchdog."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from settings.faults import fault
from settings.values import Address, SecretAddress, SigningSecret


class WebhookSettings(BaseModel):
    """Addresses of others, and what signs what is posted to them."""

    alarm_webhook_url: Annotated[
        Address,
        Field(
            description="Where alarms for staff are posted too, signed, so that they arrive when "
            "mail is what is wrong; with `alarm_webhook_secret`, or neither: then by mail only"
        ),
    ] = ""
    alarm_webhook_secret: Annotated[
        SigningSecret,
        Field(
            description="Signs alarms (Standard Webhooks): `whsec_` and 24 to 64 bytes in base64"
        ),
    ] = SecretStr("")
    events_webhook_url: Annotated[
        Address,
        Field(
            description="Where the company's own systems are told, signed, that an account's "
            "suppressions, restrictions or decisions changed, or that a version is in force; with "
            "`events_webhook_secret`, or neither"
        ),
    ] = ""
    events_webhook_secret: Annotated[
        SigningSecret,
        Field(description="Signs these events, as `alarm_webhook_secret` signs alarms"),
    ] = SecretStr("")
    dead_man_url: Annotated[
        SecretAddress,
        Field(
            description="What the watchdog asks for (GET) after each complete round: a service "
            "outside that raises the alarm when it stays away. Empty means nobody is asked"
        ),
    ] = SecretStr("")

    @property
    def tells_events(self) -> bool:
        """Whether the company's own systems are told of events."""
        return bool(self.events_webhook_url)

    def halves(self) -> Iterator[str]:
        """Of two settings that go together, the fault of the one that is missing."""
        for what, url, secret in (
            ("alarm", self.alarm_webhook_url, self.alarm_webhook_secret),
            ("events", self.events_webhook_url, self.events_webhook_secret),
        ):
            has_secret = secret.get_secret_value()
            if url and not has_secret:
                signs = "is empty, and nothing is posted unsigned. Give it with the URL, or neither"
                yield fault(f"{what}_webhook_secret", signs)
            if has_secret and not url:
                yield fault(f"{what}_webhook_url", "is empty. Give it with the secret, or neither")
