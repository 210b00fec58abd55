"""Data that is kept for another company: what it says is done in its sources alone, by two where it
must be, never under a hold, and reported without a word about the person (P24)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from sqlmodel import select

from activities.mail.outbox import Sender
from activities.patrol import register
from data_sources.source import Call, DataSource, SourceUnavailable
from data_sources.sql import SqlSource
from database.mail.mail_rows import Batch
from database.mail.outbox import states
from database.people.accounts import account_by_external_id
from database.requests import asked_tasks, holds, instructed_tasks, instructions
from database.requests.asked_tasks import ByHand, TaskRefused
from database.requests.erasures import ONE_CALL
from database.requests.holds import HoldRefused
from database.requests.instructions import InstructionRefused
from database.requests.tombstones import every_mark
from database.tables import Fact
from domain.requests.collected import collected_from
from domain.requests.controller_instructions import UNDER_HOLD
from domain.requests.personal_data import OWN_SOURCE, Person, Receipt, Verb
from tests.activities.requests.asked_sources import ALICE, COMPANY, AskedSources, Watched
from tests.activities.requests.instructed_sources import CONTACT, Instructed, told
from tests.sandbox_server import RunningSandbox
from tests.scene import NOW, Scene


def watch_all(company: AskedSources) -> dict[str, Watched]:
    watched = {name: Watched(source) for name, source in company.sources.items()}
    company.instead.update(watched)
    return watched


def place_hold(scene: Scene, source: str = "") -> UUID:
    with scene.database.transaction() as transaction:
        account = account_by_external_id(transaction, ALICE.external_id)
        placed = holds.place(
            transaction,
            account.id,
            reason="The claim of 3 February",
            source=source,
            staff_id=scene.staff["lena"],
            now=NOW,
        )
        return placed.hold_id


def test_an_erasure_waits_for_a_second_person_and_reaches_the_clinics_data_alone(
    clinic: Instructed,
) -> None:
    """P24: with four eyes; and of our own data about Alice nothing is touched."""
    watched = watch_all(clinic.company)
    erasure = clinic.enter(told(Verb.ERASE))
    clinic.carry_out(erasure)
    assert clinic.row(erasure).state == "review"
    assert not any(source.asked for source in watched.values())
    with pytest.raises(InstructionRefused, match="colleague"):
        clinic.decide(erasure, "petra")
    clinic.decide(erasure, "paul")
    assert clinic.carry_out(erasure).state == "done"
    assert {name: one.asked for name, one in watched.items() if one.asked} == {
        "support": ["locate", "erase", "locate"]
    }
    receipt = clinic.task(erasure).receipt
    assert receipt is not None
    assert receipt["done"] == [{"category": "Support tickets", "rows": 2}]
    assert "alice" not in str(receipt).lower()
    again = clinic.enter(told(Verb.EXPORT))
    clinic.carry_out(again)
    assert clinic.task(again).receipt == {
        "held": [{"category": "Support tickets", "rows": 0}],
        "doubtful": 0,
    }


def test_whoever_refuses_it_is_heard_and_nothing_is_asked(clinic: Instructed) -> None:
    watched = watch_all(clinic.company)
    erasure = clinic.enter(told(Verb.ERASE))
    clinic.decide(erasure, "paul", carry_out=False)
    assert clinic.carry_out(erasure).state == "refused"
    assert not any(source.asked for source in watched.values())
    assert clinic.mails(erasure)["controller"] == ["refused"]
    with pytest.raises(InstructionRefused, match="nobody's decision"):
        clinic.decide(erasure, "paul")


def test_the_report_tells_counts_and_names_nobody(
    clinic: Instructed, sender: Callable[..., Sender], sandbox: RunningSandbox
) -> None:
    """P24, P31: mailed to the address in the data map."""
    erasure = clinic.enter(told(Verb.ERASE))
    clinic.decide(erasure, "paul")
    clinic.carry_out(erasure)
    sender().send(Batch(subject_id=erasure), NOW)
    (report,) = sandbox.messages(to=CONTACT)
    assert "Support tickets: 2 done" in str(report["text"])
    assert clinic.row(erasure).reference in str(report["text"])
    staff = sandbox.messages(to="petra@example.com")
    for mail in (report, *staff):
        assert "alice" not in f"{mail['subject']}{mail['text']}{mail['html']}".lower()


def test_what_staff_doubt_is_held_and_queried_until_another_decides(clinic: Instructed) -> None:
    export = clinic.enter(told(Verb.EXPORT, doubt="They want it for advertising."))
    assert clinic.row(export).state == "review"
    assert clinic.mails(export) == {
        "controller": ["held"],
        "staff": ["instruction_second_person"],
    }
    clinic.decide(export, "paul")
    assert clinic.carry_out(export).state == "done"
    assert clinic.mails(export)["controller"] == ["done", "held"]


def test_what_is_held_cannot_be_helped_along(clinic: Instructed) -> None:
    """As little by hand as by asking again, before it is decided and after a refusal."""
    erasure = clinic.enter(told(Verb.ERASE))
    done = ByHand(receipt={"done": []}, evidence="Burnt.")
    acts: Sequence[Callable[..., None]] = (
        instructed_tasks.ask_again,
        partial(instructed_tasks.give_up, reason="It burnt."),
        partial(instructed_tasks.hand_in, done=done),
    )
    for state in ("review", "refused"):
        assert clinic.row(erasure).state == state
        for act in acts:
            with (
                pytest.raises(TaskRefused, match="not being carried out"),
                clinic.database.transaction() as transaction,
            ):
                act(transaction, clinic.task(erasure), staff_id=clinic.staff["petra"], now=NOW)
        if state == "review":
            clinic.decide(erasure, "paul", carry_out=False)


def test_doubt_may_come_while_it_is_carried_out(clinic: Instructed) -> None:
    """And then neither who entered nor who doubted it decides."""
    export = clinic.enter(told(Verb.EXPORT))
    with clinic.database.transaction() as transaction:
        instructions.question(
            transaction, export, "It has no signature.", staff_id=clinic.staff["paul"], now=NOW
        )
    assert clinic.carry_out(export).state == "review"
    assert clinic.task(export).attempts == 0
    for one in ("petra", "paul"):
        with pytest.raises(InstructionRefused, match="colleague"):
            clinic.decide(export, one)


def test_the_clinic_hears_of_every_doubt(clinic: Instructed) -> None:
    """P24: also of one that comes after another was decided."""
    export = clinic.enter(told(Verb.EXPORT, doubt="It has no signature."))
    clinic.decide(export, "paul")
    with clinic.database.transaction() as transaction:
        instructions.question(
            transaction,
            export,
            "It names another person.",
            staff_id=clinic.staff["paul"],
            now=NOW + timedelta(hours=1),
        )
        held = states(transaction, Batch(subject_id=export, addressee_kind="controller"))
    assert sum(held.values()) == 2


@pytest.mark.parametrize("source", ["", "support"])
def test_nothing_is_erased_under_a_hold_whoever_decides(clinic: Instructed, source: str) -> None:
    """P13, P24: it is held, the clinic hears it, and it goes on after the release."""
    watched = watch_all(clinic.company)
    hold = place_hold(clinic.company.scene, source)
    erasure = clinic.enter(told(Verb.ERASE))
    assert clinic.row(erasure).doubt == UNDER_HOLD
    assert clinic.mails(erasure)["controller"] == ["held"]
    with pytest.raises(InstructionRefused, match="legal hold"):
        clinic.decide(erasure, "paul")
    clinic.carry_out(erasure)
    assert watched["support"].asked == []
    with clinic.database.transaction() as transaction:
        holds.release(
            transaction,
            hold,
            reason="Settled.",
            staff_id=clinic.staff["noor"],
            office=COMPANY.office,
            now=NOW,
        )
    clinic.decide(erasure, "paul")
    assert clinic.carry_out(erasure).state == "done"


def test_a_hold_is_found_by_our_account_and_never_by_the_clinics_id(clinic: Instructed) -> None:
    """P13, P24: also once its holder has another address; the clinic counts its people itself."""
    named_alike = clinic.enter(
        told(Verb.ERASE, address="patient@elsewhere.example", external_id=ALICE.external_id)
    )
    erasure = clinic.enter(told(Verb.ERASE))
    with clinic.database.transaction() as transaction:
        account_by_external_id(transaction, ALICE.external_id).email = "alice@new.example"
    place_hold(clinic.company.scene)
    clinic.decide(named_alike, "paul")
    with pytest.raises(InstructionRefused, match="legal hold"):
        clinic.decide(erasure, "paul")


def test_a_hold_that_comes_after_the_decision_holds_it_again(clinic: Instructed) -> None:
    """P13."""
    watched = watch_all(clinic.company)
    erasure = clinic.enter(told(Verb.ERASE))
    clinic.decide(erasure, "paul")
    place_hold(clinic.company.scene)
    assert clinic.carry_out(erasure).state == "review"
    assert clinic.row(erasure).decided_by is None
    assert watched["support"].asked == []


class Meanwhile(Watched):
    """A source while which is asked something else happens; once, when it is looked at later."""

    def __init__(self, source: DataSource, meanwhile: Callable[[], object]) -> None:
        super().__init__(source)
        self._meanwhile = meanwhile

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        asked = super().__getattr__(verb)

        def while_asked(*given: object) -> object:
            if verb != "locate":
                self._meanwhile()
            return asked(*given)

        return while_asked


@pytest.mark.parametrize("source", ["", "support"])
def test_no_hold_is_placed_while_the_clinics_source_erases(clinic: Instructed, source: str) -> None:
    """P13, P24: whoever places one knows what is still there; a moment later it can be placed."""
    refused: list[str] = []

    def place() -> None:
        place_hold(clinic.company.scene, "billing")  # which the clinic's data is not in
        try:
            place_hold(clinic.company.scene, source)
        except HoldRefused as refusal:
            refused.append(str(refusal))

    clinic.company.instead["support"] = Meanwhile(clinic.company.sources["support"], place)
    erasure = clinic.enter(told(Verb.ERASE))
    clinic.decide(erasure, "paul")
    assert clinic.carry_out(erasure).state == "done"
    assert ["at this moment" in one for one in refused] == [True]
    place_hold(clinic.company.scene, source)


class Lying(Watched):
    """A source that says it has erased, and has not."""

    def erase(self, person: Person, call: Call) -> Receipt:
        return replace(cast("SqlSource", self._source).would_erase(person, call), retained=())


def test_a_source_that_lies_is_not_reported_as_done(clinic: Instructed) -> None:
    """P13, P24: it is looked at after the erasure, as it is for our own people."""
    clinic.company.instead["support"] = Lying(clinic.company.sources["support"])
    erasure = clinic.enter(told(Verb.ERASE))
    clinic.decide(erasure, "paul")
    assert clinic.carry_out(erasure).state == "work"
    assert clinic.task(erasure).state == "needs_person"
    assert "still has what it did not say it keeps" in clinic.task(erasure).problem
    assert "done" not in clinic.mails(erasure)["controller"]


def test_whom_the_clinic_had_erased_is_marked_at_its_source_alone(clinic: Instructed) -> None:
    """P13, P24: so that a restored backup does not bring them back."""
    erasure = clinic.enter(told(Verb.ERASE))
    clinic.decide(erasure, "paul")
    clinic.carry_out(erasure)
    with clinic.database.session() as session:
        marks = every_mark(session)
    assert {mark.source for mark in marks} == {"support"}
    assert {mark.erasure_id for mark in marks} == {clinic.task(erasure).id}
    assert "alice" not in repr(marks)


class LosesItsAnswer(Watched):
    """A source that erases, and whose answer to the first try nobody gets."""

    def erase(self, person: Person, call: Call) -> Receipt:
        receipt = cast("SqlSource", self._source).erase(person, call)
        self.asked.append("erase")
        if self.asked.count("erase") == 1:
            raise SourceUnavailable("support did not answer in time.")
        return receipt


def test_an_answer_that_was_lost_is_no_erasure_of_nothing(
    clinic: Instructed, sender: Callable[..., Sender], sandbox: RunningSandbox
) -> None:
    """P24: the clinic hears of what is gone since its source was first looked into."""
    clinic.company.instead["support"] = LosesItsAnswer(clinic.company.sources["support"])
    erasure = clinic.enter(told(Verb.ERASE))
    clinic.decide(erasure, "paul")
    assert clinic.carry_out(erasure).asked.waiting == ("support",)
    assert clinic.carry_out(erasure, NOW + timedelta(minutes=1)).state == "done"
    receipt = clinic.task(erasure).receipt
    assert receipt is not None
    assert receipt["done"] == [{"category": "Support tickets", "rows": 2}]
    sender().send(Batch(subject_id=erasure), NOW + timedelta(minutes=1))
    (report,) = sandbox.messages(to=CONTACT)
    assert "Support tickets: 2 done" in str(report["text"])


def test_two_tries_at_once_ask_the_source_once(clinic: Instructed) -> None:
    """P13: the later one waits until the earlier one can have no answer any more."""
    erasure = clinic.enter(told(Verb.ERASE))
    clinic.decide(erasure, "paul")
    with clinic.database.transaction() as transaction:
        assert instructions.claim(transaction, clinic.task(erasure), (), NOW)
    watched = watch_all(clinic.company)
    clinic.carry_out(erasure, NOW + timedelta(minutes=5))
    assert watched["support"].asked == []
    assert clinic.carry_out(erasure, NOW + ONE_CALL).state == "done"


def test_a_hold_waits_for_no_copy_that_the_clinic_asks_for(clinic: Instructed) -> None:
    """P13: it stands against nothing of it."""
    clinic.company.instead["support"] = Meanwhile(
        clinic.company.sources["support"], lambda: place_hold(clinic.company.scene)
    )
    export = clinic.enter(told(Verb.EXPORT))
    assert clinic.carry_out(export).state == "done"


def test_a_worker_that_died_over_a_source_keeps_no_hold_away_for_long(clinic: Instructed) -> None:
    """P13: its claim is over by itself."""
    erasure = clinic.enter(told(Verb.ERASE))
    clinic.decide(erasure, "paul")
    with clinic.database.transaction() as transaction:
        assert instructions.claim(
            transaction, clinic.task(erasure), (), NOW - ONE_CALL - timedelta(minutes=1)
        )
    place_hold(clinic.company.scene)
    assert clinic.carry_out(erasure).state == "review"


def test_what_is_to_be_erased_by_hand_waits_again_when_a_hold_comes(clinic: Instructed) -> None:
    """P13, P24: before somebody of staff destroys what the hold is about; the clinic hears it."""
    erasure = clinic.enter(told(Verb.ERASE))
    clinic.decide(erasure, "paul")
    with clinic.database.transaction() as transaction:
        asked_tasks.give_to_staff(
            transaction,
            clinic.task(erasure),
            NOW.date(),
            role="task",
            office=COMPANY.office,
            now=NOW,
        )
    with clinic.database.transaction() as transaction:
        account = account_by_external_id(transaction, ALICE.external_id)
        assert not instructions.give_way_to_hold(transaction, account.id, "billing", NOW)
        assert instructions.give_way_to_hold(transaction, account.id, "", NOW) == [erasure]
    assert clinic.row(erasure).state == "review"
    assert clinic.mails(erasure)["controller"] == ["held"]


def test_a_hold_on_what_is_ours_does_not_stop_the_clinic(clinic: Instructed) -> None:
    place_hold(clinic.company.scene, "billing")
    place_hold(clinic.company.scene, OWN_SOURCE)
    erasure = clinic.enter(told(Verb.ERASE))
    clinic.decide(erasure, "paul")
    assert clinic.carry_out(erasure).state == "done"


def test_a_copy_is_kept_encrypted_for_the_clinic_until_it_is_old(
    clinic: Instructed, tmp_path: Path
) -> None:
    """P32: and the row remembers that there was one."""
    export = clinic.enter(told(Verb.EXPORT))
    clinic.carry_out(export)
    file = clinic.task(export).file
    assert file is not None
    values = {one.value for one in collected_from(clinic.company.storage.read(file)).records}
    assert ALICE.email in values
    assert b"alice" not in b"".join(path.read_bytes() for path in (tmp_path / "storage").iterdir())
    month = timedelta(days=30)
    with clinic.database.transaction() as transaction:
        assert instructed_tasks.known_files(transaction) == {file}
        assert instructed_tasks.files_to_delete(transaction, month, NOW) == []
        (old,) = instructed_tasks.files_to_delete(transaction, month, NOW + month)
        assert instructed_tasks.forget_file(transaction, old) == file


def test_a_value_of_the_clinic_is_put_right(clinic: Instructed) -> None:
    wrong = {
        "category": "Support tickets",
        "field": "requester_name",
        "before": "Alice Abel",
        "after": "Alice Abel-Zorn",
    }
    correction = clinic.enter(told(Verb.CORRECT, corrections=(wrong,)))
    assert clinic.carry_out(correction).state == "done"
    export = clinic.enter(told(Verb.EXPORT))
    clinic.carry_out(export)
    kept = collected_from(clinic.company.storage.read(clinic.task(export).file or ""))
    assert "Alice Abel-Zorn" in {one.value for one in kept.records}


def test_a_silent_source_is_asked_again_and_the_watchdog_keeps_the_workflow(
    clinic: Instructed,
) -> None:
    clinic.company.instead["support"] = Watched(clinic.company.sources["support"], silent=True)
    export = clinic.enter(told(Verb.EXPORT))
    case = clinic.carry_out(export)
    assert case.asked.waiting == ("support",)
    assert case.asked.next_at == NOW + timedelta(minutes=1)
    with clinic.database.session() as session:
        wanted = {start.workflow_id for start in register(session)}
    assert f"controller-instruction/{export}" in wanted
    clinic.company.instead.clear()
    assert clinic.carry_out(export, NOW + timedelta(minutes=1)).state == "done"


def test_a_source_that_is_held_for_somebody_else_by_now_is_not_asked(clinic: Instructed) -> None:
    watched = watch_all(clinic.company)
    strange = clinic.enter(told(Verb.EXPORT, sources=("support",), controller="Another Clinic"))
    clinic.carry_out(strange)
    assert clinic.task(strange).state == "needs_person"
    assert watched["support"].asked == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"address": " "}, "whom it is about"),
        ({"evidence": ""}, "how it came"),
        ({"received_at": NOW + timedelta(days=1)}, "future"),
        ({"verb": Verb.CORRECT}, "what is right"),
    ],
)
def test_half_an_instruction_is_refused_whole(
    clinic: Instructed, wrong: dict[str, object], why: str
) -> None:
    with pytest.raises(InstructionRefused, match=why):
        clinic.enter(told(Verb.EXPORT, **wrong) if "verb" not in wrong else told(Verb.CORRECT))
    with clinic.database.session() as session:
        assert instructions.all_instructions(session) == []
        kinds = {fact.kind for fact in session.exec(select(Fact))}
    assert "instruction.entered" not in kinds
