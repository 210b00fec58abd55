"""Everybody agrees on the time: website, worker, mails, ladder, command line, after any advance."""

import json
import os
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select as select_columns
from sqlmodel import SQLModel, select

import temporal
from clock import real_now
from database.engine import Database
from database.requests import requests
from database.tables import CampaignStep, DataSubjectRequest, FiredRung, OutboxMail
from domain.places import local_date, start_of_day
from domain.policies.reviews import VersionClass
from domain.requests.data_subject_requests import Intake
from domain.requests.ladder import step_of
from embedded.stack import environment_of
from mail.delivery_events import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tests.clock_changes import clock_changes
from tests.databases import SQLITE, migrated_database
from tests.eventually import eventually
from tests.people import ALICE, BOB, CAROL, DORA
from tests.texts import FIRST, SECOND
from tests.web.world import browse, hidden
from tests.workflows.conftest import Town, town
from tests.workflows.lags import LAG, lags_behind
from web.app import create_app
from workflows.watchdog import WatchdogWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.slow]


@pytest.fixture(autouse=True)
def long_days() -> None:
    """Here days pass one by one, as they do for everybody else."""


DAY = timedelta(days=1)
FAR_FROM_REAL_TIME = 400 * DAY
PLANNED = {"due_at", "effective_at", "expires_at"}
CLAIMED = {"occurred_at"}
"""What others say of when something happened: kept as they said it, never acted on."""
Instants = Mapping[tuple[str, str, str], datetime]
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@dataclass(kw_only=True)
class Witness:
    """Looks at every instant in the database, and at the clock before and after each step."""

    town: Town
    looked_at: list[datetime] = field(default_factory=list)
    seen: Instants = field(default_factory=dict)

    def begin(self) -> None:
        self.looked_at.append(self.town.now())
        self.seen = written(self.town.database)

    def look(self) -> None:
        """Whatever is new was written between the step before the last and now."""
        now = written(self.town.database)
        new = {where: at for where, at in now.items() if self.seen.get(where) != at}
        earliest = self.looked_at[max(len(self.looked_at) - 2, 0)] - LAG
        self.looked_at.append(self.town.now())
        self.seen = now
        outside = {
            where: at for where, at in new.items() if not earliest <= at <= self.looked_at[-1]
        }
        assert not outside, (earliest, outside, self.looked_at[-1])


def written(database: Database) -> Instants:
    """Every instant that says when something happened, by table, row and column."""
    found = {}
    with database.session() as session:
        for table in SQLModel.metadata.sorted_tables:
            names = [
                column.name
                for column in table.columns
                if column.name.endswith("_at") and column.name not in PLANNED | CLAIMED
            ]
            keys = [column.name for column in table.primary_key]
            columns = [table.c[name] for name in (*keys, *names)]
            for row in session.execute(select_columns(*columns)).mappings():
                row_id = "/".join(str(row[key]) for key in keys)
                for name in names:
                    if row[name] is not None:
                        found[table.name, row_id, name] = row[name]
    return found


