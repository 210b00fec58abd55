"""The page of a copy: what the sources gave, what of it is taken out, and two who let it go."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from database.requests import packages
from database.requests.requests import request_by_reference
from database.requests.same_person import own_addresses
from database.tables import DataSubjectRequest
from domain.people.languages import nearest_language
from domain.requests.collected import Collected
from domain.requests.data_subject_requests import Kind
from web.forms import Form
from web.requests.copy_files import Contents, copy_made, not_had, policy_of_copy
from web.requests.copy_files import copy_page as page_of_copy
from web.staff.access import GENUINE
from web.staff.requests import Asked, ByPrivacy, all_staff
from workflows.messenger import Refused

router = APIRouter(prefix="/staff/requests/{reference}/copy")
VALUE = "value-"
"""What the field of a value is called; its place follows."""


@router.get("")
def show(asked: ByPrivacy, value: str = "") -> HTMLResponse:
    """Everything that would be given away; that it was read is recorded (P30). `value`: of which
    somebody finds that it tells of others, though neither the data map nor a machine says so."""
    return _page(asked, opened=value)


@router.get("/print")
def to_print(asked: ByPrivacy) -> HTMLResponse:
    """The copy as the person reads it, also to print for whoever has no mailbox."""
    site = asked.site
    with site.database.transaction() as transaction:
        request = request_by_reference(transaction, asked.reference)
        asked.reads_of(transaction, request.id)
    with site.database.session() as session:
        pages = site.pages_in(nearest_language(request.language, site.company.languages))
        copy = copy_made(request, _contents(session, asked, request), site.now())
        text = page_of_copy(session, site, pages, request, copy)
    return HTMLResponse(text, headers=dict(policy_of_copy()))


@router.post("/redact/{task_id}", dependencies=[GENUINE])
def redact(asked: ByPrivacy, task_id: Annotated[UUID, Path()], posted: Form) -> Response:
    """Say what is given away of the values that may tell of others."""
    words = {
        int(place): text.replace("\r\n", "\n")
        for name, text in posted.fields
        if name.startswith(VALUE) and (place := name.removeprefix(VALUE)).isdecimal()
    }
    try:
        asked.site.desk.redact(asked.reference, task_id, asked.member.id, words)
    except Refused as refusal:
        return _page(asked, refusal=str(refusal))
    return RedirectResponse(f"{asked.path}/copy", status_code=303)


@router.post("/put-forward", dependencies=[GENUINE])
def put_forward(asked: ByPrivacy, posted: Form) -> Response:
    """I have looked through all of it: a colleague is to release it."""
    try:
        asked.site.desk.put_forward(asked.reference, posted.text("seen"), asked.member.id)
    except Refused as refusal:
        return _page(asked, refusal=str(refusal))
    return RedirectResponse(f"{asked.path}/copy", status_code=303)


@router.post("/release", dependencies=[GENUINE])
def release(asked: ByPrivacy, posted: Form) -> Response:
    """The second person lets it go; the answer takes it along."""
    try:
        asked.site.desk.release_copy(asked.reference, posted.text("seen"), asked.member.id)
    except Refused as refusal:
        return _page(asked, refusal=str(refusal))
    return RedirectResponse(asked.path, status_code=303)


def _page(asked: Asked, *, refusal: str = "", opened: str = "") -> HTMLResponse:
    site = asked.site
    with site.database.transaction() as transaction:
        request = request_by_reference(transaction, asked.reference)
        asked.reads_of(transaction, request.id)
    with site.database.session() as session:
        try:
            contents = _contents(session, asked, request)
        except Refused as fault:
            contents, refusal = [], refusal or str(fault)
        own = own_addresses(session, request)
        package = packages.package_of(session, request.id)
        current = packages.seen_in(packages.parts_of(session, request.id))
        return asked.page(
            "copy_review.html",
            status=409 if refusal else 200,
            case=request,
            refusal=refusal,
            opened=opened,
            contents=_by_source(contents),
            named={task_id: one.names_others(own) for task_id, one, _ in _by_source(contents)},
            own=own,
            kinds=dict.fromkeys(part.kind for part, _ in contents),
            to_look_at=sum(len(one.to_look_at(own)) for _, one, _ in _by_source(contents)),
            package=package if package and package.seen == current else None,
            seen=current,
            not_to_be_had=not_had(session, site, request.id),
            held_for=packages.held_for_others(session, request.id),
            portability=Kind.PORTABILITY,
            staff=all_staff(session),
        )


def _by_source(contents: Contents) -> list[tuple[UUID, Collected, list[Kind]]]:
    """What each source gave, once, with the rights that it is given for."""
    given = {part.task.id: one for part, one in contents}
    return [
        (task_id, one, [part.kind for part, _ in contents if part.task.id == task_id])
        for task_id, one in given.items()
    ]


def _contents(session: Session, asked: Asked, request: DataSubjectRequest) -> Contents:
    """What is still kept of the copy. Raises Refused."""
    parts = [part for part in packages.parts_of(session, request.id) if part.file]
    return list(zip(parts, asked.site.desk.collected(parts), strict=True))
