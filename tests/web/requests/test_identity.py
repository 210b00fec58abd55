"""Saying who one is: the pages behind the links of a request's mails, and the code (P19)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from httpx import Response
from sqlmodel import Session, select

from database.people.links import REQUEST_CODE, REQUEST_STATUS, REQUEST_STOP, REQUEST_VERIFY
from database.requests import answering, codes
from database.requests.answering import Answer
from database.requests.requested_rights import kinds_of
from database.tables import (
    Account,
    AddressChange,
    DataSubjectRequest,
    IdentityCode,
    Link,
    OutboxMail,
    RequestDecision,
)
from domain.requests.data_subject_requests import GROUND_WORDS, OUTCOME_WORDS, Ground, Kind, Outcome
from mail.links import make_code
from tests.web.requests.test_requests import FORM, ask
from tests.web.world import NOW, World

ELSEWHERE = "eve@elsewhere.example"
ALICE = "alice@example.org"
NOBODY = "nobody@example.org"
FULFILLED = Answer(outcome=Outcome.FULFILLED, explanation="We hold your secret name.")
UNVERIFIED = Answer(outcome=Outcome.UNVERIFIED, explanation="You did not confirm it.")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request, and whoever reads the mails about it."""

    world: World
    request: DataSubjectRequest

    def path(self, purpose: str) -> str:
        with self.world.database.session() as session:
            link = session.exec(
                select(Link)
                .where(Link.subject_id == self.request.id, Link.purpose == purpose)
                .order_by(Link.created_at.desc())  # type: ignore[attr-defined]
            ).first()
        assert link is not None
        return f"/requests/{self.world.token(purpose, link)}"

    def get(self, purpose: str = REQUEST_STATUS) -> Response:
        answer: Response = self.world.browser.get(self.path(purpose))
        return answer

    def press(self, purpose: str = REQUEST_STATUS, button: str = "", **fields: str) -> Response:
        path = self.path(purpose) + (f"/{button}" if button else "")
        answer: Response = self.world.browser.post(path, data=fields)
        return answer

    def code(self) -> str:
        """The one in the last mail."""
        with self.world.database.session() as session:
            last = session.exec(
                select(IdentityCode)
                .where(IdentityCode.request_id == self.request.id)
                .order_by(IdentityCode.asked_at.desc(), IdentityCode.id.desc())  # type: ignore[attr-defined]
            ).first()
        assert last is not None
        return make_code(REQUEST_CODE, last.nonce, self.world.settings.link_key_bytes)

    def now(self) -> DataSubjectRequest:
        with self.world.database.session() as session:
            return session.get_one(DataSubjectRequest, self.request.id)

    def answer(self, what: Answer, kind: Kind | None = None) -> None:
        with self.world.database.transaction() as transaction:
            row = transaction.get_one(DataSubjectRequest, self.request.id)
            decision = answering.propose_decision(
                transaction, row, what, kind=kind, decided_by=self.world.staff["priya"].id, now=NOW
            )
            transaction.flush()
            answering.apply_decision(transaction, row, decision.id, NOW)


def asks(
    world: World, contact_address: str, about: str = "", kinds: Sequence[str] = ("access",)
) -> Asked:
    form = FORM | {"contact_address": contact_address, "account_address": about}
    world.browser.post("/requests/new", data={**form, "kinds": list(kinds)})
    with world.database.session() as session:
        found = session.exec(
            select(DataSubjectRequest).order_by(DataSubjectRequest.id.desc())  # type: ignore[attr-defined]
        ).first()
    assert found is not None
    return Asked(world=world, request=found)


def neutral(page: Response, asked: Asked) -> tuple[int, str]:
    """A page without what is each request's own: its reference, and the token in its address."""
    words = page.text.replace(asked.request.reference, "R")
    return page.status_code, re.sub(r"/requests/[\w-]{43}", "/requests/T", words)


@pytest.fixture
def known(world: World) -> Asked:
    """Somebody writes from elsewhere, about Alice's account."""
    return asks(world, ELSEWHERE, about=ALICE)


@pytest.fixture
def unknown(world: World) -> Asked:
    """The same about an address that nobody has."""
    return asks(world, ELSEWHERE, about=NOBODY)


def test_no_page_tells_whether_there_is_an_account(known: Asked, unknown: Asked) -> None:
    """P19: byte for byte, through codes tried and asked for until there are none, and the click."""
    acts = (
        ("", {}),
        *[("code", {"code": "00000000"})] * 6,
        *[("new-code", {})] * 3,
        ("code", {"code": "1"}),
    )
    for asked in (known, unknown):
        assert "The code" in asked.get().text
    assert neutral(known.get(), known) == neutral(unknown.get(), unknown)
    for button, fields in acts:
        pages = [neutral(asked.press(button=button, **fields), asked) for asked in (known, unknown)]
        assert pages[0] == pages[1]
        assert neutral(known.get(), known) == neutral(unknown.get(), unknown)


