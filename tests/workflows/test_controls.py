"""A campaign that somebody stops stands still, is told why, and goes on or is called off (P8)."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

import temporal
from database.campaigns.campaigns import campaign_by_number
from database.campaigns.control_acts import control_acts
from database.campaigns.unheard import unheard
from database.engine import Database
from database.tables import OutboxMail
from domain.policies.reviews import VersionClass
from tests.deciding import APPROVED
from tests.eventually import eventually
from tests.people import ALICE, BOB, CAROL, DORA, POLICY
from tests.texts import FIRST, SECOND, THIRD
from tests.workflows.conftest import Town, town
from tests.workflows.living import (
    MENDED,
    announced,
    ended,
    in_a_while,
    leap,
    leap_before_effect,
    put_right,
    receives,
    reclassify,
    withdraw_unheard,
)
from workflows.messenger import Refused

pytestmark = pytest.mark.temporal
POSTPONED = "The change of our privacy policy comes later"
CORRECTED = "A correction: what we wrote about our privacy policy was wrong"
WITHDRAWN = "We have withdrawn the change of our privacy policy"


def events(town: Town, workflow_id: str) -> int:
    """How many events the history of a workflow's run has."""
    handle = town.client.get_workflow_handle(workflow_id)
    return town.portal.call(handle.describe).history_length


def subjects(town: Town) -> Counter[tuple[str, str]]:
    return Counter((mail["to"], mail["subject"]) for mail in town.mails())


def test_who_was_mailed_hears_of_the_withdrawal_once_and_it_governs_nobody(
    running_town: Town,
) -> None:
    town = running_town
    number = announced(town)
    town.decide(ALICE, APPROVED, number)
    town.import_accounts(CAROL)
    town.desk.withdraw(POLICY, number, town.staff["noor"], "the wrong text")
    workflows = f"campaign/{POLICY}/{number}", f"publication/{POLICY}/{number}"
    eventually(lambda: all(ended(town, each) for each in workflows))
    assert [town.told(each)["stage"] for each in workflows] == ["withdrawn", "withdrawn"]
    told = {to: count for (to, subject), count in subjects(town).items() if subject == WITHDRAWN}
    assert told == {ALICE.email: 1, BOB.email: 1}
    leap(town, 60)
    town.patrol()
    town.come_to_rest()
    assert [town.governs(each) for each in (ALICE, BOB, CAROL)] == [1, 1, 1]
    assert len(town.mails()) == 4
    assert town.submit(SECOND) == number + 1


