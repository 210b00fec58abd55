"""What privacy staff see of who asks: checks, holds, and the answer drafted for them (P19)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from database.requests.identity import (
    account_of,
    asks_by_mail,
    awaits_holder,
    awaits_identity,
    controls_empty_address,
    other_accounts,
    source_address,
)
from database.requests.identity_checks import checks_of, evidence_of
from database.requests.packages import held_for_others
from database.requests.rungs import fired_rungs
from database.tables import DataSubjectRequest
from domain.people.languages import nearest_language
from domain.requests.data_subject_requests import Outcome, State
from domain.requests.identity import (
    COULD_NOT_VERIFY,
    DRAFT,
    FOUND_FOR_OTHERS,
    METHOD_WORDS,
    NOTHING_HELD,
)
from web.forms import Posted
from web.site import Site


def about_identity(
    session: Session, request: DataSubjectRequest, now: datetime
) -> Mapping[str, object]:
    """For the page of a case."""
    checks = [(check, evidence_of(session, check)) for check in checks_of(session, request)]
    held_until = request.disclosure_held_until
    return {
        "account": account_of(session, request),
        "at_source": source_address(session, request) is not None,
        "other_accounts": other_accounts(session, request),
        "checks": checks,
        "methods": METHOD_WORDS,
        "held_until": held_until if held_until and now < held_until else None,
    }


def drafted(session: Session, site: Site, request: DataSubjectRequest) -> Posted | None:
    """The answer that waits for a person to sign it, as if they had typed it."""
    if request.state in {State.REVIEW, State.ANSWERED, State.CLOSED, State.PURGED}:
        return None
    if controls_empty_address(session, request):
        if held_for_others(session, request.id):
            return _as_typed(site, request, Outcome.REDIRECTED, FOUND_FOR_OTHERS)
        return _as_typed(site, request, Outcome.NOTHING_HELD, NOTHING_HELD)
    if (asks_by_mail(request) or awaits_holder(request)) and _draft_fired(session, request):
        return _as_typed(site, request, Outcome.UNVERIFIED, COULD_NOT_VERIFY)
    return None


def _draft_fired(session: Session, request: DataSubjectRequest) -> bool:
    return any(
        rung.rung == DRAFT and rung.due_at == request.due_at
        for rung in fired_rungs(session, request.id)
    )


def note_of(request: DataSubjectRequest, with_draft: Collection[UUID], now: datetime) -> str:
    """What the queue says of who asks, where there is something to do or to wait for."""
    if request.answered_at is not None:
        return ""
    if request.disputed_at is not None:
        return "disputed"
    if request.disclosure_held_until is not None and now < request.disclosure_held_until:
        return "disclosure held"
    if awaits_identity(request) or awaits_holder(request):
        return "answer drafted, to sign" if request.id in with_draft else "not verified"
    if request.needs_identity and request.verified_at is None:
        return "no account, to look at"
    return ""


def _as_typed(site: Site, request: DataSubjectRequest, outcome: Outcome, words: str) -> Posted:
    spoken = nearest_language(request.language, site.company.languages)
    explanation = site.pages_in(spoken).language.gettext(words)
    return Posted(fields=(("outcome", outcome), ("explanation", explanation)), files={})
