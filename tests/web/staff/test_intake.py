"""Staff take in what came by mail, telephone and post, and post the answers (P26, P30)."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from httpx import Response
from sqlmodel import select

from database.requests.identity import verify_identity
from database.requests.identity_checks import checks_of
from database.requests.metrics import request_metrics
from database.requests.on_paper import letters_to_post
from database.requests.reached import answers_in_vain, note_late_answers
from database.requests.receipts import Receipt
from database.requests.requested_rights import kinds_of
from database.requests.requests import acknowledge, record_breach, record_late_reply
from database.requests.same_person import person_asked_about
from database.tables import (
    Account,
    DataSubjectRequest,
    Fact,
    MarketingRefusal,
    OutboxMail,
    PostedLetter,
)
from database.writing import held
from domain.mail.suppressions import keys_of
from domain.requests.data_subject_requests import Kind
from domain.requests.identity import CheckMethod
from domain.requests.personal_data import Verb
from tests.web.world import NOW, World
from workflows.messenger import Refused

NEW = "/staff/requests/new"
LETTER = {
    "channel": "post",
    "received_on": "2026-02-20",
    "received_time": "10:30",
    "kinds": "access",
    "name": "Greta Gruber",
    "contact_address": "greta@example.com",
    "message": "Dear all,\nplease send me a copy.",
    "language": "de",
    "country": "DE",
}
ON_PAPER = {**LETTER, "contact_address": "", "postal_address": "Am Bach 3\n8010 Graz"}


def stored(world: World) -> DataSubjectRequest:
    with world.database.session() as session:
        return session.exec(select(DataSubjectRequest)).one()


def take_in(world: World, handle: str = "priya", **changes: str) -> Response:
    world.enter_as(handle)
    return world.post(NEW, NEW, **{**LETTER, **changes})


def letters_of(world: World) -> list[OutboxMail]:
    with world.database.session() as session:
        return list(session.exec(select(OutboxMail).where(OutboxMail.state != "queued")).all())


@pytest.mark.parametrize(
    ("handle", "status"), [("priya", 200), ("sofia", 200), ("lena", 403), ("otto", 403)]
)
def test_privacy_and_support_take_requests_in(world: World, handle: str, status: int) -> None:
    """P30: support for intake only."""
    world.enter_as(handle)
    assert world.browser.get(NEW).status_code == status


def test_a_letter_counts_from_when_it_truly_came(world: World) -> None:
    """P21, P26: half past ten in Berlin, ten days ago; the law's month begins then."""
    answer = take_in(world)
    request = stored(world)
    assert answer.headers["location"] == f"/staff/requests/{request.reference}"
    assert request.received_at == datetime(2026, 2, 20, 9, 30, tzinfo=UTC)
    assert request.due_at == datetime(2026, 3, 20, 23, tzinfo=UTC)
    assert (request.channel, request.language) == ("post", "de")
    assert "please send me a copy." in request.message
    page = world.browser.get(answer.headers["location"]).text
    assert "Greta Gruber" in page
    with world.database.session() as session:
        fact = session.exec(select(Fact).where(Fact.kind == "request.received")).one()
        assert fact.payload["entered_by"] == str(world.staff["priya"].id)
        assert fact.recorded_at == NOW
    assert world.messenger.started == [f"data-subject-request/{request.id}"]


def test_a_letter_that_lay_for_weeks_is_overdue_at_once(world: World) -> None:
    """P21, P26: earlier freely."""
    take_in(world, received_on="2025-12-01")
    request = stored(world)
    assert request.due_at < NOW
    assert "overdue" in world.browser.get(f"/staff/requests/{request.reference}").text
    with world.database.transaction() as transaction:
        record_breach(transaction, held(transaction, DataSubjectRequest, request.id), NOW)
    page = world.browser.get(f"/staff/requests/{request.reference}").text
    assert "promise was broken on 31 December 2025, 10:30 (Europe/Berlin)." in page
    assert "limit passed on 2 January 2026, 00:00 (Europe/Berlin)." in page


