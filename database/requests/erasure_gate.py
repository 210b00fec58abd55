"""Why nothing of somebody may be erased at this moment, a legal hold apart (P13, P19).

Asked when an erasure begins, before each source is asked, when it ends, and of what people do by
hand: what may have changed since it was granted is looked at each time.
"""

from uuid import UUID

from sqlmodel import Session, col, select

from database.requests.authorised_agents import is_authorised
from database.requests.estates import is_heir_of_the_living, waits_for_authority
from database.requests.identity import is_verified
from database.requests.requested_rights import rights_of
from database.requests.same_person import is_about, person_asked_about
from database.tables import DataSubjectRequest, SourceTask
from domain.requests.data_subject_requests import RightState
from domain.requests.personal_data import Verb
from domain.requests.source_tasks import COPIED, OPEN_TASKS

UNKNOWN = (
    "It is not known who asks, or somebody at an address on file says that the request is not "
    "theirs. Nothing is erased until two of you found out who they are."
)
DIED = (
    "The holder of the account has died. Nothing is erased until two of you found that whoever "
    "asks may have it."
)
COPY_FIRST = (
    "A copy of what this source has is still to be made for the same person, and is made first. "
    "Help the source along, or say that the copy cannot be had."
)


def why_not_now(session: Session, request: DataSubjectRequest) -> str | None:
    """For staff, why nothing may be erased anywhere for a request; None where it may."""
    if not is_verified(request) or is_heir_of_the_living(session, request):
        return UNKNOWN
    return DIED if waits_for_authority(session, request) else None


def why_not_there(session: Session, request: DataSubjectRequest, source: str) -> str | None:
    """The same for one source: what is to be copied for the person is copied first (P11)."""
    if refusal := why_not_now(session, request):
        return refusal
    person = person_asked_about(session, request, Verb.ERASE)
    theirs = session.exec(
        select(DataSubjectRequest).where(
            is_about(session, person), col(DataSubjectRequest.answered_at).is_(None)
        )
    ).all()
    awaited = any(
        _is_awaited(session, one.id, source)
        for one in theirs
        if is_verified(one) and is_authorised(session, one.id)
    )
    return COPY_FIRST if awaited else None


def _is_awaited(session: Session, request_id: UUID, source: str) -> bool:
    """Whether a copy of what a source has is still to come; it may not be asked for yet."""
    states = session.exec(
        select(SourceTask.state).where(
            SourceTask.request_id == request_id,
            SourceTask.source == source,
            SourceTask.verb == Verb.EXPORT,
        )
    ).all()
    if states:
        return any(state in OPEN_TASKS for state in states)
    rights = rights_of(session, request_id)
    return any(right.kind in COPIED and right.state != RightState.DECIDED for right in rights)
