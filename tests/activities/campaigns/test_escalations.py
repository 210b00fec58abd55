"""Whoever has left is told nothing, and what has to be heard is heard by somebody (P5, P21)."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, select
from temporalio.testing import ActivityEnvironment

from activities.campaigns.campaigns import CampaignActivities
from activities.campaigns.case import CampaignInput, StepInput
from activities.mail.courier import Courier
from activities.requests.requests import RequestActivities, RequestInput
from database.campaigns import freezing
from database.requests import requests
from database.tables import Campaign, DataSubjectRequest, OutboxMail, PolicyVersion, Staff
from domain.company import Officers
from domain.places import local_date, start_of_day
from domain.requests.identity import IdentityNumbers
from domain.requests.ladder import request_ladder
from domain.rungs import Rung, RungKind
from settings import Settings
from tests.people import ALICE
from tests.scene import NOW, Scene

Told = set[str]
BERLIN = ZoneInfo("Europe/Berlin")


def nine_on(effect: datetime, days: int) -> datetime:
    """Nine in the morning of the company, so many days after that of the effect."""
    return datetime.combine(local_date(effect, BERLIN) + timedelta(days=days), time(9), BERLIN)


def leave(scene: Scene, *handles: str) -> None:
    with scene.database.transaction() as transaction:
        for handle in handles:
            transaction.get_one(Staff, scene.staff[handle]).left_at = NOW


def told(scene: Scene, step: str) -> Told:
    """The handles of the staff to whom a step was mailed."""
    with scene.database.session() as session:
        mailed = select(Staff.handle).join(OutboxMail, col(OutboxMail.addressee_id) == Staff.id)
        return {*session.exec(mailed.where(OutboxMail.step == step))}


def to_come(
    scene: Scene, steps: CampaignActivities, campaign: UUID, effect: datetime, at: datetime = NOW
) -> list[tuple[str, datetime]]:
    """The escalations that are to come when a version takes effect at that instant."""
    with scene.database.transaction() as transaction:
        row = transaction.get_one(Campaign, campaign)
        row.notified_at = NOW
        transaction.get_one(PolicyVersion, row.policy_version_id).effective_at = effect
    case = ActivityEnvironment().run(
        steps.load_campaign, CampaignInput(campaign_id=campaign, now=at)
    )
    return [(rung.key, rung.at) for rung in case.to_come if rung.kind is RungKind.ESCALATION]


def test_a_later_date_escalates_again_and_reminds_nobody_more_often(
    scene: Scene, steps: CampaignActivities
) -> None:
    """P5, P8: once for each date; the second mail about it goes out too."""
    scene.import_accounts(ALICE)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    effect, later = NOW + timedelta(days=31), NOW + timedelta(days=90)
    (owner, due_at), (legal, _) = to_come(scene, steps, campaign, effect)
    assert (owner, legal) == ("escalation_owner", "escalation_legal")
    for step in ("reminder_1", "reminder_2", owner):
        what = StepInput(campaign_id=campaign, step=step, due_at=due_at, now=due_at)
        if step == owner:
            ActivityEnvironment().run(steps.escalate, what)
        ActivityEnvironment().run(steps.take_step, what)
    assert to_come(scene, steps, campaign, effect) == [(legal, nine_on(effect, 7))]
    again, _ = to_come(scene, steps, campaign, later)
    assert again == ("escalation_owner_2", nine_on(later, -1))
    what = StepInput(
        campaign_id=campaign, step=again[0], due_at=again[1], now=again[1], effect_at=later
    )
    ActivityEnvironment().run(steps.escalate, what)
    assert told(scene, again[0]) == {"lena"}
    ActivityEnvironment().run(steps.take_step, what)
    assert to_come(scene, steps, campaign, later) == [(legal, nine_on(later, 7))]
    case = ActivityEnvironment().run(
        steps.load_campaign, CampaignInput(campaign_id=campaign, now=NOW)
    )
    assert not [rung for rung in case.to_come if rung.kind is RungKind.REMINDER]


@pytest.mark.parametrize("effect_on", [date(2026, 4, 3), date(2027, 3, 29)], ids=str)
def test_other_leads_repeat_no_escalation(
    scene: Scene, steps_with: Callable[[Settings], CampaignActivities], effect_on: date
) -> None:
    """P5: who was told of this date of effect is not told again, as they would be told earlier or
    later now. Nor is who was told at midnight, before the date was noted, told again at nine."""
    settings = Settings(_env_file=None)
    steps = steps_with(settings)
    scene.import_accounts(ALICE)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)
    effect = start_of_day(effect_on, BERLIN).astimezone(UTC)
    midnight = effect - timedelta(days=1)  # an hour before it, where clocks were changed
    what = StepInput(campaign_id=campaign, step="escalation_owner", due_at=midnight, now=midnight)
    ActivityEnvironment().run(steps.take_step, what)
    ((legal, at),) = to_come(scene, steps, campaign, effect)
    assert legal == "escalation_legal"
    what = StepInput(campaign_id=campaign, step=legal, due_at=at, now=at, effect_at=effect)
    ActivityEnvironment().run(steps.take_step, what)
    later = steps_with(settings.model_copy(update={"legal_escalation_days": 10}))
    assert to_come(scene, later, campaign, effect) == []


@pytest.fixture
def escalate(scene: Scene, steps: CampaignActivities) -> Callable[[str], Told]:
    """Takes an escalation of a campaign; returns who is told."""
    scene.import_accounts(ALICE)
    campaign = scene.campaign()
    freezing.freeze_audience(scene.database, campaign, NOW)

    def take(step: str) -> Told:
        what = StepInput(campaign_id=campaign, step=step, due_at=NOW, now=NOW)
        ActivityEnvironment().run(steps.escalate, what)
        return told(scene, step)

    return take


def test_the_silence_of_a_campaign_reaches_its_owner_and_then_legal(
    scene: Scene, escalate: Callable[[str], Told]
) -> None:
    assert escalate("escalation_owner") == {"lena"}
    assert escalate("escalation_legal") == {"lena", "noor"}


def test_an_owner_who_left_is_not_told_and_legal_is(
    scene: Scene, escalate: Callable[[str], Told]
) -> None:
    leave(scene, "lena")
    assert escalate("escalation_owner") == {"noor"}


@pytest.mark.parametrize(
    ("left", "heard_by"),
    [(("lena", "noor"), {"omar"}), (("lena", "noor", "omar"), {"petra", "paul"})],
)
def test_without_anybody_in_legal_admins_hear_it_and_without_them_everybody(
    scene: Scene, escalate: Callable[[str], Told], left: tuple[str, ...], heard_by: Told
) -> None:
    leave(scene, *left)
    assert escalate("escalation_legal") == heard_by


@pytest.fixture
def climb(scene: Scene, courier: Courier) -> Callable[[str], Told]:
    """Fires a rung of a request that Petra works on, and those before it; who is told of it."""
    request = scene.request("dora@people.example")
    with scene.database.transaction() as transaction:
        row = transaction.get_one(DataSubjectRequest, request.id)
        requests.assign(transaction, row, scene.staff["petra"], NOW)
    settings = Settings(_env_file=None)
    climbing = RequestActivities(
        database=scene.database,
        company=settings.company,
        officers=Officers(),
        courier=courier,
        identity=IdentityNumbers(),
        sources={},
    )

    def fire(key: str) -> Told:
        rungs = {rung.key: rung for rung in ladder(request)}
        climbing.climb(RequestInput(request_id=request.id, now=rungs[key].at))
        return told(scene, key)

    return fire


def ladder(request: DataSubjectRequest) -> Sequence[Rung]:
    return request_ladder(
        request_id=request.id,
        received_at=request.received_at,
        due_at=request.due_at,
        office=Settings(_env_file=None).company.office,
    )


def test_a_reminder_of_a_request_reaches_whoever_works_on_it(climb: Callable[[str], Told]) -> None:
    assert climb("unassigned") == set()
    assert climb("d-15") == {"petra"}


def test_where_the_assignee_left_the_whole_team_is_reminded(
    scene: Scene, climb: Callable[[str], Told]
) -> None:
    """Nobody works on it any more: the rung that says so fires too."""
    leave(scene, "petra")
    assert climb("unassigned") == {"paul"}
    assert climb("d-15") == {"paul"}