def test_a_receipt_of_another_year_is_asked_about_before_it_is_taken_in(world: World) -> None:
    """P21, P26: a mistyped year is a breach and an alarm; a letter that lay so long is one too."""
    asked = take_in(world, received_on="2006-02-20")
    assert asked.status_code == 422
    assert "more than a year ago. Look at the year" in asked.text
    assert 'name="is_old"' in asked.text
    assert "Greta Gruber" in asked.text
    assert take_in(world, received_on="2006-02-20", is_old="yes").status_code == 303
    assert stored(world).received_at.year == 2006


def test_a_receipt_is_corrected_to_another_year_with_what_it_rests_on(world: World) -> None:
    take_in(world)
    reference, priya = stored(world).reference, world.staff["priya"].id
    old = Receipt(received_at=datetime(2006, 2, 20, tzinfo=UTC), country="DE")
    with pytest.raises(Refused, match="Look at the year"):
        world.desk.correct_receipt(reference, priya, old)
    assert stored(world).received_at.year == 2026
    world.desk.correct_receipt(reference, priya, replace(old, proof="The postmark."))
    assert stored(world).received_at.year == 2006


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"received_on": "2026-03-02", "received_time": "10:01"}, "in the future"),
        ({"received_on": "2026-03-03"}, "in the future"),
        ({"received_on": "yesterday"}, "Give the day and the time"),
        ({"received_time": ""}, "Give the day and the time"),
        ({"received_on": "0001-01-01", "received_time": "00:00"}, "Give the day and the time"),
        ({"channel": "pigeon"}, "Choose how it came"),
        ({"kinds": ""}, "Please choose what you ask for"),
        ({"contact_address": ""}, "Please give an e-mail address"),
        ({"external_id": "nobody"}, "There is no such account"),
        ({"message": "a\x07b"}, "cannot be shown"),
        ({"agent_address": "ann@law.example"}, "Please give your own name too"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    world: World, wrong: dict[str, str], words: str
) -> None:
    answer = take_in(world, **wrong)
    assert answer.status_code == 422
    assert words in answer.text
    assert "Greta Gruber" in answer.text
    with world.database.session() as session:
        assert session.exec(select(DataSubjectRequest)).all() == []


def test_support_learns_what_to_tell_the_person_and_nothing_else(world: World) -> None:
    """P30: the case is privacy's."""
    answer = take_in(world, "sofia", channel="phone")
    request = stored(world)
    page = world.browser.get(answer.headers["location"]).text
    assert request.reference in page
    assert "Greta" not in page
    assert "greta@" not in page
    assert world.browser.get(f"/staff/requests/{request.reference}").status_code == 403
    assert world.browser.get("/staff/requests/letters").status_code == 403


def test_an_account_that_was_named_is_asked_at_its_own_address(world: World) -> None:
    """P19: by telephone anybody can be anybody."""
    take_in(world, channel="phone", external_id="alice")
    request = stored(world)
    assert request.account_id == world.accounts["alice"].id
    assert request.verified_at is None
    with world.database.session() as session:
        sent = {mail.step: mail.addressee_id for mail in session.exec(select(OutboxMail)).all()}
    assert sent["verification"] == world.accounts["alice"].id


def test_whoever_has_no_mailbox_is_written_to_on_paper(world: World) -> None:
    """P26: nothing is queued for the mail service; the letter waits to be printed and posted."""
    world.enter_as("priya")
    world.post(NEW, NEW, **ON_PAPER)
    request = stored(world)
    [letter] = letters_of(world)
    assert (letter.step, letter.state) == ("acknowledgement", "by_post")
    queue = world.browser.get("/staff/requests").text
    assert "letter waits" in queue
    assert "Greta" not in world.browser.get("/staff/requests/letters").text
    case = world.browser.get(f"/staff/requests/{request.reference}").text
    path = f"/staff/requests/{request.reference}/letters/{letter.id}"
    assert f'href="{path}"' in case
    printed = world.browser.get(path).text
    assert "Am Bach 3" in printed
    assert request.reference in printed
    assert "Ihre Anfrage ist bei uns eingegangen" in printed
    assert "Sie erhalten diese E-Mail" not in printed, "it is a letter"
    assert "Wie es um sie steht" in printed
    with world.database.session() as session:
        read = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).all()
    assert len(read) == 2


