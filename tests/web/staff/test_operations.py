"""The operations page: straight to the list that shows what ops look for; mails sent again."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from sqlmodel import select

from database.imports.account_imports import stage
from database.mail.mail_rows import Batch
from database.mail.outbox import ACCOUNT, CAMPAIGN, claim
from database.mail.outcomes import doubt, settle
from database.people.accounts import AccountRow
from database.tables import Campaign, Fact, MailAttempt, MailSlowdown, OutboxMail, PolicyVersion
from temporal import VIEWS
from tests.web.world import NOW, World, browse
from web.app import create_app


def opened(world: World, path: str) -> dict[str, str]:
    """What a link of the operations page asks of the Temporal UI."""
    assert f'href="{path}"' in world.browser.get("/staff/ops").text
    answer = world.browser.get(path, follow_redirects=False)
    assert answer.status_code == 200
    onward = answer.headers["refresh"].removeprefix("0; url=")
    assert f'href="{escape(onward)}"' in answer.text
    address = urlsplit(onward)
    assert f"{address.scheme}://{address.netloc}" == world.settings.temporal_ui
    assert address.path == "/namespaces/default/workflows"
    return {name: values[0] for name, values in parse_qs(address.query).items()}


def test_ops_are_told_how_far_the_clock_was_moved(world: World) -> None:
    world.enter_as("otto")
    assert "<dt>Clock</dt><dd>Real time</dd>" in world.browser.get("/staff/ops").text
    world.desk.clock.advance(timedelta(days=31))
    assert "<dd>31 days ahead of real time</dd>" in world.browser.get("/staff/ops").text


def test_ops_are_told_which_ways_alarms_go(world: World) -> None:
    """Never silently off."""
    world.enter_as("otto")
    page = world.browser.get("/staff/ops").text
    assert "Alarms for staff go by mail only" in page
    assert "alarms-by-mail-only" in page
    settings = world.settings.model_copy(
        update={"alarm_webhook_url": "https://ops.example.com/way-in"}
    )
    app = create_app(settings, database=world.database, desk=world.desk)
    posted = replace(world, browser=browse(app))
    posted.enter_as("otto")
    page = posted.browser.get("/staff/ops").text
    assert "the webhook at ops.example.com; none waits" in page
    assert "way-in" not in page


@pytest.mark.parametrize("key", VIEWS)
def test_each_view_opens_the_temporal_ui_with_its_query(world: World, key: str) -> None:
    world.enter_as("otto")
    assert opened(world, f"/staff/ops/views/{key}") == {"query": VIEWS[key].at(NOW)}


def test_what_is_overdue_is_asked_at_the_moment_of_pressing(world: World) -> None:
    """A page that was left open over night asks about the morning."""
    world.enter_as("otto")
    page = world.browser.get("/staff/ops").text
    assert "2026" not in page.split("<h2>Workflows</h2>")[1].split("<h2>")[0]
    asked = opened(world, "/staff/ops/views/overdue")["query"]
    instant = datetime.fromisoformat(asked.split('"')[1])
    assert instant == NOW
    assert instant.tzinfo == UTC


def test_links_lead_to_the_namespace_that_is_set(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "acme.a1b2c")
    app = create_app(world.settings, database=world.database, desk=world.desk)
    acme = replace(world, browser=browse(app))
    acme.enter_as("otto")
    workflows = f"{world.settings.temporal_ui}/namespaces/acme.a1b2c/workflows"
    assert f'href="{workflows}"' in acme.browser.get("/staff/ops").text
    assert workflows in acme.browser.get("/staff/ops/views/legal").headers["refresh"]


@pytest.mark.parametrize("key", [key for key in VIEWS if key != "overdue"])
def test_a_view_can_be_kept_in_the_temporal_ui_under_its_name(world: World, key: str) -> None:
    world.enter_as("otto")
    asked = opened(world, f"/staff/ops/views/{key}?keep=true")
    assert asked == {"query": VIEWS[key].query, "savedQuery": VIEWS[key].name}


def test_what_is_overdue_cannot_be_kept_because_it_would_grow_old(world: World) -> None:
    world.enter_as("otto")
    assert "/staff/ops/views/overdue?keep" not in world.browser.get("/staff/ops").text


@pytest.mark.parametrize(("handle", "status"), [("otto", 404), ("priya", 403), ("lena", 403)])
def test_only_ops_are_led_to_a_view_and_only_to_one_that_is(
    world: World, handle: str, status: int
) -> None:
    world.enter_as(handle)
    answer = world.browser.get("/staff/ops/views/nothing", follow_redirects=False)
    assert answer.status_code == status


def test_ops_see_that_the_mail_service_asked_us_to_go_slower(world: World) -> None:
    """P8: until when nothing goes out, and how fast then."""
    world.enter_as("otto")
    assert "no limit of ours" in world.browser.get("/staff/ops").text
    with world.database.transaction() as transaction:
        transaction.add(
            MailSlowdown(
                began_at=NOW,
                slowed_at=NOW,
                held_until=NOW + timedelta(minutes=1),
                rate=2000,
                peak=4000,
            )
        )
    page = world.browser.get("/staff/ops").text
    assert "2,000 a minute: the mail service said that we were too fast" in page
    assert "as the mail service asked" in page


def test_ops_send_a_mail_of_unknown_outcome_again(world: World) -> None:
    """P4: the machine does not repeat it without evidence; a person may, and it is recorded."""
    world.browser.post("/approve/new-link", data={"email": "alice@example.org"})
    with world.database.transaction() as transaction:
        mail = transaction.exec(select(OutboxMail)).one()
        mail_id, batch = mail.id, Batch(subject_id=mail.subject_id)
        claimed = claim(transaction, batch, limit=1, now=NOW)
        assert claimed is not None
        doubt(transaction, claimed.attempt_id, "the line broke", NOW)
        settle(transaction, batch, settle_after=NOW - NOW, now=NOW)
    world.enter_as("otto")
    page = world.browser.get("/staff/ops").text
    assert str(mail_id) not in page
    assert "What is known: the line broke" in page
    assert "Waiting for your decision (1)" in page
    assert "<dt>waits for a decision</dt><dd>1</dd>" in page
    one_by_one = page.split('">One by one')[0].rpartition('"')[2]
    assert str(mail_id) in world.browser.get(one_by_one).text
    path = f"/staff/ops/mails/{mail_id}/resend"
    assert world.post(one_by_one, path).status_code == 303
    assert world.messenger.started[-1] == f"mail-delivery/{mail_id}"
    assert world.post("/staff/ops", path).status_code == 409
    assert world.browser.get(one_by_one).status_code == 404
    with world.database.session() as session:
        assert session.exec(select(OutboxMail)).one().state == "queued"
        assert session.exec(select(Fact).where(Fact.kind == "mail.resent_by_ops")).one()


def in_doubt(world: World, mails: int, state: str = "operator", reason: str = "") -> None:
    """So many mails of one campaign's step, in one request that the mail service answered 500."""
    with world.database.transaction() as transaction:
        campaign = Campaign(
            policy_version_id=transaction.exec(
                select(PolicyVersion.id).where(PolicyVersion.number == 2)
            ).one(),
            owner_id=world.staff["lena"].id,
            started_at=NOW,
        )
        attempt = MailAttempt(copies=mails, started_at=NOW, reason="SendGrid answered 500")
        transaction.add_all([campaign, attempt])
        transaction.add_all(
            OutboxMail(
                subject_kind=CAMPAIGN,
                subject_id=campaign.id,
                addressee_kind=ACCOUNT,
                addressee_id=uuid4(),
                step="first_notice",
                template="approval_first_notice",
                variant=campaign.id,
                state=state,
                reason=reason or None,
                attempt_id=attempt.id,
                attempts=1,
                queued_at=NOW,
                claimed_at=NOW,
            )
            for _ in range(mails)
        )


