"""A controller's instruction goes on until it is carried out, whoever presses what, and nothing of
the person, nor of what staff wrote, reaches Temporal or our log (P24, P31)."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from database.engine import Database
from domain.requests.personal_data import Verb
from embedded.sample_company import database as sample_company
from tests.eventually import eventually
from tests.people import DORA
from tests.texts import FIRST
from tests.workflows.conftest import Town, town
from tests.workflows.living import ended
from tests.workflows.stories_of_instructions import (
    EVIDENCE,
    an_erasure_by_two_whose_source_is_away_at_first,
    instruction_id,
    paul_decides,
    state_of,
    tells,
)
from tests.workflows.test_no_personal_data import everything_in_temporal

pytestmark = pytest.mark.temporal
CONTACT = "privacy@harbour-dental.example"


@pytest.fixture
def company_town(database: Database, tmp_path: Path) -> Iterator[Town]:
    """A town with the invented company's sources, whose database is not there yet."""
    with town(database, tmp_path, data_map="") as running:
        yield running


def test_an_erasure_is_reported_and_names_nobody_in_temporal(
    company_town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """P24, P31."""
    caplog.set_level(logging.INFO)
    an_erasure_by_two_whose_source_is_away_at_first(company_town)
    (report,) = company_town.mails(to=CONTACT)
    assert "Support tickets" in str(report["text"])
    assert DORA.email not in str(report)
    exported = company_town.portal.call(everything_in_temporal, company_town.client)
    assert b"controller-instruction/" in exported
    for words in (DORA.email, DORA.name or "", EVIDENCE, "Read it.", "Harbour Dental", CONTACT):
        assert words.encode() not in exported, words
        assert words not in caplog.text, words


def test_what_ops_terminate_the_watchdog_starts_again(company_town: Town) -> None:
    """And it goes on from what the database says."""
    company_town.put_in_force(FIRST)
    sample_company.make(company_town.settings.sample_company, others=3)
    erasure = tells(company_town, Verb.ERASE)
    workflow = instruction_id(erasure)
    eventually(lambda: "second person" in company_town.told(workflow).get("waits_for", ""))
    company_town.terminate(workflow)
    eventually(lambda: ended(company_town, workflow))
    assert any(workflow in line for line in company_town.patrol().repaired)
    paul_decides(company_town, erasure, carry_out=True)
    eventually(lambda: state_of(company_town, erasure) == "done")
    eventually(lambda: len(company_town.mails(to=CONTACT)) == 1)
