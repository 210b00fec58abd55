"""Files that are too personal for a column: encrypted, and known by name to one row alone (P32)."""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

NAME = re.compile("[0-9a-f]{32}")


class FileUnusable(Exception):
    """A stored file is gone, or no key of ours opens it. Nothing of it was used."""


class Storage:
    """A folder of encrypted files. The first key encrypts, all of them decrypt.

    A file is written whole before anybody knows its name, and holds its name inside: one that was
    put in another's place does not open.
    """

    def __init__(self, folder: Path, keys: Sequence[str]) -> None:
        self._folder = folder
        self._cipher = MultiFernet([Fernet(key) for key in keys])

    def keep(self, content: bytes) -> str:
        """Write a new file and return its name, which the caller's row is to know."""
        name = uuid4().hex
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self._cipher.encrypt(name.encode() + content))
            file.flush()
            os.fsync(file.fileno())
        return name

    @contextmanager
    def until_known(self, names: Collection[str | None]) -> Iterator[None]:
        """While a row learns of new files: where that fails, no row knows them, and they go again.

        Names may be added to `names` inside of the block.
        """
        try:
            yield
        except BaseException:
            self.delete(*names)
            raise

    def read(self, name: str) -> bytes:
        """The content of a file. Raises FileUnusable."""
        try:
            whole = self._cipher.decrypt((self._folder / name).read_bytes())
        except OSError:
            raise FileUnusable("The stored file is not there any more.") from None
        except InvalidToken:
            raise FileUnusable(
                "No key in PROMISEKEEPER_DATA_KEYS opens the stored file: the key it was made "
                "with was taken away, or the file was altered."
            ) from None
        if not whole.startswith(name.encode()):
            raise FileUnusable("The stored file is another one than it says.")
        return whole.removeprefix(name.encode())

    def older_than(self, age: timedelta, real_now: datetime) -> Sequence[str]:
        """The names of files of ours that were written so long ago, by the clock of the disk.

        What else lies in the folder is none of our business.
        """
        if not self._folder.is_dir():
            return []
        written = {
            path.name: path.stat().st_mtime
            for path in self._folder.iterdir()
            if NAME.fullmatch(path.name) and path.is_file()
        }
        limit = (real_now - age).timestamp()
        return [name for name, at in written.items() if at < limit]

    def delete(self, *names: str | None) -> None:
        """Take files away; those that are gone already are gone."""
        for name in names:
            if name:
                (self._folder / name).unlink(missing_ok=True)
