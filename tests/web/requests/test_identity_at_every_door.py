"""Who asks, by whichever door they came: on paper, by an agent, signed in, or for an account that
was said (P19)."""

from datetime import timedelta

import pytest
from sqlmodel import select

from activities.requests.identity import coming_rungs
from database.people.links import REQUEST_STATUS, REQUEST_VERIFY
from database.people.restricted import restricted_among
from database.requests import identity, requests, rungs
from database.requests.authorised_agents import agent_of
from database.requests.identity_checks import checks_of
from database.requests.marketing import refused_by
from database.tables import (
    Account,
    AddressChange,
    DataSubjectRequest,
    IdentityCode,
    JoinedRequest,
    OutboxMail,
)
from domain.requests.data_subject_requests import Intake
from domain.requests.identity import DEFAULT_NUMBERS, DISPUTED, DRAFT, CheckMethod
from domain.rungs import Role, Rung, RungKind
from tests.web.api.test_api import made
from tests.web.requests.test_handoffs import FORM as SIGNED_IN
from tests.web.requests.test_handoffs import handed_over
from tests.web.requests.test_identity import ALICE, ELSEWHERE, FULFILLED, Asked, asks
from tests.web.world import NOW, World

POSTAL_ADDRESS = "Am Bach 3\n8010 Graz"


def newest(world: World) -> Asked:
    with world.database.session() as session:
        found = session.exec(
            select(DataSubjectRequest).order_by(DataSubjectRequest.id.desc())  # type: ignore[attr-defined]
        ).first()
    assert found is not None
    return Asked(world=world, request=found)


def by_letter(world: World, account: str | None, kinds: tuple[str, ...] = ("access",)) -> Asked:
    """Staff take in a letter of somebody without a mailbox."""
    world.desk.enter(
        Intake(name="Alice", contact_address="", postal_address=POSTAL_ADDRESS, kinds=kinds),
        world.staff["priya"].id,
        channel="post",
        received_at=NOW,
        account_id=world.accounts[account].id if account else None,
    )
    return newest(world)


def by_agent(world: World, contact_address: str = ALICE, about: str = "") -> Asked:
    form = {
        "name": "Alice",
        "contact_address": contact_address,
        "account_address": about,
        "kinds": "access",
        "agent_name": "Ann Attorney",
        "agent_address": "ann@law.example",
    }
    assert world.browser.post("/requests/new", data=form).status_code == 200
    return newest(world)


def mails(asked: Asked) -> set[tuple[str, str]]:
    """Templates, and to whom or how they go."""
    with asked.world.database.session() as session:
        return {
            (mail.template, mail.addressee_kind if mail.state == "queued" else mail.state)
            for mail in requests.mails_of(session, asked.request.id)
        }


def authority(asked: Asked) -> str | None:
    with asked.world.database.session() as session:
        agent = agent_of(session, asked.request.id)
        assert agent is not None
        return agent.authority


def restricted(asked: Asked) -> bool:
    with asked.world.database.session() as session:
        account_id = asked.request.account_id
        return bool(account_id and restricted_among(session, [account_id]))


def found_out(asked: Asked) -> None:
    """Two of the team find out who asks."""
    world, desk = asked.world, asked.world.desk
    desk.record_check(
        asked.request.reference,
        world.staff["priya"].id,
        method=CheckMethod.CALL_BACK,
        passed=True,
        evidence="Knew the last invoice.",
    )
    with world.database.session() as session:
        [check] = checks_of(session, asked.request)
    desk.confirm_check(asked.request.reference, check.id, world.staff["paul"].id)


