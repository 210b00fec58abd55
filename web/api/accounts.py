"""What the company's own systems tell us of accounts, and ask about them (P6)."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from database.approvals import consents
from database.approvals.acceptances import Acceptance, accept
from database.approvals.approvals import PolicyHistory, proven_version
from database.approvals.governing_lists import governed_after, in_a_line, told
from database.imports.one_account import close_account, put_account
from database.people.accounts import AccountRow, account_by_external_id
from database.policies.policies import policy_by_slug
from domain.people.account_values import LONGEST_VALUE, problems_together, read_value
from domain.places import in_utc
from web.addresses import Slug
from web.api.keys import Reads, Writes
from web.api.problems import Problem
from web.mail.marketing_links import preferences_url
from web.site import OnSite, Site

router = APIRouter(prefix="/api/v1", tags=["accounts"])
LARGEST_PAGE = 1000
NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f]+$"
ExternalId = Annotated[
    str,
    Path(
        max_length=LONGEST_VALUE,
        pattern=NO_CONTROL_CHARACTERS,
        description="The company's own id of the account",
    ),
]
At = Annotated[
    AwareDatetime | None,
    Query(description="An instant with its offset, like 2026-03-01T00:00:00Z; default now"),
]
PolicySlug = Annotated[str, Query(max_length=200, pattern=NO_CONTROL_CHARACTERS)]


class AccountBody(BaseModel):
    """What is said of an account; what is left out, or null, a known account keeps."""

    model_config = ConfigDict(extra="forbid")

    email: str
    name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    country: str | None = None
    status: str | None = None
    kind: str | None = None
    exempt_reason: str | None = None
    joined_at: str | None = None
    organisation_id: str | None = None
    approver: bool | None = None
    governing_version: int | dict[str, int] | None = Field(
        default=None,
        description="Asserted of a new account, without proof: a number, or with several policies "
        'numbers by policy, like {"terms": 2, "privacy-policy": 3}',
    )


class AcceptanceBody(BaseModel):
    """A version that was accepted in the company's own application."""

    model_config = ConfigDict(extra="forbid")

    policy: str = Field(max_length=200, pattern=NO_CONTROL_CHARACTERS)
    version: int = Field(ge=1, le=999_999)
    text_sha256: str = Field(
        pattern="^[0-9a-fA-F]{64}$", description="Of the text that was shown, as a whole"
    )
    accepted_at: AwareDatetime
    language: str | None = Field(default=None, max_length=35, pattern="^[A-Za-z0-9_-]+$")


@router.get("/accounts/{external_id}/governing-version")
def governing_version(
    external_id: ExternalId, policy: PolicySlug, site: OnSite, _key: Reads, at: At = None
) -> dict[str, object]:
    """The version that governs an account at an instant, and every row that proves it."""
    moment = _instant(site, at)
    with site.database.session() as session:
        history = PolicyHistory(session, policy_by_slug(session, policy))
        account = account_by_external_id(session, external_id)
        proven = proven_version(history, account, moment)
        said = {"policy": policy, "account": external_id, "at": moment}
        return {**said, **told(history, proven)}


