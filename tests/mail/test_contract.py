"""What the mail service takes and refuses: one list for the sandbox and for SendGrid itself.

With PROMISEKEEPER_TEST_SENDGRID_API_KEY set, every test runs against the real service too, in its
sandbox mode: it checks a request, answers 200 and sends nothing. PROMISEKEEPER_TEST_SENDGRID_FROM
is then the address of a sender that it knows. Where nothing is said of `field`, no document says
which field the service would name.

Sources: OAI: github.com/sendgrid/sendgrid-oai, mail_send.json. LIMITS, SANDBOX: the pages
"Limitations" and "Sandbox Mode" at docs.sendgrid.com. ANYMAIL: what django-anymail's SendGrid
backend notes of its answers. ERRORS: the page "Errors" of mail send at twilio.com/docs/sendgrid.
SUPPORT: article 34677918767131 at support.sendgrid.com, with errors as they were answered.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
import urllib3

from mail.message import Message, Templates
from mail.sendgrid import Accepted, Copy, Halt, MailService, Outcome, Rejected, unsubscribe_headers
from tests.mail.conftest import ATTEMPT, FRAME
from tests.sandbox_server import API_KEY, RunningSandbox

Fields = dict[str, object]
SENDGRID = "https://api.sendgrid.com"
KEY_NAME = "PROMISEKEEPER_TEST_SENDGRID_API_KEY"
FROM_NAME = "PROMISEKEEPER_TEST_SENDGRID_FROM"
OF_WHOEVER_RUNS_THE_TESTS = os.environ  # noqa: TID251 - a setting of tests, and none of ours
CHECKED = {"mail_settings": {"sandbox_mode": {"enable": True}}}
ALICE, BOB = ({"email": f"{name}@example.com"} for name in ("alice", "bob"))


@dataclass(frozen=True, kw_only=True)
class Service:
    """A mail service that answers at `url`."""

    url: str
    key: str
    sender: str

    def post(self, mail: Fields, key: str = "") -> urllib3.BaseHTTPResponse:
        """Hand a request in, to be checked and not to be sent."""
        checked = {**mail, **CHECKED}
        return urllib3.request(
            "POST",
            f"{self.url}/v3/mail/send",
            body=json.dumps(checked).encode(),
            headers={
                "Authorization": f"Bearer {key or self.key}",
                "Content-Type": "application/json",
            },
            retries=False,
            timeout=60,
        )

    def mail(self, **changes: object) -> Fields:
        """A request that is right but for the changes; one that is None is left out."""
        right: Fields = {
            "from": {"email": self.sender, "name": "Fernhill"},
            "subject": "Hello -name-",
            "content": [
                {"type": "text/plain", "value": "Dear -name-"},
                {"type": "text/html", "value": "<p>Dear -name-</p>"},
            ],
            "personalizations": [{"to": [ALICE], "substitutions": {"-name-": "Alice"}}],
        }
        return {name: value for name, value in (right | changes).items() if value is not None}


@pytest.fixture(params=["sandbox", "sendgrid"])
def service(request: pytest.FixtureRequest, sandbox: RunningSandbox) -> Service:
    """The sandbox; and SendGrid, when there is a key."""
    if request.param == "sandbox":
        return Service(url=sandbox.url, key=API_KEY, sender="privacy@fernhill.example")
    key = OF_WHOEVER_RUNS_THE_TESTS.get(KEY_NAME)
    if not key:
        pytest.skip(f"not asked of SendGrid itself: {KEY_NAME} is not set")
    sender = OF_WHOEVER_RUNS_THE_TESTS.get(FROM_NAME, "privacy@fernhill.example")
    return Service(url=SENDGRID, key=key, sender=sender)


def to_many(count: int) -> list[Fields]:
    return [
        {
            "to": [{"email": f"person-{number}@example.com"}],
            "substitutions": {"-name-": f"Person {number}"},
            "custom_args": {"mail_id": str(UUID(int=number))},
        }
        for number in range(count)
    ]


def to_alice(**more: object) -> Fields:
    return {"personalizations": [{"to": [ALICE], **more}]}


def errors(answer: urllib3.BaseHTTPResponse) -> list[dict[str, str | None]]:
    found = answer.json()["errors"]
    assert all(one["message"] for one in found)
    return list(found)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="one copy with substitutions (OAI)"),
        pytest.param({"personalizations": to_many(1000)}, id="1,000 copies (LIMITS)"),
        pytest.param(
            to_alice(headers=unsubscribe_headers("https://a.example/u")),
            id="our headers (RFC 8058)",
        ),
        pytest.param({"headers": {"Auto-Submitted": "auto-generated"}}, id="headers for all (OAI)"),
        pytest.param({"categories": ["one", "two"]}, id="categories (OAI)"),
        pytest.param(
            {"personalizations": [{"to": [ALICE]}, {"to": [ALICE]}]},
            # ERRORS can be read as if not; SUPPORT says within one personalization alone. Two
            # accounts with one address are two addressees (P4), so we have to know.
            id="one address in two copies (SUPPORT)",
        ),
        pytest.param(
            to_alice(substitutions={"-a-": "x" * 9_000}), id="9,000 bytes of substitutions (OAI)"
        ),
        pytest.param({"personalizations": [{"to": [ALICE, BOB]}]}, id="two in one `to` (OAI)"),
    ],
)
def test_what_is_right_is_taken(service: Service, changes: Fields) -> None:
    """SANDBOX: 200, where sending would be answered 202, and no id, as nothing goes out."""
    answer = service.post(service.mail(**changes))
    assert (answer.status, answer.data) == (200, b"")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"personalizations": to_many(1001)}, "", id="1,001 copies (LIMITS)"),
        pytest.param({"personalizations": []}, "personalizations", id="nobody (ERRORS)"),
        pytest.param(
            {"personalizations": [{"to": [ALICE]}, {"to": [{"email": "no address"}]}]},
            "personalizations.1.to.0.email",
            id="no address (ERRORS)",
        ),
        pytest.param(
            {"personalizations": [{"to": [ALICE], "cc": [ALICE]}]},
            "personalizations.0",
            id="one address twice in a copy (SUPPORT)",
        ),
        pytest.param(
            {"personalizations": [{"to": [ALICE | {"name": "Abel; Alice"}]}]},
            "",
            id="a semicolon in a name (LIMITS)",
        ),
        pytest.param({"content": None}, "content", id="no content (ERRORS)"),
        pytest.param(
            {"content": [{"type": "text/plain", "value": ""}]},
            "content.0.value",
            id="empty content (SUPPORT)",
        ),
        pytest.param(
            {
                "content": [
                    {"type": "text/html", "value": "<p>Dear</p>"},
                    {"type": "text/plain", "value": "Dear"},
                ]
            },
            "",
            id="html before text (OAI)",
        ),
        pytest.param({"subject": None}, "subject", id="no subject (ERRORS)"),
        pytest.param({"from": {"email": "nobody"}}, "from.email", id="no sender (ERRORS)"),
        pytest.param({"headers": {"Reply-To": "x@example.com"}}, "", id="a reserved header (OAI)"),
        pytest.param(to_alice(headers={"Subject": "x"}), "", id="a copy's reserved header (OAI)"),
        pytest.param({"headers": {"X-Number": 5}}, "", id="a header that is a number (OAI)"),
        pytest.param(to_alice(custom_args={"n": 5}), "", id="an argument as number (ANYMAIL)"),
        pytest.param(to_alice(substitutions={"-n-": 5}), "", id="a number to substitute (OAI)"),
        pytest.param(
            to_alice(substitutions={"-a-": "x" * 10_001}), "", id="10,001 bytes to substitute (OAI)"
        ),
        pytest.param(
            to_alice(custom_args={"a": "x" * 10_001}), "", id="10,001 bytes of arguments (OAI)"
        ),
        pytest.param({"categories": ["a", "a"]}, "", id="a category twice (OAI)"),
        pytest.param({"categories": list("abcdefghijk")}, "", id="eleven categories (OAI)"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field(
    service: Service, changes: Fields, field: str
) -> None:
    """P4: our outbox goes by the copy that a refusal names."""
    answer = service.post(service.mail(**changes))
    assert answer.status == 400
    named = [one["field"] for one in errors(answer)]
    assert not field or field in named


def test_a_wrong_key_is_refused_before_anything_else(service: Service) -> None:
    """OAI: 401, also for a request that is wrong in itself."""
    for mail in (service.mail(), service.mail(content=None)):
        answer = service.post(mail, key="SG.wrong")
        assert answer.status == 401
        assert errors(answer)


def test_more_than_thirty_megabytes_are_refused(service: Service) -> None:
    """LIMITS."""
    content = [{"type": "text/plain", "value": "x" * (31 * 1024 * 1024)}]
    assert service.post(service.mail(content=content)).status in (400, 413)


class Checking(MailService):
    """Ours, with the official SDK; what it hands in is checked and goes to nobody."""

    def _request(
        self,
        message: Message,
        copies: Sequence[Copy],
        attempt_id: UUID,
        headers: Mapping[str, str],
    ) -> dict[str, object]:
        return super()._request(message, copies, attempt_id, headers) | CHECKED


@pytest.fixture
def ours(service: Service) -> Iterator[MailService]:
    """What the worker sends with."""
    with closing(checking(service)) as mails:
        yield mails


def checking(service: Service, key: str = "") -> MailService:
    return Checking(
        api_key=key or service.key,
        host=service.url,
        sender_address=service.sender,
        sender_name="Fernhill",
    )


@pytest.fixture
def reminder(templates: Templates) -> Message:
    """The mail with the most in it."""
    shared: Fields = {"policy_title": "privacy policy", "summary": "Kept longer."}
    shared |= {"changes": ["Kept for a year."], "policy_url": "https://fernhill.example/p"}
    shared |= {"redline_url": "https://fernhill.example/r", "without_approval": "nothing changes"}
    shared |= {"closing_url": "https://fernhill.example/close", "asks_consent": True}
    shared |= {"in_error_since": "", "in_force_since": ""}
    shared |= {"reminder_number": "1", "reminders_total": 2}
    shared |= {"effective_on": "2 April 2026", "not_before_on": "1 April 2026"}
    personal = ("greeting", "link", "no_reminders_link")
    return templates.render("approval_reminder", shared={**FRAME, **shared}, personal=personal)


def copy_to(address: str) -> Copy:
    link = f"https://fernhill.example/unsubscribe/{uuid4().hex}"
    name = 'Zoë "Zo"; <b>Żak</b>, 张'
    return Copy(
        mail_id=uuid4(),
        address=address,
        name=name,
        fields={"greeting": f"Hello {name}", "link": link, "no_reminders_link": link},
        headers=unsubscribe_headers(link),
    )


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_what_we_write_is_taken(ours: MailService, reminder: Message, count: int) -> None:
    """P4: a reminder with all its headers, to people of any name."""
    copies = [copy_to(f"person-{number}@example.com") for number in range(count)]
    assert isinstance(ours.send(reminder, copies, ATTEMPT), Accepted)


def test_the_copy_that_is_refused_is_the_one_we_give_up(
    ours: MailService, reminder: Message
) -> None:
    """P4: nobody else loses their notice."""
    copies = [copy_to(address) for address in ("no address", "alice@example.com", "b@example.com")]
    outcome: Outcome = ours.send(reminder, copies, ATTEMPT)
    assert isinstance(outcome, Rejected)
    assert outcome.mail_ids == only(copies, 0)


def test_a_wrong_key_halts_us(service: Service, reminder: Message) -> None:
    with closing(checking(service, key="SG.wrong")) as mails:
        assert isinstance(mails.send(reminder, [copy_to("a@example.com")], ATTEMPT), Halt)


def only(copies: Sequence[Copy], number: int) -> tuple[UUID, ...]:
    return (copies[number].mail_id,)