def account_of_greta(world: World) -> None:
    with world.database.transaction() as transaction:
        transaction.add(
            Account(
                external_id="a-greta",
                email="greta@example.com",
                name="Greta Gruber",
                joined_at=NOW,
                recorded_at=NOW,
            )
        )


def post_letter(world: World, letter: OutboxMail, **fields: str) -> Response:
    path = f"/staff/requests/{stored(world).reference}/letters/{letter.id}"
    given = {"posted_on": "2026-03-02", "proof": "Receipt RR 12 345", **fields}
    return world.post(path, f"{path}/posted", **given)


def test_the_acknowledgement_counts_once_it_was_posted(world: World) -> None:
    """P26: with the day and what proves it; said twice it is noted once."""
    world.enter_as("priya")
    world.post(NEW, NEW, **ON_PAPER)
    [letter] = letters_of(world)
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        acknowledge(transaction, request, NOW)
    assert stored(world).acknowledged_at is None
    told = world.messenger.told
    assert post_letter(world, letter).status_code == 303
    assert world.messenger.told == told + 1
    post_letter(world, letter, proof="Another receipt")
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        acknowledge(transaction, request, NOW)
        proof = transaction.exec(select(PostedLetter)).one()
        assert letters_to_post(transaction) == []
    assert (proof.posted_on, proof.proof) == (date(2026, 3, 2), "Receipt RR 12 345")
    assert proof.recorded_by == world.staff["priya"].id
    assert stored(world).acknowledged_at == NOW
    page = world.browser.get(f"/staff/requests/{stored(world).reference}").text
    assert "Receipt RR 12 345" in page
    assert "0 letters" not in world.browser.get("/staff/requests").text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"posted_on": "2026-03-03"}, "between then and today"),
        ({"posted_on": "2026-03-01"}, "between then and today"),
        ({"posted_on": "soon"}, "Give the day"),
        ({"proof": " "}, "Write what proves it"),
        ({"proof": "a\x00b"}, "control character"),
    ],
)
def test_no_letter_is_posted_without_day_and_proof(
    world: World, fields: dict[str, str], words: str
) -> None:
    world.enter_as("priya")
    world.post(NEW, NEW, **ON_PAPER)
    [letter] = letters_of(world)
    answer = post_letter(world, letter, **fields)
    assert answer.status_code == 409
    assert words in answer.text
    assert letters_of(world)[0].state == "by_post"


def test_a_letter_of_another_request_is_not_found(world: World) -> None:
    world.enter_as("priya")
    world.post(NEW, NEW, **ON_PAPER)
    [letter] = letters_of(world)
    world.post(NEW, NEW, **LETTER)
    with world.database.session() as session:
        other = session.exec(
            select(DataSubjectRequest).where(DataSubjectRequest.contact_email != "")
        ).one()
        queued = session.exec(select(OutboxMail).where(OutboxMail.state == "queued")).all()
    path = f"/staff/requests/{other.reference}/letters"
    assert world.browser.get(f"{path}/{letter.id}").status_code == 404
    assert world.browser.get(f"{path}/{queued[0].id}").status_code == 404


def test_an_answer_that_was_posted_too_late_is_a_breach(world: World) -> None:
    """P21: decided at once, and left lying until the day after."""
    world.enter_as("priya")
    form = {**ON_PAPER, "kinds": "objection_marketing", "external_id": "a-greta"}
    account_of_greta(world)
    world.post(NEW, NEW, **form)
    answer = next(letter for letter in letters_of(world) if letter.step == "answer")
    page = world.browser.get(f"/staff/requests/{stored(world).reference}/letters/{answer.id}").text
    assert "Das haben wir beendet" in page
    world.desk.clock.advance(timedelta(days=25))
    post_letter(world, answer, posted_on="2026-03-21")
    assert stored(world).statutory_breach_at == NOW + timedelta(days=25)
    assert stored(world).policy_breach_at is None


