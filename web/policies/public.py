"""What everybody may read: policies, their archive, redlines, feed and notice (P1, P3)."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from database.facts import latest
from database.policies.law import laws_of
from database.policies.policies import (
    PolicyUnknown,
    is_public,
    policies,
    policy_by_slug,
    public_versions,
    version_by_number,
    version_in_force,
)
from database.policies.wording import summary_in
from database.tables import Policy, PolicyVersion
from domain.approvals.without_approval import IF_SOMEBODY_DOES_NOT_APPROVE
from domain.places import start_of_day
from domain.policies.reviews import VersionState
from web.addresses import Number, Slug
from web.offered import KEPT_FOR, offered
from web.policies.notices import Notice, effective_on, not_before_on, notice_of
from web.policies.redlines import passages
from web.readers import VARIES, OnReader, Reader
from web.rendering import policy_html
from web.site import OnSite

router = APIRouter()
A_DAY = timedelta(days=1) - timedelta.resolution
STATE_WORDS: Mapping[str, str] = {
    VersionState.ANNOUNCED: "announced",
    VersionState.POSTPONED: "postponed",
    VersionState.IN_FORCE: "in force",
    VersionState.SUPERSEDED: "superseded",
    VersionState.REPLACED: "replaced",
    VersionState.WITHDRAWN: "withdrawn",
}

SEEN_IN_THE_FEED = (
    "notice.up",
    "notice.down",
    "policy_version.effective_date_fixed",
    "policy_version.in_force",
    "policy_version.superseded",
    "policy_version.replaced",
    "policy_version.reclassified",
    "campaign.postpone",
    "campaign.withdraw",
)
"""The facts about a version after which its entry says something else."""


@router.get("/")
def home(site: OnSite, reader: OnReader) -> HTMLResponse:
    """The policies, and the way to make a request."""
    with site.database.session() as session:
        return reader.show("home.html", policies=policies(session))


@router.get("/policies/{slug}")
def policy_page(slug: Slug, site: OnSite, reader: OnReader) -> HTMLResponse:
    """The text in force, under a notice when another one is announced."""
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        version = version_in_force(session, policy.id, site.now())
        return _text_page(session, reader, policy, version)


@router.get("/policies/{slug}/versions")
def archive(slug: Slug, site: OnSite, reader: OnReader) -> HTMLResponse:
    """Every public version, the newest first."""
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        versions = list(public_versions(session, policy.id))[::-1]
        return reader.show(
            "versions.html",
            policy=policy,
            versions=_listed(session, reader, versions),
            states=STATE_WORDS,
            earlier=_earlier(versions),
        )


CAME = (
    VersionState.ANNOUNCED,
    VersionState.POSTPONED,
    VersionState.IN_FORCE,
    VersionState.SUPERSEDED,
)
"""What may take the place of another, and be followed by one."""


def _earlier(versions: Sequence[PolicyVersion]) -> dict[int, int]:
    """By number, the version that each took the place of, or will: none that never came. Takes the
    newest first."""
    return {
        version.number: before.number
        for place, version in enumerate(versions)
        if (before := next((one for one in versions[place + 1 :] if one.state in CAME), None))
    }


@router.get("/policies/{slug}/versions/{number}")
def version_page(slug: Slug, number: Number, site: OnSite, reader: OnReader) -> HTMLResponse:
    """One version, with a banner when it is not the one in force."""
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        return _text_page(session, reader, policy, _public(session, policy, number))


@router.get("/policies/{slug}/on/{day}")
def on_day(slug: Slug, day: str, site: OnSite, reader: OnReader) -> HTMLResponse:
    """The version in force when a day began in the company's zone."""
    try:
        begins_at = start_of_day(date.fromisoformat(day), site.company.zone)
    except (ValueError, OverflowError):
        raise HTTPException(
            404,
            reader.gettext("This is not a date: write it as year, month and day, like 2026-11-22."),
        ) from None
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        version = version_in_force(session, policy.id, begins_at) or version_in_force(
            session, policy.id, begins_at + A_DAY
        )  # the first one came during its day
        if version is None:
            raise HTTPException(
                404,
                reader.gettext(
                    "No version of this policy was in force on %(day)s.",
                    day=reader.pages.day(date.fromisoformat(day)),
                ),
            )
        return _text_page(session, reader, policy, version)


