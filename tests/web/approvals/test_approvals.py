"""The page behind the link in a mail (P5)."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from httpx import Response
from sqlalchemy import event
from sqlmodel import Session, select

from database.approvals.approvals import PolicyHistory, latest_decision
from database.approvals.wrong_words import keep_wrong, whatever_was_told
from database.campaigns.campaigns import campaign_of, link_of, open_campaign
from database.campaigns.freezing import freeze_audience
from database.campaigns.not_reached import not_reached
from database.campaigns.shards import queue_step
from database.engine import Database
from database.mail import outbox, outcomes
from database.mail.mail_rows import Batch
from database.mail.steps import FIRST_NOTICE
from database.people.links import REQUEST_STATUS, add_link, replace_links
from database.policies.assessments import findings_of, store_assessment
from database.policies.policies import put_in_force, replace
from database.policies.wording import Words
from database.tables import (
    Account,
    Approval,
    Assessment,
    AssessmentFinding,
    Campaign,
    CampaignAddressee,
    CampaignCorrection,
    Fact,
    Finding,
    Link,
    MailSuppression,
    OutboxMail,
    Policy,
    PolicyVersion,
    ShownWords,
)
from domain.mail.suppressions import address_key
from domain.materiality import assess
from mail.links import make_token
from tests.people import LANGUAGES
from tests.query_plans import whole_tables_read
from tests.web.world import EFFECT, NOW, World, hidden, put_in_review, submit_text, text, version

QUESTIONS_OF_A_DECISION = 14
"""Of SQLite two are BEGIN."""


def decide(world: World, name: str, decision: str) -> Response:
    """Press a button on somebody's page."""
    path = world.link(name)
    stamp = hidden(world.browser.get(path).text, "stamp")
    answer: Response = world.browser.post(path, data={"stamp": stamp, "decision": decision})
    return answer


def decisions(world: World) -> list[str]:
    with world.database.session() as session:
        rows = session.exec(select(Approval).order_by(Approval.decided_at))  # type: ignore[arg-type]
        return [row.decision for row in rows]


def test_the_page_says_what_changes_what_governs_and_what_silence_means(world: World) -> None:
    """P5, P6: in words, before anything is decided."""
    page = world.browser.get(world.link("alice")).text
    assert "Hello Alice" in page
    assert "What changes for you" in page
    assert "version 1</a></dd>" in page
    assert "You stay on version 1." in page
    assert "takes effect not before 3 April 2026" in page
    assert page.count('name="decision"') == 2


def test_the_page_speaks_the_language_of_the_account(world: World) -> None:
    """P4, P5: what is recorded says in which; who reads another keeps the default one."""
    second = version(world, 2)
    with world.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, second.id).state = "in_review"
        transaction.get_one(PolicyVersion, second.id).released_by = None
        alice = transaction.exec(select(Account).where(Account.external_id == "alice")).one()
        alice.locale = "de-AT"
        keys = [f.key for f in findings_of(transaction, second.id) if f.status == "confirmed"]
    german = Words(language="de", summary="Aufnahmen.", sentences=dict.fromkeys(keys, "Länger."))
    world.desk.word("privacy-policy", 2, world.staff["lena"].id, [german])
    with world.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, second.id).state = "announced"
    assert world.browser.get(world.link("alice")).text.count("<li>Länger.</li>") == len(keys)
    assert "Länger." not in world.browser.get(world.link("bob")).text
    decide(world, "alice", "approved")
    decide(world, "bob", "approved")
    with world.database.session() as session:
        rows = {row.account_id: row for row in session.exec(select(Approval)).all()}
    alices, bobs = (rows[world.accounts[name].id] for name in ("alice", "bob"))
    assert (alices.language, bobs.language) == ("de", "en")
    assert alices.change_sha256 != bobs.change_sha256


def test_who_approved_less_than_all_reads_that_it_counts_no_more(world: World) -> None:
    """P2, P6: a campaign that asks again shows more; whoever said yes before wonders why."""
    assert "count any more" not in world.browser.get(world.link("alice")).text
    decide(world, "alice", "approved")
    with world.database.transaction() as transaction:
        for addressee in transaction.exec(select(CampaignAddressee)).all():
            addressee.unheard_until = NOW + timedelta(days=1)
    page = world.browser.get(world.link("alice")).text
    assert "and that does not count any more:</strong>" in page
    assert page.count('name="decision"') == 2
    assert "count any more" not in world.browser.get(world.link("bob")).text


