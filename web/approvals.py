"""The page behind the link in a mail: read what changes for you, approve or decline (P5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, HTTPException
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import and_, exists
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from database import consents
from database.accounts import accounts_at_address
from database.approvals import (
    NotGovernedYet,
    PolicyHistory,
    Shown,
    change_sha256,
    decide,
    governing_version,
    latest_decision,
)
from database.assessments import findings_between, is_clean
from database.campaigns import addressee_by_id, addressee_of, link_of
from database.law import laws_said
from database.links import APPROVE
from database.outbox import ACCOUNT, CAMPAIGN, LINK_AGAIN, Queued
from database.owed import correction_in, latest_correction
from database.policies import version_in_force
from database.purposes import asked_because_of
from database.suppressions import not_theirs
from database.tables import (
    Account,
    Approval,
    Campaign,
    CampaignAddressee,
    CampaignCorrection,
    ConsentDecision,
    Link,
    Policy,
    PolicyVersion,
)
from database.without_approval import promise_of
from database.wording import summary_in
from database.writing import pointed_to
from domain.account_holders import AccountKind, Status
from domain.approvals import Decision, Governing
from domain.consents import Consent
from domain.languages import nearest_language
from domain.reviews import VersionState
from domain.suppressions import address_key
from domain.without_approval import IF_YOU_DO_NOT_APPROVE, NEVER_DEPENDS, WithoutApproval
from mail.links import make_token
from web.forms import Form, StampRefused, check_stamp, stamp
from web.links import open_link
from web.notices import confirmed_sentences, effective_on, not_before_on
from web.readers import OnReader, Reader
from web.redlines import passages
from web.site import OnSite, Site

router = APIRouter(prefix="/approve")
Token = Annotated[str, PathParameter(max_length=200)]
ACCOUNT_CLOSED = "This account is closed, so there is nothing left to decide."
OF_A_MINOR = "This is the account of a minor, who cannot approve: nothing changes for it."
NOT_ASKED = "This change needs nobody's approval: you were told of it, and need do nothing."
BY_LAW = (
    "Some of it is less favourable to you, and we promised to ask for your approval before such a "
    "change. The law requires this one: it applies to you without your approval, as to everybody "
    "who has the same version. On record it is a departure from our promise, and never your "
    "approval."
)
OVER: Mapping[str, str] = {
    VersionState.WITHDRAWN: "We have withdrawn this change. It will not take effect, for anybody.",
    VersionState.REPLACED: "Another version took this one's place before it took effect. What you "
    "answered stays on record; the page about the new one says what it counts for.",
    VersionState.SUPERSEDED: "A later version has followed this one. If it needs your approval, "
    "we ask anew.",
}
NEVER_MIND = "There is nothing to decide about this version."
NOTHING_TO_DECIDE = (ACCOUNT_CLOSED, OF_A_MINOR, NOT_ASKED, BY_LAW, *OVER.values(), NEVER_MIND)
"""Why there may be nothing to decide, in the words that people read."""


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What one link is about: whose it is, and the change from their version to the new one.

    That is the version that corrects the one of the mail, where there is such a one (P8).
    """

    link: Link
    account: Account
    policy: Policy
    version: PolicyVersion
    base: PolicyVersion
    correction: CampaignCorrection | None
    asks_approval: bool


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A purpose on the page: what is asked, and what the account holder last said about it.

    `over`: whether its version is, so that consent can only be taken back.
    """

    purpose: str
    label: str
    said: ConsentDecision | None
    over: bool

    @property
    def given(self) -> bool:
        """Off by default: whoever said nothing has not consented."""
        return self.said is not None and self.said.decision == Consent.GIVEN

    @property
    def answers(self) -> tuple[Consent, ...]:
        """What can be said now."""
        if self.given:
            return (Consent.WITHHELD,)
        if self.over:
            return ()
        return (Consent.GIVEN,) if self.said else (Consent.GIVEN, Consent.WITHHELD)


@router.get("/new-link")
def new_link_form(reader: OnReader) -> HTMLResponse:
    """Ask for the address that the link is to be sent to."""
    return reader.show("new_link.html", asked=False)


@router.post("/new-link")
def send_new_link(
    site: OnSite, reader: OnReader, posted: Form, background: BackgroundTasks
) -> HTMLResponse:
    """Answer the same to everybody; the sending comes after the answer."""
    background.add_task(_send_links, site, posted.line("email"))
    return reader.show("new_link.html", asked=True)


@router.get("/{token}")
def approval_page(token: Token, site: OnSite, reader: OnReader) -> HTMLResponse:
    """Show what changes; this never decides anything."""
    now = site.now()
    with site.database.session() as session:
        matter = _matter(session, site, token, now)
        return _show(session, reader.known_as(matter.account.locale), matter)


@router.post("/{token}")
def approve_or_decline(token: Token, site: OnSite, reader: OnReader, posted: Form) -> Response:
    """Record a decision about exactly what the page showed.

    All is read and checked before, so that writers wait for each other no longer than they must.
    """
    now = site.now()
    with site.database.session() as session:
        matter = _matter(session, site, token, now)
        reader = reader.known_as(matter.account.locale)
        if posted.text("decision") not in list(Decision):
            return _show(session, reader, matter, status=422, again="no_choice")
        if _nothing_to_decide(session, site, matter):
            return _show(session, reader, matter, status=409)
        try:
            shown = _shown(session, reader, matter)
            check_stamp(site.link_keys, now, posted.text("stamp"), *shown)
        except StampRefused:
            return _show(session, reader, matter, status=409, again="old_page")
    with site.database.transaction() as transaction:
        if not _stands(transaction, matter):
            matter = _matter(transaction, site, token, now)
            return _show(transaction, reader, matter, status=409, again="old_page")
        decision = Decision(posted.text("decision"))
        seen = _as_shown(reader, matter, change_sha256=shown[1])
        decide(transaction, matter.account, seen, decision, now)
    return RedirectResponse(f"/approve/{token}{reader.kept}", status_code=303)


@router.post("/{token}/consents")
def give_or_withhold(token: Token, site: OnSite, reader: OnReader, posted: Form) -> Response:
    """Record what somebody says about one purpose, apart from approving."""
    now = site.now()
    with site.database.transaction() as transaction:
        matter = _matter(transaction, site, token, now)
        reader = reader.known_as(matter.account.locale)
        choices = {choice.purpose: choice for choice in _choices(transaction, reader, matter)}
        choice, said = choices.get(posted.text("purpose")), posted.text("consent")
        if choice is None or said not in choice.answers:
            return _show(transaction, reader, matter, status=422, again="no_consent")
        try:
            shown = _shown(transaction, reader, matter)
            check_stamp(site.link_keys, now, posted.text("stamp"), *shown)
        except StampRefused:
            return _show(transaction, reader, matter, status=409, again="old_page")
        consents.say(
            transaction,
            matter.account,
            _as_shown(reader, matter),
            choice.purpose,
            Consent(said),
            now,
        )
    return RedirectResponse(f"/approve/{token}{reader.kept}#consents", status_code=303)


@router.post("/{token}/not-me")
def not_me(token: Token, site: OnSite, reader: OnReader, posted: Form) -> HTMLResponse:
    """The mail was meant for somebody else: nothing more goes to that address."""
    now = site.now()
    with site.database.transaction() as transaction:
        matter = _matter(transaction, site, token, now)
        reader = reader.known_as(matter.account.locale)
        try:
            shown = _shown(transaction, reader, matter)
            check_stamp(site.link_keys, now, posted.text("stamp"), *shown)
        except StampRefused:
            return _show(transaction, reader, matter, status=409, again="old_page")
        address = address_key(matter.account.email, site.suppression_key)
        not_theirs(transaction, matter.link, address, now)
    return reader.show("not_me.html")


def _choices(session: Session, reader: Reader, matter: Matter) -> Sequence[Choice]:
    """The purposes that the account holder may say something about, or did.

    Of a version that is over there is nothing left but to take back what was given.
    """
    account, version = matter.account, matter.version
    if account.status != Status.OPEN or account.kind == AccountKind.MINOR:
        return ()
    findings = findings_between(session, matter.base.id, version.id)
    labels = asked_because_of(session, findings, reader.language)
    if not labels:
        return ()
    said = consents.standing(session, account.id, version.policy_id)
    choices = (
        Choice(purpose=purpose, label=label, said=said.get(purpose), over=version.state in OVER)
        for purpose, label in labels.items()
    )
    return [choice for choice in choices if choice.answers or choice.said]


def _stands(session: Session, matter: Matter) -> bool:
    """Whether a matter is still as it was read: meanwhile the link may have been replaced, the
    version withdrawn, its words put right, the account closed.

    Whoever puts the words right waits for us, or we for them: then they are seen.
    """
    link, account = matter.link, matter.account
    version = pointed_to(session, PolicyVersion, matter.version.id)
    correction = latest_correction(session, version.id)
    same = (
        exists().where(
            col(Link.id) == link.id,
            col(Link.successor_id).is_(None),
            col(Link.expires_at).is_not_distinct_from(link.expires_at),
        ),
        exists().where(
            col(Account.id) == account.id,
            col(Account.status) == account.status,
            col(Account.kind) == account.kind,
        ),
    )
    return _what_decides(version, correction) == _what_decides(
        matter.version, matter.correction
    ) and bool(session.scalar(select_columns(and_(*same))))


def _what_decides(version: PolicyVersion, correction: CampaignCorrection | None) -> object:
    return version.state, version.corrected_by_id, correction and correction.id


def _as_shown(reader: Reader, matter: Matter, change_sha256: str | None = None) -> Shown:
    return Shown(
        version=matter.version,
        base=matter.base,
        how="link",
        language=reader.language,
        link_id=matter.link.id,
        change_sha256=change_sha256,
    )


def _matter(session: Session, site: Site, token: str, now: datetime) -> Matter:
    return _matter_of(session, open_link(session, site, token, now, APPROVE))


def _matter_of(session: Session, link: Link) -> Matter:
    addressee, version, account, policy = session.exec(
        select(CampaignAddressee, PolicyVersion, Account, Policy)
        .join(Campaign, col(Campaign.id) == col(CampaignAddressee.campaign_id))
        .join(PolicyVersion, col(PolicyVersion.id) == col(Campaign.policy_version_id))
        .join(Account, col(Account.id) == col(CampaignAddressee.account_id))
        .join(Policy, col(Policy.id) == col(PolicyVersion.policy_id))
        .where(CampaignAddressee.id == link.subject_id)
    ).one()
    if version.corrected_by_id:
        version = session.get_one(PolicyVersion, version.corrected_by_id)
    addressee = addressee_of(session, version.id, account.id) or addressee
    return Matter(
        link=link,
        account=account,
        policy=policy,
        version=version,
        base=session.get_one(PolicyVersion, addressee.governing_version_id),
        correction=latest_correction(session, version.id),
        asks_approval=addressee.asks_approval,
    )


def _show(
    session: Session, reader: Reader, matter: Matter, *, status: int = 200, again: str = ""
) -> HTMLResponse:
    site = reader.site
    now = site.now()
    try:
        governing = governing_version(session, matter.policy, matter.account, now)
    except NotGovernedYet:
        raise HTTPException(404) from None
    nothing = _nothing_to_decide(session, site, matter)
    said_of_laws = laws_said(session, matter.base, matter.version, reader.language)
    corrected = matter.correction
    decision = _answer(session, site, matter)
    return reader.show(
        "approve.html",
        status=status,
        again=again,
        matter=matter,
        summary=summary_in(session, matter.version, reader.language),
        changes=confirmed_sentences(session, matter.base, matter.version, reader.language),
        passages=passages(matter.base.text, matter.version.text),
        governing=governing,
        followed_by=_followed_by(session, site, matter.version),
        decision=decision,
        decided=decision and session.get_one(PolicyVersion, decision.policy_version_id),
        nothing_to_decide=nothing and reader.gettext(nothing),
        never_depends=reader.gettext(NEVER_DEPENDS),
        choices=_choices(session, reader, matter),
        consents_path=f"{_path(site, matter.link)}/consents{reader.kept}",
        not_me_path=f"{_path(site, matter.link)}/not-me{reader.kept}",
        without_approval=_without_approval(reader, matter.version, governing.number),
        closing_url=_closing_url(site, matter.version),
        laws=said_of_laws if nothing == BY_LAW else (),
        leave_url=site.company.closing_page,
        corrected=corrected,
        correction=corrected and correction_in(session, corrected, reader.language),
        in_error=_governed_in_error(governing, matter.version),
        decide_here=_decide_here(session, site, matter),
        zone=site.company.zone_of(matter.account.time_zone),
        effective_on=effective_on(site, matter.version),
        not_before_on=not_before_on(site, matter.version),
        stamp=stamp(site.link_keys, now, *_shown(session, reader, matter)),
    )


def _governed_in_error(governing: Governing, version: PolicyVersion) -> bool:
    """Whether the version governed this account without the approval that it needed (P2)."""
    wrong = any(step.number == version.number and step.in_error for step in governing.steps)
    return wrong and governing.number != version.number


def _without_approval(reader: Reader, version: PolicyVersion, governing: int) -> str:
    """What silence, or a decline, means (P5)."""
    promise = promise_of(version)
    return reader.gettext(
        IF_YOU_DO_NOT_APPROVE[promise.what],
        number=governing,
        day=reader.pages.day(promise.until_on) if promise.until_on else "",
    )


def _closing_url(site: Site, version: PolicyVersion) -> str:
    """Where to close the account, where that is offered to whoever does not approve."""
    offered = promise_of(version).what is WithoutApproval.OFFER_CLOSING
    return site.company.closing_page if offered else ""


def _shown(session: Session, reader: Reader, matter: Matter) -> tuple[str, str, str]:
    """What a page's stamp binds a decision to: this link, and this change as it was shown."""
    change = change_sha256(session, matter.base, matter.version, reader.language)
    return str(matter.link.id), change, reader.language


