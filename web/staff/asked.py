"""Who asks, and for which version of a policy: what pages and forms of staff begin with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database.facts import record
from database.requests.requests import RequestUnknown, request_by_reference
from database.tables import Account, Staff
from web.addresses import Number, Slug
from web.site import OnSite, Site
from web.staff.access import CONTROL_CAMPAIGNS, READ_POLICIES, console, holding


@dataclass(frozen=True, kw_only=True)
class Asker:
    """A member of staff who asks for a page."""

    request: Request
    site: Site
    member: Staff

    def page(self, name: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """A page of the console, for this member."""
        return console(self.request, self.site, self.member, name, status=status, **values)

    def reads_of(self, transaction: Session, *subject_ids: UUID) -> None:
        """Who reads about whom is recorded (P30)."""
        now = self.site.now()
        for subject_id in subject_ids:
            record(transaction, "personal_data.read", subject_id, now, staff=self.member.id)


def asker(*roles: str) -> Callable[..., Asker]:
    """A dependency: a member of staff who holds one of these roles."""

    def found(
        request: Request, site: OnSite, member: Annotated[Staff, Depends(holding(*roles))]
    ) -> Asker:
        return Asker(request=request, site=site, member=member)

    return found


@dataclass(frozen=True, kw_only=True)
class Asked(Asker):
    """A member of staff, and the version that they ask for; it need not exist."""

    slug: str
    number: int

    @property
    def path(self) -> str:
        """The version's page."""
        return f"/staff/policies/{self.slug}/versions/{self.number}"

    def back(self, below: str = "") -> Response:
        """To the version's page, or one below it, once what was asked is done."""
        return RedirectResponse(self.path + below, status_code=303)


def asked_by(*roles: str) -> Callable[..., Asked]:
    """A dependency: what a member of staff asks for who holds one of these roles."""

    def asked(
        request: Request,
        site: OnSite,
        member: Annotated[Staff, Depends(holding(*roles))],
        slug: Slug,
        number: Number,
    ) -> Asked:
        return Asked(request=request, site=site, member=member, slug=slug, number=number)

    return asked


AskedByReader = Annotated[Asked, Depends(asked_by(*READ_POLICIES))]
AskedByLegal = Annotated[Asked, Depends(asked_by("legal"))]
AskedByControls = Annotated[Asked, Depends(asked_by(*CONTROL_CAMPAIGNS))]
OfRequest = Annotated[str, Query(alias="request", max_length=20)]


def account_of(session: Session, reference: str) -> Account | None:
    """The account that a page of accounts begins with, where one comes to it from a request."""
    if not reference:
        return None
    try:
        request = request_by_reference(session, reference)
    except RequestUnknown:
        return None
    return session.get(Account, request.account_id) if request.account_id else None
