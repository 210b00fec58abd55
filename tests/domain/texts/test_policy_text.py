"""A policy file is taken whole or refused with the reason, the place and the remedy."""

from hashlib import sha256

import pytest

from domain.texts.policy_text import LARGEST_BYTES, PolicyRefused, read_policy_text

FRONT = b'+++\ntitle = "Gnomes"\nnumber = 2\n+++\n\n'


def test_the_same_words_have_the_same_hash_whatever_the_editor_did() -> None:
    """P1: a version is addressed by its content."""
    plain = read_policy_text("# Caf\u00e9\n\nWe keep it.\n".encode())
    edited = read_policy_text("\ufeff# Cafe\u0301\r\n\r\nWe keep it.\r\n".encode())
    assert plain == edited
    assert plain.sha256 == sha256(plain.text.encode()).hexdigest()


def test_front_matter_is_taken_off_and_read() -> None:
    policy = read_policy_text(FRONT + b"# Heading\n\nWe keep it.\n")
    assert (policy.title, policy.front_matter["number"]) == ("Gnomes", 2)
    assert policy.text == "# Heading\n\nWe keep it.\n"
    assert policy.first_line == 6


def test_without_front_matter_the_first_heading_is_the_title() -> None:
    assert read_policy_text(b"# Heading\n\nWe keep it.\n").title == "Heading"
    assert read_policy_text(b"We keep it.\n").title is None


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "holds no text"),
        (b" \n\t\n", "holds no text"),
        (FRONT, "holds no text"),
        (b"# Only\n\n## Headings\n", "no readable clause"),
        (b"---\n\n***\n", "no readable clause"),
        (b"---\n\n***\n\n<!-- x -->\n", "no readable clause"),
        (b"We keep it.\nCaf\xe9.\n", "0xe9 at offset 15, line 2"),
        (b"\xef\xbb\xbfCaf\xe9.\n", "offset 6, line 1"),
        (b"PK\x03\x04\x00\x00", "NUL byte at offset 4"),
        (b"%PDF-1.7\nWe keep it.\n", "This is a PDF"),
        ("We keep it.\n".encode("utf-16"), "saved as UTF-16"),
        (b"We\nkeep \x1b[31mit.\n", "control character stands on line 2"),
        (b"x" * (LARGEST_BYTES + 1), "2,000,001 bytes"),
        (b"+++\ntitle = \n+++\nWe keep it.\n", "line 2 of the file"),
        (b'+++\ntitle = "x"\nWe keep it.\n', "never closed"),
    ],
)
def test_bad_input_is_refused_with_the_place(raw: bytes, words: str) -> None:
    with pytest.raises(PolicyRefused) as refusal:
        read_policy_text(raw)
    assert words in str(refusal.value)
    assert "Nothing was stored" in str(refusal.value)
