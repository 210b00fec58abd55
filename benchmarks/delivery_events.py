"""Delivery events through the website, beside a bare loop that verifies and inserts them.

    python -m benchmarks.delivery_events [--copies N] [--database URL] [--format json]

Two events for each of many accepted copies, in signed batches as large as SendGrid makes them. The
website gets them over HTTP, one after the other, and moves the mails forward; the bare loop does
nothing but check the signature and insert the rows, in this process.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import urllib3
from sqlalchemy import insert
from sqlmodel import col, select

from benchmarks.bare_loop import raw_connection
from benchmarks.campaign import show
from benchmarks.company import Company, Parts, a_company, chosen_database
from database.ids import new_id
from database.tables import Account, MailAttempt, OutboxMail
from embedded.sandbox.server import KEY_FILE
from embedded.sandbox.signing import load_key, sign
from mail.delivery_events import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify

COPIES = 50_000
COPIES_OF_ATTEMPT = 1000
EVENTS_OF_BATCH = 1800
"""At 768 kB SendGrid sends a batch off."""


def measure(database_url: str | None = None, copies: int = COPIES) -> dict[str, object]:
    """Events a second, of the website and of the bare loop."""
    with a_company(database_url) as parts:
        parts.company.move_in(copies)
        batches = list(_signed(parts, _events(parts.company)))
        count = 2 * copies
        bare = count / _inserted(parts, batches)
        ours = count / _posted(parts, batches)
        return {
            "database": "sqlite" if parts.company.database.is_sqlite else "postgresql",
            "events": count,
            "events_per_second": ours,
            "bare_per_second": bare,
            "ratio_to_bare": ours / bare,
        }


def _events(company: Company) -> Iterator[dict[str, object]]:
    """The mail service took every copy, and then delivered it."""
    now = company.clock.now()
    with company.database.session() as session:
        accounts = session.exec(select(Account.id).order_by(col(Account.id))).all()
    mails = []
    for first in range(0, len(accounts), COPIES_OF_ATTEMPT):
        mails += _accepted(company, accounts[first : first + COPIES_OF_ATTEMPT], now)
    for event in ("processed", "delivered"):
        for mail, attempt in mails:
            yield {
                "email": "somebody.with.a.name@people.example",
                "event": event,
                "timestamp": int(now.timestamp()),
                "mail_id": str(mail),
                "attempt_id": str(attempt),
                "sg_event_id": new_id().hex,
                "sg_message_id": f"{new_id().hex}.sandbox-0-0",
                "smtp-id": f"<{new_id().hex}@ismtpd>",
            }


def _accepted(company: Company, accounts: Sequence[UUID], now: datetime) -> list[tuple[UUID, UUID]]:
    subject, attempt = new_id(), new_id()
    ids = [new_id() for _ in accounts]
    rows = [
        {
            "id": mail,
            "subject_kind": "campaign",
            "subject_id": subject,
            "addressee_kind": "account",
            "addressee_id": account,
            "step": "first_notice",
            "shard": 0,
            "template": "benchmark",
            "variant": subject,
            "state": "accepted",
            "attempts": 1,
            "attempt_id": attempt,
            "queued_at": now,
            "claimed_at": now,
            "accepted_at": now,
        }
        for mail, account in zip(ids, accounts, strict=True)
    ]
    with company.database.transaction() as transaction:
        transaction.execute(insert(MailAttempt), [_attempt(attempt, len(rows), now)])
        transaction.execute(insert(OutboxMail), rows)
    return [(mail, attempt) for mail in ids]


def _attempt(attempt: UUID, copies: int, now: datetime) -> dict[str, object]:
    return {"id": attempt, "copies": copies, "started_at": now, "outcome": "accepted"}


def _signed(
    parts: Parts, events: Iterator[dict[str, object]]
) -> Iterator[tuple[bytes, dict[str, str]]]:
    key = load_key(parts.stack.settings.data_dir / KEY_FILE)
    everything = list(events)
    for first in range(0, len(everything), EVENTS_OF_BATCH):
        body = json.dumps(everything[first : first + EVENTS_OF_BATCH]).encode()
        now = str(int(time.time()))
        yield body, {TIMESTAMP_HEADER: now, SIGNATURE_HEADER: sign(key, now, body)}


def _posted(parts: Parts, batches: Sequence[tuple[bytes, Mapping[str, str]]]) -> float:
    connection = urllib3.PoolManager()
    url = f"{parts.stack.website}/webhooks/sendgrid/events"
    began = time.monotonic()
    for body, headers in batches:
        answer = connection.request("POST", url, body=body, headers=dict(headers), retries=False)
        assert answer.status == 204, answer.status
    return time.monotonic() - began


def _inserted(parts: Parts, batches: Sequence[tuple[bytes, Mapping[str, str]]]) -> float:
    keys = parts.stack.settings.sendgrid_webhook_public_keys
    with raw_connection(parts.company.database) as (connection, mark):
        columns = "id, mail_id, attempt_id, event, occurred_at, recorded_at"
        marks = ", ".join([mark] * 6)
        connection.execute("CREATE TABLE bare_event AS SELECT * FROM delivery_event WHERE 1 = 0")
        connection.execute(
            "CREATE UNIQUE INDEX bare_key ON bare_event (mail_id, attempt_id, event, occurred_at)"
        )
        statement = f"INSERT INTO bare_event ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        cursor: Any = connection.cursor()
        began = time.monotonic()
        for body, headers in batches:
            verify(body, headers[SIGNATURE_HEADER], headers[TIMESTAMP_HEADER], keys)
            now = datetime.now(UTC).isoformat()  # noqa: TID251 - a clock of its own
            rows = [
                (
                    new_id().hex,
                    event["mail_id"],
                    event["attempt_id"],
                    event["event"],
                    datetime.fromtimestamp(event["timestamp"], UTC).isoformat(),
                    now,
                )
                for event in json.loads(body)
            ]
            cursor.executemany(statement, rows)
            connection.commit()
        return time.monotonic() - began


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.delivery_events", description=__doc__
    )
    parser.add_argument("--copies", type=int, default=COPIES, help="two events are told of each")
    parser.add_argument("--database", help="an empty PostgreSQL database, or `postgresql`")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    choice = parser.parse_args()
    with chosen_database(choice.database) as url:
        figures = measure(url, choice.copies)
    show(figures, "Delivery events", as_json=choice.format == "json")


if __name__ == "__main__":
    main()
