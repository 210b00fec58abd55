"""P32: what is kept encrypted opens with our keys, under its own name, and not otherwise."""

import os
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database.storage import FileUnusable, Storage

NOW, DAY = datetime(2026, 3, 2, 9, tzinfo=UTC), timedelta(days=1)
OLD, NEW = (urlsafe_b64encode(letter * 32).decode() for letter in (b"o", b"n"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@given(content=st.binary(max_size=2000))
def test_what_is_kept_comes_back(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    storage = Storage(tmp_path_factory.mktemp("storage"), [NEW])
    assert storage.read(storage.keep(content)) == content


def test_nothing_of_it_can_be_read_on_the_disk(folder: Path) -> None:
    name = Storage(folder, [NEW]).keep(b"Alice Abel")
    file = folder / name
    assert b"Alice" not in file.read_bytes()
    assert (file.stat().st_mode & 0o077, folder.stat().st_mode & 0o077) == (0, 0)


def test_the_first_key_encrypts_and_all_decrypt(folder: Path) -> None:
    """So that a key can be retired without anybody losing their copy."""
    before = Storage(folder, [OLD]).keep(b"before")
    rotated = Storage(folder, [NEW, OLD])
    after = rotated.keep(b"after")
    assert (rotated.read(before), Storage(folder, [NEW]).read(after)) == (b"before", b"after")
    with pytest.raises(FileUnusable, match="PROMISEKEEPER_DATA_KEYS"):
        Storage(folder, [NEW]).read(before)


def test_a_file_that_was_altered_does_not_open(folder: Path) -> None:
    storage = Storage(folder, [NEW])
    name = storage.keep(b"Alice Abel")
    whole = bytearray((folder / name).read_bytes())
    whole[len(whole) // 2] ^= 1
    (folder / name).write_bytes(bytes(whole))
    with pytest.raises(FileUnusable, match="altered"):
        storage.read(name)


def test_a_file_in_anothers_place_does_not_open(folder: Path) -> None:
    """Bob is never given Alice's copy because two names were mixed up on the disk."""
    storage = Storage(folder, [NEW])
    alice, bob = storage.keep(b"Alice Abel"), storage.keep(b"Bob Brandt")
    (folder / alice).replace(folder / bob)
    with pytest.raises(FileUnusable, match="another one than it says"):
        storage.read(bob)


def test_old_files_are_named_so_that_those_without_a_row_can_go(folder: Path) -> None:
    storage = Storage(folder, [NEW])
    assert storage.older_than(DAY, NOW) == []
    old, new = storage.keep(b"old"), storage.keep(b"new")
    os.utime(folder / old, times=((NOW - 2 * DAY).timestamp(),) * 2)
    os.utime(folder / new, times=(NOW.timestamp(),) * 2)
    (folder / "lost+found").mkdir()
    (folder / "somebody-elses.db").write_bytes(b"...")
    for path in (folder / "lost+found", folder / "somebody-elses.db"):
        os.utime(path, times=((NOW - 2 * DAY).timestamp(),) * 2)
    assert storage.older_than(DAY, NOW) == [old]


def test_what_is_deleted_is_gone_and_may_be_deleted_again(folder: Path) -> None:
    storage = Storage(folder, [NEW])
    name = storage.keep(b"Alice Abel")
    storage.delete(name, None)
    storage.delete(name)
    with pytest.raises(FileUnusable, match="not there any more"):
        storage.read(name)
    assert list(folder.iterdir()) == []
