"""Who asks for which version of a policy: what the pages and forms of a version begin with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from database.tables import Staff
from web.addresses import Number, Slug
from web.site import OnSite, Site
from web.staff.access import CONTROL_CAMPAIGNS, READ_POLICIES, console, holding


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A member of staff, and the version that they ask for; it need not exist."""

    request: Request
    site: Site
    member: Staff
    slug: str
    number: int

    @property
    def path(self) -> str:
        """The version's page."""
        return f"/staff/policies/{self.slug}/versions/{self.number}"

    def page(self, name: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """A page of the console, for this member."""
        return console(self.request, self.site, self.member, name, status=status, **values)

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
