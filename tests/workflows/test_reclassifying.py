"""A version that should have asked for approval asks for it after all (P2)."""

from collections import Counter
from datetime import date, timedelta

import pytest

from database.tables import PolicyVersion
from domain.approvals.without_approval import WithoutApproval
from domain.places import local_date
from domain.policies.reviews import VersionClass
from tests.deciding import APPROVED
from tests.eventually import eventually
from tests.people import ALICE, BOB, POLICY
from tests.texts import FIRST
from tests.workflows.conftest import Town
from tests.workflows.living import MENDED, ended, in_a_while, leap, put_right, reclassify
from workflows.messenger import Refused

pytestmark = pytest.mark.temporal
CORRECTED = "A correction: what we wrote about our privacy policy was wrong"
ASKED = "Please decide: a change of our privacy policy needed your approval"
BOTH = {ALICE.email, BOB.email}
REMINDED = "Reminder: a change of our privacy policy needs your approval, please decide"


def promise_to_stay_until(town: Town, number: int, day: date) -> None:
    """As it was said before the release, when the version asked nobody."""
    with town.database.transaction() as transaction:
        version = transaction.get_one(PolicyVersion, town.version(number).id)
        version.without_approval, version.stay_until_on = WithoutApproval.STAY_UNTIL, day


@pytest.mark.parametrize("version_class", [VersionClass.EDITORIAL, VersionClass.NOTICE])
def test_whoever_was_moved_in_error_is_asked_reminded_and_moves_when_they_approve(
    running_town: Town, version_class: VersionClass
) -> None:
    """P2, P5, P7: editorial had no campaign; notice had one that asked nothing."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(MENDED, version_class)
    if version_class is VersionClass.NOTICE:
        eventually(lambda: town.version(number).effective_at)
        leap(town, 45)
        eventually(lambda: ended(town, f"campaign/{POLICY}/{number}"))
    eventually(lambda: town.version(number).in_force_at)
    since = town.version(number).in_force_at
    assert town.governs(ALICE) == number
    assert since
    promise_to_stay_until(town, number, since.date() + timedelta(days=60))
    reclassify(town, number)
    assert [town.governs(each) for each in (ALICE, BOB)] == [1, 1]
    asked = [ALICE.email, BOB.email]
    eventually(lambda: sorted(m["to"] for m in town.mails() if m["subject"] == ASKED) == asked)
    town.come_to_rest()
    texts = [mail["text"] for mail in town.mails() if mail["subject"] == ASKED]
    day = local_date(since, town.desk.company.zone)
    assert all(f"in error since {day:%-d %B %Y}" in text for text in texts)
    assert not any("takes effect" in text for text in texts)
    until_on = town.version(number).stay_until_on
    assert until_on
    assert until_on >= local_date(town.now(), town.desk.company.zone) + timedelta(days=90)
    assert all(f"until {until_on:%-d %B %Y} at least" in text for text in texts)
    town.decide(ALICE, APPROVED, number)
    assert town.governs(ALICE) == number
    leap(town, 45)
    eventually(lambda: ended(town, f"campaign/{POLICY}/{number}"))
    reminded = Counter(mail["to"] for mail in town.mails() if mail["subject"] == REMINDED)
    assert reminded == {BOB.email: 2}
    assert [town.governs(each) for each in (ALICE, BOB)] == [number, 1]
    assert town.version(number).in_force_at == since


def test_people_are_asked_once_the_campaign_that_only_told_them_put_its_mails_right(
    running_town: Town,
) -> None:
    """P2, P8: whose answers were voided hear of that first; then nobody waits for the watchdog."""
    town = running_town
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(MENDED, VersionClass.NOTICE)
    eventually(lambda: town.version(number).effective_at)
    leap(town, 45)
    campaign = f"campaign/{POLICY}/{number}"
    eventually(lambda: ended(town, campaign))
    eventually(lambda: town.version(number).in_force_at)
    town.mail.misbehave("401", times=None)
    put_right(town, number)
    in_a_while(town, lambda: town.told(campaign).get("stage") == "sending correction 1")
    with pytest.raises(Refused, match="Agree once that has gone out"):
        reclassify(town, number)
    town.mail.misbehave("off")
    in_a_while(town, lambda: {m["to"] for m in town.mails() if m["subject"] == CORRECTED} == BOTH)
    town.desk.agree_to_reclassification(POLICY, number, town.staff["noor"])
    in_a_while(town, lambda: {m["to"] for m in town.mails() if m["subject"] == ASKED} == BOTH)
