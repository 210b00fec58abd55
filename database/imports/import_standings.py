"""How imports of accounts stand, for ops."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from database.imports.account_imports import DECIDED, STAGED
from database.imports.unfinished_imports import CARRIED_ON, rows_left
from database.tables import AccountImport, Fact


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is on its way in, and when an import that was left in the middle was last carried on.

    `decided_at` and `rows_left` are of the one that stands and is not done; `put_aside_at` of the
    oldest file that is not decided.
    """

    decided_at: datetime | None
    rows_left: int
    put_aside_at: datetime | None
    carried_on_at: datetime | None


def how_imports_stand(session: Session) -> Standing:
    """How imports stand, for ops."""
    decided = session.exec(select(AccountImport).where(AccountImport.state == DECIDED)).first()
    put_aside = select(func.min(col(AccountImport.staged_at))).where(AccountImport.state == STAGED)
    carried_on = select(func.max(col(Fact.recorded_at))).where(Fact.kind == CARRIED_ON)
    return Standing(
        decided_at=decided.decided_at if decided else None,
        rows_left=rows_left(session, decided.id) if decided else 0,
        put_aside_at=session.exec(put_aside).one(),
        carried_on_at=session.exec(carried_on).one(),
    )
