"""Answers drafted from what data sources said, for a person to read and sign (P10, P11, P16)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlmodel import Session

from database.requests.packages import released
from database.requests.requested_rights import rights_of
from database.requests.source_tasks import last_rounds, tasks_of
from database.tables import DataSubjectRequest, SourceTask
from domain.people.languages import nearest_language
from domain.requests.data_subject_requests import Kind, Outcome, RightState
from domain.requests.personal_data import BASIS_WORDS, ORIGIN_WORDS, LegalBasis, Origin
from domain.requests.source_tasks import COPIED, OPEN_TASKS, TaskState
from translations.catalogues import Language
from web.forms import Posted
from web.requests.copy_files import not_had
from web.site import Site


def drafts(session: Session, site: Site, request: DataSubjectRequest) -> Mapping[str, Posted]:
    """By right, the answer that somebody may sign, as if they had typed it."""
    spoken = nearest_language(request.language, site.company.languages)
    language = site.pages_in(spoken).language
    return {
        kind: Posted(fields=(("outcome", Outcome.FULFILLED), ("explanation", words)), files={})
        for kind, words in _drafted(session, site, language, request)
    }


def _drafted(
    session: Session, site: Site, language: Language, request: DataSubjectRequest
) -> Iterator[tuple[Kind, str]]:
    tasks = last_rounds(tasks_of(session, request.id))
    rights = rights_of(session, request.id)
    copied = {right.id for right in rights if right.kind in COPIED}
    for right in rights:
        asked_for = copied if right.kind in COPIED else {right.id}
        mine = [task for task in tasks if task.right_id in asked_for]
        if right.state != RightState.OPEN or not mine:
            continue
        if any(task.state in OPEN_TASKS for task in mine):
            continue
        if right.kind == Kind.INQUIRY:
            yield Kind.INQUIRY, "\n\n".join(_of_inquiry(site, language, mine))
        elif right.kind in COPIED and released(session, request.id):
            yield Kind(right.kind), "\n\n".join(_of_copy(session, site, language, request))


def _of_inquiry(site: Site, language: Language, tasks: Sequence[SourceTask]) -> Iterator[str]:
    """Whether and what kind of data we hold, what for, where from, for whom and how long."""
    receipts: list[Mapping[str, Any]] = [
        task.receipt for task in tasks if task.state == TaskState.DONE and task.receipt
    ]
    ours = [one for receipt in receipts if not receipt["controller"] for one in receipt["held"]]
    found = [one for one in ours if one["rows"]]
    if found:
        yield language.gettext(
            "We looked in every place where we keep data about people. This is what we hold about "
            "you:"
        )
        yield from (_category(language, one) for one in found)
    else:
        yield language.gettext(
            "We looked in every place where we keep data about people, and found nothing about you."
        )
    given_up = [task for task in tasks if task.state == TaskState.GIVEN_UP]
    gone = {site.desk.title_of(task.source): task.problem for task in given_up}
    yield from _not_had(language, gone)


def _category(language: Language, held: Mapping[str, Any]) -> str:
    uses = [_use(language, use) for use in held["uses"]]
    return "\n".join((f"{held['category']}:", *uses))


def _use(language: Language, use: Mapping[str, Any]) -> str:
    told = language.gettext(
        "For: %(purpose)s. Legal basis: %(basis)s. Where it is from: %(origin)s. Kept: %(kept)s.",
        purpose=use["purpose"],
        basis=language.gettext(BASIS_WORDS[LegalBasis(use["legal_basis"])]),
        origin=language.gettext(ORIGIN_WORDS[Origin(use["origin"])]),
        kept=use["kept"],
    )
    recipients = "; ".join(use["recipients"])
    given = language.gettext("Given to: %(recipients)s.", recipients=recipients)
    return f"{told} {given}" if recipients else told


def _of_copy(
    session: Session, site: Site, language: Language, request: DataSubjectRequest
) -> Iterator[str]:
    yield language.gettext(
        "We have put together a copy of the data that you asked for. You can fetch it with the "
        "link in our answer, and a code that we send you then."
    )
    yield from _not_had(language, not_had(session, site, request.id))


def _not_had(language: Language, gone: Mapping[str, str]) -> Iterator[str]:
    for source, reason in gone.items():
        said = language.gettext("Could not be had: %(source)s.", source=source)
        yield f"{said} {reason}"
