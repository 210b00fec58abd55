"""Files of a request in the console: taken in for a person, and downloaded, never shown (P30)."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import Response

from database.requests.requests import request_by_reference
from web.forms import Form
from web.staff.access import GENUINE
from web.staff.requests import ByPrivacy, back

router = APIRouter(prefix="/staff/requests/{reference}/files")


@router.post("", dependencies=[GENUINE])
def add(asked: ByPrivacy, posted: Form) -> Response:
    """Keep what came by mail or post with the request."""
    return back(
        asked, lambda: asked.site.desk.attach(asked.reference, posted.attached, asked.member.id)
    )


@router.get("/{attachment_id}")
def download(asked: ByPrivacy, attachment_id: Annotated[UUID, Path()]) -> Response:
    """A file, to save and open elsewhere; that it was read is recorded."""
    with asked.site.database.transaction() as transaction:
        request = request_by_reference(transaction, asked.reference)
        asked.reads_of(transaction, request.id)
    name, content = asked.site.desk.attachment(request.id, attachment_id)
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "_")
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{ascii_name}"; '
            f"filename*=UTF-8''{quote(name)}",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
