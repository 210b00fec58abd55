"""Requests that end without being judged: by their person from their page, by staff in the console
(P19-P22)."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from database.people.links import REQUEST_STATUS, REQUEST_VERIFY
from database.people.staff import add_staff
from database.requests.answering import Answer, apply_decision, confirm_decision, propose_decision
from database.requests.ends import appeal_of
from database.requests.identity import (
    BY_LINK,
    BY_SOURCE,
    address_on_file,
    answer_goes_on_file,
    verify_identity,
)
from database.requests.identity_checks import confirm_check, record_check
from database.requests.packages import has_address
from database.requests.receipts import Receipt
from database.requests.requested_rights import rights_of
from database.requests.requests import follower_of, record_breach
from database.requests.sendable import DecisionRefused
from database.tables import (
    DataSubjectRequest,
    Link,
    OutboxMail,
    ProposedEnd,
    RequestedRight,
    SourceAddress,
    Staff,
)
from domain.requests.data_subject_requests import Ground, Outcome
from domain.requests.identity import CheckMethod
from tests.web.world import NOW, World
from workflows.messenger import Refused

pytestmark = pytest.mark.usefixtures("one_holding_order")
ALICE = "alice@example.org"


def ask(world: World, *kinds: str, **changes: str) -> DataSubjectRequest:
    """Alice asks, from the address in her account."""
    form = {"kinds": kinds or "access", "contact_address": ALICE, "country": "DE", **changes}
    world.browser.post("/requests/new", data=form)
    with world.database.session() as session:
        newest = select(DataSubjectRequest).order_by(DataSubjectRequest.id.desc())  # type: ignore[attr-defined]
        return session.exec(newest).first() or pytest.fail("nothing was taken in")


def now_of(world: World, request: DataSubjectRequest) -> DataSubjectRequest:
    with world.database.session() as session:
        return session.get_one(DataSubjectRequest, request.id)


def page_of(world: World, request: DataSubjectRequest, purpose: str = REQUEST_STATUS) -> str:
    with world.database.session() as session:
        link = session.exec(
            select(Link).where(Link.purpose == purpose, Link.subject_id == request.id)
        ).one()
    return f"/requests/{world.token(purpose, link)}"


def verify(world: World, request: DataSubjectRequest) -> None:
    with world.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        verify_identity(transaction, row, how="link", now=NOW)


def answers(world: World, request: DataSubjectRequest) -> list[tuple[str, str]]:
    """To whom which mail ended it."""
    with world.database.session() as session:
        of_answer = select(OutboxMail).where(
            OutboxMail.subject_id == request.id, OutboxMail.step == "answer"
        )
        return [(mail.addressee_kind, mail.template) for mail in session.exec(of_answer)]


def test_alice_withdraws_her_request_from_its_page(world: World) -> None:
    """P22: it ends in words, once, however often she presses; and looking does nothing."""
    request = ask(world)
    page = page_of(world, request)
    assert "Withdraw the request" in world.browser.get(page).text
    assert now_of(world, request).answered_at is None
    for _ in range(2):
        shown = world.browser.post(f"{page}/withdraw").text
    assert "You have withdrawn your request." in shown
    assert "Withdraw the request" not in shown
    assert (now_of(world, request).state, now_of(world, request).outcome) == (
        "answered",
        "withdrawn",
    )
    assert answers(world, request) == [("requester", "request_withdrawn")]


def test_what_was_done_at_once_stays_done_when_the_rest_is_withdrawn(world: World) -> None:
    """P17: marketing is stopped, whatever becomes of the copy."""
    request = ask(world, "access", "marketing_opt_out")
    world.browser.post(f"{page_of(world, request)}/withdraw")
    with world.database.session() as session:
        ended = {one.kind: one.outcome for one in rights_of(session, request.id)}
    assert ended == {"access": "withdrawn", "marketing_opt_out": "fulfilled"}


def test_an_erasure_that_is_decided_cannot_be_taken_back(world: World) -> None:
    """P13: what is erased does not come back; the page says so and changes nothing."""
    request = ask(world, "access", "erasure")
    with world.database.transaction() as transaction:
        (right,) = transaction.exec(select(RequestedRight).where(RequestedRight.kind == "erasure"))
        right.state, right.outcome = "decided", "fulfilled"
        transaction.add(right)
    page = page_of(world, request)
    assert "Withdraw the request" not in world.browser.get(page).text
    answer = world.browser.post(f"{page}/withdraw")
    assert answer.status_code == 409
    assert "is being erased" in answer.text
    assert now_of(world, request).answered_at is None


def test_a_stranger_at_a_mistyped_address_takes_back_nothing_of_a_verified_person(
    world: World,
) -> None:
    """P19: once Alice has shown who she is, only the address on file may withdraw."""
    request = ask(world, contact_address="alcie@example.com", account_address=ALICE)
    verify(world, request)
    typed, on_file = page_of(world, request), page_of(world, request, REQUEST_VERIFY)
    assert "Withdraw the request" not in world.browser.get(typed).text
    assert world.browser.post(f"{typed}/withdraw").status_code == 409
    assert now_of(world, request).answered_at is None
    assert "Withdraw the request" in world.browser.get(on_file).text
    world.browser.post(f"{on_file}/withdraw")
    assert now_of(world, request).outcome == "withdrawn"
    assert answers(world, request) == [("account", "request_withdrawn")]


def test_spam_takes_two_and_still_ends_in_words(world: World) -> None:
    """P20-P22: whoever put it forward sees no button, and the command is refused."""
    request = ask(world, message="Buy our carpets")
    path = f"/staff/requests/{request.reference}"
    world.enter_as("priya")
    assert world.post(path, f"{path}/end", end="spam", reason="Carpets").status_code == 303
    assert f"{path}/end/confirm" not in world.browser.get(path).text
    assert now_of(world, request).answered_at is None
    with world.database.session() as session:
        proposed = session.exec(select(ProposedEnd)).one()
    with pytest.raises(Refused, match="second person"):
        world.desk.confirm_end(request.reference, proposed.id, world.staff["priya"].id)
    world.enter_as("paul")
    assert f'name="proposed" value="{proposed.id}"' in world.browser.get(path).text
    world.post(path, f"{path}/end/confirm", proposed=str(proposed.id))
    assert now_of(world, request).outcome == "spam"
    assert answers(world, request) == [("requester", "request_answer")]
    assert (
        "We did not treat this message as a request."
        in world.browser.get(page_of(world, request)).text
    )


def test_an_end_without_a_reason_keeps_what_was_typed(world: World) -> None:
    request = ask(world)
    path = f"/staff/requests/{request.reference}"
    world.enter_as("priya")
    answer = world.post(path, f"{path}/end", end="duplicate", of="R-ELSE", reason="")
    assert answer.status_code == 409
    assert 'value="R-ELSE"' in answer.text
    assert "Write why it ends like this" in answer.text


def test_no_right_alone_is_decided_as_spam(world: World) -> None:
    """P20: there is one way to end a request unjudged, and that one takes two."""
    request = ask(world)
    verify(world, request)
    path = f"/staff/requests/{request.reference}"
    world.enter_as("priya")
    answer = world.post(path, f"{path}/answer", outcome="spam", explanation="Carpets")
    assert answer.status_code == 409
    assert "end the request as that" in answer.text


def asks_twice(world: World, after: timedelta) -> tuple[DataSubjectRequest, DataSubjectRequest]:
    """The same again, so much later; it is the second that is proved."""
    first = ask(world)
    world.desk.clock.advance(after)
    second = ask(world)
    verify(world, second)
    return first, second


def test_a_duplicate_says_where_it_is_answered(world: World) -> None:
    """P21: the first verified wins, and whoever asked twice is told at once where to look."""
    first, second = ask(world), ask(world)
    world.enter_as("priya")
    path = f"/staff/requests/{second.reference}"
    said = {"end": "duplicate", "of": first.reference, "reason": "The same words"}
    early = world.post(path, f"{path}/end", **said)
    assert "Leave both open until one of them is verified" in early.text
    verify(world, first)
    assert world.post(path, f"{path}/end", **said).status_code == 303
    assert now_of(world, second).outcome == "duplicate"
    assert now_of(world, first).answered_at is None
    assert answers(world, second) == [("requester", "request_duplicate")]
    assert first.reference in world.browser.get(page_of(world, second)).text
    other_way = world.post(
        f"/staff/requests/{first.reference}",
        f"/staff/requests/{first.reference}/end",
        **{**said, "of": second.reference},
    )
    assert "waits for the answer to this one" in other_way.text


def test_whoever_asked_twice_and_proved_the_second_has_the_answer_when_the_first_was_due(
    world: World,
) -> None:
    """P19, P21: the newest mail lies on top, so that is the one that people open."""
    first, second = asks_twice(world, timedelta(hours=5))
    assert second.due_at > first.due_at
    world.enter_as("priya")
    path = f"/staff/requests/{first.reference}"
    said = {"end": "duplicate", "of": second.reference, "reason": "The same words"}
    assert f'<option value="{second.reference}">' in world.browser.get(path).text
    assert world.post(path, f"{path}/end", **said).status_code == 303
    assert now_of(world, first).outcome == "duplicate"
    assert now_of(world, second).due_at == first.due_at
    page = world.browser.get(f"/staff/requests/{second.reference}").text
    assert f"that of {first.reference}, which this answers too" in page
    with world.database.session() as session:
        (right,) = rights_of(session, second.id)
    assert right.due_at == first.due_at


def test_a_receipt_set_right_puts_off_nobody_who_waits_for_the_same_answer(world: World) -> None:
    """P21: not even with its proof and by two: the clock of whoever asked first runs on."""
    first, second = asks_twice(world, timedelta(hours=5))
    priya, paul = member(world, "priya"), member(world, "paul")
    of, reason = second.reference, "The same words"
    world.desk.end_request(first.reference, priya, Outcome.DUPLICATE, reason=reason, of=of)
    earlier = Receipt(
        received_at=second.received_at - timedelta(hours=1), country="DE", proof="The mail itself"
    )
    correction = world.desk.correct_receipt(second.reference, priya, earlier)
    world.desk.confirm_receipt(second.reference, correction.id, paul)
    now = now_of(world, second)
    assert (now.received_at, now.due_at) == (earlier.received_at, first.due_at)


def test_a_corrected_receipt_leaves_the_answer_due_when_the_duplicate_was(world: World) -> None:
    """P21, P26: whoever was told to wait for it was told by when, and a breach of that is one."""
    first, second = asks_twice(world, timedelta(days=5))
    world.enter_as("priya")
    path = f"/staff/requests/{first.reference}"
    said = {"end": "duplicate", "of": second.reference, "reason": "The same words"}
    assert world.post(path, f"{path}/end", **said).status_code == 303
    world.desk.clock.advance(timedelta(days=26))
    with world.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, second.id)
        record_breach(transaction, row, world.desk.clock.now())
        broken_at = row.policy_breach_at
    later = Receipt(
        received_at=second.received_at + timedelta(days=2), country="DE", proof="The envelope"
    )
    correction = world.desk.correct_receipt(second.reference, world.staff["priya"].id, later)
    world.desk.confirm_receipt(second.reference, correction.id, world.staff["paul"].id)
    found = now_of(world, second)
    assert found.received_at == later.received_at
    assert found.due_at == first.due_at
    assert (found.policy_breach_at, broken_at is None) == (broken_at, False)
    with world.database.session() as session:
        (right,) = rights_of(session, second.id)
    assert right.due_at == first.due_at
    page = world.browser.get(f"/staff/requests/{second.reference}").text
    assert f"that of {first.reference}, which this answers too" in page


def test_one_that_is_overdue_is_answered_and_not_put_aside_beside_a_later_one(
    world: World,
) -> None:
    """P21: nobody is told that their answer comes on a day that is over."""
    first, second = asks_twice(world, timedelta(days=31))
    world.enter_as("priya")
    path = f"/staff/requests/{first.reference}"
    said = {"end": "duplicate", "of": second.reference, "reason": "The same words"}
    assert "This one is overdue" in world.post(path, f"{path}/end", **said).text
    assert now_of(world, second).due_at == second.due_at


def test_what_answers_a_duplicate_has_to_be_answered(world: World) -> None:
    """P21, P22: else whoever was told to wait for it hears nothing, and counts as answered."""
    first, second, third = ask(world), ask(world), ask(world)
    for one in (first, third):
        verify(world, one)
    world.enter_as("priya")

    def end(one: DataSubjectRequest, how: str, of: str = "") -> str:
        path = f"/staff/requests/{one.reference}"
        return world.post(path, f"{path}/end", end=how, of=of, reason="As I see it").text

    end(second, "duplicate", of=first.reference)
    assert now_of(world, second).outcome == "duplicate"
    assert "waits for the answer to this one" in end(first, "spam")
    assert "waits for the answer to this one" in end(first, "duplicate", of=third.reference)
    page = page_of(world, first)
    assert "Withdraw the request" not in world.browser.get(page).text
    refused = world.browser.post(f"{page}/withdraw")
    assert (refused.status_code, now_of(world, first).answered_at) == (409, None)
    assert "waits for the answer to this one" in refused.text


def test_what_is_suggested_as_a_duplicate_can_end_as_one(world: World) -> None:
    """P19, P21: each suggestion on a page is taken, and what would be refused is not made."""
    first, second, third = ask(world), ask(world), ask(world, "erasure")
    world.enter_as("priya")

    def suggested(one: DataSubjectRequest) -> list[str]:
        page = world.browser.get(f"/staff/requests/{one.reference}").text
        return re.findall(r'<option value="(R-\w+)">', page)

    assert suggested(first) == suggested(second) == []
    verify(world, first)
    assert (suggested(first), suggested(second), suggested(third)) == ([], [first.reference], [])
    assert "can end, on its page" in world.browser.get(f"/staff/requests/{first.reference}").text
    path = f"/staff/requests/{second.reference}"
    said = {"end": "duplicate", "of": suggested(second)[0], "reason": "The same words"}
    assert world.post(path, f"{path}/end", **said).status_code == 303


def test_a_duplicate_has_an_answer_of_its_own_when_its_twin_is_disputed(world: World) -> None:
    """P19, P21: what answers it may be nobody's, and end unproved; it is due when it was."""
    first, second = ask(world), ask(world)
    verify(world, first)
    world.enter_as("priya")
    path = f"/staff/requests/{second.reference}"
    said = {"end": "duplicate", "of": first.reference, "reason": "The same words"}
    assert world.post(path, f"{path}/end", **said).status_code == 303
    world.desk.clock.advance(timedelta(days=20))
    world.messenger.started.clear()
    for _ in range(2):
        world.desk.dispute(first.id, by="address on file")
    with world.database.session() as session:
        own = follower_of(session, now_of(world, second)) or pytest.fail("it has no request")
        rows = session.exec(select(DataSubjectRequest)).all()
    assert len(rows) == 3
    assert (own.received_at, own.due_at) == (second.received_at, second.due_at)
    assert (own.answered_at, own.verified_at, own.contact_email) == (None, None, ALICE)
    assert world.messenger.started == [f"data-subject-request/{own.id}"]
    shown = world.browser.get(page_of(world, second)).text
    assert own.reference in shown
    assert first.reference not in shown
    assert (
        "waits for the answer to this one"
        not in world.post(
            f"/staff/requests/{first.reference}",
            f"/staff/requests/{first.reference}/end",
            end="spam",
            reason="A stranger's",
        ).text
    )  # nobody waits for it any more


