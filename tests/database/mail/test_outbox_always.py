"""Whatever comes in whatever order, nobody who is owed a notice is without a row that says what
became of it, and nobody gets two while no attempt was in doubt (P4, P8)."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from database.campaigns import controls, freezing
from database.campaigns.controls import ControlRefused
from database.campaigns.not_reached import not_reached
from database.campaigns.shards import queue_step
from database.mail import delivery, doubts, outbox, outcomes, suppressions
from database.mail.delivery import Event
from database.mail.mail_rows import Batch
from database.mail.steps import FIRST_NOTICE, WITHDRAWAL
from database.people.accounts import AccountRow
from database.policies.policies import version_by_slug
from database.tables import Account, Campaign, OutboxMail
from domain.mail.suppressions import Cause, address_key
from tests.people import ALICE, BOB, CAROL, LANGUAGES, POLICY
from tests.scene import NOW, Scene, a_scene

KEY = b"k" * 32
AN_HOUR = timedelta(hours=1)
PEOPLE = (ALICE, BOB, CAROL)
TAKEN = ("acknowledged", "answer lost", "died after")
"""What becomes of a request that the mail service took; the others it did not."""
ENDS = (*TAKEN, "died before", "lost on its way", "too fast", "one refused")
IN_DOUBT = ("answer lost", "died after", "died before", "lost on its way")
STOPS = {"bounce": Cause.BOUNCED, "spamreport": Cause.COMPLAINED}
SAID = ("delivered", "bounce", "processed", "spamreport")


class Copy(NamedTuple):
    """What the mail service took, and so what somebody has, or will."""

    attempt_id: UUID
    mail_id: UUID
    account: str
    address: str


@dataclass(kw_only=True)
class Course:
    """A campaign, what goes on around it, and what really became of its mails."""

    scene: Scene
    campaign_id: UUID
    now: datetime = NOW
    copies: list[Copy] = field(default_factory=list)
    heard: set[Copy] = field(default_factory=set)
    bounced: set[Copy] = field(default_factory=set)
    doubted: set[UUID] = field(default_factory=set)
    """Mails of attempts of which nobody could tell whether they went out."""
    died: list[UUID] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    told_off: list[str] = field(default_factory=list)
    """Whom the withdrawal concerns: open accounts that had by then a mail that did not bounce."""
    moves: int = 0

    def do(self, act: str, number: int) -> None:  # noqa: C901, a case for all that may happen
        """One thing; what is refused changes nothing."""
        self.now += timedelta(minutes=1)
        match act:
            case "send":
                self.send(ENDS[number])
            case "hear" if left := [copy for copy in self.copies if copy not in self.heard]:
                self.hear(left[number % len(left)], SAID[number % len(SAID)])
            case "late answer" if self.died:
                with self.scene.database.transaction() as transaction:
                    outcomes.accept(transaction, self.died.pop(), "x", self.now)
            case "move":
                self.moves += 1
                self.put(number, email=f"moved.{self.moves}@people.example")
            case "close" | "open":
                self.put(number, status="closed" if act == "close" else "open")
            case "allow":
                self.allow(self.address_of(number))
            case "resend":
                self.resend()
            case "reconsider":
                with self.scene.database.transaction() as transaction:
                    doubts.reconsider(transaction, settle_after=AN_HOUR, now=self.now)
            case "pause" | "resume" | "withdraw":
                self.control(act)
            case "time":
                self.now += 2 * AN_HOUR

    def send(self, end: str) -> bool:
        """As `Sender.send` does, once; whether there was anything to send."""
        database, batch = self.scene.database, Batch(subject_id=self.campaign_id, step=FIRST_NOTICE)
        with database.transaction() as transaction:
            outcomes.doubt_abandoned(transaction, batch, self.now)
            outcomes.settle(transaction, batch, settle_after=AN_HOUR, now=self.now)
        with database.transaction() as transaction:
            claim = outbox.claim(transaction, batch, limit=2, now=self.now)
        if claim is None:
            return False
        with database.session() as session:
            found = outbox.addressed(session, claim)
            keys = {each.mail_id: address_key(each.address, KEY) for each in found}
            held_back = suppressions.stopped(session, claim, keys)
            assert session.get_one(Campaign, self.campaign_id).state == "running"
        with database.transaction() as transaction:
            outcomes.suppress(transaction, claim.attempt_id, held_back, self.now)
        going = [each for each in found if each.mail_id not in held_back]
        assert not {each.address for each in going} & self.stopped, "mail to it is stopped"
        if going:
            self.end(claim.attempt_id, going, end)
        return True

    def end(self, attempt_id: UUID, going: list[outbox.Addressed], end: str) -> None:
        names = {account: name for name, account in self.accounts().items()}
        if end in TAKEN:
            self.copies += (
                Copy(attempt_id, each.mail_id, names[each.addressee_id], each.address)
                for each in going
            )
        if end in IN_DOUBT:
            self.doubted |= {each.mail_id for each in going}
        if end == "died after":
            self.died.append(attempt_id)
        with self.scene.database.transaction() as transaction:
            match end:
                case "acknowledged":
                    outcomes.accept(transaction, attempt_id, "x", self.now)
                case "answer lost" | "lost on its way":
                    outcomes.doubt(transaction, attempt_id, "no answer", self.now)
                case "too fast":
                    outcomes.give_back(transaction, attempt_id, "too fast", self.now)
                case "one refused":
                    culprit = [going[0].mail_id]
                    outcomes.reject(transaction, attempt_id, culprit, "refused", self.now)

    def hear(self, copy: Copy, name: str) -> None:
        """As the page for delivery events does; nothing is said twice of a copy."""
        self.heard.add(copy)
        event = Event(
            mail_id=copy.mail_id, attempt_id=copy.attempt_id, event=name, occurred_at=self.now
        )
        with self.scene.database.transaction() as transaction:
            delivery.record_events(transaction, [event], self.now)
            if name == "bounce":
                self.bounced.add(copy)
            if name in STOPS:
                failed = suppressions.Failed(
                    mail_id=copy.mail_id,
                    attempt_id=copy.attempt_id,
                    address_key=address_key(copy.address, KEY),
                    cause=STOPS[name],
                )
                suppressions.suppress(transaction, [failed], self.now)
                self.stopped.add(copy.address)

    def put(self, number: int, **said: str) -> None:
        """The company's own system tells of an account."""
        who = PEOPLE[number % len(PEOPLE)]
        said = {"email": self.address_of(number), **said}
        row = AccountRow(external_id=who.external_id, **said)  # type: ignore[arg-type]
        self.scene.import_accounts(row, now=self.now)
        if "status" in said:
            change = self.closed.add if said["status"] == "closed" else self.closed.discard
            change(who.external_id)

    def allow(self, address: str) -> None:
        with self.scene.database.transaction() as transaction:
            suppressions.allow(
                transaction,
                address,
                address_key(address, KEY),
                staff_id=self.scene.staff["omar"],
                reason="it works again",
                now=self.now,
            )
        self.stopped.discard(address)

    def resend(self) -> None:
        with self.scene.database.transaction() as transaction:
            for doubt in doubts.doubts(transaction):
                doubts.resend_some(transaction, doubt, self.scene.staff["omar"], self.now)

    def control(self, act: str) -> None:
        staff_id, do = self.scene.staff["lena"], getattr(controls, act)
        with suppress(ControlRefused), self.scene.database.transaction() as transaction:
            by_lena = controls.acting(transaction, staff_id, "legal", reason="why", now=self.now)
            do(transaction, version_by_slug(transaction, POLICY, 2), by_lena)
            if act == "withdraw":
                campaign = transaction.get_one(Campaign, self.campaign_id)
                queue_step(transaction, campaign, WITHDRAWAL, 0, languages=LANGUAGES, now=self.now)
                had = {copy.account for copy in self.copies if copy not in self.bounced}
                self.told_off = sorted(had - self.closed)

    def come_to_rest(self) -> None:
        """Everything works again, every event that is to come comes, and time passes."""
        self.control("resume")
        for _ in range(6):
            while self.send("acknowledged"):
                pass
            for copy in self.copies:
                if copy not in self.heard:
                    self.hear(copy, "delivered")
            self.now += AN_HOUR

    def address_of(self, number: int) -> str:
        return self.scene.account(PEOPLE[number % len(PEOPLE)].external_id).email

    def accounts(self) -> dict[str, UUID]:
        return {each.external_id: self.scene.account(each.external_id).id for each in PEOPLE}


