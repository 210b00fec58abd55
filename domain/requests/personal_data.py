"""What is held about a person: who is looked for, what was found, what became of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as hidden
from datetime import date
from enum import StrEnum

ERASED_HOST = "erased.invalid"
"""What stands after the @ of an address that was erased: no mail can go there (RFC 2606)."""
OWN_SOURCE = "promisekeeper"
"""The data source that is the engine's own database."""
Value = str | int | float | bool | None
"""A value as JSON has it: dates, exact numbers and keys as text; instants in UTC with Z, without it
where the source does not say in which zone they are."""


class Verb(StrEnum):
    """What a data source can be asked for."""

    LOCATE = "locate"
    EXPORT = "export"
    CORRECT = "correct"
    RESTRICT = "restrict"
    ERASE = "erase"
    SUPPRESS = "suppress"


class Origin(StrEnum):
    """Where data came from; portability covers the first two (P16)."""

    PROVIDED = "provided"
    OBSERVED = "observed"
    INFERRED = "inferred"
    THIRD_PARTY = "third_party"


class LegalBasis(StrEnum):
    """Why data may be used (GDPR Article 6(1), in its order)."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"


class DataRole(StrEnum):
    """Whether a source's data is ours to decide about, or held for somebody else (P24)."""

    CONTROLLER = "controller"
    PROCESSOR = "processor"


ORIGIN_WORDS: Mapping[Origin, str] = {
    Origin.PROVIDED: "you gave it to us",
    Origin.OBSERVED: "we observed it while you used what we offer",
    Origin.INFERRED: "we concluded it from other data",
    Origin.THIRD_PARTY: "we have it from somebody else",
}
BASIS_WORDS: Mapping[LegalBasis, str] = {
    LegalBasis.CONSENT: "your consent",
    LegalBasis.CONTRACT: "our contract with you",
    LegalBasis.LEGAL_OBLIGATION: "a duty that the law puts on us",
    LegalBasis.VITAL_INTERESTS: "somebody's vital interests",
    LegalBasis.PUBLIC_TASK: "a task in the public interest",
    LegalBasis.LEGITIMATE_INTERESTS: "our legitimate interests",
}


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whom a source is asked about, by what they are known by. Not shown in logs.

    Raises ValueError without any identifier, or with an empty one: it would be everybody's.
    """

    addresses: tuple[str, ...] = hidden(default=(), repr=False)
    external_ids: tuple[str, ...] = hidden(default=(), repr=False)

    def __post_init__(self) -> None:
        """Refuse whom nobody could be told from."""
        known_by = (*self.addresses, *self.external_ids)
        if not known_by or not all(one.strip() for one in known_by):
            raise ValueError("A person is looked for by an address or external id, none empty.")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One value held about a person, and why (P10, P11).

    Values of one entry (a customer, an invoice) have the same `item`, counted from 1 in each
    category of a source. `others`: it may tell of other people, whose part is to be redacted
    before it is given away.
    """

    source: str
    category: str
    item: int
    field: str
    value: Value = hidden(repr=False)
    origin: Origin
    purpose: str
    legal_basis: LegalBasis
    others: bool = False


@dataclass(frozen=True, kw_only=True)
class Use:
    """For what data is used, on which basis, where it came from, who gets it and how long it is
    kept, in words (P10, GDPR Article 15(1))."""

    purpose: str
    legal_basis: LegalBasis
    origin: Origin
    kept: str
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Held:
    """How many entries of a category a source has of a person; nought is an answer too."""

    category: str
    rows: int
    uses: tuple[Use, ...]


@dataclass(frozen=True, kw_only=True)
class Located:
    """What a source holds of a person, category by category (P10).

    `doubtful`: entries under the person's address with somebody else's external id. They were left
    alone, and somebody must look whose they are.
    """

    source: str
    held: tuple[Held, ...]
    doubtful: int = 0


@dataclass(frozen=True, kw_only=True)
class Exported:
    """Every value that a source holds of a person (P11); `doubtful` as in `Located`."""

    source: str
    records: tuple[Record, ...]
    doubtful: int = 0


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A value that is wrong, as an export has it, and the right one (P12)."""

    category: str
    field: str
    before: Value = hidden(repr=False)
    after: Value = hidden(repr=False)


@dataclass(frozen=True, kw_only=True)
class Done:
    """Entries of a category that are now as asked; of an erasure those that it took away."""

    category: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Retained:
    """Entries that an erasure left, why, and until when (P13).

    `until` is that in words, `until_on` the first day on which the last of them may go, where it is
    known already.
    """

    category: str
    rows: int
    reason: str
    until: str
    until_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Failed:
    """Entries that are not as asked, and why; somebody has to see to them."""

    category: str
    rows: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a source did, in counts and in the words of the data map: no personal data in it.

    `done` names every category of the source, in the map's order, so that repeated receipts have
    one shape.
    """

    source: str
    verb: Verb
    done: tuple[Done, ...]
    retained: tuple[Retained, ...] = ()
    failed: tuple[Failed, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Somebody of staff has to do it, and hands in what came of it."""

    source: str
    verb: Verb


def same_address(address: str) -> str:
    """An address in the one spelling in which two are compared."""
    return address.strip().lower()
