"""What people post, as plain values; and the stamp that a page puts into its form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request
from itsdangerous import BadSignature, URLSafeSerializer
from starlette.datastructures import UploadFile

from domain.requests.attachments import Attachment

LARGEST_FIELD = 3_000_000
STAMP_PERIOD = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Posted:
    """The fields of a posted form; by field name its files, unless empty, and their names.

    `attached`: the files of a field `attachment`, of which there may be several.
    """

    fields: tuple[tuple[str, str], ...] = ()
    files: Mapping[str, bytes]
    file_names: Mapping[str, str] = field(default_factory=dict)
    attached: tuple[Attachment, ...] = ()

    def text(self, name: str) -> str:
        """The first value of a field, trimmed; empty when it is missing."""
        return next((value.strip() for key, value in self.fields if key == name), "")

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of a field, trimmed, without empty ones: what was ticked."""
        values = (value.strip() for key, value in self.fields if key == name)
        return tuple(value for value in values if value)

    def line(self, name: str) -> str:
        """As `text`, of a field of one line: empty too when it holds what cannot be shown."""
        value = self.text(name)
        return value if value.isprintable() else ""

    def with_prefix(self, prefix: str) -> Mapping[str, str]:
        """The fields whose names begin with `prefix`, by the rest of their names."""
        return {
            name.removeprefix(prefix): value
            for name, value in self.fields
            if name.startswith(prefix)
        }


NOTHING_POSTED = Posted(files={})


async def read_posted(request: Request) -> Posted:
    """Read a form, URL-encoded or multipart."""
    async with request.form(max_part_size=LARGEST_FIELD, max_files=15, max_fields=500) as form:
        entries = form.multi_items()
        uploads = {name: value for name, value in entries if isinstance(value, UploadFile)}
        sent = [value for name, value in entries if name == "attachment" and value]
        attached = [
            Attachment(name=one.filename or "", content=await one.read())
            for one in sent
            if isinstance(one, UploadFile)
        ]
        files = {name: await upload.read() for name, upload in uploads.items()}
        return Posted(
            fields=tuple(
                (name, _lines(value)) for name, value in entries if isinstance(value, str)
            ),
            files={name: content for name, content in files.items() if content},
            attached=tuple(one for one in attached if one.content),
            file_names={name: upload.filename or "" for name, upload in uploads.items()},
        )


Form = Annotated[Posted, Depends(read_posted)]


class StampRefused(Exception):
    """The form does not come from a page of ours, or from one that is too old."""


def _lines(value: str) -> str:
    """A browser ends the lines of a text with CR LF, whatever they ended with on the page."""
    return value.replace("\r\n", "\n").replace("\r", "\n")


def stamp(keys: Sequence[bytes], now: datetime, *content: str) -> str:
    """A value for a form, saying what its page showed; good for a day."""
    value: str = _serializer(keys).dumps([now.timestamp(), *content])
    return value


def check_stamp(keys: Sequence[bytes], now: datetime, value: str, *content: str) -> None:
    """Raises StampRefused unless `value` was stamped with this content within a day."""
    try:
        stamped_at, *stamped = _serializer(keys).loads(value)
    except (BadSignature, ValueError, TypeError):
        raise StampRefused from None
    if stamped != list(content) or not 0 <= now.timestamp() - stamped_at < (
        STAMP_PERIOD.total_seconds()
    ):
        raise StampRefused


def _serializer(keys: Sequence[bytes]) -> URLSafeSerializer:
    # itsdangerous signs with the last key, we with the first.
    return URLSafeSerializer(list(reversed(keys)), salt="form")
