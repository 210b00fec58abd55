"""Who may decide an appeal: nobody who decided what it is against, so there may be nobody (P20)."""

from collections.abc import Sequence

from sqlmodel import Session

from database.people.staff import in_role
from database.requests.requested_rights import decided_before
from database.tables import DataSubjectRequest, Staff

DECIDED_BEFORE = (
    "The person does not agree with the answer that you gave: somebody else has to decide about it."
)
WHAT_TO_DO = (
    "Have an admin add somebody to the privacy team (promisekeeper staff add HANDLE --role "
    "privacy); the clock goes on."
)
NOBODY = (
    "Everybody of privacy decided about the answer that this is against, so nobody of you can "
    f"answer it. {WHAT_TO_DO}"
)
ONE_ALONE = (
    "Only {name} did not decide about the answer that this is against, and a refusal, whole or in "
    f"part, takes two. {WHAT_TO_DO}"
)


def may_decide(session: Session, request: DataSubjectRequest) -> Sequence[Staff]:
    """Those of privacy who may decide about a request, of an appeal or any other."""
    before = decided_before(session, request)
    return [member for member in in_role(session, "privacy") if member.id not in before]


def too_few(session: Session, request: DataSubjectRequest) -> str:
    """For staff, that there is nobody, or no second person, to decide an appeal, and what to do;
    empty where there are enough, or it is answered."""
    if not request.is_appeal or request.answered_at is not None:
        return ""
    left = may_decide(session, request)
    if not left:
        return NOBODY
    return ONE_ALONE.format(name=left[0].name) if len(left) == 1 else ""


def why_not_them(session: Session, request: DataSubjectRequest) -> str:
    """For whoever decided before, why they do not decide now; and what to do where nobody can."""
    return f"{DECIDED_BEFORE} {too_few(session, request)}".strip()