def test_a_letter_gets_no_code_no_reminder_and_no_confirming_click(world: World) -> None:
    """P19, P26: the address on file is asked by a link alone; the page asks for nothing."""
    asked = by_letter(world, "alice")
    assert mails(asked) == {
        ("request_acknowledgement", "by_post"),
        ("request_verification", "account"),
    }
    assert not identity.asks_by_mail(asked.now())
    with world.database.session() as session:
        assert session.exec(select(IdentityCode)).all() == []
    page = asked.get().text
    assert "Is this you?" not in page
    assert "Code of eight digits" not in page
    assert asked.press(REQUEST_STATUS, "new-code").status_code == 429
    asked.press()
    assert asked.now().contact_confirmed_at is None


@pytest.mark.parametrize("proof", ["link", "two of the team"])
def test_what_is_disclosed_to_whoever_wrote_a_letter_goes_on_paper(
    world: World, proof: str
) -> None:
    """P19, P26: whichever way they showed who they are."""
    asked = by_letter(world, "alice")
    if proof == "link":
        asked.press(REQUEST_VERIFY)
    else:
        found_out(asked)
    asked.answer(FULFILLED)
    answers = {(template, how) for template, how in mails(asked) if "answer" in template}
    assert answers == {("request_answer", "by_post")}
    assert "your secret name" in asked.get().text
    with world.database.session() as session:
        mail = session.exec(select(OutboxMail).where(OutboxMail.template == "request_answer")).one()
    world.enter_as("priya")
    letter = f"/staff/requests/{asked.now().reference}/letters/{mail.id}"
    printed = " ".join(world.browser.get(letter).text.split())
    assert "Open its page in a browser, at this address, and you can have it looked" in printed
    assert "On its page you can" not in printed


def test_a_letter_from_nobody_we_know_brings_no_mail_at_all(world: World) -> None:
    """P26: and whatever is decided of it, it hears of on paper."""
    asked = by_letter(world, None)
    assert mails(asked) == {("request_acknowledgement", "by_post")}


def test_a_link_and_a_click_at_the_address_on_file_say_that_an_agent_may(world: World) -> None:
    """P19: both came by mail to the person, and both pages say who asks."""
    asked = by_agent(world)
    assert "Ann Attorney" in asked.get().text
    asked.press()
    assert asked.now().verified_at == NOW
    assert authority(asked) == "accepted"


def test_a_code_or_two_of_the_team_say_who_the_person_is_and_not_that_an_agent_may(
    world: World,
) -> None:
    """P19: the page behind the link in the mail still asks for that."""
    asked = by_agent(world)
    found_out(asked)
    assert asked.now().verified_at == NOW
    assert authority(asked) is None
    other = by_agent(world, ELSEWHERE, about=ALICE)
    other.press(button="code", code=other.code())
    assert other.now().verified_at == NOW
    assert authority(other) is None
    assert "Ann Attorney" in other.get(REQUEST_VERIFY).text
    other.press(REQUEST_VERIFY)
    assert authority(other) == "accepted"


def test_who_disowned_a_request_does_not_let_an_agent_ask_it(world: World) -> None:
    """P19."""
    asked = by_agent(world)
    asked.press(REQUEST_VERIFY, "not-mine")
    asked.press(REQUEST_VERIFY)
    asked.press()
    assert authority(asked) is None


@pytest.mark.parametrize("proof", ["link", "code", "click", "two of the team"])
def test_whoever_objects_is_restricted_whichever_way_they_show_who_they_are(
    world: World, proof: str
) -> None:
    """P15."""
    asked = asks(world, ALICE, kinds=["objection"])
    assert not restricted(asked)
    match proof:
        case "link":
            asked.press(REQUEST_VERIFY)
        case "code":
            asked.press(button="code", code=asked.code())
        case "click":
            asked.press()
        case _:
            found_out(asked)
    assert restricted(asked)


def test_a_click_proves_nothing_of_an_account_that_was_said(world: World) -> None:
    """P19: from a system or by staff; the account is there, whatever address they write from."""
    alice = world.accounts["alice"].id
    intake = Intake(name="Alice", contact_address=ELSEWHERE, kinds=("access",))
    world.desk.take_in(intake, channel="api", account_id=alice)
    asked = newest(world)
    asked.press()
    now = asked.now()
    assert (now.account_address, now.verified_at) == (ALICE, None)
    assert identity.awaits_identity(now)
    with world.database.session() as session:
        assert not identity.controls_empty_address(session, now)


