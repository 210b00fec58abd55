"""How each neighbour is asked, and that `docs/failures.md` has a line for every remedy we name."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler

import pytest
from anyio.from_thread import start_blocking_portal

import temporal
from health import neighbours
from health.lookout import silent
from health.neighbours import DATABASE, MAIL, MAIL_SERVICE, TABLES, TEMPORAL
from mail.reach import Reach, reach, reach_with_key
from settings import ROOT
from tests.small_servers import Quiet, serving

FAILURES = (ROOT / "docs" / "failures.md").read_text("utf-8")
WITHIN = 10.0


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """A program that answers everything like this; its address."""

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = body.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}"


def named_remedies() -> set[str]:
    """Every remedy that code names, found where it stands."""
    source = "".join(
        (ROOT / "health" / name).read_text("utf-8")
        for name in ("neighbours.py", "imports.py", "alarms.py", "mails.py")
    )
    answers = [*TABLES.values(), *MAIL.values(), *map(silent, (DATABASE, TEMPORAL, MAIL_SERVICE))]
    spoken = {answer.remedy for answer in answers if answer.remedy}
    return spoken | set(re.findall(r'remedy="([^"]+)"', source))


def test_every_remedy_has_a_line_and_every_line_is_named() -> None:
    lines = set(re.findall(r"^\| `([a-z]+-[a-z-]+)` \|", FAILURES, re.MULTILINE))
    assert lines == named_remedies()


def test_the_page_quotes_the_words_that_are_said() -> None:
    for answer in (*TABLES.values(), *MAIL.values()):
        if answer.remedy:
            assert answer.word in FAILURES


def test_a_worker_behind_a_silent_temporal_is_mended_by_mending_temporal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(neighbours, "ASK_WITHIN_SECONDS", 0.1)
    with start_blocking_portal() as portal:
        client = portal.call(partial(temporal.connect, "127.0.0.1:9", lazy=True))
        found = neighbours.behind_temporal(portal, client)[neighbours.WORKER]()
    assert found.word == "cannot be asked while Temporal is silent"
    assert found.remedy == silent(TEMPORAL).remedy


def test_each_question_has_a_connection_of_its_own() -> None:
    """One that was kept may be closed by the other side just then, and that is no outage."""
    connections = []

    class Handler(Quiet, BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            connections.append(self)
            super().setup()

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Handler) as port:
        for _ in range(2):
            reach(f"http://127.0.0.1:{port}", sandbox=False, within_seconds=WITHIN)
    assert len(connections) == 2


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (200, '{"messages": 0}', Reach.ANSWERS),
        (200, "Hello", Reach.STRANGER),
        (404, '{"detail": "Not Found"}', Reach.STRANGER),
        (503, "", Reach.TROUBLED),
    ],
)
def test_the_mail_sandbox_is_told_from_another_program(
    status: int, body: str, found: Reach
) -> None:
    with answering(status, body) as host:
        assert reach(host, sandbox=True, within_seconds=WITHIN) is found


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (200, '{"scopes": ["mail.send"]}', Reach.ANSWERS),
        (200, '{"scopes": ["stats.read"]}', Reach.KEY_REFUSED),
        (401, '{"errors": []}', Reach.KEY_REFUSED),
        (404, "no such page", Reach.ANSWERS),
        (500, "", Reach.TROUBLED),
    ],
)
def test_a_key_that_may_not_send_is_found_out_without_sending(
    status: int, body: str, found: Reach
) -> None:
    with answering(status, body) as host:
        assert reach_with_key(host, "SG.a-key", within_seconds=WITHIN) is found


def test_nobody_there_is_silence() -> None:
    assert reach("http://127.0.0.1:9", sandbox=False, within_seconds=WITHIN) is Reach.SILENT
    answer = neighbours.ask_mail_service("http://127.0.0.1:9", sandbox=True)
    assert answer == silent(MAIL_SERVICE)
