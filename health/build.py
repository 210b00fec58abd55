"""Which code this is: the release, and a fingerprint of the source it runs."""

from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = (
    "activities",
    "data_sources",
    "database",
    "domain",
    "email_templates",
    "health",
    "mail",
    "settings",
    "translations",
    "web",
    "workflows",
)
"""What decides how promises are kept. Website and worker should agree about it."""
KINDS = (".py", ".toml", ".html", ".txt", ".po")


@cache
def build() -> str:
    """This code's name, like 0.1.0+3f2a91c04d. Read once: a process keeps the code it has."""
    fingerprint = sha256()
    for path in sorted(_sources()):
        fingerprint.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        fingerprint.update(sha256(path.read_bytes()).digest())
    return f"{_release()}+{fingerprint.hexdigest()[:10]}"


def _sources() -> list[Path]:
    files = (path for room in ROOMS for path in (ROOT / room).rglob("*"))
    return [
        *ROOT.glob("*.py"),
        *(path for path in files if path.suffix in KINDS),
    ]


def _release() -> str:
    try:
        return version("promisekeeper")
    except PackageNotFoundError:  # run from a directory, never installed
        return "0"