def _nothing_to_decide(session: Session, site: Site, matter: Matter) -> str | None:
    """The sentence why there is nothing to approve or decline, or None when there is."""
    version = matter.version
    if matter.account.status != Status.OPEN:
        return ACCOUNT_CLOSED
    if matter.account.kind == AccountKind.MINOR and matter.asks_approval:
        return OF_A_MINOR
    if not (matter.asks_approval or _answer(session, site, matter)):
        applies = BY_LAW if laws_said(session, matter.base, version, "") else NOT_ASKED
        return OVER.get(version.state, applies)
    if version.state in (
        VersionState.ANNOUNCED,
        VersionState.POSTPONED,
        VersionState.IN_FORCE,
    ):
        return None
    if _followed_by(session, site, version):
        return None  # an approval of this one carries over to the current one
    return OVER.get(version.state, NEVER_MIND)


def _followed_by(session: Session, site: Site, version: PolicyVersion) -> PolicyVersion | None:
    """The version in force, where it followed this one without being worse for anybody."""
    if version.state != VersionState.SUPERSEDED:
        return None
    current = version_in_force(session, version.policy_id, site.now())
    return current if current and is_clean(session, version, current) else None


def _answer(session: Session, site: Site, matter: Matter) -> Approval | None:
    """What counts for the version: the last word about it or the one that it corrects; else, where
    nobody asks, an approval of another version that is why. Either can be taken back (P5)."""
    said = latest_decision(session, matter.account.id, matter.version.id)
    if said or matter.asks_approval:
        return said
    history = PolicyHistory(session, matter.policy)
    proven = history.proven([matter.account], site.now()).get(matter.account.id)
    return history.approved_by(proven, matter.version) if proven else None


def _decide_here(session: Session, site: Site, matter: Matter) -> str | None:
    """Their page about the version that took this one's place; None before it is made."""
    version = latest = matter.version
    while latest.replaced_by_id:
        latest = session.get_one(PolicyVersion, latest.replaced_by_id)
    if latest.id == version.id:
        return None
    link = link_of(session, latest.id, matter.account.id)
    return _path(site, link) if link else None


def _path(site: Site, link: Link) -> str:
    return f"/approve/{make_token(APPROVE, link.nonce, site.link_keys)}"


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
                Link.purpose == APPROVE,
                col(Link.account_id).in_(account_ids),
                col(Link.successor_id).is_(None),
                col(Link.expires_at).is_(None),  # else somebody said that it was not theirs
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
                language=nearest_language(matter.account.locale, site.company.languages),
                link_id=link.id,
            )
            for link in links
            if _is_latest(session, link)
            and not _nothing_to_decide(session, site, matter := _matter_of(session, link))
        ]
    for mail in owed:
        site.desk.send(mail)
