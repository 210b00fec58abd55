"""What was shown to be wrong is put right where it stands, and the answer says so (P12)."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from sqlmodel import Session, select

from activities.mail.courier import Courier
from activities.mail.done_words import told_of
from activities.requests import correcting
from data_sources.source import DataSource
from database.engine import Database, Transaction
from database.requests import source_tasks
from database.requests.answering import Answer
from database.requests.data_corrections import ClaimRefused, claims_of, note, take_back
from database.requests.recipients import NoticeRefused, of_request, told
from database.requests.requested_rights import rights_of
from database.requests.sendable import DecisionRefused
from database.tables import DataSubjectRequest, Fact
from domain.requests.data_corrections import Claim
from domain.requests.data_subject_requests import Ground, Kind, Outcome
from domain.requests.personal_data import Verb
from domain.requests.source_tasks import TaskState
from tests.activities.requests.erasing_lives import Life, a_life
from tests.data_sources.conftest import fernhill
from tests.data_sources.fernhill import Fernhill
from tests.domain.requests.test_data_corrections import STREET
from tests.scene import Scene
from translations.catalogues import speak

__all__ = ("fernhill",)
RIGHT = Answer(outcome=Outcome.FULFILLED, explanation="We have put your address right.")
IN_PART = Answer(
    outcome=Outcome.PARTIAL,
    ground=Ground.NOT_SHOWN,
    explanation="We have put your address right, and not your name.",
    evidence="no document says so",
)
NAME = replace(
    STREET, field="name", before="Alice Abel", after="Alice Ober", credible=False, why="No document"
)


@pytest.fixture
def life(scene: Scene, fernhill: Fernhill, courier: Courier, tmp_path: Path) -> Life:
    """Alice says that we have an old address of hers."""
    return a_life(scene, fernhill, courier, tmp_path / "storage", kinds=("correction",))


def claim(life: Life, *claims: Claim) -> None:
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        for one in claims:
            note(transaction, request, one, staff_id=life.scene.staff["petra"], now=life.now)


def customer(life: Life) -> dict[str, object]:
    rows = life.fernhill.contents()["customer"]
    return dict(next(row for row in rows if row["account_number"] == "a-alice"))


def street(life: Life) -> Claim:
    """Where she lives by the company's own data, and where she really does."""
    return replace(STREET, before=str(customer(life)["street"]))


def sentences(life: Life) -> str:
    with life.scene.database.session() as session:
        (right,) = rights_of(session, life.request_id)
        return "\n".join(told_of(session, right, speak("en")))


def test_a_value_is_put_right_at_its_source_before_the_answer_says_so(life: Life) -> None:
    """P12: recipients are noted, and named to her; no value is in the mail."""
    before = customer(life)
    claim(life, street(life))
    life.decide(RIGHT, Kind.CORRECTION)
    assert customer(life) == before
    assert life.request.answered_at is None
    life.pass_time(timedelta(minutes=1))
    assert customer(life) == {**before, "street": "2 New Road"}
    assert life.request.outcome == Outcome.FULFILLED
    assert "Corrected: Contact details (street)." in sentences(life)
    assert "Ledger & Partners, tax advisers" in sentences(life)
    assert "New Road" not in sentences(life)


@dataclass(frozen=True)
class Overtaken:
    """A database in which somebody else acts between a look and what follows from it."""

    database: Database
    meanwhile: Callable[[], object]

    def session(self) -> AbstractContextManager[Session]:
        return self.database.session()

    def transaction(self) -> AbstractContextManager[Transaction]:
        self.meanwhile()
        return self.database.transaction()


