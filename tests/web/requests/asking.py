"""Somebody asks for copies of their data, and the sources have answered; what staff do with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from uuid import UUID
from zipfile import ZipFile

from httpx import Response
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.mail.courier import Courier
from activities.requests.requests import RequestInput
from activities.requests.sources import SourceActivities
from database.people.links import REQUEST_COPY, REQUEST_COPY_CODE
from database.requests import answering, packages, source_tasks
from database.requests.same_person import own_addresses
from database.storage import Storage
from database.tables import Account, DataSubjectRequest, IdentityCode, Link
from domain.requests.data_subject_requests import Kind, Outcome
from mail.links import make_code, make_token
from tests.activities.requests.asked_sources import company_sources
from tests.web.world import NOW, World

ALICE = "alice@people.example"


@dataclass(kw_only=True)
class Asking:
    """Alice's request, whose sources have answered."""

    world: World
    id: UUID
    reference: str
    storage: Path

    @property
    def page(self) -> str:
        """Where staff look through the copy."""
        return f"/staff/requests/{self.reference}/copy"

    def look_at_everything(self, who: str, **instead: str) -> None:
        """Say of each value that may tell of others what is given away; `instead` by field."""
        self.world.enter_as(who)
        for task_id, fields in self.forms().items():
            words = {name: instead.get(value, value) for name, value in fields.items()}
            done = self.world.post(self.page, f"{self.page}/redact/{task_id}", **words)
            assert done.status_code == 303, done.text

    def forms(self) -> dict[str, dict[str, str]]:
        """The values that wait for somebody, by the task that brought them."""
        with self.world.database.session() as session:
            parts = packages.parts_of(session, self.id)
            own = own_addresses(session, session.get_one(DataSubjectRequest, self.id))
            found = zip(parts, self.world.desk.collected(parts), strict=True)
            return {
                str(part.task.id): {
                    f"value-{place}": str(one.records[place].value) for place in one.to_look_at(own)
                }
                for part, one in found
                if one.to_look_at(own)
            }

    def press(self, who: str, what: str) -> Response:
        """One of the buttons of the page."""
        self.world.enter_as(who)
        with self.world.database.session() as session:
            seen = packages.seen_in(packages.parts_of(session, self.id))
        return self.world.post(self.page, f"{self.page}/{what}", seen=seen)

    def release(self) -> None:
        """Priya looks through all of it, Paul lets it go."""
        self.look_at_everything("priya")
        assert self.press("priya", "put-forward").status_code == 303
        assert self.press("paul", "release").status_code == 303

    def answer(self, kind: Kind = Kind.ACCESS) -> None:
        """The answer takes effect, as the workflow has it."""
        words = answering.Answer(outcome=Outcome.FULFILLED, explanation="Here it is.")
        with self.world.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, self.id)
            decision = answering.propose_decision(
                transaction,
                request,
                words,
                kind=kind,
                decided_by=self.world.staff["priya"].id,
                now=NOW,
            )
            transaction.flush()
            answering.apply_decision(transaction, request, decision.id, NOW)

    @property
    def link(self) -> str:
        """The path behind the link in the answer."""
        with self.world.database.session() as session:
            link = session.exec(select(Link).where(Link.purpose == REQUEST_COPY)).one()
        keys = self.world.settings.link_key_bytes
        return f"/requests/copy/{make_token(REQUEST_COPY, link.nonce, keys)}"

    def code(self) -> str:
        """The code in the mail that went out last."""
        with self.world.database.session() as session:
            codes = session.exec(
                select(IdentityCode).where(IdentityCode.purpose == packages.COPY)
            ).all()
        last = max(codes, key=lambda code: (code.asked_at, code.id))
        return make_code(REQUEST_COPY_CODE, last.nonce, self.world.settings.link_key_bytes)

    def fetched(self) -> ZipFile:
        """What Alice has on her disk after typing the code."""
        assert self.world.browser.post(f"{self.link}/code").status_code == 200
        answer = self.world.browser.post(self.link, data={"code": self.code()})
        assert answer.status_code == 200, answer.text
        return ZipFile(BytesIO(answer.content))


def ask(
    world: World,
    kinds: tuple[str, ...],
    database_kind: str,
    directory: Path,
    *,
    paper_burnt: bool = True,
) -> Iterator[Asking]:
    with world.database.transaction() as transaction:
        account = Account(
            external_id="a-alice", email=ALICE, name="Alice", joined_at=NOW, recorded_at=NOW
        )
        transaction.add(account)
    form = {"kinds": list(kinds), "contact_address": ALICE, "name": "Alice"}
    assert world.browser.post("/requests/new", data=form).status_code == 200
    with world.database.session() as session:
        request = session.exec(select(DataSubjectRequest)).one()
    world.desk.verify(request.id, how="link to the address on file")
    with company_sources(world.database, database_kind, directory) as sources:
        activities = SourceActivities(
            database=world.database,
            sources=sources,
            storage=Storage(directory / "storage", world.settings.data_keys),
            company=world.settings.company,
            courier=Courier(database=world.database, webhook=None, base_url=""),
            pseudonym_key=b"k" * 32,
        )
        for _ in kinds:  # a few are asked in one go, the rest in the next
            what = RequestInput(request_id=request.id, now=NOW)
            ActivityEnvironment().run(activities.ask_sources, what)
    with world.database.session() as session:
        for task in source_tasks.tasks_of(session, request.id):
            if task.source == "paper" and paper_burnt:
                world.desk.give_up(
                    request.reference, task.id, world.staff["priya"].id, reason="It burnt."
                )
    yield Asking(
        world=world, id=request.id, reference=request.reference, storage=directory / "storage"
    )
