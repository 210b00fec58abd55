"""A version gives way to another: its workflows end, and nobody is mailed twice (P8)."""

from collections import Counter

import pytest

from database.campaigns.campaigns import campaign_by_number
from database.campaigns.progress import count_addressees
from domain.policies.reviews import VersionClass
from tests.deciding import APPROVED
from tests.eventually import eventually
from tests.people import ALICE, BOB, CAROL, POLICY
from tests.texts import FIRST, SECOND, THIRD
from tests.workflows.conftest import Town
from tests.workflows.living import announce_unheard, ended, leap, withdraw_unheard

pytestmark = pytest.mark.temporal
WITHDRAWN = "We have withdrawn the change of our privacy policy"


def announced(town: Town) -> int:
    """The first notices for Alice and Bob are out, and Alice has approved."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    town.come_to_rest()
    town.decide(ALICE, APPROVED, number)
    return number


def test_a_correction_in_mid_campaign_costs_nobody_a_mail_or_a_decision(
    running_town: Town,
) -> None:
    """P6, P8: one first notice each, two reminders for Bob, and Alice's approval counts."""
    town = running_town
    number = announced(town)
    said = town.version(number).effective_at
    correction = town.publish(THIRD, VersionClass.APPROVAL)
    workflows = f"campaign/{POLICY}/{number}", f"publication/{POLICY}/{number}"
    eventually(lambda: all(ended(town, each) for each in workflows))
    assert [town.told(each)["stage"] for each in workflows] == ["replaced", "replaced"]
    eventually(lambda: town.version(correction).effective_at)
    assert town.version(correction).effective_at == said
    town.come_to_rest()
    assert Counter(mail["to"] for mail in town.mails()) == {ALICE.email: 1, BOB.email: 1}
    leap(town, 45)
    eventually(lambda: ended(town, f"campaign/{POLICY}/{correction}"))
    assert [town.governs(each) for each in (ALICE, BOB)] == [correction, 1]
    of_account_holders = Counter(
        mail["to"] for mail in town.mails() if mail["to"] in (ALICE.email, BOB.email)
    )
    assert of_account_holders == {ALICE.email: 1, BOB.email: 3}


def test_whoever_was_told_hears_that_what_took_its_place_is_off_before_it_began(
    running_town: Town,
) -> None:
    """P8: its campaign addresses them, and nobody else."""
    town = running_town
    announced(town)
    number = town.prepare(SECOND.replace("one year", "three years"), VersionClass.APPROVAL)
    town.import_accounts(CAROL)
    announce_unheard(town, number)
    withdraw_unheard(town, number)
    town.patrol()
    eventually(lambda: ended(town, f"campaign/{POLICY}/{number}"))
    told = [mail["to"] for mail in town.mails() if mail["subject"] == WITHDRAWN]
    assert sorted(told) == [ALICE.email, BOB.email]
    with town.database.session() as session:
        campaign = campaign_by_number(session, POLICY, number)
        assert count_addressees(session, campaign.id) == 2


def test_a_draft_that_gives_way_ends_at_once(running_town: Town) -> None:
    town = running_town
    town.put_in_force(FIRST)
    draft = town.submit(SECOND)
    town.confirm_all(draft, VersionClass.APPROVAL)
    number = town.submit(THIRD)
    eventually(lambda: ended(town, f"publication/{POLICY}/{draft}"))
    assert town.version(draft).state == "replaced"
    assert town.version(number).version_class is None
    town.patrol()
    assert ended(town, f"publication/{POLICY}/{draft}")
