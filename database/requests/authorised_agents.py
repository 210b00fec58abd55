"""Who asks for somebody else, and whether they may (P19)."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session, select

from database.facts import record
from database.tables import DataSubjectRequest, RequestAgent
from database.writing import hold


class Authority(StrEnum):
    """Whether an agent may act for the person."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class AgentRefused(Exception):
    """This cannot be noted of whoever asks for somebody else; nothing changed."""


def agent_of(session: Session, request_id: UUID) -> RequestAgent | None:
    """Who asks for the person; None when they ask themselves."""
    return session.exec(select(RequestAgent).where(RequestAgent.request_id == request_id)).first()


def is_authorised(session: Session, request_id: UUID) -> bool:
    """Whether whoever asks may: they ask for themselves, or somebody accepted their authority."""
    agent = agent_of(session, request_id)
    return agent is None or agent.authority == Authority.ACCEPTED


def decide_authority(
    transaction: Session,
    request: DataSubjectRequest,
    authority: Authority,
    *,
    evidence: str,
    staff_id: UUID,
    now: datetime,
) -> None:
    """A member of staff looked at what shows that the agent may act. Raises AgentRefused."""
    agent = _held_agent(transaction, request)
    if not evidence.strip():
        raise AgentRefused("Write what you were shown, and why it is enough or not.")
    agent.authority, agent.evidence = authority, evidence.strip()
    agent.decided_by, agent.decided_at = staff_id, now
    transaction.add(agent)
    record(
        transaction,
        "request.authority_decided",
        request.id,
        now,
        authority=authority,
        decided_by=staff_id,
    )


def confirm_authority(transaction: Session, request: DataSubjectRequest, now: datetime) -> None:
    """The person themselves said, from their address on file, that they want what is asked."""
    agent = agent_of(transaction, request.id)
    if agent is None or agent.authority == Authority.ACCEPTED:
        return
    agent.authority, agent.decided_by, agent.decided_at = Authority.ACCEPTED, None, now
    transaction.add(agent)
    record(transaction, "request.authority_decided", request.id, now, authority=Authority.ACCEPTED)


def delete_evidence(
    transaction: Session, request: DataSubjectRequest, *, staff_id: UUID, now: datetime
) -> None:
    """What was shown is no longer needed; that and by whom it was decided stays."""
    agent = _held_agent(transaction, request)
    if agent.evidence is None:
        return
    agent.evidence = None
    transaction.add(agent)
    record(transaction, "request.authority_evidence_deleted", request.id, now, deleted_by=staff_id)


def _held_agent(transaction: Session, request: DataSubjectRequest) -> RequestAgent:
    hold(transaction, request)
    agent = agent_of(transaction, request.id)
    if agent is None:
        raise AgentRefused("The person asks themselves: there is nobody whose authority matters.")
    return agent
