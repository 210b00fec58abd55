"""Whom the first notice did not reach is seen and told by whoever people call (P4, P30)."""

from csv import DictReader
from io import StringIO

import pytest
from sqlmodel import col, select

from database.campaigns.shards import queue_step
from database.mail.steps import FIRST_NOTICE
from database.tables import Account, Campaign, Fact, OutboxMail
from tests.web.world import NOW, World

PAGE = "/staff/policies/privacy-policy/versions/2/not-reached"


@pytest.fixture
def alices_bounced(world: World) -> str:
    """Alice's first notice bounced; her account's id."""
    with world.database.transaction() as transaction:
        campaign = transaction.exec(select(Campaign)).one()
        queue_step(
            transaction, campaign, FIRST_NOTICE, 0, languages=world.settings.languages, now=NOW
        )
        mail, account = transaction.exec(
            select(OutboxMail, Account)
            .join(Account, col(Account.id) == col(OutboxMail.addressee_id))
            .where(OutboxMail.step == FIRST_NOTICE, col(Account.email).startswith("alice"))
        ).one()
        mail.state, mail.reason = "bounced", "<b>no such mailbox</b>"
        return account.external_id


def test_whoever_was_missed_is_named_with_reason_owner_and_due_date(
    world: World, alices_bounced: str
) -> None:
    """P4: and what the mail service said is shown as words, never as a page."""
    world.enter_as("lena")
    page = world.browser.get(PAGE).text
    assert alices_bounced in page
    assert "&lt;b&gt;no such mailbox&lt;/b&gt;" in page
    assert "1 wait to be told" in page
    assert "bounced: 1" in page
    assert "<dt>Language</dt><dd>English: 1</dd>" in page
    assert f'href="{PAGE}"' in world.browser.get(PAGE.removesuffix("/not-reached")).text


def test_the_file_has_the_whole_list(world: World, alices_bounced: str) -> None:
    """P4."""
    world.enter_as("lena")
    answer = world.browser.get(f"{PAGE}.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = DictReader(StringIO(answer.text))
    assert (row["account"], row["state"], row["owner"]) == (alices_bounced, "bounced", "lena")


def test_legal_gives_them_to_support_who_notes_who_was_told_by_post(
    world: World, alices_bounced: str
) -> None:
    """P4: the list has an owner, who finds it on their first page."""
    world.enter_as("lena")
    answer = world.post(PAGE, f"{PAGE}/assign", state="bounced", to="sofia")
    assert answer.status_code == 303
    assert "<td>sofia</td>" in world.browser.get(PAGE).text
    told = {"account": alices_bounced, "how": "post", "reason": "registered letter"}
    world.enter_as("sofia")
    assert f'href="{PAGE}"' in world.browser.get("/staff").text
    assert world.post(PAGE, f"{PAGE}/reached", **told).status_code == 303
    assert f'href="{PAGE}"' not in world.browser.get("/staff").text
    page = world.browser.get(PAGE).text
    assert "0 wait to be told, 1 were told by other means" in page
    assert "registered letter" in page


def test_what_is_refused_is_said_in_words(world: World, alices_bounced: str) -> None:
    """P4: and changes nothing."""
    world.enter_as("lena")
    told = {"account": "nobody", "how": "post", "reason": "registered letter"}
    answer = world.post(PAGE, f"{PAGE}/reached", **told)
    assert answer.status_code == 409
    assert "There is no account" in answer.text
    assert alices_bounced in world.browser.get(PAGE).text


def test_they_are_given_only_to_who_can_open_the_list(world: World, alices_bounced: str) -> None:
    """P30."""
    world.enter_as("lena")
    page = world.browser.get(PAGE).text
    assert '<option value="sofia">' in page
    assert '<option value="otto">' not in page
    answer = world.post(PAGE, f"{PAGE}/assign", state="bounced", to="otto")
    assert answer.status_code == 409
    assert "otto has ops" in answer.text
    assert alices_bounced in world.browser.get(PAGE).text


@pytest.mark.parametrize(
    ("who", "reads", "gives", "notes"),
    [
        ("lena", True, True, True),
        ("priya", True, False, True),
        ("sofia", True, False, True),
        ("aziz", True, False, False),
        ("otto", False, False, False),
    ],
)
def test_each_role_does_with_the_list_what_it_needs_to(
    world: World, alices_bounced: str, who: str, *, reads: bool, gives: bool, notes: bool
) -> None:
    """P30: privacy and support get people's calls, so they read it and note whom they told."""
    world.enter_as(who)
    page = world.browser.get(PAGE)
    assert (page.status_code == 200) is reads
    assert (world.browser.get(f"{PAGE}.csv").status_code == 200) is reads
    assert (f'action="{PAGE}/assign"' in page.text) is gives
    assert (f'action="{PAGE}/reached"' in page.text) is notes
    given = world.post("/staff", f"{PAGE}/assign", to="sofia")
    assert given.status_code == (303 if gives else 403)
    told = {"account": alices_bounced, "how": "phone", "reason": "she called"}
    assert world.post("/staff", f"{PAGE}/reached", **told).status_code == (303 if notes else 403)


def test_that_the_list_was_read_is_recorded(world: World, alices_bounced: str) -> None:
    """P30: of the list as a whole, by whom."""
    world.enter_as("sofia")
    assert alices_bounced in world.browser.get(f"{PAGE}.csv").text
    with world.database.session() as session:
        read = session.exec(select(Fact).where(Fact.kind == "personal_data.read")).one()
        campaign = session.exec(select(Campaign)).one()
    assert (read.subject_id, read.payload["staff"]) == (campaign.id, str(world.staff["sofia"].id))


def test_strangers_are_shown_the_door(world: World) -> None:
    """P30."""
    assert world.browser.get(PAGE, follow_redirects=False).status_code == 303


def test_the_report_is_a_page_and_a_file(world: World, alices_bounced: str) -> None:
    """P4, P30."""
    world.enter_as("lena")
    report = PAGE.removesuffix("not-reached") + "report"
    page = world.browser.get(report).text
    assert "Possible doubles" in page
    assert "bounced: 1" in page
    assert "English: 1" in page
    assert "Each addressee is counted once." in page
    assert alices_bounced not in page, "it counts, and names nobody"
    content = world.browser.get(f"{report}.json").json()
    assert content["not_reached_by"]["state"] == {"bounced": 1}
    assert content["progress"]["not_reached"] == 1
    assert f'href="{report}"' in world.browser.get(PAGE.removesuffix("/not-reached")).text