def test_who_is_reached_after_somebody_else_had_the_mail_is_told_of_no_approval_of_theirs(
    world: World,
) -> None:
    """P4, P6: they said nothing, so nothing that they said counts no more."""
    mail_first_notices(world)
    path = world.link("alice")
    page = decide(world, "alice", "approved").text
    world.browser.post(f"{path}/not-me", data={"stamp": hidden(page, "stamp")})
    with world.database.transaction() as transaction:
        replace_links(transaction, [world.accounts["alice"].id], NOW)
    with world.database.session() as session:
        link = link_of(session, version(world, 2).id, world.accounts["alice"].id)
    assert link
    page = world.browser.get(f"/approve/{world.token('approve', link)}").text
    assert page.count('name="decision"') == 2
    assert "count any more" not in page


def test_who_is_no_minor_any_more_is_asked_and_hears_nothing_of_what_was_shown(
    world: World,
) -> None:
    """P5, P18: their approval is void because they were one, not as less had been shown."""
    decide(world, "alice", "approved")
    with world.database.transaction() as transaction:
        alice = transaction.get_one(Account, world.accounts["alice"].id)
        alice.minor_from = NOW
        alice.minor_until = NOW + timedelta(days=1)
    page = world.browser.get(world.link("alice")).text
    assert page.count('name="decision"') == 2
    assert "count any more" not in page


def test_looking_decides_nothing(world: World) -> None:
    """P5: mail scanners open links; neither GET nor HEAD changes anything."""
    with world.database.session() as session:
        before = len(session.exec(select(Fact)).all())
    for _ in range(3):
        world.browser.get(world.link("alice"))
        world.browser.head(world.link("alice"))
    with world.database.session() as session:
        assert len(session.exec(select(Fact)).all()) == before
    assert decisions(world) == []


def test_alice_approves_and_the_page_says_so(world: World) -> None:
    """P5: the decision is kept with the text and the change that were shown."""
    page = decide(world, "alice", "approved").text
    assert "You have approved this change" in page
    assert "2 March 2026, 10:00 (Europe/Berlin)" in page
    with world.database.session() as session:
        row = session.exec(select(Approval)).one()
    assert row.account_id == world.accounts["alice"].id
    assert row.text_sha256 == version(world, 2).sha256
    assert row.how == "link"


def test_a_decision_asks_the_database_little_and_searches_for_nothing(world: World) -> None:
    """P5: many decide at once while a campaign is sending, and SQLite has one writer."""
    decide(world, "bob", "approved")  # the words that the others are shown are kept with his
    path = world.link("alice")
    stamp = hidden(world.browser.get(path).text, "stamp")
    form = {"stamp": stamp, "decision": "approved"}
    with whole_tables_read(world.database) as read, asked(world.database) as questions:
        world.browser.post(path, data=form, follow_redirects=False)
    assert decisions(world) == ["approved", "approved"]
    assert read == set()
    assert len(questions) <= QUESTIONS_OF_A_DECISION, questions


