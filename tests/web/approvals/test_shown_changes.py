"""What somebody decides on is what people are told, word for word (P5, P6)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session, col, select

from database.approvals.shown_changes import shown_change
from database.policies.assessments import findings_between
from database.policies.law import laws_said
from database.policies.purposes import asked_because_of
from database.policies.wording import sentences_in, summary_in
from database.tables import (
    ConsentLabel,
    Finding,
    FindingSentence,
    LegalRequirement,
    LegalSentence,
    PolicyVersion,
    VersionSummary,
)
from domain.policies.reviews import FindingStatus
from tests.web.world import NOW, World

Edit = Callable[[Session, World, PolicyVersion, list[Finding]], None]


def by_lena(world: World, **words: str) -> dict[str, Any]:
    """What a row holds that she wrote."""
    return {**words, "edited_by": world.staff["lena"].id, "edited_at": NOW}


def _summarise(session: Session, world: World, version: PolicyVersion, _: list[Finding]) -> None:
    words = by_lena(world, summary="Kurz.")
    session.add(VersionSummary(policy_version_id=version.id, language="de", **words))


def _say(session: Session, world: World, _: PolicyVersion, findings: list[Finding]) -> None:
    words = by_lena(world, sentence="Länger.")
    session.add(FindingSentence(finding_id=findings[-1].id, language="de", **words))


def _dismiss(_: Session, __: World, ___: PolicyVersion, findings: list[Finding]) -> None:
    findings[0].status = FindingStatus.DISMISSED


def _ask_consent(_: Session, __: World, ___: PolicyVersion, findings: list[Finding]) -> None:
    findings[0].consent_key, findings[0].consent_label = "ads", "May advertisers read it?"


def _label(session: Session, world: World, version: PolicyVersion, found: list[Finding]) -> None:
    _ask_consent(session, world, version, found)
    words = by_lena(world, label="Werbung?")
    session.add(ConsentLabel(policy_version_id=version.id, purpose="ads", language="de", **words))


def _require(session: Session, world: World, _: PolicyVersion, findings: list[Finding]) -> None:
    for finding in findings:
        row = LegalRequirement(
            finding_id=finding.id,
            citation="Telecommunications Act, section 176",
            sentence="It is kept for a year.",
            cited_by=world.staff["lena"].id,
            cited_at=NOW,
            agreed_by=world.staff["omar"].id,
            agreed_at=NOW,
        )
        session.add(row)
        session.flush()
        words = by_lena(world, sentence="Ein Jahr.")
        session.add(LegalSentence(requirement_id=row.id, language="de", **words))


EDITS: dict[str, Edit] = {
    "a summary": _summarise,
    "a sentence": _say,
    "a dismissal": _dismiss,
    "a purpose": _ask_consent,
    "a label": _label,
    "a law": _require,
}


@pytest.mark.parametrize("name", EDITS)
def test_what_is_decided_on_is_what_people_are_told_whatever_legal_wrote(
    world: World, name: str
) -> None:
    """P6: it is read in one statement, and comes to the same as what mails and pages read."""
    with world.database.transaction() as session:
        base, version = session.exec(
            select(PolicyVersion).order_by(col(PolicyVersion.number))
        ).all()
        before = shown_change(session, base, version, "de")
        confirmed = [
            each
            for each in findings_between(session, base.id, version.id)
            if each.status == FindingStatus.CONFIRMED
        ]
        EDITS[name](session, world, version, confirmed)
        session.flush()
        for language in ("en", "de"):
            shown = json.loads(shown_change(session, base, version, language).words)
            findings = findings_between(session, base.id, version.id)
            confirmed = [each for each in findings if each.status == FindingStatus.CONFIRMED]
            told = sentences_in(session, confirmed, language)
            assert shown["summary"] == summary_in(session, version, language)
            assert shown["changes"] == [told[each.id] for each in confirmed]
            assert shown["consents"] == asked_because_of(session, findings, language)
            assert [(each["citation"], each["sentence"]) for each in shown["laws"]] == [
                (law.citation, law.sentence) for law in laws_said(session, base, version, language)
            ]
        assert shown_change(session, base, version, "de").sha256 != before.sha256
