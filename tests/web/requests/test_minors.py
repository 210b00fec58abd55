"""Who is said to be a minor: reported by anybody, told, heard, and looked into by two (P18)."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from httpx import Response
from sqlmodel import col, select

from database.people.links import MINOR_CHECK, REQUEST_STATUS
from database.requests import erasures, minors
from database.requests.requested_rights import rights_of
from database.tables import (
    Account,
    DataSubjectRequest,
    Link,
    MinorCheck,
    OutboxMail,
    Restriction,
)
from domain.requests.data_subject_requests import Intake
from domain.requests.erasures import ErasureGround
from domain.requests.minors import MOST_OF_ALL_REPORTERS
from tests.web.requests.test_at_once import restricted
from tests.web.requests.test_requests import ask, path
from tests.web.world import NOW, World

PAGE = "/staff/minors"
DAY = timedelta(days=1)


def report(world: World, *named: str, by: str = "eve@example.com") -> None:
    ask(world, kinds="minor", contact_address=by, message=" ".join(named) or "A child I know.")


def checks(world: World) -> Mapping[str, MinorCheck]:
    """What is, or was, looked into, by account."""
    with world.database.session() as session:
        rows = session.exec(
            select(MinorCheck, Account.external_id)
            .join(Account, col(Account.id) == col(MinorCheck.account_id), isouter=True)
            .order_by(col(MinorCheck.opened_at))
        ).all()
    return {external_id or "": check for check, external_id in rows}


def mails(world: World) -> list[tuple[str, str, str]]:
    """Template, whom to, and state of what is written about minors."""
    with world.database.session() as session:
        rows = session.exec(select(OutboxMail).where(OutboxMail.subject_kind == "minor_check"))
        return sorted((row.template, row.addressee_kind, row.state) for row in rows)


def page_of(world: World, name: str) -> str:
    """The holder's own page."""
    with world.database.session() as session:
        link = session.exec(select(Link).where(Link.subject_id == checks(world)[name].id)).one()
    return f"/minor/{world.token(MINOR_CHECK, link)}"


def press(world: World, who: str, name: str, act: str, **fields: str) -> Response:
    """One of the team does something about what is looked into."""
    world.enter_as(who)
    return world.post(PAGE, f"{PAGE}/{checks(world)[name].id}/{act}", **fields)


def many_accounts(world: World, count: int) -> list[str]:
    names = [f"kid{number:02}@example.org" for number in range(count)]
    with world.database.transaction() as transaction:
        for name in names:
            transaction.add(Account(external_id=name, email=name, joined_at=NOW, recorded_at=NOW))
    return names


def test_a_report_restricts_tells_the_holder_and_gives_somebody_of_privacy_three_working_days(
    world: World,
) -> None:
    report(world, "bob@example.org")
    assert restricted(world) == {"bob"}
    assert mails(world) == [
        ("minor_check", "account", "queued"),
        ("minor_check_for_you", "staff", "queued"),
    ]
    (check,) = checks(world).values()
    assert check.owner_id in {world.staff[name].id for name in ("priya", "paul")}
    world.enter_as("priya")
    page = world.browser.get(PAGE).text
    assert "5 March 2026" in page  # received on a Monday
    assert "overdue" not in page
    assert "to be looked into that may be a minor" in world.browser.get("/staff/requests").text
    world.desk.clock.advance(4 * DAY)
    assert ", overdue" in world.browser.get(PAGE).text
    with world.database.session() as session:
        late = minors.overdue(session, world.settings.company.office, (NOW + 4 * DAY).date())
    assert late == [check.id]


@pytest.mark.parametrize("named", ["bob@example.org", "nobody@example.com", ""])
@pytest.mark.parametrize("language", ["en", "de"])
def test_whoever_reports_gets_the_same_words_at_once_whether_there_is_an_account_or_not(
    world: World, named: str, language: str
) -> None:
    """P18, P19: and in the same mails; and nothing more, whatever comes of it."""
    form = {"kinds": "minor", "contact_address": "eve@example.com", "message": named}
    world.browser.post(f"/requests/new?lang={language}", data=form)
    with world.database.session() as session:
        request = session.exec(select(DataSubjectRequest)).one()
        sent = session.exec(
            select(OutboxMail.step).where(OutboxMail.subject_id == request.id)
        ).all()
    assert (request.state, request.answered_at) == ("answered", NOW)
    assert sorted(sent) == ["acknowledgement", "answer"]
    page = world.browser.get(path(world, REQUEST_STATUS)).text
    words = "everybody who reports a minor" if language == "en" else "Wer uns eine minderjährige"
    assert words in page
    assert "We have done what you asked for" not in page
    assert "bob" not in page


