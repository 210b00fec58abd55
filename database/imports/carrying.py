"""The statements that carry an import into the accounts, a chunk of its rows at a time.

They are built once: building one takes longer than carrying it out. `chunk` is what `next_chunk`
gives; what else they need stands in each.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Executable,
    Integer,
    String,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    delete,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlmodel import Session, SQLModel, col, exists, func
from sqlmodel.sql.sqltypes import UTCDateTime

from database.ids import id_of_each
from database.tables import Account, AccountImportRow, PolicyVersion
from domain.people.account_holders import AccountKind, Status

UNLESS_GIVEN: Mapping[str, object] = {
    "name": "",
    "locale": "en",
    "time_zone": None,
    "country": None,
    "status": "open",
    "kind": "person",
    "exempt_reason": None,
    "organisation_id": None,
    "approver": False,
}
UPDATED = ("email", *UNLESS_GIVEN)


def next_chunk(transaction: Session, import_id: UUID, size: int) -> dict[str, object] | None:
    """The rows to take next, in the order of external ids; None when there are none."""
    ids = transaction.scalars(_NEXT_IDS, {"of_import": import_id, "size": size}).all()
    return {"of_import": import_id, "up_to": ids[-1]} if ids else None


def rows_of(transaction: Session, statement: Executable, given: Mapping[str, object]) -> int:
    """Carry out a statement; how many rows it touched."""
    options = {"preserve_rowcount": True}
    done: Any = transaction.execute(statement, dict(given), execution_options=options)
    return int(done.rowcount)


def same_account() -> ColumnElement[bool]:
    """A row and the account it speaks of."""
    return col(Account.external_id) == col(AccountImportRow.external_id)


def says_otherwise(*names: str) -> ColumnElement[bool]:
    """Whether a row gives a value that its account does not have; of these columns, or of any."""
    return or_(
        *(
            and_(given.is_not(None), given.is_distinct_from(getattr(Account, name)))
            for name in names or UPDATED
            for given in [_given(name)]
        )
    )


def _given(name: str) -> ColumnElement[Any]:
    """What a row gives. An empty address is none given: a known account keeps its own."""
    given: ColumnElement[Any] = getattr(AccountImportRow, name)
    return func.nullif(given, "") if name == "email" else given


def _given_or(name: str, otherwise: object) -> ColumnElement[Any]:
    return _given(name) if otherwise is None else func.coalesce(_given(name), otherwise)


_TABLES = SQLModel.metadata.tables
_DECIDED_AT = bindparam("decided_at", type_=UTCDateTime())
_STATUS, _KIND = _given_or("status", None), _given_or("kind", None)
_CHUNK = and_(
    col(AccountImportRow.import_id) == bindparam("of_import", type_=Uuid()),
    col(AccountImportRow.external_id) <= bindparam("up_to"),
)
_NEXT_IDS = (
    select(col(AccountImportRow.external_id))
    .where(col(AccountImportRow.import_id) == bindparam("of_import", type_=Uuid()))
    .order_by(col(AccountImportRow.external_id))
    .limit(bindparam("size", type_=Integer()))
)
_NEW: dict[str, Any] = {
    "id": col(AccountImportRow.account_id),
    "external_id": col(AccountImportRow.external_id),
    "email": col(AccountImportRow.email),
    **{name: _given_or(name, usual) for name, usual in UNLESS_GIVEN.items()},
    "joined_at": func.coalesce(col(AccountImportRow.joined_at), _DECIDED_AT),
    "recorded_at": _DECIDED_AT,
    "closed_at": case((_STATUS == Status.CLOSED, _DECIDED_AT)),
    "frozen_at": case((_STATUS == Status.DECEASED, _DECIDED_AT)),
    "minor_from": case((_KIND == AccountKind.MINOR, _DECIDED_AT)),
}
ADD_ACCOUNTS = insert(_TABLES["account"]).from_select(
    list(_NEW), select(*_NEW.values()).where(_CHUNK, ~exists().where(same_account()))
)
"""Adds the accounts of a chunk that are not known. Needs `decided_at`."""


def _becomes(column: str, given: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    return and_(given == value, getattr(Account, column) != value)


def _is_no_more(column: str, given: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    return and_(given != value, getattr(Account, column) == value)


def _from_to(
    column: str, given: ColumnElement[Any], value: str, begin: str, end: str
) -> dict[str, Any]:
    """Since when and until when an account was said to be something."""
    starts, ends = (how(column, given, value) for how in (_becomes, _is_no_more))
    return {
        begin: case((starts, _DECIDED_AT), else_=getattr(Account, begin)),
        end: case((starts, null()), (ends, _DECIDED_AT), else_=getattr(Account, end)),
    }


_OF_THE_DEAD = ("status", _STATUS, Status.DECEASED, "frozen_at", "thawed_at")
_OF_MINORS = ("kind", _KIND, AccountKind.MINOR, "minor_from", "minor_until")
_RETURNS = or_(
    _becomes("status", _STATUS, Status.OPEN), _is_no_more("kind", _KIND, AccountKind.SERVICE)
)
_OTHER_ADDRESS = and_(
    func.lower(col(Account.email)) != func.lower(col(AccountImportRow.email)),
    col(AccountImportRow.email) != "",
)
UPDATE_ACCOUNTS = (
    update(_TABLES["account"])
    .where(_CHUNK, same_account(), says_otherwise())
    .values(
        {
            **{name: _given_or(name, getattr(Account, name)) for name in UPDATED},
            "exempt_reason": case(
                (_KIND.is_not(None), col(AccountImportRow.exempt_reason)),
                else_=col(Account.exempt_reason),
            ),
            "closed_at": case(
                (col(Account.status) == _STATUS, col(Account.closed_at)),
                (_STATUS == Status.CLOSED, _DECIDED_AT),
                (_STATUS == Status.OPEN, null()),
                else_=col(Account.closed_at),
            ),
            "reopened_at": case((_RETURNS, _DECIDED_AT), else_=col(Account.reopened_at)),
            "address_changed_at": case(
                (_OTHER_ADDRESS, _DECIDED_AT), else_=col(Account.address_changed_at)
            ),
            **_from_to(*_OF_THE_DEAD),
            **_from_to(*_OF_MINORS),
        }
    )
)
"""Updates the known accounts of which a chunk says something else. Needs `decided_at`."""


def _says(words: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether what is asserted in a row holds these words, as they are."""
    unsaid: ColumnElement[str] = func.replace(_SAID, words, "")
    return unsaid != _SAID


