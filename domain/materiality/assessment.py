"""What an assessment says: a verdict, the findings that carry it, and every change it looked at."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class Verdict(StrEnum):
    IDENTICAL = "identical"
    EDITORIAL = "editorial"
    NEUTRAL = "neutral"
    FAVOURABLE = "favourable"
    ADVERSE_MINOR = "adverse_minor"
    NEEDS_REVIEW = "needs_review"
    MATERIAL_ADVERSE = "material_adverse"


class Direction(StrEnum):
    ADVERSE = "adverse"
    FAVOURABLE = "favourable"
    NEUTRAL = "neutral"
    UNCLEAR = "unclear"


class Severity(StrEnum):
    MATERIAL = "material"
    MINOR = "minor"
    UNCLEAR = "unclear"


class Practice(StrEnum):
    DATA_COLLECTION = "data_collection"
    PURPOSE = "purpose"
    SHARING_SALE = "sharing_sale"
    RETENTION = "retention"
    USER_RIGHTS = "user_rights"
    CONSENT_OPTOUT = "consent_optout"
    NOTICE_OF_CHANGE = "notice_of_change"
    SECURITY = "security"
    MINORS = "minors"
    TRANSFERS = "transfers"
    LEGAL_BASIS = "legal_basis"
    AI_TRAINING = "ai_training"
    DEADLINES = "deadlines"
    CONTACT = "contact"
    OTHER = "other"


Span = tuple[int, int]

SAYS_SOMETHING_NEW = frozenset({"weighed", "link or address", "contact details"})
"""What shows a change harmless although the policy says something else than before."""


@dataclass(frozen=True, kw_only=True)
class TrackRecord:
    """How often a rule was right on labelled data."""

    right: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Lines:
    """First and last line of the quotes in the two texts, from 1."""

    before: Span | None
    after: Span | None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that legal has to know; `before` and `after` are the policy's own words."""

    id: str
    direction: Direction
    severity: Severity
    right: TrackRecord | None
    practice: Practice
    rule: str
    explanation: str
    section: tuple[str, ...]
    before: str | None
    after: str | None
    lines: Lines
    basis: tuple[str, ...]
    counter_evidence: str | None

    @classmethod
    def from_json_dict(cls, written: Mapping[str, Any]) -> Self:
        right, lines = written["right"], written["lines"]
        return cls(
            id=written["id"],
            direction=Direction(written["direction"]),
            severity=Severity(written["severity"]),
            right=TrackRecord(**right) if right else None,
            practice=Practice(written["practice"]),
            rule=written["rule"],
            explanation=written["explanation"],
            section=tuple(written["section"]),
            before=written["before"],
            after=written["after"],
            lines=Lines(before=_span(lines["before"]), after=_span(lines["after"])),
            basis=tuple(written["basis"]),
            counter_evidence=written["counter_evidence"],
        )


@dataclass(frozen=True, kw_only=True)
class AssessedChange:
    """A change with the ids of its findings, or with what shows it harmless (`cleared_as`)."""

    kind: str
    moved: bool
    section: tuple[str, ...]
    before: str | None
    after: str | None
    findings: tuple[str, ...]
    cleared_as: str | None

    @property
    def only_corrects(self) -> bool:
        """Whether it was shown that the policy says the same as before."""
        cleared = set((self.cleared_as or "").split(", ")) - {""}
        return bool(cleared) and cleared.isdisjoint(SAYS_SOMETHING_NEW)

    @classmethod
    def from_json_dict(cls, written: Mapping[str, Any]) -> Self:
        section, findings = tuple(written["section"]), tuple(written["findings"])
        return cls(**{**written, "section": section, "findings": findings})


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """The answer for one pair of texts. Every adverse or unclear finding goes to legal (P2)."""

    verdict: Verdict
    material_adverse: bool
    needs_review: bool
    findings: tuple[Finding, ...]
    changes: tuple[AssessedChange, ...]
    engine: str

    def to_json_dict(self) -> dict[str, Any]:
        """Plain lists, dicts, strings and numbers, in the order of the fields."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    @classmethod
    def from_json_dict(cls, written: Mapping[str, Any]) -> Self:
        """Read back what `to_json_dict` wrote. Raises KeyError or ValueError for anything else."""
        return cls(
            verdict=Verdict(written["verdict"]),
            material_adverse=written["material_adverse"],
            needs_review=written["needs_review"],
            findings=tuple(Finding.from_json_dict(finding) for finding in written["findings"]),
            changes=tuple(AssessedChange.from_json_dict(change) for change in written["changes"]),
            engine=written["engine"],
        )


def _plain(value: Any) -> Any:  # noqa: ANN401 # whatever asdict gives
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, StrEnum) else value


def _span(written: list[int] | None) -> Span | None:
    return (written[0], written[1]) if written else None
