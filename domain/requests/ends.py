"""How a request ends that nobody judges: withdrawn, spam, or a duplicate of another (P19-P22)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.requests.data_subject_requests import Kind, Outcome

WORDS: Mapping[Outcome, str] = {
    Outcome.WITHDRAWN: "You took your request back before we answered it, so nothing more happens "
    "because of it.",
    Outcome.DUPLICATE: "You asked for the same twice. We answer both at once, with the other one.",
    Outcome.SPAM: "We found nothing in it that we could do for you. If you did want to ask for "
    "something, please make a new request and say what.",
}
"""What is explained to the person; our own sentences, translated where they are shown."""

TAKES_TWO = frozenset({Outcome.WITHDRAWN, Outcome.SPAM})
"""The ends that one member of staff may not bring about alone. What the person themselves withdraws
takes nobody."""


@dataclass(frozen=True, kw_only=True)
class Twin:
    """One of two requests that look alike. `due`: by right, of one that is to end those still open,
    when its answer is due. `about`: the address that it is about. `proved_at`: when the person
    proved who they are, if it is to be."""

    reference: str
    due: Mapping[Kind, datetime]
    account_id: UUID | None
    contact_key: str
    about: str
    needs_identity: bool
    proved_at: datetime | None
    received_at: datetime


def duplicate_refusal(one: Twin, other: Twin, now: datetime) -> str | None:
    """Why `one` may not end as a duplicate of `other`, as a sentence for staff; None when it may.

    The first that is verified wins, so that nobody can keep a person from their answer by asking
    first; its answer is due when the other's was, where that is earlier, so one that is overdue is
    answered itself; whoever has shown nothing is told of no request but one from their own address;
    and two who share a mailbox are two people, each with an answer of their own (P19, P21).
    """
    same_account = one.account_id is not None and one.account_id == other.account_id
    other_account = None not in {one.account_id, other.account_id} and not same_account
    same_contact = one.contact_key != "" and one.contact_key == other.contact_key
    if one.reference == other.reference:
        return "A request is no duplicate of itself."
    if not (same_account or same_contact):
        return f"{other.reference} is of another account, and came from another address."
    if other_account or (not same_account and one.about != other.about):
        return f"{other.reference} is about another account or address: each gets its own answer."
    if missing := [kind for kind in one.due if kind not in other.due]:
        return f"{other.reference} does not ask for {', '.join(missing)}: answer that first."
    if any(due <= now and due < other.due[kind] for kind, due in one.due.items()):
        return "This one is overdue: it needs an answer of its own, now."
    if one.needs_identity:
        return _unproved(one, other, same_contact=same_contact)
    if other.received_at > one.received_at:
        return f"{other.reference} came later: end that one as the duplicate."
    return None


def _unproved(one: Twin, other: Twin, *, same_contact: bool) -> str | None:
    if other.proved_at is None:
        return (
            f"Nobody has shown yet that {other.reference} comes from the person. Leave both open "
            "until one of them is verified."
        )
    if one.proved_at is not None and one.proved_at < other.proved_at:
        return f"This one was verified first: end {other.reference} as the duplicate."
    if one.proved_at is None and not same_contact:
        return (
            "Nobody has shown that this one comes from the same person, and its answer would tell "
            "them of the other."
        )
    return None
