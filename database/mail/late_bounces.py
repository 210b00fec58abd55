"""To which mails an event belongs that does not say so: a bounce that comes back late has lost our
ids on its way, and is placed by the request it went with and the address."""

from collections.abc import Mapping
from uuid import UUID

from sqlmodel import Session, col, func, select

from database.mail.outbox import ACCOUNT, AGENT, AT_SOURCE, REQUESTER, STAFF
from database.tables import (
    Account,
    DataSubjectRequest,
    MailAttempt,
    OutboxMail,
    RequestAgent,
    SourceAddress,
    Staff,
)


def learn(transaction: Session, said: Mapping[UUID, str]) -> None:
    """Note the mail service's ids of attempts whose answer we do not have: its events may be
    quicker, or all that is left of it when the sender died in between."""
    nameless = transaction.exec(
        select(MailAttempt)
        .where(col(MailAttempt.id).in_(said), col(MailAttempt.provider_id).is_(None))
        .order_by(col(MailAttempt.id))
        .with_for_update(key_share=True)
    ).all()
    for attempt in nameless:
        attempt.provider_id = said[attempt.id]


def place(session: Session, provider_id: str, address: str) -> list[tuple[UUID, UUID]]:
    """The mails of one request to the mail service that went to an address, each with its attempt.

    `provider_id` is the mail service's id of the request. A mail that was sent again since, or
    whose address was changed, is not found; of two accounts with one address both are.
    """
    if not provider_id or not address.strip():
        return []
    kind, addressee = col(OutboxMail.addressee_kind), col(OutboxMail.addressee_id)
    addresses = func.coalesce(
        Account.email,
        Staff.email,
        DataSubjectRequest.contact_email,
        RequestAgent.email,
        SourceAddress.address,
    )
    rows = session.exec(
        select(OutboxMail.id, MailAttempt.id)
        .join(MailAttempt, col(MailAttempt.id) == col(OutboxMail.attempt_id))
        .outerjoin(Account, (kind == ACCOUNT) & (col(Account.id) == addressee))
        .outerjoin(Staff, (kind == STAFF) & (col(Staff.id) == addressee))
        .outerjoin(
            DataSubjectRequest, (kind == REQUESTER) & (col(DataSubjectRequest.id) == addressee)
        )
        .outerjoin(RequestAgent, (kind == AGENT) & (col(RequestAgent.id) == addressee))
        .outerjoin(SourceAddress, (kind == AT_SOURCE) & (col(SourceAddress.id) == addressee))
        .where(
            MailAttempt.provider_id == provider_id,
            func.lower(addresses) == address.strip().lower(),
        )
        .order_by(col(OutboxMail.id))
    ).all()
    return list(rows)
