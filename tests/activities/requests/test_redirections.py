"""What a person is told for whom we keep data about them: that company decides (P19, P24)."""

from collections.abc import Callable

import pytest
from sqlmodel import select

from activities.mail.outbox import Sender
from data_sources.source import Call
from database.mail.mail_rows import Batch
from database.requests import identity, redirections
from database.requests.answering import Answer, apply_decision, propose_decision
from database.requests.packages import held_for_others
from database.requests.sendable import DecisionRefused
from database.tables import DataSubjectRequest
from domain.requests.data_subject_requests import Outcome
from domain.requests.personal_data import Held, Located, Person
from tests.activities.requests.asked_sources import ALICE, AskedSources, Watched
from tests.activities.requests.instructed_sources import CLINIC
from tests.sandbox_server import RunningSandbox
from tests.scene import NOW

PATIENT = "patient@elsewhere.example"
"""Somebody who is known to the clinic alone."""


class Knowing(Watched):
    """The clinic's help desk, which knows the patient."""

    def locate(self, person: Person, _call: Call) -> Located:
        rows = int(PATIENT in person.addresses)
        uses = self.about.categories["Support tickets"]
        held = (Held(category="Support tickets", rows=rows, uses=uses),)
        return Located(source="support", held=held)


def decide(company: AskedSources, request: DataSubjectRequest, outcome: Outcome) -> None:
    with company.scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        decision = propose_decision(
            transaction,
            row,
            Answer(outcome=outcome, explanation="As it is."),
            decided_by=company.scene.staff["petra"],
            now=NOW,
        )
        transaction.flush()
        apply_decision(transaction, row, decision.id, NOW)


def words_of_answer(
    company: AskedSources, sender: Callable[..., Sender], sandbox: RunningSandbox, to: str
) -> str:
    with company.scene.database.session() as session:
        (request,) = session.exec(select(DataSubjectRequest)).all()
    sender().send(Batch(subject_id=request.id), NOW)
    mails = [str(mail["text"]) for mail in sandbox.messages(to=to)]
    (words,) = [text for text in mails if "this is our answer" in text]
    return words


@pytest.mark.parametrize("kind", ["access", "erasure", "correction", "restriction", "objection"])
def test_a_patient_of_the_clinic_alone_is_sent_there(company: AskedSources, kind: str) -> None:
    """P24: nobody may say that nothing is held; the outcome of the whole right is `redirected`."""
    company.instead["support"] = Knowing(company.sources["support"])
    request = company.scene.request(PATIENT, kinds=(kind,))
    company.do(identity.confirm_contact, request.id, NOW)
    company.ask(request.id)
    with company.scene.database.session() as session:
        row = session.get_one(DataSubjectRequest, request.id)
        assert redirections.sent_elsewhere(session, row) == [CLINIC]
    with pytest.raises(DecisionRefused, match="another company"):
        decide(company, request, Outcome.NOTHING_HELD)
    decide(company, request, Outcome.REDIRECTED)
    with company.scene.database.session() as session:
        assert session.get_one(DataSubjectRequest, request.id).outcome == "redirected"


def test_before_anybody_showed_who_they_are_no_company_is_named(
    company: AskedSources, sender: Callable[..., Sender], sandbox: RunningSandbox
) -> None:
    """P19, P24: the same sentence for everybody, and no redirect that would tell of data."""
    request = company.scene.request(ALICE.email, name="Alice Abel", kinds=("access",))
    company.ask(request.id)
    with company.scene.database.session() as session:
        row = session.get_one(DataSubjectRequest, request.id)
        assert redirections.sent_elsewhere(session, row) is None
    with pytest.raises(DecisionRefused, match="showed"):
        decide(company, request, Outcome.REDIRECTED)
    decide(company, request, Outcome.UNVERIFIED)
    words = words_of_answer(company, sender, sandbox, ALICE.email)
    assert "belongs to other companies" in words
    assert CLINIC not in words


def test_once_she_showed_who_she_is_the_answer_names_the_clinic(
    company: AskedSources, sender: Callable[..., Sender], sandbox: RunningSandbox
) -> None:
    """P24: our own part is answered on its own."""
    request = company.verified(ALICE, "inquiry")
    company.ask(request.id)
    with company.scene.database.session() as session:
        assert held_for_others(session, request.id) == [CLINIC]
    decide(company, request, Outcome.FULFILLED)
    words = words_of_answer(company, sender, sandbox, ALICE.email)
    assert f"We also keep data about you for {CLINIC}" in words
