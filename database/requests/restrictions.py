"""Accounts that are restricted: set by staff or by a report, lifted with notice only (P14, P18)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from database.facts import record
from database.ids import new_id
from database.mail.outbox import ACCOUNT, RESTRICTION, Queued, queue
from database.people.restricted import restricted_among
from database.requests.source_tasks import ask_once_more
from database.tables import (
    Account,
    DataSubjectRequest,
    OutboxMail,
    RequestedRight,
    Restriction,
)
from database.webhooks.events import EventKind, tell
from database.writing import held_if_there, insert_new
from domain.people.languages import nearest_language
from domain.people.restrictions import Reason
from domain.requests.data_subject_requests import Kind
from domain.requests.decisions import DONE
from domain.requests.personal_data import Verb

LIFTED = "restriction_lifted"
"""The step, and the template, of the mail that says so."""
TOLD = ("accepted", "delivered", "complained")
"""What became of that mail when its holder has been told."""


class RestrictionRefused(Exception):
    """A restriction cannot be set or lifted like this; nothing changed."""


@dataclass(frozen=True, kw_only=True)
class Lift:
    """Why a restriction ends, as its holder is told; `told_otherwise`: how, where mail cannot."""

    explanation: str
    told_otherwise: str = ""


def restrict(
    transaction: Session,
    account_ids: Iterable[UUID],
    reason: Reason,
    *,
    now: datetime,
    staff_id: UUID | None = None,
    request_id: UUID | None = None,
    note: str = "",
) -> tuple[UUID, ...]:
    """Restrict accounts; the ids of what is new. One restricted for that reason stays so."""
    restricted = {new_id(): account_id for account_id in sorted(account_ids)}
    rows = [
        {
            "id": id_,
            "account_id": account_id,
            "reason": reason.value,
            "request_id": request_id,
            "note": note,
            "restricted_by": staff_id,
            "restricted_at": now,
            "explanation": "",
            "told_otherwise": "",
        }
        for id_, account_id in restricted.items()
    ]
    new = insert_new(transaction, Restriction, rows)
    for id_ in new:
        record(
            transaction,
            "account.restricted",
            id_,
            now,
            account=restricted[id_],
            reason=reason.value,
            staff=staff_id,
            request=request_id,
        )
    tell(transaction, EventKind.RESTRICTION_CHANGED, [restricted[id_] for id_ in new], now)
    return new


def ask_to_lift(
    transaction: Session,
    restriction_id: UUID,
    lift: Lift,
    *,
    staff_id: UUID,
    languages: Sequence[str],
    now: datetime,
) -> tuple[UUID, ...]:
    """Tell the holder that a restriction ends; it does once that mail is out (P14).

    Where mail cannot reach them, and they were told otherwise, it ends now. Returns the mails to be
    sent. Raises RestrictionRefused.
    """
    restriction = held_if_there(transaction, Restriction, restriction_id)
    if restriction is None or restriction.lifted_at is not None:
        raise RestrictionRefused("There is no such restriction (any more). Nothing was changed.")
    if not lift.explanation.strip():
        raise RestrictionRefused(
            "Write why it ends: the holder is told before it does. Nothing was changed."
        )
    account = transaction.get_one(Account, restriction.account_id)
    if not (account.email or lift.told_otherwise.strip()):
        raise RestrictionRefused(
            "The account has no address. Tell its holder otherwise, and write how. "
            "Nothing was changed."
        )
    restriction.lift_asked_by, restriction.lift_asked_at = staff_id, now
    restriction.explanation = lift.explanation.strip()
    restriction.told_otherwise = lift.told_otherwise.strip()
    transaction.add(restriction)
    record(
        transaction,
        "restriction.lift_asked",
        restriction.id,
        now,
        account=restriction.account_id,
        staff=staff_id,
    )
    if restriction.told_otherwise:
        _lift(transaction, restriction, now)
        return ()
    return queue(transaction, [_word_of_it(restriction, account, languages)], now)


def lift_what_was_told(transaction: Session, now: datetime, *, limit: int) -> int:
    """Lift the restrictions whose holders have been told by a mail that went out; how many."""
    told = exists().where(
        col(OutboxMail.subject_id) == col(Restriction.id),
        col(OutboxMail.step) == LIFTED,
        col(OutboxMail.state).in_(TOLD),
    )
    rows = transaction.exec(
        select(Restriction)
        .where(col(Restriction.lifted_at).is_(None), told)
        .order_by(col(Restriction.id))
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()
    for restriction in rows:
        _lift(transaction, restriction, now)
    return len(rows)


def of_account(session: Session, account_id: UUID) -> Sequence[Restriction]:
    """Every restriction of an account, those that are over too, the first one first."""
    return session.exec(
        select(Restriction)
        .where(Restriction.account_id == account_id)
        .order_by(col(Restriction.restricted_at), col(Restriction.id))
    ).all()


def standing(session: Session) -> Sequence[tuple[Restriction, Account]]:
    """What is restricted now, the longest first."""
    return session.exec(
        select(Restriction, Account)
        .join(Account, col(Account.id) == col(Restriction.account_id))
        .where(col(Restriction.lifted_at).is_(None))
        .order_by(col(Restriction.restricted_at), col(Restriction.id))
    ).all()


def outlived(session: Session) -> Mapping[UUID, str]:
    """Restrictions that stood while an objection was weighed, which was not granted and is not
    looked at again: nobody has asked yet that they end (P14, P15). By id, the reference of the
    request."""
    appeal = aliased(DataSubjectRequest)
    weighed_again = exists().where(
        col(appeal.follows_id) == col(DataSubjectRequest.id), col(appeal.answered_at).is_(None)
    )
    rows = session.exec(
        select(Restriction.id, DataSubjectRequest.reference)
        .join(DataSubjectRequest, col(DataSubjectRequest.id) == col(Restriction.request_id))
        .join(RequestedRight, col(RequestedRight.request_id) == col(DataSubjectRequest.id))
        .where(
            Restriction.reason == Reason.DISPUTED,
            col(Restriction.lifted_at).is_(None),
            col(Restriction.lift_asked_at).is_(None),
            RequestedRight.kind == Kind.OBJECTION,
            col(RequestedRight.outcome).not_in(DONE),
            col(DataSubjectRequest.answered_at).is_not(None),
            ~weighed_again,
        )
    ).all()
    return dict(rows)


def mails_about(session: Session, restrictions: Iterable[Restriction]) -> Mapping[UUID, str]:
    """Of restrictions that are to end: how the mail about it stands."""
    ids = [restriction.id for restriction in restrictions]
    rows = session.exec(
        select(OutboxMail.subject_id, OutboxMail.state).where(
            col(OutboxMail.subject_id).in_(ids), OutboxMail.step == LIFTED
        )
    ).all()
    return dict(rows)


def _lift(transaction: Session, restriction: Restriction, now: datetime) -> None:
    restriction.lifted_at = now
    transaction.add(restriction)
    tell(transaction, EventKind.RESTRICTION_CHANGED, [restriction.account_id], now)
    transaction.flush()
    if not restricted_among(transaction, [restriction.account_id]):
        for request_id in _of_the_account(transaction, restriction.account_id):
            ask_once_more(transaction, request_id, Verb.RESTRICT, now)
    record(
        transaction,
        "restriction.lifted",
        restriction.id,
        now,
        account=restriction.account_id,
        reason=restriction.reason,
        staff=restriction.lift_asked_by,
    )


def _of_the_account(session: Session, account_id: UUID) -> Sequence[UUID]:
    """The requests because of which sources may have restricted an account."""
    return session.exec(
        select(DataSubjectRequest.id).where(DataSubjectRequest.account_id == account_id)
    ).all()


def _word_of_it(restriction: Restriction, account: Account, languages: Sequence[str]) -> Queued:
    return Queued(
        subject_kind=RESTRICTION,
        subject_id=restriction.id,
        addressee_kind=ACCOUNT,
        addressee_id=account.id,
        step=LIFTED,
        template=LIFTED,
        variant=restriction.id,
        language=nearest_language(account.locale, languages),
    )
