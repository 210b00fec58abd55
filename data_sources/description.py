"""What every source of a data map says of itself and of its data."""

import re
from abc import ABC, abstractmethod
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from domain.requests.personal_data import DataRole, LegalBasis, Origin, Use


def _is_address(text: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", text):
        raise ValueError("is the address of a mailbox, like privacy@clinic.example")
    return text


Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,59}$")]
Address = Annotated[str, AfterValidator(_is_address)]
Words = Annotated[str, Field(min_length=1, max_length=500)]


class Part(BaseModel):
    """A part of a map: a key that it does not know is refused, as it would be a wrong promise."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(Part):
    """How long something is kept: a period that begins when `after` happened."""

    reason: Words
    after: Words
    years: int = Field(default=0, ge=0, le=100)
    months: int = Field(default=0, ge=0, le=1200)
    days: int = Field(default=0, ge=0, le=36500)
    from_end_of_year: bool = False

    @model_validator(mode="after")
    def _has_a_period(self) -> Self:
        if not (self.years or self.months or self.days):
            raise ValueError("says no period: give years, months or days")
        return self

    @property
    def words(self) -> str:
        """Until when, in words: 8 years after the end of the year in which ..."""
        periods = [
            f"{number} {unit if number > 1 else unit.removesuffix('s')}"
            for unit in ("years", "months", "days")
            if (number := getattr(self, unit))
        ]
        end = "the end of the year in which " if self.from_end_of_year else ""
        return f"{' and '.join(periods)} after {end}{self.after}"

    def ends_on(self, begun_on: date) -> date:
        """The first day on which it need not be kept any more."""
        start = date(begun_on.year + 1, 1, 1) if self.from_end_of_year else begun_on
        months = start.year * 12 + start.month - 1 + self.years * 12 + self.months
        year, month = months // 12, months % 12 + 1
        last = monthrange(year, month)[1]
        return date(year, month, min(start.day, last)) + timedelta(days=self.days)


class DataField(Part):
    """One kind of value. What it does not say itself, its table or category says for it.

    `others`: it may tell of other people too.
    """

    purpose: Words | None = None
    legal_basis: LegalBasis | None = None
    origin: Origin | None = None
    recipients: tuple[Words, ...] | None = None
    kept: Words | None = None
    others: bool = False


class Collection(Part):
    """What values have in common unless they say otherwise."""

    purpose: Words
    legal_basis: LegalBasis
    origin: Origin
    recipients: tuple[Words, ...] = ()
    kept: Words

    def use_of(self, value: DataField) -> Use:
        """Why a value is held."""
        own = value.recipients
        return Use(
            purpose=value.purpose or self.purpose,
            legal_basis=value.legal_basis or self.legal_basis,
            origin=value.origin or self.origin,
            recipients=self.recipients if own is None else own,
            kept=value.kept or self.kept,
        )


@dataclass(frozen=True, kw_only=True)
class Described:
    """One kind of value of a source, with all that the map says of it."""

    category: str
    field: str
    use: Use
    others: bool


class Source(Part, ABC):
    """What every source says of itself. `controller`: for whom a processor holds the data, and
    `contact`, where they are told what became of their instructions (P24)."""

    name: Key
    title: Words
    role: DataRole
    controller: Words | None = None
    contact: Address | None = None
    retention: dict[Key, Rule] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_for_whom(self) -> Self:
        if self.role is DataRole.PROCESSOR and self.controller is None:
            raise ValueError("is held as processor: name the controller")
        if self.role is DataRole.CONTROLLER and self.controller is not None:
            raise ValueError("names a controller, which only a processor has")
        if self.role is DataRole.CONTROLLER and self.contact is not None:
            raise ValueError("names a contact, which only a processor has")
        return self

    @abstractmethod
    def described(self) -> Iterator[Described]:
        """Every kind of value, in the map's order."""

    @property
    def categories(self) -> Mapping[str, tuple[Use, ...]]:
        """The categories in the map's order, each with every use that it is put to once."""
        found: dict[str, dict[Use, None]] = {}
        for one in self.described():
            found.setdefault(one.category, {})[one.use] = None
        return {category: tuple(uses) for category, uses in found.items()}
