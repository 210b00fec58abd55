"""What every page needs at hand, gathered once when the website starts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Depends, Request

from activities.mail.paper import PaperLetters
from activities.mail.samples import SampleMails
from clock import Clock
from database.engine import Database
from domain.company import Company
from domain.requests.identity import IdentityNumbers
from health.lookout import Lookout
from temporal import View
from translations.catalogues import SOURCE
from web.pace import Pace
from web.rendering import Pages, pages_of
from workflows.desk import Desk


@dataclass(frozen=True, kw_only=True)
class Site:
    """The rooms behind the pages.

    `link_keys` sign personal links, the first one signs; `events_keys` are the mail service's
    public keys; `mail_rate`: copies in a minute, 0 for no limit; `identity`: when people are
    reminded to say who they are; `suppression_key` makes the hashes
    by which stopped addresses are known; `alarm_webhook_url` is empty where alarms go by mail only;
    `inbox_url` is the mail sandbox's inbox, in development. `metrics_token` lets Prometheus in.
    """

    database: Database
    desk: Desk
    clock: Clock
    company: Company
    link_keys: tuple[bytes, ...]
    events_keys: tuple[str, ...]
    suppression_key: bytes
    metrics_token: str
    sending_period: timedelta
    mail_rate: int
    identity: IdentityNumbers
    alarm_webhook_url: str
    api_pace: Pace
    development: bool
    temporal_ui: str
    temporal_namespace: str
    lookout: Lookout
    sample_mails: SampleMails
    paper_letters: PaperLetters
    inbox_url: str | None = None

    @property
    def pages(self) -> Pages:
        """The pages of staff, who work in English."""
        return self.pages_in(SOURCE)

    def pages_in(self, language: str) -> Pages:
        """The pages in one of the languages of the company."""
        return pages_of(self.company, language, development=self.development)

    def now(self) -> datetime:
        """This instant, in UTC."""
        return self.clock.now()

    @property
    def workflows_url(self) -> str:
        """Where the Temporal UI lists our workflows."""
        return f"{self.temporal_ui}/namespaces/{self.temporal_namespace}/workflows"

    def workflow_url(self, workflow_id: str) -> str:
        """Where the Temporal UI shows a workflow."""
        return f"{self.workflows_url}/{quote(workflow_id, safe='')}"

    def view_url(self, view: View, *, keep: bool) -> str:
        """Where the Temporal UI lists what a view finds at this instant.

        `keep` lets the UI save it in that browser, under its name, each time it is opened.
        """
        asked = {"query": view.at(self.now())} | ({"savedQuery": view.name} if keep else {})
        return f"{self.workflows_url}?{urlencode(asked, quote_via=quote)}"


def site_of(request: Request) -> Site:
    """The site behind a request."""
    site: Site = request.app.state.site
    return site


async def _of_request(request: Request) -> Site:
    return site_of(request)  # async: what is at hand takes no thread, of which there are so many


OnSite = Annotated[Site, Depends(_of_request)]
