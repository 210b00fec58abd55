"""Which version governs whom, for many accounts at once, and as it is told to others (P6)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from database.approvals.approvals import PolicyHistory, Proven
from database.tables import Account, Approval

ACCOUNTS_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Governed:
    """An account and what governs it; nothing does before the account was known."""

    account: Account
    proven: Proven | None


def governed_after(
    session: Session, history: PolicyHistory, at: datetime, *, after: str, limit: int
) -> Sequence[Governed]:
    """The next accounts by external id, after one."""
    accounts = session.exec(
        select(Account)
        .where(Account.external_id > after)
        .order_by(col(Account.external_id))
        .limit(limit)
    ).all()
    answers = history.proven(accounts, at)
    return [Governed(account=account, proven=answers.get(account.id)) for account in accounts]


def all_governed(
    session: Session, history: PolicyHistory, at: datetime
) -> Iterator[Sequence[Governed]]:
    """Every account that a version governs at an instant, a thousand at a time."""
    after = ""
    while page := governed_after(session, history, at, after=after, limit=ACCOUNTS_AT_ONCE):
        after = page[-1].account.external_id
        yield [governed for governed in page if governed.proven is not None]
        session.expunge_all()


def told(history: PolicyHistory, proven: Proven) -> dict[str, object]:
    """What governs an account and every row that proves it, for JSON."""
    state, asserted = proven.state, proven.asserted
    return {
        "version": state.number,
        "since": state.since,
        "accepted": state.accepted,
        "steps": [
            {
                "version": step.number,
                "since": step.since,
                "because": step.because,
                "approval": step.approval.row if step.approval else None,
                "required_by_law": step.required_by or None,
                "in_error": step.in_error or None,
            }
            for step in state.steps
        ],
        **without_approval(proven),
        "asserted": asserted and {"version": asserted.number, "by": asserted.by, "at": asserted.at},
        "approvals": decisions(history, proven),
    }


def in_a_line(proven: Proven) -> dict[str, object]:
    """The same in one line of a table: of the rows only the one that proves the last move."""
    state, asserted, proof = proven.state, proven.asserted, proven.proof
    return {
        "version": state.number,
        "since": state.since,
        "accepted": state.accepted,
        "because": state.steps[-1].because,
        "required_by_law": "; ".join(state.steps[-1].required_by) or None,
        "in_error": state.steps[-1].in_error or None,
        "approval": proof and proof.id,
        "decided_at": proof and proof.decided_at,
        "how": proof and proof.how,
        "language": proof and proof.language,
        "text_sha256": proof and proof.text_sha256,
        "change_sha256": proof and proof.change_sha256,
        **without_approval(proven),
        "asserted_version": asserted and asserted.number,
        "asserted_by": asserted and asserted.by,
        "asserted_at": asserted and asserted.at,
    }


def without_approval(proven: Proven) -> dict[str, object]:
    """What was promised to whoever does not approve the version in force, if this account is one
    of them (P5)."""
    version = proven.not_approved
    return {
        "without_approval": version and version.without_approval,
        "stay_until": version and version.stay_until_on,
    }


def decisions(history: PolicyHistory, proven: Proven) -> list[dict[str, object]]:
    """Every decision about the policy, and whether it stands: taken back and voided ones too."""
    standing = {word.row for word in proven.state.words}
    shown = history.shown(proven.approvals)
    return [
        {
            "id": approval.id,
            "version": history.by_id[approval.policy_version_id].number,
            "decision": approval.decision,
            "stands": approval.id in standing,
            "decided_at": approval.decided_at,
            "said_at": approval.said_at,
            "shown_from": history.by_id[approval.shown_from_version_id].number,
            "how": approval.how,
            "language": approval.language,
            "text_sha256": approval.text_sha256,
            "change_sha256": approval.change_sha256,
            "shown": shown.get(approval.change_sha256),
            "voided": _void(proven, approval),
        }
        for approval in proven.approvals
    ]


def _void(proven: Proven, approval: Approval) -> Mapping[str, object] | None:
    void = proven.voids.get(approval.id)
    return {"at": void.at, "because": void.proof} if void else None