@router.get("/policies/{slug}/changes/{base}/{number}")
def redline_page(
    slug: Slug, base: Number, number: Number, site: OnSite, reader: OnReader
) -> HTMLResponse:
    """What differs between two public versions, readable without colour."""
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        before, after = _public(session, policy, base), _public(session, policy, number)
        return reader.show(
            "changes.html",
            policy=policy,
            before=before,
            after=after,
            summary=summary_in(session, after, reader.language),
            passages=passages(before.text, after.text),
        )


@router.get("/policies/{slug}/feed.atom")
def feed(slug: Slug, site: OnSite, reader: OnReader) -> Response:
    """The announcements of a policy, as an Atom feed."""
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        versions = list(public_versions(session, policy.id))[::-1]
        changed = latest(session, [version.id for version in versions], SEEN_IN_THE_FEED)
        published = {each.id: each.announced_at or each.submitted_at for each in versions}
        content = reader.pages.text(
            "feed.atom",
            {
                "policy": policy,
                "versions": _listed(session, reader, versions),
                "states": STATE_WORDS,
                "published": published,
                "updated": {key: max(at, changed.get(key, at)) for key, at in published.items()},
                "not_before": {each.id: not_before_on(reader.site, each) for each in versions},
            },
        )
    headers = {"Cache-Control": KEPT_FOR, **VARIES}
    return Response(content, media_type="application/atom+xml", headers=headers)


@router.get("/policies/{slug}/notice.json")
def notice_json(slug: Slug, request: Request, reader: OnReader) -> Response:
    """The notice that is up, for other sites to show; `notice` is null when there is none."""
    return offered(request, json.dumps(_notice(reader, slug)), "application/json")


@router.get("/policies/{slug}/notice.js")
def notice_js(slug: Slug, request: Request, reader: OnReader) -> Response:
    """A script that shows the notice where it is embedded, as text and never as markup."""
    told = _notice(reader, slug)
    words = {
        "heading": reader.gettext("We are about to change our %(policy)s.", policy=told["title"]),
        "read": reader.gettext("Read what changes"),
    }
    data = json.dumps({**told, "words": words}).replace("<", "\\u003c")
    return offered(request, NOTICE_SCRIPT.replace("NOTICE", data), "text/javascript")


NOTICE_SCRIPT = """(function (offered) {
  "use strict";
  var notice = offered.notice, here = document.currentScript;
  if (!notice || !here) { return; }
  function add(parent, tag, text) {
    var element = document.createElement(tag);
    element.textContent = text;
    return parent.appendChild(element);
  }
  var box = document.createElement("aside");
  box.className = "promisekeeper-notice";
  add(box, "strong", offered.words.heading);
  add(box, "p", notice.summary);
  if (notice.changes.length) {
    var list = add(box, "ul", "");
    notice.changes.forEach(function (change) { add(list, "li", change); });
  }
  add(box, "p", notice.when);
  if (notice.by_law) { add(box, "p", notice.by_law); }
  if (notice.if_not_approved) { add(box, "p", notice.if_not_approved); }
  add(box, "a", offered.words.read).href = notice.url;
  here.parentNode.insertBefore(box, here);
})(NOTICE);
"""


def _notice(reader: Reader, slug: str) -> dict[str, object]:
    site = reader.site
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        notice = notice_of(session, site, policy, reader.language)
    return {
        "policy": policy.slug,
        "title": reader.pages.title(policy),
        "notice": _notice_fields(reader, notice) if notice else None,
    }


