"""What the mail service reports: signed, or not believed."""

import logging
from collections.abc import Iterable, Iterator, Sequence
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
        placed = [(told, one) for told in batch.events for one in _placed(transaction, told)]
        fresh = record_events(transaction, [one for _, one in placed], now)
        suppress(transaction, _failed(placed, site.suppression_key), now)
    if came_back := [one.mail_id for _, one in placed if one.event in REACHED_NOBODY]:
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


def _placed(session: Session, event: DeliveryEvent) -> Sequence[Event]:
    """The event once for each mail that it is about, with the attempt."""
    if event.mail_id and event.attempt_id:
        return (_of(event, event.mail_id, event.attempt_id),)
    if event.event not in LOSE_OUR_IDS:
        return ()
    found = place(session, event.provider_id, event.address)
    return [_of(event, mail_id, attempt_id) for mail_id, attempt_id in found]


def _of(event: DeliveryEvent, mail_id: UUID, attempt_id: UUID) -> Event:
    return Event(mail_id, attempt_id, event.event, event.occurred_at, event.reason)


def _failed(placed: Iterable[tuple[DeliveryEvent, Event]], key: bytes) -> Iterator[Failed]:
    for told, one in placed:
        if told.stops and told.address:
            yield Failed(
                mail_id=one.mail_id,
                attempt_id=one.attempt_id,
                address_key=address_key(told.address, key),
                cause=told.stops,
            )
