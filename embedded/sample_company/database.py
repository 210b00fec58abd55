"""Makes the invented company's database, in SQLite or PostgreSQL, always with the same rows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from embedded.sample_company.people import NAMED, Somebody, customers

OTHERS = 40
FIRST_DAY = date(2015, 3, 2)
TABLES = sa.MetaData()
Rows = Iterator[tuple[sa.Table, Mapping[str, object]]]

CUSTOMER = sa.Table(
    "customer",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account_number", sa.String(60), unique=True),
    sa.Column("email", sa.String(254), nullable=False, index=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("street", sa.String(200)),
    sa.Column("phone", sa.String(40)),
    sa.Column("customer_since", sa.Date, nullable=False),
    sa.Column("restricted", sa.Boolean, nullable=False),
    sa.Column("in_dispute", sa.Boolean, nullable=False),
)
INVOICE = sa.Table(
    "invoice",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("customer_id", sa.ForeignKey("customer.id"), nullable=False, index=True),
    sa.Column("number", sa.String(20), nullable=False),
    sa.Column("issued_on", sa.Date, nullable=False),
    sa.Column("billed_to", sa.String(400), nullable=False),
    sa.Column("amount_cents", sa.Integer, nullable=False),
)
PAYMENT = sa.Table(
    "payment",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("invoice_id", sa.ForeignKey("invoice.id"), nullable=False, index=True),
    sa.Column("iban", sa.String(34), nullable=False),
    sa.Column("paid_on", sa.Date, nullable=False),
)
REMOTE_SESSION = sa.Table(
    "remote_session",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("host_account", sa.String(60), index=True),
    sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("device", sa.String(100)),
    sa.Column("ip_address", sa.String(45)),
    sa.Column("notes", sa.Text),
)
PARTICIPANT = sa.Table(
    "session_participant",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("session_id", sa.ForeignKey("remote_session.id"), nullable=False, index=True),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("ip_address", sa.String(45)),
)
CONTACT = sa.Table(
    "marketing_contact",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("email", sa.String(254), nullable=False, index=True),
    sa.Column("name", sa.String(200)),
    sa.Column("newsletter", sa.Boolean, nullable=False),
    sa.Column("employer", sa.String(200)),
    sa.Column("likely_to_buy", sa.String(20)),
)
MARKETING_EVENT = sa.Table(
    "marketing_event",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("contact_id", sa.ForeignKey("marketing_contact.id"), nullable=False, index=True),
    sa.Column("happened", sa.String(40), nullable=False),
    sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
)
TICKET = sa.Table(
    "support_ticket",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("requester_email", sa.String(254), nullable=False, index=True),
    sa.Column("requester_name", sa.String(200), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
)
MESSAGE = sa.Table(
    "support_message",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("ticket_id", sa.ForeignKey("support_ticket.id"), nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
)


def make(url: str, *, others: int = OTHERS) -> bool:
    """Make tables and rows in an empty database; False, and nothing done, where they are already.

    Emil is in a dispute, so his data is on hold.
    """
    engine = sa.create_engine(url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            if sa.inspect(connection).has_table(CUSTOMER.name):
                return False
            TABLES.create_all(connection)
            for table, rows in _by_table(customers(others)).items():
                connection.execute(sa.insert(table), rows)
            return True
    finally:
        engine.dispose()


def _by_table(people: Sequence[Somebody]) -> Mapping[sa.Table, list[Mapping[str, object]]]:
    found: dict[sa.Table, list[Mapping[str, object]]] = {
        table: [] for table in TABLES.sorted_tables
    }
    for number, one in enumerate(people, start=1):
        other = people[number % len(people)]
        for table, row in _rows(number, one, other):
            found[table].append({"id": len(found[table]) + 1, **row})
    return found


def _rows(number: int, one: Somebody, other: Somebody) -> Rows:
    yield from _billing(number, one)
    yield from _sessions(number, one, other)
    yield from _marketing(number, one)
    yield from _support(number, one)


def _billing(number: int, one: Somebody) -> Rows:
    since = FIRST_DAY + timedelta(days=37 * number)
    yield (
        CUSTOMER,
        {
            "account_number": one.number,
            "email": one.email,
            "name": one.name,
            "street": f"{number} Example Street",
            "phone": f"+49 30 000{number:04}",
            "customer_since": since,
            "restricted": False,
            "in_dispute": one is NAMED[4],
        },
    )
    for year in (since.year, 2026):
        issued = date(year, 12, 1)
        yield (
            INVOICE,
            {
                "customer_id": number,
                "number": f"{year}-{number:04}",
                "issued_on": issued,
                "billed_to": f"{one.name}, {number} Example Street",
                "amount_cents": 1990 + number,
            },
        )
        yield (
            PAYMENT,
            {
                "invoice_id": 2 * number - (year == since.year),
                "iban": f"DE00 0000 0000 0000 {number:04} 00",
                "paid_on": issued + timedelta(days=9),
            },
        )


def _sessions(number: int, one: Somebody, other: Somebody) -> Rows:
    yield (
        REMOTE_SESSION,
        {
            "host_account": one.number,
            "started_at": _noon(number),
            "device": "Laptop",
            "ip_address": f"192.0.2.{number % 250}",
            "notes": f"{other.name} joined and shared their screen.",
        },
    )
    for part, address in ((one, "192.0.2"), (other, "198.51.100")):
        yield (
            PARTICIPANT,
            {
                "session_id": number,
                "email": part.email,
                "name": part.name,
                "ip_address": f"{address}.{number % 250}",
            },
        )


def _marketing(number: int, one: Somebody) -> Rows:
    yield (
        CONTACT,
        {
            "email": one.email,
            "name": one.name,
            "newsletter": number % 3 != 0,
            "employer": f"Example Works {number % 7}",
            "likely_to_buy": ("low", "middle", "high")[number % 3],
        },
    )
    yield (
        MARKETING_EVENT,
        {"contact_id": number, "happened": "newsletter_opened", "happened_at": _noon(number)},
    )


def _support(number: int, one: Somebody) -> Rows:
    if number % 2:
        opened_at = _noon(number)
        yield (
            TICKET,
            {
                "requester_email": one.email,
                "requester_name": one.name,
                "subject": "The appointment page does not open",
                "opened_at": opened_at,
            },
        )
        yield (
            MESSAGE,
            {
                "ticket_id": (number + 1) // 2,
                "body": "It says that I have no appointment.",
                "written_at": opened_at,
            },
        )


def _noon(number: int) -> datetime:
    return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=number % 28)
