"""Whether the holder of an account is a minor: reported by anybody or seen by staff, restricted at
once, its holder told, and who looks into it (P18). What comes of that: `minor_findings.py`."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, func, select

from database.facts import record
from database.mail.outbox import (
    ACCOUNT,
    MINOR_CHECK,
    NO_ADDRESS,
    RESTRICTION,
    STAFF,
    Queued,
    queue,
)
from database.people.absences import absent
from database.people.links import MINOR_CHECK as LINK
from database.people.links import add_link
from database.people.staff import in_charge
from database.requests import restrictions
from database.tables import (
    Account,
    DataSubjectRequest,
    MinorCheck,
    OutboxMail,
    Restriction,
    Staff,
)
from database.writing import held, held_if_there
from domain.company import OfficeHours
from domain.people.account_holders import Status
from domain.people.languages import nearest_language
from domain.people.restrictions import Reason
from domain.requests.minors import (
    MinorEnd,
    check_by,
    restricted_at_once,
)

FOR_STAFF = "minor_check_for_you"
"""The step, and the template, of the mail to whoever is to look into it."""
WITHIN = timedelta(days=1)
NO_SUCH = "This is not looked into (any more). Nothing was changed."


class MinorRefused(Exception):
    """This cannot be said of whether somebody is a minor; nothing changed."""


def report(
    transaction: Session,
    request: DataSubjectRequest,
    named: Collection[UUID],
    *,
    entered_by: UUID | None,
    languages: Sequence[str],
    now: datetime,
) -> None:
    """Somebody reported a minor: stop marketing and sharing for these accounts at once, tell their
    holders, and have somebody look into it; also where no account is known.

    What staff took in restricts all of them. Else there is a limit for each reporter and for all of
    them, and an account that was found to be no minor's waits until staff have looked.
    """
    free = list(named)
    if entered_by is None:
        cleared = _found_no_minors(transaction, named)
        free = [one for one in named if one not in cleared][: _left(transaction, request, now)]
    restrictions.restrict(
        transaction,
        free,
        Reason.MINOR_REPORT,
        now=now,
        staff_id=entered_by,
        request_id=request.id,
    )
    new = []
    for account_id in sorted(named) or (None,):
        check, is_new = _opened(transaction, account_id, now, request_id=request.id)
        new += [check] if is_new else []
        if account_id in free:
            _inform(transaction, check, languages, now)
    for first in {check.owner_id: check for check in reversed(new)}.values():
        _tell_owner(transaction, first, now)  # once, however many of them are theirs


def open_by_staff(
    transaction: Session,
    account_id: UUID,
    *,
    note: str,
    staff_id: UUID,
    languages: Sequence[str],
    now: datetime,
) -> MinorCheck:
    """One of staff saw that an account may be a minor's: it is restricted, and looked into. Raises
    MinorRefused."""
    if not note.strip():
        raise MinorRefused("Write what you saw: it stays with us. Nothing was changed.")
    check, is_new = _opened(transaction, account_id, now, opened_by=staff_id, note=note.strip())
    if not is_new:
        raise MinorRefused("This account is looked into already. Nothing was changed.")
    _restrict(transaction, check, staff_id, languages, now)
    return check


def restrict_now(
    transaction: Session,
    check_id: UUID,
    *,
    staff_id: UUID,
    languages: Sequence[str],
    now: datetime,
) -> None:
    """Somebody looked at a report that restricted nothing by itself, and it holds. Raises
    MinorRefused."""
    check = open_one(transaction, check_id)
    if check.account_id is None:
        raise MinorRefused("Say first which account it is about. Nothing was changed.")
    _restrict(transaction, check, staff_id, languages, now)


def name_account(
    transaction: Session,
    check_id: UUID,
    account_id: UUID,
    *,
    staff_id: UUID,
    languages: Sequence[str],
    now: datetime,
) -> None:
    """Somebody found out which account a report is about: it is restricted. Raises MinorRefused."""
    check = open_one(transaction, check_id)
    if check.account_id is not None:
        raise MinorRefused("It is known already which account this is about. Nothing was changed.")
    if _open_of(transaction, account_id) is not None:
        raise MinorRefused(
            "This account is looked into already: end this one, as nobody else was found. Nothing "
            "was changed."
        )
    check.account_id = account_id
    transaction.add(check)
    transaction.flush()
    record(transaction, "minor.account_named", check.id, now, account=account_id, staff=staff_id)
    _restrict(transaction, check, staff_id, languages, now)


def check_by_id(session: Session, check_id: UUID) -> MinorCheck:
    """Raises MinorRefused."""
    check = session.get(MinorCheck, check_id)
    if check is None:
        raise MinorRefused(NO_SUCH)
    return check


def open_one(transaction: Session, check_id: UUID) -> MinorCheck:
    """What is looked into still, held. Raises MinorRefused."""
    check = held_if_there(transaction, MinorCheck, check_id)
    if check is None or check.ended_at is not None:
        raise MinorRefused(NO_SUCH)
    return check


def open_checks(session: Session) -> Sequence[tuple[MinorCheck, Account | None]]:
    """What is looked into, the longest first, with the account where one is known."""
    return session.exec(
        select(MinorCheck, Account)
        .join(Account, col(Account.id) == col(MinorCheck.account_id), isouter=True)
        .where(col(MinorCheck.ended_at).is_(None))
        .order_by(col(MinorCheck.opened_at), col(MinorCheck.id))
    ).all()


def overdue(session: Session, office: OfficeHours, today: date) -> Sequence[UUID]:
    """What nobody has looked into in time."""
    rows = session.exec(
        select(MinorCheck.id, MinorCheck.opened_at).where(col(MinorCheck.ended_at).is_(None))
    ).all()
    return [one for one, opened_at in rows if check_by(opened_at, office) < today]


def queued_at(session: Session, now: datetime) -> Sequence[UUID]:
    """The mails that were caused at this moment."""
    session.flush()
    return session.exec(
        select(OutboxMail.id).where(
            col(OutboxMail.subject_kind).in_([MINOR_CHECK, RESTRICTION]),
            OutboxMail.state == "queued",
            OutboxMail.queued_at == now,
        )
    ).all()


def _left(session: Session, request: DataSubjectRequest, now: datetime) -> int:
    """How many accounts more a report may restrict by itself."""
    lately = select(Restriction.request_id).where(
        Restriction.reason == Reason.MINOR_REPORT,
        col(Restriction.restricted_by).is_(None),
        col(Restriction.restricted_at) > now - WITHIN,
    )
    reports = session.exec(lately).all()
    same = set(
        session.exec(
            select(DataSubjectRequest.id).where(
                col(DataSubjectRequest.id).in_({one for one in reports if one}),
                DataSubjectRequest.contact_key == request.contact_key,
            )
        )
    )
    mine = sum(one in same for one in reports)
    return restricted_at_once(of_this_reporter=mine, of_all=len(reports))


def _found_no_minors(session: Session, account_ids: Collection[UUID]) -> set[UUID | None]:
    return set(
        session.exec(
            select(MinorCheck.account_id).where(
                col(MinorCheck.account_id).in_(account_ids),
                MinorCheck.outcome == MinorEnd.NOT_MINOR,
            )
        )
    )


def _opened(
    transaction: Session,
    account_id: UUID | None,
    now: datetime,
    *,
    request_id: UUID | None = None,
    opened_by: UUID | None = None,
    note: str = "",
) -> tuple[MinorCheck, bool]:
    """What is looked into of an account, or of a report that names none; whether it is new."""
    if account_id is not None:
        held(transaction, Account, account_id)  # two reports at once open one check
    known = _open_of(transaction, account_id, request_id)
    if known is not None:
        return known, False
    check = MinorCheck(
        account_id=account_id,
        request_id=request_id,
        note=note,
        opened_by=opened_by,
        opened_at=now,
        owner_id=opened_by or _owner(transaction, now),
    )
    transaction.add(check)
    transaction.flush()
    record(
        transaction,
        "minor.reported",
        check.id,
        now,
        account=account_id,
        request=request_id,
        staff=opened_by,
    )
    return check, True


def _open_of(
    session: Session, account_id: UUID | None, request_id: UUID | None = None
) -> MinorCheck | None:
    found = select(MinorCheck).where(
        MinorCheck.account_id == account_id, col(MinorCheck.ended_at).is_(None)
    )
    if account_id is None:
        found = found.where(MinorCheck.request_id == request_id)
    return session.exec(found).first()


def _owner(session: Session, now: datetime) -> UUID:
    """Of the privacy team at work, whoever has the fewest to look into."""
    team = in_charge(session, "privacy")
    at_work = [one for one in team if absent(session, one.id, now.date()) is None] or list(team)
    rows = session.exec(
        select(MinorCheck.owner_id, func.count())
        .where(col(MinorCheck.ended_at).is_(None))
        .group_by(col(MinorCheck.owner_id))
    ).all()
    busy = dict(rows)

    def turn(member: Staff) -> tuple[int, str]:
        return busy.get(member.id, 0), member.handle

    return min(at_work, key=turn).id


def _restrict(
    transaction: Session,
    check: MinorCheck,
    staff_id: UUID,
    languages: Sequence[str],
    now: datetime,
) -> None:
    restrictions.restrict(
        transaction,
        [check.account_id] if check.account_id else [],
        Reason.MINOR_REPORT,
        now=now,
        staff_id=staff_id,
        request_id=check.request_id,
    )
    _inform(transaction, check, languages, now)


def _inform(
    transaction: Session, check: MinorCheck, languages: Sequence[str], now: datetime
) -> None:
    """Its holder hears of it, and where they can say something; once."""
    if check.informed_at is not None or check.account_id is None:
        return
    account = transaction.get_one(Account, check.account_id)
    reaches = bool(account.email) and account.status == Status.OPEN
    link = add_link(transaction, purpose=LINK, subject_id=check.id, account_id=account.id, now=now)
    transaction.flush()
    mail = Queued(
        subject_kind=MINOR_CHECK,
        subject_id=check.id,
        addressee_kind=ACCOUNT,
        addressee_id=account.id,
        step=MINOR_CHECK,
        template=MINOR_CHECK,
        variant=check.id,
        language=nearest_language(account.locale, languages),
        link_id=link.id,
        state="queued" if reaches else NO_ADDRESS,
    )
    queue(transaction, [mail], now)
    check.informed_at = now if reaches else None
    transaction.add(check)


def _tell_owner(transaction: Session, check: MinorCheck, now: datetime) -> None:
    mail = Queued(
        subject_kind=MINOR_CHECK,
        subject_id=check.id,
        addressee_kind=STAFF,
        addressee_id=check.owner_id or _owner(transaction, now),
        step=FOR_STAFF,
        template=FOR_STAFF,
        variant=check.id,
    )
    queue(transaction, [mail], now)
