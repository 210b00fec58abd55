"""A sandbox, a mail service that talks to it, and messages to send."""

from collections.abc import Iterator
from pathlib import Path
from uuid import NAMESPACE_DNS, UUID, uuid5

import pytest

from mail.message import Templates
from mail.sendgrid import Copy, MailService
from tests.sandbox_server import API_KEY, RunningSandbox

TEMPLATES = Path(__file__).parents[2] / "email_templates"
FRAME = {
    "company_name": "Fernhill Remote Support",
    "company_address": "1 Example Square, 10115 Berlin",
    "contact_url": "https://fernhill.example/contact",
    "contact_email": "privacy@fernhill.example",
    "base_url": "https://fernhill.example",
}
ATTEMPT = UUID("0b9d0e39-5f3e-4a52-9d3c-6a6f4a8f2f11")


@pytest.fixture
def service(sandbox: RunningSandbox) -> Iterator[MailService]:
    service = mail_service(sandbox.url)
    yield service
    service.close()


@pytest.fixture(scope="session")
def templates() -> Templates:
    return Templates(TEMPLATES)


def mail_service(url: str, api_key: str = API_KEY) -> MailService:
    return MailService(
        api_key=api_key,
        host=url,
        sender_address="privacy@fernhill.example",
        sender_name="Fernhill Remote Support",
    )


def copy_for(name: str, address: str, account: str = "") -> Copy:
    return Copy(
        mail_id=uuid5(NAMESPACE_DNS, account or address),
        address=address,
        name=name,
        fields={
            "greeting": f"Hello {name}",
            "link": f"https://fernhill.example/approve/{account or address}",
        },
    )
