from uuid import UUID

import pytest

from database.mail import outbox
from tests.scene import NOW, Scene, loose_mails


@pytest.fixture
def mail(scene: Scene) -> UUID:
    """One queued mail."""
    with scene.database.transaction() as transaction:
        (queued,) = outbox.queue(transaction, loose_mails(1), NOW)
    return queued
