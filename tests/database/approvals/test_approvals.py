"""Decisions are appended, and the same one again is not."""

from datetime import timedelta

from sqlmodel import col, select

from database.policies import policies
from database.tables import Approval, PolicyVersion
from tests.deciding import APPROVED, DECLINED
from tests.people import ALICE
from tests.scene import NOW, Scene

MINUTE = timedelta(minutes=1)


def said_of_terms(scene: Scene) -> None:
    """Alice approves a version of another policy."""
    with scene.database.transaction() as transaction:
        terms = policies.add_policy(
            transaction, slug="terms", title="Terms", owner_id=scene.staff["lena"]
        )
        transaction.flush()
        ours = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 1)).one()
        values = ours.model_dump(exclude={"id", "policy_id", "corrected_by_id", "replaced_by_id"})
        version = PolicyVersion(**values | {"policy_id": terms.id, "sha256": "1" * 64})
        transaction.add(version)
        transaction.flush()
        transaction.add(
            Approval(
                account_id=scene.account(ALICE.external_id).id,
                policy_version_id=version.id,
                decision=APPROVED,
                decided_at=NOW + MINUTE,
                shown_from_version_id=version.id,
                text_sha256=version.sha256,
                change_sha256="",
                how="link",
                language="en",
            )
        )


def test_a_yes_that_is_repeated_is_one_whatever_was_said_of_another_policy(scene: Scene) -> None:
    """P5: and a yes after a no is another one."""
    scene.import_accounts(ALICE)
    scene.campaign()
    scene.decide(ALICE, APPROVED, at=NOW)
    said_of_terms(scene)
    scene.decide(ALICE, APPROVED, at=NOW + 2 * MINUTE)
    scene.decide(ALICE, DECLINED, at=NOW + 3 * MINUTE)
    scene.decide(ALICE, APPROVED, at=NOW + 4 * MINUTE)
    with scene.database.session() as session:
        of_ours = select(Approval.decision).join(
            PolicyVersion, col(PolicyVersion.id) == col(Approval.policy_version_id)
        )
        said = session.exec(
            of_ours.where(PolicyVersion.number == 2).order_by(col(Approval.decided_at))
        ).all()
    assert said == [APPROVED, DECLINED, APPROVED]
