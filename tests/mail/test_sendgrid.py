"""What the mail service says of every way an attempt can end, against the real sandbox."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest

from mail.message import Message, TemplateRefused, Templates
from mail.sendgrid import Accepted, Copy, Halt, MailService, NotSent, Rejected, Unknown
from tests.eventually import eventually
from tests.mail.conftest import ATTEMPT, FRAME, copy_for, mail_service
from tests.sandbox_server import RunningSandbox

ALICE = copy_for("Alice", "alice@example.com")
BOB = copy_for("Bob", "bob@example.com")


@pytest.fixture
def message(templates: Templates) -> Message:
    return templates.render(
        "approval_link_again",
        shared=FRAME | {"policy_title": "Privacy policy"},
        personal=("greeting", "link"),
    )


def test_each_person_gets_their_own_copy(
    service: MailService, sandbox: RunningSandbox, message: Message
) -> None:
    """P4: one mail per account, personal, to nobody else."""
    outcome = service.send(message, [ALICE, BOB], ATTEMPT)
    assert isinstance(outcome, Accepted)
    assert outcome.provider_id
    for copy, other in ((ALICE, BOB), (BOB, ALICE)):
        mail = sandbox.message_to(copy.address)
        assert mail["custom_args"] == {"mail_id": str(copy.mail_id), "attempt_id": str(ATTEMPT)}
        assert copy.fields["link"] in str(mail["links"])
        for body in (str(mail["text"]), str(mail["html"])):
            assert f"Hello {copy.name}" in body
            assert copy.fields["link"] in body
            assert other.address not in body
            assert other.name not in body


def test_one_copy_reads_the_same_alone_and_in_a_batch(
    service: MailService, sandbox: RunningSandbox, message: Message
) -> None:
    service.send(message, [ALICE, BOB], ATTEMPT)
    in_batch = sandbox.message_to(ALICE.address)
    sandbox.empty()
    service.send(message, [ALICE], ATTEMPT)
    alone = sandbox.message_to(ALICE.address)
    for part in ("subject", "text", "html", "headers", "custom_args", "links"):
        assert alone[part] == in_batch[part]


def test_a_thousand_copies_go_in_one_request_and_one_more_is_refused(
    service: MailService, sandbox: RunningSandbox, message: Message
) -> None:
    copies = [copy_for(f"Person {n}", f"person-{n}@example.com") for n in range(1001)]
    assert isinstance(service.send(message, copies[:1000], ATTEMPT), Accepted)
    assert len(sandbox.messages(limit=1000)) == 1000
    for wrong in ([], copies):
        with pytest.raises(ValueError, match="1 to 1000"):
            service.send(message, wrong, ATTEMPT)


def test_two_accounts_with_one_address_get_two_mails(
    service: MailService, sandbox: RunningSandbox, message: Message
) -> None:
    first = copy_for("Alice", "alice@example.com", account="first-account")
    second = copy_for("Alice", "alice@example.com", account="second-account")
    service.send(message, [first, second], ATTEMPT)
    links = [str(mail["links"]) for mail in sandbox.messages(to="alice@example.com")]
    assert len(links) == 2
    assert "first-account" in links[1]
    assert "second-account" in links[0]


def test_hostile_names_break_neither_html_nor_headers(
    service: MailService, sandbox: RunningSandbox, message: Message
) -> None:
    eve = copy_for('<script>alert("x")</script>\r\nBcc: all@example.com; A, B', "eve@example.com")
    assert isinstance(service.send(message, [ALICE, eve], ATTEMPT), Accepted)
    mail = sandbox.message_to("eve@example.com")
    assert "<script" not in str(mail["html"])
    assert "&lt;script&gt;" in str(mail["html"])
    assert not set(str(mail["to_name"])) & {*"\r\n;,<>"}


def test_line_ends_reach_no_header_and_no_subject(
    service: MailService, sandbox: RunningSandbox, templates: Templates
) -> None:
    message = templates.render(
        "approval_link_again",
        shared=FRAME | {"policy_title": "Policy\r\nBcc: all@example.com"},
        personal=("greeting", "link"),
    )
    service.send(message, [ALICE], ATTEMPT, headers={"X-Entity-Ref-ID": "1\r\nBcc: a@example.com"})
    mail = sandbox.message_to(ALICE.address)
    assert "\n" not in str(mail["subject"])
    assert mail["headers"] == {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "X-Entity-Ref-ID": "1 Bcc: a@example.com",
    }


def test_a_nameless_person_gets_a_mail_too(
    service: MailService, sandbox: RunningSandbox, message: Message
) -> None:
    nameless = Copy(
        mail_id=ALICE.mail_id,
        address=ALICE.address,
        name=" ",
        fields={**ALICE.fields, "greeting": "Hello there"},
    )
    assert isinstance(service.send(message, [nameless], ATTEMPT), Accepted)
    assert sandbox.message_to(ALICE.address)["to_name"] == ""


def test_a_bad_address_is_named_and_nobody_else_is_mailed(
    service: MailService, sandbox: RunningSandbox, message: Message
) -> None:
    bad = copy_for("Eve", "eve at example")
    outcome = service.send(message, [bad, ALICE, BOB], ATTEMPT)
    assert outcome == Rejected(
        mail_ids=(bad.mail_id,),
        reason="SendGrid answered 400: personalizations.to.0.email Does not contain a valid "
        "address.",
    )
    worse = service.send(message, [ALICE, bad, copy_for("Mel", "mel at example")], ATTEMPT)
    assert isinstance(worse, Rejected)
    assert worse.reason == outcome.reason  # so that ops see one cause, and not a hundred
    assert sandbox.messages() == []


def test_a_refused_key_halts(sandbox: RunningSandbox, message: Message) -> None:
    outcome = mail_service(sandbox.url, api_key="SG.wrong").send(message, [ALICE], ATTEMPT)
    assert isinstance(outcome, Halt)
    assert "401" in outcome.reason
    assert "SG.wrong" not in outcome.reason


def test_a_fault_in_our_own_settings_halts_instead_of_rejecting_everybody(
    sandbox: RunningSandbox, message: Message
) -> None:
    service = MailService(
        api_key="SG.a-key-for-tests", host=sandbox.url, sender_address="nobody", sender_name="X"
    )
    for copies in ([ALICE, BOB], [ALICE]):
        assert isinstance(service.send(message, copies, ATTEMPT), Halt)
    wrong_host = mail_service(sandbox.url + "/elsewhere")
    assert isinstance(wrong_host.send(message, [ALICE, BOB], ATTEMPT), Halt)


def test_too_many_requests_are_not_sent_and_may_be_tried_later(
    service: MailService, sandbox: RunningSandbox, message: Message
) -> None:
    sandbox.misbehave("429")
    outcome = service.send(message, [ALICE], ATTEMPT)
    assert isinstance(outcome, NotSent)
    assert outcome.retry_after == timedelta(seconds=1)
    assert sandbox.messages() == []
    assert isinstance(service.send(message, [ALICE], ATTEMPT), Accepted)


def test_a_server_error_is_unknown(
    service: MailService, sandbox: RunningSandbox, message: Message
) -> None:
    sandbox.misbehave("500")
    assert service.send(message, [ALICE], ATTEMPT) == Unknown(
        reason="SendGrid answered 500", answered=500
    )


@pytest.mark.parametrize(("mode", "mails"), [("accept-then-reset", 1), ("reset", 0)])
def test_a_lost_answer_is_unknown_whether_or_not_the_mail_went_and_is_never_repeated(
    service: MailService, sandbox: RunningSandbox, message: Message, mode: str, mails: int
) -> None:
    """P4: the two cases cannot be told apart, so neither is claimed."""
    sandbox.misbehave(mode)
    assert isinstance(service.send(message, [ALICE], ATTEMPT), Unknown)
    assert len(sandbox.messages()) == mails
    assert isinstance(service.send(message, [ALICE], ATTEMPT), Accepted)
    assert len(sandbox.messages()) == mails + 1


def test_an_answer_that_does_not_come_in_time_is_unknown(
    sandbox: RunningSandbox, message: Message
) -> None:
    sandbox.misbehave("off", latency_ms=600)
    impatient = MailService(
        api_key="SG.a-key-for-tests",
        host=sandbox.url,
        sender_address="privacy@fernhill.example",
        sender_name="Fernhill",
        answer_timeout=timedelta(milliseconds=100),
    )
    assert isinstance(impatient.send(message, [ALICE], ATTEMPT), Unknown)
    assert eventually(sandbox.messages), "it was on its way all the same"


def test_a_connection_that_was_left_alone_is_not_used_again(
    message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4: a server may close it just when we write on it, and the whole batch would be in doubt."""
    with closing_when_used_again() as (url, connections):
        service = mail_service(url)
        assert isinstance(service.send(message, [ALICE], ATTEMPT), Accepted)
        assert isinstance(service.send(message, [ALICE], ATTEMPT), Unknown)  # what is to be avoided
        assert isinstance(service.send(message, [ALICE], ATTEMPT), Accepted)
        monkeypatch.setattr("mail.sendgrid.KEPT_SECONDS", 0.0)
        for _ in range(3):
            assert isinstance(service.send(message, [ALICE], ATTEMPT), Accepted)
        service.close()
    assert len(connections) == 5


