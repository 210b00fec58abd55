"""What is wrong is stopped from the console, by whoever sees it, and told to everybody (P8)."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from database.campaigns import controls
from database.campaigns.shards import queue_step
from database.mail.mail_rows import Batch
from database.mail.outbox import all_is_stopped, claim
from database.mail.outcomes import accept
from database.mail.steps import FIRST_NOTICE
from database.policies.assessments import findings_of, store_assessment
from database.policies.policies import put_in_force
from database.tables import (
    Account,
    Campaign,
    CampaignCorrection,
    ClockOffset,
    ControlAct,
    Policy,
    PolicyVersion,
)
from database.writing import held
from tests.databases import until_somebody_waits
from tests.rehearsed import rehearse
from tests.web.world import NOW, World, assessed, put_in_review, submit_text, text, version
from workflows.desk import Desk
from workflows.messenger import Refused

VERSION_2 = "/staff/policies/privacy-policy/versions/2"
A_MINUTE = timedelta(minutes=1)


def state(world: World) -> str:
    with world.database.session() as session:
        return session.exec(select(Campaign)).one().state


def do(world: World, page: str, act: str, reason: str = "a wrong sentence") -> int:
    return world.post(page, act, control_reason=reason).status_code


def test_ops_pause_a_campaign_and_its_owner_resumes_it(world: World) -> None:
    world.enter_as("otto")
    assert do(world, "/staff/ops", f"{VERSION_2}/campaign/pause") == 303
    assert state(world) == "paused"
    assert "Resume the campaign" in world.browser.get("/staff/ops").text
    assert do(world, "/staff/ops", f"{VERSION_2}/campaign/resume") == 409
    assert state(world) == "paused"
    world.enter_as("lena")
    page = world.browser.get(VERSION_2).text
    assert "Paused by otto" in page
    assert "a wrong sentence" in page
    assert do(world, VERSION_2, f"{VERSION_2}/campaign/resume", "it is right") == 303
    assert state(world) == "running"


def test_the_page_says_what_temporal_has_not_heard_of(world: World) -> None:
    """P8: it holds all the same."""
    desk = Desk(**world.parts, messenger=world.to_nowhere)
    unheard = "Temporal has not heard of it yet"
    world.enter_as("lena")
    assert do(world, VERSION_2, f"{VERSION_2}/campaign/pause") == 303
    assert unheard not in world.browser.get(VERSION_2).text
    desk.resume("privacy-policy", 2, world.staff["lena"].id, "it is right")
    assert state(world) == "running"
    assert world.browser.get(VERSION_2).text.count(unheard) == 1


def rate_of(world: World, page: str, per_minute: str) -> int:
    fields = {"control_reason": "new addresses", "per_minute": per_minute}
    return world.post(page, f"{VERSION_2}/campaign/rate", **fields).status_code


def test_ops_slow_a_campaign_down_and_everybody_reads_how_far(world: World) -> None:
    """P8."""
    world.enter_as("otto")
    assert rate_of(world, "/staff/ops", "1200") == 303
    assert "Rate: 1,200 a minute at most" in world.browser.get("/staff/ops").text
    assert rate_of(world, "/staff/ops", "0") == 409
    assert rate_of(world, "/staff/ops", "many") == 422
    world.enter_as("lena")
    page = world.browser.get(VERSION_2).text
    assert "Rate: 1,200 a minute at most" in page
    assert "Rate set to 1,200 a minute by otto" in page
    assert "Rate set to 1,200 a minute" in world.browser.get(f"{VERSION_2}/report").text
    assert rate_of(world, VERSION_2, "0") == 303
    assert "Rate set to no rate of its own by lena" in world.browser.get(VERSION_2).text


def test_the_page_says_how_the_canary_stands_and_why_the_machine_paused_the_campaign(
    world: World,
) -> None:
    with world.database.transaction() as transaction:
        campaign = transaction.exec(select(Campaign)).one()
        campaign.canary, campaign.canary_until = 100, NOW
        reason = "The canary: 6 of 100 copies bounced."
        controls.stop_by_machine(transaction, campaign.id, controls.CANARY, reason, NOW)
    world.enter_as("lena")
    page = world.browser.get(VERSION_2).text
    assert "Canary: 100 of" in page
    assert "the others wait until" in page
    assert "Paused after the canary, by the machine" in page
    assert "6 of 100 copies bounced" in page
    assert do(world, VERSION_2, f"{VERSION_2}/campaign/resume", "old addresses") == 303
    assert "looked at" in world.browser.get(VERSION_2).text


def test_the_report_says_why_some_are_not_mailed(world: World) -> None:
    """P4, P8: they wait for their turn; and never once it was called off."""
    world.enter_as("lena")
    with world.database.transaction() as transaction:
        transaction.exec(select(Campaign)).one().canary = 1
    report = world.browser.get(f"{VERSION_2}/report").text
    assert "who waits for their turn, behind the canary of 1 who go first" in report
    with world.database.transaction() as transaction:
        transaction.exec(select(Campaign)).one().canary_ended_at = NOW
    report = world.browser.get(f"{VERSION_2}/report").text
    assert "Not mailed is who waits for their turn." in report
    assert do(world, VERSION_2, f"{VERSION_2}/campaign/withdraw") == 303
    report = world.browser.get(f"{VERSION_2}/report").text
    assert "whose turn had not come when it was called off" in report
    assert "who waits for their turn" not in report


def test_what_waited_until_the_version_was_in_force_is_refused(world: World) -> None:
    """P8: somebody else had the policy when it was pressed, and meanwhile it came to govern."""
    lena = world.staff["lena"].id
    with ThreadPoolExecutor(1) as legal:
        with world.database.transaction() as transaction:
            second = version(world, 2)
            held(transaction, Policy, second.policy_id)
            pressed = legal.submit(world.desk.withdraw, "privacy-policy", 2, lena, "it is wrong")
            until_somebody_waits(world.database, pressed)
            transaction.get_one(PolicyVersion, second.id).effective_at = NOW + A_MINUTE
            transaction.merge(ClockOffset(id=1, seconds=A_MINUTE.total_seconds()))
        with pytest.raises(Refused, match="is in force"):
            pressed.result()
    assert state(world) == "running"


def test_a_release_that_waited_until_the_announced_version_was_in_force_only_follows_it(
    world: World,
) -> None:
    """P6, P8: while Temporal is away, too, nobody loses what governs them already."""
    with world.database.transaction() as transaction:
        policy = transaction.exec(select(Policy)).one()
        third = submit_text(transaction, policy, text(3), world.staff["lena"].id, NOW)
        put_in_review(transaction, third)
        second = transaction.get_one(PolicyVersion, version(world, 2).id)
        store_assessment(transaction, second, third, assessed(second.text, third.text), NOW)
        for finding in findings_of(transaction, third.id):
            finding.status = "confirmed"
        third.version_class = "approval"
        rehearse(transaction, third, world.staff["omar"].id, NOW)
    desk = Desk(**world.parts, messenger=world.to_nowhere)
    with ThreadPoolExecutor(1) as legal:
        with world.database.transaction() as transaction:
            held(transaction, Policy, policy.id)
            pressed = legal.submit(desk.release, policy.slug, 3, world.staff["omar"].id)
            until_somebody_waits(world.database, pressed)
            transaction.get_one(PolicyVersion, second.id).effective_at = NOW + A_MINUTE
            transaction.merge(ClockOffset(id=1, seconds=A_MINUTE.total_seconds()))
        pressed.result()
    assert [version(world, number).state for number in (2, 3)] == ["in_force", "announced"]


def test_legal_withdraws_a_version_and_its_links_say_so(world: World) -> None:
    world.enter_as("lena")
    assert do(world, VERSION_2, f"{VERSION_2}/campaign/withdraw") == 303
    page = world.browser.get(VERSION_2).text
    assert "Withdrawn by lena" in page
    assert "Withdraw this version" not in page
    link = world.browser.get(world.link("alice")).text
    assert "We have withdrawn this change" in link
    assert "which never takes effect" in link
    assert "It never took effect" in world.browser.get("/policies/privacy-policy/versions").text
    answer = world.browser.post(world.link("alice"), data={"decision": "approved"})
    assert answer.status_code == 409


def test_all_mail_is_stopped_and_everybody_reads_it(world: World) -> None:
    world.enter_as("otto")
    assert do(world, "/staff/ops", "/staff/ops/mail/stop", "Our key was stolen.") == 303
    for page in ("/staff", "/staff/ops"):
        assert "All mail is stopped" in world.browser.get(page).text
    with world.database.session() as session:
        assert all_is_stopped(session)
    assert do(world, "/staff/ops", "/staff/ops/mail/start", "A new key.") == 409
    world.enter_as("lena")
    assert "Our key was stolen." in world.browser.get(VERSION_2).text
    assert do(world, VERSION_2, "/staff/ops/mail/start", "A new key.") == 303
    assert "All mail is stopped" not in world.browser.get("/staff").text


@pytest.mark.parametrize(
    ("who", "act", "status"),
    [
        ("priya", f"{VERSION_2}/campaign/pause", 403),
        ("otto", f"{VERSION_2}/campaign/withdraw", 409),
        ("lena", f"{VERSION_2}/campaign/burn", 404),
        ("lena", "/staff/policies/privacy-policy/versions/9/campaign/pause", 409),
    ],
)
def test_who_may_not_or_what_there_is_not_changes_nothing(
    world: World, who: str, act: str, status: int
) -> None:
    world.enter_as(who)
    assert do(world, "/staff", act) == status
    assert state(world) == "running"
    with world.database.session() as session:
        assert session.exec(select(ControlAct)).all() == []


def test_a_reason_is_asked_for(world: World) -> None:
    world.enter_as("lena")
    assert do(world, VERSION_2, f"{VERSION_2}/campaign/pause", " ") == 409
    assert state(world) == "running"


def test_legal_postpones_a_version_and_never_to_an_earlier_day(world: World) -> None:
    world.enter_as("lena")
    page = f"{VERSION_2}/postpone"
    asked = {"control_reason": "More time."}
    assert world.post(VERSION_2, page, until_on="2029-01-31", **asked).status_code == 303
    assert "Postponed to 31 January 2029 by lena" in world.browser.get(VERSION_2).text
    assert "31 January 2029" in world.browser.get("/policies/privacy-policy").text
    assert world.post(VERSION_2, page, until_on="2029-01-30", **asked).status_code == 409
    assert world.post(VERSION_2, page, until_on="soon", **asked).status_code == 422
    world.enter_as("otto")
    assert world.post("/staff/ops", page, until_on="2029-02-28", **asked).status_code == 403


def test_a_version_whose_day_is_open_says_so_wherever_people_look(world: World) -> None:
    """P7, P8: answers are taken meanwhile."""
    world.enter_as("lena")
    page = f"{VERSION_2}/postpone"
    asked = {"control_reason": "Not yet."}
    assert world.post(VERSION_2, page, until_on="", **asked).status_code == 303
    console = world.browser.get(VERSION_2).text
    assert "Postponed to a day that is open by lena" in console
    assert "Say when it takes effect" in console
    policy = world.browser.get("/policies/privacy-policy").text
    assert "<strong>postponed</strong>: we say here when it takes effect" in policy
    notice = world.browser.get("/policies/privacy-policy/notice.json").json()["notice"]
    assert (notice["version"], notice["effective_on"]) == (2, None)
    assert notice["when"] == "It is postponed: we say here when it takes effect."
    version = world.browser.get("/policies/privacy-policy/versions/2").text
    assert "Version 2 is announced and postponed." in version
    archive = world.browser.get("/policies/privacy-policy/versions").text
    assert ">postponed</span>" in archive
    assert "The day it takes effect is not settled yet." in archive
    assert "Version 2 (postponed)" in world.browser.get("/policies/privacy-policy/feed.atom").text
    link = world.browser.get(world.link("alice")).text
    assert "is postponed: we tell you the day as soon as it is settled" in link
    assert "I approve the change" in link
    assert world.post(VERSION_2, page, until_on="", **asked).status_code == 409
    assert world.post(VERSION_2, page, until_on="2029-01-31", **asked).status_code == 303
    assert "31 January 2029" in world.browser.get("/policies/privacy-policy").text


def test_two_of_legal_put_wrong_mails_right_and_people_read_it(world: World) -> None:
    """P8: the first stops the campaign, the second lets it run on; nobody does both."""
    mailed(world)
    world.enter_as("lena")
    wrong = {
        "right:en:mail": "We said 10 days; it is a year.",
        "right:en:summary": "Kept for a year.",
        "decisions": "void",
        "control_reason": "A wrong period.",
    }
    assert world.post(VERSION_2, f"{VERSION_2}/correct", **wrong).status_code == 303
    assert state(world) == "paused"
    page = world.browser.get(VERSION_2).text
    assert "You proposed it: a colleague has to confirm." in page
    assert do(world, VERSION_2, f"{VERSION_2}/correct/confirm") == 409
    waits = world.browser.get("/staff").text
    assert "The correction of its mails waits for a second person of legal" in waits
    assert "Its campaign is paused: nothing goes out" in waits
    world.enter_as("omar")
    assert "of its mails waits for you to agree" in world.browser.get("/staff").text
    page = world.browser.get(VERSION_2).text
    assert "“We said 10 days; it is a year.”" in page
    assert "who were mailed in English from version 1." in page
    assert "None of them has answered yet" in page
    assert "Confirm the correction" in page
    assert do(world, VERSION_2, f"{VERSION_2}/correct/confirm") == 303
    assert state(world) == "running"
    page = world.browser.get(VERSION_2).text
    assert "Correction proposed by lena" in page
    assert "Corrected by omar" in page
    told = world.browser.get(world.link("alice")).text
    assert "What we told you was wrong" in told
    assert "Kept for a year." in told


def test_a_correction_that_waits_is_taken_back_and_meanwhile_nobody_resumes(world: World) -> None:
    """P8: neither on the page nor by a request of one's own making."""
    mailed(world)
    world.enter_as("lena")
    wrong = {
        "right:en:mail": "It was wrong.",
        "decisions": "keep",
        "control_reason": "A wrong period.",
    }
    assert world.post(VERSION_2, f"{VERSION_2}/correct", **wrong).status_code == 303
    page = world.browser.get(VERSION_2).text
    assert "Resume the campaign" not in page
    assert "Pause the campaign" in page
    refused = world.post(VERSION_2, f"{VERSION_2}/campaign/resume", control_reason="on")
    assert refused.status_code == 409
    assert "legal takes it back" in refused.text
    assert f'href="{VERSION_2}">Back</a>' in refused.text
    assert "Make a request" not in refused.text
    assert "Take the correction back" in world.browser.get(VERSION_2).text
    assert do(world, VERSION_2, f"{VERSION_2}/correct/take-back", "it was right") == 303
    assert state(world) == "running"
    page = world.browser.get(VERSION_2).text
    assert "Correction taken back by lena" in page
    assert "waits for a second person" not in page


