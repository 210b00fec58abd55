"""A receipt is corrected: earlier at once, later by two with proof, and the clock follows (P26)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from database.requests.receipts import (
    Receipt,
    ReceiptRefused,
    be_due_no_later,
    bring_forward,
    confirm_receipt,
    propose_receipt,
    waiting_receipt,
)
from database.requests.requests import record_breach
from database.tables import DataSubjectRequest, Fact, ReceiptCorrection
from domain.requests.data_subject_requests import Kind
from domain.requests.deadlines import Deadline, deadline, earliest
from tests.people import DORA
from tests.scene import NOW, ONE_HOUR, Scene

pytestmark = pytest.mark.usefixtures("one_holding_order")
DAY = timedelta(days=1)
PROOF = "The envelope is stamped 3 March."


@pytest.fixture
def request_made(scene: Scene) -> DataSubjectRequest:
    """Dora asks for a copy, from Germany."""
    return scene.request("dora@people.example")


def clock(received_at: datetime, country: str | None) -> Deadline:
    return deadline(
        received_at=received_at,
        time_zone=None,
        country=country,
        company_time_zone="Europe/Berlin",
    )


def correct(
    scene: Scene,
    request: DataSubjectRequest,
    *,
    by: timedelta = timedelta(),
    country: str | None = "DE",
    proof: str = "",
    now: datetime = NOW + 2 * DAY,
) -> UUID:
    receipt = Receipt(received_at=NOW + by, country=country, proof=proof)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        due = clock(receipt.received_at, country)
        return propose_receipt(transaction, row, receipt, due, by=scene.staff["petra"], now=now).id


def confirm(
    scene: Scene, request: DataSubjectRequest, correction_id: UUID, *, by: str, now: datetime = NOW
) -> None:
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        correction = transaction.get_one(ReceiptCorrection, correction_id)
        due = clock(correction.received_at, correction.country)
        confirm_receipt(transaction, row, correction_id, due, by=scene.staff[by], now=now)


def look(scene: Scene, request: DataSubjectRequest) -> DataSubjectRequest:
    with scene.database.session() as session:
        return session.get_one(DataSubjectRequest, request.id)


def facts(scene: Scene) -> list[str]:
    with scene.database.session() as session:
        return [fact.kind for fact in session.exec(select(Fact)) if "receipt" in fact.kind]


def test_an_earlier_receipt_counts_at_once(scene: Scene, request_made: DataSubjectRequest) -> None:
    """P26: it takes time from us, and needs nobody else."""
    correct(scene, request_made, by=-3 * DAY)
    found = look(scene, request_made)
    assert found.received_at == NOW - 3 * DAY
    assert found.due_at == clock(NOW - 3 * DAY, "DE").due_at < request_made.due_at
    assert found.rule == "statute.gdpr"  # a day in February, where the month is shorter
    assert len(found.candidates) == 2
    assert facts(scene) == ["request.receipt_proposed", "request.receipt_corrected"]


def test_a_country_that_is_learned_later_brings_its_own_clock(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P21: Korea gives ten days."""
    correct(scene, request_made, country="KR")
    found = look(scene, request_made)
    assert (found.country, found.regime, found.rule) == ("KR", "korea", "statute.korea")
    assert found.due_at < request_made.due_at


@pytest.mark.parametrize(("by", "country"), [(timedelta(hours=1), "DE"), (timedelta(), "DE")])
def test_what_gives_us_more_time_waits_for_a_second_person_with_its_proof(
    scene: Scene, request_made: DataSubjectRequest, by: timedelta, country: str
) -> None:
    """P26: a later receipt, or a country whose law is slower than the one that was thought."""
    if not by:
        correct(scene, request_made, country="KR")
    before = look(scene, request_made)
    with pytest.raises(ReceiptRefused, match="needs its proof"):
        correct(scene, request_made, by=by, country=country)
    correction = correct(scene, request_made, by=by, country=country, proof=PROOF)
    assert look(scene, request_made).due_at == before.due_at
    with pytest.raises(ReceiptRefused, match="second person"):
        confirm(scene, request_made, correction, by="petra")
    confirm(scene, request_made, correction, by="paul")
    found = look(scene, request_made)
    assert found.due_at > before.due_at
    assert found.received_at == NOW + by
    confirm(scene, request_made, correction, by="paul")
    assert facts(scene).count("request.receipt_corrected") == (1 if by else 2)


