"""The thirty-day clock (P21) and its explanation.

Two clocks run from receipt: the policy's 720 hours, and the limit of the law where the person is.
The earlier one binds. Nothing pauses, extends or rolls either of them.
"""

import tomllib
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from domain.places import country_code, in_utc, local_date, start_of_day, zone_named
from domain.requests.data_subject_requests import Kind, in_order

POLICY_PERIOD = timedelta(hours=720)
POLICY_RULE = "policy.720h"


@dataclass(frozen=True, kw_only=True)
class Authority:
    """Whom a person may complain to."""

    name: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Pack:
    """What one law asks for, as a file in `packs/`. `days` are by kind of request."""

    regime: str
    name: str
    version: str
    citation: str
    limit: Literal["month", "days"]
    countries: frozenset[str]
    days: Mapping[str, int] = field(default_factory=dict)
    authorities: Mapping[str, Authority]
    court_remedy: str = ""

    @property
    def rule(self) -> str:
        """The name of this pack's clock."""
        return f"statute.{self.regime}"

    def last_day(self, received_on: date, right: Kind) -> date | None:
        """The last day on which an answer is in time; None where the law counts no days."""
        if self.limit == "month":
            return corresponding_date(received_on)
        days = self.days.get(right)
        return None if days is None else received_on + timedelta(days=days)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One clock: the rule, the instant it runs out (UTC), and why.

    `rights` are those of the request that it is the clock of: the law may count for each its own.
    """

    rule: str
    due_at: datetime
    explanation: str
    rights: tuple[Kind, ...]

    def to_json_dict(self) -> dict[str, object]:
        """As `promisekeeper deadline` prints it."""
        return {
            "rule": self.rule,
            "due_at": utc_text(self.due_at),
            "explanation": self.explanation,
        }


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """When an answer is due (UTC), by which rule, against which others.

    `regime` is the law that was applied, None where there is no pack.
    """

    received_at: datetime
    due_at: datetime
    rule: str
    candidates: tuple[Candidate, ...]
    warnings: tuple[str, ...]
    regime: str | None

    def binding(self, right: Kind) -> Candidate:
        """The clock that runs out first for one of the rights. Raises ValueError for another."""
        return min(
            (candidate for candidate in self.candidates if right in candidate.rights),
            key=lambda candidate: candidate.due_at,
        )

    def to_json_dict(self) -> dict[str, object]:
        """As `promisekeeper deadline` prints it; instants in UTC."""
        return {
            "received_at": utc_text(self.received_at),
            "due_at": utc_text(self.due_at),
            "rule": self.rule,
            "candidates": [candidate.to_json_dict() for candidate in self.candidates],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, kw_only=True)
class _Clock:
    """What every limit is counted from."""

    received_at: datetime
    zone_name: str
    zone_of: Literal["the person's", "the company's"]
    right: Kind

    def last_day(self, candidate: Candidate) -> str:
        """In words, the last day on which an answer is in time whose limit is a midnight."""
        last = local_date(candidate.due_at, zone_named(self.zone_name)) - timedelta(days=1)
        return f"{last.day} {last:%B %Y}"

    def policy(self) -> Candidate:
        return Candidate(
            rule=POLICY_RULE,
            due_at=self.received_at + POLICY_PERIOD,
            explanation="The privacy policy promises an answer within thirty days: 720 hours "
            "from receipt, whatever day that falls on.",
            rights=(self.right,),
        )

    def statute(self, pack: Pack) -> Candidate | None:
        zone = zone_named(self.zone_name)
        received_on = local_date(self.received_at, zone)
        last_day = pack.last_day(received_on, self.right)
        if last_day is None:
            return None
        if pack.limit == "month":
            length = f"one month from receipt on {received_on}"
        else:
            length = f"{pack.days[self.right]} days, not counting the day of receipt, {received_on}"
        return Candidate(
            rule=pack.rule,
            due_at=start_of_day(last_day + timedelta(days=1), zone),
            explanation=f"{pack.name}: {length}, so until the end of {last_day} in "
            f"{self.zone_name}, {self.zone_of} time zone "
            f"({pack.citation}; pack {pack.regime}, version {pack.version}).",
            rights=(self.right,),
        )


def deadline(
    *,
    received_at: datetime,
    time_zone: str | None,
    country: str | None,
    company_time_zone: str,
    right: str = "access",
    default_regime: str = "gdpr",
) -> Deadline:
    """Work out when the answer to a request is due (P21).

    `time_zone` and `country` are the person's, None or empty when unknown; `right` is a request
    kind. Days of the law are counted in the person's zone, else the company's. Raises ValueError,
    in words, for an instant without an offset, an unknown zone, kind or regime, or a malformed
    country.
    """
    company_zone = zone_named(company_time_zone).key
    clock = _Clock(
        received_at=in_utc(received_at),
        zone_name=zone_named(time_zone).key if time_zone else company_zone,
        zone_of="the person's" if time_zone else "the company's",
        right=_kind(right),
    )
    code = country_code(country) if country else None
    pack = _pack_for(code) if code else _pack_of(default_regime)
    statute = clock.statute(pack) if pack else None
    candidates = (clock.policy(), *((statute,) if statute else ()))
    binding = min(candidates, key=lambda candidate: candidate.due_at)
    return Deadline(
        received_at=clock.received_at,
        due_at=binding.due_at,
        rule=binding.rule,
        candidates=candidates,
        warnings=_warnings(clock, binding, code=code, pack=pack, counted=statute is not None),
        regime=pack.regime if pack else None,
    )


def earliest(deadlines: Iterable[Deadline]) -> Deadline:
    """When the one answer is due that several rights get, of one person and one receipt (P21).

    Each right brings its own clocks; what runs out first binds. Raises ValueError without any.
    """
    each = tuple(deadlines)
    clocks: dict[Candidate, list[Kind]] = {}
    for candidate in (candidate for one in each for candidate in one.candidates):
        clocks.setdefault(replace(candidate, rights=()), []).extend(candidate.rights)
    return replace(
        min(each, key=lambda one: one.due_at),
        candidates=tuple(
            replace(clock, rights=in_order(rights)) for clock, rights in clocks.items()
        ),
        warnings=tuple(dict.fromkeys(warning for one in each for warning in one.warnings)),
    )


def corresponding_date(day: date) -> date:
    """The same date a month later, or that month's last day (Regulation 1182/71, Article 3(2))."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def authority_for(country: str | None, *, lead: Authority) -> Authority:
    """The supervisory authority of the person's country, else the company's lead one (P23)."""
    return _authority_of(country) or lead


