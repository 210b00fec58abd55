"""The earlier answer that a refusal as "already answered" rests on (P20)."""

from sqlmodel import Session, col, or_, select

from database.requests.same_person import is_about, person_asked_about
from database.tables import DataSubjectRequest, RequestDecision, RequestedRight
from domain.requests.data_subject_requests import Ground, Outcome
from domain.requests.decisions import SET_ASIDE
from domain.requests.personal_data import Verb

NO_ANSWER = (*SET_ASIDE, Outcome.UNVERIFIED)
NOT_ANSWERED_BEFORE = (
    "No request of the same person for the same right was answered before this one came, so it "
    "cannot be refused for that. Choose another ground; or, where it was answered elsewhere, take "
    "that request in with the true time of its receipt, and answer it. Nothing was sent."
)


def answered_before(session: Session, right: RequestedRight) -> DataSubjectRequest | None:
    """The last request of the same person that was judged on the same right before this one came;
    None where there is none. What is appealed against is none, nor what was refused as answered."""
    request = session.get_one(DataSubjectRequest, right.request_id)
    person = person_asked_about(session, request, Verb.LOCATE)
    appealed = request.follows_id if request.is_appeal else None
    return session.exec(
        select(DataSubjectRequest)
        .join(RequestedRight, col(RequestedRight.request_id) == col(DataSubjectRequest.id))
        .join(RequestDecision, col(RequestDecision.id) == col(RequestedRight.decision_id))
        .where(
            is_about(session, person),
            col(DataSubjectRequest.answered_at) <= request.received_at,
            col(DataSubjectRequest.id).not_in([request.id, appealed or request.id]),
            RequestedRight.kind == right.kind,
            col(RequestedRight.outcome).not_in(NO_ANSWER),
            or_(
                col(RequestDecision.ground).is_(None),
                RequestDecision.ground != Ground.ALREADY_ANSWERED,
            ),
        )
        .order_by(col(DataSubjectRequest.answered_at).desc())
    ).first()
