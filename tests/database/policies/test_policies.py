"""Versions are immutable, hashed, one on its way at a time, and in force by half-open intervals."""

from datetime import timedelta
from hashlib import sha256

import pytest

from database.policies import policies
from database.policies.policies import PolicyUnknown, Submission, SubmissionRefused
from database.tables import PolicyVersion
from tests.people import POLICY
from tests.scene import FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND


def test_a_version_is_kept_with_the_hash_of_its_text(scene: Scene) -> None:
    """P1."""
    version = scene.submit(FIRST)
    assert version.number == 1
    assert version.sha256 == sha256(version.text.encode()).hexdigest()


def test_a_hash_of_another_text_is_refused(scene: Scene) -> None:
    """P1: what is stored is what was checked."""
    wrong = Submission(
        text=FIRST,
        sha256=sha256(SECOND.encode()).hexdigest(),
        summary="What changed.",
        submitted_by=scene.staff["lena"],
        planned_effective_on=None,
        notice_days=30,
    )
    with scene.database.transaction() as transaction:
        policy = policies.policy_by_slug(transaction, POLICY)
        with pytest.raises(SubmissionRefused, match="do not belong together"):
            policies.submit(transaction, policy, wrong, NOW)


def test_the_same_text_again_makes_no_version(scene: Scene) -> None:
    """P1."""
    scene.put_in_force(scene.submit(FIRST), NOW)
    with pytest.raises(SubmissionRefused, match="word for word version 1"):
        scene.submit(FIRST)


def test_a_rejected_text_may_be_handed_in_again_and_the_standing_one_not(scene: Scene) -> None:
    """P1, P2: rejected for its date or summary, say; the words were fine."""
    scene.put_in_force(scene.submit(FIRST), NOW)
    rejected = scene.submit(SECOND)
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, rejected.id).state = "rejected"
    with pytest.raises(SubmissionRefused, match="word for word version 1"):
        scene.submit(FIRST)
    assert scene.submit(SECOND).number == 3


def test_one_draft_at_a_time_is_before_legal(scene: Scene) -> None:
    """P8: the later one takes the place of the earlier one, whatever its state."""
    first, second = scene.submit(FIRST), scene.submit(SECOND)
    with scene.database.session() as session:
        states = [version.state for version in policies.versions(session, first.policy_id)]
        assert states == ["replaced", "submitted"]
        assert session.get_one(PolicyVersion, first.id).replaced_by_id == second.id
    assert scene.submit(FIRST).number == 3, "a text that gave way may come back"


def test_the_instant_of_effect_belongs_to_the_new_version(scene: Scene) -> None:
    """P1, P6: half-open intervals, without a gap."""
    first = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(first, FIRST_DAY)
    second = scene.submit(SECOND)
    scene.put_in_force(second, NOW)
    with scene.database.session() as session:

        def number(shift: timedelta) -> int | None:
            version = policies.version_in_force(session, first.policy_id, NOW + shift)
            return version.number if version else None

        assert (number(-timedelta.resolution), number(timedelta(0))) == (1, 2)
        assert number(FIRST_DAY - NOW - timedelta.resolution) is None
        past = session.get_one(PolicyVersion, first.id)
        assert (past.state, past.superseded_at) == ("superseded", NOW)
        entries = policies.timeline(session, first.policy_id)
        assert [(entry.number, entry.at) for entry in entries] == [(1, FIRST_DAY), (2, NOW)]


def test_nothing_is_in_force_without_a_date_of_effect_that_has_come(scene: Scene) -> None:
    """P7: neither while the notices still go out nor before the day that they named."""
    first = scene.submit(FIRST)
    with scene.database.transaction() as transaction:
        version = transaction.get_one(PolicyVersion, first.id)
        assert not policies.put_in_force(transaction, version, NOW)
        version.effective_at = NOW + timedelta.resolution
        assert not policies.put_in_force(transaction, version, NOW)
        assert policies.version_in_force(transaction, first.policy_id, NOW) is None
        assert policies.put_in_force(transaction, version, version.effective_at)


def test_putting_in_force_twice_changes_nothing(scene: Scene) -> None:
    first = scene.submit(FIRST)
    scene.put_in_force(first, NOW)
    scene.put_in_force(first, NOW + timedelta(days=1))
    with scene.database.session() as session:
        assert session.get_one(PolicyVersion, first.id).in_force_at == NOW


def test_drafts_are_not_for_the_public(scene: Scene) -> None:
    """P1."""
    first = scene.submit(FIRST)
    with scene.database.session() as session:
        assert policies.public_versions(session, first.policy_id) == []
        assert policies.announced_version(session, first.policy_id, NOW) is None
    scene.put_in_force(first, NOW)
    with scene.database.session() as session:
        assert [v.number for v in policies.public_versions(session, first.policy_id)] == [1]


def test_what_is_not_there_is_said_with_what_is(scene: Scene) -> None:
    with scene.database.transaction() as transaction:
        with pytest.raises(PolicyUnknown, match="no policy 'cookies' \\(known: privacy-policy\\)"):
            policies.policy_by_slug(transaction, "cookies")
        policy = policies.policy_by_slug(transaction, POLICY)
        with pytest.raises(PolicyUnknown, match="no version 4"):
            policies.version_by_number(transaction, policy.id, 4)
        with pytest.raises(SubmissionRefused, match="already"):
            policies.add_policy(
                transaction, slug=POLICY, title="Again", owner_id=scene.staff["lena"]
            )
