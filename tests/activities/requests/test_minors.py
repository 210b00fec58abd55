"""What the mails about a report of a minor say, and to whom they go (P18, P31)."""

from collections.abc import Callable

import pytest
from sqlmodel import select

from activities.mail.outbox import Sender
from activities.patrol import register
from database.mail.mail_rows import Batch
from database.people.accounts import AccountRow, account_by_external_id
from database.requests import minors
from database.tables import DataSubjectRequest, MinorCheck, OutboxMail
from tests.sandbox_server import RunningSandbox
from tests.scene import LANGUAGES, NOW, Scene

ALICE = AccountRow(external_id="a-alice", email="alice@people.example", name="Alice Abel")
BERND = AccountRow(external_id="b-bernd", email="bernd@people.example", locale="de-AT")


def reported(scene: Scene, who: AccountRow) -> MinorCheck:
    """Eve reports somebody."""
    scene.import_accounts(who)
    request = scene.request("eve@people.example", kinds=("minor",))
    with scene.database.transaction() as transaction:
        account = account_by_external_id(transaction, who.external_id)
        minors.report(
            transaction,
            transaction.get_one(DataSubjectRequest, request.id),
            [account.id],
            entered_by=None,
            languages=LANGUAGES,
            now=NOW,
        )
    with scene.database.session() as session:
        return session.exec(select(MinorCheck)).one()


@pytest.mark.parametrize(
    ("who", "subject", "says"),
    [
        (ALICE, "does a minor use your account?", "Tell us by 4 March 2026."),
        (BERND, "Nutzt eine minderjährige Person Ihr Konto?", "bis zum 4. März 2026"),
    ],
)
def test_the_holder_reads_in_their_language_by_when_they_may_say_something(
    scene: Scene,
    sender: Callable[..., Sender],
    sandbox: RunningSandbox,
    who: AccountRow,
    subject: str,
    says: str,
) -> None:
    check = reported(scene, who)
    with scene.database.session() as session:
        waiting = {one.workflow_id for one in register(session)}
        mails = session.exec(select(OutboxMail.id).where(OutboxMail.subject_id == check.id)).all()
    assert {f"mail-delivery/{mail}" for mail in mails} <= waiting
    sender().send(Batch(subject_id=check.id), NOW)
    sender().send(Batch(subject_id=check.id), NOW)
    (mail,) = sandbox.messages(to=who.email)
    assert subject in str(mail["subject"])
    assert says in str(mail["text"])
    assert "/minor/" in str(mail["text"])
    assert "eve@" not in f"{mail['text']}{mail['html']}".lower()
    staff = [
        one for name in ("petra", "paul") for one in sandbox.messages(to=f"{name}@staff.example")
    ]
    (word,) = staff
    assert "5 March 2026" in str(word["text"])
    for name in ("alice", "bernd"):
        assert name not in f"{word['subject']}{word['text']}{word['html']}".lower()


def test_whoever_has_the_fewest_to_look_into_gets_the_next_one(scene: Scene) -> None:
    reported(scene, ALICE)
    scene.import_accounts(BERND)
    with scene.database.transaction() as transaction:
        account = account_by_external_id(transaction, BERND.external_id)
        request = transaction.exec(select(DataSubjectRequest)).one()
        for _ in range(2):  # a second report of the same account opens nothing new
            minors.report(
                transaction,
                request,
                [account.id],
                entered_by=None,
                languages=LANGUAGES,
                now=NOW,
            )
    with scene.database.session() as session:
        owners = [check.owner_id for check in session.exec(select(MinorCheck))]
    assert set(owners) == {scene.staff["petra"], scene.staff["paul"]}
    assert len(owners) == 2
