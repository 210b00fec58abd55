"""What the mail service reports: signed, or not believed."""

import logging

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from database.outbox import Event, record_events
from mail.delivery_events import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    EventsRefused,
    PublicKeysRefused,
    SignatureRefused,
    parse,
    verify,
)
from web.site import OnSite

router = APIRouter(prefix="/webhooks")
LARGEST_BYTES = 2_000_000
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
    try:
        verify(
            raw,
            request.headers.get(SIGNATURE_HEADER),
            request.headers.get(TIMESTAMP_HEADER),
            site.events_keys,
        )
        batch = parse(raw)
    except PublicKeysRefused as fault:
        raise HTTPException(503, f"{fault}; set PROMISEKEEPER_SENDGRID_WEBHOOK_PUBLIC_KEYS") from (
            None
        )
    except SignatureRefused as refusal:
        raise HTTPException(403, str(refusal)) from None
    except EventsRefused as refusal:
        raise HTTPException(400, str(refusal)) from None
    events = [
        Event(
            mail_id=event.mail_id,
            attempt_id=event.attempt_id,
            event=event.event,
            occurred_at=event.occurred_at,
        )
        for event in batch.events
        if event.mail_id and event.attempt_id
    ]
    with site.database.transaction() as transaction:
        fresh = record_events(transaction, events, site.now())
    log.info(
        "delivery events: %d new, %d known or of no mail of ours, %d unreadable",
        fresh,
        len(batch.events) - fresh,
        batch.skipped,
    )
    return Response(status_code=204)