def test_what_becomes_of_answers_has_to_be_said(world: World) -> None:
    mailed(world)
    world.enter_as("lena")
    wrong = {"right:en:mail": "It was wrong.", "control_reason": "A wrong period."}
    assert world.post(VERSION_2, f"{VERSION_2}/correct", **wrong).status_code == 422
    assert state(world) == "running"


def test_only_what_was_changed_in_the_form_was_wrong(world: World) -> None:
    """P8: it has every word as it stands; where none is changed, legal says that everybody had a
    wrong mail."""
    mailed(world)
    world.enter_as("lena")
    form = {
        "right:en:mail": "It was wrong.",
        "right:en:summary": "What we do with recordings of sessions.",
        "whose": "words",
        "decisions": "keep",
        "control_reason": "A wrong period.",
    }
    refused = world.post(VERSION_2, f"{VERSION_2}/correct", **form)
    assert refused.status_code == 422
    assert "Change the words that were wrong" in refused.text
    assert state(world) == "running"
    form["whose"] = "everybody"
    assert world.post(VERSION_2, f"{VERSION_2}/correct", **form).status_code == 303
    assert "It is mailed to everybody who was mailed" in world.browser.get(VERSION_2).text


def test_a_summary_of_several_lines_that_was_left_as_it_stood_was_not_wrong(world: World) -> None:
    """P8: browsers send every end of a line as CR LF; words are kept with LF alone."""
    with world.database.transaction() as transaction:
        version = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
        version.summary = "First line.\n\nSecond line."
    mailed(world)
    world.enter_as("lena")
    form = {
        "right:en:mail": "It was wrong.",
        "right:en:summary": "First line.\r\n\r\nSecond line.",
        "whose": "words",
        "decisions": "keep",
        "control_reason": "A wrong period.",
    }
    assert world.post(VERSION_2, f"{VERSION_2}/correct", **form).status_code == 422
    form["right:en:summary"] = "First line.\r\n\r\nThird line."
    assert world.post(VERSION_2, f"{VERSION_2}/correct", **form).status_code == 303
    with world.database.session() as session:
        proposed = session.exec(select(CampaignCorrection)).one()
    assert proposed.summary == "First line.\n\nThird line."


