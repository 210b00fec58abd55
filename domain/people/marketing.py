"""What people may refuse: each marketing purpose, and what an objection stops besides (P15, P17).

A marketing purpose is on until it is refused; what needs consent is off until it is given, and is
`domain/approvals/consents.py`. Pure.
"""

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from domain.approvals.consents import purpose_key

MARKETING = "marketing"
"""All marketing: each purpose that is declared, and those that will be."""
OBJECTION = (MARKETING, "profiling", "enrichment", "prospecting")
"""What an objection to marketing stops (P15)."""
SHARING = "sharing"
RESERVED = (*OBJECTION, SHARING)
"""What other systems ask for by these names, so that no declared purpose is called so."""
OFFERED_FROM = "offered_from"
STOPPED_AT_ONCE = (
    "We have stopped it: from now on we send you no marketing messages, for any of our purposes. "
    "A message that was on its way just then may still arrive. So that it stays so, we keep a code "
    "made of your e-mail address, also when we have the address no more. What we owe you, such as "
    "notice of a change of our policies, and what you ask us for still reaches you."
)
STOPPED_USE_AT_ONCE = (
    "We have stopped it: from now on we do not use your personal data for marketing, nor to make a "
    "profile of you for it, to add to your data from other sources for it, or to find new "
    "customers. A message that was on its way just then may still arrive. So that it stays so, we "
    "keep a code made of your e-mail address, also when we have the address no more. What we owe "
    "you, such as notice of a change of our policies, and what you ask us for still reaches you."
)
"""What the machine answers, once it has done it."""


@dataclass(frozen=True, kw_only=True)
class MarketingPurpose:
    """A purpose as the company declares it. `labels`: pairs of a language and what people read.

    `offered_from`: the company's day from which the choice is offered; None for one that was there
    from the beginning.
    """

    key: str
    labels: tuple[tuple[str, str], ...]
    offered_from: date | None = None

    def label(self, language: str) -> str:
        """What people who read that language are told; every language we speak has a label."""
        return dict(self.labels)[language]

    def is_offered(self, today: date) -> bool:
        """Whether its day has come."""
        return self.offered_from is None or self.offered_from <= today


class PurposesRefused(ValueError):
    """The file of purposes is wrong; it names the purpose and what it lacks."""


class PurposeUnknown(Exception):
    """Nobody declared a purpose of this name, so nobody could refuse it; the `known` are named."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(
            f"There is no purpose {name!r}, so nobody was offered to refuse it: do not send. "
            f"Declare it in the file of purposes first. There are: {', '.join(known)}."
        )


def read_purposes(toml: str, languages: Sequence[str]) -> tuple[MarketingPurpose, ...]:
    """The purposes that a file declares, in its order. Raises PurposesRefused, in words."""
    try:
        tables = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as fault:
        raise PurposesRefused(f"is no TOML: {fault}") from None
    return tuple(_read(key, table, languages) for key, table in tables.items())


def _read(key: str, table: object, languages: Sequence[str]) -> MarketingPurpose:
    if not isinstance(table, dict):
        raise PurposesRefused(f"{key} is no table: write [{key}], and its labels beneath")
    try:
        same = purpose_key(key) == key and key not in RESERVED
    except ValueError as fault:
        raise PurposesRefused(str(fault)) from None
    if not same:
        raise PurposesRefused(f"{key} cannot be the key of a purpose: take another word")
    offered_from = table.get(OFFERED_FROM)
    a_day = isinstance(offered_from, date) and not isinstance(offered_from, datetime)
    if offered_from is not None and not a_day:
        raise PurposesRefused(f"{key}: {OFFERED_FROM} is no day, like 2026-03-01")
    labels = {tag: text.strip() for tag, text in table.items() if isinstance(text, str)}
    if faults := "; ".join(_faults(table, labels, languages)):
        raise PurposesRefused(f"{key}: {faults}")
    return MarketingPurpose(key=key, labels=tuple(labels.items()), offered_from=offered_from)


def _faults(
    table: Mapping[str, object], labels: Mapping[str, str], languages: Sequence[str]
) -> Iterator[str]:
    missing = [tag for tag in languages if not labels.get(tag)]
    if missing:
        yield f"no label in {', '.join(missing)}"
    unknown = table.keys() - labels.keys() - {OFFERED_FROM}
    if unknown:
        yield f"{', '.join(sorted(unknown))} is no label"


@dataclass(frozen=True, kw_only=True)
class Use:
    """A use of personal data that another system asks about: a declared purpose, or a reserved one.

    `stopped_by`: the refusals that stop it. `to_be_offered`: whether it is closed for each account
    until the choice was offered to it. `has_begun`: whether the day of that offer has come.
    """

    name: str
    stopped_by: tuple[str, ...]
    to_be_offered: bool = False
    has_begun: bool = True

    @property
    def is_marketing(self) -> bool:
        """Whether it sends people something."""
        return MARKETING in self.stopped_by


def use_named(name: str, purposes: Iterable[MarketingPurpose], today: date) -> Use:
    """The use of that name. Raises PurposeUnknown."""
    if name in RESERVED:
        return Use(name=name, stopped_by=(name,))
    declared = {purpose.key: purpose for purpose in purposes}
    if name not in declared:
        raise PurposeUnknown(name, (*declared, *RESERVED))
    return Use(
        name=name,
        stopped_by=(name, MARKETING),
        to_be_offered=declared[name].offered_from is not None,
        has_begun=declared[name].is_offered(today),
    )


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What somebody chose on the page: of the purposes `shown` to them, which they `allow`."""

    shown: tuple[str, ...]
    allowed: frozenset[str]

    @property
    def refused(self) -> tuple[str, ...]:
        """What is refused. Who allows none of them wants no marketing, and none to come either."""
        refused = tuple(key for key in self.shown if key not in self.allowed)
        return (MARKETING, *refused) if not self.allowed else refused

    def lifted(self, refused_before: Collection[str]) -> tuple[str, ...]:
        """Which refusals are taken back: of what is allowed now, and of all marketing with it."""
        again = (key for key in (MARKETING, *self.shown) if key in refused_before)
        return tuple(key for key in again if key not in self.refused)
