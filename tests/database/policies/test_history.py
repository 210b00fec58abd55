"""A policy begins with what was in force before: in the archive, and told by nobody (P1, P6)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from database.approvals.approvals import governing_version
from database.policies import policies
from database.policies.history import import_history
from database.policies.policies import SubmissionRefused
from database.tables import Fact, OutboxMail
from domain.policies.history import PastVersion, read_history
from tests.people import ALICE, POLICY
from tests.scene import FIRST_DAY, NOW, Scene
from tests.texts import FIRST

BERLIN = ZoneInfo("Europe/Berlin")
SECOND = timedelta(seconds=1)
YEARS_BEFORE, BEGUN = datetime(2019, 6, 1, tzinfo=UTC), datetime(2023, 12, 31, 23, tzinfo=UTC)
FILES = {
    "3.md": b"+++\nin_force_on = 2019-07-01\n+++\n\nWe keep letters.\n",
    "4.md": b"+++\nin_force_on = 2024-01-01\n+++\n\nWe keep letters for a year.\n",
}


def past() -> tuple[PastVersion, ...]:
    return read_history(FILES, date(2026, 1, 5))


def take_in(scene: Scene) -> None:
    with scene.database.transaction() as transaction:
        policy = policies.policy_by_slug(transaction, POLICY)
        by = scene.staff["lena"]
        import_history(transaction, policy, past(), by=by, zone=BERLIN, now=FIRST_DAY)


def test_each_rules_from_the_midnight_that_begins_its_day_in_the_companys_zone(
    scene: Scene,
) -> None:
    take_in(scene)
    with scene.database.session() as session:
        policy = policies.policy_by_slug(session, POLICY)
        numbers = [
            version.number if version else None
            for at in (YEARS_BEFORE, BEGUN - SECOND, BEGUN)
            for version in [policies.version_in_force(session, policy.id, at)]
        ]
        assert numbers == [None, 3, 4]
        third, fourth = policies.public_versions(session, policy.id)
        assert (third.state, third.superseded_at) == ("superseded", BEGUN)
        assert (fourth.state, fourth.in_force_at) == ("in_force", BEGUN)


def test_nobody_is_mailed_and_the_next_version_goes_on_from_it(scene: Scene) -> None:
    take_in(scene)
    scene.import_accounts(ALICE)
    with scene.database.session() as session:
        account = scene.account(ALICE.external_id)
        policy = policies.policy_by_slug(session, POLICY)
        standing = governing_version(session, policy, account, NOW)
        assert standing.number == 4
        assert "no proof" in standing.steps[0].because
        assert session.exec(select(OutboxMail)).all() == []
        told = session.exec(select(Fact).where(Fact.kind == "policy_version.imported")).all()
        assert {fact.payload["number"] for fact in told} == {3, 4}
    assert scene.submit(FIRST).number == 5


def test_a_policy_that_has_begun_takes_no_history(scene: Scene) -> None:
    take_in(scene)
    with pytest.raises(SubmissionRefused, match="has versions already"):
        take_in(scene)
    with scene.database.session() as session:
        policy = policies.policy_by_slug(session, POLICY)
        assert len(policies.versions(session, policy.id)) == 2
