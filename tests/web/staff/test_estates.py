"""Requests about somebody who has died: two of us find who may have what is asked for (P19)."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from activities.chores import Chores
from activities.requests.retention import Retention
from database.imports.one_account import put_account
from database.people.accounts import AccountRow
from database.people.links import REQUEST_COPY, add_link
from database.requests import packages
from database.requests.answering import Answer, apply_decision, propose_decision
from database.requests.codes import ask_again
from database.requests.erasure_gate import why_not_now
from database.requests.identity import is_verified, queue_answer, verify_identity
from database.requests.redirections import may_be_sent_elsewhere
from database.requests.requests import follower_of
from database.requests.sendable import DecisionRefused
from database.storage import Storage
from database.tables import Account, DataSubjectRequest, EstateAuthority, OutboxMail
from domain.requests.data_subject_requests import Ground, Kind, Outcome
from tests.web.world import NOW, World
from workflows.messenger import Refused

pytestmark = pytest.mark.usefixtures("one_holding_order")
HEIR = {"who": "Alan, her son", "proof": "Certificate of inheritance 7/26 of the court of Bonn"}

ALANS = {
    "kinds": "access",
    "contact_address": "alan@example.com",
    "account_address": "alice@example.org",
}


@pytest.fixture
def case(world: World) -> str:
    """The page of a request for Alice's data, from another address."""
    world.browser.post("/requests/new", data=ALANS)
    world.enter_as("priya")
    return f"/staff/requests/{stored(world).reference}"


def stored(world: World) -> DataSubjectRequest:
    with world.database.session() as session:
        return session.exec(select(DataSubjectRequest)).one()


def propose(world: World, outcome: Outcome, ground: Ground | None = None) -> None:
    """Priya wants to answer the request so; nothing is kept."""
    answer = Answer(outcome=outcome, ground=ground, explanation="Here.", evidence="A will")
    with world.database.session() as session:
        request = session.exec(select(DataSubjectRequest)).one()
        propose_decision(session, request, answer, decided_by=world.staff["priya"].id, now=NOW)


def test_nothing_is_disclosed_after_a_death_before_two_found_who_may_have_it(
    world: World, case: str
) -> None:
    """P19: not even to whoever reads the mail of the dead."""
    assert "The person has died" in world.browser.get(case).text
    assert world.post(case, f"{case}/died").status_code == 303
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        verify_identity(transaction, request, how="link to the address on file", now=NOW)
        account = transaction.get_one(Account, world.accounts["alice"].id)
        assert (account.status, account.frozen_at) == ("deceased", NOW)
    with pytest.raises(DecisionRefused, match="has died"):
        propose(world, Outcome.FULFILLED)
    with pytest.raises(DecisionRefused, match="tells what we hold"):
        propose(world, Outcome.REFUSED, Ground.RIGHTS_OF_OTHERS)
    world.post(case, f"{case}/estate", **HEIR)
    assert "A colleague of yours has to agree" in world.browser.get(case).text
    with world.database.session() as session:
        found = session.exec(select(EstateAuthority)).one()
    with pytest.raises(Refused, match="second person"):
        world.desk.confirm_estate(stored(world).reference, found.id, world.staff["priya"].id)
    with pytest.raises(DecisionRefused, match="has died"):
        propose(world, Outcome.FULFILLED)
    world.enter_as("paul")
    world.post(case, f"{case}/estate/confirm", authority=str(found.id))
    propose(world, Outcome.FULFILLED)


def test_the_answer_goes_to_the_heir_and_no_mail_to_the_dead(world: World, case: str) -> None:
    """P19: the address on file is nobody's any more."""
    world.post(case, f"{case}/died")
    world.post(case, f"{case}/estate", **HEIR)
    with world.database.session() as session:
        found = session.exec(select(EstateAuthority)).one()
    reference = stored(world).reference
    world.desk.confirm_estate(reference, found.id, world.staff["paul"].id)
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        queue_answer(transaction, request, NOW)
    with world.database.session() as session:
        sent = session.exec(select(OutboxMail).where(OutboxMail.step == "answer")).all()
    assert [(mail.addressee_kind, mail.state) for mail in sent] == [("requester", "queued")]


def test_authority_is_only_asked_for_after_a_death(world: World, case: str) -> None:
    refused = world.post(case, f"{case}/estate", **HEIR)
    assert refused.status_code == 409
    assert "not frozen" in refused.text


def the_company_says(world: World, status: str, now: datetime = NOW) -> None:
    put_account(
        world.database,
        AccountRow(external_id="alice", email="", status=status),
        asserted_by=world.staff["omar"].id,
        now=now,
    )