def member(world: World, handle: str) -> UUID:
    """One of privacy, who joins the team when they are first needed."""
    if handle in world.staff:
        return world.staff[handle].id
    with world.database.transaction() as transaction:
        known = transaction.exec(select(Staff).where(Staff.handle == handle)).first()
        if known is None:
            known, _ = add_staff(
                transaction,
                handle=handle,
                name=handle.title(),
                email=f"{handle}@staff.example",
                roles=["privacy"],
            )
        return known.id


def decide(world: World, request: DataSubjectRequest, *, by: str, second: str = "paul") -> None:
    """Refuse a copy, as two of privacy."""
    answer = Answer(
        outcome=Outcome.REFUSED,
        ground=Ground.RIGHTS_OF_OTHERS,
        explanation="It shows other people.",
        evidence="Recording 7",
    )
    first, other = member(world, by), member(world, second)
    with world.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        decision = propose_decision(transaction, row, answer, decided_by=first, now=NOW)
        transaction.flush()
        apply_decision(transaction, row, decision.id, NOW)
        confirm_decision(transaction, row, decision.id, staff_id=other, now=NOW)


def the_appeal(world: World, request: DataSubjectRequest) -> DataSubjectRequest:
    with world.database.session() as session:
        return appeal_of(session, request) or pytest.fail("there is no appeal")