OFTEN = ("send", "send", "send", "send", "hear", "hear", "time", "time", "move")
SELDOM = ("late answer", "close", "open", "allow", "resend", "reconsider")
CONTROLS = ("pause", "resume", "withdraw")
ACTS = st.lists(
    st.tuples(st.sampled_from((*OFTEN, *SELDOM, *CONTROLS)), st.integers(0, len(ENDS) - 1)),
    min_size=4,
    max_size=16,
)


def a_course(scene: Scene) -> Course:
    scene.import_accounts(*PEOPLE)
    campaign_id = scene.campaign()
    freezing.freeze_audience(scene.database, campaign_id, NOW)
    scene.queue_step(campaign_id)
    return Course(scene=scene, campaign_id=campaign_id)


@pytest.mark.timeout(300)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example([("send", 1), ("move", 0), ("hear", 1), ("time", 0), ("send", 0)])
@example([("send", 2), ("send", 0), ("late answer", 0), ("time", 0), ("resend", 0)])
@example([("send", 0), ("hear", 1), ("pause", 0), ("allow", 0), ("move", 0), ("withdraw", 0)])
@example([("send", 0), ("hear", 1), ("move", 0), ("move", 1), ("move", 2), ("withdraw", 0)])
@given(ACTS)
def test_everybody_has_one_notice_or_is_on_a_list_whatever_happens(
    database_kind: str, acts: list[tuple[str, int]]
) -> None:
    """P4, P8."""
    with TemporaryDirectory() as folder, a_scene(database_kind, Path(folder)) as scene:
        course = a_course(scene)
        for act, number in acts:
            course.do(act, number)
        course.come_to_rest()
        with scene.database.session() as session:
            look(session, course)


