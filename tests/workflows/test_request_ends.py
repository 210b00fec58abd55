"""Requests that end without being judged, on Temporal's own server: their workflow ends too."""

import pytest

from database.people.links import REQUEST_STATUS
from database.people.staff import add_staff
from database.requests.identity import BY_LINK
from domain.requests.data_subject_requests import Outcome
from tests.answers import REFUSAL
from tests.eventually import eventually
from tests.people import DORA
from tests.workflows.conftest import Town
from tests.workflows.living import ended, leap, request_id
from tests.workflows.test_data_subject_request import asks_for_access, look, subjects

pytestmark = pytest.mark.temporal


def test_a_withdrawn_request_is_told_and_reminds_nobody_any_more(running_town: Town) -> None:
    """P21, P22: the mail is out, the workflow has ended, and the ladder is silent."""
    town = running_town
    request = asks_for_access(town)
    town.desk.withdraw_request(request.id, REQUEST_STATUS)
    eventually(lambda: ended(town, request_id(request)))
    assert look(town, request.reference).outcome == "withdrawn"
    assert subjects(town, DORA.email)[-1] == f"Your request {request.reference} is withdrawn"
    sent = len(town.mails())
    leap(town, 31)
    assert len(town.mails()) == sent
    assert look(town, request.reference).policy_breach_at is None


def test_spam_ends_in_words_once_two_agreed(running_town: Town) -> None:
    """P20-P22."""
    town = running_town
    request = asks_for_access(town)
    petra, paul = town.staff["petra"], town.staff["paul"]
    waits = town.desk.end_request(request.reference, petra, Outcome.SPAM, reason="An advertisement")
    assert waits is not None
    town.desk.confirm_end(request.reference, waits.id, paul)
    eventually(lambda: ended(town, request_id(request)))
    assert f"Our answer to your request {request.reference}" in subjects(town, DORA.email)


def test_an_appeal_is_acknowledged_as_one_and_asks_for_nothing_that_is_known(
    running_town: Town,
) -> None:
    """P19, P20, P26: who has shown who they are is not told to wait for a mail that asks it."""
    town = running_town
    request = asks_for_access(town)
    (first,) = town.mails(to=DORA.email, subject=f"We have your request {request.reference}")
    assert "Please open its page" in str(first["text"])
    assert "please follow that mail" in str(first["text"])
    town.desk.verify(request.id, how=BY_LINK)
    decision = town.desk.decide(request.reference, town.staff["petra"], REFUSAL)
    eventually(lambda: look(town, request.reference).state == "review")
    town.desk.confirm(request.reference, decision.id, town.staff["paul"])
    eventually(lambda: ended(town, request_id(request)))
    appeal = town.desk.appeal(request.id, REQUEST_STATUS, "I do not agree.")
    subject = f"We have your request {appeal.reference}"
    (mail,) = eventually(lambda: town.mails(to=DORA.email, subject=subject))
    text = str(mail["text"])
    assert f"you do not agree with our answer to your request {request.reference}" in text
    assert "Please open its page" not in text
    assert "please follow that mail" not in text
    told = eventually(lambda: town.told(request_id(appeal)).get("waits_for", ""))
    assert "everybody in it had a part in the answer that this appeal is against" in told
    assert "promisekeeper staff add HANDLE --role privacy" in told
    with town.database.transaction() as transaction:
        add_staff(
            transaction, handle="piet", name="Piet", email="piet@example.com", roles=["privacy"]
        )
    town.desk.assign(appeal.reference, town.staff["petra"])
    eventually(lambda: "Only one of privacy" in town.told(request_id(appeal))["waits_for"])
