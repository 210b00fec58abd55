"""Another link to the page on which somebody decides, for whoever has lost theirs (P5)."""

from fastapi import APIRouter, BackgroundTasks
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, select

from database.campaigns.campaigns import addressee_by_id
from database.mail.outbox import ACCOUNT, CAMPAIGN, LINK_AGAIN, Queued
from database.people.accounts import accounts_at_address
from database.people.links import to_approve
from database.tables import Campaign, Link, PolicyVersion
from domain.people.languages import nearest_language
from web.approvals.matters import matter_of, nothing_to_decide
from web.forms import Form
from web.readers import OnReader
from web.site import OnSite, Site

router = APIRouter(prefix="/approve/new-link")


@router.get("")
def new_link_form(reader: OnReader) -> HTMLResponse:
    """Ask for the address that the link is to be sent to."""
    return reader.show("new_link.html", asked=False)


@router.post("")
def send_new_link(
    site: OnSite, reader: OnReader, posted: Form, background: BackgroundTasks
) -> HTMLResponse:
    """Answer the same to everybody; the sending comes after the answer."""
    background.add_task(_send_links, site, posted.line("email"))
    return reader.show("new_link.html", asked=True)


def _is_latest(session: Session, link: Link) -> bool:
    """Whether no other version took the place of the one that the link was made for."""
    campaign = session.get_one(Campaign, addressee_by_id(session, link.subject_id).campaign_id)
    return session.get_one(PolicyVersion, campaign.policy_version_id).replaced_by_id is None


def _send_links(site: Site, address: str) -> None:
    today = site.now().astimezone(site.company.zone).date()
    with site.database.session() as session:
        account_ids = [account.id for account in accounts_at_address(session, address)]
        links = session.exec(
            select(Link).where(
                to_approve(account_ids),
                col(Link.expires_at).is_(None),  # else somebody said that it was not theirs
            )
        ).all()
        owed = [
            Queued(
                subject_kind=CAMPAIGN,
                subject_id=addressee_by_id(session, link.subject_id).campaign_id,
                addressee_kind=ACCOUNT,
                addressee_id=matter.account.id,
                step=f"{LINK_AGAIN}_{today}_{link.id}",  # once a day, unless it was replaced
                template="approval_link_again",
                variant=matter.base.id,
                language=nearest_language(matter.account.locale, site.company.languages),
                link_id=link.id,
            )
            for link in links
            if _is_latest(session, link)
            and not nothing_to_decide(session, site, matter := matter_of(session, link))
        ]
    for mail in owed:
        site.desk.send(mail)
