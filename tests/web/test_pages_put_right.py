"""Pages whose words were put right (P8): what was decided on them, and what they say then."""

from datetime import timedelta

import pytest
from sqlmodel import select

from database.approvals.approvals import PolicyHistory
from database.approvals.governing_lists import decisions as listed
from database.campaigns.corrections import Right, RightWords
from database.policies.wording import Words, keep_words
from database.tables import Account, Policy, PolicyVersion
from domain.policies.reviews import Decisions
from tests.web.approvals.test_approvals import decide, decisions, mail_first_notices
from tests.web.world import NOW, World, hidden, version


def put_right_by_two(world: World, decisions: Decisions, *, summary: str) -> None:
    """Two people of legal agree that the mail was wrong, and perhaps the summary on the page."""
    words = RightWords(language="en", mail="It was wrong.", summary=summary, sentences={})
    right = Right(decisions=decisions, words=[words])
    world.desk.clock.advance(timedelta(minutes=5))
    world.desk.correct("privacy-policy", 2, world.staff["lena"].id, "Wrong.", right)
    world.desk.confirm_correction("privacy-policy", 2, world.staff["omar"].id)
    world.desk.clock.advance(timedelta(minutes=5))


@pytest.mark.parametrize("summary", ["We sell your data.", ""], ids=["summary", "mail_alone"])
def test_a_page_from_before_it_was_put_right_decides_nothing(world: World, summary: str) -> None:
    """P5, P8: what was decided on it is void, and what is decided on it later would not be."""
    mail_first_notices(world)
    path = world.link("alice")
    stamp = hidden(world.browser.get(path).text, "stamp")
    put_right_by_two(world, Decisions.VOID, summary=summary)
    late = world.browser.post(path, data={"stamp": stamp, "decision": "approved"})
    assert late.status_code == 409
    assert decisions(world) == []
    decide(world, "alice", "approved")
    assert decisions(world) == ["approved"]


def test_what_somebody_approved_stays_readable_when_other_words_stand_there(world: World) -> None:
    """P6: the proof names a hash, and the words behind it are kept."""
    mail_first_notices(world)
    decide(world, "alice", "approved")
    put_right_by_two(world, Decisions.KEEP, summary="We sell your data.")
    decide(world, "bob", "approved")
    with world.database.session() as session:
        policy = session.exec(select(Policy)).one()
        history = PolicyHistory(session, policy)
        now = world.desk.clock.now()
        holders = [session.get_one(Account, world.accounts[name].id) for name in ("alice", "bob")]
        proven = history.proven(holders, now)
        alices, bobs = (listed(history, proven[holder.id])[0]["shown"] for holder in holders)
    assert isinstance(alices, dict)
    assert isinstance(bobs, dict)
    assert alices["summary"] == "What we do with recordings of sessions."
    assert alices["put_right"] is None
    assert bobs["summary"] == "We sell your data."
    assert alices["changes"] == bobs["changes"] != []


def speak_german(world: World, *names: str) -> None:
    """These read German, and legal had written for them."""
    german = Words(
        language="de", summary="Aufnahmen von Sitzungen.", sentences={"F1": "Zehn Tage."}
    )
    with world.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version(world, 2).id)
        keep_words(transaction, row, german, default="en", by=world.staff["lena"].id, now=NOW)
        for name in names:
            transaction.get_one(Account, world.accounts[name].id).locale = "de"


def put_german_right(world: World, decisions: Decisions) -> None:
    """Two people of legal agree that only the German sentence was wrong."""
    words = RightWords(language="de", mail="Es ist ein Jahr.", sentences={"F1": "Ein Jahr lang."})
    right = Right(decisions=decisions, words=[words])
    world.desk.clock.advance(timedelta(minutes=5))
    world.desk.correct("privacy-policy", 2, world.staff["lena"].id, "Wrong.", right)
    world.desk.confirm_correction("privacy-policy", 2, world.staff["omar"].id)
    world.desk.clock.advance(timedelta(minutes=5))


WRONG = {"en": "What we told you was wrong", "de": "Was wir Ihnen mitgeteilt haben, war falsch"}

VOID = {"en": "does not count any more", "de": "Ihre Antwort gilt nicht mehr"}


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_of_who_had_no_wrong_words_never_says_that_something_was_put_right(
    world: World, language: str
) -> None:
    """P8: in whatever language they read it. What Alice approved stands, and Bob is asked again."""
    speak_german(world, "bob")
    mail_first_notices(world)
    decide(world, "alice", "approved")
    decide(world, "bob", "approved")
    put_german_right(world, Decisions.VOID)
    alices, bobs = (
        world.browser.get(f"{world.link(name)}?lang={language}").text for name in ("alice", "bob")
    )
    assert WRONG[language] not in alices
    assert VOID[language] not in alices
    assert 'class="done approved"' in alices
    assert WRONG[language] in bobs
    assert VOID[language] in bobs
    assert '<span lang="de">Es ist ein Jahr.</span>' in bobs
    assert 'class="done' not in bobs


def test_a_page_that_was_right_is_good_after_others_were_put_right(world: World) -> None:
    """P8: Alice had hers open meanwhile."""
    speak_german(world, "bob")
    mail_first_notices(world)
    path = world.link("alice")
    stamp = hidden(world.browser.get(path).text, "stamp")
    put_german_right(world, Decisions.VOID)
    world.browser.post(path, data={"stamp": stamp, "decision": "approved"})
    assert decisions(world) == ["approved"]


def test_a_page_says_what_became_of_the_answer_that_was_given_on_it(world: World) -> None:
    """P8: void with the first correction, it stays so with the second, which keeps answers; given
    anew it counts, and nothing says that it does not."""
    mail_first_notices(world)
    decide(world, "alice", "approved")
    put_right_by_two(world, Decisions.VOID, summary="We sell your data.")
    put_right_by_two(world, Decisions.KEEP, summary="We sell all of your data.")
    alices, bobs = (world.browser.get(world.link(name)).text for name in ("alice", "bob"))
    assert VOID["en"] in alices
    assert WRONG["en"] in bobs
    assert VOID["en"] not in bobs
    decide(world, "alice", "declined")
    again = world.browser.get(world.link("alice")).text
    assert WRONG["en"] in again
    assert VOID["en"] not in again