def test_what_the_company_says_next_does_not_open_the_gate(world: World, case: str) -> None:
    """P19: its systems know nothing of the death; no mail goes to the address on file either."""
    world.post(case, f"{case}/died")
    the_company_says(world, "open")
    with world.database.transaction() as transaction:
        assert transaction.get_one(Account, world.accounts["alice"].id).status == "open"
        request = transaction.exec(select(DataSubjectRequest)).one()
        ask_again(transaction, request, NOW)
        verify_identity(transaction, request, how="link to the address on file", now=NOW)
    with pytest.raises(DecisionRefused, match="has died"):
        propose(world, Outcome.FULFILLED)
    with world.database.session() as session:
        asked = session.exec(select(OutboxMail).where(OutboxMail.step == "verification_2")).one()
    assert asked.state == "no_address"


def test_a_second_person_takes_a_mistaken_note_of_a_death_back(world: World, case: str) -> None:
    """P19: and the account is as it was; not so where the company says that its holder died."""
    world.post(case, f"{case}/died")
    assert "they live" not in world.browser.get(case).text
    assert "somebody else has to find" in world.post(case, f"{case}/lives").text
    world.enter_as("paul")
    assert "they live" in world.browser.get(case).text
    assert world.post(case, f"{case}/lives").status_code == 303
    with world.database.session() as session:
        account = session.get_one(Account, world.accounts["alice"].id)
    assert (account.status, account.thawed_at) == ("open", NOW)
    assert "None of us noted" in world.post(case, f"{case}/lives").text
    the_company_says(world, "deceased", NOW + timedelta(hours=1))
    world.post(case, f"{case}/died")
    world.enter_as("priya")
    assert world.post(case, f"{case}/lives").status_code == 303
    assert "The holder of this account has died" in world.browser.get(case).text


def test_what_was_decided_before_the_death_goes_to_nobody_either(world: World) -> None:
    """P19: a copy was granted, and another right was still open."""
    form = {"kinds": ["access", "inquiry"], "contact_address": "alice@example.org"}
    world.browser.post("/requests/new", data=form)
    given = Answer(outcome=Outcome.FULFILLED, explanation="Here.", evidence="By courier")
    unproved = Answer(outcome=Outcome.UNVERIFIED, explanation="Nobody showed who they are.")

    def decide(kind: Kind, answer: Answer) -> None:
        with world.database.transaction() as transaction:
            request = transaction.exec(select(DataSubjectRequest)).one()
            priya = world.staff["priya"].id
            decision = propose_decision(
                transaction, request, answer, kind=kind, decided_by=priya, now=NOW
            )
            transaction.flush()
            apply_decision(transaction, request, decision.id, NOW)

    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        verify_identity(transaction, request, how="link to the address on file", now=NOW)
    decide(Kind.ACCESS, given)
    world.desk.freeze_account(stored(world).reference, world.staff["priya"].id)
    with pytest.raises(DecisionRefused, match="has died"):
        decide(Kind.INQUIRY, unproved)
    decide(Kind.ACCESS, unproved)
    decide(Kind.INQUIRY, unproved)
    assert stored(world).outcome == Outcome.UNVERIFIED


def test_no_code_for_a_copy_goes_to_the_mailbox_of_the_dead(world: World, case: str) -> None:
    """P11, P19: nor does one open it that went there before."""
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        verify_identity(transaction, request, how="link to the address on file", now=NOW)
        link = add_link(transaction, purpose=REQUEST_COPY, subject_id=request.id, now=NOW)
        transaction.flush()
        assert packages.new_copy_code(transaction, request, link, NOW) is not None
        assert packages.try_copy_code(transaction, request, lambda _: True, NOW)
    world.post(case, f"{case}/died")
    with world.database.transaction() as transaction:
        request = transaction.exec(select(DataSubjectRequest)).one()
        assert not packages.try_copy_code(transaction, request, lambda _: True, NOW)
        assert packages.new_copy_code(transaction, request, link, NOW) is None


def test_who_was_to_have_it_after_a_death_has_nothing_of_whoever_lives(
    world: World, case: str
) -> None:
    """P19: also of what is decided; until two find out who asks."""
    world.post(case, f"{case}/died")
    world.post(case, f"{case}/estate", **HEIR)
    with world.database.session() as session:
        found = session.exec(select(EstateAuthority)).one()
    world.desk.confirm_estate(stored(world).reference, found.id, world.staff["paul"].id)
    propose(world, Outcome.FULFILLED)
    world.enter_as("paul")
    assert world.post(case, f"{case}/lives").status_code == 303
    assert not is_verified(stored(world))
    with pytest.raises(DecisionRefused, match="the holder lives who was said to have died"):
        propose(world, Outcome.FULFILLED)
    assert "says that the holder lives" in world.browser.get(case).text


