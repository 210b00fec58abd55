"""`promisekeeper mail allow`: ops let mail go to an address again."""

from uuid import uuid4

from sqlmodel import select

from database import outbox, suppressions
from database.engine import Database
from database.tables import MailSuppression
from domain.suppressions import Cause, address_key
from settings import Settings
from tests.cli.conftest import PromiseKeeper
from tests.scene import NOW, loose_mails

ADDRESS = "alice@people.example"


def stop(database: Database) -> None:
    """A mail to this address came back."""
    key = Settings(_env_file=None).suppression_key_bytes
    with database.transaction() as transaction:
        (mail_id,) = outbox.queue(transaction, loose_mails(1), NOW)
        failure = suppressions.Failed(
            mail_id=mail_id,
            attempt_id=uuid4(),
            address_key=address_key(ADDRESS, key),
            cause=Cause.BOUNCED,
        )
        suppressions.suppress(transaction, [failure], NOW)


def test_ops_let_mail_go_on_with_a_reason_and_once(
    promisekeeper: PromiseKeeper, database: Database
) -> None:
    """P4: any spelling of the address; who and why is kept."""
    stop(database)
    asked = ("mail", "allow", "Alice@People.example", "--as", "omar", "--reason")
    refused = promisekeeper(*asked, " ")
    assert (refused.exit_code, refused.stdout) == (1, "")
    done = promisekeeper(*asked, "Her mailbox was full.")
    assert done.exit_code == 0, done.stderr
    assert "Mail goes to this address again" in done.stdout
    with database.session() as session:
        row = session.exec(select(MailSuppression)).one()
    assert (row.lift_reason, row.lifted_at is not None) == ("Her mailbox was full.", True)
    again = promisekeeper(*asked, "Again.")
    assert again.exit_code == 1
    assert "not stopped" in again.stderr
