"""The page behind the link in a mail: read what changes for you, approve or decline (P5)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session, col, select

from database.approvals import consents
from database.approvals.approvals import (
    NotGovernedYet,
    PolicyHistory,
    Shown,
    decide,
    governing_version,
)
from database.approvals.renewing import renew_addressee
from database.approvals.shown_changes import ShownChange, shown_change
from database.approvals.wrong_words import correction_in
from database.mail.suppressions import not_theirs
from database.policies.law import laws_said
from database.policies.without_approval import promise_of
from database.policies.wording import summary_in
from database.tables import Account, Approval, PolicyVersion
from database.writing import held
from domain.approvals.approvals import Decision, Governing, Step
from domain.approvals.consents import Consent
from domain.approvals.without_approval import IF_YOU_DO_NOT_APPROVE, NEVER_DEPENDS, WithoutApproval
from domain.mail.suppressions import address_key
from web.approvals.matters import (
    BY_LAW,
    Matter,
    answer_of,
    answer_was_void,
    choices_of,
    decide_here,
    followed_by,
    matter_behind,
    nothing_to_decide,
    path_of,
    stands,
)
from web.forms import Form, Posted, StampRefused, check_stamp, stamp
from web.policies.notices import confirmed_sentences, effective_on, not_before_on
from web.policies.redlines import passages
from web.readers import OnReader, Reader
from web.site import OnSite, Site

router = APIRouter(prefix="/approve")
Token = Annotated[str, PathParameter(max_length=200)]


@router.get("/{token}")
def approval_page(token: Token, site: OnSite, reader: OnReader) -> HTMLResponse:
    """Show what changes; this never decides anything."""
    now = site.now()
    with site.database.session() as session:
        matter = matter_behind(session, site, token, now)
        return _show(session, reader.known_as(matter.account.locale), matter)


@router.post("/{token}")
def approve_or_decline(token: Token, site: OnSite, reader: OnReader, posted: Form) -> Response:
    """Record a decision about exactly what the page showed.

    All is read and checked before, so that writers wait for each other no longer than they must.
    """
    now = site.now()
    with site.database.session() as session:
        matter = matter_behind(session, site, token, now)
        reader = reader.known_as(matter.account.locale)
        if posted.text("decision") not in list(Decision):
            return _show(session, reader, matter, status=422, again="no_choice")
        if nothing_to_decide(session, site, matter):
            return _not_decided(session, reader, matter)
        change = _change_shown(session, reader, matter, posted, now)
        if change is None:
            return _not_decided(session, reader, matter)
    with site.database.transaction() as transaction:
        if not stands(transaction, matter):
            return _not_decided(transaction, reader, matter_behind(transaction, site, token, now))
        decision = Decision(posted.text("decision"))
        decide(transaction, matter.account, _as_shown(reader, matter, change), decision, now)
        owed = _renew(transaction, matter, now)
    if owed:
        site.desk.send_owed_again(mail_ids=owed)
    return RedirectResponse(f"/approve/{token}{reader.kept}", status_code=303)


@router.post("/{token}/consents")
def give_or_withhold(token: Token, site: OnSite, reader: OnReader, posted: Form) -> Response:
    """Record what somebody says about one purpose, apart from approving."""
    now = site.now()
    with site.database.session() as session:
        matter = matter_behind(session, site, token, now)
        reader = reader.known_as(matter.account.locale)
        choices = {choice.purpose: choice for choice in choices_of(session, reader, matter)}
        choice, said = choices.get(posted.text("purpose")), posted.text("consent")
        if choice is None or said not in choice.answers:
            return _show(session, reader, matter, status=422, again="no_consent")
        change = _change_shown(session, reader, matter, posted, now)
        if change is None:
            return _show(session, reader, matter, status=409, again="old_page")
    with site.database.transaction() as transaction:
        if not stands(transaction, matter):
            matter = matter_behind(transaction, site, token, now)
            return _show(transaction, reader, matter, status=409, again="old_page")
        seen = _as_shown(reader, matter, change)
        consents.say(transaction, matter.account, seen, choice.purpose, Consent(said), now)
    return RedirectResponse(f"/approve/{token}{reader.kept}#consents", status_code=303)


@router.post("/{token}/not-me")
def not_me(token: Token, site: OnSite, reader: OnReader, posted: Form) -> HTMLResponse:
    """The mail was meant for somebody else: nothing more goes to that address."""
    now = site.now()
    with site.database.transaction() as transaction:
        matter = matter_behind(transaction, site, token, now)
        reader = reader.known_as(matter.account.locale)
        if _change_shown(transaction, reader, matter, posted, now) is None:
            return _show(transaction, reader, matter, status=409, again="old_page")
        account = held(transaction, Account, matter.account.id)
        address = account.email
        key = address_key(address, site.suppression_key)
        not_theirs(transaction, address, matter.link, key, now)
        transaction.flush()
        owed = _renew(transaction, matter, now)
    if owed:
        site.desk.send_owed_again(mail_ids=owed)
    return reader.show("not_me.html")


def _not_decided(session: Session, reader: Reader, matter: Matter) -> HTMLResponse:
    """Say that what was pressed was not recorded: to be pressed again, or too late, as by then the
    version was withdrawn, say."""
    again = "too_late" if nothing_to_decide(session, reader.site, matter) else "old_page"
    return _show(session, reader, matter, status=409, again=again)


def _renew(transaction: Session, matter: Matter, now: datetime) -> Sequence[UUID]:
    """What was said or undone about this version may move what they are asked about others; the
    first notices of those that are owed again."""
    about = matter.version.id
    return renew_addressee(transaction, matter.policy, matter.account, now, after=about)


def _as_shown(reader: Reader, matter: Matter, change: ShownChange) -> Shown:
    return Shown(
        version=matter.version,
        base=matter.base,
        how="link",
        language=reader.language,
        link_id=matter.link.id,
        change=change,
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
    nothing = nothing_to_decide(session, site, matter)
    said_of_laws = laws_said(session, matter.base, matter.version, reader.language)
    corrected = matter.correction
    decision = answer_of(session, site, matter)
    is_open = not nothing and not decision
    was_void = is_open and answer_was_void(session, matter)
    return reader.show(
        "approve.html",
        status=status,
        again=again,
        matter=matter,
        summary=summary_in(session, matter.version, reader.language),
        changes=confirmed_sentences(session, matter.base, matter.version, reader.language),
        passages=passages(matter.base.text, matter.version.text),
        governing=governing,
        followed_by=followed_by(session, site, matter.version),
        decision=decision,
        decided=decision and session.get_one(PolicyVersion, decision.policy_version_id),
        nothing_to_decide=nothing and reader.gettext(nothing),
        never_depends=reader.gettext(NEVER_DEPENDS),
        choices=choices_of(session, reader, matter),
        consents_path=f"{path_of(site, matter.link)}/consents{reader.kept}",
        not_me_path=f"{path_of(site, matter.link)}/not-me{reader.kept}",
        without_approval=_without_approval(reader, matter.version, governing.number),
        closing_url=_closing_url(site, matter.version),
        laws=said_of_laws if nothing == BY_LAW else (),
        leave_url=site.company.closing_page,
        corrected=corrected,
        correction=corrected and correction_in(session, corrected, reader.language),
        answer_is_void=was_void,
        in_error=_governed_in_error(governing, matter.version),
        approved_less=_approved_less(session, matter, now) if is_open and not was_void else None,
        decide_here=decide_here(session, site, matter),
        zone=site.company.zone_of(matter.account.time_zone),
        effective_on=effective_on(site, matter.version),
        not_before_on=not_before_on(site, matter.version),
        stamp=stamp(
            site.link_keys, now, *_bound_to(reader, matter, _change(session, reader, matter))
        ),
    )


def _governed_in_error(governing: Governing, version: PolicyVersion) -> Step | None:
    """The move by which a version in force governed this account without the approval that it
    needed, or an earlier one did, which brought a part of it (P2)."""
    if version.in_force_at is None or governing.number >= version.number:
        return None
    wrong = [step for step in governing.steps if step.in_error and step.number <= version.number]
    whole = [step for step in wrong if step.number == version.number]
    return next(iter(whole or wrong), None)


def _approved_less(session: Session, matter: Matter, now: datetime) -> Approval | None:
    """Their approval of the version that counts no more, as not all had been shown with it (P6)."""
    last = session.exec(
        select(Approval)
        .where(
            Approval.account_id == matter.account.id,
            Approval.policy_version_id == matter.version.id,
        )
        .order_by(col(Approval.decided_at).desc())
    ).first()
    if last is None or last.decision != Decision.APPROVED:
        return None
    history = PolicyHistory(session, matter.policy)
    proven = history.proven([matter.account], now).get(matter.account.id)
    return last if proven and last.id not in proven.voids else None


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


def _change(session: Session, reader: Reader, matter: Matter) -> ShownChange:
    return shown_change(session, matter.base, matter.version, reader.language, matter.correction)


def _bound_to(reader: Reader, matter: Matter, change: ShownChange) -> tuple[str, str, str]:
    """What a page's stamp binds a decision to: this link, and this change as it was shown."""
    return str(matter.link.id), change.sha256, reader.language


def _change_shown(
    session: Session, reader: Reader, matter: Matter, posted: Posted, now: datetime
) -> ShownChange | None:
    """The change as it is, where the page that was posted showed it so; None for an older page."""
    change = _change(session, reader, matter)
    bound_to = _bound_to(reader, matter, change)
    try:
        check_stamp(reader.site.link_keys, now, posted.text("stamp"), *bound_to)
    except StampRefused:
        return None
    return change
