"""The bytes of a policy file, read into the text we keep, or refused with a reason."""

import re
import tomllib
import unicodedata
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from domain.texts.clauses import Clause, ClauseKind, read_clauses

LARGEST_BYTES = 2_000_000
FENCE = "+++"


class PolicyRefused(ValueError):
    """The file cannot be a policy version; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class PolicyText:
    """A policy version as kept: `text` has the front matter taken off, `\\n` line ends and NFC.

    `sha256` is that of `text` in UTF-8; `first_line` is the line of the file where `text` begins.
    """

    title: str | None
    text: str
    sha256: str
    first_line: int = 1
    front_matter: dict[str, Any] = field(default_factory=dict)


def read_policy_text(raw: bytes) -> PolicyText:
    """Read UTF-8 Markdown, optionally led by TOML between two `+++` lines.

    Raises PolicyRefused for what is empty, binary, not UTF-8, over 2 MB, without a readable clause,
    or led by front matter that is not TOML.
    """
    if len(raw) > LARGEST_BYTES:
        raise _refused(
            f"The file has {len(raw):,} bytes; a policy may have {LARGEST_BYTES:,} (2 MB)",
            "Take out pictures and attachments and keep the words.",
        )
    text = unicodedata.normalize("NFC", _decoded(raw))
    front_matter, body, first_line = _split_front_matter(text)
    if not body.strip():
        raise _refused("The file holds no text", "Write the policy into it and try again.")
    clauses = read_clauses(body)
    if not any(_is_readable(clause) for clause in clauses):
        raise _refused(
            "The file holds no readable clause, only headings or marks",
            "Write the policy as Markdown paragraphs, lists or tables.",
        )
    named = front_matter.get("title")
    heading = next((c.text for c in clauses if c.kind is ClauseKind.HEADING), None)
    return PolicyText(
        title=named if isinstance(named, str) else heading,
        text=body,
        sha256=sha256(body.encode()).hexdigest(),
        first_line=first_line,
        front_matter=front_matter,
    )


def _is_readable(clause: Clause) -> bool:
    """Words that say something: no heading, no bare marks, no comment."""
    words = re.sub(r"<!--.*?-->", "", clause.text, flags=re.DOTALL)
    return clause.kind is not ClauseKind.HEADING and any(letter.isalpha() for letter in words)


def _refused(what: str, remedy: str) -> PolicyRefused:
    return PolicyRefused(f"{what}. Nothing was stored. {remedy}")


def _decoded(raw: bytes) -> str:
    if raw.startswith(b"%PDF-"):
        raise _refused(
            "This is a PDF, which has pages and no paragraphs",
            "Give the file that it was made from: .docx, .html or Markdown.",
        )
    if raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise _refused(
            "The text is saved as UTF-16, which some editors call Unicode",
            "Save it as UTF-8 and try again.",
        )
    if b"\x00" in raw:
        line = raw[: raw.index(b"\x00")].count(b"\n") + 1
        raise _refused(
            f"The file is not text: it holds a NUL byte at offset {raw.index(0)}, line {line}",
            "Save the policy as .docx, as .html or as plain text in UTF-8, not as .doc or PDF.",
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Offsets count from after a byte-order mark, which the codec takes off first.
        offset = error.start + (3 if raw.startswith(b"\xef\xbb\xbf") else 0)
        line = raw[:offset].count(b"\n") + 1
        raise _refused(
            f"The file is not UTF-8: the byte 0x{raw[offset]:02x} at offset {offset}, "
            f"line {line}, is not a character",
            "Save it as UTF-8 in your editor and try again.",
        ) from error
    text = re.sub(r"\r\n?|\u2028|\u2029", "\n", text)
    control = re.search(r"[\x01-\x08\x0b\x0e-\x1f\x7f]", text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise _refused(
            f"The file is not plain text: a control character stands on line {line}",
            "Save the policy as plain text in UTF-8 and try again.",
        )
    return text


def _split_front_matter(text: str) -> tuple[dict[str, Any], str, int]:
    """The front matter, the body, and the line on which the body begins."""
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        return {}, text, 1
    closing = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE), None)
    if closing is None:
        raise _refused(
            "The front matter opens with +++ on line 1 and is never closed",
            "Put a line of its own with +++ after it.",
        )
    try:
        front_matter = tomllib.loads("\n".join(lines[1:closing]))
    except tomllib.TOMLDecodeError as error:
        raise _refused(
            _where(error, closing), 'Write it as name = "value" lines (TOML).'
        ) from error
    start = closing + 1
    while start < len(lines) and not lines[start].strip():
        start += 1
    return front_matter, "\n".join(lines[start:]), start + 1


def _where(error: tomllib.TOMLDecodeError, closing: int) -> str:
    found = re.search(r"at line (\d+)", str(error))
    line = int(found[1]) + 1 if found else closing
    reason = re.sub(r"\s*\(at .*\)$", "", str(error))
    return f"The front matter cannot be read: line {line} of the file: {reason}"
