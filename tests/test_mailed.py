"""The count on which crash tests rely sees who is missing, and who was mailed twice and why."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from database.campaigns import freezing
from database.ids import new_id
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch
from database.mail.outbox import Claim
from database.mail.steps import FIRST_NOTICE
from database.tables import Campaign, MailAttempt, OutboxMail
from embedded.sandbox.server import DATABASE_FILE
from embedded.sandbox.store import Store
from tests.mailed import count_mails
from tests.people import ALICE, BOB, CAROL
from tests.scene import NOW, Scene


@pytest.mark.parametrize("outcome", ["unknown", "accepted"])
def test_the_missing_the_doubled_and_those_left_to_ops_are_told_apart(
    scene: Scene, tmp_path: Path, outcome: str
) -> None:
    """P4: a copy that we knew to be out is never reason enough for another one."""
    scene.import_accounts(ALICE, BOB, CAROL)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    alice, bob, carol = scene.queue_step(campaign_id)
    attempt = claimed(scene, campaign_id).attempt_id
    with scene.database.transaction() as transaction:
        outcomes.doubt(transaction, attempt, "no answer", NOW)
        transaction.get_one(MailAttempt, attempt).outcome = outcome
        transaction.get_one(OutboxMail, carol).state = "operator"
    arrives(tmp_path, bob, attempt)
    arrives(tmp_path, bob, new_id())

    with scene.database.session() as session:
        version_id = session.exec(select(Campaign.policy_version_id)).one()
    found = count_mails(scene.database, version_id, tmp_path)
    assert (found.addressees, found.lost, found.left_to_ops) == (3, 1, 1), f"{alice} is lost"
    (double,) = found.doubles
    assert (double.mail_id, double.earlier) == (bob, (outcome,))
    assert double.allowed == (outcome == "unknown")
    assert found.in_doubt == (3 if outcome == "unknown" else 0)


def claimed(scene: Scene, campaign_id: UUID) -> Claim:
    with scene.database.transaction() as transaction:
        batch = Batch(subject_id=campaign_id, step=FIRST_NOTICE)
        claim = outbox.claim(transaction, batch, limit=3, now=NOW)
    assert claim
    return claim


def arrives(directory: Path, mail: UUID, attempt: UUID) -> None:
    store = Store(directory / DATABASE_FILE)
    to = {
        "to": [{"email": "someone@people.example"}],
        "custom_args": {"mail_id": str(mail), "attempt_id": str(attempt)},
    }
    frame = {"from": {"email": "a@example.com"}, "subject": "Please decide", "content": []}
    store.accept({**frame, "personalizations": [to]}, NOW.isoformat())
    store.close()