def look(session: Session, course: Course) -> None:
    campaign = session.get_one(Campaign, course.campaign_id)
    rows = session.exec(
        select(Account.external_id, OutboxMail)
        .join(OutboxMail, col(OutboxMail.addressee_id) == col(Account.id))
        .where(OutboxMail.subject_id == campaign.id, OutboxMail.step == FIRST_NOTICE)
    ).all()
    mails = dict(rows)
    assert (
        sorted(mails)
        == sorted(each.external_id for each in PEOPLE)
        == sorted(name for name, _ in rows)
    )
    had = {copy.account for copy in course.copies}
    for name, mail in mails.items():
        assert mail.state not in ("sending", "unknown"), "in time somebody decides"
        assert name in had or mail.state not in outbox.WENT_OUT, "told as sent, and was not"
    twice = [
        key for key, copies in Counter(copy[1:] for copy in course.copies).items() if copies > 1
    ]
    assert {mail_id for mail_id, _, _ in twice} <= course.doubted
    if campaign.state == "running":
        listed = {
            each.account for each in not_reached(session, campaign, ZoneInfo("Europe/Berlin"))
        }
        assert set(mails) - had - course.closed <= listed
        assert not any(mail.state == "queued" for mail in mails.values())
    if campaign.state == "withdrawn":
        told = session.exec(
            select(Account.external_id)
            .join(OutboxMail, col(OutboxMail.addressee_id) == col(Account.id))
            .where(OutboxMail.subject_id == campaign.id, OutboxMail.step == WITHDRAWAL)
        ).all()
        fell = {name for name, mail in mails.items() if mail.state in ("bounced", "suppressed")}
        assert set(course.told_off) - fell <= set(told), "nobody told them that nothing comes"
