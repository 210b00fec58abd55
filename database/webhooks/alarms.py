"""Alarms beside mail: raised in the transaction of what happened; `posts.py` has the rest."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from database.ids import new_id
from database.tables import Alarm, Campaign, Policy, PolicyVersion
from database.webhooks.posts import WAITING, in_json
from database.writing import insert_new


class AlarmKind(StrEnum):
    """What staff hear of; the `type` of a message."""

    CAMPAIGN_STOPPED = "campaign.stopped"
    CAMPAIGN_ESCALATED = "campaign.escalated"
    REQUEST_ESCALATED = "request.escalated"
    REQUEST_BREACHED = "request.breached"
    REQUEST_OVERDUE = "request.overdue"
    ANSWERS_UNDELIVERED = "answers.undelivered"
    MINORS_OVERDUE = "minors.overdue"
    TASKS_OVERDUE = "tasks.overdue"
    SOURCE_SILENT = "source.silent"
    SOURCE_WRONG = "source.wrong"
    WATCHDOG_STUCK = "watchdog.stuck"
    MAIL_NOT_TAKEN = "mail.not_taken"
    MAILS_UNSETTLED = "mails.unsettled"


def sound(
    transaction: Session,
    kind: AlarmKind,
    occasion: object,
    now: datetime,
    *,
    page: str,
    **content: object,
) -> None:
    """Raise an alarm in the transaction of what causes it; once for each occasion of its kind.

    `content` holds instants and what JSON holds, and names nobody (P31).
    """
    told = {
        name: in_json(value) if isinstance(value, datetime) else value
        for name, value in content.items()
    }
    row = {
        "id": new_id(),
        "kind": kind.value,
        "occasion": f"{kind}/{occasion}",
        "content": told,
        "page": page,
        "raised_at": now,
        "state": WAITING,
        "attempts": 0,
    }
    insert_new(transaction, Alarm, [row])


def sound_of_campaign(
    transaction: Session,
    kind: AlarmKind,
    campaign: Campaign,
    step: str,
    now: datetime,
    **content: object,
) -> None:
    """As `sound`, about a step of a campaign; its page is that of the version."""
    version = transaction.get_one(PolicyVersion, campaign.policy_version_id)
    slug = transaction.get_one(Policy, version.policy_id).slug
    sound(
        transaction,
        kind,
        f"{campaign.id}/{step}",
        now,
        page=f"/staff/policies/{slug}/versions/{version.number}",
        policy=slug,
        version=version.number,
        step=step,
        **content,
    )
