"""When the holder of an account was said to have died, or to be a minor: each time, also those that
are over, as what governed then stays what it was whatever is said later (P6)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from database.tables import Account, EarlierStage
from domain.approvals.approvals import Stage
from domain.people.account_holders import AccountKind, Status

Latest = tuple[datetime | None, datetime | None, datetime | None, datetime | None]
"""`frozen_at`, `thawed_at`, `minor_from` and `minor_until` of an account."""


@dataclass(frozen=True, kw_only=True)
class Stages:
    """When an account was `frozen`, as its holder was said to have died, and when a `minor`'s; the
    first time first."""

    frozen: tuple[Stage, ...]
    minor: tuple[Stage, ...]


def stages_of(session: Session, accounts: Iterable[Account]) -> Mapping[UUID, Stages]:
    """Those of these accounts, by their ids."""
    return stages_after(
        session,
        {
            account.id: (
                *(account.frozen_at, account.thawed_at),
                *(account.minor_from, account.minor_until),
            )
            for account in accounts
        },
    )


def stages_after(session: Session, latest: Mapping[UUID, Latest]) -> Mapping[UUID, Stages]:
    """The same, of accounts whose own rows were read already."""
    earlier = _earlier(session, [key for key, at in latest.items() if at[0] or at[2]])
    return {
        key: Stages(
            frozen=(*earlier.get((key, Status.DECEASED), ()), *_last(frozen_at, thawed_at)),
            minor=(*earlier.get((key, AccountKind.MINOR), ()), *_last(minor_from, minor_until)),
        )
        for key, (frozen_at, thawed_at, minor_from, minor_until) in latest.items()
    }


def begin_deceased(transaction: Session, account: Account, now: datetime) -> None:
    """From now on its holder is said to have died."""
    _keep(transaction, account, Status.DECEASED, account.frozen_at, account.thawed_at)
    account.status, account.frozen_at, account.thawed_at = Status.DECEASED, now, None
    transaction.add(account)


def begin_minor(transaction: Session, account: Account, now: datetime) -> None:
    """From now on its holder is said to be a minor."""
    _keep(transaction, account, AccountKind.MINOR, account.minor_from, account.minor_until)
    account.kind, account.minor_from, account.minor_until = AccountKind.MINOR, now, None
    transaction.add(account)


def _keep(
    transaction: Session, account: Account, said: str, begun: datetime | None, over: datetime | None
) -> None:
    if begun and over:
        transaction.add(
            EarlierStage(account_id=account.id, said=said, begun_at=begun, over_at=over)
        )


def _last(begun: datetime | None, over: datetime | None) -> tuple[Stage, ...]:
    return (Stage(at=begun, until=over),) if begun else ()


def _earlier(
    session: Session, accounts: Collection[UUID]
) -> Mapping[tuple[UUID, str], list[Stage]]:
    if not accounts:
        return {}
    rows = session.exec(
        select(EarlierStage)
        .where(col(EarlierStage.account_id).in_(accounts))
        .order_by(col(EarlierStage.begun_at))
    ).all()
    stages: dict[tuple[UUID, str], list[Stage]] = {}
    for row in rows:
        stage = Stage(at=row.begun_at, until=row.over_at)
        stages.setdefault((row.account_id, row.said), []).append(stage)
    return stages
