"""The files of a copy: to read and print, as JSON, and to take along (P11, P16)."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from markupsafe import Markup
from sqlmodel import Session

from database.requests.packages import PartOfCopy, held_for_others, not_to_be_had
from database.tables import DataSubjectRequest
from domain.requests.collected import Collected
from domain.requests.data_subject_requests import Kind
from domain.requests.packages import Copy, copy_of
from domain.requests.personal_data import BASIS_WORDS, ORIGIN_WORDS, Held, Located
from domain.requests.portability import portable_files
from web.rendering import Pages
from web.site import Site

Contents = Sequence[tuple[PartOfCopy, Collected]]
NAME = "{reference}.zip"
STYLE = Path(__file__).parents[1] / "static" / "copy.css"


def copy_archive(
    session: Session,
    site: Site,
    pages: Pages,
    request: DataSubjectRequest,
    contents: Contents,
    kinds: Iterable[Kind],
    made_at: datetime,
) -> bytes:
    """Everything that a person is given, for these of their rights, in one archive."""
    files: dict[str, str] = {}
    if Kind.ACCESS in kinds:
        copy = copy_made(request, contents, made_at)
        files["copy/copy.html"] = copy_page(session, site, pages, request, copy)
        files["copy/copy.json"] = copy.to_json()
    if Kind.PORTABILITY in kinds:
        records = [
            record
            for part, one in contents
            if part.kind is Kind.PORTABILITY
            for record in one.released
        ]
        portable = portable_files(request.reference, made_at, records)
        files |= {f"take-along/{name}": content for name, content in portable.items()}
    return _zipped(files, made_at)


def copy_made(
    request: DataSubjectRequest, contents: Contents, made_at: datetime, kind: Kind = Kind.ACCESS
) -> Copy:
    """What the sources gave for a right, as it is given away."""
    given = [one for part, one in contents if part.kind is kind]
    return copy_of(
        request.reference,
        made_at,
        located=[_located(one) for one in given],
        records=[record for one in given for record in one.released],
        titles={one.source: one.title for one in given},
    )


def copy_page(
    session: Session, site: Site, pages: Pages, request: DataSubjectRequest, copy: Copy
) -> str:
    """The copy to read and to print: one page that needs nothing else."""
    return pages.text(
        "copy.html",
        {
            "copy": copy,
            "style": style(),
            "zone": pages.zone_of(request.time_zone),
            "not_to_be_had": not_had(session, site, request.id),
            "held_for": held_for_others(session, request.id),
            "origins": ORIGIN_WORDS,
            "bases": BASIS_WORDS,
        },
    )


def not_had(session: Session, site: Site, request_id: UUID) -> Mapping[str, str]:
    """What cannot be had, as people call it, and why."""
    given_up = not_to_be_had(session, request_id)
    return {site.desk.title_of(source): reason for source, reason in given_up.items()}


@cache
def style() -> Markup:
    """What the page of a copy looks like: it stands in it, as it is read without us."""
    return Markup(STYLE.read_text("utf-8"))  # noqa: S704 - our own file


def policy_of_copy() -> Mapping[str, str]:
    """The headers with which we show such a page ourselves: its own style, and nothing else."""
    digest = b64encode(sha256(style().encode()).digest()).decode()
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    }


def _located(one: Collected) -> Located:
    entries = {(record.category, record.item) for record in one.records}
    rows = Counter(category for category, _ in entries)
    held = (Held(category=name, rows=rows[name], uses=uses) for name, uses in one.uses.items())
    return Located(source=one.source, held=tuple(held))


def _zipped(files: Mapping[str, str], made_at: datetime) -> bytes:
    into = BytesIO()
    with ZipFile(into, "w", compression=ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = ZipInfo(name, date_time=made_at.timetuple()[:6])
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, content)
    return into.getvalue()
