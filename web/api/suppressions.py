"""What the company's own systems ask before they mail somebody or use their data (P14, P17)."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from database.people.accounts import account_by_external_id, accounts_by_external_ids
from database.requests.marketing import COMPANY, Checked, check, is_suppressed, offer
from database.requests.restrictions import of_account
from database.tables import Restriction
from domain.people.marketing import RESERVED, PurposeUnknown, Use, use_named
from domain.people.restrictions import WORDS, Reason
from web.api.accounts import NO_CONTROL_CHARACTERS, ExternalId
from web.api.keys import Reads, Writes
from web.api.problems import Problem
from web.mail.marketing_links import preferences_url, unsubscribe_url
from web.site import OnSite, Site

router = APIRouter(prefix="/api/v1", tags=["suppressions"])
MOST_AT_ONCE = 1000
LONGEST_PURPOSE = 40
Address = Annotated[str, Field(min_length=1, max_length=254, pattern=NO_CONTROL_CHARACTERS)]
AccountId = Annotated[str, Field(min_length=1, max_length=254, pattern=NO_CONTROL_CHARACTERS)]


class CheckBody(BaseModel):
    """Whom a message is for, and what for."""

    model_config = ConfigDict(extra="forbid")

    purpose: str = Field(
        max_length=LONGEST_PURPOSE,
        description=f"A declared one, or one of {', '.join(RESERVED)}",
    )
    addresses: list[Address] = Field(min_length=1, max_length=MOST_AT_ONCE)


class OfferBody(BaseModel):
    """Whom the company showed the choice about a purpose, in an application or mail of its own."""

    model_config = ConfigDict(extra="forbid")

    accounts: list[AccountId] = Field(min_length=1, max_length=MOST_AT_ONCE)


@router.post("/suppressions/check")
def check_suppressions(body: CheckBody, site: OnSite, _key: Reads) -> dict[str, object]:
    """Whether a message for a purpose may go to each of up to 1,000 addresses, asked just before.

    With the links that a message needs: to the page of choices, and for the header
    `List-Unsubscribe`, which goes with `List-Unsubscribe-Post: List-Unsubscribe=One-Click`.
    """
    use = _use(site, body.purpose)
    with site.database.session() as session:
        found = check(session, body.addresses, use, site.suppression_key)
    return {"purpose": use.name, "addresses": [_told(site, use, one) for one in found]}


@router.post("/purposes/{purpose}/offers")
def note_offers(
    purpose: Annotated[str, Path(max_length=LONGEST_PURPOSE, pattern=NO_CONTROL_CHARACTERS)],
    body: OfferBody,
    site: OnSite,
    key: Writes,
) -> dict[str, object]:
    """Note that up to 1,000 account holders had the choice about a purpose that came later.

    Until that is noted, or they chose on their page, the purpose is closed for them. The same sent
    again changes nothing; with one unknown account nothing is noted.
    """
    use, now = _use(site, purpose), site.now()
    if not use.to_be_offered:
        raise Problem(409, f"{purpose} was there from the beginning: it needs no offer.")
    if not use.has_begun:
        raise Problem(409, f"The choice about {purpose} is not offered yet. Nothing was noted.")
    with site.database.transaction() as transaction:
        accounts = accounts_by_external_ids(transaction, body.accounts)
        if missing := [name for name in body.accounts if name not in accounts]:
            raise Problem(404, f"There is no account {missing[0]!r}. Nothing was noted.")
        new = offer(
            transaction,
            {account.id for account in accounts.values()},
            purpose,
            how=COMPANY,
            now=now,
            api_key_id=key.id,
        )
    return {"purpose": purpose, "accounts": len(accounts), "new": new}


@router.get("/accounts/{external_id}/restrictions")
def restrictions(external_id: ExternalId, site: OnSite, _key: Reads) -> dict[str, object]:
    """Whether an account is restricted, and which uses of its holder's data are stopped.

    Of a restricted account store the data, and ask us before any other use but what a law demands.
    """
    with site.database.session() as session:
        account = account_by_external_id(session, external_id)
        rows = [row for row in of_account(session, account.id) if row.lifted_at is None]
        names = (*(purpose.key for purpose in site.company.purposes), *RESERVED)
        return {
            "account": external_id,
            "restricted": bool(rows),
            "restrictions": [_in_words(row) for row in rows],
            "suppressed": {
                name: is_suppressed(session, account, _use(site, name), site.suppression_key)
                for name in names
            },
            "preferences_url": preferences_url(site, account.id),
        }


def _use(site: Site, name: str) -> Use:
    try:
        return use_named(name, site.company.purposes, site.company.today(site.now()))
    except PurposeUnknown as fault:
        raise Problem(422, "Nothing was checked or noted.", [("purpose", str(fault))]) from None


def _told(site: Site, use: Use, one: Checked) -> dict[str, object]:
    """An address as it was given. Somebody without an account has the form for requests."""
    account, declared = one.account_id, use.name not in RESERVED
    return {
        "address": one.address,
        "suppressed": one.reason is not None,
        "reason": one.reason,
        "preferences_url": preferences_url(site, account) if account else site.company.contact_url,
        "unsubscribe_url": unsubscribe_url(site, use.name, account)
        if account and declared
        else None,
    }


def _in_words(row: Restriction) -> dict[str, object]:
    return {
        "reason": row.reason,
        "words": WORDS[Reason(row.reason)],
        "since": row.restricted_at,
        "ends_soon": row.lift_asked_at is not None,
    }
