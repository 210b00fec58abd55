"""Who asks, in the database: what is written for whom, what is sent to whom, what is held (P19)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, event
from sqlmodel import Session, select

from database.requests import (
    answering,
    asked_tasks,
    codes,
    identity,
    identity_checks,
    requests,
    source_tasks,
)
from database.requests.answering import Answer
from database.requests.identity_checks import CheckRefused
from database.requests.sendable import DecisionRefused
from database.tables import (
    DataSubjectRequest,
    Fact,
    IdentityCode,
    IdentityEvidence,
    Link,
)
from domain.requests.data_subject_requests import Kind, Outcome
from domain.requests.identity import CheckMethod
from domain.requests.personal_data import OWN_SOURCE, DataRole
from tests.people import DORA
from tests.scene import NOW, ONE_HOUR, Scene

ELSEWHERE = "dora@elsewhere.example"
NOBODYS = "nobody@people.example"
FULFILLED = Answer(outcome=Outcome.FULFILLED, explanation="We hold your name.")
NOTHING_HELD = Answer(outcome=Outcome.NOTHING_HELD, explanation="Nothing is held.")
UNVERIFIED = Answer(outcome=Outcome.UNVERIFIED, explanation="You did not confirm it.")


@pytest.fixture
def asked(scene: Scene) -> DataSubjectRequest:
    """From another mailbox, Dora asks for a copy of what is in her account."""
    scene.import_accounts(DORA)
    return scene.request(ELSEWHERE, about=DORA.email)


@contextmanager
def the_row(
    scene: Scene, request: DataSubjectRequest
) -> Iterator[tuple[Session, DataSubjectRequest]]:
    with scene.database.transaction() as transaction:
        yield transaction, transaction.get_one(DataSubjectRequest, request.id)


def look(scene: Scene, request: DataSubjectRequest) -> DataSubjectRequest:
    with scene.database.session() as session:
        return session.get_one(DataSubjectRequest, request.id)


def mails(scene: Scene, request: DataSubjectRequest, step: str) -> dict[str, str]:
    """By kind of addressee, what becomes of the mails of a step: its template, or its state."""
    with scene.database.session() as session:
        return {
            mail.addressee_kind: mail.template if mail.state == "queued" else mail.state
            for mail in requests.mails_of(session, request.id)
            if mail.step == step
        }


def last_code(scene: Scene, request: DataSubjectRequest) -> bytes:
    with scene.database.session() as session:
        code = codes.live_code(session, look(scene, request), NOW)
    assert code is not None
    return code.nonce


def acknowledge(scene: Scene, request: DataSubjectRequest) -> None:
    with the_row(scene, request) as (transaction, row):
        requests.acknowledge(transaction, row, NOW)


def guess(
    scene: Scene,
    request: DataSubjectRequest,
    opens: Callable[[bytes], bool] = lambda _: False,
    now: datetime = NOW,
) -> bool:
    with the_row(scene, request) as (transaction, row):
        return codes.try_code(transaction, row, opens, now)


def ask_again(scene: Scene, request: DataSubjectRequest, now: datetime = NOW) -> bool:
    with the_row(scene, request) as (transaction, row):
        return codes.ask_again(transaction, row, now)


def confirm(scene: Scene, request: DataSubjectRequest, now: datetime = NOW) -> None:
    with the_row(scene, request) as (transaction, row):
        identity.confirm_contact(transaction, row, now)


def verify(scene: Scene, request: DataSubjectRequest, now: datetime = NOW) -> bool:
    with the_row(scene, request) as (transaction, row):
        return identity.verify_identity(transaction, row, how=identity.BY_LINK, now=now)


def hold(scene: Scene, request: DataSubjectRequest, now: datetime = NOW) -> bool:
    with the_row(scene, request) as (transaction, row):
        return identity.hold_disclosure(transaction, row, now)


def answer(
    scene: Scene,
    request: DataSubjectRequest,
    what: Answer,
    now: datetime = NOW,
    kind: Kind | None = None,
) -> None:
    with the_row(scene, request) as (transaction, row):
        decision = answering.propose_decision(
            transaction, row, what, kind=kind, decided_by=scene.staff["petra"], now=now
        )
        transaction.flush()
        answering.apply_decision(transaction, row, decision.id, now)


def check(
    scene: Scene, request: DataSubjectRequest, *, passed: bool = True, by: str = "petra"
) -> UUID:
    with the_row(scene, request) as (transaction, row):
        return identity_checks.record_check(
            transaction,
            row,
            method=CheckMethod.CALL_BACK,
            passed=passed,
            evidence="Called 030 1234; knew the last invoice.",
            staff_id=scene.staff[by],
            now=NOW,
        ).id


def confirm_check(
    scene: Scene, request: DataSubjectRequest, which: UUID, *, by: str = "paul"
) -> None:
    with the_row(scene, request) as (transaction, row):
        identity_checks.confirm_check(transaction, row, which, staff_id=scene.staff[by], now=NOW)


def moves(scene: Scene, to: str, now: datetime) -> None:
    """The company says that Dora has another address."""
    scene.import_accounts(replace(DORA, email=to), now=now)


@contextmanager
def told() -> Iterator[list[str]]:
    """The statements that databases are told meanwhile, without their values."""
    statements: list[str] = []

    def note(*given: object) -> None:
        statements.append(str(given[2]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def rows_of(scene: Scene, request: DataSubjectRequest) -> dict[str, object]:
    """What is written of a request, but for ids, bytes and the one word about the address."""
    with scene.database.session() as session:
        facts = session.exec(select(Fact).where(Fact.subject_id == request.id)).all()
        links = session.exec(select(Link).where(Link.subject_id == request.id)).all()
        codes = session.exec(
            select(IdentityCode).where(IdentityCode.request_id == request.id)
        ).all()
        return {
            "facts": sorted((fact.kind, *sorted(fact.payload)) for fact in facts),
            "links": sorted((link.purpose, str(link.expires_at)) for link in links),
            "codes": [(code.asked_at, code.tries, code.used_at) for code in codes],
            "mails": sorted(
                (mail.step, mail.template, mail.addressee_kind, mail.language)
                for mail in requests.mails_of(session, request.id)
            ),
        }


def test_the_same_is_written_whether_somebody_is_known_or_not(scene: Scene) -> None:
    """P19: row by row, from receipt over wrong codes and other codes to the confirming click."""
    scene.import_accounts(DORA)
    known = scene.request(ELSEWHERE, about=DORA.email)
    unknown = scene.request(ELSEWHERE, about=NOBODYS)
    assert rows_of(scene, known) == rows_of(scene, unknown)
    for step in (guess, ask_again, guess, confirm, ask_again, ask_again):
        done = []
        for request in (known, unknown):
            with told() as statements:
                step(scene, request)
            done.append(statements)
        assert done[0] == done[1]
        assert rows_of(scene, known) == rows_of(scene, unknown)
        assert look(scene, known).state == look(scene, unknown).state
    assert mails(scene, known, "verification_2") == {"account": "request_verification"}
    assert mails(scene, unknown, "verification_2") == {"account": "no_address"}


def test_a_request_is_taken_in_by_the_same_statements_known_or_not(scene: Scene) -> None:
    """P19: how long it takes tells nothing either. Of who is known there is a row to read more."""
    scene.import_accounts(DORA)
    scene.request(NOBODYS)  # what is done the first time only is done
    done = []
    for address in (DORA.email, NOBODYS):
        with told() as statements:
            scene.request(address)
        done.append(statements)
    assert done[0] == done[1]


def test_the_right_code_proves_who_somebody_is_and_confirms_their_address(
    scene: Scene, asked: DataSubjectRequest
) -> None:
    """P19: typed on the page of the request, by whoever reads mail at both addresses."""
    nonce = last_code(scene, asked)
    acknowledge(scene, asked)
    assert guess(scene, asked, lambda of: of == nonce)
    verified = look(scene, asked)
    assert (verified.verified_by, verified.state) == (codes.BY_CODE, "work")
    assert verified.contact_confirmed_at == NOW
    assert not guess(scene, asked, lambda _: True)


@pytest.mark.parametrize("minutes", [0, 29, 30])
def test_a_code_opens_nothing_after_half_an_hour(
    scene: Scene, asked: DataSubjectRequest, minutes: int
) -> None:
    """P19."""
    opened = guess(scene, asked, lambda _: True, NOW + timedelta(minutes=minutes))
    assert opened == (minutes < 30)


def test_five_wrong_codes_shut_the_right_one_out_and_another_one_lets_in(
    scene: Scene, asked: DataSubjectRequest
) -> None:
    """P19."""
    for _ in range(5):
        assert not guess(scene, asked)
    assert not guess(scene, asked, lambda _: True)
    assert ask_again(scene, asked)
    assert mails(scene, asked, "verification_2") == {"account": "request_verification"}
    assert guess(scene, asked, lambda _: True)


def test_another_code_takes_the_place_of_the_last(scene: Scene, asked: DataSubjectRequest) -> None:
    """P19: and there are three in an hour."""
    first = last_code(scene, asked)
    assert ask_again(scene, asked)
    assert not guess(scene, asked, lambda of: of == first)
    assert ask_again(scene, asked)
    assert not ask_again(scene, asked)
    assert ask_again(scene, asked, NOW + ONE_HOUR)


def test_a_code_by_chance_opens_nothing_where_nobody_is(scene: Scene) -> None:
    """P19: nobody has an address on file, so nobody was sent one."""
    unknown = scene.request(ELSEWHERE, about=NOBODYS)
    assert not guess(scene, unknown, lambda _: True)
    assert look(scene, unknown).verified_at is None


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_confirming_click_is_enough_where_the_request_is_about_that_address(
    scene: Scene, when: str
) -> None:
    """P19: it proves control of it, on file or not; and to both the same is said. Before or after
    we noted that the acknowledgement went out."""
    scene.import_accounts(DORA)
    known, unknown = scene.request(DORA.email), scene.request(NOBODYS)
    acts = (confirm, acknowledge) if when == "before" else (acknowledge, confirm)
    for act in acts:
        for request in (known, unknown):
            act(scene, request)
        assert look(scene, known).state == look(scene, unknown).state
    assert look(scene, known).state == "work"
    assert look(scene, known).verified_at == NOW
    assert look(scene, unknown).verified_at is None
    assert not identity.awaits_identity(look(scene, unknown))


def test_that_nothing_is_held_is_told_to_whoever_controls_the_address_and_nobody_else(
    scene: Scene,
) -> None:
    """P19: not before the click, not of another address, not where there is an account."""
    scene.import_accounts(DORA)
    unknown, other = scene.request(NOBODYS), scene.request(ELSEWHERE, about="no@people.example")
    known = scene.request(DORA.email)
    for request in (unknown, other, known):
        with pytest.raises(DecisionRefused, match="only to whoever proved control"):
            answer(scene, request, NOTHING_HELD)
        confirm(scene, request)
    for request in (other, known):
        with pytest.raises(DecisionRefused, match="only to whoever proved control"):
            answer(scene, request, NOTHING_HELD)
    with pytest.raises(DecisionRefused, match="identity is verified"):
        answer(scene, unknown, FULFILLED)
    with pytest.raises(DecisionRefused, match="No data source has been asked yet"):
        answer(scene, unknown, NOTHING_HELD)
    with the_row(scene, unknown) as (transaction, row):
        source_tasks.plan(transaction, row, {OWN_SOURCE: DataRole.CONTROLLER}, NOW)
    with pytest.raises(DecisionRefused, match="Not every data source has said yet"):
        answer(scene, unknown, NOTHING_HELD)
    with the_row(scene, unknown) as (transaction, row):
        (task,) = source_tasks.tasks_of(transaction, row.id)
        assert asked_tasks.settle(transaction, task, {"held": []}, NOW)
    answer(scene, unknown, NOTHING_HELD)
    assert mails(scene, unknown, "answer") == {"requester": "request_answer"}


def test_a_click_proves_nothing_of_another_address(scene: Scene) -> None:
    """P19: it waits for the code or the link that went there, whether somebody is there or not."""
    scene.import_accounts(DORA)
    for about in (DORA.email, NOBODYS):
        request = scene.request(ELSEWHERE, about=about)
        acknowledge(scene, request)
        confirm(scene, request)
        assert look(scene, request).state == "identity"
        assert identity.awaits_identity(look(scene, request))


def test_an_account_that_came_since_is_not_nothing(scene: Scene) -> None:
    """P19: what is told is looked at when it is told."""
    unknown = scene.request(DORA.email)
    confirm(scene, unknown)
    scene.import_accounts(DORA, now=NOW)
    with pytest.raises(DecisionRefused, match="where there is no account"):
        answer(scene, unknown, NOTHING_HELD)


def test_what_is_disclosed_goes_to_the_address_on_file_and_not_to_the_one_typed_in(
    scene: Scene, asked: DataSubjectRequest
) -> None:
    """P19: the contact address, once confirmed, hears that there is an answer."""
    confirm(scene, asked)
    verify(scene, asked)
    answer(scene, asked, FULFILLED)
    assert mails(scene, asked, "answer") == {
        "account": "request_answer",
        "requester": "request_answer_elsewhere",
    }


def test_a_contact_address_that_nobody_confirmed_hears_nothing_of_what_is_disclosed(
    scene: Scene, asked: DataSubjectRequest
) -> None:
    """P19."""
    verify(scene, asked)
    answer(scene, asked, FULFILLED)
    assert mails(scene, asked, "answer") == {"account": "request_answer"}


@pytest.mark.parametrize("about", ["", DORA.email, NOBODYS])
def test_an_answer_is_owed_to_who_never_confirmed_anything(scene: Scene, about: str) -> None:
    """P19, P21: it discloses nothing, and goes to the address typed in."""
    scene.import_accounts(DORA)
    request = scene.request(ELSEWHERE, about=about)
    answer(scene, request, UNVERIFIED)
    assert mails(scene, request, "answer") == {"requester": "request_answer"}


def test_reminders_go_to_the_address_on_file_and_to_a_confirmed_contact_address(
    scene: Scene,
) -> None:
    """P19: at the same moments and in the same words, known or not; never before the click."""
    scene.import_accounts(DORA)
    known = scene.request(ELSEWHERE, about=DORA.email)
    unknown = scene.request(ELSEWHERE, about=NOBODYS)
    same = scene.request(DORA.email)

    def remind(step: str) -> list[dict[str, str]]:
        for request in (known, unknown, same):
            with the_row(scene, request) as (transaction, row):
                codes.remind(transaction, row, step, NOW)
        return [mails(scene, request, step) for request in (known, unknown, same)]

    on_file = {"account": "request_verification_reminder"}
    assert remind("identity-1") == [on_file, {}, on_file]
    confirm(scene, known)
    confirm(scene, unknown)
    to_contact = {"requester": "request_identity_reminder"}
    assert remind("identity-3") == [on_file | to_contact, to_contact, on_file]


def test_a_right_that_needs_no_identity_is_done_before_anybody_proves_anything(
    scene: Scene,
) -> None:
    """P17, P19: and is not what nothing is held of."""
    request = scene.request(NOBODYS, kinds=("marketing_opt_out",))
    assert mails(scene, request, "verification") == {}
    confirm(scene, request)
    with pytest.raises(DecisionRefused, match="only to whoever proved control"):
        answer(scene, request, NOTHING_HELD)
    answer(scene, request, FULFILLED)


def test_who_is_at_an_address_on_file_stops_a_request_that_is_not_theirs(
    scene: Scene, asked: DataSubjectRequest
) -> None:
    """P19: no link or code proves it any more, and nobody there is asked again."""
    with the_row(scene, asked) as (transaction, row):
        assert identity.dispute(transaction, row, by="address on file", now=NOW)
        assert not identity.dispute(transaction, row, by="address on file", now=NOW)
    assert not verify(scene, asked)
    assert ask_again(scene, asked)
    assert mails(scene, asked, "verification_2") == {"account": "no_address"}
    with the_row(scene, asked) as (transaction, row):
        codes.remind(transaction, row, "identity-1", NOW)
    assert mails(scene, asked, "identity-1") == {"account": "no_address"}


@pytest.mark.parametrize("disowned", [False, True])
def test_a_confirmed_contact_is_reminded_whether_or_not_the_holder_disowned_it(
    scene: Scene, asked: DataSubjectRequest, *, disowned: bool
) -> None:
    """P19: as about an address that nobody has, so that silence tells of no account."""
    unknown = scene.request(ELSEWHERE, about=NOBODYS)
    for request in (asked, unknown):
        confirm(scene, request)
    if disowned:
        with the_row(scene, asked) as (transaction, row):
            identity.dispute(transaction, row, by="address on file", now=NOW)
    reminded = []
    for request in (asked, unknown):
        with the_row(scene, request) as (transaction, row):
            codes.remind(transaction, row, "identity-1", NOW)
        reminded.append(mails(scene, request, "identity-1")["requester"])
    assert reminded == ["request_identity_reminder"] * 2


def test_what_was_proved_and_is_then_disputed_discloses_nothing(
    scene: Scene, asked: DataSubjectRequest
) -> None:
    """P19: until two of the team found out who asks."""
    verify(scene, asked)
    with the_row(scene, asked) as (transaction, row):
        identity.dispute(transaction, row, by="former address", now=NOW)
    with pytest.raises(DecisionRefused, match="not theirs"):
        answer(scene, asked, FULFILLED)
    confirm_check(scene, asked, check(scene, asked))
    answer(scene, asked, FULFILLED)
    assert mails(scene, asked, "answer") == {"requester": "request_answer"}


def test_two_of_the_team_find_out_who_asks_when_the_mailbox_is_gone(
    scene: Scene, asked: DataSubjectRequest
) -> None:
    """P19: method and result stay, what they rest on goes with the answer."""
    checked = check(scene, asked)
    with pytest.raises(CheckRefused, match="second person"):
        confirm_check(scene, asked, checked, by="petra")
    assert look(scene, asked).verified_at is None
    for _ in range(2):
        confirm_check(scene, asked, checked)
    verified = look(scene, asked)
    assert verified.verified_by == "staff check by two: called back on a number on file"
    answer(scene, asked, FULFILLED)
    assert mails(scene, asked, "answer") == {"requester": "request_answer"}
    with scene.database.session() as session:
        assert session.exec(select(IdentityEvidence)).all() == []
        kept = identity_checks.checks_of(session, verified)[0]
        assert (kept.method, kept.passed) == ("call_back", True)
        assert kept.confirmed_by == scene.staff["paul"]
        assert identity_checks.evidence_of(session, kept) is None


def test_a_check_that_shows_nothing_verifies_nobody(
    scene: Scene, asked: DataSubjectRequest
) -> None:
    """P19: and a later one takes the place of an earlier."""
    passed = check(scene, asked)
    failed = check(scene, asked, passed=False, by="paul")
    with pytest.raises(CheckRefused, match="not the last check"):
        confirm_check(scene, asked, passed)
    with pytest.raises(CheckRefused, match="did not show"):
        confirm_check(scene, asked, failed, by="petra")
    assert look(scene, asked).verified_at is None


def test_nothing_is_checked_where_nothing_is_to_be_found_out(
    scene: Scene, asked: DataSubjectRequest
) -> None:
    """P19."""
    with the_row(scene, asked) as (transaction, row), pytest.raises(CheckRefused, match="Write"):
        identity_checks.record_check(
            transaction,
            row,
            method=CheckMethod.IN_PERSON,
            passed=True,
            evidence="  ",
            staff_id=scene.staff["petra"],
            now=NOW,
        )
    verify(scene, asked)
    with pytest.raises(CheckRefused, match="verified already"):
        check(scene, asked)
    answer(scene, asked, FULFILLED)
    with pytest.raises(CheckRefused, match="answered already"):
        check(scene, asked)


def test_all_accounts_at_an_address_are_covered_by_one_proof(scene: Scene) -> None:
    """P19: staff see the others beside the one it was taken for."""
    twin = replace(DORA, external_id="004-dora-again")
    scene.import_accounts(DORA, twin)
    request = scene.request(DORA.email)
    with scene.database.session() as session:
        first = identity.account_of(session, request)
        others = identity.other_accounts(session, request)
    assert first is not None
    assert {first.external_id, *(one.external_id for one in others)} == {
        DORA.external_id,
        twin.external_id,
    }


def test_proof_that_comes_after_the_answer_changes_nothing_of_it(
    scene: Scene, asked: DataSubjectRequest
) -> None:
    """P19: a new request takes it up."""
    answer(scene, asked, UNVERIFIED)
    assert not verify(scene, asked, NOW + ONE_HOUR)
    assert look(scene, asked).verified_at is None