_SAID: ColumnElement[str] = func.coalesce(AccountImportRow.governing_versions, "")
_OF_POLICY = bindparam("named", type_=String())
_ASSERTED: dict[str, Any] = {
    "id": id_of_each(),
    "account_id": col(Account.id),
    "policy_id": col(PolicyVersion.policy_id),
    "policy_version_id": col(PolicyVersion.id),
    "asserted_by": bindparam("said_by", type_=Uuid()),
    "asserted_at": _DECIDED_AT,
}
ASSERT_VERSIONS = insert(_TABLES["asserted_version"]).from_select(
    list(_ASSERTED),
    select(*_ASSERTED.values())
    .select_from(AccountImportRow)
    .join(Account, col(Account.id) == col(AccountImportRow.account_id))  # those just added
    .join(PolicyVersion, col(PolicyVersion.policy_id) == bindparam("of_policy", type_=Uuid()))
    .where(
        _CHUNK,
        col(PolicyVersion.number).in_(bindparam("assertable", expanding=True)),
        case(
            (_says(_OF_POLICY), _says(_OF_POLICY + cast(PolicyVersion.number, String()) + "]")),
            else_=col(PolicyVersion.number) == bindparam("current", type_=Integer()),
        ),
    ),
)
"""Says which version of a policy governs the accounts that were added: the one that the file says,
else the `current` one. Needs `of_policy`, how it is `named` in a row, `current`,
the numbers that are `assertable`, `decided_at` and `said_by`."""

RE_ADDRESSED = (
    select(col(Account.id)).join(AccountImportRow, same_account()).where(_CHUNK, _OTHER_ADDRESS)
)
"""The known accounts of a chunk to which it gives another address."""

_CHANGE: dict[str, Any] = {
    "id": id_of_each(),
    "account_id": col(Account.id),
    "address": col(Account.email),
    "changed_at": _DECIDED_AT,
}
KEEP_REPLACED = insert(_TABLES["address_change"]).from_select(
    list(_CHANGE),
    select(*_CHANGE.values()).join(AccountImportRow, same_account()).where(_CHUNK, _OTHER_ADDRESS),
)
"""Keeps the addresses that a chunk replaces, before it does. Needs `decided_at`."""


def _earlier(
    column: str, given: ColumnElement[Any], value: str, begin: str, end: str
) -> Executable:
    stage: dict[str, Any] = {
        "id": id_of_each(),
        "account_id": col(Account.id),
        "said": literal(value),
        "begun_at": getattr(Account, begin),
        "over_at": getattr(Account, end),
    }
    return insert(_TABLES["earlier_stage"]).from_select(
        list(stage),
        select(*stage.values())
        .join(AccountImportRow, same_account())
        .where(
            _CHUNK,
            _becomes(column, given, value),
            getattr(Account, begin).is_not(None),
            getattr(Account, end).is_not(None),
        ),
    )


KEEP_STAGES = (_earlier(*_OF_THE_DEAD), _earlier(*_OF_MINORS))
"""Keeps the times in which somebody was said to have died, or to be a minor, before a chunk says so
again."""

RETURNED = select(col(Account.id)).join(AccountImportRow, same_account()).where(_CHUNK, _RETURNS)
"""The known accounts of a chunk that it opens, or that are no service's after all: they may be
owed mails that they were not while they were."""

DELETE_ROWS = delete(_TABLES["account_import_row"]).where(_CHUNK)
"""Forgets the rows of a chunk."""
