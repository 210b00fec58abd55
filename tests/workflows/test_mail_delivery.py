"""A mail of unknown outcome goes out again when ops say so, long after its step as well (P4)."""

from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from database import outbox, suppressions
from database.mail_rows import Batch
from database.suppressions import Failed
from database.tables import Fact, OutboxMail
from domain.reviews import VersionClass
from domain.suppressions import Cause, address_key
from settings import Settings
from tests.eventually import eventually
from tests.people import ALICE
from tests.scene import NOW, loose_mails
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town
from workflows.messenger import Refused

pytestmark = pytest.mark.temporal


def doubtful_notice(town: Town) -> UUID:
    """Alice's first notice, of which nobody knows any more whether it went out."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    with town.database.transaction() as transaction:
        mail = transaction.exec(select(OutboxMail).where(OutboxMail.step == "first_notice")).one()
        mail.state = "operator"
        return mail.id


def test_ops_send_a_notice_again_and_nobody_else_may(running_town: Town) -> None:
    """P4, P30: one click, recorded, and refused the second time."""
    town = running_town
    mail = doubtful_notice(town)
    with pytest.raises(Refused, match="takes the role ops"):
        town.desk.resend(mail, town.staff["lena"])
    town.desk.resend(mail, town.staff["omar"])
    eventually(lambda: len(town.mails(to=ALICE.email)) == 2)
    with pytest.raises(Refused, match="nothing was sent"):
        town.desk.resend(mail, town.staff["omar"])
    with town.database.session() as session:
        fact = session.exec(select(Fact).where(Fact.kind == "mail.resent_by_ops")).one()
        assert fact.payload == {"staff": str(town.staff["omar"])}


def test_the_watchdog_delivers_what_was_decided_while_temporal_was_down(
    running_town: Town,
) -> None:
    """P4: decided in the database, and no workflow could be started."""
    town = running_town
    mail = doubtful_notice(town)
    with town.database.transaction() as transaction:
        assert outbox.resend(transaction, mail)

    assert f"mail-delivery/{mail}: started" in " ".join(town.patrol().repaired)

    def accepted() -> bool:
        with town.database.session() as session:
            return outbox.states(session, Batch(mail_id=mail)) == {"accepted": 1}

    eventually(accepted)  # the mail is in the inbox a moment before that is written down
    assert len(town.mails(to=ALICE.email)) == 2


def test_a_notice_that_was_held_back_goes_out_when_ops_let_mail_go_to_that_address(
    running_town: Town,
) -> None:
    """P4: an earlier mail came back, so the campaign passed her over; now her mailbox is mended."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    key = Settings(_env_file=None).suppression_key_bytes
    with town.database.transaction() as transaction:
        (earlier,) = outbox.queue(transaction, loose_mails(1), NOW)
        failure = Failed(
            mail_id=earlier,
            attempt_id=uuid4(),
            address_key=address_key(ALICE.email, key),
            cause=Cause.BOUNCED,
        )
        suppressions.suppress(transaction, [failure], NOW)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    assert town.mails(to=ALICE.email) == []
    assert town.desk.allow_mail(ALICE.email, key, town.staff["omar"], "She wrote to us.") == 1
    eventually(lambda: len(town.mails(to=ALICE.email)) == 1)
