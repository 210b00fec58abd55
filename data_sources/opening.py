"""Opens the sources of a data map."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from data_sources.data_map import DataMap, Description, HttpDescription
from data_sources.http import HttpSource
from data_sources.manual import ManualSource
from data_sources.map_file import DataMapRefused, read_data_map
from data_sources.source import DataSource
from data_sources.sql import SqlSource
from data_sources.tables import SqlDescription
from domain.requests.personal_data import OWN_SOURCE

OWN_MAP = Path(__file__).parent / "own_data_map.toml"
"""What the engine's own database holds; its address is `urls` of `OWN_SOURCE`."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What sources need beside their map.

    `folder`: where the map lies, and the files that it names. `urls`: addresses, by source, of
    databases that the map leaves to the process. `outside_clock`: real time, to sign calls by.
    """

    folder: Path
    pseudonym_key: bytes
    outside_clock: Callable[[], datetime]
    urls: Mapping[str, str] = field(default_factory=dict)


def open_every_source(data_map: Path | None, means: Means) -> Sequence[DataSource]:
    """The engine's own database, and every source of the data map, if there is one. None is asked
    anything yet. Raises DataMapRefused."""
    own = open_sources(read_data_map(OWN_MAP), means)
    others = open_sources(read_data_map(data_map), means) if data_map else ()
    return [*own, *(one for one in others if one.about.name != OWN_SOURCE)]


def open_sources(data_map: DataMap, means: Means) -> Sequence[DataSource]:
    """Every source, in the map's order; none is asked anything yet. Raises DataMapRefused."""
    return [_open(about, means) for about in data_map.sources]


def _open(about: Description, means: Means) -> DataSource:
    if isinstance(about, SqlDescription):
        url = _url(about, means)
        try:
            return SqlSource(about, url, pseudonym_key=means.pseudonym_key)
        except (ArgumentError, NoSuchModuleError, ImportError) as fault:
            kind = type(fault).__name__  # its words hold the address, which may hold a password
            raise _refused(about, f"its address is none that we can open ({kind})") from None
    if isinstance(about, HttpDescription):
        secret = _kept_in(about.secret_file, about, means)
        try:
            return HttpSource(about, secret, outside_clock=means.outside_clock)
        except (ValueError, EmptyWebhookSecretError):
            raise _refused(about, f"{about.secret_file} holds no whsec_ and base64") from None
    return ManualSource(about)


def _url(about: SqlDescription, means: Means) -> str:
    if about.url_file:
        return _kept_in(about.url_file, about, means)
    url = about.url or means.urls.get(about.name)
    if url is None:
        raise _refused(about, "says no address: give url, or url_file where it has a password")
    return url


def _kept_in(name: str, about: Description, means: Means) -> str:
    try:
        return (means.folder / name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        kind = type(fault).__name__
        raise _refused(about, f"the file {name} cannot be read ({kind})") from None


def _refused(about: Description, why: str) -> DataMapRefused:
    return DataMapRefused(f'source "{about.name}": {why}. No source was asked anything.')


def source_names(data_map: Path | None) -> Sequence[str]:
    """The sources of a data map, if there is one, and our own first. Raises DataMapRefused."""
    sources = read_data_map(data_map).sources if data_map else ()
    return OWN_SOURCE, *(one.name for one in sources if one.name != OWN_SOURCE)
