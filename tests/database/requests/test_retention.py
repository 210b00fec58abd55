"""What becomes of answered requests: closed, then purged but for what proves the answer (P33)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import SQLModel, col, select

from activities.requests.retention import Retention
from data_sources.pseudonyms import is_pseudonym
from database.people.links import REQUEST_STATUS
from database.requests import holds
from database.requests.answering import apply_decision, propose_decision
from database.requests.attachments import attachments_of
from database.requests.requested_rights import rights_of
from database.storage import Storage
from database.tables import (
    AddressChange,
    DataCorrection,
    DataSubjectRequest,
    Fact,
    Link,
    OutboxMail,
    PostedLetter,
    RecipientNotice,
    RequestAddition,
    RequestAttachment,
    RequestedRight,
)
from domain.requests.legal_holds import EVERYWHERE
from domain.requests.retention import RequestPeriods
from settings import DEVELOPMENT_DATA_KEY
from tests.answers import IN_FULL
from tests.database.requests.test_holds import BERLIN
from tests.people import DORA
from tests.scene import NOW, Scene

A_DAY = timedelta(days=1)
NOWHERE = Storage(Path("/nowhere"), [DEVELOPMENT_DATA_KEY])
FREE_WORDS = {
    *("requested_right", "data_correction", "link", "fact", "posted_letter", "recipient_notice"),
}
SECRET = "My former wife reads my mail"


@pytest.fixture
def answered(scene: Scene) -> DataSubjectRequest:
    """Dora's request, answered at once, and the mail is out."""
    scene.import_accounts(DORA)
    request = scene.request(DORA.email, kinds=("minor",))
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        row.message = SECRET
        transaction.add(RequestAddition(request_id=row.id, words=SECRET, added_at=NOW))
        transaction.add(wrong(rights_of(transaction, row.id)[0], noted_by=scene.staff["petra"]))
        decision = propose_decision(
            transaction, row, IN_FULL, decided_by=scene.staff["petra"], now=NOW
        )
        transaction.flush()
        apply_decision(transaction, row, decision.id, NOW)
    return request


def wrong(right: RequestedRight, *, noted_by: UUID) -> DataCorrection:
    """What somebody said was wrong in their data."""
    return DataCorrection(
        right_id=right.id,
        source="billing",
        category="Contact",
        field="name",
        before=f"{SECRET} before",
        after=f"{SECRET} after",
        ground="inaccurate",
        evidence=f"{SECRET} on paper",
        credible=True,
        noted_by=noted_by,
        noted_at=NOW,
    )


def send_all(scene: Scene) -> None:
    with scene.database.transaction() as transaction:
        for mail in transaction.exec(select(OutboxMail)):
            mail.state = "accepted"


def after(scene: Scene, days: int, storage: Storage = NOWHERE) -> str:
    """The state of the first request once the watchdog came by so many days after the answer."""
    periods = RequestPeriods(until_closed=60 * A_DAY, until_purged=1096 * A_DAY)
    retention = Retention(
        database=scene.database, storage=storage, periods=periods, pseudonym_key=b"k" * 32
    )
    retention.keep_to_it(NOW + days * A_DAY)
    with scene.database.session() as session:
        first = select(DataSubjectRequest).order_by(col(DataSubjectRequest.id))
        return session.exec(first).first().state  # type: ignore[union-attr]


def everything(scene: Scene) -> str:
    """All that our tables hold of requests, but for the account itself."""
    with scene.database.session() as session:
        return "\n".join(
            str(row)
            for table in SQLModel.metadata.sorted_tables
            if "request" in table.name or table.name in FREE_WORDS
            for row in session.execute(table.select())
        )


def test_an_answered_request_is_closed_and_then_purged(
    scene: Scene, answered: DataSubjectRequest
) -> None:
    """P33: on the day and not before; what proves the answer in time stays, under a pseudonym."""
    send_all(scene)
    assert [after(scene, days) for days in (59, 60, 1095, 1096)] == [
        *("answered", "closed", "closed", "purged"),
    ]
    left = everything(scene)
    assert DORA.email not in left
    assert "Dora" not in left
    assert SECRET not in left
    assert IN_FULL.explanation not in left
    with scene.database.session() as session:
        row = session.exec(select(DataSubjectRequest)).one()
        facts = [fact.kind for fact in session.exec(select(Fact))]
    assert is_pseudonym(row.contact_email)
    assert (row.reference, row.outcome) == (answered.reference, "fulfilled")
    assert (row.received_at, row.due_at, row.answered_at) == (NOW, answered.due_at, NOW)
    assert facts.count("request.closed") == facts.count("request.purged") == 1


@pytest.mark.usefixtures("answered")
def test_an_address_that_an_account_had_is_forgotten_after_a_fortnight(scene: Scene) -> None:
    """P19, P33: so long it is warned, and no longer kept."""
    scene.import_accounts(replace(DORA, email="dora@new.example"), now=NOW)
    kept = []
    for days in (13, 14):
        after(scene, days)
        with scene.database.session() as session:
            kept.append([one.address for one in session.exec(select(AddressChange))])
    assert kept == [[DORA.email], []]


