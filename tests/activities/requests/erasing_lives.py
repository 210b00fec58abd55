"""One request for erasure over the invented company's sources, driven step by step.

Time passes by hand; sources can be silent, lie or be half done, and what was called is remembered.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import Session, select
from temporalio.testing import ActivityEnvironment

from activities.mail.courier import Courier
from activities.mail.done_words import told_of
from activities.requests.requests import RequestInput
from activities.requests.sources import SourceActivities
from data_sources.map_file import read_data_map
from data_sources.opening import OWN_MAP
from data_sources.source import Call, SourceUnavailable
from data_sources.sql import SqlSource
from data_sources.tables import SqlDescription
from database.people.accounts import AccountRow
from database.requests import answering, erasures, holds, source_tasks
from database.requests.answering import Answer
from database.requests.identity import verify_identity
from database.requests.recipients import of_request
from database.requests.requested_rights import rights_of
from database.storage import Storage
from database.tables import Account, DataSubjectRequest, Erasure, OutboxMail, SourceTask
from domain.company import Company, OfficeHours
from domain.requests.data_subject_requests import Ground, Kind, Outcome
from domain.requests.erasures import ErasureGround
from domain.requests.personal_data import Person, Receipt, Verb
from settings import Settings
from tests.data_sources.fernhill import KEY, Fernhill
from tests.scene import NOW, Scene
from translations.catalogues import speak

BERLIN = OfficeHours(time_zone="Europe/Berlin", country="DE")
DATA_KEY = "only-for-development-data-key-0000000000000="
ALICE = AccountRow(external_id="a-alice", email="alice@people.example", name="Alice Abel")
EMIL = AccountRow(external_id="a-emil", email="emil@people.example", name="Emil Eriksen")
ERASED = Answer(
    outcome=Outcome.FULFILLED,
    explanation="We have erased your data.",
    erasure_ground=ErasureGround.CONSENT_WITHDRAWN,
)
BY_LAW = Answer(
    outcome=Outcome.PARTIAL,
    ground=Ground.REGULATORY_OBLIGATION,
    explanation="We have erased what no law makes us keep.",
    evidence="Fiscal Code, section 147",
    erasure_ground=ErasureGround.CONSENT_WITHDRAWN,
)
UNDER_HOLD = Answer(
    outcome=Outcome.PARTIAL,
    ground=Ground.LEGAL_MATTERS,
    explanation="We keep what legal claims need, and erase it afterwards.",
    evidence="the hold that legal placed",
    erasure_ground=ErasureGround.CONSENT_WITHDRAWN,
)


class Moody(SqlSource):
    """A source of the company that can be silent so many times, before or after it has erased, and
    can lie. It remembers when it was asked to erase."""

    def __init__(self, about: SqlDescription, url: str) -> None:
        super().__init__(about, url, pseudonym_key=KEY)
        self.silent = self.silent_after = 0
        self.lies = False
        self.meanwhile: Callable[[], object] = lambda: None
        self.erased_at: list[datetime] = []

    def erase(self, person: Person, call: Call) -> Receipt:
        if self.silent:
            self.silent -= 1
            raise SourceUnavailable("no answer in time")
        self.meanwhile()
        self.erased_at.append(call.now)
        if self.lies:
            return replace(self.would_erase(person, call), retained=())
        receipt = super().erase(person, call)
        if self.silent_after:
            self.silent_after -= 1
            raise SourceUnavailable("no answer in time")
        return receipt


@dataclass(kw_only=True)
class Life:
    """Everything that one erasure has to do with."""

    scene: Scene
    fernhill: Fernhill
    sources: Mapping[str, Moody]
    steps: SourceActivities
    company: Company
    request_id: UUID
    now: datetime = NOW
    mail_is_down: bool = False

    @property
    def request(self) -> DataSubjectRequest:
        with self.scene.database.session() as session:
            return session.get_one(DataSubjectRequest, self.request_id)

    @property
    def erasure(self) -> Erasure:
        with self.scene.database.session() as session:
            return session.exec(select(Erasure).where(Erasure.request_id == self.request_id)).one()

    def tasks(self, verb: Verb = Verb.ERASE) -> dict[str, SourceTask]:
        """The last round of what each source was asked."""
        with self.scene.database.session() as session:
            tasks = source_tasks.last_rounds(source_tasks.tasks_of(session, self.request_id))
        return {task.source: task for task in tasks if task.verb == verb}

    def mails(self) -> dict[str, OutboxMail]:
        """By template."""
        with self.scene.database.session() as session:
            of_request = select(OutboxMail).where(OutboxMail.subject_id == self.request_id)
            return {mail.template: mail for mail in session.exec(of_request).all()}

    def step(self, request_id: UUID | None = None) -> None:
        """As the workflow does, whenever something is due; of another request, if one is named."""
        what = RequestInput(request_id=request_id or self.request_id, now=self.now)
        ActivityEnvironment().run(self.steps.ask_sources, what)

    def pass_time(self, period: timedelta = timedelta(), *, at_most: int = 30) -> None:
        """Do whatever is due until then, when it is due; what announces an erasure goes out."""
        if not self.mail_is_down:
            self.send_mails(erasures.ANNOUNCED)
        until = self.now + period
        for _ in range(at_most):
            with self.scene.database.session() as session:
                request = session.get_one(DataSubjectRequest, self.request_id)
                roles = {name: one.about.role for name, one in self.sources.items()}
                asked = erasures.standing(session, request, roles)
            if asked is None or asked.next_at is None or asked.next_at > until:
                break
            self.now = max(self.now, asked.next_at)
            self.step()
        self.now = until

    def verify(self) -> None:
        with self.scene.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, self.request_id)
            verify_identity(transaction, request, how="link", now=self.now)

    def decide(self, answer: Answer, kind: Kind = Kind.ERASURE) -> None:
        """Petra decides, and Paul agrees where it takes two. Raises DecisionRefused."""
        with self.scene.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, self.request_id)
            decision = answering.propose_decision(
                transaction,
                request,
                answer,
                kind=kind,
                decided_by=self.scene.staff["petra"],
                now=self.now,
            )
            transaction.flush()
            answering.apply_decision(transaction, request, decision.id, self.now)
            transaction.flush()
            states = {right.state for right in rights_of(transaction, request.id)}
            if "review" in states:
                answering.confirm_decision(
                    transaction,
                    request,
                    decision.id,
                    staff_id=self.scene.staff["paul"],
                    now=self.now,
                )

    def place(self, source: str = "", on: UUID | None = None) -> UUID:
        """Lena places a hold, on the account of the request or another. Raises HoldRefused."""
        with self.scene.database.transaction() as transaction:
            request = transaction.get_one(DataSubjectRequest, self.request_id)
            account_id = on or request.account_id
            assert account_id
            return holds.place(
                transaction,
                account_id,
                reason=f"A lawsuit, {self.now}",
                source=source,
                staff_id=self.scene.staff["lena"],
                now=self.now,
            ).hold_id

    def release(self, hold_id: UUID) -> None:
        """Petra releases it."""
        with self.scene.database.transaction() as transaction:
            holds.release(
                transaction,
                hold_id,
                reason="Settled",
                staff_id=self.scene.staff["petra"],
                office=BERLIN,
                now=self.now,
            )

    def send_mails(self, template: str | None = None) -> None:
        """Every mail goes out, or those of one template."""
        with self.scene.database.transaction() as transaction:
            for mail in self._unsent(transaction):
                if template not in {None, mail.template}:
                    continue
                mail.state, mail.accepted_at = "accepted", self.now
                transaction.add(mail)

    def _unsent(self, session: Session) -> Sequence[OutboxMail]:
        return session.exec(
            select(OutboxMail).where(
                OutboxMail.subject_id == self.request_id, OutboxMail.state == "queued"
            )
        ).all()

    def where_known(self, who: AccountRow = ALICE) -> set[str]:
        """The sources that still have somebody by name or address."""
        person = Person(addresses=(who.email,), external_ids=(who.external_id,))
        call = Call(id="look", now=self.now)
        values: dict[str, set[Any]] = {
            name: {one.value for one in source.export(person, call).records}
            for name, source in self.sources.items()
        }
        return {name for name, found in values.items() if found & {who.email, who.name}}


def a_life(
    scene: Scene,
    fernhill: Fernhill,
    courier: Courier,
    folder: Path,
    who: AccountRow = ALICE,
    kinds: tuple[str, ...] = ("erasure",),
) -> Life:
    """Somebody asks to be erased, and shows who they are."""
    scene.import_accounts(who)
    request = scene.request(who.email, kinds=kinds)
    (own,) = read_data_map(OWN_MAP).sources
    assert isinstance(own, SqlDescription)
    url = scene.database.engine.url.render_as_string(hide_password=False)
    sources = {own.name: Moody(own, url)} | {
        one.name: Moody(one, fernhill.url)
        for one in fernhill.data_map.sources
        if isinstance(one, SqlDescription)
    }
    company = Settings(_env_file=None).company
    steps = SourceActivities(
        database=scene.database,
        sources=list(sources.values()),
        storage=Storage(folder, [DATA_KEY]),
        company=company,
        courier=courier,
        pseudonym_key=KEY,
    )
    life = Life(
        scene=scene,
        fernhill=fernhill,
        sources=sources,
        steps=steps,
        company=company,
        request_id=request.id,
    )
    life.verify()
    return life


def account_of(life: Life) -> Account:
    """Her account, whatever it is called by now."""
    with life.scene.database.session() as session:
        return session.get_one(Account, life.request.account_id)


def told_to_recipients(life: Life) -> set[str]:
    """Who has to hear of it."""
    with life.scene.database.session() as session:
        return {one.recipient for one in of_request(session, life.request_id)}


def sentences(life: Life, language: str = "en") -> str:
    """What her answer says was done."""
    with life.scene.database.session() as session:
        (right,) = rights_of(session, life.request_id)
        return "\n".join(told_of(session, right, speak(language)))
