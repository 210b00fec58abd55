"""Legal's pages: hand in a version, review what was found in it, release it (P2)."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database.approvals.reach import reach
from database.approvals.wrong_words import wrong_of
from database.campaigns import audiences
from database.campaigns.campaigns import campaign_of
from database.campaigns.control_acts import control_acts
from database.campaigns.controls import open_stop
from database.campaigns.corrections import languages_mailed, words_of
from database.campaigns.mended_versions import mending
from database.campaigns.owed import open_correction
from database.campaigns.progress import progress_of
from database.campaigns.reclassifying import missed, open_reclassification
from database.campaigns.rehearsals import samples_of
from database.campaigns.reviews import ReviewContent, preparation, under_review
from database.campaigns.shards import canary
from database.policies import policies
from database.policies.assessments import as_assessed, findings_between, findings_of
from database.policies.decisions import decided_before
from database.policies.law import asked_nevertheless, bases_by_law, cited
from database.policies.policies import previous_version
from database.policies.without_approval import promise_of
from database.policies.wording import wording_of, words_read
from database.tables import PolicyVersion, Staff
from domain.approvals.without_approval import Promise, WithoutApproval, promise_refusal
from domain.conversion import PolicyFile, read_policy_file
from domain.policies.reviews import (
    PREPARED,
    TO_COME,
    UNDECIDED,
    VersionClass,
    lowest_class,
    release_refusal,
)
from domain.texts.policy_text import PolicyRefused
from translations.catalogues import speak
from web.addresses import Slug
from web.forms import NOTHING_POSTED, Form, Posted
from web.policies.notices import effective_on, not_before_on
from web.policies.redlines import passages
from web.rendering import policy_html
from web.site import OnSite, Site
from web.staff.access import GENUINE, Legal, ReadsPolicies, console
from web.staff.asked import Asked, AskedByLegal, AskedByReader
from web.staff.wording import changed_words, fields_of
from workflows.desk import NewVersion
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/policies")
STYLED_AS_MAILS_ARE = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""The frames of the page inherit its policy, and mails carry their styles in the text."""


@router.get("")
def policy_list(request: Request, site: OnSite, member: ReadsPolicies) -> HTMLResponse:
    """Every policy with the version in force."""
    with site.database.session() as session:
        rows = [
            (policy, policies.version_in_force(session, policy.id, site.now()))
            for policy in policies.policies(session)
        ]
        return console(request, site, member, "policies.html", rows=rows)


@router.get("/{slug}")
def policy_page(slug: Slug, request: Request, site: OnSite, member: ReadsPolicies) -> HTMLResponse:
    """The versions of a policy, the newest first."""
    return _policy_page(request, site, member, slug)


@router.post("/{slug}/titles", dependencies=[GENUINE])
def entitle(slug: Slug, request: Request, site: OnSite, member: Legal, posted: Form) -> Response:
    """Keep what a policy is called in each language; an empty field changes nothing."""
    given = posted.with_prefix("title:")
    try:
        site.desk.entitle(slug, member.id, {key: said for key, said in given.items() if said})
    except Refused as refusal:
        return _policy_page(request, site, member, slug, posted=posted, refusal=str(refusal))
    return RedirectResponse(f"/staff/policies/{slug}", status_code=303)


def _policy_page(
    request: Request,
    site: Site,
    member: Staff,
    slug: str,
    *,
    posted: Posted = NOTHING_POSTED,
    refusal: str | None = None,
) -> HTMLResponse:
    with site.database.session() as session:
        policy = policies.policy_by_slug(session, slug)
        versions = [
            (version, effective_on(site, version))
            for version in reversed(policies.versions(session, policy.id))
        ]
        titles = {
            language: posted.text(f"title:{language}") or policy.titles.get(language, "")
            for language in site.company.languages[1:]
        }
        return console(
            request,
            site,
            member,
            "policy.html",
            status=400 if refusal else 200,
            policy=policy,
            versions=versions,
            titles=titles,
            usual={each: speak(each).title(policy.title, {}) for each in titles},
            refusal=refusal,
        )


@router.get("/{slug}/submit")
def submit_form(slug: Slug, request: Request, site: OnSite, member: Legal) -> HTMLResponse:
    """The form for a new version."""
    return _submit_form(request, site, member, slug, NOTHING_POSTED)