def test_alice_has_an_answer_looked_at_again_by_somebody_else(world: World) -> None:
    """P20, P21: once, with its own clock, and by nobody who decided the first time."""
    request = ask(world)
    verify(world, request)
    decide(world, request, by="priya")
    world.desk.clock.advance(timedelta(days=5))
    page = page_of(world, request)
    assert "Have it looked at again" in world.browser.get(page).text
    for _ in range(2):
        shown = world.browser.post(f"{page}/appeal", data={"words": "Nobody else is on it."}).text
    again = the_appeal(world, request)
    assert again.reference in shown
    assert (again.message, again.is_appeal) == ("Nobody else is on it.", True)
    assert again.due_at == request.due_at + timedelta(days=5)
    assert again.verified_at == NOW + timedelta(days=5)
    for first, second in (("priya", "paul"), ("petra", "paul")):
        with pytest.raises(DecisionRefused, match="somebody else has to decide"):
            decide(world, again, by=first, second=second)
    decide(world, again, by="petra", second="piet")
    assert now_of(world, again).outcome == "refused"
    assert "Have it looked at again" not in world.browser.get(page_of(world, again)).text


def leaves(world: World, handle: str) -> None:
    """They are of the company no more."""
    staff_id = member(world, handle)
    with world.database.transaction() as transaction:
        transaction.get_one(Staff, staff_id).left_at = NOW


