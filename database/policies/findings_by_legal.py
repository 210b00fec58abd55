"""What legal added to a version, and which later pairs of texts show it too (P2, P6).

The engine missed it then and would again: without this a typing correction would bring the change
to people who never approved it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from database.tables import Assessment, AssessmentFinding, Finding, PolicyVersion
from domain.policies.quotes import (
    Became,
    Trace,
    clauses_meant,
    only_corrected,
    stand_in_place,
    stands_in,
    traces,
)
from domain.policies.reviews import BY_LEGAL, FindingStatus

AS_IT_WAS = (Became.UNTOUCHED, Became.CORRECTED)
STILL_SAID = (*AS_IT_WAS, Became.QUOTED)
DECIDED = (FindingStatus.CONFIRMED, FindingStatus.DISMISSED)


@dataclass(frozen=True, kw_only=True)
class CarriedOver:
    """A finding of legal's own that a pair of texts shows, in the words of these texts.

    `is_sure`: it stands as it was decided; otherwise legal has to look at it again.
    """

    known: Finding
    before: str | None
    after: str | None
    is_sure: bool

    @property
    def explanation(self) -> str:
        """What legal is told of it."""
        if self.is_sure:
            return self.known.explanation
        return (
            f"Legal added this to an earlier version, of the words “{self.known.after or ''}"
            f"{self.known.before or ''}”. They were changed since: is it still so?"
        )


def carried_over(
    session: Session, base: PolicyVersion, version: PolicyVersion
) -> Sequence[CarriedOver]:
    """What legal added to this version or an earlier one and the change from `base` shows.

    Not where the base says it already, nor where the version went back to what the base says. The
    sure ones come first, and of these what was said last.
    """
    rows = session.exec(
        select(Finding, PolicyVersion)
        .join(PolicyVersion, col(PolicyVersion.id) == col(Finding.policy_version_id))
        .where(
            PolicyVersion.policy_id == version.policy_id,
            PolicyVersion.number <= version.number,
            Finding.rule == BY_LEGAL,
        )
        .order_by(col(PolicyVersion.number).desc(), Finding.key)
    ).all()
    found = [
        carried
        for known, origin in rows
        if origin.id != version.id or known.added_by
        if (carried := shown(session, known, origin, base, version))
    ]
    return sorted(found, key=lambda carried: not carried.is_sure)


def shown(
    session: Session,
    known: Finding,
    origin: PolicyVersion,
    base: PolicyVersion,
    version: PolicyVersion,
) -> CarriedOver | None:
    """How the change from `base` shows what legal said of `origin`, or None if it does not."""
    if known.after:
        if known.added_by or base.number >= origin.number or _showed(session, known, origin, base):
            return _still_there(session, known, origin, base, version)
    elif known.added_by:
        return _still_gone(session, known, origin, base, version)
    return None


def brings(
    known: Finding, origin: PolicyVersion, base: PolicyVersion, earlier: PolicyVersion
) -> bool:
    """Whether the change from `base` to a version before `origin` brought already what legal said
    of that one."""
    if known.after:
        meant = clauses_meant(known.after, origin.text, base.text)
        there, before = (
            {trace.became for trace in traces(known.after, meant, origin.text, text)}
            for text in (earlier.text, base.text)
        )
        return not there.isdisjoint(STILL_SAID) and before.isdisjoint(AS_IT_WAS)
    words = known.before or ""
    if not stands_in(words, base.text):
        return False
    meant = clauses_meant(words, base.text, origin.text)
    there = {trace.became for trace in traces(words, meant, base.text, earlier.text)}
    return there.isdisjoint(AS_IT_WAS)


def _showed(session: Session, known: Finding, origin: PolicyVersion, base: PolicyVersion) -> bool:
    """Whether what a version only took over counted for this older text then."""
    return (
        session.exec(
            select(AssessmentFinding)
            .join(Assessment, col(Assessment.id) == col(AssessmentFinding.assessment_id))
            .where(
                AssessmentFinding.finding_id == known.id,
                Assessment.base_version_id == base.id,
                Assessment.policy_version_id == origin.id,
            )
        ).first()
        is not None
    )


def _still_there(
    session: Session,
    known: Finding,
    origin: PolicyVersion,
    base: PolicyVersion,
    version: PolicyVersion,
) -> CarriedOver | None:
    """Words that legal found adverse: the version has them, and the base has not."""
    words = known.after or ""
    if version.id == origin.id:
        return CarriedOver(known=known, before=None, after=words, is_sure=True)
    previous = _previous(session, origin)
    meant = clauses_meant(words, origin.text, previous.text if previous else "")
    if base.number >= origin.number and any(
        trace.became in AS_IT_WAS for trace in traces(words, meant, origin.text, base.text)
    ):
        return None
    found = [
        trace
        for trace in traces(words, meant, origin.text, version.text)
        if trace.became is not Became.GONE
        and not (trace.became is not Became.UNTOUCHED and _went_back(trace, origin, base, version))
    ]
    sure = [trace for trace in found if trace.became in STILL_SAID]
    if not found:
        return None
    return CarriedOver(
        known=known,
        before=None,
        after=(sure or found)[0].words,
        is_sure=bool(sure) and known.status in DECIDED,
    )


def _went_back(
    trace: Trace, origin: PolicyVersion, base: PolicyVersion, version: PolicyVersion
) -> bool:
    """Whether the version has at this place what the base has. Of a base that came after legal
    had looked, a correction is none but what it seems."""
    if stand_in_place(trace.clauses, version.text, base.text):
        return True
    came_after = base.number > origin.number
    return came_after and only_corrected(trace.clauses, version.text, base.text)


def _still_gone(
    session: Session,
    known: Finding,
    origin: PolicyVersion,
    base: PolicyVersion,
    version: PolicyVersion,
) -> CarriedOver | None:
    """Words whose loss legal found adverse: the base has them, and the version has not."""
    words = known.before or ""
    source = next((each for each in _bases(session, origin) if stands_in(words, each.text)), None)
    if source is None:
        return None
    meant = clauses_meant(words, source.text, origin.text)
    there = [trace.became for trace in traces(words, meant, source.text, base.text)]
    if base.number >= origin.number:
        had = any(became in AS_IT_WAS for became in there)
    else:
        had = any(became is not Became.GONE for became in there)
    lost = [
        trace
        for trace in traces(words, meant, source.text, version.text)
        if trace.became not in AS_IT_WAS
    ]
    if not (had and lost):
        return None
    sure = version.id == origin.id or any(
        trace.became is Became.GONE or stand_in_place(trace.clauses, version.text, origin.text)
        for trace in lost
    )
    return CarriedOver(
        known=known, before=words, after=None, is_sure=sure and known.status in DECIDED
    )


def _previous(session: Session, version: PolicyVersion) -> PolicyVersion | None:
    return next(iter(_bases(session, version)), None)


def _bases(session: Session, version: PolicyVersion) -> Sequence[PolicyVersion]:
    """What a version was compared with, the newest first."""
    return session.exec(
        select(PolicyVersion)
        .join(Assessment, col(Assessment.base_version_id) == col(PolicyVersion.id))
        .where(Assessment.policy_version_id == version.id)
        .order_by(col(PolicyVersion.number).desc())
    ).all()