@router.post("/{slug}/submit", dependencies=[GENUINE])
def submit(slug: Slug, request: Request, site: OnSite, member: Legal, posted: Form) -> Response:
    """Hand in a version; what is refused comes back with its words kept.

    What had to be converted comes back as Markdown, to be read by a person before it counts.
    """
    try:
        read = _policy_file(posted)
        if read.converted:
            return _submit_form(request, site, member, slug, posted, converted=read)
        version = site.desk.submit(
            NewVersion(
                slug=slug,
                text=read.text,
                summary=posted.text("summary"),
                submitted_by=member.id,
                effective_on=_date(posted.text("effective_on")),
                notice_days=_days(posted.text("notice_days")),
                promise=_promise_given(posted),
            )
        )
    except (PolicyRefused, Refused) as refusal:
        return _submit_form(request, site, member, slug, posted, refusal=str(refusal))
    return RedirectResponse(f"/staff/policies/{slug}/versions/{version.number}", status_code=303)


@router.get("/{slug}/versions/{number}")
def version_page(asked: AskedByReader) -> HTMLResponse:
    """A version: redline and findings, what is decided and what is missing, its campaign."""
    return _version_page(asked)


@router.get("/{slug}/versions/{number}/audience")
def audience(asked: AskedByReader) -> HTMLResponse:
    """Whom the version would address if it were released now (P4); a page of its own, as counting
    many accounts takes a while."""
    site = asked.site
    with site.database.session() as session:
        policy = policies.policy_by_slug(session, asked.slug)
        version = policies.version_by_number(session, policy.id, asked.number)
        return asked.page(
            "audience.html",
            policy=policy,
            version=version,
            seen=audiences.preview(session, version, site.now()),
            mending=mending(session, version),
        )


@router.get("/{slug}/versions/{number}/preview")
def preview(asked: AskedByLegal) -> HTMLResponse:
    """What up to ten whom the version would address would read; looking is recorded (P30)."""
    site = asked.site
    with site.database.session() as session:
        policy = policies.policy_by_slug(session, asked.slug)
        version = policies.version_by_number(session, policy.id, asked.number)
    mails = site.sample_mails.read_by(site.database, version, asked.member.id, site.now())
    answer = asked.page("preview.html", policy=policy, version=version, mails=mails)
    answer.headers["Content-Security-Policy"] = STYLED_AS_MAILS_ARE
    return answer


@router.post("/{slug}/versions/{number}/review", dependencies=[GENUINE])
def review(asked: AskedByLegal, posted: Form) -> Response:
    """Confirm, dismiss and add findings, and give the class, with a reason."""
    said = posted.with_prefix("finding-")
    wanted = posted.text("version_class")
    content = ReviewContent(
        confirm=tuple(key for key, decision in said.items() if decision == "confirm"),
        dismiss=tuple(key for key, decision in said.items() if decision == "dismiss"),
        add=(posted.text("add"),) if posted.text("add") else (),
        consent=_changed_purposes(asked, posted),
        law=_changed_laws(asked, posted),
        agree_to_law=posted.with_prefix("agree-to-law-"),
        version_class=VersionClass(wanted) if wanted in list(VersionClass) else None,
    )
    try:
        _write_words(asked, posted)
        asked.site.desk.review(
            asked.slug, asked.number, asked.member.id, content, posted.text("reason")
        )
    except Refused as refusal:
        return _version_page(asked, posted=posted, refusal=str(refusal))
    return asked.back()


@router.post("/{slug}/versions/{number}/wording", dependencies=[GENUINE])
def wording(asked: AskedByLegal, posted: Form) -> Response:
    """Keep what people will read; what was chosen meanwhile stays on the page, undecided."""
    try:
        _write_words(asked, posted)
    except Refused as refusal:
        return _version_page(asked, posted=posted, refusal=str(refusal))
    return _version_page(asked, posted=posted, done="The words are kept.")


@router.post("/{slug}/versions/{number}/without-approval", dependencies=[GENUINE])
def without_approval(asked: AskedByLegal, posted: Form) -> Response:
    """Say what happens to whoever does not approve, while the version is in review."""
    try:
        asked.site.desk.promise(asked.slug, asked.number, asked.member.id, _promise(posted))
    except Refused as refusal:
        return _version_page(asked, posted=posted, refusal=str(refusal))
    return asked.back()


