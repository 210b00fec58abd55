"""Data sources are asked for requests: each answer stands by itself, none twice, and what goes
wrong reaches a person (P10-P17, P19, P24)."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.requests.requests import RequestInput
from data_sources.data_map import Description
from data_sources.source import Call, DataSource, SourceUnavailable, SourceWrong
from database.people.accounts import accounts_at_address
from database.requests import asked_tasks, identity, packages, source_tasks
from database.requests.packages import parts_of
from database.requests.requested_rights import rights_of
from database.tables import Alarm, DataSubjectRequest, OutboxMail
from domain.requests.collected import collected_from
from domain.requests.data_subject_requests import Kind
from domain.requests.personal_data import Person, Verb
from domain.requests.source_tasks import COPIED
from embedded.sample_company.people import customers
from tests.activities.requests.asked_sources import ALICE, BOB, AskedSources
from tests.scene import NOW, Scene

DAY = timedelta(days=1)
PROSPECT = customers(3)[-1].email
"""Somebody in the company's sources who has no account here."""


class Troubled:
    """A source that does something else before it answers, or instead."""

    def __init__(self, source: DataSource, before: Callable[[], object]) -> None:
        self._source = source
        self._before = before
        self.about: Description = source.about
        self.heard: list[str] = []

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        def asked(person: Person, call: Call) -> object:
            self.heard.append(call.id)
            self._before()
            return getattr(self._source, verb)(person, call)

        return asked


def failing(fault: Exception) -> Callable[[], object]:
    def fail() -> None:
        raise fault

    return fail


def trouble(company: AskedSources, name: str, before: Callable[[], object]) -> Troubled:
    troubled = Troubled(company.sources[name], before)
    company.instead[name] = troubled
    return troubled


def told(scene: Scene, request: DataSubjectRequest) -> Sequence[str]:
    with scene.database.session() as session:
        steps = session.exec(
            select(OutboxMail.step).where(
                OutboxMail.subject_id == request.id, OutboxMail.addressee_kind == "staff"
            )
        ).all()
    return sorted({step.partition("#")[0] for step in steps})


def test_a_try_counts_from_when_it_began(company: AskedSources) -> None:
    """P10: one that waited for a worker asks, and is answered, later than it was asked to."""
    request = company.verified(ALICE, "access")
    began_at = NOW + timedelta(minutes=50)
    environment = ActivityEnvironment()
    environment.info = replace(
        environment.info,
        started_time=environment.info.current_attempt_scheduled_time + (began_at - NOW),
    )
    what = RequestInput(request_id=request.id, now=NOW)
    environment.run(company.activities().ask_sources, what)
    billing = company.tasks(request.id)["billing"]
    assert (billing.created_at, billing.settled_at) == (began_at, began_at)


def test_a_copy_is_asked_of_every_source_and_of_a_processors_only_whether_there_is_anything(
    company: AskedSources,
) -> None:
    """P11, P24: what is held for the clinic is the clinic's to give."""
    request = company.verified(ALICE, "access")
    company.ask(request.id)
    tasks = company.tasks(request.id)
    assert {name: task.verb for name, task in tasks.items()} == {
        "promisekeeper": "export",
        "billing": "export",
        "sessions": "export",
        "marketing": "export",
        "support": "locate",
        "paper": "export",
    }
    assert company.states(request.id) == {**dict.fromkeys(tasks, "done"), "paper": "by_hand"}
    assert tasks["paper"].due_on == date(2026, 3, 7)
    assert told(company.scene, request) == ["source_by_hand"]


def test_of_a_copy_and_what_is_taken_along_each_source_is_asked_once(
    company: AskedSources,
) -> None:
    """P11, P16: and each of the two has all that it gave, also where requests from before asked
    for each."""
    request = company.verified(ALICE, "access", "portability", "inquiry")
    company.ask(request.id)
    company.ask(request.id)
    with company.scene.database.session() as session:
        tasks = source_tasks.tasks_of(session, request.id)
        parts = parts_of(session, request.id)
    asked = Counter((task.source, task.verb) for task in tasks if task.verb == Verb.EXPORT)
    assert {*asked.values()} == {1}
    looked = Counter(task.source for task in tasks if task.verb == Verb.LOCATE)
    assert looked["support"] == 2  # for the copies, and for the inquiry
    files = {kind: {part.file for part in parts if part.kind is kind} for kind in COPIED}
    assert files[Kind.ACCESS] == files[Kind.PORTABILITY] != set()
    with company.scene.database.transaction() as transaction:
        rights = {right.kind: right for right in rights_of(transaction, request.id)}
        assert packages.needs_copy(transaction, rights[Kind.PORTABILITY])
        source_tasks.add_task(transaction, rights[Kind.PORTABILITY], "billing", Verb.EXPORT, NOW)
    company.ask(request.id)
    with company.scene.database.session() as session:
        billing = [one for one in parts_of(session, request.id) if one.task.source == "billing"]
    assert len({one.file for one in billing}) == len(billing) == 2