def test_nor_does_the_click_of_who_asks_about_the_very_address(world: World) -> None:
    """P19: whether it is on file or not."""
    both = [asks(world, ALICE), asks(world, NOBODY)]
    for asked in both:
        assert "Yes, both are mine" in asked.get().text
    first, second = (neutral(asked.press(), asked) for asked in both)
    assert first == second
    assert "The code" not in first[1]
    assert both[0].now().verified_at == NOW
    assert both[1].now().verified_at is None


def test_the_code_is_typed_on_the_page_of_the_request(known: Asked) -> None:
    """P19: for who reads the mail on another device; a code with a space does too."""
    wrong = known.press(button="code", code="0000 0000")
    assert wrong.status_code == 422
    assert "This is not the code" in wrong.text
    assert "for 4 more tries" in wrong.text
    code = known.code()
    page = known.press(button="code", code=f"{code[:4]} {code[4:]}")
    assert page.status_code == 200
    assert "The code" not in page.text
    assert known.now().verified_by == codes.BY_CODE
    assert known.now().contact_confirmed_at == NOW


def test_guessing_ends_after_five_and_another_code_begins_anew(known: Asked) -> None:
    """P19."""
    for _ in range(5):
        known.press(button="code", code="00000000")
    assert known.press(button="code", code=known.code()).status_code == 422
    assert "ask for another one" in known.get().text
    known.press(button="new-code")
    assert "for 5 more tries" in known.get().text
    assert known.press(button="code", code=known.code()).status_code == 200
    assert known.now().verified_at == NOW


def test_there_are_only_so_many_codes_in_an_hour(known: Asked) -> None:
    """P19: said in words; the link works all the time."""
    assert [known.press(button="new-code").status_code for _ in range(3)] == [200, 200, 429]
    known.press(REQUEST_VERIFY)
    assert known.now().verified_at == NOW


def test_no_button_of_one_link_is_pressed_with_another(known: Asked) -> None:
    """P19: the page of the status takes codes, that to verify disowns and takes up again."""
    for purpose, button in (
        (REQUEST_VERIFY, "code"),
        (REQUEST_VERIFY, "new-code"),
        (REQUEST_STATUS, "not-mine"),
    ):
        assert known.press(purpose, button).status_code == 404
    assert known.now().disputed_at is None


def test_alice_says_that_it_was_not_her(known: Asked) -> None:
    """P19: nothing proves it any more, and the team is told."""
    assert "We do nothing with your data" in known.press(REQUEST_VERIFY, "not-mine").text
    known.press(REQUEST_VERIFY)
    known.press(button="code", code=known.code())
    assert known.now().verified_at is None
    with known.world.database.session() as session:
        told = session.exec(select(OutboxMail).where(OutboxMail.step == "disputed")).all()
    assert {mail.template for mail in told} == {"request_rung"}
    assert len(told) == 2


def test_the_explanation_is_read_behind_the_link_that_went_to_the_address_on_file(
    known: Asked,
) -> None:
    """P19, P22: and the one typed in learns that there is an answer."""
    known.press()
    known.press(REQUEST_VERIFY)
    known.answer(FULFILLED)
    assert "secret name" in known.get(REQUEST_VERIFY).text
    status = known.get().text
    assert "secret name" not in status
    assert "we sent the answer to the address in your account" in status


def test_nor_does_the_typed_address_read_how_it_ended_or_why(known: Asked) -> None:
    """P19: an outcome and a ground say much of what is held."""
    refused = Answer(
        outcome=Outcome.REFUSED,
        ground=Ground.LEGAL_MATTERS,
        explanation="We need it in court.",
        evidence="Docket 7",
    )
    known.press(REQUEST_VERIFY)
    known.answer(refused)
    world = known.world
    with world.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, known.request.id)
        decision = transaction.exec(select(RequestDecision)).one()
        paul = world.staff["paul"].id
        answering.confirm_decision(transaction, row, decision.id, staff_id=paul, now=NOW)
    on_file, typed = known.get(REQUEST_VERIFY).text, known.get().text
    for said in (OUTCOME_WORDS[Outcome.REFUSED], GROUND_WORDS[Ground.LEGAL_MATTERS]):
        assert said in on_file
        assert said not in typed


