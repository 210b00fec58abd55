"""Facts are only appended, salted, and hold ids and numbers: nobody can be read in them."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from uuid import uuid4

import pytest
from sqlmodel import select

from database.campaigns import freezing
from database.engine import Database
from database.facts import SALT_BYTES, commitment, record
from database.requests import answering, identity, requests
from database.tables import DataSubjectRequest, Fact
from domain.requests.data_subject_requests import Outcome
from tests.people import ALICE, BOB, DORA, STAFF
from tests.scene import NOW, Scene


def facts(database: Database) -> list[Fact]:
    with database.session() as session:
        return list(session.exec(select(Fact)).all())


def test_every_fact_has_a_salt_of_its_own(database: Database) -> None:
    """P33: deleting the salt of a fact leaves a commitment that proves nothing any more."""
    subject = uuid4()
    with database.transaction() as transaction:
        for _ in range(3):
            record(transaction, "test.happened", subject, NOW)
    salts = {fact.salt for fact in facts(database)}
    assert len(salts) == 3
    assert {len(salt) for salt in salts} == {SALT_BYTES}


def test_ids_instants_and_lists_are_written_plainly(database: Database) -> None:
    one, other = uuid4(), uuid4()
    with database.transaction() as transaction:
        record(
            transaction,
            "test.happened",
            one,
            NOW,
            who=other,
            when=datetime(2026, 1, 1, tzinfo=UTC),
            several=(one, other),
            as_list=[other],
            number=7,
            nothing=None,
        )
    (fact,) = facts(database)
    assert fact.payload == {
        "who": str(other),
        "when": "2026-01-01T00:00:00+00:00",
        "several": [str(one), str(other)],
        "as_list": [str(other)],
        "number": 7,
    }


def test_a_commitment_proves_a_value_to_who_has_the_salt() -> None:
    """P33."""
    assert commitment("alice@example.com", b"salt") == sha256(b"saltalice@example.com").hexdigest()
    assert commitment("alice@example.com", b"salt") != commitment("alice@example.com", b"pepper")


def test_a_fact_of_a_transaction_that_failed_never_was(database: Database) -> None:
    def record_and_break() -> None:
        with database.transaction() as transaction:
            record(transaction, "test.happened", uuid4(), NOW)
            transaction.flush()
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        record_and_break()
    assert facts(database) == []


def test_nobody_can_be_read_in_the_facts_of_a_whole_story(scene: Scene) -> None:
    """P31, P33: an import, a campaign, and a request with its answer."""
    scene.import_accounts(ALICE, BOB, DORA)
    freezing.freeze_audience(scene.database, scene.campaign(), NOW)
    request = scene.request(DORA.email)
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        requests.acknowledge(transaction, row, NOW)
        identity.verify_identity(transaction, row, how="link", now=NOW)
        requests.assign(transaction, row, scene.staff["petra"], NOW)
        answer = answering.Answer(outcome=Outcome.FULFILLED, explanation="We hold your recordings.")
        decision = answering.propose_decision(
            transaction, row, answer, decided_by=scene.staff["petra"], now=NOW
        )
        transaction.flush()
        answering.apply_decision(transaction, row, decision.id, NOW)
        requests.record_breach(transaction, row, NOW)
    written = facts(scene.database)
    assert len({fact.kind for fact in written}) >= 10
    words = json.dumps([fact.payload for fact in written])
    for personal in (
        *(person.email for person in (ALICE, BOB, DORA)),
        *(person.external_id for person in (ALICE, BOB, DORA)),
        *(name for name, _ in STAFF.values()),
        "Dora",
        "example",
        "recordings",
        "read it twice",
    ):
        assert personal not in words, personal