def test_a_report_that_names_no_account_is_looked_into_and_the_account_found(
    world: World,
) -> None:
    report(world)
    assert restricted(world) == set()
    assert [row[0] for row in mails(world)] == ["minor_check_for_you"]
    assert press(world, "priya", "", "name", account="nobody").status_code == 409
    assert press(world, "priya", "", "name", account="bob").status_code == 303
    assert restricted(world) == {"bob"}
    assert [row[0] for row in mails(world)] == ["minor_check", "minor_check_for_you"]


def test_where_nobody_is_found_that_is_said_and_nothing_else_can_be(world: World) -> None:
    report(world)
    wrong = press(world, "priya", "", "found", outcome="minor", means="A guess.")
    assert wrong.status_code == 409
    assert press(world, "priya", "", "found", outcome="nobody", means="").status_code == 409
    done = press(world, "priya", "", "found", outcome="nobody", means="No such name.")
    assert done.status_code == 303
    assert "None." in world.browser.get(PAGE).text


def test_the_holder_reads_what_is_looked_into_and_says_something(world: World) -> None:
    """Also in German; what they wrote is escaped, and can be written anew until it is decided."""
    report(world, "bob@example.org")
    page = page_of(world, "bob")
    first = world.browser.get(page).text
    assert "younger than 18" in first
    assert "eve@" not in first
    assert "Nutzt eine minderjährige Person" in world.browser.get(f"{page}?lang=de").text
    assert checks(world)["bob"].heard_at is None  # looking says nothing
    for said in ("I am <b>40</b>.", "I am 41."):
        assert world.browser.post(page, data={"said": said}).status_code == 200
        assert checks(world)["bob"].said == said
        assert "<b>" not in world.browser.get(page).text
    assert "I am 41." in world.browser.get(page).text
    empty = world.browser.post(page, data={"said": " "})
    assert empty.status_code == 409
    assert "Please write something first." in empty.text
    assert world.browser.post(page, data={"said": "x" * 10_001}).status_code == 409
    assert checks(world)["bob"].said == "I am 41."
    press(world, "priya", "bob", "found", outcome="not_minor", means="Pays by credit card.")
    assert "This is decided" in world.browser.get(page).text
    assert world.browser.post(page, data={"said": "Late."}).status_code == 409


def test_who_reads_mail_at_an_earlier_address_says_nothing_for_the_holder(world: World) -> None:
    """P32."""
    report(world, "bob@example.org")
    page = page_of(world, "bob")
    with world.database.transaction() as transaction:
        bob = transaction.get_one(Account, world.accounts["bob"].id)
        bob.email, bob.address_changed_at = "bob@new.example", NOW + DAY
        transaction.add(bob)
    assert world.browser.get(page).status_code == 410
    assert world.browser.post(page, data={"said": "I am six."}).status_code == 410
    assert checks(world)["bob"].heard_at is None


def test_what_is_no_minors_is_let_go_with_word_to_its_holder(world: World) -> None:
    """P14: and a report does not restrict it again by itself."""
    report(world, "bob@example.org")
    assert press(world, "priya", "bob", "found", outcome="", means="x").status_code == 409
    done = press(world, "priya", "bob", "found", outcome="not_minor", means="Pays by card.")
    assert done.status_code == 303
    with world.database.session() as session:
        restriction = session.exec(select(Restriction)).one()
        mail = session.exec(select(OutboxMail).where(OutboxMail.subject_id == restriction.id)).one()
    assert restriction.lift_asked_at == NOW
    assert mail.template == "restriction_lifted"
    with world.database.transaction() as transaction:
        row = transaction.get_one(Restriction, restriction.id)
        row.lifted_at = NOW
        transaction.add(row)
    report(world, "bob@example.org", by="other@example.com")
    assert restricted(world) == set()
    assert "<strong>not yet</strong>" in world.browser.get(PAGE).text
    assert press(world, "paul", "bob", "restrict").status_code == 303
    assert restricted(world) == {"bob"}