def _notice_fields(reader: Reader, notice: Notice) -> dict[str, object]:
    settled, path = notice.effective_on, notice.redline_path or notice.policy_path
    return {
        "version": notice.version.number,
        "class": notice.version.version_class,
        "summary": notice.summary,
        "changes": list(notice.changes),
        "not_before_on": notice.not_before_on.isoformat(),
        "effective_on": settled.isoformat() if settled else None,
        "when": _when(reader, notice),
        **_without_approval(reader, notice),
        "required_by_law": [law.citation for law in notice.laws],
        "by_law": _by_law(reader, notice),
        "url": f"{reader.site.company.base_url}{path}{reader.kept}",
    }


def _when(reader: Reader, notice: Notice) -> str:
    day = reader.pages.day
    if notice.in_error and notice.effective_on:
        return reader.gettext(
            "It has applied in error since %(day)s to account holders who had not approved it. "
            "Their earlier version governs them again until they approve.",
            day=day(notice.effective_on),
        )
    if notice.postponed:
        return reader.gettext("It is postponed: we say here when it takes effect.")
    if notice.effective_on:
        return reader.gettext("It takes effect on %(day)s.", day=day(notice.effective_on))
    return reader.gettext("It takes effect not before %(day)s.", day=day(notice.not_before_on))


def _without_approval(reader: Reader, notice: Notice) -> dict[str, object]:
    """What happens to whoever does not approve, where the version asks for approval (P5)."""
    promise, asks = notice.promise, notice.asks_approval
    return {
        "without_approval": promise.what if asks else None,
        "stay_until": promise.until_on.isoformat() if asks and promise.until_on else None,
        "if_not_approved": _if_not_approved(reader, notice),
    }


def _if_not_approved(reader: Reader, notice: Notice) -> str:
    """The same in words; empty where nobody is asked."""
    if not notice.asks_approval:
        return ""
    until_on = notice.promise.until_on
    return reader.gettext(
        IF_SOMEBODY_DOES_NOT_APPROVE[notice.promise.what],
        day=reader.pages.day(until_on) if until_on else "",
    )


def _by_law(reader: Reader, notice: Notice) -> str:
    """That it applies without approval, and which law requires it, in words; else empty (P5)."""
    if not notice.laws:
        return ""
    laws = [f"{law.citation}: {law.sentence}" for law in notice.laws]
    if notice.asked_nevertheless:
        begins = reader.gettext(
            "It applies without approval, because the law requires it. Whoever has stayed on an "
            "earlier version, from which more changes, is asked."
        )
    else:
        begins = reader.gettext(
            "It applies to everyone without approval, because the law requires it."
        )
    return " ".join([begins, *laws])


def _listed(
    session: Session, reader: Reader, versions: Sequence[PolicyVersion]
) -> list[tuple[PolicyVersion, str, date | None, str]]:
    """Each version with what it changes, the day it takes effect, and the laws that require it."""
    return [
        (
            version,
            summary_in(session, version, reader.language),
            effective_on(reader.site, version),
            _citations(session, reader, version),
        )
        for version in versions
    ]


def _citations(session: Session, reader: Reader, version: PolicyVersion) -> str:
    laws = laws_of(session, version, reader.language)
    return "; ".join(dict.fromkeys(law.citation for law in laws))


def _public(session: Session, policy: Policy, number: int) -> PolicyVersion:
    """Drafts and rejected versions are as unknown as those that never were (P1)."""
    version = version_by_number(session, policy.id, number)
    if not is_public(version):
        raise PolicyUnknown
    return version


def _text_page(
    session: Session, reader: Reader, policy: Policy, version: PolicyVersion | None
) -> HTMLResponse:
    site = reader.site
    current = version_in_force(session, policy.id, site.now())
    notice = notice_of(session, site, policy, reader.language)
    return reader.show(
        "policy.html",
        policy=policy,
        version=version,
        current=current,
        text=policy_html(version.text) if version else None,
        effective_on=effective_on(site, version) if version else None,
        notice=notice,
        if_not_approved=_if_not_approved(reader, notice) if notice else "",
        by_law=_by_law(reader, notice) if notice else "",
        citations=_citations(session, reader, version) if version else "",
    )
