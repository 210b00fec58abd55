"""What is found out of whether the holder of an account is a minor: by one of privacy, the holder
heard, and agreed to by a second person before anything is erased (P18)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from database.facts import record
from database.people.stages import begin_minor
from database.requests import restrictions
from database.requests.minors import MinorRefused, open_one
from database.requests.requests import Received, receive
from database.tables import Account, DataSubjectRequest, MinorCheck
from database.writing import held
from domain.company import OfficeHours
from domain.people.account_holders import AccountKind
from domain.people.restrictions import Reason
from domain.places import local_date, zone_named
from domain.requests.data_subject_requests import Intake, Kind
from domain.requests.minors import FOUND_NO_MINOR, MinorEnd, heard_by

SAY_SOMETHING = "Please write something first."
NO_ADDRESS_KNOWN = "There is no address to which word could go."


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What somebody of staff found out, and by which means: the least intrusive that will do."""

    outcome: MinorEnd
    means: str


def take_on(transaction: Session, check_id: UUID, *, staff_id: UUID, now: datetime) -> None:
    """Somebody looks into it from now on. Raises MinorRefused."""
    check = open_one(transaction, check_id)
    check.owner_id = staff_id
    transaction.add(check)
    record(transaction, "minor.taken_on", check.id, now, staff=staff_id)


def hear(
    transaction: Session,
    check_id: UUID,
    said: str,
    now: datetime,
    *,
    how: str = "",
    staff_id: UUID | None = None,
) -> None:
    """What the holder says about it, on their page, or to staff, who write how. The last word
    counts. Raises MinorRefused."""
    check = open_one(transaction, check_id)
    if staff_id is not None and not how.strip():
        raise MinorRefused("Write how you heard them, or how you tried. Nothing was changed.")
    if not said.strip() and staff_id is None:
        raise MinorRefused(SAY_SOMETHING)
    check.said, check.heard_at, check.heard_how = said.strip(), now, how.strip()
    transaction.add(check)
    record(transaction, "minor.heard", check.id, now, staff=staff_id)


def propose_end(
    transaction: Session,
    check_id: UUID,
    looked: Looked,
    *,
    staff_id: UUID,
    office: OfficeHours,
    languages: Sequence[str],
    now: datetime,
) -> None:
    """Somebody says what they found out. That it is a minor's waits for a second person; else it
    ends with that. Raises MinorRefused."""
    check = open_one(transaction, check_id)
    if not looked.means.strip():
        raise MinorRefused("Write how you found it out: it stays with us. Nothing was changed.")
    if (looked.outcome is MinorEnd.NOBODY) != (check.account_id is None):
        raise MinorRefused(
            "That no account was found can be said where none is named, and nothing else there. "
            "Nothing was changed."
        )
    if looked.outcome is MinorEnd.MINOR:
        _require_heard(check, office, now)
    check.outcome, check.means = looked.outcome, looked.means.strip()
    check.proposed_by, check.proposed_at = staff_id, now
    transaction.add(check)
    record(transaction, "minor.found", check.id, now, outcome=looked.outcome, staff=staff_id)
    if looked.outcome is MinorEnd.MINOR:
        return
    check.ended_at = now
    if looked.outcome is MinorEnd.NOT_MINOR:
        _let_go(transaction, check, staff_id, languages, now)


def confirm_minor(
    transaction: Session,
    check_id: UUID,
    received: Received,
    *,
    staff_id: UUID,
    office: OfficeHours,
    now: datetime,
) -> DataSubjectRequest:
    """A second person agrees that it is a minor's account: it is kept restricted, approvals given
    there are void, and the request to erase it is made, which goes the way of all of them. Raises
    MinorRefused."""
    check = open_one(transaction, check_id)
    if check.outcome != MinorEnd.MINOR or check.account_id is None:
        raise MinorRefused("Nobody has found that this is a minor's account. Nothing was changed.")
    if check.proposed_by == staff_id:
        raise MinorRefused(
            "You found it yourself: a colleague of yours has to agree. Nothing was changed."
        )
    _require_heard(check, office, now)
    account = held(transaction, Account, check.account_id)
    if account.kind != AccountKind.MINOR:
        begin_minor(transaction, account, now)
    restrictions.restrict(
        transaction, [account.id], Reason.MINOR_REPORT, now=now, staff_id=staff_id
    )
    erasure = receive(transaction, to_erase(account), received, now)
    check.confirmed_by, check.ended_at, check.erasure_id = staff_id, now, erasure.id
    transaction.add(check)
    record(transaction, "minor.confirmed", check.id, now, staff=staff_id, request=erasure.id)
    return erasure


def to_erase(account: Account) -> Intake:
    """What is asked for of a minor's account, by us."""
    return Intake(
        name=account.name,
        contact_address=account.email,
        kinds=(Kind.ERASURE,),
        country=account.country,
        time_zone=account.time_zone,
        language=account.locale,
    )


def _let_go(
    transaction: Session,
    check: MinorCheck,
    staff_id: UUID,
    languages: Sequence[str],
    now: datetime,
) -> None:
    """What the report restricted ends, with word to the holder."""
    account = transaction.get_one(Account, check.account_id)
    lift = restrictions.Lift(
        explanation=FOUND_NO_MINOR, told_otherwise="" if account.email else NO_ADDRESS_KNOWN
    )
    for one in restrictions.of_account(transaction, account.id):
        if one.reason == Reason.MINOR_REPORT and one.lifted_at is None:
            restrictions.ask_to_lift(
                transaction, one.id, lift, staff_id=staff_id, languages=languages, now=now
            )


def _require_heard(check: MinorCheck, office: OfficeHours, now: datetime) -> None:
    if check.heard_at is not None:
        return
    if check.informed_at is None:
        raise MinorRefused(
            "Its holder has not heard of it: no mail reaches them. Reach them otherwise, or try, "
            "and write down what they said. Nothing was changed."
        )
    until = heard_by(check.informed_at, office)
    if local_date(now, zone_named(office.time_zone)) < until:
        raise MinorRefused(
            f"Its holder has until {until:%-d %B %Y} to say something, and has not yet. Nothing "
            "was changed."
        )
