"""What a link in a mail about a change stands for: whose it is, and what they may decide (P5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Uuid, bindparam, exists, func, or_
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from database.approvals import consents
from database.approvals.approvals import PolicyHistory, latest_decision
from database.approvals.reach import correction_for, put_right_of
from database.campaigns.campaigns import link_of
from database.people.links import APPROVE
from database.policies.assessments import findings_between, is_clean
from database.policies.counting import answers_that_count
from database.policies.law import laws_said
from database.policies.policies import version_in_force
from database.policies.purposes import asked_because_of
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
from domain.approvals.approvals import Decision
from domain.approvals.consents import Consent
from domain.people.account_holders import AccountKind, Status
from domain.policies.reviews import VersionState
from mail.links import make_token
from web.links import open_link
from web.readers import Reader
from web.site import Site

ACCOUNT_CLOSED = "This account is closed, so there is nothing left to decide."
OF_A_MINOR = "This is the account of a minor, who cannot approve: nothing changes for it."
NOT_ASKED = "This change needs no approval of yours: you were told of it, and need do nothing."
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

_MAILED, _TOLD_IN = aliased(CampaignAddressee), aliased(Campaign)
_TOLD_OF, _BASE = aliased(PolicyVersion), aliased(PolicyVersion)
_IS_ABOUT_IT = col(Campaign.policy_version_id) == col(PolicyVersion.id)
_BEHIND = (
    select_columns(
        col(CampaignAddressee.asks_approval),
        Account,
        Policy,
        PolicyVersion,
        _BASE,
        exists(put_right_of(col(PolicyVersion.id)).correlate(PolicyVersion)),
    )
    .select_from(_MAILED)
    .join(_TOLD_IN, col(_TOLD_IN.id) == col(_MAILED.campaign_id))
    .join(_TOLD_OF, col(_TOLD_OF.id) == col(_TOLD_IN.policy_version_id))
    .join(
        PolicyVersion,
        col(PolicyVersion.id) == func.coalesce(_TOLD_OF.corrected_by_id, _TOLD_OF.id),
    )
    .join(CampaignAddressee, col(CampaignAddressee.account_id) == col(_MAILED.account_id))
    .join(Campaign, col(Campaign.id) == col(CampaignAddressee.campaign_id))
    .join(_BASE, col(_BASE.id) == col(CampaignAddressee.governing_version_id))
    .join(Account, col(Account.id) == col(_MAILED.account_id))
    .join(Policy, col(Policy.id) == col(PolicyVersion.policy_id))
    .where(
        col(_MAILED.id) == bindparam("mailed"),
        or_(_IS_ABOUT_IT, col(CampaignAddressee.id) == col(_MAILED.id)),
    )
    .order_by(_IS_ABOUT_IT.desc(), col(Campaign.generation).desc())
    .limit(1)
)
"""The account as it was mailed, or as the latest campaign about the version addresses it."""
_POINTED_TO = (
    select_columns(col(PolicyVersion.state), col(PolicyVersion.corrected_by_id))
    .where(col(PolicyVersion.id) == bindparam("version"))
    .with_for_update(read=True, key_share=True)
)
_STANDS = select_columns(
    exists(put_right_of(bindparam("version", type_=Uuid()))),
    exists().where(
        col(Link.id) == bindparam("link"),
        col(Link.successor_id).is_(None),
        col(Link.expires_at).is_not_distinct_from(bindparam("expires_at")),
    ),
    exists().where(
        col(Account.id) == bindparam("account"),
        col(Account.status) == bindparam("status"),
        col(Account.kind) == bindparam("kind"),
    ),
)


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


def matter_behind(session: Session, site: Site, token: str, now: datetime) -> Matter:
    """What the token of a link is about. Raises LinkClosed."""
    return matter_of(session, open_link(session, site, token, now, APPROVE))


def matter_of(session: Session, link: Link) -> Matter:
    """What a link is about, as it stands now."""
    asks_approval, account, policy, version, base, put_right = session.execute(
        _BEHIND, {"mailed": link.subject_id}
    ).one()
    return Matter(
        link=link,
        account=account,
        policy=policy,
        version=version,
        base=base,
        correction=correction_for(session, version.id, account.id) if put_right else None,
        asks_approval=asks_approval,
    )


def stands(session: Session, matter: Matter) -> bool:
    """Whether a matter is still as it was read: meanwhile the link may have been replaced, the
    version withdrawn, its words put right, the account closed.

    Whoever puts the words right waits for us, or we for them: then they are seen.
    """
    version, correction = matter.version, matter.correction
    read = {
        "version": version.id,
        "link": matter.link.id,
        "expires_at": matter.link.expires_at,
        "account": matter.account.id,
        "status": matter.account.status,
        "kind": matter.account.kind,
    }
    connection = session.connection()  # of the columns as they are the session makes nothing more
    now = connection.execute(_POINTED_TO, {"version": version.id}).one()
    put_right, *same = connection.execute(_STANDS, read).one()
    last = correction_for(session, version.id, matter.account.id) if put_right else None
    return (
        tuple(now) == (version.state, version.corrected_by_id)
        and (last and last.id) == (correction and correction.id)
        and all(same)
    )


def nothing_to_decide(session: Session, site: Site, matter: Matter) -> str | None:
    """The sentence why there is nothing to approve or decline, or None when there is."""
    version = matter.version
    if matter.account.status != Status.OPEN:
        return ACCOUNT_CLOSED
    if matter.account.kind == AccountKind.MINOR and matter.asks_approval:
        return OF_A_MINOR
    if not (matter.asks_approval or answer_of(session, site, matter)):
        applies = BY_LAW if laws_said(session, matter.base, version, "") else NOT_ASKED
        return OVER.get(version.state, applies)
    if version.state in (
        VersionState.ANNOUNCED,
        VersionState.POSTPONED,
        VersionState.IN_FORCE,
    ):
        return None
    if followed_by(session, site, version):
        return None  # an approval of this one carries over to the current one
    return OVER.get(version.state, NEVER_MIND)


def followed_by(session: Session, site: Site, version: PolicyVersion) -> PolicyVersion | None:
    """The version in force, where it followed this one without being worse for anybody."""
    if version.state != VersionState.SUPERSEDED:
        return None
    current = version_in_force(session, version.policy_id, site.now())
    return current if current and is_clean(session, version, current) else None


def answer_of(session: Session, site: Site, matter: Matter) -> Approval | None:
    """What counts for the version: the last word about it or the one that it corrects, unless that
    approved what changes from a text that is not theirs; else, where nobody asks, an approval of
    another version that is why. Each can be taken back (P5)."""
    said = latest_decision(session, matter.account.id, matter.version.id)
    shown_this = said and said.shown_from_version_id in (matter.base.id, said.policy_version_id)
    if shown_this or (said and said.decision == Decision.DECLINED):
        return said
    if said is None and matter.asks_approval:
        return None
    history = PolicyHistory(session, matter.policy)
    proven = history.proven([matter.account], site.now()).get(matter.account.id)
    if proven is None or said is None:
        return history.approved_by(proven, matter.version) if proven else None
    return said if any(word.row == said.id for word in proven.state.words) else None


def answer_was_void(session: Session, matter: Matter) -> bool:
    """Whether they answered on wrong words, and that counts no more: by whichever correction."""
    counts = answers_that_count(session, matter.version.id, [matter.account.id])
    return counts.get(matter.account.id) is False


def choices_of(session: Session, reader: Reader, matter: Matter) -> Sequence[Choice]:
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


def decide_here(session: Session, site: Site, matter: Matter) -> str | None:
    """Their page about the version that took this one's place; None before it is made."""
    version = latest = matter.version
    while latest.replaced_by_id:
        latest = session.get_one(PolicyVersion, latest.replaced_by_id)
    if latest.id == version.id:
        return None
    link = link_of(session, latest.id, matter.account.id)
    return path_of(site, link) if link else None


def path_of(site: Site, link: Link) -> str:
    """Where the page of a link is."""
    return f"/approve/{make_token(APPROVE, link.nonce, site.link_keys)}"