def test_where_nobody_had_wrong_words_nothing_is_said_of_their_answers(world: World) -> None:
    mailed(world)
    world.enter_as("lena")
    wrong = {
        "right:de:summary": "Ein Jahr lang.",
        "whose": "words",
        "decisions": "void",
        "control_reason": "A wrong period.",
    }
    assert world.post(VERSION_2, f"{VERSION_2}/correct", **wrong).status_code == 303
    page = world.browser.get(VERSION_2).text
    assert "Nobody had the wrong words yet, so it is mailed to nobody." in page
    assert "None of them has answered" not in page
    assert "Nobody else gets a mail" not in page


def test_who_reads_german_reads_the_german_correction(world: World) -> None:
    """P4, P8: the form asks for it, without it nothing is proposed, and the page shows it."""
    with world.database.transaction() as transaction:
        transaction.get_one(Account, world.accounts["alice"].id).locale = "de-AT"
    mailed(world)
    world.enter_as("lena")
    assert 'name="right:de:mail"' in world.browser.get(VERSION_2).text
    wrong = {
        "right:en:mail": "We said 10 days; it is a year.",
        "decisions": "keep",
        "control_reason": "A wrong period.",
    }
    refused = world.post(VERSION_2, f"{VERSION_2}/correct", **wrong)
    assert refused.status_code == 409
    assert "Missing in German (de)" in refused.text
    assert state(world) == "running"
    wrong |= {"right:de:mail": "Es ist ein Jahr.", "right:de:summary": "Ein Jahr lang."}
    assert world.post(VERSION_2, f"{VERSION_2}/correct", **wrong).status_code == 303
    world.enter_as("omar")
    page = world.browser.get(VERSION_2).text
    assert 'In German mailed: <span lang="de">“Es ist ein Jahr.”</span>' in page
    assert do(world, VERSION_2, f"{VERSION_2}/correct/confirm") == 303
    told = world.browser.get(world.link("alice")).text
    assert "Es ist ein Jahr." in told
    assert "Ein Jahr lang." in told
    assert "it is a year" not in told