def test_what_staff_wrote_of_a_purged_request_is_gone_with_it(
    scene: Scene, answered: DataSubjectRequest
) -> None:
    """P33: what proved a letter, how a recipient was told, and what intake warned of."""
    send_all(scene)
    with scene.database.transaction() as transaction:
        transaction.get_one(DataSubjectRequest, answered.id).warnings = [SECRET]
        mail = transaction.exec(
            select(OutboxMail).where(OutboxMail.subject_id == answered.id)
        ).first()
        assert mail is not None
        transaction.add(
            PostedLetter(
                mail_id=mail.id,
                posted_on=NOW.date(),
                proof=SECRET,
                recorded_by=scene.staff["petra"],
                recorded_at=NOW,
            )
        )
        transaction.add(
            RecipientNotice(
                request_id=answered.id,
                right_id=rights_of(transaction, answered.id)[0].id,
                recipient="A bank",
                source="billing",
                noted_at=NOW,
                told_at=NOW,
                told_by=scene.staff["petra"],
                how=SECRET,
            )
        )
    assert after(scene, 1095) == "closed"
    assert everything(scene).count(SECRET) >= 3
    assert after(scene, 1096) == "purged"
    assert SECRET not in everything(scene)


def test_the_links_of_a_purged_request_open_nothing(
    scene: Scene, answered: DataSubjectRequest
) -> None:
    send_all(scene)
    after(scene, 1096)
    with scene.database.session() as session:
        link = session.exec(select(Link).where(Link.purpose == REQUEST_STATUS)).one()
    assert link.subject_id == answered.id
    assert link.expires_at == NOW + 1096 * A_DAY


@pytest.mark.usefixtures("answered")
def test_a_request_whose_answer_is_not_out_is_not_closed(scene: Scene) -> None:
    """P21: whatever the calendar says."""
    assert after(scene, 2000) == "answered"


def test_a_legal_hold_keeps_a_request_as_it_is(scene: Scene, answered: DataSubjectRequest) -> None:
    """P13, P33: our own purge waits for the release like any erasure."""
    send_all(scene)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, answered.id)
        assert row.account_id is not None
        placed = holds.place(
            transaction,
            row.account_id,
            reason="A claim",
            source=EVERYWHERE,
            staff_id=scene.staff["lena"],
            now=NOW,
        )
    assert after(scene, 2000) == "answered"
    with scene.database.transaction() as transaction:
        holds.release(
            transaction,
            placed.hold_id,
            reason="Settled",
            staff_id=scene.staff["petra"],
            office=BERLIN,
            now=NOW,
        )
    assert after(scene, 2000) == "purged"


@pytest.mark.parametrize("address", [DORA.email, DORA.email.upper(), "nobody@people.example"])
@pytest.mark.parametrize("of_other_account", [True, False])
def test_a_legal_hold_keeps_what_is_about_the_same_address(
    scene: Scene, answered: DataSubjectRequest, address: str, of_other_account: bool
) -> None:
    """P13: asked before there was an account, or about another one with it: theirs, as far as
    anybody can tell."""
    send_all(scene)
    other = replace(DORA, external_id="a-other", email=address)
    held = replace(DORA, external_id="a-held")
    scene.import_accounts(other, held)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, answered.id)
        row.contact_email = address
        row.account_id = scene.account("a-other").id if of_other_account else None
        holds.place(
            transaction,
            scene.account("a-held").id,
            reason="A claim",
            source=EVERYWHERE,
            staff_id=scene.staff["lena"],
            now=NOW,
        )
    same = address.lower() == DORA.email
    assert after(scene, 2000) == ("answered" if same else "purged")


def test_an_appeal_keeps_what_it_is_against(scene: Scene, answered: DataSubjectRequest) -> None:
    """P20: nobody looks again at what is gone."""
    send_all(scene)
    appeal = scene.request("dora@elsewhere.example")
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, appeal.id)
        row.follows_id, row.is_appeal = answered.id, True
    assert after(scene, 2000) == "answered"


def test_the_files_of_a_request_go_when_it_is_closed(
    scene: Scene, answered: DataSubjectRequest, tmp_path: Path
) -> None:
    """P33: from the disk and from the database, and not a day before."""
    folder = tmp_path / "storage"
    storage = Storage(folder, [DEVELOPMENT_DATA_KEY])
    send_all(scene)
    with scene.database.transaction() as transaction:
        row = RequestAttachment(
            request_id=answered.id,
            file=storage.keep(b"%PDF-1.7"),
            name="claim.pdf",
            media_type="application/pdf",
            size=8,
            added_at=NOW,
        )
        transaction.add(row)
    assert after(scene, 59, storage) == "answered"
    assert len(list(folder.iterdir())) == 1
    assert after(scene, 60, storage) == "closed"
    assert list(folder.iterdir()) == []
    with scene.database.session() as session:
        assert attachments_of(session, answered.id) == []
