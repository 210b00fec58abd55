"""A campaign of thousands that goes on in run after run, in the middle of its steps."""

import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import col, select
from temporalio.client import WorkflowExecutionStatus

from database.mail import delivery
from database.people.accounts import AccountRow
from database.tables import CampaignStep, OutboxMail
from domain.policies.reviews import VersionClass
from embedded.processes import Process, Program
from embedded.stack import WORKER_READY, environment_of
from settings import ROOT
from tests.databases import DATABASES, migrated_database
from tests.eventually import eventually
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town, town

pytestmark = [pytest.mark.temporal, pytest.mark.timeout(300)]

CROWD = 5000
SHORT = {"limit.historyCount.suggestContinueAsNew": 20}
"""So few events that a run takes a single window of shards."""
SLOW = 500
"""Milliseconds of a batch: most are still to come when the worker dies. What it leaves in doubt is
sent again on word of three later ones."""
STEPS = ("first_notice", "reminder_1", "reminder_2")
ONCE_EACH = {(1, "accepted", None): CROWD}


@contextmanager
def worker_process(town: Town, directory: Path) -> Iterator[Process]:
    """The real worker, which can be killed."""
    worker = Process(
        Program(
            name="worker",
            command=[sys.executable, "worker.py"],
            environment={
                **environment_of(town.settings),
                "TEMPORAL_ADDRESS": town.client.service_client.config.target_host,
                "PYTHONUNBUFFERED": "1",
            },
            directory=ROOT,
            log=directory / "worker.log",
            answers=lambda log: WORKER_READY in log,
        )
    )
    try:
        worker.wait_until_ready()
        yield worker
    finally:
        worker.stop()


def sent(directory: Path) -> list[dict[str, str]]:
    """Of each copy that the mail service took: the mail and the attempt."""
    with closing(sqlite3.connect(directory / "mail.db")) as mail:
        rows = mail.execute(
            "SELECT message.custom_args, request.custom_args FROM message "
            "JOIN request ON request.id = request_id"
        )
        return [json.loads(shared) | json.loads(own) for own, shared in rows]


def deliver_events(town: Town, directory: Path) -> None:
    """The mail service tells of each request that it took it: one copy proves them all."""
    first_copies = {copy["attempt_id"]: copy["mail_id"] for copy in sent(directory)}
    events = [
        delivery.Event(
            mail_id=UUID(mail_id),
            attempt_id=UUID(attempt_id),
            event="processed",
            occurred_at=town.now(),
        )
        for attempt_id, mail_id in first_copies.items()
    ]
    with town.database.transaction() as transaction:
        delivery.record_events(transaction, events, town.now())


def went_out(town: Town, directory: Path, step: str) -> Counter[tuple[int, str, str | None]]:
    """How many mails of a step went out how many times, and what the outbox says of them."""
    copies = Counter(copy["mail_id"] for copy in sent(directory))
    with town.database.session() as session:
        mails = session.exec(select(OutboxMail).where(OutboxMail.step == step)).all()
    return Counter((copies[str(mail.id)], mail.state, mail.reason) for mail in mails)


def steps_taken(town: Town) -> list[str]:
    with town.database.session() as session:
        query = select(CampaignStep.step).order_by(col(CampaignStep.taken_at))
        return list(session.exec(query).all())


def continued(town: Town, workflow_id: str) -> int:
    """How many runs of a workflow went on in another one."""

    async def count() -> int:
        again = WorkflowExecutionStatus.CONTINUED_AS_NEW
        runs = [run async for run in town.client.list_workflows(f"WorkflowId='{workflow_id}'")]
        return sum(run.status is again for run in runs)

    return town.portal.call(count)


@pytest.mark.parametrize("kind", DATABASES)
def test_everybody_gets_each_step_once_though_runs_end_and_the_worker_dies_in_the_middle(
    kind: str,
    tmp_path: Path,
) -> None:
    """P4: what a run that continued as new has sent, the outbox knows."""
    with (
        migrated_database(kind, tmp_path) as database,
        town(
            database,
            tmp_path,
            server_settings=SHORT,
            with_worker=False,
            mail_batch_size=250,
            canary=False,
        ) as running,
        worker_process(running, tmp_path) as worker,
    ):
        running.put_in_force(FIRST)
        running.import_accounts(
            *(
                AccountRow(external_id=f"c-{number:05}", email=f"person.{number}@people.example")
                for number in range(CROWD)
            )
        )
        number = running.prepare(SECOND, VersionClass.APPROVAL)
        running.mail.misbehave("401", times=4, latency_ms=SLOW)
        running.release(number)
        eventually(lambda: len(sent(tmp_path)) >= CROWD // 5)
        worker.kill()
        running.mail.misbehave("401", times=4)
        worker.start_again()

        def notified() -> bool:
            deliver_events(running, tmp_path)
            running.advance(minutes=1)
            return running.version(number).effective_at is not None

        eventually(notified)
        in_the_middle = continued(running, f"campaign/privacy-policy/{number}")
        assert in_the_middle >= 2
        assert went_out(running, tmp_path, "first_notice") == ONCE_EACH

        running.mail.misbehave("401", times=4)
        running.advance(days=34)
        eventually(lambda: running.version(number).state == "in_force")
        assert steps_taken(running) == [*STEPS, "escalation_owner"]
        for step in STEPS:
            assert went_out(running, tmp_path, step) == ONCE_EACH, step
        assert continued(running, f"campaign/privacy-policy/{number}") > in_the_middle + 2
