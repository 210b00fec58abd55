"""The rival of a campaign: one thread, the driver's own SQL, no Temporal.

It writes, claims, posts and acknowledges as many copies in as large batches, to the same sandbox,
and keeps the same rows with the same indexes. What it has not: links, an audience, a second try.
"""

import http.client
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
from sqlalchemy import make_url

from benchmarks.company import Parts
from database.engine import Database
from database.ids import new_id

BATCH = 1000
LINK = "http://127.0.0.1:8000/approve/" + "A" * 43
FRAME = {
    "from": {"email": "privacy@fernhill.example"},
    "subject": "Please decide: we want to change our privacy policy",
    "content": [
        {"type": "text/plain", "value": "_name_ _link_ " * 100},
        {"type": "text/html", "value": "<p>_NAME_ <a href='_LINK_'>_LINK_</a></p>" * 100},
    ],
}
"""About as long as a first notice."""


def bare_loop(parts: Parts, addressees: int) -> float:
    """Addressees a second of the bare loop."""
    with raw_connection(parts.company.database) as (connection, mark):
        bare = _Bare(parts, connection, mark)
        began = time.monotonic()
        bare.run(addressees)
        seconds = time.monotonic() - began
        bare.forget()
    return addressees / seconds


@contextmanager
def raw_connection(database: Database) -> Iterator[tuple[Any, str]]:
    """The driver's own connection, and its mark for a value."""
    url = make_url(database.url)
    if database.is_sqlite:
        with closing(sqlite3.connect(str(url.database))) as connection:
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA cache_size=-16000")
            connection.create_function("new_id", 0, lambda: new_id().hex)
            yield connection, "?"
    else:
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address) as connection:
            yield connection, "%s"


class _Bare:
    """The same work without Temporal, in the driver's own SQL, by one thread."""

    def __init__(self, parts: Parts, connection: Any, mark: str) -> None:  # noqa: ANN401
        self._connection = connection
        self._mark = mark
        self._subject = new_id().hex
        self._line = http.client.HTTPConnection(urlsplit(parts.stack.inbox).netloc)
        key = parts.stack.settings.sendgrid_api_key.get_secret_value()
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def run(self, addressees: int) -> None:
        """Write everything down, then claim, post and acknowledge it, a thousand at a time."""
        for first in range(0, addressees, BATCH):
            self._enqueue(f"c-{first:07}", f"c-{first + BATCH - 1:07}")
        while copies := self._claim():
            self._post(copies)
            self._acknowledge()

    def forget(self) -> None:
        """Leave the database as it was found."""
        self._do("DELETE FROM outbox_mail WHERE subject_id = ?", self._subject)
        self._connection.commit()

    def _enqueue(self, first: str, last: str) -> None:
        new_id_of_each = "new_id()" if self._mark == "?" else "gen_random_uuid()"
        self._do(
            "INSERT INTO outbox_mail (id, subject_kind, subject_id, addressee_kind, addressee_id,"  # noqa: S608
            f" step, shard, template, variant, state, attempts, queued_at) SELECT {new_id_of_each},"
            " 'bare', ?, 'account', id, 'first_notice', 0, 'bare', id, 'queued', 0,"
            " CURRENT_TIMESTAMP FROM account WHERE external_id BETWEEN ? AND ?",
            *(self._subject, first, last),
        )
        self._connection.commit()

    def _claim(self) -> Sequence[tuple[Any, str, str]]:
        self._attempt = new_id().hex
        self._do(
            "UPDATE outbox_mail SET state = 'sending', attempt_id = ?, attempts = attempts + 1,"
            " claimed_at = CURRENT_TIMESTAMP WHERE id IN (SELECT id FROM outbox_mail WHERE"
            " subject_id = ? AND step = 'first_notice' AND state = 'queued' LIMIT ?)",
            *(self._attempt, self._subject, BATCH),
        )
        copies: Sequence[tuple[Any, str, str]] = self._do(
            "SELECT outbox_mail.id, account.email, account.name FROM outbox_mail"
            " JOIN account ON account.id = addressee_id WHERE attempt_id = ?",
            self._attempt,
        ).fetchall()
        self._connection.commit()
        return copies

    def _post(self, copies: Sequence[tuple[Any, str, str]]) -> None:
        attempt = str(self._attempt)
        personal = [
            {
                "to": [{"email": address, "name": name}],
                "custom_args": {"mail_id": str(key), "attempt_id": attempt},
                "substitutions": {"_name_": name, "_NAME_": name, "_link_": LINK, "_LINK_": LINK},
            }
            for key, address, name in copies
        ]
        body = json.dumps({**FRAME, "personalizations": personal})
        self._line.request("POST", "/v3/mail/send", body, self._headers)
        answer = self._line.getresponse()
        answer.read()
        assert answer.status == 202

    def _acknowledge(self) -> None:
        self._do(
            "UPDATE outbox_mail SET state = 'accepted', accepted_at = CURRENT_TIMESTAMP,"
            " settled_at = CURRENT_TIMESTAMP WHERE attempt_id = ?",
            self._attempt,
        )
        self._connection.commit()

    def _do(self, statement: str, *values: object) -> Any:  # noqa: ANN401
        return self._connection.execute(statement.replace("?", self._mark), values)
