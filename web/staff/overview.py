"""The first page of the console: what waits for me."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from database.controls import open_stop
from database.outbox import waiting_for_ops
from database.policies import policies, versions
from database.requests import open_requests
from database.tables import Policy, PolicyVersion, Staff
from domain.reviews import TO_COME, VersionState
from web.site import OnSite
from web.staff.access import SignedIn, console

router = APIRouter(prefix="/staff")
ON_ITS_WAY = (VersionState.SUBMITTED, VersionState.IN_REVIEW, *TO_COME)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A policy version on its way, and what it waits for from this member."""

    policy: Policy
    version: PolicyVersion
    for_me: str


@router.get("")
def overview(request: Request, site: OnSite, member: SignedIn) -> HTMLResponse:
    """Versions on their way, requests by due date, mails that need a decision."""
    with site.database.session() as session:
        return console(
            request,
            site,
            member,
            "overview.html",
            versions=_versions(session, member),
            requests=open_requests(session)[:5] if "privacy" in member.roles else [],
            open_requests=len(open_requests(session)),
            mail_stop=open_stop(session),
            doubtful_mails=len(waiting_for_ops(session)),
            now=site.now(),
        )


def _versions(session: Session, member: Staff) -> list[Waiting]:
    return [
        Waiting(policy=policy, version=version, for_me=_for(member, version))
        for policy in policies(session)
        for version in versions(session, policy.id)
        if version.state in ON_ITS_WAY
    ]


def _for(member: Staff, version: PolicyVersion) -> str:
    if version.state != VersionState.IN_REVIEW or "legal" not in member.roles:
        return ""
    if version.submitted_by == member.id:
        return "waits for a colleague: you submitted it"
    return "waits for your release" if version.version_class else "waits for your review"
