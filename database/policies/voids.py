"""Decisions that count no more: voided by two people of legal, and never deleted (P8).

A correction that voids says it of every decision on its wrong words that was taken before the
second person agreed, whenever it is written down: so none escapes, and none needs a row of its own.
Who decided on other words keeps their decision, and who consented to a purpose whose own words were
right their consent. What was decided with a link that was given back,
as its mail reached somebody else, counts no more either.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, true
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from database.people.links import APPROVE
from database.tables import (
    Approval,
    CampaignCorrection,
    ConsentDecision,
    Link,
    PolicyVersion,
    WrongPurpose,
    WrongWords,
)
from domain.approvals.approvals import Voided
from domain.approvals.consents import Consent
from domain.policies.reviews import Decisions

_WRONG, _VOIDING, _LINK = aliased(WrongWords), aliased(CampaignCorrection), aliased(Link)
"""Of their own, whatever correction the question around is about."""
NOT_THE_HOLDER = "whoever read the mail said that it was meant for somebody else"


def stands(of: type[Approval] | type[ConsentDecision] = Approval) -> ColumnElement[bool]:
    """Of a row of Approval, or of what was said about a purpose: whether it counts, as it was not
    voided."""
    given_back = select(_LINK.id).where(
        col(_LINK.id) == col(of.link_id), col(_LINK.expires_at).is_not(None)
    )
    return and_(~voided_as_wrong(of), ~exists(given_back.correlate_except(_LINK)))


def voided_as_wrong(of: type[Approval] | type[ConsentDecision] = Approval) -> ColumnElement[bool]:
    """Of the same: whether it was voided, as it was taken on wrong words."""
    void = (
        select(_VOIDING.id)
        .join(_WRONG, col(_WRONG.correction_id) == col(_VOIDING.id))
        .where(
            is_about(_WRONG, of.policy_version_id, of.shown_from_version_id, of.language),
            read_our_words(of),
            true() if of is Approval else _was_misled(),
            col(_VOIDING.decisions) == Decisions.VOID,
            col(_VOIDING.confirmed_at) > col(of.decided_at),
        )
    )
    return exists(void.correlate_except(_WRONG, _VOIDING))


def read_our_words(of: type[Approval] | type[ConsentDecision]) -> ColumnElement[bool]:
    """Of the same: whether it was taken on what we told of a change. Who accepts in the company's
    own application has the text as a whole before them, and nothing of ours that may be wrong."""
    return col(of.shown_from_version_id).is_distinct_from(col(of.policy_version_id))


def _was_misled() -> ColumnElement[bool]:
    """Of a row of ConsentDecision, and of one of WrongWords that is about what its page showed:
    whether it is a yes to a purpose that was asked for by those words.

    A yes whose own words were right stands; so does every no: were it void, an earlier yes would
    count again, which nobody said (P5).
    """
    asked_so = select(WrongPurpose.purpose).where(
        WrongPurpose.wrong_words_id == _WRONG.id, WrongPurpose.purpose == ConsentDecision.purpose
    )
    return and_(
        col(ConsentDecision.decision) == Consent.GIVEN,
        or_(col(_WRONG.language).is_(None), exists(asked_so.correlate_except(WrongPurpose))),
    )


def is_about(
    wrong: type[WrongWords],
    version_id: UUID,
    base_id: UUID | None,
    language: str,
) -> ColumnElement[bool]:
    """Of a row of WrongWords and columns of another one: whether it is about what was shown of a
    version, from a base, in a language."""
    return and_(
        col(wrong.policy_version_id) == col(version_id),
        or_(col(wrong.base_version_id).is_(None), col(wrong.base_version_id) == col(base_id)),
        or_(col(wrong.language).is_(None), col(wrong.language) == col(language)),
    )


class Reading(NamedTuple):
    """What somebody read: of which version, from which one, in which language; without the latter
    two whatever was told of it."""

    version_id: UUID
    base_id: UUID | None
    language: str | None


def reading_of(approval: Approval) -> Reading:
    """What somebody had read when they decided."""
    return Reading(approval.policy_version_id, approval.shown_from_version_id, approval.language)


class Voids:
    """What was voided of the decisions about a policy, read once."""

    def __init__(self, session: Session, policy_id: UUID) -> None:
        rows = session.exec(
            select(WrongWords, CampaignCorrection)
            .join(CampaignCorrection, col(CampaignCorrection.id) == WrongWords.correction_id)
            .join(PolicyVersion, col(PolicyVersion.id) == col(WrongWords.policy_version_id))
            .where(
                PolicyVersion.policy_id == policy_id,
                CampaignCorrection.decisions == Decisions.VOID,
                col(CampaignCorrection.confirmed_at).is_not(None),
            )
        ).all()
        self._of_reading: dict[Reading, list[Voided]] = {}
        for wrong, row in rows:
            if row.confirmed_at:
                void = Voided(at=row.confirmed_at, proof=f"{row.reason}, correction {row.id}")
                reading = Reading(wrong.policy_version_id, wrong.base_version_id, wrong.language)
                self._of_reading.setdefault(reading, []).append(void)
        self._given_back: Mapping[UUID, Voided] = {
            link_id: Voided(at=at, proof=f"{NOT_THE_HOLDER}, link {link_id}")
            for link_id, at in session.exec(
                select(Link.id, Link.expires_at).where(
                    Link.purpose == APPROVE, col(Link.expires_at).is_not(None)
                )
            ).all()
            if at
        }

    @property
    def instants(self) -> frozenset[datetime]:
        """From when decisions may be void with a correction; not those of links given back."""
        return frozenset(void.at for found in self._of_reading.values() for void in found)

    def of(self, reading: Reading, decided_at: datetime, link_id: UUID | None) -> Voided | None:
        """From when a decision counts for nothing: the first void that came after it."""
        whatever = Reading(reading.version_id, None, None)
        if reading.base_id == reading.version_id:
            about: tuple[Voided, ...] = ()  # as `read_our_words`
        else:
            about = (*self._of_reading.get(reading, ()), *self._of_reading.get(whatever, ()))
        found = [void for void in about if void.at > decided_at]
        if link_id and link_id in self._given_back:
            found.append(self._given_back[link_id])
        return min(found, key=lambda void: (void.at, void.proof), default=None)