class Street:
    """What people and staff do at any time, each by the door that is theirs."""

    def __init__(self, town: Town) -> None:
        self.town = town
        app = create_app(town.settings, database=town.database, desk=town.desk)
        self.browser = browse(app)

    def import_accounts(self) -> None:
        self.town.import_accounts(ALICE, BOB, CAROL, DORA)

    def ask(self) -> None:
        """On the web form."""
        answer = self.browser.post(
            "/requests/new",
            data={
                "kinds": "access",
                "name": "Dora Dahl",
                "contact_address": DORA.email,
                "country": "DE",
            },
        )
        assert answer.status_code == 200, answer.text

    def answer(self) -> None:
        (*_, mail) = self.town.mails(to=ALICE.email)
        link = next(link for link in mail["links"] if "/approve/" in link)
        path = link.removeprefix(self.town.settings.base_url)
        page = self.browser.get(path)
        assert page.status_code in {200, 410}
        if 'name="stamp"' in page.text:
            self.browser.post(
                path, data={"stamp": hidden(page.text, "stamp"), "decision": "approved"}
            )

    def ask_for_a_link(self) -> None:
        assert self.browser.post("/approve/new-link", data={"email": BOB.email}).status_code == 200

    def report(self) -> None:
        """SendGrid's own clock is real time, and its signature carries it."""
        with self.town.database.session() as session:
            mail = session.exec(select(OutboxMail).where(OutboxMail.state == "accepted")).first()
        if mail is None:
            return
        event = {
            "event": "delivered",
            "timestamp": 1767603600,
            "sg_event_id": "one",
            "mail_id": str(mail.id),
            "attempt_id": str(mail.attempt_id),
        }
        body = json.dumps([event]).encode()
        signed_at = str(int(real_now().timestamp()))
        signature = KEY.sign(signed_at.encode() + body, ec.ECDSA(SHA256()))
        headers = {
            SIGNATURE_HEADER: b64encode(signature).decode(),
            TIMESTAMP_HEADER: signed_at,
        }
        answer = self.browser.post("/webhooks/sendgrid/events", content=body, headers=headers)
        assert answer.status_code == 204

    def assign(self) -> None:
        for request in self._open_requests():
            self.town.desk.assign(request.reference, self.town.staff["petra"])

    def verify(self) -> None:
        for request in self._open_requests():
            if request.verified_at is None:
                self.town.desk.verify(request.id, how="link to the address on file")

    def patrol(self) -> None:
        async def once() -> None:
            await self.town.client.execute_workflow(
                WatchdogWorkflow.run, id="watchdog", task_queue=temporal.TASK_QUEUE
            )

        self.town.portal.call(once)

    def _open_requests(self) -> list[DataSubjectRequest]:
        with self.town.database.session() as session:
            return list(requests.open_requests(session))


@contextmanager
def busy_town(directory: Path) -> Iterator[Town]:
    """A town far from real time, with a version that its people are asked to approve."""
    with (
        migrated_database(SQLITE, directory) as database,
        town(
            database,
            directory,
            data_dir=directory / "data",
            sendgrid_webhook_public_keys=(PUBLIC.decode(),),
        ) as running,
    ):
        running.clock.advance(FAR_FROM_REAL_TIME)
        running.put_in_force(FIRST)
        running.import_accounts(ALICE, BOB, CAROL, DORA)
        number = running.publish(SECOND, VersionClass.APPROVAL)
        eventually(lambda: running.version(number).effective_at)
        yield running


ACTS: Mapping[str, Callable[[Street], None]] = {
    "ops import accounts": Street.import_accounts,
    "Dora asks for a copy": Street.ask,
    "Alice answers by the link in her mail": Street.answer,
    "Bob asks for his link again": Street.ask_for_a_link,
    "SendGrid reports a delivery": Street.report,
    "Petra takes every request": Street.assign,
    "everybody proves who they are": Street.verify,
    "the watchdog goes round": Street.patrol,
}
periods = (
    st.timedeltas(timedelta(seconds=1), timedelta(hours=3))
    | st.timedeltas(timedelta(hours=3), 4 * DAY)
    | st.timedeltas(4 * DAY, 40 * DAY)
)


@settings(
    max_examples=2,
    phases=[Phase.generate],  # to shrink a failure would take minutes
)
@given(
    steps=st.lists(periods, min_size=3, max_size=3).flatmap(
        lambda moves: st.permutations([*moves, *ACTS])
    )
)
def test_whatever_is_written_down_happened_when_the_clock_says(
    steps: list[timedelta | str],
) -> None:
    """P4, P5, P21: acts of everybody in any order, and any sequence of advances between them."""
    with tempfile.TemporaryDirectory() as directory, busy_town(Path(directory)) as running:
        street, witness = Street(running), Witness(town=running)
        witness.begin()
        for step in steps:
            if isinstance(step, timedelta):
                before = running.clock.offset()
                running.desk.advance(step)
                assert abs(running.clock.offset() - before - step) < timedelta(milliseconds=1)
            else:
                ACTS[step](street)
            witness.look()
        assert all(behind >= timedelta(0) for behind in lags(running))


def lags(running: Town) -> list[timedelta]:
    """How far each running workflow is behind the clock."""
    return running.portal.call(lags_behind, running.client, running.clock)