def test_a_withdrawal_of_which_the_workflow_was_not_told_is_told_all_the_same(
    running_town: Town,
) -> None:
    """P8: as when Temporal does not answer; at the old day of effect the campaign finds it, also
    where nobody was to be reminded before."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(MENDED, VersionClass.NOTICE)
    eventually(lambda: town.version(number).effective_at)
    town.come_to_rest()
    withdraw_unheard(town, number)
    leap(town, 45)
    campaign = f"campaign/{POLICY}/{number}"
    eventually(lambda: ended(town, campaign))
    assert town.told(campaign)["stage"] == "withdrawn"
    told = {to: count for (to, subject), count in subjects(town).items() if subject == WITHDRAWN}
    assert told == {ALICE.email: 1, BOB.email: 1}


def test_an_escalation_in_doubt_does_not_hold_up_the_withdrawal(
    database: Database, tmp_path: Path
) -> None:
    """P8: whether the mail to the owner went out, the watchdog finds out; nobody waits for it."""
    with town(database, tmp_path, mail_settle_after_seconds=6 * 60 * 60) as here:
        number = announced(here)
        leap_before_effect(here, number, timedelta(days=2))
        here.mail.misbehave("accept-then-reset", times=1)
        leap_before_effect(here, number, timedelta(days=1))
        eventually(lambda: state_of(here, "escalation_owner") == "unknown")
        here.desk.withdraw(POLICY, number, here.staff["noor"], "the wrong text")
        eventually(lambda: ended(here, f"campaign/{POLICY}/{number}"))
        told = {to for to, subject in subjects(here) if subject == WITHDRAWN}
        assert told == {ALICE.email, BOB.email}
        assert state_of(here, "escalation_owner") == "unknown"


def state_of(town: Town, step: str) -> str | None:
    """What became of the one mail of a step; nothing before it is queued."""
    with town.database.session() as session:
        return session.exec(select(OutboxMail.state).where(OutboxMail.step == step)).first()


def test_a_paused_campaign_tells_whom_it_waits_for_and_sends_one_reminder_late(
    running_town: Town,
) -> None:
    """Of two reminders that were due meanwhile, the last one goes out, and once."""
    town = running_town
    number = announced(town)
    campaign = f"campaign/{POLICY}/{number}"
    town.desk.pause(POLICY, number, town.staff["omar"], "a wrong sentence")
    eventually(lambda: town.told(campaign)["stage"] == "paused")
    assert town.told(campaign)["whose_turn"] == "campaign owner"
    assert f"promisekeeper campaign resume {POLICY} {number}" in town.told(campaign)["waits_for"]
    leap(town, 29)
    assert len(town.mails()) == 2
    town.desk.resume(POLICY, number, town.staff["lena"], "it is right")
    eventually(lambda: len(town.mails()) == 4)
    town.come_to_rest()
    reminders = [mail["text"] for mail in town.mails() if "reminder" in mail["text"]]
    assert len(reminders) == 2
    assert all("This is reminder 2 of 2" in text for text in reminders)


def test_a_pause_of_which_the_workflow_was_not_told_works_all_the_same(running_town: Town) -> None:
    """As when Temporal does not answer: the row stops the mails, and the workflow finds it."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.mail.misbehave("401", times=None)
    town.release(number)
    campaign = f"campaign/{POLICY}/{number}"
    eventually(lambda: town.told(campaign).get("stage") == "sending first notice")
    town.come_to_rest()  # nothing is on its way when it is paused
    town.terminate(campaign)
    town.desk.pause(POLICY, number, town.staff["omar"], "a wrong sentence")
    town.mail.misbehave("off")
    town.patrol()
    in_a_while(town, lambda: town.told(campaign).get("stage") == "paused")
    assert town.mails() == []


def test_while_all_mail_is_stopped_a_request_waits_with_its_reply_and_its_clock_runs(
    running_town: Town,
) -> None:
    town = running_town
    town.put_in_force(FIRST)
    town.desk.stop_mail(town.staff["omar"], "our key was stolen")
    request = receives(town)
    workflow_id = f"data-subject-request/{request.id}"
    eventually(lambda: "all mail is stopped" in town.told(workflow_id).get("waits_for", ""))
    with pytest.raises(Refused, match="ask lena"):
        town.desk.start_mail(town.staff["omar"], "a new key")
    assert town.mails() == []
    town.desk.start_mail(town.staff["lena"], "a new key")
    in_a_while(town, lambda: town.mails(to=DORA.email))


def test_who_was_mailed_hears_of_the_new_day_and_is_reminded_before_it(
    running_town: Town,
) -> None:
    """P7: once for each postponement; the version rules from the new day and not before."""
    town = running_town
    number = announced(town)
    town.decide(ALICE, APPROVED, number)
    said_at = town.version(number).effective_at
    assert said_at
    later_on = (said_at + timedelta(days=20)).date()
    town.desk.postpone(POLICY, number, town.staff["lena"], "more time", later_on)
    eventually(lambda: len(town.mails()) == 4)
    told = [mail for mail in town.mails() if mail["subject"] == POSTPONED]
    assert Counter(mail["to"] for mail in told) == {ALICE.email: 1, BOB.email: 1}
    assert all(f"on {later_on:%-d %B %Y}" in mail["text"] for mail in told)
    leap(town, 32)
    assert town.governs(ALICE) == 1
    leap(town, 40)
    eventually(lambda: ended(town, f"campaign/{POLICY}/{number}"))
    assert town.governs(ALICE) == number
    assert town.version(number).in_force_at == town.version(number).effective_at != said_at
    of_bob = [mail["text"] for mail in town.mails(to=BOB.email) if "reminder" in mail["text"]]
    assert len(of_bob) == 2
    assert all(f"{later_on:%-d %B %Y}" in text for text in of_bob)


