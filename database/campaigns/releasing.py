"""What the release of a version would do, found out without doing it (P2, P4, P7)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from database.campaigns.announcing import earliest_effect_on
from database.campaigns.audiences import Preview, preview
from database.campaigns.mended_versions import Mending, mending
from database.campaigns.reviews import preparation, under_review
from database.imports.unfinished_imports import BEING_IMPORTED, one_stands_unfinished
from database.policies.without_approval import promise_of
from database.tables import PolicyVersion
from domain.approvals.without_approval import promise_refusal
from domain.company import Company
from domain.people.languages import nearest_language
from domain.policies.reviews import (
    Preparation,
    Rehearsed,
    VersionState,
    release_refusals,
)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """A release as it would go if it were made now.

    `refusals`: why it would not, sentence by sentence, with what is still to be prepared.
    `by_language`: how many mails there would be in each language that we write. `not_before_on`:
    the day that mails and pages would name, the company's.
    """

    version_class: str | None
    refusals: tuple[str, ...]
    audience: Preview
    by_language: Mapping[str, int]
    mending: Mending | None
    rehearsed: Rehearsed
    not_before_on: date


def forecast(
    session: Session,
    version: PolicyVersion,
    releaser_id: UUID,
    *,
    company: Company,
    sending_period: timedelta,
    now: datetime,
) -> Forecast:
    """What would happen if this person released a version now; writes nothing."""
    audience = preview(session, version, now)
    by_language: Counter[str] = Counter()
    for group in audience.groups:
        if group.addressed:
            by_language[nearest_language(group.language, company.languages)] += group.accounts
    prepared = preparation(session, version, company.languages)
    not_before_on = earliest_effect_on(
        session, version, company=company, sending_period=sending_period, now=now
    )
    return Forecast(
        version_class=version.version_class,
        refusals=_refusals(session, version, releaser_id, prepared, not_before_on, company),
        audience=audience,
        by_language=dict(sorted(by_language.items())),
        mending=mending(session, version),
        rehearsed=prepared.rehearsed,
        not_before_on=not_before_on,
    )


def _refusals(
    session: Session,
    version: PolicyVersion,
    releaser_id: UUID,
    prepared: Preparation,
    not_before_on: date,
    company: Company,
) -> tuple[str, ...]:
    standing = under_review(session, version)
    said = tuple(release_refusals(standing, releaser_id, prepared))
    if standing.state != VersionState.IN_REVIEW:
        return said
    promised = promise_of(version)
    besides = (
        promise_refusal(promised, not_before_on, closing_page=company.closing_page),
        BEING_IMPORTED if one_stands_unfinished(session) else None,
    )
    return (*said, *(sentence for sentence in besides if sentence))