def test_staff_are_told_when_too_few_are_left_to_decide_an_appeal(world: World) -> None:
    """P20: on its page and when they try; and what to do about it."""
    request = ask(world)
    verify(world, request)
    decide(world, request, by="priya")
    world.browser.post(f"{page_of(world, request)}/appeal", data={"words": "No."})
    again = the_appeal(world, request)
    world.enter_as("priya")
    page = f"/staff/requests/{again.reference}"
    assert "nobody of you can answer it" in world.browser.get(page).text
    assert "staff add HANDLE" in world.browser.get(page).text
    with pytest.raises(DecisionRefused, match="staff add HANDLE"):
        decide(world, again, by="priya")
    member(world, "petra")
    shown = world.browser.get(page).text
    assert "Only Petra did not decide" in shown
    assert "takes two" in shown
    member(world, "piet")
    assert "Too few to decide" not in world.browser.get(page).text
    leaves(world, "piet")
    leaves(world, "petra")
    assert "nobody of you can answer it" in world.browser.get(page).text
    assert "Too few to decide" not in world.browser.get(f"/staff/requests/{request.reference}").text


def test_an_appeal_is_given_to_nobody_who_decided_before(world: World) -> None:
    """P20: only those are offered who may decide it."""
    request = ask(world)
    verify(world, request)
    decide(world, request, by="priya")
    world.browser.post(f"{page_of(world, request)}/appeal", data={"words": "No."})
    again = the_appeal(world, request)
    member(world, "petra")
    world.enter_as("priya")
    offered = world.browser.get(f"/staff/requests/{again.reference}").text
    assert f'<option value="{member(world, "petra")}"' in offered
    assert f'<option value="{member(world, "paul")}"' not in offered