def test_of_two_tries_at_once_one_answers(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """P12, P22: a try whose sign of life was lost goes on to its end beside the next one."""
    settle = correcting.settle

    def twice(
        database: Database, sources: Mapping[str, DataSource], request_id: UUID, now: datetime
    ) -> None:
        both = Overtaken(database, lambda: settle(database, sources, request_id, now))
        settle(cast("Database", both), sources, request_id, now + timedelta(minutes=5))

    monkeypatch.setattr(correcting, "settle", twice)
    claim(life, street(life))
    life.decide(RIGHT, Kind.CORRECTION)
    answered_at = life.now
    life.pass_time(timedelta(minutes=1))
    assert life.request.answered_at == answered_at
    with life.scene.database.session() as session:
        answered = select(Fact).where(Fact.kind == "request.answered")
        assert len(session.exec(answered).all()) == 1


def test_what_was_not_shown_stays_as_it_is_and_takes_a_second_person(life: Life) -> None:
    """P12, P20."""
    claim(life, street(life), NAME)
    with pytest.raises(DecisionRefused, match="answer in part, on the ground not_shown"):
        life.decide(RIGHT, Kind.CORRECTION)
    life.decide(IN_PART, Kind.CORRECTION)
    life.pass_time(timedelta(minutes=1))
    assert customer(life)["name"] == "Alice Abel"
    assert customer(life)["street"] == "2 New Road"
    assert "Not corrected: Contact details (name)." in sentences(life)


def test_a_wrong_value_that_stands_nowhere_is_for_a_person_to_look_at(life: Life) -> None:
    """P12: and once they gave it up, nobody is told that it is done."""
    claim(life, replace(STREET, before="3 Elsewhere"))
    life.decide(RIGHT, Kind.CORRECTION)
    life.pass_time(timedelta(minutes=1))
    task = life.tasks(Verb.CORRECT)["billing"]
    assert task.state == TaskState.NEEDS_PERSON
    assert life.request.answered_at is None
    give_up(life)
    life.step()
    assert life.request.answered_at is None
    with pytest.raises(DecisionRefused, match="billing did not put it right"):
        life.decide(RIGHT, Kind.CORRECTION)
    life.decide(replace(IN_PART, ground=Ground.CONDITIONS_NOT_MET), Kind.CORRECTION)
    assert life.request.outcome == Outcome.PARTIAL


def test_what_was_noted_wrongly_is_put_right_when_its_source_knows_no_such_value(
    life: Life,
) -> None:
    """P12: Petra mistyped a name; what billing did put right is not told as left."""
    claim(life, street(life), replace(NAME, before="Alice Abe1", credible=True))
    life.decide(RIGHT, Kind.CORRECTION)
    life.pass_time(timedelta(minutes=1))
    assert customer(life)["street"] == "2 New Road"
    with pytest.raises(ClaimRefused, match="is decided"):
        take_the_last_back(life)
    give_up(life)
    life.pass_time(timedelta(minutes=1))
    take_the_last_back(life)
    life.decide(RIGHT, Kind.CORRECTION)
    life.pass_time(timedelta(minutes=1))
    assert life.tasks(Verb.CORRECT)["billing"].state == TaskState.DONE
    assert life.request.outcome == Outcome.FULFILLED
    assert "Corrected: Contact details (street)." in sentences(life)
    assert "Not corrected" not in sentences(life)


def test_what_a_source_has_put_right_is_not_taken_back(life: Life) -> None:
    """P12: what was done stays on record."""
    elsewhere = replace(
        NAME, source="marketing", category="Marketing contacts", before="Nobody", credible=True
    )
    claim(life, street(life), elsewhere)
    life.decide(RIGHT, Kind.CORRECTION)
    life.pass_time(timedelta(minutes=1))
    give_up(life, "marketing")
    life.pass_time(timedelta(minutes=1))
    with pytest.raises(ClaimRefused, match="billing has put it right already"):
        take_the_last_back(life, "billing")


def give_up(life: Life, source: str = "billing") -> None:
    with life.scene.database.transaction() as transaction:
        source_tasks.give_up(
            transaction,
            transaction.get_one(DataSubjectRequest, life.request_id),
            life.tasks(Verb.CORRECT)[source].id,
            reason="That value is nowhere.",
            staff_id=life.scene.staff["petra"],
            now=life.now,
        )


def take_the_last_back(life: Life, source: str = "billing") -> None:
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        (right,) = rights_of(transaction, request.id)
        *_, last = [one for one in claims_of(transaction, right.id) if one.source == source]
        take_back(transaction, request, last.id, staff_id=life.scene.staff["petra"], now=life.now)


def test_once_decided_nothing_more_is_claimed(life: Life) -> None:
    """P12."""
    claim(life, street(life))
    life.decide(RIGHT, Kind.CORRECTION)
    with pytest.raises(ClaimRefused, match="is decided"):
        claim(life, NAME)


def test_a_recipient_is_told_once_and_it_is_said_how(life: Life) -> None:
    """P12, GDPR Article 19."""
    claim(life, street(life))
    life.decide(RIGHT, Kind.CORRECTION)
    life.pass_time(timedelta(minutes=1))
    with life.scene.database.transaction() as transaction:
        request = transaction.get_one(DataSubjectRequest, life.request_id)
        (notice,) = of_request(transaction, request.id)
        petra = life.scene.staff["petra"]
        for how, refusal in (("", "how you told"), ("A letter", None), ("Again", "already")):
            if refusal is None:
                told(transaction, request, notice.id, how=how, staff_id=petra, now=life.now)
            else:
                with pytest.raises(NoticeRefused, match=refusal):
                    told(transaction, request, notice.id, how=how, staff_id=petra, now=life.now)