@contextmanager
def asked(database: Database) -> Iterator[list[str]]:
    """Every statement meanwhile, of those who read and of those who write."""
    questions: list[str] = []

    def hear(*told: Any) -> None:  # noqa: ANN401 - whatever SQLAlchemy tells
        questions.append(told[2])

    engines = {database.engine, database._writing_engine.engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    yield questions
    for engine in engines:
        event.remove(engine, "before_cursor_execute", hear)


def test_bob_declines_and_then_changes_his_mind(world: World) -> None:
    """P5: both decisions stay, the later one counts."""
    declined = decide(world, "bob", "declined").text
    assert "You have declined this change" in declined
    assert "You stay on version 1. We will not remind you." in declined
    world.desk.clock.advance(timedelta(days=2))
    assert "You have approved this change" in decide(world, "bob", "approved").text
    assert decisions(world) == ["declined", "approved"]


def test_the_same_decision_twice_is_one(world: World) -> None:
    """P5: a second press of the button adds nothing."""
    path = world.link("alice")
    stamp = hidden(world.browser.get(path).text, "stamp")
    for _ in range(2):
        answer = world.browser.post(path, data={"stamp": stamp, "decision": "approved"})
        assert answer.status_code == 200
    assert decisions(world) == ["approved"]


@pytest.mark.parametrize("stamp", ["", "forged", "WyJhIl0.x"])
def test_a_form_of_another_page_decides_nothing(world: World, stamp: str) -> None:
    """P5: another site cannot press the button."""
    answer = world.browser.post(world.link("alice"), data={"stamp": stamp, "decision": "approved"})
    assert answer.status_code == 409
    assert "Your decision was not recorded yet" in answer.text
    assert decisions(world) == []


def test_the_stamp_of_bobs_page_does_not_fit_alices(world: World) -> None:
    stamp = hidden(world.browser.get(world.link("bob")).text, "stamp")
    answer = world.browser.post(world.link("alice"), data={"stamp": stamp, "decision": "approved"})
    assert answer.status_code == 409
    assert decisions(world) == []


def test_a_page_left_open_for_a_day_is_shown_again(world: World) -> None:
    """P5: what is approved is what was just read."""
    path = world.link("alice")
    stamp = hidden(world.browser.get(path).text, "stamp")
    world.desk.clock.advance(timedelta(days=1))
    answer = world.browser.post(path, data={"stamp": stamp, "decision": "approved"})
    assert "more than a day old" in answer.text
    assert decisions(world) == []


@pytest.mark.parametrize("what", ["version", "account", "link", "words"])
def test_what_ends_while_somebody_presses_the_button_is_not_decided(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """P5, P8: it is read before the moment of writing, and looked at again in it."""
    mail_first_notices(world)
    path = world.link("alice")
    stamp = hidden(world.browser.get(path).text, "stamp")
    transaction = world.database.transaction

    @contextmanager
    def a_moment_later() -> Iterator[Session]:
        with transaction() as other:
            if what == "version":
                other.get_one(PolicyVersion, version(world, 2).id).state = "withdrawn"
            elif what == "account":
                other.get_one(Account, world.accounts["alice"].id).status = "closed"
            elif what == "words":
                put_right(other, world)
            else:
                alices = Link.account_id == world.accounts["alice"].id
                other.exec(select(Link).where(alices)).one().expires_at = NOW
        with transaction() as writing:
            yield writing

    monkeypatch.setattr(world.database, "transaction", a_moment_later)
    answer = world.browser.post(path, data={"stamp": stamp, "decision": "approved"})
    assert answer.status_code == (410 if what == "link" else 409)
    assert decisions(world) == []
    assert ("Your answer was not recorded" in answer.text) is (what in ("version", "account"))
    assert ("press again" in answer.text) is (what == "words")


def test_what_was_shown_is_kept_without_what_legal_dismissed(world: World) -> None:
    """P6: as evidence it says what the page said, and no word more."""
    with world.database.transaction() as transaction:
        confirmed = transaction.exec(select(Finding).where(Finding.status == "confirmed")).all()
        values = confirmed[0].model_dump(exclude={"id", "key", "status", "explanation"})
        dismissed = Finding(**values, key="F99", status="dismissed", explanation="Sold to others.")
        transaction.add(dismissed)
        transaction.flush()
        pair = transaction.exec(select(Assessment)).one()
        transaction.add(AssessmentFinding(assessment_id=pair.id, finding_id=dismissed.id))
    decide(world, "alice", "approved")
    with world.database.session() as session:
        kept = session.exec(select(ShownWords)).one()
    assert len(json.loads(kept.words)["changes"]) == len(confirmed)
    assert "Sold to others" not in kept.words


def put_right(transaction: Session, world: World) -> None:
    """The words of the mails were wrong, and two people agreed on the right ones."""
    campaign = campaign_of(transaction, version(world, 2).id)
    assert campaign
    correction = CampaignCorrection(
        campaign_id=campaign.id,
        reason="a wrong period",
        mail="It is a year.",
        decisions="void",
        sentences={},
        stopped_campaign=False,
        proposed_by=world.staff["lena"].id,
        proposed_at=NOW,
        confirmed_by=world.staff["omar"].id,
        confirmed_at=NOW + timedelta(minutes=1),
    )
    transaction.add(correction)
    transaction.flush()
    keep_wrong(transaction, correction, whatever_was_told(transaction, version(world, 2)))


def test_neither_button_is_nothing(world: World) -> None:
    path = world.link("alice")
    stamp = hidden(world.browser.get(path).text, "stamp")
    answer = world.browser.post(path, data={"stamp": stamp, "decision": "maybe"})
    assert answer.status_code == 422
    assert "press one of the two buttons" in answer.text


@pytest.mark.parametrize(
    ("state", "words"),
    [("withdrawn", "have withdrawn this change"), ("replaced", "took this one"), ("rejected", "")],
)
def test_a_change_that_is_off_is_answered_in_words(world: World, state: str, words: str) -> None:
    """P8: an old link says what became of the version, and takes no decision."""
    path = world.link("alice")
    stamp = hidden(world.browser.get(path).text, "stamp")
    with world.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, version(world, 2).id).state = state
    page = world.browser.get(path).text
    assert "There is nothing to decide" in page
    assert words in page
    answer = world.browser.post(path, data={"stamp": stamp, "decision": "approved"})
    assert answer.status_code == 409
    assert "Your answer was not recorded" in answer.text
    assert "You need do nothing" in answer.text
    assert words in answer.text
    assert decisions(world) == []


def test_a_link_that_opens_nothing_says_which_kind_and_reveals_nothing(world: World) -> None:
    """P32: cut short, forged, made for something else, unknown: calm words, and a way on."""
    path = world.link("alice")
    with world.database.transaction() as transaction:
        foreign = add_link(
            transaction, purpose=REQUEST_STATUS, subject_id=world.accounts["bob"].id, now=NOW
        )
    keys = world.settings.link_key_bytes
    closed = {
        path[:-5]: "incomplete",
        path[:-1] + ("A" if path[-1] != "A" else "E"): "not valid",
        "/approve/" + "A" * 43: "not valid",
        "/approve/" + make_token(REQUEST_STATUS, foreign.nonce, keys): "not valid",
        "/approve/" + make_token("approve", bytes(16), keys): "not valid",
    }
    for address, words in closed.items():
        for answer in (world.browser.get(address), world.browser.post(address)):
            assert answer.status_code == 404
            assert words in answer.text
            assert "/approve/new-link" in answer.text
            assert "Alice" not in answer.text


def test_expired_and_replaced_links_are_gone(world: World) -> None:
    """P32: 410, with the words for each."""
    with world.database.transaction() as transaction:
        links = transaction.exec(select(Link)).all()
        alices = next(link for link in links if link.account_id == world.accounts["alice"].id)
        bobs = next(link for link in links if link.account_id == world.accounts["bob"].id)
        alices.expires_at = NOW
        bobs.successor_id = alices.id
    keys = world.settings.link_key_bytes
    expired = world.browser.get("/approve/" + make_token("approve", alices.nonce, keys))
    replaced = world.browser.get("/approve/" + make_token("approve", bobs.nonce, keys))
    assert (expired.status_code, replaced.status_code) == (410, 410)
    assert "has been given back" in expired.text
    assert "replaced by a newer one" in replaced.text


def mail_first_notices(world: World) -> UUID:
    """Everybody has the mail about version 2; its campaign."""
    with world.database.transaction() as transaction:
        campaign = campaign_of(transaction, version(world, 2).id)
        assert campaign
        queue_step(transaction, campaign, FIRST_NOTICE, 0, languages=LANGUAGES, now=NOW)
    with world.database.transaction() as transaction:
        while claim := outbox.claim(transaction, Batch(subject_id=campaign.id), limit=9, now=NOW):
            outcomes.accept(transaction, claim.attempt_id, "x", NOW)
    return campaign.id


def test_who_got_a_mail_by_mistake_gets_no_more_and_decides_nothing(world: World) -> None:
    """P4: its holder stands on the list of those not reached, and the link is of no more use."""
    campaign = mail_first_notices(world)
    path = world.link("alice")
    decide(world, "alice", "approved")
    page = world.browser.get(path).text
    assert "This mail was not meant for me" in page
    form = {"stamp": hidden(page, "stamp")}
    assert world.browser.post(f"{path}/not-me", data={"stamp": "made up"}).status_code == 409
    told = world.browser.post(f"{path}/not-me", data=form)
    assert "We write to this address no more" in told.text
    assert world.browser.get(path).status_code == 410
    assert decisions(world) == ["approved"], "what was said is never deleted"
    with world.database.session() as session:
        assert latest_decision(session, world.accounts["alice"].id, version(world, 2).id) is None
        history = PolicyHistory(session, session.exec(select(Policy)).one())
        proven = history.proven([world.accounts["alice"]], NOW + timedelta(days=1))
    (void,) = proven[world.accounts["alice"].id].voids.values()
    assert "meant for somebody else" in void.proof
    alice = world.accounts["alice"]
    key = address_key(alice.email, world.settings.suppression_key_bytes)
    with world.database.session() as session:
        row = session.get_one(Campaign, campaign)
        [missed] = not_reached(session, row, ZoneInfo("Europe/Berlin"))
        [stop] = session.exec(select(MailSuppression)).all()
    assert (missed.account, missed.state) == (alice.external_id, "suppressed")
    assert missed.reason
    assert "meant for somebody else" in missed.reason
    assert (stop.address_key, stop.cause) == (key, "not_theirs")


def test_a_new_link_goes_to_the_address_in_the_account_once_a_day(world: World) -> None:
    """P5: the reply is the same for a stranger, to whom nothing is sent."""
    known = world.browser.post("/approve/new-link", data={"email": " Alice@Example.org "})
    unknown = world.browser.post("/approve/new-link", data={"email": "eve@example.org"})
    world.browser.post("/approve/new-link", data={"email": "alice@example.org"})
    assert known.text == unknown.text
    with world.database.session() as session:
        mails = session.exec(select(OutboxMail)).all()
    assert [(mail.addressee_id, mail.template) for mail in mails] == [
        (world.accounts["alice"].id, "approval_link_again")
    ]
    assert world.messenger.started == [f"mail-delivery/{mails[0].id}"]


def test_an_address_that_nobody_can_have_is_answered_like_any_other(world: World) -> None:
    """P5: and nothing breaks after the answer."""
    strict = type(world.browser)(world.browser.app)
    answer = strict.post("/approve/new-link", data={"email": "alice\x00@example.org"})
    assert answer.status_code == 200
    assert world.messenger.started == []


def test_no_new_link_for_a_change_that_is_off(world: World) -> None:
    with world.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, version(world, 2).id).state = "withdrawn"
    world.browser.post("/approve/new-link", data={"email": "alice@example.org"})
    assert world.messenger.started == []