@router.get("/policies/{slug}/governing-versions", tags=["policies"])
def governing_versions(
    slug: Slug,
    site: OnSite,
    _key: Reads,
    *,
    after: Annotated[
        str, Query(max_length=LONGEST_VALUE, description="`next_after` of the page before")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = LARGEST_PAGE,
    at: At = None,
) -> dict[str, object]:
    """The version that governs each account, page by page, by the accounts' ids.

    `next_after` is null on the last page. Give `at` of the first page with each later one.
    """
    moment = _instant(site, at)
    with site.database.session() as session:
        history = PolicyHistory(session, policy_by_slug(session, slug))
        page = governed_after(session, history, moment, after=after, limit=limit)
        return {
            "policy": slug,
            "at": moment,
            "accounts": [
                {
                    "account": each.account.external_id,
                    "status": each.account.status,
                    "kind": each.account.kind,
                    **in_a_line(each.proven),
                }
                for each in page
                if each.proven is not None
            ],
            "next_after": page[-1].account.external_id if len(page) == limit else None,
        }


@router.get("/accounts/{external_id}/consents")
def consents_of(external_id: ExternalId, site: OnSite, _key: Reads) -> dict[str, object]:
    """What an account holder last said about each purpose, and all that was said before.

    Of a purpose that is not listed there is no consent.
    """
    with site.database.session() as session:
        account = account_by_external_id(session, external_id)
        return {"account": external_id, "consents": consents.told(session, account.id)}


@router.put("/accounts/{external_id}")
def put(
    external_id: ExternalId, body: AccountBody, site: OnSite, key: Writes, response: Response
) -> dict[str, object]:
    """Add or update an account, as a line of `accounts import` does. Never creates an approval."""
    done = put_account(
        site.database, _row(external_id, body), asserted_by=key.made_by, now=site.now()
    )
    response.status_code = 201 if done.added else 200
    with site.database.session() as session:
        account = account_by_external_id(session, external_id)
    if done.updated:
        site.desk.send_owed_again(account_id=account.id)
    return {
        "account": external_id,
        "added": bool(done.added),
        "updated": bool(done.updated),
        "preferences_url": preferences_url(site, account.id),
    }


@router.delete("/accounts/{external_id}", status_code=204)
def close(external_id: ExternalId, site: OnSite, key: Writes) -> None:
    """Close an account: no more mail of campaigns goes to it. Erasing is a request of its own."""
    close_account(site.database, external_id, asserted_by=key.made_by, now=site.now())


@router.post("/accounts/{external_id}/acceptances", status_code=201)
def record_acceptance(
    external_id: ExternalId, body: AcceptanceBody, site: OnSite, _key: Writes, response: Response
) -> dict[str, object]:
    """Record that the account holder accepted a version in the company's own application.

    It is an approval only if version, hash of the text and instant are all right. It counts from
    now on, never from before. The same one sent again is answered with 200.
    """
    now = site.now()
    acceptance = Acceptance(
        policy=body.policy,
        version=body.version,
        text_sha256=body.text_sha256,
        accepted_at=in_utc(body.accepted_at),
        language=body.language,
    )
    with site.database.transaction() as transaction:
        account = account_by_external_id(transaction, external_id)
        accepted = accept(transaction, account, acceptance, now)
    if accepted.owed:
        site.desk.send_owed_again(mail_ids=accepted.owed)
    response.status_code = 201 if accepted.is_new else 200
    return {
        "approval": accepted.approval.id,
        "account": external_id,
        "policy": body.policy,
        "version": body.version,
        "accepted_at": accepted.approval.said_at,
        "counts_from": accepted.approval.decided_at,
        "text_sha256": accepted.approval.text_sha256,
    }


def _instant(site: Site, at: datetime | None) -> datetime:
    return site.now() if at is None else in_utc(at)


def _row(external_id: str, body: AccountBody) -> AccountRow:
    """The same values and the same words as in a file of accounts."""
    given = {"external_id": external_id, **body.model_dump(exclude_none=True)}
    if isinstance(asserted := given.get("governing_version"), dict):
        given["governing_version"] = ";".join(
            f"{policy}:{number}" for policy, number in asserted.items()
        )
    content: dict[str, object] = {}
    faults = []
    for name, value in given.items():
        try:
            read = read_value(name, str(value))
        except ValueError as fault:
            faults.append((name, str(fault)))
            continue
        if read is not None:
            content[name] = read
    faults += problems_together(content)
    if faults:
        raise Problem(422, "Some of what was sent is wrong. Nothing was changed.", faults)
    return AccountRow(**content)  # type: ignore[arg-type]  # read_value gives what its fields hold