def test_nor_when_the_company_says_that_they_live_whose_death_only_it_had_said(
    world: World, case: str, tmp_path: Path
) -> None:
    """P19: at once; and soon it stands as disputed, so that two can find out who asks."""
    the_company_says(world, "deceased")
    world.post(case, f"{case}/estate", **HEIR)
    with world.database.session() as session:
        found = session.exec(select(EstateAuthority)).one()
    world.desk.confirm_estate(stored(world).reference, found.id, world.staff["paul"].id)
    propose(world, Outcome.FULFILLED)
    the_watchdog_comes_by(world, tmp_path)
    assert is_verified(stored(world))
    the_company_says(world, "open", NOW + timedelta(hours=1))
    with pytest.raises(DecisionRefused, match="the holder lives"):
        propose(world, Outcome.FULFILLED)
    with world.database.session() as session:
        assert why_not_now(session, stored(world))
    the_watchdog_comes_by(world, tmp_path)
    assert not is_verified(stored(world))
    assert "says that the holder lives" in world.browser.get(case).text


def the_watchdog_comes_by(world: World, storage: Path) -> None:
    kept = Storage(storage, world.settings.data_keys)
    retention = Retention(
        database=world.database,
        storage=kept,
        periods=world.settings.request_periods,
        pseudonym_key=b"k" * 32,
    )
    chores = Chores(
        database=world.database,
        company=world.settings.company,
        storage=kept,
        retention=retention,
        settle_after=timedelta(days=1),
    )
    assert chores.do(NOW + timedelta(hours=1)) == {}


def test_who_was_to_be_answered_with_it_has_a_request_of_their_own_again(
    world: World, case: str
) -> None:
    """P19, P21: what answers them may be nobody's; it is due when theirs was."""
    first = stored(world)
    world.browser.post("/requests/new", data=ALANS)
    with world.database.session() as session:
        other = DataSubjectRequest.id != first.id
        second = session.exec(select(DataSubjectRequest).where(other)).one()
    world.post(case, f"{case}/died")
    world.post(case, f"{case}/estate", **HEIR)
    with world.database.session() as session:
        found = session.exec(select(EstateAuthority)).one()
    world.desk.confirm_estate(first.reference, found.id, world.staff["paul"].id)
    path = f"/staff/requests/{second.reference}"
    said = {"end": "duplicate", "of": first.reference, "reason": "The same words"}
    assert world.post(path, f"{path}/end", **said).status_code == 303
    world.messenger.started.clear()
    world.enter_as("paul")
    assert world.post(case, f"{case}/lives").status_code == 303
    with world.database.session() as session:
        own = follower_of(session, second) or pytest.fail("it has no request")
    assert (own.received_at, own.due_at) == (second.received_at, second.due_at)
    assert (own.answered_at, own.verified_at) == (None, None)
    assert world.messenger.started == [f"data-subject-request/{own.id}"]


def ask_after_the_death(world: World, contact: str) -> str:
    """The company says that Alice died; then somebody asks about her address: the case page."""
    the_company_says(world, "deceased")
    with world.database.transaction() as transaction:
        transaction.get_one(Account, world.accounts["alice"].id).country = "BR"
    form = {"kinds": "access", "contact_address": contact, "account_address": "alice@example.org"}
    world.browser.post("/requests/new", data=form)
    world.enter_as("priya")
    return f"/staff/requests/{stored(world).reference}"


def test_an_heir_who_asks_after_the_death_is_heard(world: World) -> None:
    """P19: the frozen account is known, so that two of us can find that they may have it."""
    case = ask_after_the_death(world, "alan@example.com")
    assert "The holder of this account has died" in world.browser.get(case).text
    assert world.post(case, f"{case}/estate", **HEIR).status_code == 303
    with world.database.session() as session:
        found = session.exec(select(EstateAuthority)).one()
    world.desk.confirm_estate(stored(world).reference, found.id, world.staff["paul"].id)
    propose(world, Outcome.FULFILLED)


def test_whoever_reads_the_mail_of_the_dead_learns_of_nothing(world: World) -> None:
    """P19, P21: neither that nothing is held, nor by when the law where she lived has it due."""
    ask_after_the_death(world, "alice@example.org")
    due_at = stored(world).due_at
    world.desk.confirm_contact(stored(world).id)
    assert stored(world).due_at == due_at
    with pytest.raises(DecisionRefused):
        propose(world, Outcome.NOTHING_HELD)
    with pytest.raises(DecisionRefused, match="has died"):
        propose(world, Outcome.FULFILLED)
    with world.database.session() as session:
        assert not may_be_sent_elsewhere(session, stored(world))


def test_an_open_account_at_the_same_address_is_asked_about_first(world: World) -> None:
    """P19: of a couple with one mailbox the one who lives asks for themselves."""
    put_account(
        world.database,
        AccountRow(external_id="alan", email="alice@example.org"),
        asserted_by=world.staff["omar"].id,
        now=NOW,
    )
    ask_after_the_death(world, "alice@example.org")
    with world.database.session() as session:
        account = session.get_one(Account, stored(world).account_id)
    assert account.external_id == "alan"
