"""What the engine found in a version, and what legal decided about it, as commands print it."""

import time
from typing import TYPE_CHECKING
from uuid import UUID

from domain.policies.reviews import VersionState

if TYPE_CHECKING:
    from sqlmodel import Session

    from cli.context import Office
    from database.tables import Finding, PolicyVersion

ASSESSED_WITHIN_SECONDS = 15


def print_assessment(office: "Office", version_id: UUID) -> None:
    """Wait for the workflow to assess the version, and say what it found."""
    from cli.printing import say
    from database.policies.assessments import assessment_of
    from database.policies.policies import previous_version

    version = _assessed(office, version_id)
    if version is None:
        say(
            "Not assessed yet: the worker is slow, or not running. Nothing is lost. "
            "See: promisekeeper doctor"
        )
        return
    with office.database.session() as session:
        previous = previous_version(session, version)
        assessment = assessment_of(session, previous.id, version.id) if previous else None
    if previous is None or assessment is None:
        say("It is the first version: there is nothing to compare it with.")
    else:
        say(f"Compared with version {previous.number}, in force: {assessment.verdict}.")
    print_findings(office, version)


def print_findings(office: "Office", version: "PolicyVersion") -> None:
    """A table of what was found, what it was compared with, and how each stands."""
    from cli.printing import print_table, table_of
    from database.policies.assessments import compared_with, findings_of

    with office.database.session() as session:
        bases = compared_with(session, version.id)
        rows = [
            {
                "finding": finding.key,
                "against version": ", ".join(map(str, bases.get(finding.id, ()))),
                "status": _status_words(office, session, finding),
                "direction": f"{finding.direction}, {finding.severity}",
                "what": finding.explanation,
                "before": finding.before,
                "after": finding.after,
            }
            for finding in findings_of(session, version.id)
        ]
    if rows:
        print_table(table_of(rows, tuple(rows[0])))


def _assessed(office: "Office", version_id: UUID) -> "PolicyVersion | None":
    from database.tables import PolicyVersion

    deadline = time.monotonic() + ASSESSED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        with office.database.session() as session:
            version = session.get_one(PolicyVersion, version_id)
        if version.state != VersionState.SUBMITTED:
            return version
        time.sleep(0.2)
    return None


def _status_words(office: "Office", session: "Session", finding: "Finding") -> str:
    from database.policies.decisions import decided_before
    from database.policies.law import cited

    before = decided_before(session, finding)
    lines = [finding.status.replace("_", " ")]
    lines += [before.words(office.settings.company.zone)] if before else []
    lines += [str(law) for law in cited(session, [finding])]
    return "\n".join(lines)
