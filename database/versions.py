"""Which database this is, and whether it is new enough for this code."""

import sqlite3
from dataclasses import dataclass

from sqlalchemy import Connection

OLDEST = {"sqlite": (3, 35), "postgresql": (14,)}
"""SQLite: UPDATE ... RETURNING. PostgreSQL: what its makers still mend is what we can vouch for."""
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


class DatabaseTooOld(Exception):
    """The database lacks what this code needs; the process must not work with it."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """A database's kind and version."""

    kind: str
    number: tuple[int, ...]

    def __str__(self) -> str:
        return f"{NAMES[self.kind]} {_dotted(self.number)}"

    @property
    def is_supported(self) -> bool:
        """Whether it is new enough."""
        return self.number >= OLDEST[self.kind]


def version_of(connection: Connection) -> Version:
    """The version that answers on this connection."""
    kind = connection.dialect.name
    if kind == "sqlite":
        return Version(kind=kind, number=sqlite3.sqlite_version_info)
    told = connection.dialect.server_version_info or ()
    return Version(kind=kind, number=tuple(part for part in told if isinstance(part, int)))


def require_supported(version: Version) -> None:
    """Raises DatabaseTooOld, in words for whoever starts the process."""
    if not version.is_supported:
        raise DatabaseTooOld(
            f"This database is {version}, and Promisekeeper needs "
            f"{NAMES[version.kind]} {_dotted(OLDEST[version.kind])} or newer. Nothing was changed. "
            "Bring the database to a newer version, or set PROMISEKEEPER_DATABASE_URL to one."
        )


def _dotted(number: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in number)
