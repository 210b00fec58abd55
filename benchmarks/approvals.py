"""Approvals while a campaign is sending, beside the least that a page can do.

    python -m benchmarks.approvals [--posts N] [--addressees N] [--database URL] [--format json]

Thirty-two connections post decisions, each to a page that was opened before. The campaign's mails
go out slowly meanwhile, to so many addressees that all of it happens while it is sending.
"""

import argparse
import http.client
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import quantiles
from urllib.parse import urlencode, urlsplit

import urllib3
from sqlalchemy import ColumnElement
from sqlmodel import col, func, select

from benchmarks.campaign import show
from benchmarks.company import Company, Parts, a_company, chosen_database, until
from cli.demo_scene import hidden_fields
from database.mail.steps import FIRST_NOTICE
from database.people.links import APPROVE
from database.tables import Approval, Link, OutboxMail
from embedded.processes import Program, running
from mail.links import make_token
from settings import ROOT
from tests.own_settings import free_ports

CONNECTIONS = 32
POSTS = 3200
ADDRESSEES = 60_000
SLOWLY = {"mail_batch_size": 100}
PROCESSES = 2  # of the website, one for each core
LATENCY_MS = 1000
LATENCY_WHILE_PAGES_ARE_OPENED_MS = 10_000
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def measure(
    database_url: str | None = None, *, posts: int = POSTS, addressees: int = ADDRESSEES
) -> dict[str, object]:
    """Posts a second, how long the slowest hundredth waited, and the same of a bare endpoint."""
    with a_company(database_url, **SLOWLY, web_processes=PROCESSES) as parts:
        company = parts.company
        company.move_in(addressees)
        number = company.hand_in()
        _slow_down(parts, LATENCY_MS)
        company.release(number)
        until(lambda: _mailed(company) >= posts)
        _slow_down(parts, LATENCY_WHILE_PAGES_ARE_OPENED_MS)
        pages = _opened(parts, posts)
        _slow_down(parts, LATENCY_MS)
        assert len(pages) == posts, "fewer pages than were to be posted to"
        with _bare_endpoint(parts) as address:
            _, bare = _posted(address, [("/decisions", "")] * posts, expected=204)
        waits, ours = _posted(parts.stack.website, pages, expected=303)
        assert len(waits) == _approvals(company) == posts, "not every approval was kept"
        assert _mailed(company) < addressees, "the campaign was over too soon"
        return {
            "database": "sqlite" if company.database.is_sqlite else "postgresql",
            "posts": posts,
            "posts_per_second": ours,
            "p99_ms": quantiles(waits, n=100)[98] * 1000,
            "bare_per_second": bare,
            "ratio_to_bare": ours / bare,
        }


def _slow_down(parts: Parts, milliseconds: int) -> None:
    """Let the mail service take so long for each request."""
    slow = {"latency_ms": milliseconds}
    answer = urllib3.request("POST", f"{parts.stack.inbox}/api/faults", json=slow)
    assert answer.status == 200, "the sandbox is as fast as it likes"


def _mailed(company: Company) -> int:
    """How many first notices the mail service has taken so far."""
    with company.database.session() as session:
        return session.exec(select(func.count()).where(*_taken())).one()


def _approvals(company: Company) -> int:
    with company.database.session() as session:
        return session.exec(select(func.count()).select_from(Approval)).one()


def _taken() -> tuple[ColumnElement[bool], ...]:
    return col(OutboxMail.step) == FIRST_NOTICE, col(OutboxMail.accepted_at).is_not(None)


def _opened(parts: Parts, count: int) -> Sequence[tuple[str, str]]:
    """The pages of so many who were mailed, and what pressing the button would post."""
    keys = parts.stack.settings.link_key_bytes
    links_mailed = (
        select(Link.nonce)
        .join(OutboxMail, col(OutboxMail.link_id) == col(Link.id))
        .where(*_taken())
    )
    with parts.company.database.session() as session:
        links = session.exec(links_mailed.limit(count)).all()
    paths = [f"/approve/{make_token(APPROVE, nonce, keys)}" for nonce in links]

    def open_page(path: str) -> tuple[str, str]:
        page = urllib3.request("GET", parts.stack.website + path).data.decode()
        return path, urlencode({**hidden_fields(page), "decision": "approved"})

    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(open_page, paths))


def _posted(
    address: str, pages: Sequence[tuple[str, str]], *, expected: int
) -> tuple[list[float], float]:
    """How long each post waited for its answer, and how many were answered in a second."""
    waits: list[float] = []
    place = urlsplit(address).netloc

    def post(share: Sequence[tuple[str, str]]) -> None:
        line = http.client.HTTPConnection(place)
        for path, body in share:
            began = time.monotonic()
            line.request("POST", path, body, FORM)
            answer = line.getresponse()
            answer.read()
            waits.append(time.monotonic() - began)
            assert answer.status == expected, answer.status

    began = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(post, [pages[first::CONNECTIONS] for first in range(CONNECTIONS)]))
    return waits, len(pages) / (time.monotonic() - began)


@contextmanager
def _bare_endpoint(parts: Parts) -> Iterator[str]:
    (port,) = free_ports(1)
    settings = parts.stack.settings
    program = Program(
        name="bare endpoint",
        command=[sys.executable, "-m", "benchmarks.bare_endpoint", settings.database, str(port)],
        environment={},
        directory=ROOT,
        log=settings.data_dir / "logs" / "bare.log",
        answers=_answers(f"http://127.0.0.1:{port}/docs"),
    )
    with running([program]):
        yield f"http://127.0.0.1:{port}"


def _answers(url: str) -> Callable[[str], bool]:
    def look(_log: str) -> bool:
        try:
            return urllib3.request("GET", url, retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    return look


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.approvals", description=__doc__)
    parser.add_argument("--posts", type=int, default=POSTS)
    parser.add_argument("--addressees", type=int, default=ADDRESSEES)
    parser.add_argument("--database", help="an empty PostgreSQL database, or `postgresql`")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    choice = parser.parse_args()
    with chosen_database(choice.database) as url:
        figures = measure(url, posts=choice.posts, addressees=choice.addressees)
    show(figures, "Approvals while a campaign is sending", as_json=choice.format == "json")


if __name__ == "__main__":
    main()
