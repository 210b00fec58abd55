"""How far an erasure is, and who hears of it, for the page of its request."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlmodel import Session

from database.requests import erasure_ends, erasures, own_erasure, recipients
from database.requests.requested_rights import rights_of
from database.requests.source_tasks import last_rounds, tasks_of
from database.tables import DataSubjectRequest, SourceTask
from domain.requests.data_subject_requests import Kind
from domain.requests.erasures import STAGE_WORDS, WORDS_FOR_STAFF
from domain.requests.personal_data import Verb
from domain.requests.recipients import tell_by
from web.site import Site


def about_erasing(session: Session, site: Site, request: DataSubjectRequest) -> dict[str, object]:
    """The erasure that was granted, if one was, with the words for it; and what one would do, while
    none has begun."""
    granted = erasures.of_request(session, request.id)
    notices = recipients.of_request(session, request.id)
    life = erasures.life_of(session, granted) if granted else None
    begun = granted is not None and granted.begun_at is not None
    return {
        "granted": granted,
        "told_after_hold": erasure_ends.told_after_hold(session, request.id),
        "waits_for_other_answers": granted is not None
        and granted.ended_at is not None
        and own_erasure.waits_for_other_answers(session, request, granted),
        "granted_stage": life.stage if life else None,
        "begins_at": life.begins_at if life else None,
        "would_erase": [] if begun or request.answered_at else _would_erase(session, request),
        "erasure_stages": STAGE_WORDS,
        "erasure_grounds": WORDS_FOR_STAFF,
        "grounds_to_erase": erasures.grounds_of(session, request),
        "recipients": notices,
        "tell_by": {one.id: tell_by(one.noted_at, site.company.office) for one in notices},
        "today": site.company.today(site.now()),
    }


def _would_erase(session: Session, request: DataSubjectRequest) -> list[Mapping[str, object]]:
    """By source and category, how much there is, and what of it must stay."""
    rights = {one.id for one in rights_of(session, request.id) if one.kind == Kind.ERASURE}
    tasks = [
        task
        for task in last_rounds(tasks_of(session, request.id))
        if task.right_id in rights and task.verb == Verb.LOCATE and task.receipt
    ]
    return [line for task in tasks for line in _lines(task)]


def _lines(task: SourceTask) -> Iterator[Mapping[str, object]]:
    receipt: Mapping[str, Any] = task.receipt or {}
    for one in receipt["held"]:
        if one["rows"]:
            yield {
                "source": receipt.get("title") or task.source,
                "for_others": receipt.get("controller"),
                "foretold": "retained" in receipt,
                "category": one["category"],
                "rows": one["rows"],
                "kept": [
                    kept
                    for kept in receipt.get("retained", ())
                    if kept["category"] == one["category"]
                ],
            }
