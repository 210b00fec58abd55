"""What we keep for other companies: whom a person is sent to, once they may know (P24)."""

from collections.abc import Sequence

from sqlmodel import Session

from database.requests.estates import waits_for_authority
from database.requests.identity import controls_empty_address, is_verified
from database.requests.packages import held_for_others
from database.requests.requested_rights import rights_of
from database.tables import DataSubjectRequest
from domain.requests.data_subject_requests import GATED_KINDS
from domain.requests.decisions import SET_ASIDE

HELD_FOR_OTHERS = (
    "Something is held under this address, for another company: answer that the request has to go "
    "there. The answer names the company by itself."
)


def may_be_sent_elsewhere(session: Session, request: DataSubjectRequest) -> bool:
    """Whether the person showed who they are, or that the address is theirs: then they may know for
    whom we keep data about them. After a death that takes more than the mailbox of the dead."""
    known = is_verified(request) and not waits_for_authority(session, request)
    return known or controls_empty_address(session, request)


def sent_elsewhere(session: Session, request: DataSubjectRequest) -> Sequence[str] | None:
    """The companies that a person is to ask for what we keep for them; None where nobody may be
    named, as we do not know who asks. What ended without being judged sends nobody anywhere."""
    if request.outcome in SET_ASIDE:
        return ()
    if may_be_sent_elsewhere(session, request):
        return held_for_others(session, request.id)
    gated = any(right.kind in GATED_KINDS for right in rights_of(session, request.id))
    return None if gated else ()
