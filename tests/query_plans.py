"""How a database would find what it is asked for: which tables it would read from end to end."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlmodel import Session, text

from database.engine import Database

GROWING = {
    *("account", "approval", "campaign_addressee", "consent_decision", "delivery_event"),
    *("link", "mail_suppression", "missed_notice", "outbox_mail"),
}
"""Tables with a row for each account holder, or several."""
_SCANNED = re.compile(r"SCAN (\w+)")
_BY_STATE = re.compile(r"(?:SCAN|SEARCH(?= .*\(state=\?\)$)) (\w+)")
_WITHOUT_SHARD = re.compile(
    r"SEARCH(?= .*\((?:campaign_id=\?|subject_id=\?(?: AND step=\?)?)\)$) "
    r"(campaign_addressee|outbox_mail)"
)


@contextmanager
def whole_tables_read(
    database: Database, *, by_state: bool = False, without_shard: bool = False
) -> Iterator[set[str]]:
    """The growing tables that what is asked meanwhile reads from end to end: told at the end.

    `by_state`: what SQLite finds by nothing but a state counts too, as nearly all may be in it.
    `without_shard`: instead, what it finds by nothing but a campaign, or a step of it.
    PostgreSQL likes to read a table of a few rows whole; it is told not to where an index helps.
    """
    whole = _WITHOUT_SHARD if without_shard else _BY_STATE if by_state else _SCANNED
    asked: list[tuple[str, Any]] = []
    found: set[str] = set()

    def hear(*told: Any) -> None:  # noqa: ANN401 - whatever SQLAlchemy tells
        asked.append((told[2], told[3]))

    event.listen(database.engine, "before_cursor_execute", hear)
    yield found
    event.remove(database.engine, "before_cursor_execute", hear)
    with database.session() as session:
        for statement, values in asked:
            if re.match(r"(SELECT|INSERT|UPDATE|DELETE|WITH)\b", statement):
                of_one = values[0] if isinstance(values, list) else values
                found |= (
                    _of_sqlite(session, statement, of_one, whole)
                    if database.is_sqlite
                    else _of_postgresql(session, statement, of_one)
                )
    assert asked, "nothing was asked"


def _of_sqlite(
    session: Session,
    statement: str,
    values: Any,  # noqa: ANN401
    whole: re.Pattern[str],
) -> set[str]:
    plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    scanned = (whole.match(row[3]) for row in plan)
    return {found[1] for found in scanned if found} & GROWING


def _of_postgresql(session: Session, statement: str, values: Any) -> set[str]:  # noqa: ANN401
    for way in ("seqscan", "hashjoin", "mergejoin"):
        session.execute(text(f"SET LOCAL enable_{way} = off"))
    plan = session.connection().exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values)
    (whole,) = plan.scalar_one()
    hashed = {*re.findall(r"hashed (SubPlan \d+)", json.dumps(whole))}
    return {*_read_whole(whole["Plan"], hashed)} & GROWING


def _read_whole(node: Mapping[str, Any], hashed: Collection[str]) -> Iterator[str]:
    """An index without a condition is read from end to end as well. What is `hashed` PostgreSQL
    reads whole because the table is small, and would find by its index in a large one."""
    if node.get("Subplan Name") in hashed:
        return
    by_index = node["Node Type"] in ("Index Scan", "Index Only Scan")
    if node["Node Type"] == "Seq Scan" or (by_index and "Index Cond" not in node):
        yield node["Relation Name"]
    for each in node.get("Plans", ()):
        yield from _read_whole(each, hashed)