@router.post("/{slug}/versions/{number}/test-mail", dependencies=[GENUINE])
def send_test_mails(asked: AskedByLegal) -> Response:
    """Send whoever asks the mails of a version, to read before its release."""
    try:
        asked.site.desk.send_test_mails(asked.slug, asked.number, asked.member.id)
    except Refused as refusal:
        return _version_page(asked, refusal=str(refusal))
    return asked.back()


@router.post("/{slug}/versions/{number}/reject", dependencies=[GENUINE])
def reject(asked: AskedByLegal, posted: Form) -> Response:
    """Take a version back before anybody heard of it."""
    try:
        asked.site.desk.reject(
            asked.slug, asked.number, asked.member.id, posted.text("rejection_reason")
        )
    except Refused as refusal:
        return _version_page(asked, posted=posted, refusal=str(refusal))
    return asked.back()


@router.post("/{slug}/versions/{number}/release", dependencies=[GENUINE])
def release(asked: AskedByLegal) -> Response:
    """Let a reviewed version go out."""
    try:
        asked.site.desk.release(asked.slug, asked.number, asked.member.id)
    except Refused as refusal:
        return _version_page(asked, refusal=str(refusal))
    return asked.back()


def _submit_form(
    request: Request,
    site: Site,
    member: Staff,
    slug: str,
    posted: Posted,
    *,
    refusal: str = "",
    converted: PolicyFile | None = None,
) -> HTMLResponse:
    with site.database.session() as session:
        policy = policies.policy_by_slug(session, slug)
        gives_way = policies.giving_way(session, policy.id)
        announced = next((each for each in gives_way if each.state in TO_COME), None)
    return console(
        request,
        site,
        member,
        "submit.html",
        status=422 if refusal else 200,
        policy=policy,
        gives_way=gives_way,
        announced=announced,
        promises=list(WithoutApproval),
        posted=posted,
        text=converted.text.text if converted else _words_handed_in(posted),
        refusal=refusal,
        converted=converted,
    )


def _policy_file(posted: Posted) -> PolicyFile:
    """The file when there is one, else what was pasted."""
    if "file" in posted.files:
        return read_policy_file(posted.files["file"], posted.file_names.get("file", ""))
    return read_policy_file(_pasted(posted).encode())


def _pasted(posted: Posted) -> str:
    return next((value for name, value in posted.fields if name == "text"), "")


def _words_handed_in(posted: Posted) -> str:
    try:
        return posted.files.get("file", b"").decode("utf-8-sig") or _pasted(posted)
    except UnicodeDecodeError:
        return _pasted(posted)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(
            f"{text!r} is not a date: write it like 2026-11-22. Nothing was stored."
        ) from None


def _promise(posted: Posted) -> Promise:
    what = posted.text("without_approval") or WithoutApproval.STAY
    if what not in list(WithoutApproval):
        raise Refused("Say what happens without approval. Nothing was stored.")
    return Promise(what=WithoutApproval(what), until_on=_date(posted.text("stay_until")))


def _promise_given(posted: Posted) -> Promise | None:
    given = posted.text("without_approval") or posted.text("stay_until")
    return _promise(posted) if given else None


