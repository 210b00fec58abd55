"""A campaign whose mails were wrong is put right and goes on (P8)."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from database.campaigns import controls, corrections
from domain.policies.reviews import Decisions, VersionClass
from tests import correcting
from tests.deciding import APPROVED
from tests.eventually import eventually
from tests.people import ALICE, BOB, POLICY
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town
from tests.workflows.living import MENDED, ended, in_a_while, leap, leap_before_effect, put_right

pytestmark = pytest.mark.temporal
CORRECTED = "A correction: what we wrote about our privacy policy was wrong"


def announced(town: Town) -> int:
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    town.come_to_rest()
    return number


def test_whoever_had_the_wrong_mail_is_told_and_asked_again(running_town: Town) -> None:
    """P8: Alice had approved on the wrong mail; she is reminded until she decides again."""
    town = running_town
    number = announced(town)
    town.decide(ALICE, APPROVED, number)
    put_right(town, number)
    eventually(lambda: len(town.mails()) == 4)
    town.come_to_rest()
    told = [mail for mail in town.mails() if mail["subject"] == CORRECTED]
    assert Counter(mail["to"] for mail in told) == {ALICE.email: 1, BOB.email: 1}
    assert all("We said 10 days; it is a year." in mail["text"] for mail in told)
    answers = {mail["to"]: mail["text"] for mail in told}
    assert "The answer that you gave does not count any more" in answers[ALICE.email]
    assert "You have not answered yet" in answers[BOB.email]
    leap(town, 20)
    assert len(town.mails()) == 6, "one reminder each"
    town.decide(ALICE, APPROVED, number)
    leap(town, 25)
    eventually(lambda: ended(town, f"campaign/{POLICY}/{number}"))
    assert [town.governs(each) for each in (ALICE, BOB)] == [number, 1]


def test_a_correction_does_not_wait_for_reminders_that_nobody_takes(running_town: Town) -> None:
    """P8: the mail service refuses our key meanwhile, and takes the correction first."""
    town = running_town
    number = announced(town)
    campaign = f"campaign/{POLICY}/{number}"
    town.mail.misbehave("401", times=None)
    leap_before_effect(town, number, timedelta(days=14))
    in_a_while(town, lambda: town.told(campaign).get("stage") == "sending reminder 1")
    put_right(town, number)
    in_a_while(town, lambda: town.told(campaign).get("stage") == "sending correction 1")
    town.mail.misbehave("off")
    in_a_while(town, lambda: len(town.mails()) == 6)
    order = [mail["subject"] == CORRECTED for mail in sorted(town.mails(), key=taken)]
    assert order == [False, False, True, True, False, False]


def taken(mail: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever the sandbox counts by
    """In the order in which the mail service took them."""
    return mail["id"]


def test_a_campaign_that_is_finished_begins_again_to_put_it_right(running_town: Town) -> None:
    """P8: and nobody is reminded once more, as the version is in force."""
    town = running_town
    number = announced(town)
    town.decide(ALICE, APPROVED, number)
    leap(town, 45)
    campaign = f"campaign/{POLICY}/{number}"
    eventually(lambda: ended(town, campaign))
    assert town.governs(ALICE) == number
    before = len(town.mails())
    put_right(town, number)
    eventually(lambda: len(town.mails()) == before + 2)
    eventually(lambda: ended(town, campaign))
    assert town.told(campaign)["stage"] == "finished"
    assert len(town.mails()) == before + 2
    assert town.governs(ALICE) == 1


def test_a_correction_of_which_the_workflow_was_not_told_is_mailed_all_the_same(
    running_town: Town,
) -> None:
    """P8: as when Temporal does not answer; nobody was to be reminded before the day of effect."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(MENDED, VersionClass.NOTICE)
    eventually(lambda: town.version(number).effective_at)
    town.come_to_rest()
    words = corrections.RightWords(language="en", mail="We said 10 days; it is a year.")
    right = corrections.Right(decisions=Decisions.KEEP, words=[words])
    with town.database.transaction() as transaction:
        lena, now = town.staff["lena"], town.now()
        act = controls.acting(transaction, lena, "legal", reason="a wrong period", now=now)
        correcting.propose(transaction, town.version(number), act, right)
    with town.database.transaction() as transaction:
        version, noor = town.version(number), town.staff["noor"]
        correcting.confirm(transaction, version, noor, town.now())
    leap(town, 45)
    eventually(lambda: ended(town, f"campaign/{POLICY}/{number}"))
    told = Counter(mail["to"] for mail in town.mails() if mail["subject"] == CORRECTED)
    assert told == {ALICE.email: 1, BOB.email: 1}
