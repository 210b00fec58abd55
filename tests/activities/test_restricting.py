"""What is restricted is restricted at the sources too, and lifted there again (P14, P15)."""

from datetime import timedelta
from pathlib import Path

import pytest

from activities.courier import Courier
from database.requests import recipients, restrictions
from database.requests.answering import Answer
from database.requests.restrictions import Lift
from domain.data_subject_requests import Kind, Outcome
from domain.personal_data import OWN_SOURCE, Verb
from domain.restrictions import Reason
from domain.source_tasks import TaskState
from tests.activities.erasing_lives import Life, a_life
from tests.data_sources.conftest import fernhill
from tests.data_sources.fernhill import Fernhill
from tests.scene import LANGUAGES, Scene

__all__ = ("fernhill",)
GRANTED = Answer(outcome=Outcome.FULFILLED, explanation="We use your data no more than we must.")
MINUTE = timedelta(minutes=1)


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
    with scene.database.transaction() as transaction:
        (row,) = restrictions.of_account(transaction, scene.account("a-alice").id)
        restrictions.ask_to_lift(
            transaction,
            row.id,
            Lift(explanation="It is over.", told_otherwise="on the phone"),
            staff_id=scene.staff["petra"],
            languages=LANGUAGES,
            now=life.now,
        )
    life.pass_time(MINUTE)
    assert not restricted(life)