def test_only_the_newest_correction_can_be_confirmed(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    first = correct(scene, request_made, by=ONE_HOUR, proof=PROOF)
    later = NOW + 2 * DAY + ONE_HOUR
    second = correct(scene, request_made, by=2 * ONE_HOUR, proof=PROOF, now=later)
    with pytest.raises(ReceiptRefused, match="another one came since"):
        confirm(scene, request_made, first, by="paul")
    with scene.database.session() as session:
        waiting = waiting_receipt(session, request_made.id)
        assert waiting is not None
        assert waiting.id == second


def test_a_breach_on_a_receipt_that_was_wrong_was_recorded_in_error(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    """P21: the facts keep both; the request is in time again."""
    over = request_made.due_at + 2 * DAY
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request_made.id)
        record_breach(transaction, row, over)
        assert row.policy_breach_at == over
    correction = correct(scene, request_made, by=10 * DAY, proof=PROOF, now=over)
    confirm(scene, request_made, correction, by="paul", now=over)
    found = look(scene, request_made)
    assert (found.policy_breach_at, found.statutory_breach_at) == (None, None)
    with scene.database.session() as session:
        kinds = {fact.kind for fact in session.exec(select(Fact)) if "breach" in fact.kind}
    assert {"request.policy_breach", "request.policy_breach_in_error"} <= kinds


@pytest.mark.parametrize(
    ("by", "words"), [(timedelta(), "known already"), (5 * DAY, "in the future")]
)
def test_what_cannot_be_is_refused_in_words(
    scene: Scene, request_made: DataSubjectRequest, by: timedelta, words: str
) -> None:
    with pytest.raises(ReceiptRefused, match=words):
        correct(scene, request_made, by=by, proof=PROOF)
    assert facts(scene) == []


def test_the_clock_of_an_answered_request_stands(
    scene: Scene, request_made: DataSubjectRequest
) -> None:
    with scene.database.transaction() as transaction:
        transaction.get_one(DataSubjectRequest, request_made.id).answered_at = NOW
    with pytest.raises(ReceiptRefused, match="is answered"):
        correct(scene, request_made, by=-DAY)


def test_brought_forward_it_keeps_the_clock_of_another_that_runs_out_first(scene: Scene) -> None:
    """P21: of two by one rule the earlier one, whosever it was, so that its breach is noted."""
    scene.import_accounts(replace(DORA, country="KR"))
    request = scene.request(DORA.email, kinds=("access", "erasure"))
    twin = scene.request(DORA.email, kinds=("access",))
    correct(scene, twin, by=-20 * DAY)
    twin = look(scene, twin)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        row.country = None
        be_due_no_later(transaction, row, twin, NOW)
        bring_forward(transaction, row, clock_of, NOW)
    found = look(scene, request)
    assert (found.country, found.due_at, found.rule) == ("KR", twin.due_at, twin.rule)
    rules = [one["rule"] for one in found.candidates]
    assert len(rules) == len({*rules})
    assert "statute.korea" in rules
    ends = {one["rule"]: one["due_at"] for one in found.candidates}
    assert {one["rule"]: one["due_at"] for one in twin.candidates}.items() <= ends.items()


def clock_of(
    rights: Iterable[Kind], received_at: datetime, country: str | None, time_zone: str | None
) -> Deadline:
    return earliest(
        deadline(
            received_at=received_at,
            time_zone=time_zone,
            country=country,
            company_time_zone="Europe/Berlin",
            right=right,
        )
        for right in rights
    )