def test_marketing_is_stopped_once_staff_found_whose_letter_it_is(world: World) -> None:
    """P15, P17, P26: before, nobody says that it was; the machine answers when it is."""
    account_of_greta(world)
    world.enter_as("priya")
    world.post(NEW, NEW, **{**ON_PAPER, "kinds": "marketing_opt_out"})
    case = f"/staff/requests/{stored(world).reference}"
    assert "Nothing is stopped yet" in world.browser.get(case).text
    assert stored(world).answered_at is None
    assert [letter.step for letter in letters_of(world)] == ["acknowledgement"]
    unknown = world.post(case, f"{case}/account", account="a-nobody")
    assert (unknown.status_code, stored(world).account_id) == (409, None)
    world.post(case, f"{case}/account", account="a-greta")
    assert stored(world).outcome == "fulfilled"
    assert {letter.step for letter in letters_of(world)} == {"acknowledgement", "answer"}
    with world.database.session() as session:
        refused = session.exec(select(MarketingRefusal)).all()
        assert {row.purpose for row in refused} == {"marketing"}
        account_id = stored(world).account_id
        assert account_id is not None
        (key,) = keys_of("", [account_id], world.settings.suppression_key_bytes)
        assert key in {row.subject_key for row in refused}
    again = world.post(case, f"{case}/account", account="a-greta")
    assert again.status_code == 409


def test_a_letter_is_about_an_account_once_staff_found_it_and_two_found_out_who_asks(
    world: World,
) -> None:
    """P19, P26: its holder is asked; who was found out before, without an account, is again."""
    account_of_greta(world)
    world.enter_as("priya")
    world.post(NEW, NEW, **ON_PAPER)
    reference = stored(world).reference
    check_by_two(world, reference)
    assert stored(world).verified_at is not None
    case = f"/staff/requests/{reference}"
    world.post(case, f"{case}/account", account="a-greta")
    request = stored(world)
    assert (request.account_address, request.verified_at) == ("greta@example.com", None)
    with world.database.session() as session:
        asked = session.exec(select(OutboxMail).where(OutboxMail.step == "account_named")).one()
    assert (asked.addressee_id, asked.state) == (request.account_id, "queued")
    check_by_two(world, reference)
    assert stored(world).verified_at is not None
    with world.database.session() as session:
        person = person_asked_about(session, stored(world), Verb.EXPORT)
    assert person.external_ids == ("a-greta",)


def check_by_two(world: World, reference: str) -> None:
    priya, paul = world.staff["priya"].id, world.staff["paul"].id
    world.desk.record_check(
        reference, priya, method=CheckMethod.CALL_BACK, passed=True, evidence="She knew."
    )
    with world.database.session() as session:
        check, *_ = checks_of(session, stored(world))
    world.desk.confirm_check(reference, check.id, paul)


@pytest.mark.parametrize("state", ["bounced", "rejected", "suppressed"])
def test_an_answer_that_reached_nobody_is_posted_instead(world: World, state: str) -> None:
    """P21, P26: it stands among the letters, on the case, and is answered once it was posted."""
    world.enter_as("priya")
    world.post(NEW, NEW, **{**LETTER, "kinds": "objection_marketing"})
    with world.database.transaction() as transaction:
        answer = transaction.exec(select(OutboxMail).where(OutboxMail.step == "answer")).one()
        assert letters_to_post(transaction) == []
        answer.state = state
        transaction.add(answer)
        transaction.flush()
        assert [mail.id for mail, _ in letters_to_post(transaction)] == [answer.id]
        assert answers_in_vain(transaction) == 1
    case = f"/staff/requests/{stored(world).reference}"
    assert "print this and post it" in world.browser.get(case).text
    page = world.browser.get(f"{case}/letters/{answer.id}").text
    printed, _, beside_it = page.partition('/posted">')
    assert "Our answer" not in beside_it
    assert "reached nobody" in beside_it  # a form is not printed: that is for us alone
    assert "reached nobody" not in printed
    world.desk.clock.advance(timedelta(days=1))
    assert post_letter(world, answer, posted_on="2026-03-03").status_code == 303
    with world.database.session() as session:
        assert letters_to_post(session) == []
        assert answers_in_vain(session) == 0