def test_a_receipt_counts_and_names_nobody_and_the_values_are_encrypted(
    company: AskedSources, tmp_path: Path
) -> None:
    """P31, P32."""
    request = company.verified(ALICE, "access")
    company.ask(request.id)
    task = company.tasks(request.id)["billing"]
    assert task.receipt is not None
    assert task.receipt["held"] == [
        {"category": "Contact details", "rows": 1},
        {"category": "Contract", "rows": 1},
        {"category": "Invoices and payments", "rows": 4},
    ]
    assert "Alice" not in str(task.receipt)
    assert task.file is not None
    kept = collected_from(company.storage.read(task.file))
    assert "Alice Abel" in {record.value for record in kept.records}
    assert kept.title == "Customers, invoices and payments"
    on_disk = [path.read_bytes() for path in (tmp_path / "storage").iterdir()]
    assert len(on_disk) == 4
    assert not any(b"Alice" in content for content in on_disk)


def test_nothing_is_asked_before_it_is_known_who_asks(company: AskedSources) -> None:
    """P19: not even what kind of data there is."""
    request = company.scene.request(ALICE.email, name="Alice Abel", kinds=("access", "inquiry"))
    company.ask(request.id)
    assert company.tasks(request.id) == {}


def test_marketing_stops_everywhere_without_proof(company: AskedSources) -> None:
    """P15, P17: what needs no identity is asked at once, of what is ours to decide."""
    request = company.wants_no_marketing(ALICE)
    company.ask(request.id)
    tasks = company.tasks(request.id)
    assert "support" not in tasks
    assert {task.verb for task in tasks.values()} == {"suppress"}
    stopped = tasks["marketing"].receipt
    assert stopped is not None
    assert {"category": "Marketing contacts", "rows": 1} in stopped["done"]  # type: ignore[operator]


def test_a_source_that_is_silent_holds_up_no_other_and_is_asked_again(
    company: AskedSources,
) -> None:
    request = company.verified(ALICE, "access")
    silent = trouble(company, "billing", failing(SourceUnavailable("billing did not answer.")))
    company.ask(request.id)
    task = company.tasks(request.id)["billing"]
    assert (task.state, task.attempts, task.problem) == ("waiting", 1, "billing did not answer.")
    assert company.states(request.id)["sessions"] == "done"
    with company.scene.database.session() as session:
        standing = source_tasks.standing(session, request, {})
    assert standing is not None
    assert (standing.waiting, standing.next_at) == (("billing",), NOW + timedelta(minutes=1))
    company.instead.clear()
    company.ask(request.id, NOW + timedelta(seconds=59))
    assert company.states(request.id)["billing"] == "waiting"
    company.ask(request.id, NOW + timedelta(minutes=1))
    assert company.states(request.id)["billing"] == "done"
    assert len(silent.heard) == 1


def test_of_a_source_that_is_silent_for_a_day_people_hear_once(company: AskedSources) -> None:
    request = company.verified(ALICE, "access")
    trouble(company, "billing", failing(SourceUnavailable("billing did not answer.")))
    now = NOW
    for _ in range(20):
        company.ask(request.id, now)
        now = company.tasks(request.id)["billing"].next_try_at or now
    assert now - NOW > 3 * DAY
    assert "source_silent" in told(company.scene, request)
    with company.scene.database.session() as session:
        (alarm,) = session.exec(select(Alarm)).all()
    assert (alarm.kind, alarm.content["source"]) == ("source.silent", "billing")


@pytest.mark.parametrize(
    "wrong",
    [
        SourceWrong("billing gave rows that are somebody else's. Nothing was changed."),
        SourceWrong("billing has columns that the data map does not know. Nothing was changed."),
    ],
)
def test_a_source_that_lies_is_put_before_a_person_and_nothing_of_it_is_used(
    company: AskedSources, wrong: SourceWrong
) -> None:
    request = company.verified(ALICE, "access")
    trouble(company, "billing", failing(wrong))
    company.ask(request.id)
    company.ask(request.id, NOW + DAY)
    task = company.tasks(request.id)["billing"]
    assert (task.state, task.problem, task.file) == ("needs_person", str(wrong), None)
    assert "source_wrong" in told(company.scene, request)
    with company.scene.database.session() as session:
        (alarm,) = session.exec(select(Alarm)).all()
    assert alarm.kind == "source.wrong"
    assert "Alice" not in str(alarm.content)