def test_a_correction_in_between_carries_a_late_approval_over(world: World) -> None:
    """P5: version 3 only mends typing errors, so approving 2 brings Alice to 3."""
    with world.database.transaction() as transaction:
        policy = transaction.exec(select(Policy)).one()
        second = transaction.get_one(PolicyVersion, version(world, 2).id)
        second.effective_at = NOW
        put_in_force(transaction, second, NOW)
        transaction.flush()
        third = submit_text(transaction, policy, text(3), world.staff["lena"].id, NOW)
        assessed = assess(second.text, third.text)
        store_assessment(transaction, second, third, assessed, NOW)
        third.effective_at = NOW
        put_in_force(transaction, third, NOW)
    page = world.browser.get(world.link("alice")).text
    assert "version 1</a></dd>" in page
    assert "If you approve, version 3 governs you" in page
    assert "/policies/privacy-policy/changes/1/3" in page
    page = decide(world, "alice", "approved").text
    assert "Version 3 governs your account." in page


def take_its_place(world: World, *, corrects: bool) -> PolicyVersion:
    """Version 3 takes the place of version 2, and its campaign addresses Alice."""
    with world.database.transaction() as transaction:
        policy = transaction.exec(select(Policy)).one()
        second = transaction.get_one(PolicyVersion, version(world, 2).id)
        third = submit_text(transaction, policy, text(3), world.staff["lena"].id, NOW)
        put_in_review(transaction, third)
        store_assessment(transaction, second, third, assess(second.text, third.text), NOW)
        replace(transaction, second, by=third, now=NOW)
        second.corrected_by_id = third.id if corrects else None
        third.state, third.version_class = "announced", "approval"
        third.announced_at, third.planned_effective_on = NOW, EFFECT
        campaign = open_campaign(transaction, third, policy, NOW)
    freeze_audience(world.database, campaign.id, NOW)
    with world.database.transaction() as transaction:
        queue_step(transaction, campaign, FIRST_NOTICE, 0, languages=("en", "de"), now=NOW)
    return third