def test_words_that_cannot_be_kept_are_shown_again(world: World) -> None:
    request = ask(world)
    verify(world, request)
    decide(world, request, by="priya")
    long = "why " * 4000
    answer = world.browser.post(f"{page_of(world, request)}/appeal", data={"words": long})
    assert answer.status_code == 409
    assert long.strip() in answer.text
    assert "Please shorten the message" in answer.text


def test_only_whoever_got_the_answer_may_appeal(world: World) -> None:
    """P19: an address that was typed, and is not on file, has nothing to disagree with."""
    request = ask(world, contact_address="alcie@example.com", account_address=ALICE)
    verify(world, request)
    decide(world, request, by="priya")
    typed, on_file = page_of(world, request), page_of(world, request, REQUEST_VERIFY)
    assert "Have it looked at again" not in world.browser.get(typed).text
    assert world.browser.post(f"{typed}/appeal").status_code == 409
    assert "Have it looked at again" in world.browser.get(on_file).text


def test_a_withdrawn_request_is_taken_up_again_unproved_as_it_was(world: World) -> None:
    """P19: whoever reads the mail that it was withdrawn, and did not do it, has it back."""
    request = ask(world)
    page = page_of(world, request)
    world.browser.post(f"{page}/withdraw")
    assert "take it up again" in world.browser.get(page).text
    world.browser.post(f"{page}/again")
    with world.database.session() as session:
        again = follower_of(session, request)
    assert again is not None
    assert (again.verified_at, again.needs_identity) == (None, True)
    assert again.reference in world.browser.get(page).text


