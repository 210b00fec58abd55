"""Files with a request: sent by people, added by staff, saved by staff and shown by nobody."""

from pathlib import Path

import pytest
from sqlmodel import select

from database.requests.attachments import known_attachments
from database.tables import DataSubjectRequest, Fact, RequestAttachment
from tests.web.requests.test_request_ends import ask, now_of, page_of
from tests.web.world import World

FORM = {"name": "Alice", "kinds": "access", "contact_address": "alice@example.org"}
PDF = ("claim.pdf", b"%PDF-1.7 the claim", "application/pdf")
PROGRAM = ("claim.pdf", b"MZ\x90\x00", "application/pdf")


def attached(world: World) -> list[RequestAttachment]:
    with world.database.session() as session:
        return list(session.exec(select(RequestAttachment)))


def test_a_file_comes_with_the_form_and_is_kept_encrypted(world: World, tmp_path: Path) -> None:
    """P32: not even its name on disk tells what it is."""
    files = [("attachment", PDF), ("attachment", ("photo.jpg", b"\xff\xd8\xff..", "image/png"))]
    world.browser.post("/requests/new", data=FORM, files=files)
    assert [(one.name, one.media_type, one.size) for one in attached(world)] == [
        ("claim.pdf", "application/pdf", 18),
        ("photo.jpg", "image/jpeg", 5),
    ]
    stored = [path.read_bytes() for path in (tmp_path / "storage").iterdir()]
    assert len(stored) == 2
    assert not any(b"the claim" in content for content in stored)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (PROGRAM, "A file you chose is none of these"),
        (("a.pdf", b"%PDF-" + b"." * 5_000_001, "application/pdf"), "A file is too large"),
        (("a.png", PDF[1], "image/png"), "not what its name says"),
    ],
)
def test_a_file_that_is_not_taken_loses_nothing_of_the_form(
    world: World, file: tuple[str, bytes, str], words: str
) -> None:
    """P26: no request without the file that its person meant to send, and nothing typed is lost."""
    answer = world.browser.post(
        "/requests/new", data={**FORM, "message": "See there."}, files=[("attachment", file)]
    )
    assert answer.status_code == 422
    assert words in answer.text
    assert ">See there.</textarea>" in answer.text
    assert "choose your files again" in answer.text
    assert "up to 5 MB each" in answer.text
    with world.database.session() as session:
        assert session.exec(select(DataSubjectRequest)).all() == []
    assert attached(world) == []


def test_alice_adds_a_file_later_and_not_after_the_answer(world: World) -> None:
    request = ask(world)
    page = page_of(world, request)
    world.browser.post(f"{page}/files", files=[("attachment", PDF)])
    assert "1 file has come with this request" in world.browser.get(page).text
    refused = world.browser.post(f"{page}/files", files=[("attachment", PROGRAM)])
    assert refused.status_code == 409
    assert "none of these" in refused.text
    world.browser.post(f"{page}/withdraw")
    late = world.browser.post(f"{page}/files", files=[("attachment", PDF)])
    assert late.status_code == 409
    assert now_of(world, request).answered_at is not None
    assert len(attached(world)) == 1


def test_staff_save_a_file_and_no_page_shows_it(world: World) -> None:
    """P30: that it was read is recorded; a browser neither opens it nor keeps it."""
    request = ask(world)
    page = page_of(world, request)
    world.browser.post(f"{page}/files", files=[("attachment", ("Brief \u20ac.pdf", *PDF[1:]))])
    (file,) = attached(world)
    path = f"/staff/requests/{request.reference}/files/{file.id}"
    refused = world.browser.get(path, follow_redirects=False)
    assert refused.status_code != 200
    world.enter_as("priya")
    assert path in world.browser.get(f"/staff/requests/{request.reference}").text
    answer = world.browser.get(path)
    assert answer.content == PDF[1]
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    with world.database.session() as session:
        reads = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).all()
    assert len(reads) == 2


def test_a_file_opens_only_under_its_own_request(world: World) -> None:
    """P30: a reference that somebody may read opens no other one's files."""
    one, other = ask(world), ask(world)
    world.browser.post(f"{page_of(world, one)}/files", files=[("attachment", PDF)])
    (file,) = attached(world)
    world.enter_as("priya")
    answer = world.browser.get(f"/staff/requests/{other.reference}/files/{file.id}")
    assert answer.status_code != 200
    assert PDF[1] not in answer.content


def test_a_file_that_cannot_be_kept_with_what_is_done_at_once_is_said(world: World) -> None:
    """P17: marketing is stopped and answered by then; nobody thinks that we have their file."""
    form = {**FORM, "kinds": "marketing_opt_out"}
    answer = world.browser.post("/requests/new", data=form, files=[("attachment", PDF)])
    assert "its files were not kept" in answer.text
    with world.database.session() as session:
        assert session.exec(select(DataSubjectRequest)).one().reference in answer.text
    assert attached(world) == []


def test_a_file_that_a_row_knows_is_never_swept_away(world: World) -> None:
    """P26: the watchdog deletes what nobody knows, and nothing that came with a request."""
    request = ask(world)
    world.browser.post(f"{page_of(world, request)}/files", files=[("attachment", PDF)])
    (file,) = attached(world)
    with world.database.session() as session:
        assert known_attachments(session, [file.file, "left-over"]) == {file.file}