def first_link(world: World, name: str) -> str:
    """The path behind the link in the mail about version 2."""
    with world.database.session() as session:
        campaign = campaign_of(session, version(world, 2).id)
        assert campaign
        link = link_of(session, campaign.policy_version_id, world.accounts[name].id)
    assert link
    return f"/approve/{world.token('approve', link)}"


def test_the_link_about_a_replaced_version_leads_to_the_new_page(world: World) -> None:
    """P8: in words, and without asking for another mail."""
    take_its_place(world, corrects=False)
    page = world.browser.get(first_link(world, "alice"))
    assert "Another version took this one" in page.text
    onward = re.search(r'class="button" href="(/approve/[^"]+)"', page.text)
    assert onward
    assert "Please decide about our" in world.browser.get(onward[1]).text
    assert "version 3, takes effect" in world.browser.get(onward[1]).text
    assert world.browser.post(first_link(world, "alice"), data={"decision": "approved"})
    assert decisions(world) == []


def test_the_link_about_a_corrected_version_is_good_for_the_correction(world: World) -> None:
    """P6, P8: what Alice decided counts, and Bob decides about the new text on the old link."""
    decide(world, "alice", "approved")
    third = take_its_place(world, corrects=True)
    assert "You have approved this change" in world.browser.get(first_link(world, "alice")).text
    path = first_link(world, "bob")
    page = world.browser.get(path).text
    assert "version 3, takes effect" in page
    stamp = hidden(page, "stamp")
    world.browser.post(path, data={"stamp": stamp, "decision": "approved"})
    with world.database.session() as session:
        row = session.exec(
            select(Approval).where(Approval.account_id == world.accounts["bob"].id)
        ).one()
    assert (row.policy_version_id, row.text_sha256) == (third.id, third.sha256)