def test_an_acknowledgement_that_came_back_was_not_given(world: World) -> None:
    """P21: nobody says that the person heard of it."""
    world.enter_as("priya")
    world.post(NEW, NEW, **LETTER)
    with world.database.transaction() as transaction:
        mail = transaction.exec(
            select(OutboxMail).where(OutboxMail.step == "acknowledgement")
        ).one()
        mail.state = "rejected"
        transaction.add(mail)
        transaction.flush()
        request = transaction.exec(select(DataSubjectRequest)).one()
        acknowledge(transaction, request, NOW)
        assert request.acknowledged_at is None
        assert [letter.id for letter, _ in letters_to_post(transaction)] == [mail.id]


def test_an_answer_that_went_out_after_it_was_due_is_a_breach(world: World) -> None:
    """P21: decided in time, while no mail went; and it counts as late."""
    world.enter_as("priya")
    world.post(NEW, NEW, **{**LETTER, "kinds": "objection_marketing"})
    with world.database.transaction() as transaction:
        answer = transaction.exec(select(OutboxMail).where(OutboxMail.step == "answer")).one()
        answer.state, answer.accepted_at = "accepted", NOW + timedelta(days=31)
        transaction.add(answer)
        transaction.flush()
        assert note_late_answers(transaction, NOW + timedelta(days=31), limit=10) == 1
        assert note_late_answers(transaction, NOW + timedelta(days=31), limit=10) == 0
    assert stored(world).policy_breach_at == NOW + timedelta(days=31)
    with world.database.session() as session:
        counted = request_metrics(session, None, NOW + timedelta(days=31))
    assert (counted.answered, counted.answered_in_time) == (1, 0)


def test_a_reminder_that_an_answer_overtook_is_not_posted(world: World) -> None:
    world.enter_as("priya")
    world.post(NEW, NEW, **ON_PAPER)
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        record_late_reply(transaction, request, NOW)
        assert [mail.step for mail, _ in letters_to_post(transaction)] == [
            "acknowledgement",
            "late_reply",
        ]
        request.answered_at = NOW
        transaction.add(request)
        transaction.flush()
        assert [mail.step for mail, _ in letters_to_post(transaction)] == ["acknowledgement"]


def test_what_came_before_from_there_for_the_same_is_pointed_out(world: World) -> None:
    """A possible duplicate is shown once it could end as one; another right, and an answered one,
    are none."""
    world.enter_as("priya")
    for kinds in (["access"], ["erasure"], ["portability", "access"]):
        fields: dict[str, Any] = {**LETTER, "kinds": kinds}
        world.post(NEW, NEW, **fields)
    with world.database.session() as session:
        rows = session.exec(select(DataSubjectRequest)).all()
        asks = {kinds_of(session, row.id): row for row in rows}
    first, erasure = asks[(Kind.ACCESS,)], asks[(Kind.ERASURE,)]
    last = asks[(Kind.ACCESS, Kind.PORTABILITY)]

    def pointed_out(request: DataSubjectRequest) -> list[str]:
        page = world.browser.get(f"/staff/requests/{request.reference}").text
        _, found, rest = page.partition("Possibly the same")
        return re.findall(r">(R-\w+)</a>", rest.partition("</ul>")[0]) if found else []

    for one in (first, last, erasure):
        assert pointed_out(one) == []  # nobody has shown yet that either comes from the person
    with world.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, last.id)
        verify_identity(transaction, row, how="link", now=NOW)
    assert pointed_out(first) == [last.reference]
    assert pointed_out(last) == [first.reference]
    assert pointed_out(erasure) == []
