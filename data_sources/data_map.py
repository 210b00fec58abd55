"""The data map: which source holds what about people, why, and for how long.

It is read from TOML (`map_file.py`), and a person reads it as a record of processing (GDPR Article
30). `docs/data-sources.md` explains every key.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from data_sources.description import Collection, DataField, Described, Key, Part, Source, Words
from data_sources.tables import SqlDescription
from domain.people.roles import ROLES
from domain.requests.personal_data import Verb

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Category(Collection):
    """What an HTTP service, or a person who looks, tells of one kind of data."""

    name: Words
    fields: dict[str, DataField] = Field(min_length=1)


class _Told(Source):
    """A source whose categories are told rather than read from tables."""

    told: tuple[Category, ...] = Field(alias="category")

    @model_validator(mode="after")
    def _tells_something(self) -> Self:
        if not self.told:
            raise ValueError("has no category")
        return self

    def described(self) -> Iterator[Described]:
        """Every field."""
        for category in self.told:
            for name, value in category.fields.items():
                yield Described(
                    category=category.name,
                    field=name,
                    use=category.use_of(value),
                    others=value.others,
                )


class HttpDescription(_Told):
    """A service that speaks the protocol of `docs/data-sources.md`."""

    kind: Literal["http"]
    url: str
    secret_file: str
    timeout_seconds: int = Field(default=20, ge=1, le=120)

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.username or parts.password or parts.query or parts.fragment or not parts.hostname:
            raise ValueError("is an address like https://crm.example/privacy, without user or ?")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError("begins with https://, as personal data goes over it")
        return url.rstrip("/")


class ManualDescription(_Told):
    """People who look, copy and erase by hand. `instructions`: what to do, for each verb."""

    kind: Literal["manual"]
    assigned_role: Key
    days: int = Field(ge=1, le=25)
    instructions: dict[Verb, Words]

    @model_validator(mode="after")
    def _says_all(self) -> Self:
        if self.assigned_role not in ROLES:
            raise ValueError(
                f"no role {self.assigned_role} of staff; the roles are {', '.join(ROLES)}"
            )
        if missing := [verb for verb in Verb if verb not in self.instructions]:
            raise ValueError(f"has no instructions for {missing[0]}")
        return self


Description = SqlDescription | HttpDescription | ManualDescription


class DataMap(Part):
    """Every source."""

    title: Words
    sources: tuple[Annotated[Description, Field(discriminator="kind")], ...] = Field(alias="source")

    @model_validator(mode="after")
    def _has_each_once(self) -> Self:
        if not self.sources:
            raise ValueError("has no source")
        names = [source.name for source in self.sources]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f'has two sources "{twice[0]}"')
        return self