def test_a_refused_connection_and_an_unknown_host_sent_nothing(message: Message) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    for host in (f"http://127.0.0.1:{port}", "http://nowhere.invalid"):
        assert isinstance(mail_service(host).send(message, [ALICE], ATTEMPT), NotSent)


def test_a_failed_tls_handshake_sent_nothing(message: Message, sandbox: RunningSandbox) -> None:
    plain = sandbox.url.replace("http://", "https://")
    assert isinstance(mail_service(plain).send(message, [ALICE], ATTEMPT), NotSent)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (
            "429 Wait\r\nDate: Sun, 01 Mar 2026 12:00:00 GMT\r\nX-RateLimit-Reset: 1772366430",
            NotSent(
                reason="SendGrid answered 429", too_fast=True, retry_after=timedelta(seconds=30)
            ),
        ),
        ("429 Too Many Requests", NotSent(reason="SendGrid answered 429", too_fast=True)),
        (
            "429 Too Many Requests\r\nRetry-After: tomorrow",
            NotSent(reason="SendGrid answered 429", too_fast=True),
        ),
        ("204 No Content", Unknown(reason="SendGrid answered 204")),
        ("301 Moved\r\nLocation: https://example.com", Halt(reason="SendGrid answered 301")),
        ("403 Forbidden", Halt(reason="SendGrid answered 403")),
        ("413 Too Large", Rejected(mail_ids=(), reason="SendGrid answered 413")),
        ("400 Bad Request", Rejected(mail_ids=(), reason="SendGrid answered 400")),
        ("503 Unavailable", Unknown(reason="SendGrid answered 503", answered=503)),
    ],
)
def test_answers_the_sandbox_does_not_give(message: Message, answer: str, outcome: object) -> None:
    with answering(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n") as url:
        assert mail_service(url).send(message, [ALICE, BOB], ATTEMPT) == outcome


def test_nothing_is_tracked_and_nothing_personal_is_left_in_custom_arguments(
    message: Message,
) -> None:
    received: list[bytes] = []
    with answering("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", received) as url:
        mail_service(url).send(message, [ALICE, BOB], ATTEMPT)
    mail = json.loads(received[0])
    assert mail["tracking_settings"] == {
        "click_tracking": {"enable": False, "enable_text": False},
        "open_tracking": {"enable": False},
        "subscription_tracking": {"enable": False},
        "ganalytics": {"enable": False},
    }
    assert [len(one["to"]) for one in mail["personalizations"]] == [1, 1]
    assert mail["personalizations"][0]["custom_args"] == {
        "mail_id": str(ALICE.mail_id),
        "attempt_id": str(ATTEMPT),
    }
    assert mail.keys().isdisjoint({"categories", "custom_args", "mail_settings"})


def test_a_rejection_of_one_copy_alone_names_it(message: Message) -> None:
    with answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as url:
        outcome = mail_service(url).send(message, [ALICE], ATTEMPT)
    assert outcome == Rejected(mail_ids=(ALICE.mail_id,), reason="SendGrid answered 400")


def test_addresses_are_kept_out_of_reasons_and_of_what_is_logged(message: Message) -> None:
    """P31: reasons are recorded, and recorded words must name nobody."""
    body = '{"errors": [{"field": null, "message": "alice@example.com is odd"}]}'
    with answering(f"HTTP/1.1 400 Bad\r\nContent-Length: {len(body)}\r\n\r\n{body}") as url:
        outcome = mail_service(url).send(message, [ALICE, BOB], ATTEMPT)
    assert outcome == Rejected(mail_ids=(), reason="SendGrid answered 400: [address] is odd")
    assert repr(ALICE) == f"Copy(mail_id={ALICE.mail_id!r})"


def test_a_copy_without_its_fields_and_a_service_without_a_key_are_refused(
    service: MailService, message: Message
) -> None:
    bare = Copy(
        mail_id=UUID(int=1), address="bob@example.com", name="Bob", fields={"greeting": "Hello Bob"}
    )
    with pytest.raises(TemplateRefused, match="link"):
        service.send(message, [bare, ALICE], ATTEMPT)
    with pytest.raises(ValueError, match="no API key"):
        mail_service("http://127.0.0.1:1", api_key="")


@contextmanager
def closing_when_used_again() -> Iterator[tuple[str, list[object]]]:
    """A server that keeps each connection, and closes it when a second request comes on it."""
    connections: list[object] = []

    class Server(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            if self.connection in connections:
                self.close_connection = True
                return
            connections.append(self.connection)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", connections
        server.shutdown()
        thread.join()


@contextmanager
def answering(answer: str, received: list[bytes] | None = None) -> Iterator[str]:
    """A server that reads one request and gives this answer, once: nobody should ask twice."""
    received = [] if received is None else received
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as request:
                length = 0
                while (line := request.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                received.append(request.read(length))
                connection.sendall(answer.encode())

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()
