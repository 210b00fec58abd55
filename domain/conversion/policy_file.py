"""A policy file of any kind we take: Markdown, a Word file, a web page."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass
from io import BytesIO

from domain.conversion.tally import Loss, Tally, sentences
from domain.texts.policy_text import LARGEST_BYTES, PolicyRefused, PolicyText, read_policy_text

LARGEST_FILE = 4_000_000
ZIP = b"PK\x03\x04"
OLD_OFFICE = b"\xd0\xcf\x11\xe0"
PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*+(?:(?><\?xml[^>]*>|<!--.*?-->)\s*+)*+<(?:!doctype\s+html|html)\b",
    re.IGNORECASE | re.DOTALL,
)
CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
# Those that editors save pages in; Python knows others, some of them slow on purpose.
ENCODINGS = re.compile(
    rb"windows-|cp\d|iso-8859|latin|us-ascii|koi8|mac|shift|euc|gb|big5", re.IGNORECASE
)
PAGE_NAMES = (".html", ".htm", ".xhtml")


@dataclass(frozen=True, kw_only=True)
class PolicyFile:
    """A policy as read; `converted` when it was no Markdown, `left_out` says what that cost."""

    text: PolicyText
    converted: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def first_line(self) -> int | None:
        """The line of the file where the text begins; what was converted has no lines to name."""
        return None if self.converted else self.text.first_line


def read_policy_file(raw: bytes, name: str = "") -> PolicyFile:
    """Read Markdown, a Word file or a web page: told apart by content, then by the name's ending.

    A file to convert may have 4 MB, its text 2 MB. Raises PolicyRefused for everything that
    cannot be read, and as `read_policy_text` does.
    """
    name = name.lower()
    if raw.startswith(OLD_OFFICE):
        raise PolicyRefused(
            "This is a Word file of the old kind (.doc), or one with a password. "
            "Nothing was stored. Save it as .docx without a password and try again."
        )
    is_zip = raw.startswith(ZIP) or name.endswith((".docx", ".docm"))
    if not is_zip and not _is_page(raw, name):
        return PolicyFile(text=read_policy_text(raw))
    if len(raw) > LARGEST_FILE:
        raise PolicyRefused(
            f"The file has {len(raw):,} bytes; one to convert may have {LARGEST_FILE:,} (4 MB). "
            "Nothing was stored. Take the pictures out and try again."
        )
    tally = Tally()
    html = _word(raw, tally) if is_zip else _decoded(raw)
    return _converted(html, tally, from_word=is_zip)


def _is_page(raw: bytes, name: str) -> bool:
    head = raw[:4096]
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        head = head.decode("utf-16", "replace").encode()
    return bool(PAGE.match(head)) or name.endswith(PAGE_NAMES)


def _word(raw: bytes, tally: Tally) -> str:
    from zipfile import BadZipFile, ZipFile

    from domain.conversion.word import BROKEN, is_word, word_html

    try:
        package = ZipFile(BytesIO(raw))
    except (BadZipFile, ValueError, NotImplementedError, OverflowError, EOFError) as error:
        raise PolicyRefused(BROKEN) from error
    with package:
        if not is_word(package.namelist()):
            raise PolicyRefused(
                "The file is a zip file without a Word document in it. Nothing was stored. "
                "Save the policy as .docx, as .html or as Markdown and try again."
            )
        return word_html(package, tally)


def _decoded(raw: bytes) -> str:
    """UTF-8 or UTF-16 by its mark, else the encoding that the page names."""
    named = CHARSET.search(raw[:4096])
    encodings = ["utf-16"] if raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else ["utf-8-sig"]
    encodings += [named[1].decode()] if named and ENCODINGS.match(named[1]) else []
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    raise PolicyRefused(
        "The page is not UTF-8, and names no other encoding that its bytes are in. "
        "Nothing was stored. Save it as UTF-8 and try again."
    )


def _converted(html: str, tally: Tally, *, from_word: bool) -> PolicyFile:
    from domain.conversion.pruning import prune
    from domain.conversion.tree import read_tree
    from domain.conversion.writing import write_markdown

    markdown = write_markdown(prune(read_tree(html), tally), tally)
    if from_word:
        tally[Loss.NUMBERING] += len(re.findall(r"^ *1\. ", markdown, re.MULTILINE))
    if len(markdown.encode()) > LARGEST_BYTES:
        raise PolicyRefused(
            f"The text of the file has over {LARGEST_BYTES:,} bytes (2 MB). Nothing was stored. "
            "Keep the part that is the policy and try again."
        )
    return PolicyFile(
        text=read_policy_text(markdown.encode()), converted=True, left_out=sentences(tally)
    )
