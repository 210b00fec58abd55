"""Which values are said to be wrong, for the page of the request (P12)."""

from sqlmodel import Session

from database.requests.data_corrections import claims_of
from database.requests.requested_rights import rights_of
from database.tables import DataSubjectRequest
from domain.requests.data_corrections import GROUND_WORDS
from domain.requests.data_subject_requests import Kind, RightState
from web.site import Site


def about_data_corrections(
    session: Session, site: Site, request: DataSubjectRequest
) -> dict[str, object]:
    """What was noted, and what the form offers while the correction is not decided."""
    rights = rights_of(session, request.id)
    right = next((one for one in rights if one.kind == Kind.CORRECTION), None)
    if right is None:
        return {"correction": None}
    is_open = request.answered_at is None and right.state == RightState.OPEN
    return {
        "correction": right,
        "claims": claims_of(session, right.id),
        "correctable": site.desk.correctable() if is_open else (),
        "correction_grounds": GROUND_WORDS,
    }
