"""Staff: who they are, by handle or personal token, and who holds a role."""

import secrets
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from sqlmodel import Session, select

from database.ids import new_id
from database.tables import Staff
from database.writing import insert_new
from domain.people.roles import ROLES

TOKEN_PREFIX = "pk_staff_"  # noqa: S105 - the visible start of a token, not a token

INTAKE_ROLES = ("privacy", "support")
"""Who may take in what came by mail, telephone or post (P30)."""


class StaffRefused(Exception):
    """Nobody of that name or token, or not in that role."""


def add_staff(
    transaction: Session, *, handle: str, name: str, email: str, roles: Sequence[str]
) -> tuple[Staff, str]:
    """Add a member of staff and return them with their personal token, which is shown only once."""
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise StaffRefused(f"No role {', '.join(unknown)}; the roles are {', '.join(ROLES)}.")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = {
        "id": new_id(),
        "handle": handle,
        "name": name,
        "email": email,
        "roles": list(roles),
        "token_hash": _hash(token),
    }
    if not insert_new(transaction, Staff, [row]):
        raise StaffRefused(f"There is a member of staff called {handle} already.")
    return transaction.get_one(Staff, row["id"]), token


def by_token(session: Session, token: str) -> Staff:
    """The member of staff who holds this personal token. Raises StaffRefused."""
    member = session.exec(
        select(Staff).where(Staff.token_hash == _hash(token), Staff.left_at == None)  # noqa: E711
    ).first()
    if member is None:
        raise StaffRefused("This personal token is not valid.")
    return member


def by_handle(session: Session, handle: str) -> Staff:
    """The member of staff with this handle. Raises StaffRefused."""
    member = session.exec(select(Staff).where(Staff.handle == handle)).first()
    if member is None or member.left_at is not None:
        raise StaffRefused(f"There is no member of staff called {handle}.")
    return member


def everybody(session: Session) -> Sequence[Staff]:
    """All present staff, by handle."""
    return session.exec(
        select(Staff).where(Staff.left_at == None).order_by(Staff.handle)  # noqa: E711
    ).all()


def in_role(session: Session, role: str) -> Sequence[Staff]:
    """Present staff who hold a role, in a stable order."""
    return [member for member in everybody(session) if role in member.roles]


def present(session: Session, staff_id: UUID) -> Sequence[Staff]:
    """The member of staff with this id, unless they left."""
    member = session.get(Staff, staff_id)
    return [member] if member is not None and member.left_at is None else []


def in_charge(session: Session, role: str) -> Sequence[Staff]:
    """Whom to tell what a role has to hear: where nobody holds it, admins, and else everybody."""
    return in_role(session, role) or in_role(session, "admin") or everybody(session)


def require_role(session: Session, staff_id: UUID, *roles: str) -> Staff:
    """The member of staff, if they hold one of the roles (P30). Raises StaffRefused."""
    member = session.get(Staff, staff_id)
    if member is None or member.left_at is not None:
        raise StaffRefused("This member of staff is not known.")
    if not set(roles) & {*member.roles}:
        raise StaffRefused(
            f"This takes the role {' or '.join(roles)}; "
            f"{member.handle} has {', '.join(member.roles)}."
        )
    return member


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
