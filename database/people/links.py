"""Personal links: random bytes bound to one person, one subject and one purpose (P32)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, exists, literal, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select
from sqlmodel.sql.sqltypes import UTCDateTime

from database.facts import record
from database.ids import new_nonce, nonce_of_each
from database.tables import CampaignAddressee, Link, OutboxMail
from database.writing import insert_selected

APPROVE = "approve"
UNSUBSCRIBE = "unsubscribe"
"""No more reminders. It is made of the bytes of the link to approve, and signed for this."""
PREFERENCES = "preferences"
"""What somebody may be mailed for. It is made of the id of their account and signed for this: it
needs no row, is at hand for every account, and works for ever (P17)."""
REQUEST_STATUS = "request-status"
REQUEST_VERIFY = "request-verify"
REQUEST_AGENT = "request-agent"
"""How a request stands, for who asked for somebody else: never what was answered."""
REQUEST_HANDOFF = "request-handoff"
"""To make one request, for whoever is signed in at the company's own application (P25)."""
REQUEST_STOP = "request-stop"
"""In the warning to an address that was on file before (P19)."""
REQUEST_COPY = "request-copy"
"""To fetch the copy of one's data, with a code besides (P11, P16)."""
REQUEST_ERASURE = "request-erasure"
"""To think over an erasure that was granted: have it at once, or keep the data (P13)."""
MINOR_CHECK = "minor-check"
"""To say something, for whoever is said to be a minor (P18)."""
REQUEST_CODE = "request-code"
REQUEST_COPY_CODE = "request-copy-code"
"""Of no link: what the codes of `IdentityCode` are made for."""
_BY_NONCE = select(Link).where(
    Link.nonce == bindparam("nonce"), Link.purpose == bindparam("purpose")
)
NOT_OUT_FOR_SURE = ("queued", "sending", "unknown", "operator", "suppressed")


class LinkUnusable(Exception):
    """The link is of no use. `kind`: unknown | expired | replaced | used | given_back, where who
    read the mail said that it was meant for somebody else.

    `link` is None for an unknown one.
    """

    def __init__(self, kind: str, link: Link | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.link = link


@dataclass(frozen=True, kw_only=True)
class Holder:
    """An account holder and a link of theirs."""

    account_id: UUID
    link_id: UUID


def add_link(
    transaction: Session,
    *,
    purpose: str,
    subject_id: UUID,
    now: datetime,
    account_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> Link:
    """Keep a new link: 16 random bytes, which the token in the mail carries and signs."""
    link = Link(
        nonce=new_nonce(),
        purpose=purpose,
        subject_id=subject_id,
        account_id=account_id,
        created_at=now,
        expires_at=expires_at,
    )
    transaction.add(link)
    return link


def add_first_links(transaction: Session, addressees: ColumnElement[bool], now: datetime) -> None:
    """Give each of these addressees of a campaign a link, unless they have had one.

    A first link has the id of its addressee: of two senders at once only one makes it.
    """
    had_one = exists().where(col(Link.subject_id) == col(CampaignAddressee.id))
    row: dict[str, Any] = {
        "id": col(CampaignAddressee.id),
        "nonce": nonce_of_each(),
        "purpose": literal(APPROVE),
        "subject_id": col(CampaignAddressee.id),
        "account_id": col(CampaignAddressee.account_id),
        "created_at": literal(now, UTCDateTime()),
    }
    without = select_columns(*row.values()).where(addressees, ~had_one)
    insert_selected(transaction, Link, list(row), without)


def to_approve(account_ids: Collection[UUID]) -> ColumnElement[bool]:
    """Of a link and its addressee: whether it leads one of these accounts to its decision, and no
    other took its place."""
    return and_(
        col(CampaignAddressee.id) == col(Link.subject_id),
        col(CampaignAddressee.account_id).in_(account_ids),
        col(Link.purpose) == APPROVE,
        col(Link.successor_id).is_(None),
    )


def replace_links(transaction: Session, account_ids: Collection[UUID], now: datetime) -> None:
    """Give accounts new approval links: their old ones went to an address that is theirs no more.

    Mails that did not go out for sure carry the new ones, which are good also where an old one was
    said to have reached somebody else. The caller holds the mails (`mail_rows.of_campaigns_to`).
    """
    if not account_ids:
        return
    rows = transaction.exec(
        select(Link, CampaignAddressee)
        .where(to_approve(account_ids))
        .order_by(col(Link.id))
        .with_for_update(of=Link, key_share=True)
    ).all()
    for link, addressee in rows:
        successor = add_link(
            transaction,
            purpose=APPROVE,
            subject_id=link.subject_id,
            account_id=link.account_id,
            now=now,
        )
        transaction.flush()
        link.successor_id = successor.id
        transaction.execute(
            update(OutboxMail)
            .where(
                col(OutboxMail.subject_id) == addressee.campaign_id,
                col(OutboxMail.addressee_id) == addressee.account_id,
                col(OutboxMail.link_id) == link.id,
                col(OutboxMail.state).in_(NOT_OUT_FOR_SURE),
            )
            .values(link_id=successor.id)
        )
        record(transaction, "link.replaced", link.id, now, successor=successor.id)


def latest_nonces(session: Session, addressees: Collection[UUID]) -> Mapping[UUID, bytes]:
    """The bytes of the links by which addressees decide, where those they had were replaced."""
    if not addressees:
        return {}
    rows = session.exec(
        select(Link.subject_id, Link.nonce).where(
            col(Link.subject_id).in_(addressees),
            Link.purpose == APPROVE,
            col(Link.successor_id).is_(None),
        )
    ).all()
    return dict(rows)


def usable_link(session: Session, purpose: str, nonce: bytes, now: datetime) -> Link:
    """The link behind a verified token. Raises LinkUnusable, whose kind the page puts in words."""
    link = session.exec(_BY_NONCE, params={"nonce": nonce, "purpose": purpose}).first()
    if link is None:
        raise LinkUnusable("unknown")
    if link.successor_id is not None:
        raise LinkUnusable("replaced", link)
    if link.used_at is not None:
        raise LinkUnusable("used", link)
    if link.expires_at is not None and link.expires_at <= now:
        raise LinkUnusable("given_back" if purpose == APPROVE else "expired", link)
    return link


def holder_of(session: Session, nonce: bytes) -> Holder:
    """Whom the link with these bytes was made for, whatever became of it: to ask for no more mail
    is possible for ever (P17). Raises LinkUnusable."""
    link = session.exec(select(Link).where(Link.nonce == nonce)).first()
    if link is None or link.account_id is None:
        raise LinkUnusable("unknown")
    return Holder(account_id=link.account_id, link_id=link.id)
