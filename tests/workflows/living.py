"""What a story is, and what is done in towns again and again, with time passing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.testing import ActivityEnvironment

from activities.campaigns.publication import PublicationActivities, VersionInput
from database.campaigns import controls
from database.campaigns.corrections import Right, RightWords
from database.campaigns.reclassifying import Mistake
from database.mail import doubts
from database.policies.assessments import findings_of
from database.policies.wording import Words
from database.tables import DataSubjectRequest
from domain.company import CampaignLeads
from domain.policies.reviews import Decisions, VersionClass
from domain.requests.data_subject_requests import Intake
from tests.eventually import eventually
from tests.people import ALICE, BOB, DORA, POLICY
from tests.texts import FIRST, SECOND
from tests.workflows.conftest import Town
from workflows.fast_forward import _follow

FAILED = EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED
MENDED = FIRST.replace("disadvantge", "disadvantage")
Recorded = Mapping[str, tuple[str, int]]
"""Path (workflow and what happened) to workflow id and which of its runs, oldest first."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """What is lived, under which settings of Temporal's server and of ours; the paths it gives."""

    live: Callable[[Town], Recorded]
    paths: tuple[str, ...]
    server_settings: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def announced(town: Town) -> int:
    """The first notices for Alice and Bob are out, and the date of effect is fixed."""
    town.put_in_force(FIRST)
    town.import_accounts(ALICE, BOB)
    number = town.publish(SECOND, VersionClass.APPROVAL)
    eventually(lambda: town.version(number).effective_at)
    town.come_to_rest()
    return number


def publication(number: int) -> str:
    return f"publication/{POLICY}/{number}"


def campaign(number: int) -> str:
    return f"campaign/{POLICY}/{number}"


def request_id(request: DataSubjectRequest) -> str:
    return f"data-subject-request/{request.id}"


def receives(town: Town, kinds: tuple[str, ...] = ("access",)) -> DataSubjectRequest:
    """Dora asks for a copy of her data, or more."""
    intake = Intake(name=DORA.name or "", contact_address=DORA.email, kinds=kinds)
    return town.desk.receive(intake, channel="web")


def announce_unheard(town: Town, number: int) -> None:
    """As when Temporal does not answer in the middle of a release."""
    activities = PublicationActivities(
        database=town.database,
        company=town.settings.company,
        sending_period=town.settings.sending_period,
    )
    what = VersionInput(version_id=town.version(number).id, now=town.now())
    ActivityEnvironment().run(activities.announce, what)


def withdraw_unheard(town: Town, number: int) -> None:
    """As when Temporal does not answer: the database knows, and the workflows were not told."""
    with town.database.transaction() as transaction:
        act = controls.acting(
            transaction, town.staff["noor"], "legal", reason="the wrong text", now=town.now()
        )
        controls.withdraw(transaction, town.version(number), act)


def put_right(town: Town, number: int) -> None:
    words = RightWords(language="en", mail="We said 10 days; it is a year.")
    right = Right(decisions=Decisions.VOID, words=[words])
    town.desk.correct(POLICY, number, town.staff["lena"], "a wrong period", right)
    town.desk.confirm_correction(POLICY, number, town.staff["noor"])


def reclassify(town: Town, number: int) -> None:
    """A version in force, of which MENDED is the text, had needed approval, two of legal find."""
    with town.database.session() as session:
        key = f"F{len(findings_of(session, town.version(number).id)) + 1}"
    quote = next(line for line in MENDED.splitlines() if "disadvantage" in line)
    words = Words(language="en", sentences={key: "You may be put at a disadvantage."})
    mistake = Mistake(add=[quote], words=[words])
    town.desk.reclassify(POLICY, number, town.staff["lena"], "taken for a typo", mistake)
    town.desk.agree_to_reclassification(POLICY, number, town.staff["noor"])


@contextmanager
def trap(town: Town, act: str) -> Iterator[None]:
    """What does this to the database goes wrong meanwhile."""
    tell_database(
        town, f"CREATE TRIGGER planted BEFORE {act} BEGIN SELECT RAISE(ABORT, 'planted'); END"
    )
    yield
    tell_database(town, "DROP TRIGGER planted")


def tell_database(town: Town, command: str) -> None:
    with town.database.transaction() as transaction:
        transaction.connection().exec_driver_sql(command)


def kinds_of(town: Town, workflow_id: str) -> list[EventType.ValueType]:
    """What happened to a workflow in all its runs; nothing before it is started."""

    async def events() -> list[EventType.ValueType]:
        return [
            event.event_type
            async for run in town.client.list_workflows(f"WorkflowId = '{workflow_id}'")
            async for event in town.client.get_workflow_handle(
                run.id, run_id=run.run_id
            ).fetch_history_events()
        ]

    return town.portal.call(events)


def leap(town: Town, days: float) -> None:
    """Let days pass at once: going from day to day would leave its traces in the histories."""
    town.clock.advance(timedelta(days=days))
    town.portal.call(_follow, town.client, town.clock)


def leap_before_effect(town: Town, number: int, period: timedelta) -> None:
    """To a minute after what happens in the morning of a day so long before the effect."""
    effect = town.version(number).effective_at
    assert effect
    in_the_morning = effect - period + timedelta(hours=CampaignLeads().hour.hour, minutes=1)
    leap(town, (in_the_morning - town.now()) / timedelta(days=1))


def send_again_what_is_in_doubt(town: Town) -> None:
    with town.database.session() as session:
        keys = [doubt.key for doubt in doubts.doubts(session)]
    for key in keys:
        town.desk.resend_alike(key, town.staff["omar"])


def in_a_while(town: Town, look: Callable[[], object]) -> None:
    """Let time pass, a minute each time one looks, until it is so."""

    def after_a_minute() -> object:
        town.advance(minutes=1)
        return look()

    eventually(after_a_minute)


def ended(town: Town, workflow_id: str) -> bool:
    async def look() -> bool:
        return (
            await town.client.get_workflow_handle(workflow_id).describe()
        ).close_time is not None

    return town.portal.call(look)
