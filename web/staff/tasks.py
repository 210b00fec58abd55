"""What is to be done by hand where no machine reaches, for whoever holds the role that does it: the
open ones, due first, and one of them with what has to be known of the person for it (P30)."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from database.people.staff import in_role
from database.requests.asked_tasks import TaskRefused
from database.requests.manual_tasks import ManualTask, open_tasks, task_of, what_to_do
from database.tables import InstructedTask
from web.forms import NOTHING_POSTED, Form, Posted
from web.site import OnSite
from web.staff.about_sources import VERB_WORDS, described_sources, typed_by_hand
from web.staff.access import GENUINE, SignedIn
from web.staff.asked import Asker
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/tasks")
LIST = "/staff/tasks"
TaskId = Annotated[UUID, Path()]


def asked_by_staff(request: Request, site: OnSite, member: SignedIn) -> Asker:
    """A dependency: a member of staff; which tasks are theirs, each task says by its role."""
    return Asker(request=request, site=site, member=member)


ByStaff = Annotated[Asker, Depends(asked_by_staff)]


@router.get("")
def tasks_page(asked: ByStaff) -> HTMLResponse:
    """What waits for whoever holds one of my roles. Names nobody."""
    return _list(asked)


@router.get("/{task_id}")
def task_page(asked: ByStaff, task_id: TaskId) -> HTMLResponse:
    """One of them: what to do, and for whom; that it was read is recorded."""
    return _task(asked, task_id)


@router.post("/{task_id}", dependencies=[GENUINE])
def hand_in(asked: ByStaff, task_id: TaskId, posted: Form) -> Response:
    """Say what one found, copied or did, and how."""
    try:
        with asked.site.database.session() as session:
            task = task_of(session, task_id, asked.member.roles)
        _handed_in(asked, task, posted)()
    except TaskRefused as refusal:
        return _list(asked, refusal=str(refusal))
    except Refused as refusal:
        return _task(asked, task_id, posted=posted, refusal=str(refusal))
    return RedirectResponse(LIST, status_code=303)


def _handed_in(asked: Asker, task: ManualTask, posted: Posted) -> Callable[[], None]:
    desk, row, typed = asked.site.desk, task.row, typed_by_hand(posted)
    if isinstance(row, InstructedTask):
        instruction_id = row.instruction_id
        return lambda: desk.hand_in_instructed(instruction_id, row.id, asked.member.id, typed)
    return lambda: desk.hand_in(task.reference, row.id, asked.member.id, typed)


def _list(asked: Asker, *, refusal: str = "") -> HTMLResponse:
    with asked.site.database.session() as session:
        return asked.page(
            "tasks.html",
            status=409 if refusal else 200,
            refusal=refusal,
            tasks=open_tasks(session, asked.member.roles),
            sources=described_sources(asked.site),
            verb_words=VERB_WORDS,
            today=asked.site.company.today(asked.site.now()),
        )


def _task(
    asked: Asker, task_id: UUID, *, posted: Posted = NOTHING_POSTED, refusal: str = ""
) -> HTMLResponse:
    site = asked.site
    try:
        with site.database.transaction() as transaction:
            task = task_of(transaction, task_id, asked.member.roles)
            about = what_to_do(transaction, task) if task.not_yet is None else None
            if about:
                asked.reads_of(transaction, about.subject_id)
            team = [member.name for member in in_role(transaction, "privacy")]
    except TaskRefused as gone:
        return _list(asked, refusal=str(gone))
    return asked.page(
        "task.html",
        status=409 if refusal else 200,
        refusal=refusal,
        posted=posted,
        task=task,
        row=task.row,
        about=about,
        source=described_sources(site).get(task.row.source),
        verb_words=VERB_WORDS,
        privacy_team=team,
        today=site.company.today(site.now()),
    )
