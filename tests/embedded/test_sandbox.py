"""The sandbox refuses what SendGrid refuses, keeps what it accepts, and tells the website."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from embedded.sandbox import SandboxRefused, create_app, public_key
from embedded.sandbox.faults import events_for
from embedded.sandbox.validation import faults
from tests.embedded.webhook import taken_events, website
from tests.sandbox_server import API_KEY, RunningSandbox, running_sandbox

Mail = dict[str, object]
PERSON = {"email": "alice@example.com"}


def mail_to(*addresses: str, **changes: object) -> Mail:
    return {
        "from": {"email": "privacy@fernhill.example", "name": "Fernhill"},
        "subject": "Hello -name-",
        "content": [
            {"type": "text/plain", "value": "Dear -name-, see https://example.com/a?b=1."},
            {"type": "text/html", "value": '<p>-name-</p><a href="https://example.com/h">x</a>'},
        ],
        "personalizations": [
            {
                "to": [{"email": address}],
                "substitutions": {"-name-": address.partition("@")[0]},
                "custom_args": {"mail_id": f"id of {address}"},
            }
            for address in addresses
        ],
    } | changes


def post(sandbox: RunningSandbox, mail: object, key: str = API_KEY) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager() as connections:
        return connections.request(
            "POST",
            f"{sandbox.url}/v3/mail/send",
            body=mail if isinstance(mail, bytes) else json.dumps(mail).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
            retries=False,
        )


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    """One that nobody has sent anything to."""
    with running_sandbox(tmp_path) as sandbox:
        yield sandbox


def test_an_accepted_mail_can_be_read_as_its_reader_gets_it(sandbox: RunningSandbox) -> None:
    answer = post(sandbox, mail_to("alice@example.com", headers={"X-Note": "1"}))
    assert (answer.status, answer.data) == (202, b"")
    assert answer.headers["X-Message-Id"]
    mail = sandbox.message_to("alice@example.com")
    assert mail["subject"] == "Hello alice"
    assert mail["text"] == "Dear alice, see https://example.com/a?b=1."
    assert mail["html"] == '<p>alice</p><a href="https://example.com/h">x</a>'
    assert mail["links"] == ["https://example.com/h", "https://example.com/a?b=1"]
    assert mail["from"] == "privacy@fernhill.example"
    assert mail["headers"] == {"X-Note": "1"}
    assert mail["custom_args"] == {"mail_id": "id of alice@example.com"}


def test_messages_are_found_by_address_and_subject_newest_first(sandbox: RunningSandbox) -> None:
    post(sandbox, mail_to("alice@example.com", "malice@example.com", "bob@example.com"))
    assert [mail["to"] for mail in sandbox.messages()] == [
        "bob@example.com",
        "malice@example.com",
        "alice@example.com",
    ]
    assert [mail["to"] for mail in sandbox.messages(to="ALICE@example.com")] == [
        "alice@example.com"
    ]
    assert len(sandbox.messages(to="alice")) == 2
    assert [mail["to"] for mail in sandbox.messages(subject="hello B")] == ["bob@example.com"]
    assert len(sandbox.messages(limit=1)) == 1
    sandbox.empty()
    assert sandbox.messages() == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": None}, "personalizations"),
        ({"personalizations": [5]}, "personalizations.0"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": [{"to": [{"email": "x"}]}]}, "personalizations.0.to.0.email"),
        ({"personalizations": [{"to": ["a@b.c"]}]}, "personalizations.0.to.0.email"),
        (
            {"personalizations": [{"to": [{"email": "a@b.example", "name": "A; B"}]}]},
            "personalizations.0.to.0.name",
        ),
        (
            {"personalizations": [{"to": [{"email": "a@b.example"}, {"email": "A@b.example"}]}]},
            "personalizations.0",
        ),
        (
            {"personalizations": [{"to": [PERSON], "custom_args": {"n": 5}}]},
            "personalizations.0.custom_args.n",
        ),
        (
            {"personalizations": [{"to": [PERSON], "substitutions": {"n": "x" * 10_001}}]},
            "personalizations.0.substitutions",
        ),
        ({"from": {"email": "nobody"}}, "from.email"),
        ({"subject": ""}, "subject"),
        ({"subject": "a\r\nBcc: b@example.com"}, "personalizations.0.subject"),
        ({"content": []}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
        ({"headers": {"Reply-To": "x@example.com"}}, "headers.Reply-To"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "headers"),
        ({"categories": ["a", "a"]}, "categories"),
        ({"tracking_settings": {"open": {"enable": "no"}}}, "tracking_settings.open.enable"),
        ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_what_sendgrid_refuses_is_refused_by_name(changes: Mail, field: str) -> None:
    assert field in [fault.field for fault in faults(mail_to("alice@example.com") | changes)]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.data())
def test_odd_values_are_refused_and_never_crash(data: st.DataObject) -> None:
    mail = mail_to("alice@example.com")
    personalization: Mail = {"to": [PERSON], "subject": "Hello", "substitutions": {}}
    mail["personalizations"] = [personalization]
    place = data.draw(st.sampled_from([mail, personalization]))
    place[data.draw(st.sampled_from([*place, "cc", "headers", "categories"]))] = data.draw(ANYTHING)
    list(faults(mail))


def test_html_before_text_is_refused() -> None:
    mail = mail_to("alice@example.com")
    content = mail["content"]
    assert isinstance(content, list)
    assert [fault.field for fault in faults(mail | {"content": content[::-1]})] == ["content"]
    assert list(faults(mail)) == []


def test_more_than_a_thousand_people_are_refused_and_nothing_is_kept(
    sandbox: RunningSandbox,
) -> None:
    answer = post(sandbox, mail_to(*(f"p{n}@example.com" for n in range(1001))))
    assert answer.status == 400
    assert answer.json()["errors"][0]["field"] == "personalizations"
    assert sandbox.messages() == []


def test_no_json_and_a_wrong_key_are_refused(sandbox: RunningSandbox) -> None:
    for junk in (b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"subject": "\\uD800"}'):
        assert post(sandbox, junk).status == 400
    assert post(sandbox, mail_to("alice@example.com"), key="SG.wrong").status == 401
    assert post(sandbox, mail_to("alice@example.com"), key="é").status == 401
    assert sandbox.messages() == []


def test_sandbox_mode_validates_and_keeps_nothing(sandbox: RunningSandbox) -> None:
    settings = {"sandbox_mode": {"enable": True}}
    assert post(sandbox, mail_to("alice@example.com", mail_settings=settings)).status == 200
    assert sandbox.messages() == []


def test_mail_outlives_the_process(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        post(sandbox, mail_to("alice@example.com"))
    with running_sandbox(tmp_path) as sandbox:
        assert sandbox.message_to("alice@example.com")["subject"] == "Hello alice"


def test_the_inbox_shows_hostile_mail_without_running_it(sandbox: RunningSandbox) -> None:
    evil = '<script>alert("x")</script>'
    content = [{"type": "text/html", "value": evil + '<a href="javascript:alert(1)">x</a>'}]
    post(sandbox, mail_to("eve@example.com", subject=evil, content=content))
    message = sandbox.message_to("eve@example.com")
    for path in ("/", "/?q=%3Cscript", f"/messages/{message['id']}"):
        page = sandbox.page(path)
        assert "<script" not in page
        assert 'href="javascript:' not in page
    page = sandbox.page(f"/messages/{message['id']}")
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "&lt;script&gt;" in page


def test_the_inbox_is_searched_and_paged(sandbox: RunningSandbox) -> None:
    post(sandbox, mail_to(*(f"person-{n}@example.com" for n in range(60)), "alice@example.com"))
    first = sandbox.page("/")
    assert "alice@example.com" in first
    assert "person-5@example.com" not in first
    assert "before=12" in first
    assert "person-5@example.com" in sandbox.page("/?before=12")
    found = sandbox.page("/?q=ALICE")
    assert "alice@example.com" in found
    assert "person-" not in found
    assert "No mail has" in sandbox.page("/?q=nobody")


def test_a_foreign_host_name_is_refused(sandbox: RunningSandbox) -> None:
    with urllib3.PoolManager() as connections:
        answer = connections.request("GET", sandbox.url, headers={"Host": "evil.example"})
    assert answer.status == 400


def test_production_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxRefused, match="SENDGRID_HOST"):
        create_app(
            tmp_path / "mail.db",
            webhook_url=None,
            signing_key=tmp_path / "key.pem",
            api_key=API_KEY,
            environment="production",
        )
    assert list(tmp_path.iterdir()) == []


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "key.pem"
    assert public_key(path) == public_key(path)
    assert path.stat().st_mode & 0o077 == 0
    assert [file.name for file in path.parent.iterdir()] == ["key.pem"]


@pytest.mark.parametrize(
    ("address", "events"),
    [
        ("alice@example.com", ("processed", "delivered")),
        ("bounce@example.com", ("processed", "bounce")),
        ("bounce+3@example.com", ("processed", "bounce")),
        ("bouncer@example.com", ("processed", "delivered")),
        ("drop@example.com", ("dropped",)),
        ("Defer-1@example.com", ("processed", "deferred", "delivered")),
        ("complain@example.com", ("processed", "delivered", "spamreport")),
        ("block@example.com", ("processed", "blocked")),
        ("blocked@example.com", ("processed", "delivered")),
        ("invalid@example.com", ("invalid",)),
        ("return@example.com", ("processed", "delivered", "returned")),
    ],
)
def test_some_addresses_meet_a_fate(address: str, events: tuple[str, ...]) -> None:
    assert events_for(address) == events


def test_a_fate_is_switched_on_for_addresses_that_name_none() -> None:
    assert events_for("alice@example.com", "drop") == ("dropped",)
    assert events_for("bounce@example.com", "drop") == ("processed", "bounce")


def test_an_address_decides_how_its_request_is_treated(sandbox: RunningSandbox) -> None:
    """Each time, whatever the switch says; others are taken meanwhile."""
    for _ in range(2):
        assert post(sandbox, mail_to("alice@example.com", "500@example.com")).status == 500
    assert post(sandbox, mail_to("429.bob@example.com")).status == 429
    assert post(sandbox, mail_to("5000@example.com")).status == 202
    assert [message["to"] for message in sandbox.messages()] == ["5000@example.com"]


def test_each_copy_is_told_of_in_signed_events(tmp_path: Path) -> None:
    with website() as (url, taken), running_sandbox(tmp_path, webhook_url=url) as sandbox:
        request_id = post(sandbox, mail_to("alice@example.com", "bounce@example.com")).headers[
            "X-Message-Id"
        ]
        events = taken_events(taken, sandbox.public_key, count=4)
    assert [(event.event, event.provider_id) for event in events] == [
        ("processed", request_id),
        ("delivered", request_id),
        ("processed", request_id),
        ("bounce", request_id),
    ]


def test_events_wait_while_the_website_is_down_and_survive_a_restart(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, webhook_url="http://127.0.0.1:1/") as sandbox:
        post(sandbox, mail_to("alice@example.com"))
    with (
        website(refusals=1) as (url, taken),
        running_sandbox(tmp_path, webhook_url=url) as sandbox,
    ):
        events = taken_events(taken, sandbox.public_key, count=2)
    assert [event.event for event in events] == ["processed", "delivered"]
