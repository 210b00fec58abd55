"""Instructions of the companies for which we keep data: entered, decided, carried out (P24)."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database.people.staff import everybody
from database.requests.instructed_tasks import tasks_of
from database.requests.instructions import InstructionRefused, all_instructions, instruction_by_id
from database.requests.requests import mails_of
from domain.requests.controller_instructions import INSTRUCTED, UNFINISHED, InstructionState
from domain.requests.personal_data import Verb
from web.forms import NOTHING_POSTED, Form, Posted
from web.staff.about_sources import TASK_WORDS, described_sources, typed_by_hand
from web.staff.access import GENUINE
from web.staff.asked import Asker, OfRequest, asker
from web.staff.clock import local_minute, read_local
from workflows.desk.instructions import NewInstruction
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/instructions")
PATH = "/staff/instructions"
CORRECTION = ("category", "field", "before", "after")
STATE_WORDS = {
    InstructionState.REVIEW: "waits for a second person",
    InstructionState.WORK: "is being carried out",
    InstructionState.DONE: "done",
    InstructionState.REFUSED: "refused",
}

ByPrivacy = Annotated[Asker, Depends(asker("privacy"))]
InstructionId = Annotated[UUID, Path()]
TaskId = Annotated[UUID, Path()]


@router.get("")
def instructions_page(asked: ByPrivacy, reference: OfRequest = "") -> HTMLResponse:
    """All of them, which names nobody; and the form to enter another one."""
    return _list(asked, reference=reference)


@router.post("", dependencies=[GENUINE])
def enter(asked: ByPrivacy, posted: Form) -> Response:
    """Enter an instruction that came."""
    verb = posted.text("verb")
    if verb not in [*INSTRUCTED]:
        return _list(asked, posted=posted, refusal="Choose what they told us to do.")
    correction = {name: posted.text(name) for name in CORRECTION}
    try:
        known = asked.site.now()
        entered = asked.site.desk.enter_instruction(
            NewInstruction(
                controller=posted.line("controller"),
                verb=Verb(verb),
                received_at=read_local(posted.text("received_at"), known, asked.site),
                evidence=posted.text("evidence"),
                doubt=posted.text("doubt"),
                reference=posted.line("reference"),
                address=posted.line("address"),
                external_id=posted.line("external_id"),
                correction=correction if all(correction.values()) else {},
            ),
            asked.member.id,
        )
    except (ValueError, Refused) as refusal:
        return _list(asked, posted=posted, refusal=str(refusal))
    return RedirectResponse(f"{PATH}/{entered}", status_code=303)


@router.get("/{instruction_id}")
def instruction_page(asked: ByPrivacy, instruction_id: InstructionId) -> HTMLResponse:
    """One of them, with what its sources did; that it was read is recorded (P30)."""
    return _page(asked, instruction_id)


@router.post("/{instruction_id}/question", dependencies=[GENUINE])
def question(asked: ByPrivacy, instruction_id: InstructionId, posted: Form) -> Response:
    """Say that it looks unlawful, and why."""
    return _back(
        asked,
        instruction_id,
        lambda: asked.site.desk.question_instruction(
            instruction_id, asked.member.id, doubt=posted.text("doubt")
        ),
    )


@router.post("/{instruction_id}/decide", dependencies=[GENUINE])
def decide(asked: ByPrivacy, instruction_id: InstructionId, posted: Form) -> Response:
    """As a second person, have it carried out or refuse it."""
    decision = posted.text("decision")
    if decision not in {"carry_out", "refuse"}:
        return _page(asked, instruction_id, refusal="Choose whether it is carried out.")
    return _back(
        asked,
        instruction_id,
        lambda: asked.site.desk.decide_instruction(
            instruction_id,
            asked.member.id,
            carry_out=decision == "carry_out",
            reason=posted.text("reason"),
        ),
    )


@router.post("/{instruction_id}/sources/{task_id}/again", dependencies=[GENUINE])
def ask_again(asked: ByPrivacy, instruction_id: InstructionId, task_id: TaskId) -> Response:
    """Have a source asked now."""
    return _back(
        asked,
        instruction_id,
        lambda: asked.site.desk.ask_instructed_again(instruction_id, task_id, asked.member.id),
    )


@router.post("/{instruction_id}/sources/{task_id}/give-up", dependencies=[GENUINE])
def give_up(
    asked: ByPrivacy, instruction_id: InstructionId, task_id: TaskId, posted: Form
) -> Response:
    """Say that it cannot be done there, and why."""
    return _back(
        asked,
        instruction_id,
        lambda: asked.site.desk.give_up_instructed(
            instruction_id, task_id, asked.member.id, reason=posted.text("reason")
        ),
    )


@router.post("/{instruction_id}/sources/{task_id}/hand-in", dependencies=[GENUINE])
def hand_in(
    asked: ByPrivacy, instruction_id: InstructionId, task_id: TaskId, posted: Form
) -> Response:
    """Say what one copied or did where no machine reaches."""
    return _back(
        asked,
        instruction_id,
        lambda: asked.site.desk.hand_in_instructed(
            instruction_id, task_id, asked.member.id, typed_by_hand(posted)
        ),
        posted,
    )


@router.post("/{instruction_id}/copy", dependencies=[GENUINE])
def copy(asked: ByPrivacy, instruction_id: InstructionId) -> Response:
    """The copy for the controller, to hand over as was agreed with them."""
    try:
        content = asked.site.desk.copy_for_controller(instruction_id, asked.member.id)
    except Refused as refusal:
        return _page(asked, instruction_id, refusal=str(refusal))
    headers = {"Content-Disposition": 'attachment; filename="copy.json"'}
    return Response(content, media_type="application/json", headers=headers)


def _back(
    asked: Asker,
    instruction_id: UUID,
    act: Callable[[], object],
    posted: Posted = NOTHING_POSTED,
) -> Response:
    """To its page once it is done, or the page with why not, and what was typed."""
    try:
        act()
    except Refused as refusal:
        return _page(asked, instruction_id, refusal=str(refusal), posted=posted)
    return RedirectResponse(f"{PATH}/{instruction_id}", status_code=303)


def _list(
    asked: Asker, *, reference: str = "", posted: Posted = NOTHING_POSTED, refusal: str = ""
) -> HTMLResponse:
    site = asked.site
    try:
        controllers = list(site.desk.controllers())
    except Refused as fault:
        controllers, refusal = [], refusal or str(fault)
    with site.database.session() as session:
        return asked.page(
            "instructions.html",
            status=409 if refusal else 200,
            refusal=refusal,
            posted=posted,
            reference=posted.text("reference") or reference,
            received_local=posted.text("received_at") or local_minute(site.now(), site),
            controllers=controllers,
            rows=all_instructions(session),
            instructed=INSTRUCTED,
            state_words=STATE_WORDS,
        )


def _page(
    asked: Asker, instruction_id: UUID, *, refusal: str = "", posted: Posted = NOTHING_POSTED
) -> HTMLResponse:
    site = asked.site
    with site.database.transaction() as transaction:
        if not _is_there(transaction, instruction_id):
            return _list(asked, refusal="There is no such instruction.")
        asked.reads_of(transaction, instruction_id)
    with site.database.session() as session:
        row = instruction_by_id(session, instruction_id)
        tasks = tasks_of(session, row.id)
        return asked.page(
            "instruction.html",
            status=409 if refusal else 200,
            refusal=refusal,
            posted=posted,
            row=row,
            path=f"{PATH}/{row.id}",
            tasks=tasks,
            by_hand=described_sources(site),
            mails=mails_of(session, row.id),
            open=row.state in UNFINISHED,
            mine=asked.member.id in {row.entered_by, row.doubted_by},
            staff={member.id: member for member in everybody(session)},
            instructed=INSTRUCTED,
            state_words=STATE_WORDS,
            task_words=TASK_WORDS,
            workflow_url=site.workflow_url(f"controller-instruction/{row.id}"),
        )


def _is_there(session: Session, instruction_id: UUID) -> bool:
    try:
        instruction_by_id(session, instruction_id)
    except InstructionRefused:
        return False
    return True
