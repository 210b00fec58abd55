"""What the sandbox keeps: requests as they came, one row per copy, and which events it still owes.

A request's texts are stored once; each copy keeps its substitutions and is put together when it is
read. Everything is committed before SendGrid's 202 would be sent.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

LAST_OF_ALL = "9999"
"""An instant that comes after every other, as they are written here."""

_TABLES = """
CREATE TABLE IF NOT EXISTS request (
    id TEXT PRIMARY KEY, accepted_at TEXT NOT NULL, sender TEXT NOT NULL, sender_name TEXT NOT NULL,
    text TEXT NOT NULL, html TEXT NOT NULL, headers TEXT NOT NULL, custom_args TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT, request_id TEXT NOT NULL, number INTEGER NOT NULL,
    address TEXT NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL, substitutions TEXT NOT NULL,
    headers TEXT NOT NULL, custom_args TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS message_address ON message (address COLLATE NOCASE);
CREATE TABLE IF NOT EXISTS owed_event (message_id INTEGER PRIMARY KEY) STRICT;
"""
_SELECT_COPIES = """
SELECT message.id, request_id, number, address, name, subject, substitutions, message.headers,
    message.custom_args, accepted_at, sender, sender_name, text, html,
    request.headers AS request_headers, request.custom_args AS request_custom_args
FROM message JOIN request ON request.id = request_id
"""


@dataclass(frozen=True, kw_only=True)
class StoredCopy:
    """One copy as its reader would get it."""

    id: int
    request_id: str
    number: int
    address: str
    name: str
    sender: str
    sender_name: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    custom_args: Mapping[str, str]
    accepted_at: str


class Store:
    """The sandbox's SQLite file. Its methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._lock = threading.Lock()
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def accept(self, mail: Mapping[str, Any], accepted_at: str) -> str:
        """Keep a valid request, one copy per recipient, and return its id once it is on disk."""
        request_id = uuid4().hex
        copies = _copies(request_id, mail)
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                _request(request_id, mail, accepted_at),
            )
            connection.executemany(
                "INSERT INTO message (request_id, number, address, name, subject, substitutions,"
                " headers, custom_args) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                copies,
            )
            last = int(connection.execute("SELECT last_insert_rowid()").fetchone()[0])
            connection.executemany(
                "INSERT INTO owed_event VALUES (?)",
                [(last - number,) for number in range(len(copies))],
            )
        return request_id

    def copies(
        self,
        *,
        to: str = "",
        subject: str = "",
        words: str = "",
        before: int | None = None,
        limit: int = 50,
    ) -> list[StoredCopy]:
        """Return the newest copies first.

        `to` is an address, or a part of one when it has no `@`; `subject` a part of the subject;
        `words` a part of either; `before` the id of a copy where the last page ended.
        """
        rows = self._read(
            _SELECT_COPIES
            + """
            WHERE (:to = '' OR address = :to COLLATE NOCASE
                   OR (instr(:to, '@') = 0 AND instr(lower(address), lower(:to)) > 0))
              AND (:subject = '' OR instr(lower(subject), lower(:subject)) > 0)
              AND (:words = '' OR instr(lower(address || ' ' || subject), lower(:words)) > 0)
              AND (:before IS NULL OR message.id < :before)
            ORDER BY message.id DESC LIMIT :limit""",
            {"to": to, "subject": subject, "words": words, "before": before, "limit": limit},
        )
        return [_copy(row) for row in rows]

    def copy(self, message_id: int) -> StoredCopy | None:
        """Return one copy, or None."""
        rows = self._read(_SELECT_COPIES + "WHERE message.id = ?", (message_id,))
        return _copy(rows[0]) if rows else None

    def count(self) -> int:
        """Return how many copies there are."""
        return int(self._read("SELECT count(*) FROM message", ())[0][0])

    def clear(self) -> None:
        """Throw all copies away, and the events owed for them."""
        with self._transaction() as connection:
            for table in ("owed_event", "message", "request"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own tables

    def owed(self, limit: int, accepted_until: str = LAST_OF_ALL) -> list[StoredCopy]:
        """Return the oldest copies whose events nobody has taken yet."""
        rows = self._read(
            _SELECT_COPIES
            + "JOIN owed_event ON message_id = message.id"
            + " WHERE accepted_at <= ? ORDER BY message.id LIMIT ?",
            (accepted_until, limit),
        )
        return [_copy(row) for row in rows]

    def settle(self, message_ids: Sequence[int]) -> None:
        """Strike copies from the list of those whose events are owed."""
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM owed_event WHERE message_id = ?", [(one,) for one in message_ids]
            )

    def _read(
        self, query: str, values: Mapping[str, object] | tuple[object, ...]
    ) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _request(request_id: str, mail: Mapping[str, Any], accepted_at: str) -> tuple[str, ...]:
    parts = {part["type"]: part["value"] for part in mail["content"]}
    return (
        request_id,
        accepted_at,
        mail["from"]["email"],
        mail["from"].get("name") or "",
        parts.get("text/plain", ""),
        parts.get("text/html", ""),
        json.dumps(mail.get("headers") or {}),
        json.dumps(mail.get("custom_args") or {}),
    )


def _copies(request_id: str, mail: Mapping[str, Any]) -> list[tuple[object, ...]]:
    recipients = [
        (one, person)
        for one in mail["personalizations"]
        for kind in ("to", "cc", "bcc")
        for person in one.get(kind) or ()
    ]
    return [
        (
            request_id,
            number,
            person["email"],
            person.get("name") or "",
            _substituted(one.get("subject") or mail["subject"], one.get("substitutions") or {}),
            json.dumps(one.get("substitutions") or {}),
            json.dumps(one.get("headers") or {}),
            json.dumps(one.get("custom_args") or {}),
        )
        for number, (one, person) in enumerate(recipients)
    ]


def _copy(row: sqlite3.Row) -> StoredCopy:
    substitutions = json.loads(row["substitutions"])
    return StoredCopy(
        id=row["id"],
        request_id=row["request_id"],
        number=row["number"],
        address=row["address"],
        name=row["name"],
        sender=row["sender"],
        sender_name=row["sender_name"],
        subject=row["subject"],
        text=_substituted(row["text"], substitutions),
        html=_substituted(row["html"], substitutions),
        headers=json.loads(row["request_headers"]) | json.loads(row["headers"]),
        custom_args=json.loads(row["request_custom_args"]) | json.loads(row["custom_args"]),
        accepted_at=row["accepted_at"],
    )


def _substituted(text: str, substitutions: Mapping[str, str]) -> str:
    for tag, value in substitutions.items():
        text = text.replace(tag, value)
    return text