def test_nobody_is_found_to_be_a_minor_unheard_or_by_one_alone(world: World) -> None:
    """Two days to say something; then two of the team; then the request to erase, not before."""
    report(world, "bob@example.org")
    found = {"outcome": "minor", "means": "The profile says so."}
    early = press(world, "priya", "bob", "found", **found)
    assert early.status_code == 409
    assert "has until 4 March 2026 to say something" in early.text
    world.desk.clock.advance(2 * DAY)
    assert press(world, "priya", "bob", "found", **found).status_code == 303
    alone = press(world, "priya", "bob", "confirm")
    assert alone.status_code == 409
    assert "a colleague of yours has to agree" in alone.text
    agreed = press(world, "paul", "bob", "confirm")
    assert agreed.status_code == 303
    with world.database.session() as session:
        bob = session.get_one(Account, world.accounts["bob"].id)
        reference = agreed.headers["location"].rpartition("/")[2]
        erasure = session.exec(
            select(DataSubjectRequest).where(DataSubjectRequest.reference == reference)
        ).one()
        rights = [right.kind for right in rights_of(session, erasure.id)]
        grounds = erasures.grounds_of(session, erasure)
        written = session.exec(
            select(OutboxMail.step).where(OutboxMail.subject_id == erasure.id)
        ).all()
    assert (bob.kind, bob.minor_from) == ("minor", NOW + 2 * DAY)
    assert restricted(world) == {"bob"}
    assert rights == ["erasure"]
    assert ErasureGround.MINOR in grounds
    assert (erasure.account_id, erasure.verified_at) == (bob.id, NOW + 2 * DAY)
    assert written == []  # nobody is told that we got what we asked ourselves
    assert checks(world)["bob"].erasure_id == erasure.id
    assert press(world, "paul", "bob", "confirm").status_code == 409


def test_who_answers_need_not_be_waited_for(world: World) -> None:
    report(world, "bob@example.org")
    world.browser.post(page_of(world, "bob"), data={"said": "I am twelve."})
    found = {"outcome": "minor", "means": "He says so."}
    assert press(world, "priya", "bob", "found", **found).status_code == 303


def test_a_holder_whom_no_mail_reaches_is_heard_otherwise(world: World) -> None:
    with world.database.transaction() as transaction:
        bob = transaction.get_one(Account, world.accounts["bob"].id)
        bob.status = "closed"
        transaction.add(bob)
    world.enter_as("priya")
    opened = world.post(PAGE, PAGE, account="bob", note="His letter says that he is nine.")
    assert opened.status_code == 303
    assert mails(world) == [("minor_check", "account", "no_address")]
    found = {"outcome": "minor", "means": "The letter."}
    unheard = press(world, "priya", "bob", "found", **found)
    assert "Reach them otherwise, or try" in unheard.text
    assert press(world, "priya", "bob", "heard", said="", how="").status_code == 409
    tried = press(world, "priya", "bob", "heard", said="", how="A letter to the parents.")
    assert tried.status_code == 303
    assert press(world, "priya", "bob", "found", **found).status_code == 303
    again = world.post(PAGE, PAGE, account="bob", note="Once more.")
    assert "looked into already" in again.text


def test_a_stranger_restricts_and_writes_to_a_few_accounts_a_day_and_no_more(
    world: World,
) -> None:
    """P26: whatever they type; the rest is looked at by staff first, and nothing of it is lost."""
    names = many_accounts(world, MOST_OF_ALL_REPORTERS + 15)
    report(world, *names[:3])
    report(world, *names[3:8])
    assert restricted(world) == set(names[:5])
    assert sum(row[0] == "minor_check" for row in mails(world)) == 5
    assert {*names[:8]} == {*checks(world)}
    for number in range(6):
        some = names[10 + 5 * number : 15 + 5 * number]
        report(world, *some, by=f"eve{number}@example.com")
    assert len(restricted(world)) == MOST_OF_ALL_REPORTERS
    world.desk.clock.advance(DAY)
    report(world, names[7])
    assert names[7] in restricted(world)


def test_what_staff_take_in_is_restricted_whatever_strangers_did(world: World) -> None:
    """P26: they looked at it."""
    names = many_accounts(world, 12)
    report(world, *names[:5])
    with world.database.session() as session:
        assert session.exec(select(Restriction.restricted_by)).all() == [None] * 5
    world.desk.enter(
        Intake(
            name="Eve",
            contact_address="eve@example.com",
            kinds=("minor",),
            message=" ".join(names[5:10]),
        ),
        world.staff["priya"].id,
        channel="telephone",
        received_at=NOW,
    )
    assert restricted(world) == set(names[:10])


def test_others_than_privacy_see_nothing_of_it(world: World) -> None:
    """P30."""
    world.enter_as("lena")
    assert world.browser.get(PAGE).status_code == 403
