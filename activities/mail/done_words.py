"""What an answer says was done at the sources: erased, kept and why, corrected (P12, P13)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from database.requests import (
    data_corrections,
    erase_tasks,
    erasures,
    own_erasure,
    recipients,
    source_tasks,
)
from database.requests.answered_before import answered_before
from database.requests.same_person import person_asked_about
from database.requests.standing_holds import sources_on_hold
from database.tables import (
    DataCorrection,
    DataSubjectRequest,
    Erasure,
    RequestDecision,
    RequestedRight,
    SourceTask,
)
from domain.requests.data_subject_requests import GROUND_WORDS, Ground, Kind, Outcome
from domain.requests.decisions import DONE, NOTHING_YET, words_of_outcome
from domain.requests.erasures import GROUND_WORDS as WHY_ERASED
from domain.requests.erasures import ErasureGround
from domain.requests.legal_holds import keeps
from domain.requests.personal_data import OWN_SOURCE, Verb
from domain.requests.source_tasks import TaskState
from translations.catalogues import Language

Entry = Mapping[str, Any]


def told_of(session: Session, right: RequestedRight, language: Language) -> tuple[str, ...]:
    """A sentence for each thing that was done at the sources, without personal data: the words for
    categories, reasons and recipients are those of the data map."""
    return (
        *_erased(session, right, language),
        *_corrected(session, right, language),
        *_recipients(session, right, language),
    )


def outcome_of(
    session: Session, right: RequestedRight, decision: RequestDecision, language: Language
) -> str:
    """How a right ended; of an erasure under a hold that it has only to begin (P13)."""
    outcome = Outcome(decision.outcome)
    if outcome is Outcome.PARTIAL and _is_all_held_back(session, right):
        return language.gettext(NOTHING_YET)
    return language.gettext(words_of_outcome(Kind(right.kind), outcome, decision.decided_by))


def ground_of(
    session: Session,
    right: RequestedRight,
    decision: RequestDecision,
    language: Language,
    zone: ZoneInfo,
) -> str:
    """Why not, or not all of it: the ground in words, and of "already answered" which answer it
    was; empty where everything was done."""
    if not decision.ground:
        return ""
    words = language.gettext(GROUND_WORDS[Ground(decision.ground)])
    if decision.ground != Ground.ALREADY_ANSWERED:
        return words
    earlier = answered_before(session, right, decision.decided_at)
    if earlier is None:
        return words
    which = language.gettext(
        "We answered it on %(day)s, as request %(reference)s.",
        day=language.day_of(earlier.answered_at, zone),
        reference=earlier.reference,
    )
    return f"{words} {which}"


def foretold(session: Session, right: RequestedRight, language: Language) -> tuple[str, ...]:
    """The same before it begins: what will go, and what will stay, as far as the sources say. What
    is held for others is not ours to erase, and what a legal hold stands on goes later."""
    looked = [
        task
        for task in source_tasks.last_rounds(source_tasks.tasks_of(session, right.request_id))
        if task.right_id == right.id
        and task.verb == Verb.LOCATE
        and task.source != OWN_SOURCE
        and not (task.receipt or {}).get("controller")
    ]
    request = session.get_one(DataSubjectRequest, right.request_id)
    on_hold = sources_on_hold(session, person_asked_about(session, request, Verb.ERASE))
    free = [task for task in looked if not keeps(task.source, on_hold)]
    unsaid = [task for task in free if "retained" not in (task.receipt or {})]
    lines = list(_kept(_entries(free, "retained"), language))
    if may_go := _categories(unsaid, "held"):
        line = language.gettext(
            "To be erased, unless a law has us keep it: %(categories)s.",
            categories=language.listed(may_go),
        )
        lines.insert(0, line)
    if goes := _categories(free, "done"):
        line = language.gettext("To be erased: %(categories)s.", categories=language.listed(goes))
        lines.insert(0, line)
    if len(free) < len(looked):
        lines.append(_kept_for_claims(language))
    return tuple(lines)


def _is_all_held_back(session: Session, right: RequestedRight) -> bool:
    """Whether something waits to be erased, and nothing was."""
    erasure = erasures.of_right(session, right.id)
    if erasure is None or erasure.ended_at is None:
        return False
    tasks = erase_tasks.erase_tasks(session, erasure)
    waits = bool(erasure.held_back) or any(erase_tasks.is_open(task) for task in tasks)
    return waits and not _categories(tasks, "done")


def _erased(session: Session, right: RequestedRight, language: Language) -> Iterator[str]:
    erasure = erasures.of_right(session, right.id)
    if erasure is None or erasure.ended_at is None:
        return
    yield language.gettext(WHY_ERASED[ErasureGround(erasure.ground)])
    receipts = erase_tasks.receipts_of(session, erasure)
    tasks = list(receipts.values())
    # What our own database would keep is said only until it says what it did keep.
    kept_by_us = () if OWN_SOURCE in receipts else _kept_by_us(erasure)
    if gone := _categories(tasks, "done"):
        yield language.gettext("Erased: %(categories)s.", categories=language.listed(gone))
    yield from _kept(chain(_entries(tasks, "retained"), kept_by_us), language)
    if erasure.held_back:
        yield _kept_for_claims(language)
    request = session.get_one(DataSubjectRequest, right.request_id)
    if own_erasure.waits_for_other_answers(session, request, erasure):
        yield language.gettext(
            "What we need to answer another request about you is kept until that is answered, and "
            "is erased then by itself."
        )
    if own_erasure.waits_for_a_copy(session, request, erasure):
        yield language.gettext(
            "What we need to give you your copy is kept until you have fetched it, or its time is "
            "over, and is erased then by itself."
        )
    for task in tasks:
        if task.state == TaskState.GIVEN_UP:
            yield language.gettext("Not erased: %(reason)s", reason=task.problem)


def _corrected(session: Session, right: RequestedRight, language: Language) -> Iterator[str]:
    """Which values were put right, and which were not; the values themselves are in no mail."""
    claims = data_corrections.claims_of(session, right.id)
    not_done = data_corrections.given_up(session, right)
    done = [one for one in claims if one.credible and one.source not in not_done]
    left = [one for one in claims if one not in done]
    if done and right.outcome in DONE:
        yield language.gettext("Corrected: %(fields)s.", fields=language.listed(_fields(done)))
    if left:
        yield language.gettext("Not corrected: %(fields)s.", fields=language.listed(_fields(left)))


def _fields(claims: Sequence[DataCorrection]) -> list[str]:
    return [f"{claim.category} ({claim.field.replace('_', ' ')})" for claim in claims]


def _kept_for_claims(language: Language) -> str:
    return language.gettext(
        "What is needed for legal claims or proceedings is kept until that is over, and is "
        "erased then by itself."
    )


def _categories(tasks: Sequence[SourceTask], part: str) -> Sequence[str]:
    """Each once, of which there is anything."""
    return [*dict.fromkeys(one["category"] for one in _entries(tasks, part) if one["rows"])]


def _entries(tasks: Sequence[SourceTask], part: str) -> Iterator[Entry]:
    for task in tasks:
        if task.receipt is not None:
            yield from task.receipt.get(part, ())  # type: ignore[misc]


def _kept_by_us(erasure: Erasure) -> Iterator[Entry]:
    """What the engine itself keeps, to prove what it did (P33)."""
    yield from (erasure.kept_by_us or {}).get("retained", ())  # type: ignore[misc]


def _kept(entries: Iterable[Entry], language: Language) -> Iterator[str]:
    """A sentence for each reason, with all that is kept for it as long."""
    together: dict[tuple[str, str], list[str]] = {}
    for one in entries:
        until_on = date.fromisoformat(one["until_on"]) if one.get("until_on") else None
        until = language.day(until_on) if until_on else language.gettext(one["until"])
        together.setdefault((one["reason"], until), []).append(one["category"])
    for (reason, until), categories in together.items():
        yield language.gettext(
            "Kept: %(category)s. %(reason)s. Until: %(until)s.",
            category=language.listed(dict.fromkeys(categories)),
            reason=language.gettext(reason),
            until=until,
        )


def _recipients(session: Session, right: RequestedRight, language: Language) -> Iterator[str]:
    names = [
        notice.recipient
        for notice in recipients.of_request(session, right.request_id)
        if notice.right_id == right.id
    ]
    if names:
        yield language.gettext(
            "We tell those who got the data from us: %(names)s.", names=language.listed(names)
        )