def test_late_proof_takes_the_request_up_again_with_its_own_clock(known: Asked) -> None:
    """P19, P21: once, however often the button is pressed; nothing of the old answer changes."""
    known.answer(UNVERIFIED)
    assert "take it up again" in known.get(REQUEST_VERIFY).text
    assert "take it up again" not in known.get().text
    known.world.desk.clock.advance(timedelta(days=3))
    for _ in range(2):
        page = known.press(REQUEST_VERIFY, "again").text
    with known.world.database.session() as session:
        of_old = select(DataSubjectRequest).where(DataSubjectRequest.follows_id == known.request.id)
        again = session.exec(of_old).one()
    assert again.reference in page
    assert again.received_at == NOW + timedelta(days=3)
    assert again.due_at > known.request.due_at
    assert again.verified_at == NOW + timedelta(days=3)
    assert (again.contact_email, again.account_address) == (ELSEWHERE, ALICE)
    assert known.now().verified_at is None
    assert known.now().outcome == "unverified"


def test_only_what_was_not_verified_is_taken_up_again(world: World) -> None:
    """P19: what was done is done."""
    asked = asks(world, ELSEWHERE, about=ALICE, kinds=["access", "marketing_opt_out"])
    asked.answer(UNVERIFIED, Kind.ACCESS)
    asked.press(REQUEST_VERIFY, "again")
    with world.database.session() as session:
        again = session.exec(
            select(DataSubjectRequest).where(DataSubjectRequest.follows_id == asked.request.id)
        ).one()
        assert kinds_of(session, again.id) == (Kind.ACCESS,)


def test_what_was_answered_otherwise_is_not_taken_up_again(known: Asked) -> None:
    """P19."""
    known.press(REQUEST_VERIFY)
    known.answer(FULFILLED)
    assert known.press(REQUEST_VERIFY, "again").status_code == 409
    with known.world.database.session() as session:
        assert len(session.exec(select(DataSubjectRequest)).all()) == 1


def changes_her_address(session: Session, world: World) -> None:
    alice = session.get_one(Account, world.accounts["alice"].id)
    changed_at = alice.address_changed_at = NOW - timedelta(days=2)
    session.add(AddressChange(account_id=alice.id, address=alice.email, changed_at=changed_at))
    alice.email = "alice@new.example"
    session.add(alice)


def test_the_old_address_stops_what_the_new_one_asks_for(world: World) -> None:
    """P19: looking stops nothing, the button does."""
    with world.database.transaction() as transaction:
        changes_her_address(transaction, world)
    asked = asks(world, "alice@new.example")
    asked.press()
    assert asked.now().disclosure_held_until == NOW + timedelta(hours=48)
    page = asked.get(REQUEST_STOP).text
    assert "Did you change your address?" in page
    assert "4 March 2026" in page
    assert "alice@new.example" not in page
    assert asked.now().disputed_at is None
    assert "Stopped" in asked.press(REQUEST_STOP).text
    assert asked.now().disputed_at == NOW


def test_a_link_that_went_to_an_earlier_address_says_so(known: Asked) -> None:
    """P19, P32."""
    path = known.path(REQUEST_VERIFY)
    with known.world.database.transaction() as transaction:
        alice = transaction.get_one(Account, known.world.accounts["alice"].id)
        alice.address_changed_at = NOW + timedelta(minutes=1)
    for answer in (known.world.browser.get(path), known.world.browser.post(path)):
        assert answer.status_code == 410
        assert "replaced by a newer one" in answer.text
    assert known.now().verified_at is None


@pytest.mark.parametrize("code", ["", "0" * 5000, "<script>", "\u0661" * 8, "\x00"])
def test_whatever_is_typed_for_a_code_is_answered_in_words(known: Asked, code: str) -> None:
    """P19: nothing of it comes back."""
    page = known.press(button="code", code=code)
    assert page.status_code == 422
    assert "<script" not in page.text
    assert "eight digits" in page.text
    assert "for 5 more tries" in page.text, "a slip of the finger is no guess"


def test_the_address_in_the_account_is_looked_at_like_the_other(world: World) -> None:
    """P26: refused at its field, and kept."""
    page = ask(world, account_address="alice at home")
    assert page.status_code == 422
    assert 'id="account_address-problem"' in page.text
    assert 'value="alice at home"' in page.text


@pytest.mark.parametrize("purpose", [REQUEST_STATUS, REQUEST_VERIFY])
def test_the_pages_are_german_too(known: Asked, purpose: str) -> None:
    page = known.world.browser.get(f"{known.path(purpose)}?lang=de").text
    assert '<html lang="de">' in page
    words = "Der Code" if purpose == REQUEST_STATUS else "darum habe ich nicht gebeten"
    assert words in page
