"""A mail of unknown outcome goes out again when ops say so, long after its step as well (P4)."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from database.mail import delivery, doubts, outbox, suppressions
from database.mail.delivery import Event
from database.mail.mail_rows import Batch
from database.mail.suppressions import Failed
from database.tables import Fact, OutboxMail
from domain.mail.suppressions import Cause, address_key
from domain.policies.reviews import VersionClass
from settings import Settings
from tests.eventually import eventually
from tests.people import ALICE, BOB, POLICY
from tests.scene import NOW, loose_mails
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town
from tests.workflows.living import ended, in_a_while
from tests.workflows.stories_of_mails import held_back
from workflows.messenger import Refused

pytestmark = pytest.mark.temporal


def accepted(town: Town, mail: UUID) -> bool:
    with town.database.session() as session:
        return outbox.states(session, Batch(mail_id=mail)) == {"accepted": 1}


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
        assert doubts.resend(transaction, mail, town.now())

    (started,) = town.patrol().repaired
    assert re.match("mail-delivery/[^/]+/first_notice: started", started)
    eventually(
        lambda: accepted(town, mail)
    )  # the mail is in the inbox a moment before that is written down
    assert len(town.mails(to=ALICE.email)) == 2


def test_the_machine_sends_again_what_it_left_to_ops_once_the_mail_service_reports_again(
    running_town: Town,
) -> None:
    """P4: ops need not be asked any more, and everybody has one mail of that step."""
    town = running_town
    mail = doubtful_notice(town)
    assert town.patrol().repaired == ()
    for _ in range(3):
        heard_of_another(town)
    town.clock.advance(timedelta(hours=1))
    (started,) = town.patrol().repaired
    assert re.match("mail-delivery/[^/]+/first_notice: started", started)
    eventually(lambda: accepted(town, mail))
    assert len(town.mails(to=ALICE.email)) == 2


def heard_of_another(town: Town) -> None:
    """The mail service takes one more request, and reports on it."""
    with town.database.transaction() as transaction:
        (other,) = outbox.queue(transaction, loose_mails(1), town.clock.now())
        claim = outbox.claim(transaction, Batch(mail_id=other), limit=1, now=town.clock.now())
        assert claim
        event = Event(
            mail_id=other,
            attempt_id=claim.attempt_id,
            event="processed",
            occurred_at=town.clock.now(),
        )
        delivery.record_events(transaction, [event], town.clock.now())


def test_ops_send_all_that_are_alike_again_with_one_decision(running_town: Town) -> None:
    """P4, P30: one workflow for all of them, and requests as large as any."""
    town = running_town
    mail = doubtful_notice(town)
    with town.database.session() as session:
        (group,) = doubts.doubts(session)
    with pytest.raises(Refused, match="takes the role ops"):
        town.desk.resend_alike(group.key, town.staff["lena"])
    assert town.desk.resend_alike(group.key, town.staff["omar"]) == 1
    eventually(lambda: accepted(town, mail))
    assert len(town.mails(to=ALICE.email)) == 2
    with pytest.raises(Refused, match="nothing was sent"):
        town.desk.resend_alike(group.key, town.staff["omar"])


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
    assert town.desk.allow_mail(ALICE.email, town.staff["omar"], "She wrote to us.") == 1
    eventually(lambda: len(town.mails(to=ALICE.email)) == 1)


def test_a_mail_that_its_paused_campaign_holds_back_says_that_and_goes_out_afterwards(
    running_town: Town,
) -> None:
    """P8: nothing is wrong with the mail service, and ops are not to look for it there."""
    town = running_town
    delivery_of_it = held_back(town)
    told = town.told(delivery_of_it)
    assert "its campaign is paused" in told["waits_for"]
    assert (told["whose_turn"], told["wake"]) == ("campaign owner", "nobody")
    town.desk.resume(POLICY, 2, town.staff["lena"], "it is right")
    in_a_while(town, lambda: ended(town, delivery_of_it))
    assert len(town.mails(to=ALICE.email)) + len(town.mails(to=BOB.email)) == 3
