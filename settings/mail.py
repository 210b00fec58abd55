"""Mail: SendGrid or the sandbox in its place, the sender, and how much goes at once."""

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from settings.values import Address, Port, Several

DEVELOPMENT_API_KEY = "SG.only-for-the-sandbox"


class MailSettings(BaseModel):
    """How mail goes out (P4, P8)."""

    sendgrid_api_key: Annotated[
        SecretStr, Field(description="SendGrid's key, or the sandbox's")
    ] = SecretStr(DEVELOPMENT_API_KEY)
    sendgrid_host: Annotated[
        Address,
        Field(
            description="SendGrid's address; empty means the mail sandbox, on `mail_sandbox_port`"
        ),
    ] = ""
    sendgrid_webhook_public_keys: Annotated[
        Several[str],
        Field(description="Comma-separated public keys that sign delivery events (set by `up`)"),
    ] = ()
    mail_from: Annotated[str, Field(description="The sender's address")] = (
        "privacy@fernhill.example"
    )
    mail_batch_size: Annotated[
        int, Field(ge=1, le=1000, description="Personal copies in one request to SendGrid")
    ] = 1000
    mail_rate_limit: Annotated[
        int,
        Field(
            ge=0,
            description="Copies in a minute, over all senders and processes; 0 means as many as "
            "the mail service takes (P8)",
        ),
    ] = 0
    mail_settle_after_seconds: Annotated[
        int, Field(ge=1, description="How long an unknown outcome waits for its delivery events")
    ] = 10
    mail_sandbox_port: Annotated[Port, Field(description="Mail sandbox")] = 8025

    @property
    def mail_service(self) -> str:
        """Address of the mail service, without a slash at the end."""
        return (self.sendgrid_host or f"http://127.0.0.1:{self.mail_sandbox_port}").rstrip("/")
