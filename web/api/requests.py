"""Data-subject requests from the company's own systems, and hand-offs (P25, P26)."""

from datetime import datetime
from hashlib import sha256
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Header, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from database.handed_in import LONGEST_KEY, KeyUsedOtherwise
from database.people.accounts import account_by_external_id
from database.people.handoffs import HandoffRefused, NobodyToHandOver, make_handoff
from database.tables import Account
from domain.people.account_values import LONGEST_VALUE
from domain.people.languages import language_named
from domain.places import in_utc
from domain.requests.data_subject_requests import Intake, Kind, problems
from web.api.accounts import NO_CONTROL_CHARACTERS
from web.api.keys import Writes
from web.api.problems import Problem
from web.requests.handoffs import handoff_token
from web.site import OnSite, Site
from workflows.desk import ByKey
from workflows.desk.reception import OldReceipt
from workflows.messenger import Refused

router = APIRouter(prefix="/api/v1", tags=["requests"])
SAY_IS_OLD = "is more than a year ago: send is_old as true if it really is"
ExternalId = Annotated[str, Field(max_length=LONGEST_VALUE, pattern=NO_CONTROL_CHARACTERS)]
Key = Annotated[str, Field(min_length=1, max_length=LONGEST_KEY, pattern=NO_CONTROL_CHARACTERS)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=NO_CONTROL_CHARACTERS,
        description="Any text of your own: sent again with the same, the call makes no second "
        "request",
    ),
]


class RequestBody(BaseModel):
    """A request as one of the company's systems took it in."""

    model_config = ConfigDict(extra="forbid")

    kinds: list[str] = Field(max_length=len(Kind), description=", ".join(Kind))
    name: str = ""
    contact_address: str = Field(
        default="", description="The person's e-mail address; left out, the one in the account"
    )
    postal_address: str = Field(default="", description="Of whoever has no mailbox")
    message: str = ""
    country: str | None = None
    time_zone: str | None = None
    language: str = Field(default="", max_length=35, description="The person's, like de")
    received_at: AwareDatetime | None = Field(
        default=None, description="When it truly came, now or earlier; left out: now"
    )
    is_old: bool = Field(
        default=False, description="It really came more than a year ago; it is refused without"
    )
    account: ExternalId | None = Field(
        default=None, description="The company's own id of the account it is about"
    )
    agent_name: str = Field(default="", description="Of who asks for the person")
    agent_address: str = ""
    idempotency_key: Key | None = Field(
        default=None, description="Instead of the header Idempotency-Key"
    )


class HandoffBody(BaseModel):
    """Who is signed in at the company's own application, and since when."""

    model_config = ConfigDict(extra="forbid")

    external_id: ExternalId
    login_at: AwareDatetime
    kinds: list[Kind] = Field(
        default_factory=list, max_length=len(Kind), description="Chosen beforehand in the form"
    )


@router.post("/requests", status_code=201)
def hand_in(
    body: RequestBody,
    site: OnSite,
    key: Writes,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, object]:
    """Hand in a data-subject request; its clock runs from `received_at`.

    With an Idempotency-Key the same call sent again makes no second request and is answered as
    before, with 200. Whoever is written to in the person's name is asked whether it is theirs, as
    with a request made on the website.
    """
    account = _account(site, body.account)
    intake = _intake(site, body, account)
    faults = problems(intake)
    if faults:
        raise Problem(422, "Some of what was sent is wrong. Nothing was taken in.", faults)
    try:
        receipt, is_new = site.desk.take_in(
            intake,
            channel="api",
            received_at=_in_utc("received_at", body.received_at) if body.received_at else None,
            is_old=body.is_old,
            account_id=account.id if account else None,
            by_key=_by_key(body, key.id, idempotency_key or body.idempotency_key),
        )
    except OldReceipt as refusal:
        raise Problem(422, str(refusal), [("received_at", SAY_IS_OLD)]) from None
    except (KeyUsedOtherwise, Refused) as refusal:
        raise Problem(422, str(refusal)) from None
    response.status_code = 201 if is_new else 200
    return {
        "reference": receipt.reference,
        "received_at": receipt.received_at,
        "due_at": receipt.due_at,
    }


@router.post("/handoffs", status_code=201)
def hand_over(body: HandoffBody, site: OnSite, key: Writes) -> dict[str, object]:
    """A link with which whoever is signed in makes one request, and needs no other proof.

    `login_at`: when they logged in, at most 15 minutes ago. The link is good for 15 minutes, for
    one request about this account, on this website only. Lead their browser there at once.
    """
    with site.database.transaction() as transaction:
        account = account_by_external_id(transaction, body.external_id)
        try:
            link = make_handoff(
                transaction,
                account,
                login_at=_in_utc("login_at", body.login_at),
                api_key_id=key.id,
                now=site.now(),
            )
        except NobodyToHandOver as refusal:
            raise Problem(409, str(refusal)) from None
        except HandoffRefused as refusal:
            raise Problem(422, str(refusal), [("login_at", str(refusal))]) from None
    chosen = urlencode([("kinds", kind) for kind in dict.fromkeys(body.kinds)])
    page = f"{site.company.base_url}/requests/signed-in/{handoff_token(site, link)}"
    return {"url": f"{page}?{chosen}" if chosen else page, "expires_at": link.expires_at}


def _in_utc(field: str, instant: datetime) -> datetime:
    try:
        return in_utc(instant)
    except ValueError as fault:
        raise Problem(422, f"{fault}. Nothing was done.", [(field, str(fault))]) from None


def _account(site: Site, external_id: str | None) -> Account | None:
    if external_id is None:
        return None
    with site.database.session() as session:
        return account_by_external_id(session, external_id)


def _intake(site: Site, body: RequestBody, account: Account | None) -> Intake:
    on_file = account.email if account and not body.postal_address else ""
    return Intake(
        name=body.name.strip() or (account.name if account else ""),
        contact_address=body.contact_address.strip() or on_file,
        kinds=tuple(dict.fromkeys(body.kinds)),
        message=body.message.strip(),
        country=body.country or None,
        time_zone=body.time_zone or None,
        language=language_named(body.language, site.company.languages) or "",
        postal_address=body.postal_address.strip(),
        agent_name=body.agent_name.strip(),
        agent_address=body.agent_address.strip(),
    )


def _by_key(body: RequestBody, api_key_id: UUID, given: str | None) -> ByKey | None:
    """The key salts the hash, which tells nobody what was asked."""
    if given is None:
        return None
    content = body.model_dump_json(exclude={"idempotency_key", "is_old"})
    digest = sha256(f"{given}\0{content}".encode()).hexdigest()
    return ByKey(api_key_id=api_key_id, key=given, content_sha256=digest)
