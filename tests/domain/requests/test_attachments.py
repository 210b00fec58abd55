"""Files that come with requests: judged by what is in them, named so that they can be saved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.company import AttachmentLimits
from domain.requests.attachments import TYPES, Attachment, problems

PDF, PNG, JPEG = b"%PDF-1.7 ...", b"\x89PNG\r\n\x1a\n...", b"\xff\xd8\xff\xe0..."
PROGRAM, ARCHIVE, PAGE = b"MZ\x90\x00\x03", b"PK\x03\x04...", b"\x7fELF\x02\x01"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("claim.pdf", PDF, ""),
        ("Bild.PNG", PNG, ""),
        ("photo.jpeg", JPEG, ""),
        ("brief.txt", "Grüße, 你好".encode(), ""),
        ("letter.txt", "\u0645\u06cc\u200c\u062e \u202b\u0639\u0644\u06cc\u202c".encode(), ""),
        ("turned.txt", "total \u202e100\u202c EUR\u2069".encode(), ""),
        ("brief.txt", "10\xa0000 €, 東京\u3000様, a\xadb\f".encode(), ""),
        ("notepad.txt", "Grüße, Привет".encode("utf-16"), ""),
        ("half.txt", "Grüße".encode("utf-16")[:-1], "none of these"),
        ("coloured.txt", b"a\x1b[31mb", "none of these"),
        ("turned.png", "\u202eGNP".encode(), "not what its name says"),
        ("claim.pdf", PROGRAM, "none of these"),
        ("photo.png", ARCHIVE, "none of these"),
        ("tool", PAGE, "none of these"),
        ("run.txt", b"#!/bin/sh\nrm -rf /", "none of these"),
        ("odd.txt", b"a\x00b", "none of these"),
        ("photo.png", PDF, "not what its name says"),
        ("page.html", b"<script>alert(1)</script>", "not what its name says"),
        ("claim.pdf.exe", PDF, "not what its name says"),
        ("claim", PDF, "not what its name says"),
    ],
)
def test_what_is_in_a_file_decides(name: str, content: bytes, words: str) -> None:
    found = problems([Attachment(name=name, content=content)], AttachmentLimits())
    assert bool(found) == bool(words)
    assert words in " ".join(found)


def test_too_many_and_too_large_are_said_once_each() -> None:
    """Those that are there already count."""
    limits = AttachmentLimits(count=3, largest=20)
    small, large = (Attachment(name="a.pdf", content=PDF + b"." * size) for size in (0, 20))
    assert problems([small] * 3, limits) == ()
    assert len(problems([small] * 2, limits, already=2)) == 1
    assert len(problems([large] * 4, limits)) == 2


@given(name=st.text(max_size=300), content=st.sampled_from([PDF, PNG, JPEG, b"text"]))
def test_every_name_becomes_one_that_can_be_saved_anywhere(name: str, content: bytes) -> None:
    file = Attachment(name=name, content=content)
    stem, _, ending = file.safe_name.rpartition(".")
    assert ending in TYPES[file.media_type or ""]
    assert 0 < len(stem) <= 120
    assert not set(stem) & set('/\\:*?"<>|.\r\n\t\x00')
    assert file.safe_name.isprintable()
