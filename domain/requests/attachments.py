"""Files that people send with a request: which are taken, judged by what is in them."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from domain.company import AttachmentLimits
from domain.requests.data_subject_requests import has_control_characters

LONGEST_FILE_NAME = 120
TYPES: Mapping[str, tuple[str, ...]] = {
    "application/pdf": ("pdf",),
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "text/plain": ("txt",),
}
"""What is taken, with the endings that its names may have. Anything that can run, or that opens
something else, is none of these."""
_BEGINNINGS: Mapping[bytes, str] = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}

PROBLEM_WORDS: Mapping[str, str] = {
    "too_many": "These are too many files. Please send fewer, or put them into one PDF.",
    "too_large": "A file is too large. Please send a smaller one.",
    "odd_type": "We take PDF files, pictures (PNG, JPEG) and plain text. A file you chose is none "
    "of these.",
    "mislabelled": "A file is not what its name says. Please save it anew under a name that fits, "
    "and choose it again.",
}
"""Said at the field; nothing is stored then."""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file as it was sent; its name is a word from outside."""

    name: str
    content: bytes

    @property
    def media_type(self) -> str | None:
        """What is in it, whatever its name says; None for what is not taken."""
        for beginning, media_type in _BEGINNINGS.items():
            if self.content.startswith(beginning):
                return media_type
        return "text/plain" if _is_text(self.content) else None

    @property
    def safe_name(self) -> str:
        """A name that can be shown and saved anywhere: without folders or what cannot be printed,
        with the ending that fits what is in it."""
        stem, _, _ = self.name.replace("\\", "/").rpartition("/")[2].rpartition(".")
        kept = "".join(one if one.isalnum() or one in " -_()" else "_" for one in stem)
        ending = TYPES[self.media_type or "text/plain"][0]
        return f"{kept.strip(' _')[:LONGEST_FILE_NAME] or 'file'}.{ending}"


def problems(
    attachments: Iterable[Attachment], limits: AttachmentLimits, *, already: int = 0
) -> tuple[str, ...]:
    """What is wrong with files that somebody sends to a request that has so many `already`, each
    sentence once; empty when they are taken."""
    return tuple(dict.fromkeys(_problems(list(attachments), limits, already)))


def _problems(
    attachments: list[Attachment], limits: AttachmentLimits, already: int
) -> Iterator[str]:
    if already + len(attachments) > limits.count:
        yield PROBLEM_WORDS["too_many"]
    for one in attachments:
        if len(one.content) > limits.largest:
            yield PROBLEM_WORDS["too_large"]
        elif one.media_type is None:
            yield PROBLEM_WORDS["odd_type"]
        elif one.name.rpartition(".")[2].lower() not in TYPES[one.media_type]:
            yield PROBLEM_WORDS["mislabelled"]


def _is_text(content: bytes) -> bool:
    """Text in any script, with the marks that say in which direction it is read: UTF-8, or UTF-16
    that says so in its first bytes. Nothing else has control characters, which no page can show;
    and no script says so in its first line. Nobody sees it but in a program of their own."""
    encoding = "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return False
    odd = has_control_characters(text, besides="\r\n\t\f")
    return bool(text) and not odd and not text.startswith("#!")
