"""The inbox as pages. Mail is hostile: it is shown in a frame where nothing runs or loads."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from embedded.sandbox.faults import FATES, MODES_BY_ADDRESS, EventFault, Fault, Mode
from embedded.sandbox.links import links_of
from embedded.sandbox.store import StoredCopy

COPIES_ON_A_PAGE = 50
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def list_page(copies: Sequence[StoredCopy], *, words: str, before: int | None, total: int) -> str:
    """Return the list of copies as a page; `total` is how many the sandbox holds."""
    older = copies[-1].id if len(copies) == COPIES_ON_A_PAGE else None
    return _pages.get_template("inbox.html").render(
        copies=copies, words=words, before=before, older=older, total=total
    )


def faults_page(fault: Fault) -> str:
    """Return the switches as a page; `fault` is what is on."""
    return _pages.get_template("faults.html").render(
        fault=fault,
        modes=get_args(Mode),
        switches=[
            (name, field.description, getattr(fault.events, name))
            for name, field in EventFault.model_fields.items()
        ],
        fates=FATES,
        modes_by_address=MODES_BY_ADDRESS,
    )


def message_page(copy: StoredCopy) -> str:
    """Return one copy as a page."""
    return _pages.get_template("message.html").render(
        copy=copy,
        links=[
            one for one in links_of(copy.text, copy.html) if one.startswith(("http", "mailto:"))
        ],
        framed=f'<base target="_blank">{copy.html}',
    )
