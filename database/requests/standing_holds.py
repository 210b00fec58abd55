"""Which legal holds stand on somebody, asked before anything is erased or corrected (P13)."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from database.people.accounts import accounts_of
from database.requests.same_person import person_asked_about
from database.tables import Account, DataSubjectRequest, LegalHold
from database.writing import held
from domain.requests.personal_data import Person, Verb


def standing_on(session: Session, account_id: UUID) -> Sequence[LegalHold]:
    """The holds that stand on an account, the oldest first."""
    return session.exec(
        select(LegalHold)
        .where(LegalHold.account_id == account_id, col(LegalHold.released_at).is_(None))
        .order_by(col(LegalHold.placed_at), col(LegalHold.id))
    ).all()


def sources_on_hold(session: Session, person: Person) -> frozenset[str]:
    """The sources that holds on somebody stand on; `EVERYWHERE` among them for all.

    A source may know a person by the address alone, so a hold on any account with it counts.
    """
    return frozenset(
        hold.source
        for account in accounts_of(session, person)
        for hold in standing_on(session, account.id)
    )


def sources_kept_on_hold(transaction: Session, person: Person) -> frozenset[str]:
    """The same; as long as the transaction lasts, none comes and none goes."""
    for account in accounts_of(transaction, person):
        held(transaction, Account, account.id)
    return sources_on_hold(transaction, person)


def bars_erasure(transaction: Session, request: DataSubjectRequest) -> bool:
    """Whether a hold stands on whom a request would have erased; as long as the transaction lasts,
    none comes and none goes. The request is held."""
    person = person_asked_about(transaction, request, Verb.ERASE)
    return bool(sources_kept_on_hold(transaction, person))