def mailed(world: World) -> None:
    """The first notices are out."""
    with world.database.transaction() as transaction:
        campaign = transaction.exec(select(Campaign)).one()
        queue_step(transaction, campaign, FIRST_NOTICE, 0, languages=("en", "de"), now=NOW)
        batch = Batch(subject_id=campaign.id)
        while claimed := claim(transaction, batch, limit=1000, now=NOW):  # a language at a time
            accept(transaction, claimed.attempt_id, "x", NOW)
    world.desk.clock.advance(timedelta(minutes=1))


def only_told(world: World) -> None:
    """Version 2 is in force as of class notice, which was wrong."""
    with world.database.transaction() as transaction:
        version = transaction.exec(select(PolicyVersion).where(PolicyVersion.number == 2)).one()
        for finding in findings_of(transaction, version.id):
            finding.status = "dismissed"
        campaign = transaction.exec(select(Campaign)).one()
        campaign.state, campaign.finished_at = "finished", NOW
        version.version_class, version.effective_at = "notice", NOW - timedelta(days=1)
        put_in_force(transaction, version, NOW)


def test_two_of_legal_let_a_version_in_force_ask_for_approval_after_all(world: World) -> None:
    """P2, P3: people read it in the notice and on their own page; nobody does both."""
    only_told(world)
    world.enter_as("lena")
    page = world.browser.get(VERSION_2).text
    assert "It should have asked for approval" in page
    assert "The sentence of F1 in English" in page
    wrong = {"control_reason": "Taken for a typo."}
    asked = f"{VERSION_2}/reclassify"
    assert world.post(VERSION_2, asked, **wrong).status_code == 409
    assert world.post(VERSION_2, asked, **wrong, **{"confirm-F1": "yes"}).status_code == 303
    page = world.browser.get(VERSION_2).text
    assert "You proposed it: a colleague has to agree." in page
    assert do(world, VERSION_2, f"{asked}/agree") == 409
    world.enter_as("omar")
    assert "Adverse after all: F1." in world.browser.get(VERSION_2).text
    assert do(world, VERSION_2, f"{asked}/agree") == 303
    assert "campaign/privacy-policy/2" in world.messenger.started
    page = world.browser.get(VERSION_2).text
    assert "It should have asked for approval" not in page
    assert "takes approval from then on" in page
    notice = world.browser.get("/policies/privacy-policy/notice.json").json()["notice"]
    assert notice["when"].startswith("It has applied in error since 1 March 2026")
    assert "needed approval" in world.browser.get("/policies/privacy-policy").text
    german = world.browser.get("/policies/privacy-policy?lang=de").text
    assert "irrtümlich" in german
    told = world.browser.get(world.link("alice")).text
    assert "It has applied to you in error since" in told
    assert "We changed our privacy policy" in told
    assert "We want to change" not in told


def test_an_english_draft_is_not_put_down_as_german_words(world: World) -> None:
    """P2: whoever reads German is asked in German, so the form leaves open what nobody wrote."""
    only_told(world)
    with world.database.transaction() as transaction:
        transaction.exec(select(Account).where(Account.external_id == "alice")).one().locale = "de"
    world.enter_as("lena")
    page = world.browser.get(VERSION_2).text
    english, german = (
        re.search(f'<textarea[^>]* name="right:{tag}:F1"[^>]*>(.*?)</textarea>', page)
        for tag in ("en", "de")
    )
    assert english
    assert german
    assert english[1]
    assert not german[1]
