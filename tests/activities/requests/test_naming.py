"""Staff find out whose account a request is about after its sources were asked by an address: they
are asked of the account, and nothing that was proved or found before counts (P19, P26)."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from activities.requests.identity import fire_rungs
from database.mail.outbox import ACCOUNT, REQUESTER
from database.people.accounts import account_by_external_id
from database.requests import answering, identity, identity_checks, requests, source_tasks
from database.requests.answering import Answer
from database.requests.asked_tasks import TaskRefused
from database.requests.identity import asks_by_mail
from database.requests.naming import NAMED, NotNamed, name_account
from database.requests.packages import parts_of
from database.requests.requested_rights import rights_of
from database.tables import DataSubjectRequest, MarketingRefusal, OutboxMail, SourceTask
from domain.requests.collected import collected_from
from domain.requests.data_subject_requests import Kind, Outcome, State
from domain.requests.identity import OF_IDENTITY, CheckMethod
from domain.requests.personal_data import Verb
from domain.requests.source_tasks import TaskState
from embedded.sample_company.people import customers
from settings import Settings
from tests.activities.requests.asked_sources import ALICE, AskedSources
from tests.scene import NOW

OTHER = customers(3)[-1].email
"""Alice's old address: in the company's sources, and in no account."""
NOWHERE = "alice@elsewhere.example"
KEY = b"s" * 32


def shown(company: AskedSources, address: str, *kinds: str) -> DataSubjectRequest:
    """A request of somebody who proved the address that it came from; the sources were asked."""
    request = company.scene.request(address, name="Alice Abel", kinds=kinds or ("access",))
    company.do(requests.acknowledge, request.id, NOW)
    company.do(identity.confirm_contact, request.id, NOW)
    company.ask(request.id)
    company.ask(request.id)
    return request


def name_alice(company: AskedSources, request: DataSubjectRequest) -> None:
    """Raises NotNamed."""
    with company.scene.database.session() as session:
        account = account_by_external_id(session, ALICE.external_id)
    petra = company.scene.staff["petra"]
    company.do(name_account, request.id, account, KEY, staff_id=petra, now=NOW)


def row_of(company: AskedSources, request: DataSubjectRequest) -> DataSubjectRequest:
    with company.scene.database.session() as session:
        return session.get_one(DataSubjectRequest, request.id)


@pytest.mark.parametrize("address", [NOWHERE, OTHER], ids=["found nowhere", "found and copied"])
def test_the_sources_are_asked_anew_once_the_account_holder_confirmed(
    company: AskedSources, address: str
) -> None:
    """P11, P19: until then nobody is, and in the end the copy has what the account's holder has,
    and nothing from before."""
    request = shown(company, address)
    name_alice(company, request)
    row = row_of(company, request)
    assert (row.state, row.verified_at, row.account_address) == (
        State.WORK,
        None,
        ALICE.email,
    )
    company.ask(request.id)
    assert set(company.states(request.id).values()) == {TaskState.DROPPED}
    for task in company.tasks(request.id).values():
        with pytest.raises(TaskRefused, match="once it is known who asks"):
            company.do(
                source_tasks.ask_again,
                request.id,
                task.id,
                staff_id=company.scene.staff["petra"],
                now=NOW,
            )
    company.do(identity.verify_identity, request.id, how=identity.BY_LINK, now=NOW)
    company.ask(request.id)
    assert company.tasks(request.id)["billing"].verb == Verb.EXPORT
    with company.scene.database.session() as session:
        files = [part.file for part in parts_of(session, request.id)]
    values = {
        str(record.value)
        for file in files
        if file
        for record in collected_from(company.storage.read(file)).records
    }
    assert ALICE.email in values
    assert OTHER not in values


def to_whoever_wrote(company: AskedSources, request: DataSubjectRequest) -> list[str]:
    """The steps of the mails to the address that was typed in."""
    with company.scene.database.session() as session:
        return sorted(
            session.exec(
                select(OutboxMail.step).where(
                    OutboxMail.subject_id == request.id, OutboxMail.addressee_kind == REQUESTER
                )
            )
        )


@pytest.mark.parametrize("confirmed", [True, False], ids=["confirmed before", "confirmed after"])
def test_whoever_wrote_does_not_learn_that_an_account_was_found(
    company: AskedSources, confirmed: bool
) -> None:
    """P19: page and mails stay as they are for whom no account is found; its holder is asked, and
    reminded."""
    named, unknown = (
        company.scene.request(address, name="Alice Abel", kinds=("access",))
        for address in (NOWHERE, "nobody@elsewhere.example")
    )
    for request in (named, unknown):
        company.do(requests.acknowledge, request.id, NOW)
    if confirmed:
        for request in (named, unknown):
            company.do(identity.confirm_contact, request.id, NOW)
    name_alice(company, named)
    if not confirmed:
        for request in (named, unknown):
            company.do(identity.confirm_contact, request.id, NOW)
    numbers = Settings(_env_file=None).identity
    for request in (named, unknown):
        company.do(fire_rungs, request.id, numbers, lambda *_: (), NOW + timedelta(days=15))
    after, other = row_of(company, named), row_of(company, unknown)
    assert (after.state, asks_by_mail(after)) == (other.state, asks_by_mail(other))
    assert after.state == State.WORK
    assert to_whoever_wrote(company, named) == to_whoever_wrote(company, unknown)
    with company.scene.database.session() as session:
        asked = select(OutboxMail.step).where(
            OutboxMail.subject_id == named.id,
            OutboxMail.addressee_kind == ACCOUNT,
            OutboxMail.state == "queued",
        )
        steps = set(session.exec(asked))
    assert NAMED in steps
    assert any(step.startswith(OF_IDENTITY) for step in steps)


def test_what_somebody_was_to_look_up_by_hand_is_looked_up_anew(company: AskedSources) -> None:
    """P11: whoever had it before them does not hand it in of the address."""
    request = shown(company, NOWHERE)
    before = company.tasks(request.id)["paper"]
    assert before.state == TaskState.BY_HAND
    name_alice(company, request)
    company.do(identity.verify_identity, request.id, how=identity.BY_LINK, now=NOW)
    company.ask(request.id)
    after = company.tasks(request.id)["paper"]
    assert (after.state, after.id != before.id) == (TaskState.BY_HAND, True)


def test_marketing_is_stopped_for_the_account_too(company: AskedSources) -> None:
    """P15, P17: it was for the address at once, and the sources are asked of both."""
    request = shown(company, NOWHERE, "access", "marketing_opt_out")
    with company.scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        answering.decide_at_once(
            transaction, row, Kind.MARKETING_OPT_OUT, "We have stopped it.", NOW
        )
    company.ask(request.id)
    name_alice(company, request)
    company.ask(request.id)
    with company.scene.database.session() as session:
        rounds = session.exec(
            select(SourceTask.state).where(
                SourceTask.request_id == request.id,
                SourceTask.verb == Verb.SUPPRESS,
                SourceTask.source == "marketing",
            )
        ).all()
        assert sorted(rounds) == [TaskState.DONE, TaskState.DROPPED]
        assert session.exec(select(MarketingRefusal)).all()


def test_what_is_decided_of_the_address_is_taken_in_again(company: AskedSources) -> None:
    """P22: nobody is answered about an account what was found out of an address."""
    request = shown(company, NOWHERE, "access", "erasure")
    company.do(
        source_tasks.give_up,
        request.id,
        company.tasks(request.id)["paper"].id,
        reason="The cellar is flooded.",
        staff_id=company.scene.staff["petra"],
        now=NOW,
    )
    silent = Answer(outcome=Outcome.UNVERIFIED, explanation="You did not confirm it.")
    with company.scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        decision = answering.propose_decision(
            transaction,
            row,
            silent,
            kind=Kind.ERASURE,
            decided_by=company.scene.staff["petra"],
            now=NOW,
        )
        transaction.flush()
        answering.apply_decision(transaction, row, decision.id, NOW)
    with pytest.raises(NotNamed, match="true time of its receipt"):
        name_alice(company, request)
    assert row_of(company, request).account_id is None


def test_what_is_erased_of_the_address_is_not_erased_of_an_account(company: AskedSources) -> None:
    """P13: whose erasure has begun and is decided again is answered as it began: else the account
    would count as erased where nobody was asked to."""
    request = shown(company, OTHER, "erasure")
    with company.scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        (right,) = rights_of(transaction, row.id)
        source_tasks.add_task(transaction, right, "billing", Verb.ERASE, NOW)
    with pytest.raises(NotNamed, match="true time of its receipt"):
        name_alice(company, request)
    assert company.tasks(request.id)["billing"].state == TaskState.WAITING


def test_what_two_found_out_before_sends_no_answer_past_the_account_holder(
    company: AskedSources,
) -> None:
    """P19: whoever reads mail at the account's address confirmed it, so the answer goes there."""
    request = company.scene.request(NOWHERE, name="Alice Abel", kinds=("access",))
    company.do(requests.acknowledge, request.id, NOW)
    check, paul = checked(company, request), company.scene.staff["paul"]
    company.do(identity_checks.confirm_check, request.id, check, staff_id=paul, now=NOW)
    name_alice(company, request)
    later = NOW + timedelta(hours=1)
    company.do(identity.verify_identity, request.id, how=identity.BY_LINK, now=later)
    with company.scene.database.session() as session:
        assert identity.answer_goes_on_file(session, row_of(company, request))


