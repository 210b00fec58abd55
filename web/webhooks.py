"""What the mail service reports: signed, or not believed."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from sqlmodel import Session

from clock import real_now
from database.mail.delivery import REACHED_NOBODY, Event, record_events
from database.mail.late_bounces import learn, place
from database.mail.suppressions import Failed, suppress
from domain.mail.suppressions import address_key
from mail.delivery_events import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    DeliveryEvent,
    EventBatch,
    EventsRefused,
    PublicKeysRefused,
    SignatureRefused,
    TooOld,
    parse,
    require_fresh,
    verify,
)
from web.site import OnSite, Site

router = APIRouter(prefix="/webhooks")
LARGEST_BYTES = 2_000_000
LOSE_OUR_IDS = ("bounce", "spamreport")
"""Those may come from outside the mail service, by mail, and then bring back nothing of ours."""
log = logging.getLogger("promisekeeper.webhooks")


async def raw_body(request: Request) -> bytes:
    """The body, byte for byte as it was signed; at most 2 MB."""
    body = await request.body()
    if len(body) > LARGEST_BYTES:
        raise HTTPException(413)
    return body


@router.post("/sendgrid/events", status_code=204)
def sendgrid_events(
    request: Request,
    site: OnSite,
    raw: bytes = Depends(raw_body),
) -> Response:
    """Record a batch, all of it or nothing: what fails on our side is sent again."""
    batch = _genuine(request, site, raw)
    now = site.now()
    with site.database.transaction() as transaction:
        learn(transaction, _provider_ids(batch))
        placed = [found for event in batch.events for found in _placed(transaction, event)]
        fresh = record_events(transaction, [_event(one) for one in placed], now)
        suppress(transaction, _failed(placed, site.suppression_key), now)
    if came_back := [one.mail_id for one in placed if one.what.event in REACHED_NOBODY]:
        site.desk.send_owed_again(mail_ids=came_back)
    log.info(
        "delivery events: %d new, %d known or of no mail of ours, %d unreadable",
        fresh,
        len(batch.events) - fresh,
        batch.skipped,
    )
    return Response(status_code=204)


def _genuine(request: Request, site: Site, raw: bytes) -> EventBatch:
    """What the batch says. A batch that we cannot judge is our fault, so that it comes again: we
    have no key, or our clock is wrong."""
    signature = request.headers.get(SIGNATURE_HEADER)
    timestamp = request.headers.get(TIMESTAMP_HEADER)
    try:
        verify(raw, signature, timestamp, site.events_keys)
        require_fresh(timestamp or "", real_now())
        return parse(raw)
    except PublicKeysRefused as fault:
        raise HTTPException(503, f"{fault}; set PROMISEKEEPER_SENDGRID_WEBHOOK_PUBLIC_KEYS") from (
            None
        )
    except TooOld as refusal:
        raise HTTPException(503, f"{refusal}; if that is wrong, mend the clock") from None
    except SignatureRefused as refusal:
        raise HTTPException(403, str(refusal)) from None
    except EventsRefused as refusal:
        raise HTTPException(400, str(refusal)) from None


def _provider_ids(batch: EventBatch) -> dict[UUID, str]:
    """Of each attempt that an event names, the mail service's own id."""
    return {
        event.attempt_id: event.provider_id
        for event in batch.events
        if event.attempt_id and event.provider_id
    }


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A delivery event, and the mail and attempt that it is about."""

    what: DeliveryEvent
    mail_id: UUID
    attempt_id: UUID


def _placed(session: Session, event: DeliveryEvent) -> list[Placed]:
    if event.mail_id and event.attempt_id:
        return [Placed(what=event, mail_id=event.mail_id, attempt_id=event.attempt_id)]
    if event.event not in LOSE_OUR_IDS:
        return []
    return [
        Placed(what=event, mail_id=mail_id, attempt_id=attempt_id)
        for mail_id, attempt_id in place(session, event.provider_id, event.address)
    ]


def _event(placed: Placed) -> Event:
    return Event(
        mail_id=placed.mail_id,
        attempt_id=placed.attempt_id,
        event=placed.what.event,
        reason=placed.what.reason,
        occurred_at=placed.what.occurred_at,
    )


def _failed(placed: Iterable[Placed], key: bytes) -> Iterator[Failed]:
    for one in placed:
        if one.what.stops and one.what.address:
            yield Failed(
                mail_id=one.mail_id,
                attempt_id=one.attempt_id,
                address_key=address_key(one.what.address, key),
                cause=one.what.stops,
            )
