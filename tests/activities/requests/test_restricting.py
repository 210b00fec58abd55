"""What is restricted is restricted at the sources too, and lifted there again (P14, P15)."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from activities.mail.courier import Courier
from data_sources.data_map import Description
from data_sources.source import Call, DataSource
from database.requests import identity, recipients, restrictions
from database.requests.answering import Answer, apply_decision, propose_decision
from database.requests.restrictions import Lift
from database.tables import DataSubjectRequest
from domain.people.restrictions import Reason
from domain.requests.data_subject_requests import Kind, Outcome
from domain.requests.personal_data import OWN_SOURCE, Person, Receipt, Verb, Waits
from domain.requests.source_tasks import TaskState
from embedded.sample_company.people import customers
from tests.activities.requests.asked_sources import asked_sources
from tests.activities.requests.erasing_lives import Life, a_life
from tests.data_sources.conftest import fernhill
from tests.data_sources.fernhill import Fernhill
from tests.scene import LANGUAGES, NOW, Scene

__all__ = ("fernhill",)
GRANTED = Answer(outcome=Outcome.FULFILLED, explanation="We use your data no more than we must.")
MINUTE = timedelta(minutes=1)
PROSPECT = customers(3)[-1].email
"""Somebody in the company's sources who has no account here."""


class Overheard:
    """A source, and what it was told to do with its flag."""

    def __init__(self, source: DataSource) -> None:
        self._source = source
        self.about: Description = source.about
        self.told: list[bool] = []

    def restrict(self, person: Person, call: Call, *, restricted: bool = True) -> Receipt | Waits:
        """Set or lift it."""
        self.told.append(restricted)
        return self._source.restrict(person, call, restricted=restricted)

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        return cast("Callable[..., Any]", getattr(self._source, verb))


def lift(scene: Scene, life: Life, reason: Reason) -> None:
    with scene.database.transaction() as transaction:
        rows = restrictions.of_account(transaction, scene.account("a-alice").id)
        restrictions.ask_to_lift(
            transaction,
            next(row.id for row in rows if row.reason == reason),
            Lift(explanation="It is over.", told_otherwise="on the phone"),
            staff_id=scene.staff["petra"],
            languages=LANGUAGES,
            now=life.now,
        )
    life.pass_time(MINUTE)


def restricted(life: Life) -> bool:
    rows = life.fernhill.contents()["customer"]
    return bool(next(row for row in rows if row["account_number"] == "a-alice")["restricted"])


@pytest.mark.parametrize("kind", [Kind.RESTRICTION, Kind.OBJECTION])
def test_what_is_granted_is_set_where_there_is_a_flag_and_else_done_by_hand(
    scene: Scene, fernhill: Fernhill, courier: Courier, tmp_path: Path, kind: Kind
) -> None:
    """P14, P15: and whoever was given the data hears of it."""
    life = a_life(scene, fernhill, courier, tmp_path / "storage", kinds=(kind,))
    if kind is Kind.OBJECTION:  # as when identity is proved
        with scene.database.transaction() as transaction:
            account_id = scene.account("a-alice").id
            restrictions.restrict(transaction, [account_id], Reason.DISPUTED, now=life.now)
    life.decide(GRANTED, kind)
    assert not restricted(life)
    life.pass_time(MINUTE)
    assert restricted(life)
    tasks = life.tasks(Verb.RESTRICT)
    assert tasks["billing"].state == TaskState.DONE
    assert tasks["sessions"].state == TaskState.BY_HAND
    assert not {OWN_SOURCE, "support"} & tasks.keys()
    with scene.database.session() as session:
        told = {one.recipient for one in recipients.of_request(session, life.request_id)}
    assert "Ledger & Partners, tax advisers" in told


def test_it_is_lifted_at_the_sources_once_its_holder_was_told(
    scene: Scene, fernhill: Fernhill, courier: Courier, tmp_path: Path
) -> None:
    """P14."""
    life = a_life(scene, fernhill, courier, tmp_path / "storage", kinds=(Kind.RESTRICTION,))
    life.decide(GRANTED, Kind.RESTRICTION)
    life.pass_time(MINUTE)
    assert restricted(life)
    lift(scene, life, Reason.REQUESTED)
    assert not restricted(life)


def test_two_restrictions_are_over_at_the_sources_once_both_are(
    scene: Scene, fernhill: Fernhill, courier: Courier, tmp_path: Path
) -> None:
    """P14: whichever of the two ends last."""
    life = a_life(scene, fernhill, courier, tmp_path / "storage", kinds=(Kind.RESTRICTION,))
    alice = scene.account("a-alice").id
    with scene.database.transaction() as transaction:
        restrictions.restrict(transaction, [alice], Reason.MINOR_REPORT, now=life.now)
    life.decide(GRANTED, Kind.RESTRICTION)
    life.pass_time(MINUTE)
    lift(scene, life, Reason.REQUESTED)
    assert restricted(life)
    lift(scene, life, Reason.MINOR_REPORT)
    assert not restricted(life)


def test_whoever_has_no_account_is_restricted_where_a_source_knows_them(
    scene: Scene, courier: Courier, database_kind: str, tmp_path: Path
) -> None:
    """P14, P19: a source has something at the address that they proved control of."""
    with asked_sources(scene, courier, database_kind, tmp_path) as company:
        company.instead["billing"] = billing = Overheard(company.sources["billing"])
        request = scene.request(PROSPECT, kinds=("restriction",))
        company.do(identity.confirm_contact, request.id, NOW)
        company.ask(request.id)
        with scene.database.transaction() as transaction:
            row = transaction.get_one(DataSubjectRequest, request.id)
            assert (row.verified_by, row.account_id) == (identity.BY_SOURCE, None)
            decision = propose_decision(
                transaction,
                row,
                GRANTED,
                kind=Kind.RESTRICTION,
                decided_by=scene.staff["petra"],
                now=NOW,
            )
            transaction.flush()
            apply_decision(transaction, row, decision.id, NOW)
        company.ask(request.id)
        assert billing.told == [True]
