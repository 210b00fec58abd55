"""`promisekeeper mail`: how it stands, and ops who let mail go to an address again."""

import json
from uuid import uuid4

import pytest
from sqlmodel import select

from database.engine import Database
from database.mail import outbox, suppressions
from database.mail.doubts import SENDER_STOPPED
from database.mail.mail_rows import Batch
from database.tables import MailSuppression, OutboxMail
from domain.mail.suppressions import Cause, address_key
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


def test_ops_read_whether_mail_goes_how_fast_and_what_waits(
    promisekeeper: PromiseKeeper, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8."""
    monkeypatch.setenv("PROMISEKEEPER_MAIL_RATE_LIMIT", "1200")
    with database.transaction() as transaction:
        outbox.queue(transaction, loose_mails(3), NOW)
    told = promisekeeper("mail", "status", "--format", "json")
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout) == {
        "stopped": False,
        "rate_configured": 1200,
        "rate_learnt": None,
        "rate_before": None,
        "learnt_since": None,
        "held_until": None,
        "failing_since": None,
        "failed_requests": 0,
        "failed_with": None,
        "copies_last_minute": 0,
        "waiting": 3,
        "in_doubt": 0,
        "for_ops": 0,
    }
    assert "rate configured" in promisekeeper("mail", "status").stdout


def test_ops_send_all_mails_of_a_kind_again_with_one_command(
    promisekeeper: PromiseKeeper, database: Database
) -> None:
    """P4: what waits is one line for what is alike, however many they are."""
    with database.transaction() as transaction:
        mails = outbox.queue(transaction, loose_mails(3), NOW)
        for mail_id in mails:
            mail = transaction.get_one(OutboxMail, mail_id)
            mail.state, mail.claimed_at = "operator", NOW
    checks = json.loads(promisekeeper("doctor", "--format", "json").stdout)
    assert "3 of unknown outcome wait for ops" in str(checks)
    (group,) = json.loads(promisekeeper("mail", "unknown", "--groups", "--format", "json").stdout)
    assert (group["mails"], group["known"]) == (3, SENDER_STOPPED)
    assert promisekeeper("mail", "resend", "--as", "omar").exit_code == 2
    both = promisekeeper("mail", "resend", str(mails[0]), "--group", group["key"], "--as", "omar")
    assert both.exit_code == 2
    promisekeeper("mail", "resend", "--group", group["key"], "--as", "omar")
    with database.session() as session:
        assert outbox.states(session, Batch(subject_id=mail.subject_id)) == {"queued": 3}
    gone = promisekeeper("mail", "resend", "--group", group["key"], "--as", "omar")
    assert (gone.exit_code, gone.stdout) == (1, "")


def test_what_is_unknown_is_listed_as_mail_status_counts_it(
    promisekeeper: PromiseKeeper, database: Database
) -> None:
    """P4: also what waits for nobody, with when it is settled by itself."""
    with database.transaction() as transaction:
        mails = outbox.queue(transaction, loose_mails(3), NOW)
        states = zip(mails, ("operator", "unknown", "sending"), strict=True)
        for mail_id, state in states:
            mail = transaction.get_one(OutboxMail, mail_id)
            mail.state, mail.claimed_at = state, NOW
    stands = json.loads(promisekeeper("mail", "status", "--format", "json").stdout)
    assert (stands["in_doubt"], stands["for_ops"]) == (2, 1)
    listed = json.loads(promisekeeper("mail", "unknown", "--format", "json").stdout)
    assert {row["mail"] for row in listed} == {str(mail) for mail in mails}
    assert listed[0]["waits_for"] == "your decision"
    assert [bool(row["settled_by"]) for row in listed] == [False, True, True]
    grouped = json.loads(promisekeeper("mail", "unknown", "--groups", "--format", "json").stdout)
    assert [row["mails"] for row in grouped] == [1, 1, 1]
    assert "settled by itself" in promisekeeper("mail", "unknown").stdout


def test_rejected_mails_are_listed_by_their_reason_and_sent_again_as_one(
    promisekeeper: PromiseKeeper, database: Database
) -> None:
    """P4."""
    with database.transaction() as transaction:
        outbox.queue(transaction, loose_mails(2), NOW)
        for mail in transaction.exec(select(OutboxMail)).all():
            mail.state, mail.reason = "rejected", "SendGrid answered 400: no such template"
    (row,) = json.loads(promisekeeper("mail", "rejected", "--format", "json").stdout)
    assert (row["mails"], row["known"]) == (2, "SendGrid answered 400: no such template")
    resend = ("mail", "resend", "--group", row["key"], "--as")
    refused = promisekeeper(*resend, "lena")
    assert refused.exit_code == 1
    kept = promisekeeper(*resend, "omar")  # and Temporal, which is away, is not needed for that
    assert (kept.exit_code, "What you handed in is kept" in kept.stderr) == (3, True)
    assert json.loads(promisekeeper("mail", "rejected", "--format", "json").stdout) == []
    with database.session() as session:
        assert {mail.state for mail in session.exec(select(OutboxMail)).all()} == {"queued"}