def test_whoever_is_signed_in_waits_too_where_their_address_changed_lately(world: World) -> None:
    """P19, P25: whoever took an account over is signed in."""
    with world.database.transaction() as transaction:
        alice = transaction.get_one(Account, world.accounts["alice"].id)
        changed_at = alice.address_changed_at = NOW - timedelta(days=2)
        replaced = AddressChange(
            account_id=alice.id, address="old@example.org", changed_at=changed_at
        )
        transaction.add_all([alice, replaced])
    world.browser.post(handed_over(world, made(world, "application")), data=SIGNED_IN)
    asked = newest(world)
    assert asked.request.verified_at == asked.request.contact_confirmed_at == NOW
    assert asked.request.disclosure_held_until == NOW + timedelta(hours=48)
    assert ("request_address_warning", "former") in mails(asked)
    assert ("request_verification", "account") not in mails(asked)


def test_word_of_a_dispute_takes_nobodys_turn_on_the_ladder(world: World) -> None:
    """P19, P21: who was told of it still hears of the step they are next for."""
    asked = asks(world, ELSEWHERE, about=ALICE)
    step = Rung(
        key="d-20", at=NOW, kind=RungKind.REMINDER, audience=(Role.ASSIGNEE,), summary="reminder"
    )
    with world.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, asked.request.id)
        rungs.fire(transaction, row, step, now=NOW)
    asked.press(REQUEST_VERIFY, "not-mine")
    with world.database.session() as session:
        row = session.get_one(DataSubjectRequest, asked.request.id)
        assert DISPUTED in {mail.step for mail in requests.mails_of(session, row.id)}
        assert rungs.told_of(session, row, "d-20") == set()


def test_who_said_that_it_is_not_theirs_is_reminded_of_nothing(world: World) -> None:
    """P19: they were told so; only the answer is drafted that nobody showed who they are."""
    asked = asks(world, ELSEWHERE, about=ALICE)
    assert len(coming_rungs(asked.request, DEFAULT_NUMBERS)) > 1
    asked.press(REQUEST_VERIFY, "not-mine")
    with world.database.session() as session:
        disputed = session.get_one(DataSubjectRequest, asked.request.id)
    assert [rung.key for rung in coming_rungs(disputed, DEFAULT_NUMBERS)] == [DRAFT]


@pytest.mark.parametrize("kind", ["marketing_opt_out", "minor"])
def test_what_is_done_at_once_is_done_for_the_address_that_was_named(
    world: World, kind: str
) -> None:
    """P17, P18: without identity, whichever of the two addresses has the account."""
    asked = asks(world, ELSEWHERE, about=ALICE, kinds=[kind])
    assert not asked.request.needs_identity
    with world.database.session() as session:
        alice = session.get_one(Account, world.accounts["alice"].id)
        refused = refused_by(session, alice, world.settings.suppression_key_bytes)
    assert (bool(refused), restricted(asked)) == (kind != "minor", kind == "minor")


def test_too_many_requests_about_other_addresses_join_at_last(world: World) -> None:
    """P26: five are taken in by themselves, and the mailbox that was typed is not flooded."""
    for number in range(8):
        asks(world, ELSEWHERE, about=f"person{number}@example.org")
    for _ in range(2):
        asks(world, ELSEWHERE, about="person0@example.org")
    with world.database.session() as session:
        own = {row.account_address for row in session.exec(select(DataSubjectRequest)).all()}
        joined = [row.account_address for row in session.exec(select(JoinedRequest)).all()]
    assert own == {f"person{number}@example.org" for number in range(5)}
    assert sorted(joined, key=str) == [
        *["person0@example.org"] * 2,
        *(f"person{number}@example.org" for number in range(5, 8)),
    ]
