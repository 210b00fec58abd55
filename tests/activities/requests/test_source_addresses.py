"""Somebody writes from one address about another, which no account has and a data source has: the
link goes there, and nobody else learns of it (P19)."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlmodel import select

from database.mail.mail_rows import Batch
from database.mail.outbox import ACCOUNT, AT_SOURCE, NO_ADDRESS, addressed, claim
from database.people.links import REQUEST_COPY, REQUEST_STATUS, REQUEST_VERIFY, add_link
from database.requests import codes, ends, erasures, identity, packages
from database.requests.requested_rights import rights_of
from database.tables import DataSubjectRequest, IdentityCode, OutboxMail, SourceAddress
from domain.requests.erasures import ErasureGround
from embedded.sample_company.people import customers
from tests.activities.requests.asked_sources import AskedSources
from tests.scene import NOW

HERS = customers(3)[-1].email
"""In the company's sources, and in no account."""
HER_NEW_ONE = "zoe@elsewhere.example"


def asked_about(company: AskedSources, about: str, *kinds: str) -> DataSubjectRequest:
    """Zoe asks from an address that nobody knows, and names another one."""
    request = company.scene.request(
        HER_NEW_ONE, name="Zoe Zimmer", kinds=kinds or ("access",), about=about
    )
    company.ask(request.id)
    return request


def asks_who_it_is(company: AskedSources, request_id: UUID) -> Sequence[OutboxMail]:
    with company.scene.database.session() as session:
        return session.exec(
            select(OutboxMail)
            .where(
                OutboxMail.subject_id == request_id,
                OutboxMail.template == "request_verification",
            )
            .order_by(OutboxMail.step)
        ).all()


def where_it_goes(company: AskedSources, request_id: UUID, step: str) -> Sequence[str]:
    """The addresses that the mail service is given."""
    with company.scene.database.transaction() as transaction:
        ours = claim(transaction, Batch(subject_id=request_id, step=step), limit=9, now=NOW)
        return [each.address for each in addressed(transaction, ours)] if ours else []


def row_of(company: AskedSources, request_id: UUID) -> DataSubjectRequest:
    with company.scene.database.session() as session:
        return session.get_one(DataSubjectRequest, request_id)


def test_the_link_goes_to_the_address_that_a_source_has(company: AskedSources) -> None:
    """P19: and to nobody before a source was found to have it; once, however often it is asked."""
    request = asked_about(company, HERS)
    company.ask(request.id)
    first, found = asks_who_it_is(company, request.id)
    assert (first.state, first.addressee_kind) == (NO_ADDRESS, ACCOUNT)
    assert (found.step, found.state, found.addressee_kind) == (identity.FOUND, "queued", AT_SOURCE)
    assert where_it_goes(company, request.id, identity.FOUND) == [HERS]
    assert row_of(company, request.id).verified_at is None
    assert {task.verb for task in company.tasks(request.id).values()} == {"locate"}


def test_an_address_that_nobody_has_gets_no_mail(company: AskedSources) -> None:
    """P19: whatever a stranger types."""
    request = asked_about(company, "somebody@elsewhere.example")
    [only] = asks_who_it_is(company, request.id)
    assert only.state == NO_ADDRESS
    with company.scene.database.session() as session:
        assert session.exec(select(SourceAddress)).all() == []
        assert not identity.is_on_file(session, request)


def test_whoever_made_the_request_sees_nothing_of_it(company: AskedSources) -> None:
    """P19: the same codes, tried and counted alike, whether a source has the address or not."""
    known, unknown = asked_about(company, HERS), asked_about(company, "nobody@elsewhere.example")
    with company.scene.database.session() as session:
        codes = session.exec(select(IdentityCode)).all()
        assert {code.request_id for code in codes} == {known.id, unknown.id}
        assert len(codes) == 2
        assert {one.state for one in session.exec(select(DataSubjectRequest))} == {"received"}


@pytest.mark.parametrize(("about", "opens"), [(HERS, True), ("no@elsewhere.example", False)])
def test_the_code_opens_where_a_source_has_the_address(
    company: AskedSources, about: str, *, opens: bool
) -> None:
    request = asked_about(company, about)
    with company.scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        assert codes.try_code(transaction, row, lambda _nonce: True, NOW) is opens


def test_once_confirmed_the_sources_give_a_copy_and_the_answer_goes_there(
    company: AskedSources,
) -> None:
    """P11, P19: never to the address that was typed, which hears only that there is an answer."""
    request = asked_about(company, HERS)
    company.do(identity.confirm_contact, request.id, NOW)
    company.do(identity.verify_identity, request.id, how=identity.BY_LINK, now=NOW)
    company.ask(request.id)
    assert company.tasks(request.id)["marketing"].verb == "export"
    with company.scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        assert identity.answer_goes_on_file(transaction, row)
        assert ends.may_withdraw(transaction, row, REQUEST_VERIFY)
        assert not ends.may_withdraw(transaction, row, REQUEST_STATUS)
        identity.queue_answer(transaction, row, NOW)
    with company.scene.database.session() as session:
        answers = session.exec(
            select(OutboxMail.addressee_kind, OutboxMail.template).where(
                OutboxMail.subject_id == request.id, OutboxMail.step == "answer"
            )
        ).all()
    assert sorted(answers) == [
        ("at_source", "request_answer"),
        ("requester", "request_answer_elsewhere"),
    ]


def test_the_code_for_her_copy_goes_there_too(company: AskedSources) -> None:
    """P11: what is disclosed goes to an address on file."""
    request = asked_about(company, HERS)
    company.do(identity.confirm_contact, request.id, NOW)
    company.do(identity.verify_identity, request.id, how=identity.BY_LINK, now=NOW)
    with company.scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        link = add_link(transaction, purpose=REQUEST_COPY, subject_id=row.id, now=NOW)
        transaction.flush()
        code = packages.new_copy_code(transaction, row, link, NOW)
    assert code is not None
    assert code.addressee_kind == AT_SOURCE


def test_she_is_told_there_when_her_erasure_begins(company: AskedSources) -> None:
    """P13: with the link to think it over."""
    request = asked_about(company, HERS, "erasure")
    company.do(identity.verify_identity, request.id, how=identity.BY_LINK, now=NOW)
    with company.scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        [right] = rights_of(transaction, row.id)
        erasures.grant(transaction, row, right, ErasureGround.CONSENT_WITHDRAWN, NOW)
    with company.scene.database.session() as session:
        told = session.exec(
            select(OutboxMail).where(
                OutboxMail.subject_id == request.id, OutboxMail.template == erasures.ANNOUNCED
            )
        ).one()
    assert told.addressee_kind == AT_SOURCE


def test_whoever_reads_mail_there_may_disown_it(company: AskedSources) -> None:
    """P19: and hears no more of it."""
    request = asked_about(company, HERS)
    company.do(identity.dispute, request.id, by="address on file", now=NOW)
    company.do(codes.remind, request.id, "identity-1", NOW)
    with company.scene.database.session() as session:
        reminder = session.exec(
            select(OutboxMail).where(
                OutboxMail.subject_id == request.id, OutboxMail.step == "identity-1"
            )
        ).one()
    assert (reminder.addressee_kind, reminder.state) == (AT_SOURCE, NO_ADDRESS)