def test_an_approval_that_carries_over_is_said_and_can_be_taken_back(world: World) -> None:
    """P5, P6: nothing is asked of Alice about version 3, as what she said about 2 counts for it."""
    mail_first_notices(world)
    decide(world, "alice", "approved")
    third = take_its_place(world, corrects=False)
    with world.database.session() as session:
        link = link_of(session, third.id, world.accounts["alice"].id)
    assert link
    path = f"/approve/{world.token('approve', link)}"
    page = world.browser.get(path).text
    assert "You approved version 2." in page
    assert "your approval counts for it too" in page
    assert "has no effect" not in world.browser.get(first_link(world, "alice")).text
    taken_back = {"stamp": hidden(page, "stamp"), "decision": "declined"}
    page = world.browser.post(path, data=taken_back).text
    assert "You have declined this change" in page
    world.desk.clock.advance(timedelta(days=99))
    with world.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, third.id)
        row.effective_at = datetime(2026, 6, 1, tzinfo=UTC)
        put_in_force(transaction, row, datetime(2026, 6, 1, tzinfo=UTC))
    assert "version 1</a></dd>" in world.browser.get(path).text


def test_of_two_links_only_the_latest_is_mailed_again(world: World) -> None:
    take_its_place(world, corrects=True)
    world.browser.post("/approve/new-link", data={"email": "alice@example.org"})
    assert len(world.messenger.started) == 1


def test_a_replaced_version_is_marked_and_a_draft_that_gave_way_is_unknown(world: World) -> None:
    """P1, P8."""
    take_its_place(world, corrects=False)
    page = world.browser.get("/policies/privacy-policy/versions/2").text
    assert "Another version took the place of version 2" in page
    assert "It never took effect" in world.browser.get("/policies/privacy-policy/versions").text
    notice = world.browser.get("/policies/privacy-policy/notice.json").json()["notice"]
    assert notice["version"] == 3
    with world.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, version(world, 2).id).announced_at = None
    assert world.browser.get("/policies/privacy-policy/versions/2").status_code == 404
    world.enter_as("lena")
    told = world.browser.get("/staff/policies/privacy-policy/versions/2").text
    assert 'by <a href="/staff/policies/privacy-policy/versions/3">version 3</a>' in told


def test_a_closed_account_has_nothing_to_decide(world: World) -> None:
    path = world.link("carol")
    with world.database.transaction() as transaction:
        transaction.get_one(Account, world.accounts["carol"].id).status = "closed"
    assert "This account is closed" in world.browser.get(path).text