def court_remedy(regime: str | None) -> str:
    """The sentence about going to court, empty where the regime gives no such right (P23)."""
    return _pack_of(regime).court_remedy if regime else ""


def utc_text(instant: datetime) -> str:
    """An instant as ISO 8601 in UTC, ending in Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _warnings(
    clock: _Clock, binding: Candidate, *, code: str | None, pack: Pack | None, counted: bool
) -> tuple[str, ...]:
    if pack is None:
        hint = "; for California give US-CA" if code == "US" else ""
        return (f"no legal pack for {code}, legal must check: only the policy's clock runs{hint}",)
    warnings: list[str] = []
    if code is None:
        warnings.append(f"country unknown: counted by the company's default regime, {pack.name}")
        others = (other for other in PACKS.values() if other is not pack)
        warnings += [
            f"if the person is in {'/'.join(sorted(other.countries))}, {other.name} "
            f"asks for an answer by the end of {clock.last_day(earlier)} ({clock.zone_name})"
            for other in others
            if (earlier := clock.statute(other)) and earlier.due_at < binding.due_at
        ]
    if not counted:
        warnings.append(
            f"the legal pack {pack.regime} sets no limit in days for {clock.right}, "
            "legal must check: only the policy's clock runs"
        )
    return tuple(warnings)


def _kind(right: str) -> Kind:
    try:
        return Kind(right)
    except ValueError:
        raise ValueError(
            f"{right!r} is not a kind of request: give one of {', '.join(Kind)}"
        ) from None


def _pack_of(regime: str) -> Pack:
    try:
        return PACKS[regime]
    except KeyError:
        raise ValueError(f"{regime!r} is not a regime: give one of {', '.join(PACKS)}") from None


def _pack_for(country: str) -> Pack | None:
    """The pack of a country, or of the country that a region like DE-BY lies in."""
    for code in (country, country[:2]):
        for pack in PACKS.values():
            if code in pack.countries:
                return pack
    return None


def _authority_of(country: str | None) -> Authority | None:
    code = country_code(country) if country else ""
    pack = _pack_for(code)
    if pack is None:
        return None
    return pack.authorities.get(code) or pack.authorities.get(code[:2])


def _read_pack(path: Path) -> Pack:
    fields = tomllib.loads(path.read_text(encoding="utf-8"))
    fields["countries"] = frozenset(fields["countries"])
    fields["authorities"] = {
        country: Authority(**authority) for country, authority in fields["authorities"].items()
    }
    return Pack(**fields)


PACKS: Mapping[str, Pack] = {
    pack.regime: pack
    for pack in map(_read_pack, sorted((Path(__file__).parent / "packs").glob("*.toml")))
}