@pytest.mark.parametrize(
    ("zone", "hour"),
    [("Europe/Berlin", "back"), ("America/Santiago", "forward"), ("Australia/Lord_Howe", "back")],
)
def test_thirty_days_across_a_change_of_the_clocks(zone: str, hour: str, tmp_path: Path) -> None:
    """P5, P7, P21: midnights and mornings are the company's, before and after the change."""
    there = ZoneInfo(zone)
    with (
        migrated_database(SQLITE, tmp_path) as database,
        town(database, tmp_path, time_zone=zone) as running,
    ):
        change = next(
            change
            for change in clock_changes(zone)
            if change > running.now() + 20 * DAY and _goes(change, there) == hour
        )
        running.clock.advance(change - 12 * DAY - running.now())
        running.put_in_force(FIRST)
        running.import_accounts(ALICE, DORA)
        request = running.desk.receive(
            Intake(name="Dora Dahl", contact_address=DORA.email, kinds=("access",), country="DE"),
            channel="web",
        )
        number = running.publish(SECOND, VersionClass.APPROVAL)
        eventually(lambda: running.version(number).effective_at)
        before = running.now()
        running.advance(days=40)
        assert 40 * DAY <= running.now() - before < 40 * DAY + LAG

        effective_at = running.version(number).effective_at
        assert effective_at is not None
        assert effective_at == start_of_day(local_date(effective_at, there), there)
        eventually(lambda: running.version(number).state == "in_force")
        rungs, steps = taken(running, request.id)
        assert all(timedelta(0) <= at - due < LAG for due, at in (*rungs.values(), *steps.values()))
        chased = {"reminder_1", "reminder_2", "escalation_owner", "escalation_legal"}
        assert set(steps) == {"first_notice", *chased}
        assert {"unassigned", "d-20", "late_reply", "breach", "overdue-1"} <= set(rungs)
        mornings = [
            due.astimezone(there)
            for key, (due, _) in rungs.items()
            if key.startswith("d-") and step_of(key) == key
        ]
        (moment,) = {morning.time() for morning in mornings}
        assert time(9) <= moment < time(9, 15)
        days = [local_date(morning, there) for morning in mornings]
        change_on = local_date(change, there)
        assert min(days) < change_on < max(days)


def _goes(change: datetime, zone: ZoneInfo) -> str:
    before, after = change - timedelta(seconds=1), change.astimezone(zone).utcoffset()
    return "forward" if (before.astimezone(zone).utcoffset() or DAY) < (after or -DAY) else "back"


Taken = dict[str, tuple[datetime, datetime]]


def taken(running: Town, request_id: UUID) -> tuple[Taken, Taken]:
    """Rungs of a request that spoke, and steps of the campaign: when due, and when taken."""
    with running.database.session() as session:
        fired = session.exec(select(FiredRung).where(FiredRung.request_id == request_id)).all()
        steps = session.exec(select(CampaignStep)).all()
    return (
        {rung.rung: (rung.stood_at, rung.fired_at) for rung in fired if not rung.passed_over},
        {step.step: (step.due_at, step.taken_at) for step in steps},
    )


def command(running: Town, *arguments: str) -> "subprocess.Popen[str]":
    """A command in a process of its own, on this town."""
    environment = environment_of(running.settings) | {
        "TEMPORAL_ADDRESS": running.client.service_client.config.target_host,
        "PATH": os.defpath,
        "PYTHONUTF8": "1",
        "COLUMNS": "300",
    }
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("promisekeeper")), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_who_advance_at_once_move_time_twice_and_nothing_ahead_of_it(tmp_path: Path) -> None:
    """The second waits for the first: together they would skip one day of a workflow twice."""
    with busy_town(tmp_path) as running:
        before = running.clock.offset()
        both = [command(running, "demo", "advance", "1.5") for _ in range(2)]
        for each in both:
            out, err = each.communicate()
            assert (each.returncode, err) == (0, ""), out
            assert "workflows moved along" in out
        assert running.clock.offset() - before == 3 * DAY
        found = lags(running)
        assert len(found) == 2
        assert all(timedelta(0) <= lag < LAG for lag in found)
