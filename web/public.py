"""What everybody may read: policies, their archive, redlines, feed and notice (P1, P3)."""

import json
from datetime import date
from hashlib import sha256
from itertools import pairwise

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from database.policies import (
    PUBLIC_STATES,
    PolicyUnknown,
    policies,
    policy_by_slug,
    public_versions,
    version_by_number,
    version_in_force,
)
from database.tables import Policy, PolicyVersion
from domain.places import start_of_day
from web.addresses import Number, Slug
from web.notices import Notice, effective_on, notice_of
from web.redlines import passages
from web.rendering import policy_html
from web.site import OnSite, Site

router = APIRouter()
KEPT_FOR = "public, max-age=300"


@router.get("/")
def home(site: OnSite) -> HTMLResponse:
    """The policies, and the way to make a request."""
    with site.database.session() as session:
        return site.pages.show("home.html", policies=policies(session))


@router.get("/policies/{slug}")
def policy_page(slug: Slug, site: OnSite) -> HTMLResponse:
    """The text in force, under a notice when another one is announced."""
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        version = version_in_force(session, policy.id, site.now())
        return _text_page(session, site, policy, version)


@router.get("/policies/{slug}/versions")
def archive(slug: Slug, site: OnSite) -> HTMLResponse:
    """Every public version, the newest first."""
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        versions = list(public_versions(session, policy.id))[::-1]
        return site.pages.show(
            "versions.html",
            policy=policy,
            versions=[(version, effective_on(site, version)) for version in versions],
            earlier={version.number: previous.number for version, previous in pairwise(versions)},
        )


@router.get("/policies/{slug}/versions/{number}")
def version_page(slug: Slug, number: Number, site: OnSite) -> HTMLResponse:
    """One version, with a banner when it is not the one in force."""
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        return _text_page(session, site, policy, _public(session, policy, number))


@router.get("/policies/{slug}/on/{day}")
def on_day(slug: Slug, day: str, site: OnSite) -> HTMLResponse:
    """The version in force when a day began in the company's zone."""
    try:
        begins_at = start_of_day(date.fromisoformat(day), site.company.zone)
    except (ValueError, OverflowError):
        raise HTTPException(
            404, "This is not a date: write it as year, month and day, like 2026-11-22."
        ) from None
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        version = version_in_force(session, policy.id, begins_at)
        if version is None:
            raise HTTPException(404, f"No version of this policy was in force on {day}.")
        return _text_page(session, site, policy, version)


@router.get("/policies/{slug}/changes/{base}/{number}")
def redline_page(slug: Slug, base: Number, number: Number, site: OnSite) -> HTMLResponse:
    """What differs between two public versions, readable without colour."""
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        before, after = _public(session, policy, base), _public(session, policy, number)
        return site.pages.show(
            "changes.html",
            policy=policy,
            before=before,
            after=after,
            passages=passages(before.text, after.text),
        )


@router.get("/policies/{slug}/feed.atom")
def feed(slug: Slug, site: OnSite) -> Response:
    """The announcements of a policy, as an Atom feed."""
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        versions = [
            (version, effective_on(site, version))
            for version in reversed(public_versions(session, policy.id))
        ]
        content = site.pages.text("feed.atom", {"policy": policy, "versions": versions})
    return Response(content, media_type="application/atom+xml", headers={"Cache-Control": KEPT_FOR})


@router.get("/policies/{slug}/notice.json")
def notice_json(slug: Slug, request: Request, site: OnSite) -> Response:
    """The notice that is up, for other sites to show; `notice` is null when there is none."""
    return _offered(request, json.dumps(_notice(site, slug)), "application/json")


@router.get("/policies/{slug}/notice.js")
def notice_js(slug: Slug, request: Request, site: OnSite) -> Response:
    """A script that shows the notice where it is embedded, as text and never as markup."""
    data = json.dumps(_notice(site, slug)).replace("<", "\\u003c")
    return _offered(request, NOTICE_SCRIPT.replace("NOTICE", data), "text/javascript")


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
  add(box, "strong", "Our " + offered.title + " is about to change.");
  add(box, "p", notice.summary);
  if (notice.changes.length) {
    var list = add(box, "ul", "");
    notice.changes.forEach(function (change) { add(list, "li", change); });
  }
  add(box, "p", notice.when);
  add(box, "a", "Read what changes").href = notice.url;
  here.parentNode.insertBefore(box, here);
})(NOTICE);
"""


def _notice(site: Site, slug: str) -> dict[str, object]:
    with site.database.session() as session:
        policy = policy_by_slug(session, slug)
        notice = notice_of(session, site, policy)
    return {
        "policy": policy.slug,
        "title": policy.title,
        "notice": _notice_fields(site, notice) if notice else None,
    }


def _notice_fields(site: Site, notice: Notice) -> dict[str, object]:
    settled = notice.effective_on
    return {
        "version": notice.version.number,
        "class": notice.version.version_class,
        "summary": notice.summary,
        "changes": list(notice.changes),
        "not_before_on": notice.not_before_on.isoformat(),
        "effective_on": settled.isoformat() if settled else None,
        "when": f"It takes effect on {site.pages.day(settled)}."
        if settled
        else f"It takes effect not before {site.pages.day(notice.not_before_on)}.",
        "url": site.company.base_url + (notice.redline_path or notice.policy_path),
    }


def _offered(request: Request, content: str, media_type: str) -> Response:
    etag = f'"{sha256(content.encode()).hexdigest()[:32]}"'
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": KEPT_FOR,
        "ETag": etag,
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def _public(session: Session, policy: Policy, number: int) -> PolicyVersion:
    """Drafts and rejected versions are as unknown as those that never were (P1)."""
    version = version_by_number(session, policy.id, number)
    if version.state not in PUBLIC_STATES:
        raise PolicyUnknown
    return version


def _text_page(
    session: Session, site: Site, policy: Policy, version: PolicyVersion | None
) -> HTMLResponse:
    current = version_in_force(session, policy.id, site.now())
    return site.pages.show(
        "policy.html",
        policy=policy,
        version=version,
        current=current,
        text=policy_html(version.text) if version else None,
        effective_on=effective_on(site, version) if version else None,
        notice=notice_of(session, site, policy),
    )
