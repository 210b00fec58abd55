"""The earlier answer that a refusal as "already answered" rests on (P20)."""

from datetime import datetime

from sqlmodel import Session, col, or_, select

from database.requests.same_person import is_about, person_asked_about
from database.tables import DataSubjectRequest, RequestDecision, RequestedRight
from domain.requests.data_subject_requests import Ground, Outcome
from domain.requests.decisions import SET_ASIDE
from domain.requests.personal_data import Verb

NO_ANSWER = (*SET_ASIDE, Outcome.UNVERIFIED)
NOT_ANSWERED_BEFORE = (
    "No earlier request of the same person for the same right was answered, so this one cannot be "
    "refused for that. Choose another ground; or, where it was answered elsewhere, take "
    "that request in with the true time of its receipt, and answer it. Nothing was sent."
)


def answered_before(
    session: Session, right: RequestedRight, decided_at: datetime
) -> DataSubjectRequest | None:
    """The last of the person's earlier requests that was judged on the same right, and answered by
    the time of a decision; None where there is none. What is appealed against is none, nor what was
    refused as answered already; nor of another account with the same address: two who share a
    mailbox are two people, each with an answer of their own."""
    request = session.get_one(DataSubjectRequest, right.request_id)
    person = person_asked_about(session, request, Verb.LOCATE)
    account_id = col(DataSubjectRequest.account_id)
    is_theirs = or_(
        request.account_id is None, account_id.is_(None), account_id == request.account_id
    )
    appealed = request.follows_id if request.is_appeal else None
    return session.exec(
        select(DataSubjectRequest)
        .join(RequestedRight, col(RequestedRight.request_id) == col(DataSubjectRequest.id))
        .join(RequestDecision, col(RequestDecision.id) == col(RequestedRight.decision_id))
        .where(
            is_about(session, person),
            is_theirs,
            col(DataSubjectRequest.received_at) <= request.received_at,
            col(DataSubjectRequest.answered_at) <= decided_at,
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