def release_while_mail_is_stopped(town: Town) -> int:
    """The version of which Alice is told once mail goes on: its campaign waits."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    town.desk.stop_mail(town.staff["omar"], "our key was stolen")
    town.release(number)
    campaign = f"campaign/{POLICY}/{number}"
    eventually(lambda: "all mail is stopped" in town.told(campaign).get("waits_for", ""))
    town.come_to_rest()
    return number


def test_while_all_mail_is_stopped_a_campaign_waits_until_it_goes_on(running_town: Town) -> None:
    """It tries once an hour, not each half minute, and goes on as soon as mail does."""
    town = running_town
    campaign = f"campaign/{POLICY}/{release_while_mail_is_stopped(town)}"
    assert town.told(campaign)["whose_turn"] == "ops"
    assert town.mails() == []
    assert town.told(campaign)["next_by_itself"] == "goes on as soon as mail is started again"
    before = events(town, campaign)
    leap(town, 0.25)
    eventually(lambda: events(town, campaign) > before)
    assert events(town, campaign) < before + 1000  # a try each half minute makes ten thousand
    assert town.mails() == []
    town.desk.start_mail(town.staff["lena"], "a new key")
    eventually(lambda: town.mails(to=ALICE.email))


def test_mail_that_was_started_while_temporal_was_away_goes_on_as_soon_as_it_is_back(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: nobody waits for the campaign's next look, an hour later."""
    town = running_town
    number = release_while_mail_is_stopped(town)
    with temporal_is_away(monkeypatch):
        town.desk.start_mail(town.staff["lena"], "a new key")
    town.come_to_rest()
    assert town.mails() == []
    version_id = town.version(number).id
    with town.database.session() as session:
        assert not control_acts(session, version_id)[-1].heard_of
    town.patrol()
    eventually(lambda: town.mails(to=ALICE.email))
    with town.database.session() as session:
        assert control_acts(session, version_id)[-1].heard_of


@pytest.mark.timeout(300)  # it takes a hundred and fifty looks, one after the other
def test_a_version_whose_day_is_open_reminds_nobody_and_comes_on_the_day_that_is_given(
    running_town: Town,
) -> None:
    """P7, P8: past its old day nothing happens; with the new one it goes on where it stood."""
    town = running_town
    number = announced(town)
    town.decide(ALICE, APPROVED, number)
    campaign = f"campaign/{POLICY}/{number}"
    town.desk.postpone(POLICY, number, town.staff["lena"], "not yet", None)
    eventually(lambda: len(town.mails()) == 4)
    told = [mail for mail in town.mails() if mail["subject"] == POSTPONED]
    assert all("The day is not settled yet" in mail["text"] for mail in told)
    leap(town, 35)
    assert len(town.mails()) == 4
    assert town.governs(ALICE) == 1
    assert town.told(campaign)["stage"] == "postponed"
    assert town.told(f"publication/{POLICY}/{number}")["stage"] == "postponed"
    with pytest.raises(Refused, match="days of notice"):
        town.desk.postpone(
            POLICY, number, town.staff["lena"], "now", (town.now() + timedelta(days=9)).date()
        )
    day = (town.now() + timedelta(days=60)).date()
    town.desk.postpone(POLICY, number, town.staff["lena"], "now", day)
    eventually(lambda: len(town.mails()) == 6)
    assert all(f"on {day:%-d %B %Y}" in mail["text"] for mail in town.mails()[:2])
    leap(town, 75)
    eventually(lambda: ended(town, campaign))
    assert town.governs(ALICE) == number
    reminders = [mail["to"] for mail in town.mails() if "This is reminder" in mail["text"]]
    assert reminders == [BOB.email, BOB.email]