def test_mails_that_are_alike_wait_as_one_and_are_sent_again_with_one_button(
    in_review: World,
) -> None:
    """P4: a mail service that failed for three minutes is one decision, and not eighty-one."""
    world = in_review
    in_doubt(world, 81)
    world.enter_as("otto")
    page = world.browser.get("/staff/ops").text
    assert "Waiting for your decision (81)" in page
    assert "What is known: SendGrid answered 500" in page
    assert page.count("Send these 81 again, now") == 1
    (one_by_one,) = re.findall('href="(/staff/ops/mails/[0-9a-f]+)"', page)
    first = world.browser.get(one_by_one).text
    assert first.count("/resend") == 1 + 20
    assert "Page 1 of 5" in first
    assert world.browser.get(f"{one_by_one}?page=5").text.count("/resend") == 1 + 1
    (resend,) = re.findall('action="(/staff/ops/mails/alike/[0-9a-f]+/resend)"', page)
    assert world.post("/staff/ops", resend).status_code == 303
    assert re.fullmatch("mail-delivery/[^/]+/first_notice", world.messenger.started[-1])
    assert "Waiting for your decision (0)" in world.browser.get("/staff/ops").text
    assert world.post("/staff/ops", resend).status_code == 409
    with world.database.session() as session:
        fact = session.exec(select(Fact).where(Fact.kind == "mails.resent_by_ops")).one()
    assert fact.payload["staff"] == str(world.staff["otto"].id)


def test_rejected_mails_are_shown_by_their_reason_and_sent_again_with_one_button(
    in_review: World,
) -> None:
    """P4: once the sender is verified, nobody has to wait for the night's next idea."""
    world = in_review
    in_doubt(world, 3, "rejected", "SendGrid answered 400: <from.email> is not verified")
    world.enter_as("otto")
    page = world.browser.get("/staff/ops").text
    assert "Rejected by the mail service (3)" in page
    assert "SendGrid answered 400: &lt;from.email&gt; is not verified" in page
    assert "Waiting for your decision (0)" in page
    (one_by_one,) = re.findall('href="(/staff/ops/mails/[0-9a-f]+)"', page)
    alone = world.browser.get(one_by_one).text
    assert "<h1>Rejected mails</h1>" in alone
    assert alone.count("/resend") == 1 + 3
    (resend,) = re.findall('action="(/staff/ops/mails/alike/[0-9a-f]+/resend)"', page)
    world.enter_as("lena")
    assert world.post("/staff", resend).status_code == 403
    world.enter_as("otto")
    assert world.post("/staff/ops", resend).status_code == 303
    assert re.fullmatch("mail-delivery/[^/]+/first_notice", world.messenger.started[-1])
    assert "Rejected by the mail service (0)" in world.browser.get("/staff/ops").text
    with world.database.session() as session:
        fact = session.exec(select(Fact).where(Fact.kind == "mails.resent_by_ops")).one()
    assert fact.payload["was"] == "rejected"


def test_an_import_that_was_left_in_the_middle_is_shown_without_anybody_in_it(world: World) -> None:
    world.enter_as("otto")
    assert "None is under way" in world.browser.get("/staff/ops").text
    dora = AccountRow(external_id="dora", email="dora@example.org")
    import_id, an_hour_ago = uuid4(), NOW - timedelta(hours=1)
    otto = world.staff["otto"].id
    assert [*stage(world.database, import_id, [dora], asserted_by=otto, now=an_hour_ago)] == [1]
    page = world.browser.get("/staff/ops").text
    assert "A file was put aside on" in page
    assert "<code>import-undecided</code>" in page
    assert "dora" not in page
