"""A few of a campaign's addressees are mailed first; the others follow by themselves (P8)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from database.engine import Database
from domain.policies.reviews import VersionClass
from tests.eventually import eventually
from tests.people import ALICE, BOB, CAROL, POLICY
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town, town
from tests.workflows.living import ended, in_a_while

pytestmark = pytest.mark.temporal
OWNER = "lena@staff.example"


@pytest.fixture
def careful_town(database: Database, tmp_path: Path) -> Iterator[Town]:
    """A town in which one of three people is mailed first."""
    with town(database, tmp_path, canary_addressees=1) as running:
        yield running


def published(town: Town, *, lost: str = "", stage: str = "canary") -> tuple[int, str]:
    """Released, while the mail service meets the first request so that nobody knows whether it took
    it."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB, CAROL)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    if lost:
        town.mail.misbehave(lost, times=1)
    town.release(number)
    workflow = f"campaign/{POLICY}/{number}"
    eventually(lambda: town.told(workflow).get("stage") == stage)
    town.come_to_rest()
    return number, workflow


def test_the_others_are_mailed_half_an_hour_later_and_nobody_need_press_anything(
    careful_town: Town,
) -> None:
    """P7: and the notice period runs from the last of them."""
    town = careful_town
    number, workflow = published(town)
    assert len(town.mails()) == 1
    assert "the first 1 of 3 mails" in town.told(workflow)["waits_for"]
    assert town.told(workflow)["whose_turn"] == "nobody"
    town.advance(minutes=25)
    town.come_to_rest()
    assert len(town.mails()) == 1
    town.advance(minutes=10)
    eventually(lambda: town.version(number).effective_at)
    assert sorted(mail["to"] for mail in town.mails()) == [
        *(person.email for person in (ALICE, BOB, CAROL))
    ]


def test_a_canary_that_the_mail_service_answered_with_an_error_pauses_the_campaign_at_once(
    careful_town: Town,
) -> None:
    """P8: half an hour more would tell nothing. Once its owner resumes it the others are mailed."""
    town = careful_town
    number, workflow = published(town, lost="500", stage="paused")
    why = "The canary: The mail service answered the requests of 1 of 1 copies with an error (5xx)"
    assert f"The machine paused it. {why}" in town.told(workflow)["waits_for"]
    (mail,) = town.mails()
    assert mail["to"] == OWNER
    town.desk.resume(POLICY, number, town.staff["lena"], "it works again")
    in_a_while(town, lambda: town.version(number).effective_at)
    assert len(town.mails()) == 3


def test_a_canary_of_which_nothing_is_known_pauses_the_campaign_until_its_owner_resumes_it(
    careful_town: Town,
) -> None:
    """Ops see why on the workflow's page, its owner reads it in a mail, and both can act on it."""
    town = careful_town
    number, workflow = published(town, lost="reset")
    town.advance(minutes=35)
    eventually(lambda: town.told(workflow)["stage"] == "paused")
    why = "The canary: Nobody knows whether 1 of 1 copies went out"
    assert f"The machine paused it. {why}" in town.told(workflow)["waits_for"]
    (mail,) = town.mails()
    assert mail["to"] == OWNER
    assert why in mail["text"]
    town.advance(hours=2)
    town.patrol()
    town.come_to_rest()
    assert len(town.mails()) == 1, "the owner is told once, and nobody else anything"
    town.desk.resume(POLICY, number, town.staff["lena"], "the mail service was away")
    in_a_while(town, lambda: town.version(number).effective_at)
    assert len(town.mails()) == 3, "of the first, ops decide"


def test_a_run_that_is_terminated_while_the_others_wait_goes_on_waiting(
    careful_town: Town,
) -> None:
    town = careful_town
    number, workflow = published(town)
    town.terminate(workflow)
    town.patrol()
    eventually(lambda: town.told(workflow).get("stage") == "canary" and not ended(town, workflow))
    town.come_to_rest()
    assert len(town.mails()) == 1
    town.advance(minutes=35)
    eventually(lambda: town.version(number).effective_at)
    assert len(town.mails()) == 3