def test_a_fault_of_our_own_in_one_source_is_numbered_and_tried_again(
    company: AskedSources, caplog: pytest.LogCaptureFixture
) -> None:
    request = company.verified(ALICE, "access")
    trouble(company, "billing", failing(RuntimeError("alice@people.example")))
    company.ask(request.id)
    task = company.tasks(request.id)["billing"]
    assert task.state == "waiting"
    assert task.problem.startswith("Asking it goes wrong: incident ")
    assert "alice" not in task.problem + caplog.text


def test_an_answer_that_came_after_the_worker_died_is_settled_once(company: AskedSources) -> None:
    """The same question, with the same id of the call, to a source that did its part already."""
    request = company.wants_no_marketing(ALICE)

    def overtaken() -> None:
        company.instead.clear()
        company.ask(request.id)

    slow = trouble(company, "marketing", overtaken)
    company.ask(request.id)
    task = company.tasks(request.id)["marketing"]
    assert (task.state, task.attempts, slow.heard) == ("done", 1, [str(task.id)])


def test_a_copy_that_came_too_late_leaves_no_file_behind(
    company: AskedSources, tmp_path: Path
) -> None:
    request = company.verified(ALICE, "access")

    def overtaken() -> None:
        company.instead.clear()
        company.ask(request.id)

    trouble(company, "billing", overtaken)
    company.ask(request.id)
    assert len(list((tmp_path / "storage").iterdir())) == 4


def test_asking_again_of_what_is_settled_begins_a_new_round(company: AskedSources) -> None:
    request = company.verified(ALICE, "access")
    company.ask(request.id)
    first = company.tasks(request.id)["billing"]
    again = {"staff_id": company.scene.staff["petra"], "now": NOW}
    company.do(source_tasks.ask_again, request.id, first.id, **again)
    company.do(source_tasks.ask_again, request.id, first.id, **again)
    company.ask(request.id, NOW)
    second = company.tasks(request.id)["billing"]
    assert (second.round, second.state, second.id != first.id) == (2, "done", True)


def test_a_source_that_was_put_right_is_asked_at_once(company: AskedSources) -> None:
    """With another id of the call: one that keeps its answers by that says the wrong one again."""
    request = company.verified(ALICE, "access")
    wrong = trouble(company, "billing", failing(SourceWrong("billing lies. Nothing was changed.")))
    for _ in range(2):
        company.ask(request.id)
        task = company.tasks(request.id)["billing"]
        company.do(
            *(source_tasks.ask_again, request.id, task.id),
            staff_id=company.scene.staff["petra"],
            now=NOW,
        )
    assert wrong.heard == [str(task.id), f"{task.id}/1"]
    company.instead.clear()
    company.ask(request.id)
    settled = company.tasks(request.id)["billing"]
    assert (settled.state, settled.round, settled.problem) == ("done", 1, "")


def test_what_cannot_be_had_needs_a_reason_and_waits_no_more(company: AskedSources) -> None:
    request = company.verified(ALICE, "access")
    company.ask(request.id)
    paper = company.tasks(request.id)["paper"]
    said = {"staff_id": company.scene.staff["petra"], "now": NOW}
    with pytest.raises(asked_tasks.TaskRefused, match="Say why"):
        company.do(source_tasks.give_up, request.id, paper.id, reason=" ", **said)
    company.do(source_tasks.give_up, request.id, paper.id, reason="The cabinet burnt.", **said)
    with company.scene.database.session() as session:
        assert source_tasks.standing(session, request, {}) is None
    with pytest.raises(asked_tasks.TaskRefused, match="Nothing is waited for"):
        company.do(source_tasks.give_up, request.id, paper.id, reason="Again.", **said)


def test_a_task_of_somebody_elses_request_is_not_touched(company: AskedSources) -> None:
    mine, other = company.verified(ALICE, "access"), company.verified(BOB, "access")
    company.ask(mine.id)
    task = company.tasks(mine.id)["billing"]
    with pytest.raises(asked_tasks.TaskRefused, match="no such thing"):
        company.do(
            source_tasks.ask_again,
            other.id,
            task.id,
            staff_id=company.scene.staff["petra"],
            now=NOW,
        )


def test_what_is_no_source_any_more_waits_for_a_person(company: AskedSources) -> None:
    request = company.verified(ALICE, "access")
    trouble(company, "billing", failing(SourceUnavailable("billing did not answer.")))
    company.ask(request.id)
    company.instead.clear()
    company.sources = {name: one for name, one in company.sources.items() if name != "billing"}
    company.ask(request.id, NOW + DAY)
    task = company.tasks(request.id)["billing"]
    assert task.state == "needs_person"
    assert "has no source of this name" in task.problem


