"""What people tell us later, on the page of their request: kept, shown to staff, and to nobody else
(P19, P20, P26)."""

from datetime import timedelta

import pytest
from sqlmodel import select

from database.people.absences import set_absent
from database.requests.additions import MOST
from database.tables import OutboxMail, RequestAddition, Staff
from domain.requests.ladder import ADDED_TO
from tests.web.requests.test_attachments import PDF, PROGRAM, attached
from tests.web.requests.test_request_ends import ask, page_of
from tests.web.world import NOW, World

WORDS = 'My customer number is <b>4711</b>.\nAnd I "moved" — 東京へ.'


def written(world: World) -> list[str]:
    with world.database.session() as session:
        found = session.exec(select(RequestAddition).order_by(RequestAddition.id))  # type: ignore[arg-type]
        return [one.words for one in found]


def test_what_alice_adds_reaches_staff_with_its_time_and_escaped(world: World) -> None:
    """P26: the workflow looks again, and her page tells that we have it, and not what it is."""
    request = ask(world)
    page, told = page_of(world, request), world.messenger.told
    answer = world.browser.post(f"{page}/files", data={"more": f"  {WORDS}  "})
    assert "We have what you wrote on" in answer.text
    assert "4711" not in answer.text
    assert world.messenger.told == told + 1
    assert written(world) == [WORDS]
    world.enter_as("priya")
    case = world.browser.get(f"/staff/requests/{request.reference}").text
    assert "Told us later" in case
    assert "&lt;b&gt;4711&lt;/b&gt;" in case
    assert "<b>4711" not in case


def test_pressed_twice_it_is_kept_once(world: World) -> None:
    page = page_of(world, ask(world))
    for _ in range(2):
        world.browser.post(f"{page}/files", data={"more": WORDS})
    assert len(written(world)) == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("a" * 10_001, "shorten the message to 10,000"),
        ("My number\x00 is\x1b[31m 4711", "characters that cannot be shown"),
    ],
)
def test_what_cannot_be_taken_is_said_and_stays_typed(world: World, words: str, why: str) -> None:
    page = page_of(world, ask(world))
    answer = world.browser.post(f"{page}/files", data={"more": words})
    assert answer.status_code == 409
    assert why in answer.text
    assert words.replace("\x00", "")[:8] in answer.text
    assert written(world) == []


def test_words_and_a_file_are_taken_together_or_not_at_all(world: World) -> None:
    """P26: nobody thinks that we have the file that the words speak of."""
    page = page_of(world, ask(world))
    refused = world.browser.post(
        f"{page}/files", data={"more": WORDS}, files=[("attachment", PROGRAM)]
    )
    assert refused.status_code == 409
    assert "&lt;b&gt;4711&lt;/b&gt;" in refused.text
    assert (written(world), attached(world)) == ([], [])
    world.browser.post(f"{page}/files", data={"more": WORDS}, files=[("attachment", PDF)])
    assert (len(written(world)), len(attached(world))) == (1, 1)


def test_nothing_is_added_after_the_answer_or_without_end(world: World) -> None:
    page = page_of(world, ask(world))
    for number in range(MOST):
        world.browser.post(f"{page}/files", data={"more": f"Note {number}"})
    many = world.browser.post(f"{page}/files", data={"more": "One more"})
    assert "twenty times" in many.text
    world.browser.post(f"{page}/withdraw")
    late = world.browser.post(f"{page}/files", data={"more": "One more"})
    assert "answered already" in late.text
    assert len(written(world)) == MOST


def told_of_it(world: World) -> list[str]:
    """Who of staff got the mail that there is more to read, one name for each mail."""
    with world.database.session() as session:
        mails = session.exec(select(OutboxMail).where(OutboxMail.template == ADDED_TO)).all()
        return sorted(session.get_one(Staff, mail.addressee_id).handle for mail in mails)


def test_whoever_works_on_it_hears_of_it_once_a_day(world: World) -> None:
    """P26: and until somebody does, the team."""
    request = ask(world)
    page = page_of(world, request)
    team = sorted(one.handle for one in world.staff.values() if "privacy" in one.roles)
    world.browser.post(f"{page}/files", data={"more": "One"})
    world.browser.post(f"{page}/files", data={"more": "Two"})
    assert told_of_it(world) == team
    world.desk.assign(request.reference, world.staff["priya"].id)
    for days in (1, 1):
        world.desk.clock.advance(timedelta(days=days))
        world.browser.post(f"{page}/files", files=[("attachment", PDF)])
        world.browser.post(f"{page}/files", data={"more": f"And {days}"})
    assert told_of_it(world) == sorted([*team, "priya", "priya"])


def test_whoever_acts_for_them_hears_of_it_while_they_are_away(world: World) -> None:
    """P26, P21; and it tells nobody that it is their turn on the ladder."""
    request = ask(world)
    world.desk.assign(request.reference, world.staff["priya"].id)
    today = NOW.date()
    with world.database.transaction() as transaction:
        priya, paul = (transaction.get_one(Staff, world.staff[one].id) for one in ("priya", "paul"))
        set_absent(
            transaction, priya, from_on=today, until_on=today, delegate=paul, by=priya, now=NOW
        )
    world.browser.post(f"{page_of(world, request)}/files", data={"more": "One"})
    assert told_of_it(world) == ["paul"]


def test_an_empty_form_changes_nothing(world: World) -> None:
    page = page_of(world, ask(world))
    told = world.messenger.told
    assert world.browser.post(f"{page}/files", data={"more": " \n "}).status_code == 200
    assert (written(world), world.messenger.told) == ([], told)
