"""Stories of data-subject requests."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from data_sources.by_hand import Typed
from database.people.accounts import AccountRow
from database.requests import packages, source_tasks
from database.requests.answering import Answer
from database.requests.on_paper import letters_to_post
from database.requests.receipts import Receipt
from database.requests.same_person import own_addresses
from database.tables import DataSubjectRequest
from domain.places import local_date
from domain.requests.data_subject_requests import Intake, Kind, Outcome, State
from domain.requests.erasures import ErasureGround
from embedded.sample_company import database as sample_company
from tests.answers import IN_FULL, INVOICES, NOTHING_ERASED, REFUSAL
from tests.eventually import eventually
from tests.people import DORA
from tests.texts import FIRST
from tests.workflows.conftest import Town
from tests.workflows.living import (
    FAILED,
    Recorded,
    Story,
    ended,
    in_a_while,
    kinds_of,
    leap,
    receives,
    request_id,
    trap,
)


def a_request_that_is_answered(town: Town) -> Recorded:
    request = asks_for_access(town)
    town.desk.verify(request.id, how="link to the address on file")
    town.desk.assign(request.reference, town.staff["petra"])
    leap(town, 12)
    town.desk.decide(request.reference, town.staff["petra"], IN_FULL)
    eventually(lambda: ended(town, request_id(request)))
    return {"data-subject-request/answered": (request_id(request), 0)}


def a_request_that_tells_its_end(town: Town) -> Recorded:
    """Since the change `tells-its-end`, as the other two that tell theirs."""
    (answered,) = a_request_that_is_answered(town).values()
    return {"data-subject-request/end_told": answered}


def a_request_refused_by_two(town: Town) -> Recorded:
    request = asks_for_access(town)
    town.desk.verify(request.id, how="link to the address on file")
    decision = town.desk.decide(request.reference, town.staff["petra"], REFUSAL)
    town.desk.confirm(request.reference, decision.id, town.staff["paul"])
    eventually(lambda: ended(town, request_id(request)))
    return {"data-subject-request/refused_by_two": (request_id(request), 0)}


def a_request_for_several_rights(town: Town) -> Recorded:
    """One that needs no proof of identity, one that is fulfilled, one that is refused by two."""
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    request = receives(town, kinds=("access", "erasure", "marketing_opt_out"))
    eventually(lambda: len(town.mails(to=DORA.email)) == 2)
    petra, paul = town.staff["petra"], town.staff["paul"]
    town.desk.decide(request.reference, petra, IN_FULL, Kind.MARKETING_OPT_OUT)
    town.desk.verify(request.id, how="link to the address on file")
    refusal = town.desk.decide(request.reference, petra, NOTHING_ERASED, Kind.ERASURE)
    town.desk.decide(request.reference, petra, IN_FULL, Kind.ACCESS)
    town.desk.confirm(request.reference, refusal.id, paul)
    eventually(lambda: ended(town, request_id(request)))
    return {"data-subject-request/several_rights": (request_id(request), 0)}


def a_request_whose_person_never_says_who_they_are(town: Town) -> Recorded:
    request = asks_for_access(town)
    leap(town, 20)
    return {"data-subject-request/identity_awaited": (request_id(request), 0)}


def a_request_that_is_overdue(town: Town) -> Recorded:
    request = asks_for_access(town)
    town.desk.verify(request.id, how="link to the address on file")
    leap(town, 33)
    town.desk.decide(
        request.reference,
        town.staff["petra"],
        Answer(outcome=Outcome.FULFILLED, explanation="Here it is, late.", evidence="by courier"),
    )
    eventually(lambda: ended(town, request_id(request)))
    return {"data-subject-request/overdue_with_late_reply": (request_id(request), 0)}


def a_request_while_the_mail_service_is_down(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.mail.misbehave("401", times=2)
    request = receives(town)
    in_a_while(town, lambda: town.mails(to=DORA.email))
    leap(town, 3)
    return {"data-subject-request/mail_service_down": (request_id(request), 0)}


def a_request_that_goes_wrong(town: Town) -> Recorded:
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    with trap(town, "UPDATE ON outbox_mail"):
        request = receives(town)
        eventually(lambda: kinds_of(town, request_id(request)).count(FAILED) >= 2)
    eventually(lambda: len(town.mails(to=DORA.email)) == 2)
    leap(town, 12)
    return {"data-subject-request/goes_wrong": (request_id(request), 0)}


def a_request_that_continues_as_new(town: Town) -> Recorded:
    """While it goes wrong, and again on its way up the ladder."""
    ((request, _),) = a_request_that_goes_wrong(town).values()
    return {
        "data-subject-request/continued_as_new": (request, 0),
        "data-subject-request/continued_from_another_run": (request, 1),
    }


def a_request_that_is_answered_on_paper(town: Town) -> Recorded:
    """Nothing goes out by mail; it is acknowledged once that was printed and posted."""
    town.put_in_force(FIRST)
    request = writes_a_letter(town)
    town.come_to_rest()
    assert state_of(town, request) == State.RECEIVED
    leap(town, 2)
    post_what_waits(town, request)
    eventually(lambda: state_of(town, request) == State.IDENTITY)
    town.desk.verify(request.id, how="two of us, at the counter")
    town.desk.decide(request.reference, town.staff["petra"], IN_FULL)
    eventually(lambda: ended(town, request_id(request)))
    post_what_waits(town, request)
    return {"data-subject-request/on_paper": (request_id(request), 0)}


def writes_a_letter(town: Town) -> DataSubjectRequest:
    """Dora has no mailbox, and staff take in what she wrote."""
    letter = Intake(
        name=DORA.name or "", contact_address="", postal_address="Am Bach 3", kinds=("access",)
    )
    return town.desk.enter(letter, town.staff["petra"], channel="post", received_at=town.now())


def post_what_waits(town: Town, request: DataSubjectRequest) -> None:
    with town.database.session() as session:
        [(letter, _)] = letters_to_post(session)
    town.desk.note_posted(
        request.reference,
        letter.id,
        town.staff["petra"],
        posted_on=local_date(town.now(), town.desk.company.zone),
        proof="RR 12 345",
    )


def state_of(town: Town, request: DataSubjectRequest) -> str:
    with town.database.session() as session:
        return session.get_one(DataSubjectRequest, request.id).state


def a_request_that_the_machine_answers(town: Town) -> Recorded:
    """Marketing stops when it is taken in; what is left are the mails."""
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    request = receives(town, kinds=("marketing_opt_out",))
    eventually(lambda: ended(town, request_id(request)))
    return {"data-subject-request/answered_at_once": (request_id(request), 0)}


def a_request_that_is_acknowledged_and_whose_letter_came_earlier(town: Town) -> Recorded:
    """Somebody acts on a step; then its due time moves, and its ladder is armed anew."""
    request = asks_for_access(town)
    leap(town, 12)
    town.desk.acknowledge(request.reference, town.staff["petra"])
    earlier = Receipt(received_at=request.received_at - timedelta(days=10), country="DE")
    town.desk.correct_receipt(request.reference, town.staff["petra"], earlier)
    leap(town, 3)
    return {"data-subject-request/acknowledged_and_armed_anew": (request_id(request), 0)}


def a_request_whose_sources_take_their_time(town: Town) -> Recorded:
    """The company's database is away for an hour, paper is looked up by hand, two let the copy go;
    and the answer goes out once marketing has stopped everywhere."""
    town.put_in_force(FIRST)
    town.import_accounts(CUSTOMER)
    intake = Intake(
        name="Dora Dahl",
        contact_address=CUSTOMER.email,
        kinds=("access", "marketing_opt_out"),
    )
    request = town.desk.receive(intake, channel="web")
    town.desk.verify(request.id, how="link to the address on file")
    eventually(lambda: "waiting" in standing_of(town, request).values())
    town.come_to_rest()
    sample_company.make(town.settings.sample_company, others=3)
    town.advance(hours=1)
    eventually(lambda: set(standing_of(town, request).values()) == {"done", "by_hand"})
    petra, paul = town.staff["petra"], town.staff["paul"]
    for task in tasks_by_hand(town, request):
        typed = Typed(
            rows={"Contracts": "0"}, evidence="Looked through the cabinet: nothing under D."
        )
        town.desk.hand_in(request.reference, task, petra, typed)
    let_the_copy_go(town, request)
    answer = Answer(outcome=Outcome.FULFILLED, explanation="Here is your copy.")
    town.desk.decide(request.reference, paul, answer, Kind.ACCESS)
    eventually(lambda: ended(town, request_id(request)))
    return {"data-subject-request/sources_asked": (request_id(request), 0)}


def a_request_that_erases(town: Town) -> Recorded:
    """Two grant it, the person thinks it over, paper is destroyed by hand, the answer goes out, and
    last of all our own database forgets who it was."""
    town.put_in_force(FIRST)
    town.import_accounts(CUSTOMER)
    sample_company.make(town.settings.sample_company, others=3)
    request = receives(town, kinds=("erasure",))
    town.desk.verify(request.id, how="link to the address on file")
    eventually(lambda: set(standing_of(town, request).values()) == {"done", "by_hand"})
    petra, paul = town.staff["petra"], town.staff["paul"]
    granted = replace(INVOICES, erasure_ground=ErasureGround.NO_LONGER_NECESSARY)
    decision = town.desk.decide(request.reference, petra, granted)
    town.desk.confirm(request.reference, decision.id, paul)
    leap(town, 3)
    eventually(lambda: ("paper", "erase") in standing_of(town, request))
    for task in tasks_by_hand(town, request):
        typed = Typed(rows={"Contracts": "1"}, evidence="The folder went through the shredder.")
        town.desk.hand_in(request.reference, task, petra, typed)
    eventually(lambda: ended(town, request_id(request)))
    return {"data-subject-request/erased": (request_id(request), 0)}


CUSTOMER = AccountRow(external_id="a-dora", email=DORA.email, name=DORA.name)
"""Dora as the invented company knows her."""


def standing_of(town: Town, request: DataSubjectRequest) -> dict[tuple[str, str], str]:
    """How each source stands, by its name and what it is asked."""
    with town.database.session() as session:
        return {(t.source, t.verb): t.state for t in source_tasks.tasks_of(session, request.id)}


def tasks_by_hand(town: Town, request: DataSubjectRequest) -> list[UUID]:
    with town.database.session() as session:
        tasks = source_tasks.tasks_of(session, request.id)
        return [task.id for task in tasks if task.state == "by_hand"]


def let_the_copy_go(town: Town, request: DataSubjectRequest) -> None:
    """Petra looks at what may tell of others and puts it forward, Paul releases it."""
    petra, paul = town.staff["petra"], town.staff["paul"]
    with town.database.session() as session:
        parts = packages.parts_of(session, request.id)
        own = own_addresses(session, request)
    for part, one in zip(parts, town.desk.collected(parts), strict=True):
        words = dict.fromkeys(one.to_look_at(own), "[taken out]")
        if words:
            town.desk.redact(request.reference, part.task.id, petra, words)
    with town.database.session() as session:
        seen = packages.seen_in(packages.parts_of(session, request.id))
    town.desk.put_forward(request.reference, seen, petra)
    town.desk.release_copy(request.reference, seen, paul)


def asks_for_access(town: Town) -> DataSubjectRequest:
    """And both mails are out: that it came, and the link that shows who she is."""
    town.put_in_force(FIRST)
    town.import_accounts(DORA)
    request = receives(town)
    eventually(lambda: len(town.mails(to=DORA.email)) == 2)
    return request


STORIES = (
    Story(live=a_request_that_is_answered, paths=("data-subject-request/answered",)),
    Story(live=a_request_that_is_answered_on_paper, paths=("data-subject-request/on_paper",)),
    Story(live=a_request_that_tells_its_end, paths=("data-subject-request/end_told",)),
    Story(
        live=a_request_that_the_machine_answers,
        paths=("data-subject-request/answered_at_once",),
    ),
    Story(
        live=a_request_whose_sources_take_their_time,
        paths=("data-subject-request/sources_asked",),
        settings={"data_map": ""},  # the invented company's
    ),
    Story(
        live=a_request_that_erases,
        paths=("data-subject-request/erased",),
        settings={"data_map": ""},  # the invented company's
    ),
    Story(live=a_request_refused_by_two, paths=("data-subject-request/refused_by_two",)),
    Story(live=a_request_for_several_rights, paths=("data-subject-request/several_rights",)),
    Story(
        live=a_request_whose_person_never_says_who_they_are,
        paths=("data-subject-request/identity_awaited",),
    ),
    Story(
        live=a_request_that_is_acknowledged_and_whose_letter_came_earlier,
        paths=("data-subject-request/acknowledged_and_armed_anew",),
    ),
    Story(live=a_request_that_is_overdue, paths=("data-subject-request/overdue_with_late_reply",)),
    Story(
        live=a_request_while_the_mail_service_is_down,
        paths=("data-subject-request/mail_service_down",),
    ),
    Story(live=a_request_that_goes_wrong, paths=("data-subject-request/goes_wrong",)),
    Story(
        live=a_request_that_continues_as_new,
        paths=(
            "data-subject-request/continued_as_new",
            "data-subject-request/continued_from_another_run",
        ),
        server_settings={"limit.historyCount.suggestContinueAsNew": 20},
    ),
)
