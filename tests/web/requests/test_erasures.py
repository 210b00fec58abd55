"""A person thinks over that their data is to be erased, from the link in the mail (P13)."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from httpx import Response
from sqlmodel import select

from database.people.links import REQUEST_ERASURE, REQUEST_STATUS
from database.requests import erase_tasks, erasures
from database.requests.answering import Answer, apply_decision, propose_decision
from database.requests.identity import verify_identity
from database.tables import Account, DataSubjectRequest, Erasure, Link, OutboxMail
from domain.requests.data_subject_requests import Outcome
from domain.requests.erasures import ErasureGround
from domain.requests.personal_data import OWN_SOURCE
from mail.links import make_token
from tests.web.world import NOW, World

pytestmark = pytest.mark.usefixtures("one_holding_order")
ALICE = "alice@people.example"


@dataclass(kw_only=True)
class Thinking:
    """Alice, whose erasure is granted."""

    world: World

    def path(self, purpose: str = REQUEST_ERASURE) -> str:
        """Behind the link in a mail to her."""
        with self.world.database.session() as session:
            link = session.exec(select(Link).where(Link.purpose == REQUEST_ERASURE)).one()
        return f"/requests/{make_token(purpose, link.nonce, self.world.settings.link_key_bytes)}"

    def see(self, language: str = "en") -> Response:
        page: Response = self.world.browser.get(f"{self.path()}?lang={language}")
        return page

    def press(self, what: str) -> Response:
        page: Response = self.world.browser.post(f"{self.path()}/{what}")
        return page

    @property
    def erasure(self) -> Erasure:
        with self.world.database.session() as session:
            return session.exec(select(Erasure)).one()

    @property
    def request(self) -> DataSubjectRequest:
        with self.world.database.session() as session:
            return session.exec(select(DataSubjectRequest)).one()


@pytest.fixture
def thinking(world: World) -> Thinking:
    with world.database.transaction() as transaction:
        transaction.add(
            Account(
                external_id="a-alice", email=ALICE, name="Alice", joined_at=NOW, recorded_at=NOW
            )
        )
    form = {"kinds": ["erasure"], "contact_address": ALICE, "name": "Alice"}
    assert world.browser.post("/requests/new", data=form).status_code == 200
    answer = Answer(
        outcome=Outcome.FULFILLED,
        explanation="We have erased it.",
        erasure_ground=ErasureGround.CONSENT_WITHDRAWN,
    )
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        verify_identity(transaction, request, how="link", now=NOW)
        decision = propose_decision(
            transaction, request, answer, decided_by=world.staff["priya"].id, now=NOW
        )
        transaction.flush()
        apply_decision(transaction, request, decision.id, NOW)
    return Thinking(world=world)


def test_the_page_says_until_when_she_can_change_her_mind_and_looking_changes_nothing(
    thinking: Thinking,
) -> None:
    """P13: in her language."""
    page = thinking.see()
    assert page.status_code == 200
    assert "We are going to erase your data" in page.text
    assert "Keep my data" in page.text
    assert "Meine Daten behalten" in thinking.see("de").text
    assert thinking.erasure.skipped_at is thinking.erasure.dropped_at is None
    with thinking.world.database.session() as session:
        mails = session.exec(select(OutboxMail).where(OutboxMail.template == erasures.ANNOUNCED))
        assert [mail.addressee_kind for mail in mails] == ["account"]


def test_she_keeps_her_data_and_is_told_that_nothing_was_erased(thinking: Thinking) -> None:
    """P13: pressed twice it is the same."""
    for _ in range(2):
        assert thinking.press("keep-my-data").status_code == 200
    assert "You keep your data" in thinking.see().text
    assert thinking.request.outcome == Outcome.WITHDRAWN
    thinking.press("erase-at-once")
    assert thinking.erasure.skipped_at is None


def test_she_has_it_at_once(thinking: Thinking) -> None:
    """P13."""
    thinking.press("erase-at-once")
    assert thinking.erasure.skipped_at is not None
    assert "We erase your data now" in thinking.see().text
    with thinking.world.database.session() as session:
        assert erasures.next_at(session, thinking.request) == thinking.erasure.skipped_at


def test_what_has_begun_cannot_be_kept_any_more(thinking: Thinking) -> None:
    """P13: the page says so in words."""
    with thinking.world.database.transaction() as transaction:
        row = transaction.exec(select(Erasure)).one()
        row.begun_at = NOW
        transaction.add(row)
    assert thinking.press("keep-my-data").status_code == 200
    assert thinking.erasure.dropped_at is None
    assert "It has begun, and cannot be stopped." in thinking.see().text


def test_a_link_that_went_to_an_address_of_before_decides_nothing(thinking: Thinking) -> None:
    """P13, P32: nor does one for another purpose."""
    assert thinking.world.browser.post(f"{thinking.path(REQUEST_STATUS)}/keep-my-data").is_error
    with thinking.world.database.transaction() as transaction:
        account = transaction.exec(select(Account).where(Account.email == ALICE)).one()
        account.email, account.address_changed_at = "new@people.example", NOW + timedelta(hours=1)
        transaction.add(account)
    assert thinking.see().status_code == 410
    assert thinking.press("erase-at-once").is_error
    assert thinking.erasure.skipped_at is None


def test_the_release_of_a_hold_starts_the_erasure_that_it_kept_back(thinking: Thinking) -> None:
    """P13: the answer is out, and its workflow may have ended long ago."""
    world, desk = thinking.world, thinking.world.desk
    hold = desk.place_hold("a-alice", world.staff["lena"].id, reason="A lawsuit")
    with world.database.transaction() as transaction:
        row = transaction.exec(select(Erasure)).one()
        row.begun_at = row.ended_at = NOW
        row.held_back = ["billing", OWN_SOURCE]
        transaction.add(row)
        request = transaction.exec(select(DataSubjectRequest)).one()
        request.answered_at, request.state = NOW, "answered"
        transaction.add(request)
    before = len(world.messenger.started)
    desk.release_hold(hold, world.staff["priya"].id, reason="Settled")
    (started,) = world.messenger.started[before:]
    assert started == f"data-subject-request/{thinking.request.id}"
    with world.database.session() as session:
        asked = erase_tasks.erase_tasks(session, thinking.erasure)
        assert [task.source for task in asked] == ["billing"]  # our own is last