def _days(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or len(text) > 3 or not 14 <= int(text) <= 365:
        raise Refused("The notice period is a number of days from 14 to 365. Nothing was stored.")
    return int(text)


def _changed_purposes(asked: Asked, posted: Posted) -> Mapping[str, str]:
    """What was changed in the fields that say which findings take consent, and to what."""
    given = posted.with_prefix("consent-")
    with asked.site.database.session() as session:
        version = policies.version_by_slug(session, asked.slug, asked.number)
        stood = {each.key: each.consent_key or "" for each in findings_of(session, version.id)}
    return {key: said for key, said in given.items() if said != stood.get(key, "")}


def _changed_laws(asked: Asked, posted: Posted) -> Mapping[str, str]:
    """What was changed in the fields that say which law requires a finding, and to what."""
    given = posted.with_prefix("law-")
    with asked.site.database.session() as session:
        version = policies.version_by_slug(session, asked.slug, asked.number)
        found = cited(session, findings_of(session, version.id))
    stood = {law.finding: law.citation for law in found}
    return {key: said for key, said in given.items() if said.strip() != stood.get(key, "")}


def _write_words(asked: Asked, posted: Posted) -> None:
    words = changed_words(posted)
    if words:
        asked.site.desk.word(asked.slug, asked.number, asked.member.id, words)


def _version_page(
    asked: Asked, *, posted: Posted = NOTHING_POSTED, refusal: str = "", done: str = ""
) -> HTMLResponse:
    site = asked.site
    with site.database.session() as session:
        policy = policies.policy_by_slug(session, asked.slug)
        version = policies.version_by_number(session, policy.id, asked.number)
        return asked.page(
            "version.html",
            status=409 if refusal else 200,
            policy=policy,
            version=version,
            posted=posted,
            refusal=refusal,
            done=done,
            replacement=policies.replacement_of(session, version),
            submitter=session.get_one(Staff, version.submitted_by),
            effective_on=effective_on(site, version),
            not_before_on=not_before_on(site, version),
            workflow_url=site.workflow_url(f"publication/{policy.slug}/{version.number}"),
            campaign_url=site.workflow_url(f"campaign/{policy.slug}/{version.number}"),
            **_campaign(asked.site, session, version),
            missed=missed(session, version, site.company.languages),
            reclassification=open_reclassification(session, version.id),
            **_change(session, version),
            decided_before=_decided_before(site, session, version),
            **_review(asked, session, version, posted),
        )


def _change(session: Session, version: PolicyVersion) -> Mapping[str, object]:
    """The redline with the findings that it shows, and the findings of other pairs of texts."""
    base = previous_version(session, version)
    in_step = findings_between(session, base.id, version.id) if base else []
    shown = {finding.id for finding in in_step}
    return {
        "base": base,
        "passages": passages(base.text, version.text) if base else (),
        "text": policy_html(version.text),
        "findings": list(in_step),
        "assessed": as_assessed(session, version.id),
        "laws": {law.finding: law for law in cited(session, findings_of(session, version.id))},
        "by_law": bool(bases_by_law(session, version)),
        "more_than_law": asked_nevertheless(session, version),
        "other_findings": [
            finding for finding in findings_of(session, version.id) if finding.id not in shown
        ],
    }


def _decided_before(site: Site, session: Session, version: PolicyVersion) -> Mapping[UUID, str]:
    """Of the findings that an earlier version's review decided: what it said."""
    before = {
        finding.id: decided_before(session, finding) for finding in findings_of(session, version.id)
    }
    return {key: said.words(site.company.zone) for key, said in before.items() if said}


def _review(
    asked: Asked, session: Session, version: PolicyVersion, posted: Posted
) -> Mapping[str, object]:
    standing = under_review(session, version)
    languages = asked.site.company.languages
    in_review = version.state == "in_review" and version.released_by is None
    prepared = preparation(session, version, languages) if in_review else PREPARED
    open_ = [finding for finding in standing.findings if finding.status in UNDECIDED]
    refusal = release_refusal(standing, asked.member.id, prepared) or promise_refusal(
        promise_of(version),
        not_before_on(asked.site, version),
        closing_page=asked.site.company.closing_page,
    )
    return {
        "in_review": in_review,
        "mending": mending(session, version),
        "released": version.state == "in_review" and version.released_by is not None,
        "undecided": [finding.key for finding in open_],
        "lowest_class": lowest_class(standing),
        "classes": list(VersionClass),
        "words": fields_of(wording_of(session, version, languages), posted) if in_review else {},
        "promises": list(WithoutApproval),
        "release_refusal": refusal,
        "audience": None
        if refusal or not in_review
        else audiences.preview(session, version, asked.site.now()),
        "mails_to_test": samples_of(session, version) if in_review else (),
    }


def _campaign(site: Site, session: Session, version: PolicyVersion) -> Mapping[str, object]:
    campaign = campaign_of(session, version.id)
    spoken = site.company.languages
    proposed = open_correction(session, campaign.id) if campaign else None
    mailed = languages_mailed(session, campaign.id, spoken) if campaign else ()
    return {
        "campaign": progress_of(session, campaign) if campaign else None,
        "campaign_state": campaign.state if campaign else "",
        "campaign_rate_limit": campaign.per_minute if campaign else None,
        "canary": canary(campaign) if campaign else None,
        "correction": proposed,
        "reach": reach(session, wrong_of(session, proposed)) if proposed else None,
        "right_words": words_of(session, proposed, spoken) if proposed else (),
        "words_mailed": [words_read(session, version, language) for language in mailed],
        "control_acts": control_acts(session, version.id),
        "mail_stop": open_stop(session),
    }