def test_what_is_taken_up_again_is_answered_where_a_source_had_the_address(world: World) -> None:
    """P19: whoever read the link there proved it; what was typed may be a stranger's."""
    zoes = "zoe@people.example"
    request = ask(world, contact_address="stranger@example.com", account_address=zoes)
    with world.database.transaction() as transaction:
        transaction.add(SourceAddress(request_id=request.id, address=zoes, found_at=NOW))
    unproved = Answer(outcome=Outcome.UNVERIFIED, explanation="Nobody confirmed it.")
    with world.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        priya = member(world, "priya")
        decision = propose_decision(transaction, row, unproved, decided_by=priya, now=NOW)
        transaction.flush()
        apply_decision(transaction, row, decision.id, NOW)
    again = world.desk.take_up_again(request.id, REQUEST_VERIFY)
    assert again.verified_by == BY_LINK
    with world.database.session() as session:
        assert answer_goes_on_file(session, again)
        assert address_on_file(session, again) != address_on_file(session, request)


@pytest.mark.parametrize("disputed", [False, True])
def test_the_answer_to_an_appeal_goes_where_two_found_the_person(
    world: World, *, disputed: bool
) -> None:
    """P19: the mailbox in the account is gone, or somebody else reads what comes there."""
    request = ask(world, contact_address="alice@new.example", account_address=ALICE)
    if disputed:
        verify(world, request)
        world.desk.dispute(request.id, by="address on file")
    with world.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        check = record_check(
            transaction,
            row,
            method=CheckMethod.CALL_BACK,
            passed=True,
            evidence="Knew her last invoice.",
            staff_id=member(world, "priya"),
            now=NOW,
        )
        confirm_check(transaction, row, check.id, staff_id=member(world, "paul"), now=NOW)
    decide(world, request, by="priya")
    again = world.desk.appeal(request.id, REQUEST_STATUS, "Nobody else is on it.")
    decide(world, again, by="petra", second="piet")
    assert answers(world, again) == [("requester", "request_answer")]


def test_whoever_is_known_by_a_source_can_fetch_the_copy_that_an_appeal_brings(
    world: World,
) -> None:
    """P11: nobody has to say twice that their address is theirs."""
    request = ask(world, contact_address="zoe@people.example")
    with world.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        verify_identity(transaction, row, how=BY_SOURCE, now=NOW)
    decide(world, request, by="priya")
    again = world.desk.appeal(request.id, REQUEST_STATUS, "Nobody else is on it.")
    with world.database.session() as session:
        assert has_address(session, again)
