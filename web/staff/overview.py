"""The first page of the console: what waits for me."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from database.campaigns.controls import open_stop, running
from database.campaigns.not_reached import WHO_REACHES
from database.campaigns.owed import open_corrections
from database.campaigns.progress import count_not_reached
from database.campaigns.reclassifying import open_reclassifications
from database.mail.doubts import count_doubtful
from database.mail.steps import PAUSED
from database.policies.policies import policies, versions
from database.requests.manual_tasks import open_tasks
from database.requests.on_paper import letters_to_post
from database.requests.requested_rights import kinds_of
from database.requests.requests import open_requests
from database.tables import CampaignCorrection, Policy, PolicyVersion, Reclassification, Staff
from domain.policies.reviews import TO_COME, VersionState
from web.site import OnSite
from web.staff.access import READ_POLICIES, SignedIn, console
from web.staff.late_reply import missing_late_replies

router = APIRouter(prefix="/staff")
ON_ITS_WAY = (VersionState.SUBMITTED, VersionState.IN_REVIEW, *TO_COME)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A policy version on its way, or one that somebody has to decide about, and what it waits
    for."""

    policy: Policy
    version: PolicyVersion
    notes: Sequence[str]


@router.get("")
def overview(request: Request, site: OnSite, member: SignedIn) -> HTMLResponse:
    """Versions on their way, whom notices did not reach, requests by due date, doubtful mails."""
    with site.database.session() as session:
        urgent = open_requests(session)[:5] if "privacy" in member.roles else []
        return console(
            request,
            site,
            member,
            "overview.html",
            versions=_versions(session, member),
            reads_policies={*member.roles} & {*READ_POLICIES},
            requests=urgent,
            asked_for={row.id: kinds_of(session, row.id) for row in urgent},
            open_requests=len(open_requests(session)),
            letters=len(letters_to_post(session)) if "privacy" in member.roles else 0,
            tasks=len(open_tasks(session, member.roles)),
            not_reached=_not_reached(session) if {*member.roles} & {*WHO_REACHES} else [],
            mail_stop=open_stop(session),
            doubtful_mails=count_doubtful(session),
            late_replies=missing_late_replies(session, site) if "privacy" in member.roles else [],
            now=site.now(),
        )


def _versions(session: Session, member: Staff) -> list[Waiting]:
    corrections, late = open_corrections(session), open_reclassifications(session)
    paused = {version.id for _, version, campaign in running(session) if campaign.state == PAUSED}
    found = []
    for policy in policies(session):
        for version in versions(session, policy.id):
            notes = [
                _of_review(member, version),
                _of_correction(member, corrections.get(version.id)),
                _of_reclassification(member, late.get(version.id)),
                "its campaign is paused: nothing goes out" if version.id in paused else "",
            ]
            if version.state in ON_ITS_WAY or any(notes):
                told = [note for note in notes if note]
                found.append(Waiting(policy=policy, version=version, notes=told))
    return found


def _not_reached(session: Session) -> list[tuple[Policy, PolicyVersion, int]]:
    """The campaigns on their way that did not reach everybody, and how many wait to be told."""
    counted = (
        (policy, version, count_not_reached(session, campaign))
        for policy, version, campaign in running(session)
    )
    return [(policy, version, count) for policy, version, count in counted if count]


def _of_review(member: Staff, version: PolicyVersion) -> str:
    if version.state != VersionState.IN_REVIEW or "legal" not in member.roles:
        return ""
    if version.submitted_by == member.id:
        return "waits for a colleague: you submitted it"
    return "waits for your release" if version.version_class else "waits for your review"


def _of_correction(member: Staff, proposed: CampaignCorrection | None) -> str:
    if proposed is None:
        return ""
    return f"the correction of its mails waits for {_second(member, proposed.proposed_by)}"


def _of_reclassification(member: Staff, proposed: Reclassification | None) -> str:
    if proposed is None:
        return ""
    who = _second(member, proposed.proposed_by)
    return f"that it takes approval after all waits for {who}"


def _second(member: Staff, proposed_by: UUID) -> str:
    if "legal" in member.roles and member.id != proposed_by:
        return "you to agree, or another of legal"
    return "a second person of legal"