def test_a_person_is_only_given_their_own(company: AskedSources) -> None:
    """Bob's request brings Bob's rows, and none of Alice's."""
    request = company.verified(BOB, "access")
    company.ask(request.id)
    files = [task.file for task in company.tasks(request.id).values() if task.file]
    kept = [collected_from(company.storage.read(file)) for file in files]
    values = {str(record.value) for one in kept for record in one.records}
    assert "bob@people.example" in values
    assert not any("alice" in value.lower() for value in values)


def test_a_receipt_names_each_category_of_the_map_once(company: AskedSources) -> None:
    """Nought is an answer too (P10)."""
    request = company.verified(BOB, "access")
    company.ask(request.id)
    task = company.tasks(request.id)["sessions"]
    assert task.receipt is not None
    named = [one["category"] for one in task.receipt["held"]]  # type: ignore[attr-defined]
    assert named == ["Sessions and devices", "Taking part in sessions"]


def test_whoever_proved_an_address_that_only_a_source_has_is_known_by_it(
    company: AskedSources,
) -> None:
    """P19: the newsletter knows her, no account does; first we look, then she is given a copy."""
    with company.scene.database.session() as session:
        assert accounts_at_address(session, PROSPECT) == []
    request = company.scene.request(PROSPECT, kinds=("access",))
    company.ask(request.id)
    assert company.tasks(request.id) == {}
    company.do(identity.confirm_contact, request.id, NOW)
    company.ask(request.id)
    company.ask(request.id)
    with company.scene.database.session() as session:
        row = session.get_one(DataSubjectRequest, request.id)
        assert row.verified_by == identity.BY_SOURCE
        verbs = {(t.source, t.verb) for t in source_tasks.tasks_of(session, request.id)}
    assert {("marketing", "locate"), ("marketing", "export"), ("support", "locate")} <= verbs
    file = company.tasks(request.id)["marketing"].file
    assert file is not None
    kept = collected_from(company.storage.read(file))
    assert PROSPECT in {record.value for record in kept.records}


def test_whoever_proved_an_address_that_nobody_has_is_not_known(company: AskedSources) -> None:
    """P19: that our own database has their request is no proof of anything."""
    request = company.scene.request("nobody@elsewhere.example", kinds=("access",))
    company.do(identity.confirm_contact, request.id, NOW)
    company.ask(request.id)
    with company.scene.database.session() as session:
        row = session.get_one(DataSubjectRequest, request.id)
        assert row.verified_at is None
        assert identity.controls_empty_address(session, row)
    assert {task.verb for task in company.tasks(request.id).values()} == {"locate"}


@pytest.mark.parametrize("kind", ["restriction", "correction", "objection"])
def test_all_sources_look_before_anybody_says_that_nothing_is_held(
    company: AskedSources, kind: str
) -> None:
    """P19: also where the right itself asks nothing of them first."""
    request = company.scene.request(PROSPECT, kinds=(kind,))
    company.do(identity.confirm_contact, request.id, NOW)
    company.ask(request.id)
    with company.scene.database.session() as session:
        row = session.get_one(DataSubjectRequest, request.id)
        assert row.verified_by == identity.BY_SOURCE


def test_paper_too_shows_that_somebody_is_known(company: AskedSources) -> None:
    """P19: what is handed in by hand counts like what a machine found."""
    request = company.scene.request("folder@elsewhere.example", kinds=("inquiry",))
    company.do(identity.confirm_contact, request.id, NOW)
    company.ask(request.id)
    assert company.tasks(request.id)["paper"].state == "by_hand"
    petra = company.scene.staff["petra"]
    with company.scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        assert "paper" in (source_tasks.why_not_nothing(transaction, row) or "")
    company.do(
        source_tasks.hand_in,
        request.id,
        company.tasks(request.id)["paper"].id,
        asked_tasks.ByHand(
            receipt={"held": [{"category": "letters", "rows": 2, "uses": []}], "doubtful": 0},
            evidence="Folder 3",
        ),
        staff_id=petra,
        now=NOW,
    )
    with company.scene.database.session() as session:
        row = session.get_one(DataSubjectRequest, request.id)
        assert row.verified_by == identity.BY_SOURCE
        assert "paper has something" in (source_tasks.why_not_nothing(session, row) or "")


def test_after_a_slow_source_the_others_are_asked_at_the_next_call(
    company: AskedSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P11: so nothing that is done is begun again because the rest took too long."""
    monkeypatch.setattr("activities.requests.sources.ENOUGH", timedelta(0))
    request = company.verified(ALICE, "inquiry")
    settled = []
    while set(company.states(request.id).values()) != {"done", "by_hand"}:
        company.ask(request.id)
        states = company.states(request.id).values()
        settled.append(sum(state != "waiting" for state in states))
    assert settled == list(range(1, len(company.states(request.id)) + 1))
