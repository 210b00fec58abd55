"""A few real people of a version's audience, spread over groups and languages (P4)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, zip_longest

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from database.approvals.approvals import PolicyHistory
from database.campaigns.audiences import is_addressed
from database.mail.steps import FIRST_NOTICE, notice_template
from database.people.accounts import open_since
from database.policies.law import bases_by_law
from database.tables import Account, AssertedVersion, Policy, PolicyVersion
from domain.people.account_holders import AccountKind, Status, left_out
from domain.people.languages import nearest_language
from domain.policies.reviews import VersionClass

READERS = 10
LOOKED_AT = 200
"""Accounts looked at of each locale and of each version that staff asserted: so a look takes as
long for a million accounts as for a thousand."""
Group = tuple[int, int, str]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Somebody who would get a version's first notice: which mail, in what language, and the
    version that it tells the change from."""

    account: Account
    base: PolicyVersion
    template: str
    language: str


def sample_readers(
    session: Session, version: PolicyVersion, languages: Sequence[str], now: datetime
) -> tuple[Reader, ...]:
    """Up to ten people: one of each group of governing version, accepted version and language,
    then a second of each, and so on. Nobody, while the version has no class or when it is
    editorial."""
    if version.version_class in (None, VersionClass.EDITORIAL):
        return ()
    history = PolicyHistory(session, session.get_one(Policy, version.policy_id))
    by_law = bases_by_law(session, version)
    accounts = _candidates(session, version, now)
    groups: dict[Group, list[Reader]] = {}
    for account_id, state in history.governing(list(accounts.values()), now).items():
        asks = history.needs_approval(state, version)
        account = accounts[account_id]
        addressed = is_addressed(version, state.number)
        if addressed and not left_out(account.status, account.kind):
            language = nearest_language(account.locale, languages)
            base = history.versions[state.number]
            reader = Reader(
                account=account,
                base=base,
                template=notice_template(
                    FIRST_NOTICE,
                    asks_approval=asks,
                    by_law=base.id in by_law,
                    minor=asks and account.kind == AccountKind.MINOR,
                ),
                language=language,
            )
            groups.setdefault((state.number, state.accepted, language), []).append(reader)
    in_turn = chain.from_iterable(zip_longest(*(groups[key] for key in sorted(groups))))
    return tuple(reader for reader in in_turn if reader)[:READERS]


def _candidates(session: Session, version: PolicyVersion, now: datetime) -> dict[object, Account]:
    return {
        account.id: account
        for which in _kinds(session, version)
        for account in session.exec(
            select(Account)
            .where(Account.status == Status.OPEN, Account.email != "", open_since() <= now, which)
            .order_by(Account.external_id)
            .limit(LOOKED_AT)
        ).all()
    }


def _kinds(session: Session, version: PolicyVersion) -> Iterator[ColumnElement[bool]]:
    for locale in session.exec(select(Account.locale).distinct()).all():
        yield col(Account.locale) == locale
    of_policy = AssertedVersion.policy_id == version.policy_id
    asserted = select(AssertedVersion.policy_version_id).where(of_policy).distinct()
    for version_id in session.exec(asserted).all():
        yield col(Account.id).in_(
            select(AssertedVersion.account_id).where(
                of_policy, AssertedVersion.policy_version_id == version_id
            )
        )