@contextmanager
def temporal_is_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever decides something meanwhile cannot tell the workflows."""

    async def is_silent(*_: object, **__: object) -> None:
        raise RPCError("no answer", RPCStatusCode.UNAVAILABLE, b"")

    with monkeypatch.context() as away:
        away.setattr(temporal, "wake", is_silent)
        away.setattr(temporal, "start", is_silent)
        away.setattr(WorkflowHandle, "execute_update", is_silent)
        yield


def test_what_was_decided_while_temporal_was_away_is_taken_up_when_it_is_back(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: with the watchdog's next round, long before the next reminder would be due."""
    town = running_town
    number = announced(town)
    campaign, noor = f"campaign/{POLICY}/{number}", town.staff["noor"]

    def decide(what: Callable[[], object], taken_up: Callable[[], object]) -> None:
        with temporal_is_away(monkeypatch):
            what()
        town.come_to_rest()
        assert not taken_up()
        town.patrol()
        eventually(taken_up)
        town.come_to_rest()  # nothing is in hand by which the next would be heard of

    def stands_at(stage: str) -> Callable[[], bool]:
        return lambda: town.told(campaign)["stage"] == stage

    def told(subject: str) -> Callable[[], bool]:
        who = {(ALICE.email, subject): 1, (BOB.email, subject): 1}
        return lambda: who.items() <= subjects(town).items()

    decide(lambda: town.desk.pause(POLICY, number, noor, "a wrong word"), stands_at("paused"))
    lena, effect_at = town.staff["lena"], town.version(number).effective_at
    assert effect_at
    decide(lambda: town.desk.resume(POLICY, number, lena, "it is right"), stands_at("notified"))
    later_on = (effect_at + timedelta(days=20)).date()
    decide(lambda: town.desk.postpone(POLICY, number, lena, "more time", later_on), told(POSTPONED))
    decide(lambda: put_right(town, number), told(CORRECTED))
    decide(lambda: town.desk.withdraw(POLICY, number, noor, "the wrong text"), told(WITHDRAWN))
    with town.database.session() as session:
        assert not unheard(session)


def test_a_version_replaced_while_temporal_was_away_stops_at_once_and_both_go_on_when_it_is_back(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8: nobody has to release it again, and nobody is mailed twice."""
    town = running_town
    number = announced(town)
    correction = town.prepare(THIRD, VersionClass.APPROVAL)
    with temporal_is_away(monkeypatch):
        with pytest.raises(Refused, match="One person alone"):
            town.desk.release(POLICY, correction, town.staff["lena"])
        assert town.version(correction).state == "in_review"
        town.desk.release(POLICY, correction, town.staff["noor"])
    assert town.version(number).state == "replaced"
    assert town.version(correction).state == "announced"
    with town.database.session() as session:
        assert campaign_by_number(session, POLICY, number).state == "replaced"
        assert set(unheard(session)) == {(POLICY, number), (POLICY, correction)}
        (replaced,) = control_acts(session, town.version(number).id)
    assert (replaced.act, replaced.by) == ("replace", "noor")
    assert replaced.reason == f"version {correction} took its place"
    town.patrol()
    replaced_ones = f"campaign/{POLICY}/{number}", f"publication/{POLICY}/{number}"
    eventually(lambda: all(ended(town, each) for each in replaced_ones))
    eventually(lambda: town.version(correction).effective_at)
    eventually(lambda: town.told(f"publication/{POLICY}/{correction}")["stage"] == "announced")
    town.come_to_rest()
    assert Counter(mail["to"] for mail in town.mails()) == {ALICE.email: 1, BOB.email: 1}
    with town.database.session() as session:
        assert not unheard(session)


def test_a_reclassification_while_temporal_was_away_asks_people_when_it_is_back(
    running_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P2, P8."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE)
    number = town.publish(MENDED, VersionClass.EDITORIAL)
    eventually(lambda: town.version(number).in_force_at)
    with temporal_is_away(monkeypatch):
        reclassify(town, number)
    assert town.governs(ALICE) == 1
    assert not town.mails()
    town.patrol()
    eventually(lambda: town.mails(to=ALICE.email))
