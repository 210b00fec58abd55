"""The page behind the link in a mail: read what changes for you, approve or decline (P5)."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, HTTPException
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session, col, select

from database.accounts import accounts_at_address
from database.approvals import (
    NotGovernedYet,
    Shown,
    change_sha256,
    decide,
    governing_version,
    latest_decision,
)
from database.assessments import is_clean
from database.campaigns import addressee_by_id
from database.links import APPROVE
from database.outbox import ACCOUNT, CAMPAIGN, LINK_AGAIN, Queued
from database.policies import version_in_force
from database.tables import Account, Campaign, Link, Policy, PolicyVersion
from database.wording import summary_in
from domain.account_holders import AccountKind, Status
from domain.approvals import Decision
from domain.languages import nearest_language
from domain.reviews import VersionState
from web.forms import Form, StampRefused, check_stamp, stamp
from web.links import open_link
from web.notices import confirmed_sentences, effective_on, not_before_on
from web.redlines import passages
from web.site import OnSite, Site

router = APIRouter(prefix="/approve")
Token = Annotated[str, PathParameter(max_length=200)]


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What one link is about: whose it is, and the change from their version to the new one."""

    link: Link
    account: Account
    policy: Policy
    version: PolicyVersion
    base: PolicyVersion
    asks_approval: bool
    language: str


@router.get("/new-link")
def new_link_form(site: OnSite) -> HTMLResponse:
    """Ask for the address that the link is to be sent to."""
    return site.pages.show("new_link.html", asked=False)


@router.post("/new-link")
def send_new_link(site: OnSite, posted: Form, background: BackgroundTasks) -> HTMLResponse:
    """Answer the same to everybody; the sending comes after the answer."""
    background.add_task(_send_links, site, posted.line("email"))
    return site.pages.show("new_link.html", asked=True)


@router.get("/{token}")
def approval_page(token: Token, site: OnSite) -> HTMLResponse:
    """Show what changes; this never decides anything."""
    with site.database.session() as session:
        return _show(session, site, _matter(session, site, token))


@router.post("/{token}")
def approve_or_decline(token: Token, site: OnSite, posted: Form) -> Response:
    """Record a decision about exactly what the page showed."""
    now = site.now()
    with site.database.transaction() as transaction:
        matter = _matter(transaction, site, token)
        if posted.text("decision") not in list(Decision):
            return _show(transaction, site, matter, status=422, again="no_choice")
        if _nothing_to_decide(transaction, site, matter):
            return _show(transaction, site, matter, status=409)
        try:
            check_stamp(site.link_keys, now, posted.text("stamp"), *_shown(transaction, matter))
        except StampRefused:
            return _show(transaction, site, matter, status=409, again="old_page")
        decide(
            transaction,
            matter.account,
            Shown(
                version=matter.version,
                base=matter.base,
                how="link",
                language=matter.language,
                link_id=matter.link.id,
            ),
            Decision(posted.text("decision")),
            now,
        )
    return RedirectResponse(f"/approve/{token}", status_code=303)


def _matter(session: Session, site: Site, token: str) -> Matter:
    return _matter_of(session, site, open_link(session, site, token, site.now(), APPROVE))


def _matter_of(session: Session, site: Site, link: Link) -> Matter:
    addressee = addressee_by_id(session, link.subject_id)
    campaign = session.get_one(Campaign, addressee.campaign_id)
    version = session.get_one(PolicyVersion, campaign.policy_version_id)
    account = session.get_one(Account, addressee.account_id)
    return Matter(
        link=link,
        account=account,
        policy=session.get_one(Policy, version.policy_id),
        version=version,
        base=session.get_one(PolicyVersion, addressee.governing_version_id),
        asks_approval=addressee.asks_approval,
        language=nearest_language(account.locale, site.company.languages),
    )


def _show(
    session: Session, site: Site, matter: Matter, *, status: int = 200, again: str = ""
) -> HTMLResponse:
    now = site.now()
    try:
        governing = governing_version(session, matter.policy, matter.account, now)
    except NotGovernedYet:
        raise HTTPException(404) from None
    return site.pages.show(
        "approve.html",
        status=status,
        again=again,
        matter=matter,
        summary=summary_in(session, matter.version, matter.language),
        changes=confirmed_sentences(session, matter.base, matter.version, matter.language),
        passages=passages(matter.base.text, matter.version.text),
        governing=governing,
        decision=latest_decision(session, matter.account.id, matter.version.id),
        nothing_to_decide=_nothing_to_decide(session, site, matter),
        effective_on=effective_on(site, matter.version),
        not_before_on=not_before_on(site, matter.version),
        stamp=stamp(site.link_keys, now, *_shown(session, matter)),
    )


def _shown(session: Session, matter: Matter) -> tuple[str, str]:
    """What a page's stamp binds a decision to: this link, and this change as it was shown."""
    return str(matter.link.id), change_sha256(session, matter.base, matter.version, matter.language)


def _nothing_to_decide(session: Session, site: Site, matter: Matter) -> str | None:
    """The sentence why there is nothing to approve or decline, or None when there is."""
    version = matter.version
    if matter.account.status != Status.OPEN:
        return "This account is closed, so there is nothing left to decide."
    if matter.account.kind == AccountKind.MINOR:
        return "This is the account of a minor, who cannot approve: nothing changes for it."
    if not matter.asks_approval:
        return "This change needs nobody's approval: you were told of it, and need do nothing."
    match version.state:
        case VersionState.ANNOUNCED | VersionState.IN_FORCE:
            return None
        case VersionState.WITHDRAWN:
            return "We have withdrawn this change. It will not take effect, for anybody."
        case VersionState.REPLACED:
            return "Another version took this one's place before it took effect."
        case VersionState.SUPERSEDED:
            current = version_in_force(session, version.policy_id, site.now())
            if current and is_clean(session, version, current):
                return None  # an approval of this one carries over to the current one
            return "A later version has followed this one. If it needs your approval, we ask anew."
        case _:
            return "There is nothing to decide about this version."


def _send_links(site: Site, address: str) -> None:
    today = site.now().astimezone(site.company.zone).date()
    with site.database.session() as session:
        account_ids = [account.id for account in accounts_at_address(session, address)]
        links = session.exec(
            select(Link).where(
                Link.purpose == APPROVE,
                col(Link.account_id).in_(account_ids),
                col(Link.successor_id).is_(None),
            )
        ).all()
        owed = [
            Queued(
                subject_kind=CAMPAIGN,
                subject_id=addressee_by_id(session, link.subject_id).campaign_id,
                addressee_kind=ACCOUNT,
                addressee_id=matter.account.id,
                step=f"{LINK_AGAIN}_{today}",
                template="approval_link_again",
                variant=matter.base.id,
                link_id=link.id,
            )
            for link in links
            if not _nothing_to_decide(session, site, matter := _matter_of(session, site, link))
        ]
    for mail in owed:
        site.desk.send(mail)
