"""The people of the tests, with fixed parts to play.

Alice approves, Bob declines, Carol stays silent, Dora asks for a copy of her data. Lena and Noor
are legal, Petra and Paul privacy, Omar ops.
"""

from datetime import datetime
from uuid import UUID, uuid4

from sqlmodel import Session

from database.engine import Database
from database.imports import account_imports, unfinished_imports
from database.people import accounts
from database.people.staff import add_staff, by_handle
from database.policies import policies
from database.tables import Staff

STAFF = {
    "lena": ("Lena Lindqvist", ["legal"]),
    "noor": ("Noor Nasser", ["legal"]),
    "petra": ("Petra Pohl", ["privacy"]),
    "paul": ("Paul Pereira", ["privacy"]),
    "omar": ("Omar Okafor", ["ops", "admin"]),
}
ALICE, BOB, CAROL, DORA = (
    accounts.AccountRow(
        external_id=f"{number:03}-{name}", email=f"{name}@people.example", name=full
    )
    for number, (name, full) in enumerate(
        [
            ("alice", "Alice Abel"),
            ("bob", "Bob <script>alert(1)</script> Brandt"),
            ("carol", "Carol Castro"),
            ("dora", "Dora Dahl"),
        ]
    )
)
POLICY = "privacy-policy"
LANGUAGES = ("en", "de")


def personal_words() -> list[str]:
    """What would tell who somebody is: names, addresses, the company's own ids of accounts."""
    people = (ALICE, BOB, CAROL, DORA)
    return [
        "people.example",
        "staff.example",
        *(person.external_id for person in people),
        *(person.name for person in people if person.name),
        *(name for name, _ in STAFF.values()),
    ]


def move_in(database: Database) -> dict[str, UUID]:
    """Staff and a policy without versions; returns the ids of staff by handle."""
    with database.transaction() as transaction:
        members = {
            handle: add_staff(
                transaction, handle=handle, name=name, email=f"{handle}@staff.example", roles=roles
            )[0]
            for handle, (name, roles) in STAFF.items()
        }
        transaction.flush()
        policies.add_policy(
            transaction, slug=POLICY, title="privacy policy", owner_id=members["lena"].id
        )
        return {handle: member.id for handle, member in members.items()}


def import_accounts(
    database: Database, rows: list[accounts.AccountRow], *, by: UUID, now: datetime
) -> None:
    """Make these people account holders."""
    import_id = uuid4()
    for _ in account_imports.stage(database, import_id, rows, asserted_by=by, now=now):
        pass
    with database.session() as session:
        account_imports.check(session, import_id, yes=True, now=now)
    assert account_imports.decide(database, import_id, now)
    unfinished_imports.carry(database, import_id, now)


def staff(session: Session, handle: str) -> Staff:
    """A member of staff by handle."""
    return by_handle(session, handle)
