"""How far a request is with the data sources, for its page."""

from collections.abc import Mapping

from sqlmodel import Session

from data_sources.by_hand import Typed
from data_sources.data_map import Description
from database.requests.packages import held_for_others, package_of, parts_of
from database.requests.requested_rights import rights_of
from database.requests.source_tasks import last_rounds, tasks_of, why_not_by_hand
from database.tables import DataSubjectRequest
from domain.requests.personal_data import Verb
from domain.requests.source_tasks import COPIED, TaskState
from web.forms import Posted
from web.site import Site
from workflows.messenger import Refused

VERB_WORDS: Mapping[Verb, str] = {
    Verb.LOCATE: "look what there is",
    Verb.EXPORT: "copy it",
    Verb.CORRECT: "put it right",
    Verb.RESTRICT: "restrict it",
    Verb.ERASE: "erase it",
    Verb.SUPPRESS: "stop marketing",
}
TASK_WORDS: Mapping[TaskState, str] = {
    TaskState.WAITING: "no answer yet",
    TaskState.BY_HAND: "one of you does it",
    TaskState.NEEDS_PERSON: "somebody must look",
    TaskState.DONE: "done",
    TaskState.GIVEN_UP: "cannot be had",
    TaskState.DROPPED: "not asked any more",
}


def about_sources(session: Session, site: Site, request: DataSubjectRequest) -> dict[str, object]:
    """What sources are asked, the last round of each, by the right that it is for."""
    rights = rights_of(session, request.id)
    with_a_copy = " and ".join(right.kind for right in rights if right.kind in COPIED)
    kinds = {one.id: with_a_copy if one.kind in COPIED else one.kind for one in rights}
    return {
        "tasks": [
            {
                "row": task,
                "kind": kinds[task.right_id],
                "not_yet": why_not_by_hand(session, request, task),
            }
            for task in last_rounds(tasks_of(session, request.id))
        ],
        "by_hand": described_sources(site),
        "has_copy": bool(parts_of(session, request.id)),
        "package": package_of(session, request.id),
        "held_for": held_for_others(session, request.id),
        "verb_words": VERB_WORDS,
        "task_words": TASK_WORDS,
    }


def typed_by_hand(posted: Posted) -> Typed:
    """What somebody typed into the form of a source of people (`_by_hand.html`)."""

    def of(kind: str) -> dict[str, str]:
        """The fields of a kind, by category."""
        return {
            name.removeprefix(kind): value for name, value in posted.fields if name.startswith(kind)
        }

    return Typed(
        rows=of("rows-"),
        entries=of("entries-"),
        kept=of("kept-"),
        rules=of("rule-"),
        until=of("until-"),
        evidence=posted.text("how"),
    )


def described_sources(site: Site) -> Mapping[str, Description]:
    """What the data map says of each, for the forms of what is done by hand; nothing where it
    cannot be read."""
    try:
        return site.desk.described_sources()
    except Refused:
        return {}
