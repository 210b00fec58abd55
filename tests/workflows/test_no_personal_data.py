"""P31: nothing about a person is in Temporal or in our log, not even when an activity fails."""

import logging

import pytest
from temporalio.client import Client

from database.requests.answering import Answer
from domain.policies.reviews import VersionClass
from domain.requests.data_subject_requests import Intake, Outcome
from tests.eventually import eventually
from tests.people import ALICE, BOB, CAROL, DORA, personal_words
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town

pytestmark = pytest.mark.temporal

MESSAGE = "please look in the folder about my divorce"
REASON = "read it twice"
EXPLANATION = "We hold your name and the divorce folder."
PLANTED = "Alice Abel alice@people.example please look in the folder"
TRAP = {
    "sqlite": f"""
CREATE TRIGGER planted BEFORE INSERT ON outbox_mail BEGIN SELECT RAISE(ABORT, '{PLANTED}'); END
""",
    "postgresql": f"""
CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION '{PLANTED}'; END $$;
CREATE TRIGGER planted BEFORE INSERT ON outbox_mail FOR EACH ROW EXECUTE FUNCTION planted()
""",
}
NO_TRAP = {
    "sqlite": "DROP TRIGGER planted",
    "postgresql": "DROP FUNCTION planted CASCADE",
}


async def everything_in_temporal(client: Client) -> bytes:
    """Histories, memos, search attributes and summaries of every workflow, as Temporal has them."""
    found: list[bytes] = []
    async for execution in client.list_workflows():
        found.append(execution.raw_info.SerializeToString())
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        found.append((await handle.describe()).raw_description.SerializeToString())
        found.extend([event.SerializeToString() async for event in handle.fetch_history_events()])
    return b"\n".join(found)


def test_no_address_name_or_word_of_a_person_reaches_temporal(
    running_town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """P31: a campaign, a request and a failing activity, and only our own ids in the histories."""
    caplog.set_level(logging.INFO)
    town = running_town
    kind = town.database.engine.dialect.name
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB, CAROL, DORA)
    number = town.prepare(SECOND, VersionClass.APPROVAL)
    with town.database.transaction() as transaction:
        transaction.connection().exec_driver_sql(TRAP[kind])
    town.release(number)
    eventually(lambda: b"incident" in town.portal.call(everything_in_temporal, town.client))
    with town.database.transaction() as transaction:
        transaction.connection().exec_driver_sql(NO_TRAP[kind])
    town.advance(minutes=1)  # it tries again after half of one
    eventually(lambda: town.version(number).effective_at)

    request = town.desk.receive(
        Intake(name="Dora Dahl", contact_address=DORA.email, kinds=("access",), message=MESSAGE),
        channel="web",
    )
    eventually(lambda: len(town.mails(to=DORA.email)) == 3)
    town.desk.verify(request.id, how="link to the address on file")
    town.desk.decide(
        request.reference,
        town.staff["petra"],
        Answer(outcome=Outcome.FULFILLED, explanation=EXPLANATION, evidence="by courier"),
    )
    eventually(lambda: len(town.mails(to=DORA.email)) == 4)
    town.advance(days=33)

    exported = town.portal.call(everything_in_temporal, town.client)
    assert b"campaign/privacy-policy/2" in exported
    assert str(request.id).encode() in exported
    personal = [
        MESSAGE,
        REASON,
        EXPLANATION,
        request.reference,
        "divorce",
        "Recordings are kept longer",
        *personal_words(),
    ]
    log = caplog.text
    assert "incident" in log
    for words in personal:
        assert words.encode() not in exported, words
        assert words not in log, words