def test_what_one_found_out_before_is_not_confirmed_after(company: AskedSources) -> None:
    """P19: it says nothing of the account's holder, so it is found out and recorded anew."""
    request = company.scene.request(NOWHERE, name="Alice Abel", kinds=("access",))
    company.do(requests.acknowledge, request.id, NOW)
    before = checked(company, request)
    name_alice(company, request)
    paul = company.scene.staff["paul"]
    with pytest.raises(identity_checks.CheckRefused, match="before one of you named"):
        company.do(identity_checks.confirm_check, request.id, before, staff_id=paul, now=NOW)
    assert row_of(company, request).verified_at is None
    after = checked(company, request, NOW + timedelta(hours=1))
    company.do(identity_checks.confirm_check, request.id, after, staff_id=paul, now=NOW)
    assert row_of(company, request).verified_at == NOW


def checked(company: AskedSources, request: DataSubjectRequest, now: datetime = NOW) -> UUID:
    """The id of what Petra found out of whoever asks."""
    with company.scene.database.transaction() as transaction:
        return identity_checks.record_check(
            transaction,
            transaction.get_one(DataSubjectRequest, request.id),
            method=CheckMethod.CALL_BACK,
            passed=True,
            evidence="Knew her street.",
            staff_id=company.scene.staff["petra"],
            now=now,
        ).id
