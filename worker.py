"""Connects to Temporal, builds the activities with what they need, and runs the workflows."""

import asyncio
import ctypes
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from typing import Any

from anyio.from_thread import BlockingPortal
from pydantic import SecretStr
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import temporal
from activities.campaigns.campaigns import CampaignActivities
from activities.campaigns.publication import PublicationActivities
from activities.campaigns.starting import StartingActivities
from activities.interceptor import IncidentInterceptor
from activities.mail.breaker import Breaker
from activities.mail.courier import Courier
from activities.mail.letters import Letters
from activities.mail.outbox import Manner, OutboxActivities, Sender
from activities.patrol import PatrolActivities
from activities.pulse import PulseInterceptor
from activities.requests.instructions import InstructionActivities
from activities.requests.requests import RequestActivities
from activities.requests.retention import Retention
from activities.requests.sources import SourceActivities, opened_sources
from clock import Clock, real_now
from data_sources.map_file import DataMapRefused
from database.engine import Database
from database.migrate import SchemaDiffers, require_current
from database.storage import Storage
from database.versions import DatabaseTooOld
from health import fitness
from health.alarms import BY_MAIL_ONLY
from health.build import build
from health.fitness import TemporalUnfit
from health.lookout import Lookout
from health.neighbours import (
    DATABASE,
    MAIL_SERVICE,
    TEMPORAL,
    ask_database,
    ask_mail_service,
    behind_temporal,
)
from health.waiting import TurnedAway, until_there
from mail.message import Templates
from mail.sendgrid import MailService
from mail.webhooks import Webhook
from settings import ROOT, Settings, SettingsRefused, load_settings
from temporal import TemporalSettingsRefused
from workflows.alarm_delivery import AlarmDeliveryWorkflow
from workflows.campaign import CampaignWorkflow
from workflows.controller_instruction import ControllerInstructionWorkflow
from workflows.data_subject_request import DataSubjectRequestWorkflow
from workflows.mail_delivery import MailDeliveryWorkflow
from workflows.publication import PublicationWorkflow
from workflows.watchdog import EVERY, WatchdogWorkflow

WORKFLOWS: Sequence[type] = (
    PublicationWorkflow,
    CampaignWorkflow,
    DataSubjectRequestWorkflow,
    ControllerInstructionWorkflow,
    MailDeliveryWorkflow,
    AlarmDeliveryWorkflow,
    WatchdogWorkflow,
)
THREADS = 20
M_ARENA_MAX = -8
"""As glibc's malloc.h has it."""
HEAPS = 2
FINISH_WITHIN = timedelta(seconds=10)
STOP_WITHIN_SECONDS = FINISH_WITHIN.total_seconds() + 3.0
TRY_WITHIN_SECONDS = 10.0

log = logging.getLogger("promisekeeper.worker")


def activities(
    settings: Settings, database: Database, client: Client
) -> Sequence[Callable[..., Any]]:
    """Every activity, with what it needs in its hands."""
    company, leads = settings.company, settings.campaign_leads
    clock = Clock(database, development=settings.development)
    courier = _courier(settings, database)
    sender = _sender(settings, database, courier)
    storage = Storage(settings.storage_folder, settings.data_keys)
    sources = opened_sources(
        settings.data_map_file,
        urls=settings.source_urls,
        pseudonym_key=settings.suppression_key_bytes,
        outside_clock=real_now,
    )
    publication = PublicationActivities(
        database=database, company=company, sending_period=settings.sending_period
    )
    campaign = CampaignActivities(
        database=database,
        sender=sender,
        company=company,
        leads=leads,
        canary=settings.canaries,
        limits=settings.limits,
        courier=courier,
    )
    request = RequestActivities(
        database=database,
        company=company,
        officers=settings.officers,
        courier=courier,
        identity=settings.identity,
        sources={source.about.name: source.about.role for source in sources},
    )
    source = SourceActivities(
        database=database,
        sources=sources,
        storage=storage,
        company=company,
        courier=courier,
        pseudonym_key=settings.suppression_key_bytes,
    )
    instruction = InstructionActivities(
        database=database,
        sources=sources,
        storage=storage,
        company=company,
        courier=courier,
        pseudonym_key=settings.suppression_key_bytes,
    )
    starting = StartingActivities(database=database, clock=clock, client=client)
    patrol = PatrolActivities(
        database=database,
        clock=clock,
        client=client,
        company=company,
        courier=courier,
        dead_man_url=settings.dead_man_url.get_secret_value(),
        settle_after=timedelta(seconds=settings.mail_settle_after_seconds),
        retention=Retention(
            database=database,
            storage=storage,
            periods=settings.request_periods,
            pseudonym_key=settings.suppression_key_bytes,
        ),
        storage=storage,
    )
    return (
        publication.load_publication,
        publication.assess_version,
        publication.record_review,
        publication.record_release,
        publication.record_rejection,
        publication.announce,
        publication.put_in_force,
        campaign.load_campaign,
        campaign.freeze_audience,
        campaign.open_shards,
        campaign.send_shard,
        campaign.send_shards,
        campaign.look_at_canary,
        campaign.fix_effective_date,
        campaign.take_step,
        campaign.escalate,
        campaign.finish_campaign,
        request.load_request,
        request.acknowledge_request,
        request.climb,
        request.record_decision,
        request.record_confirmation,
        source.ask_sources,
        instruction.load_instruction,
        instruction.carry_out,
        OutboxActivities(sender).send_mail,
        courier.deliver_alarms,
        starting.start_campaign,
        patrol.patrol,
    )


def _courier(settings: Settings, database: Database) -> Courier:
    return Courier(
        database=database,
        webhook=_webhook(settings.alarm_webhook_url, settings.alarm_webhook_secret),
        base_url=settings.website,
        events_webhook=_webhook(settings.events_webhook_url, settings.events_webhook_secret),
    )


def _webhook(url: str, secret: SecretStr) -> Webhook | None:
    return Webhook(url, secret.get_secret_value()) if url else None


def _sender(settings: Settings, database: Database, courier: Courier) -> Sender:
    return Sender(
        database=database,
        service=MailService(
            api_key=settings.sendgrid_api_key.get_secret_value(),
            host=settings.mail_service,
            sender_address=settings.mail_from,
            sender_name=settings.company_name,
        ),
        templates=Templates(ROOT / "email_templates"),
        letters=Letters(
            company=settings.company,
            leads=settings.campaign_leads,
            link_keys=settings.link_key_bytes,
        ),
        breaker=Breaker(database=database, limits=settings.limits, courier=courier),
        manner=Manner(
            batch_size=settings.mail_batch_size,
            settle_after=timedelta(seconds=settings.mail_settle_after_seconds),
            per_minute=settings.mail_rate_limit,
        ),
        suppression_key=settings.suppression_key_bytes,
    )


async def watch(client: Client) -> None:
    """Make sure the watchdog goes round, as often as this code says; a pause stays a pause."""
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)])

    def as_often(found: ScheduleUpdateInput) -> ScheduleUpdate | None:
        schedule = found.description.schedule
        if schedule.spec == spec:
            return None  # an update takes a pause back that is pressed at the same moment
        schedule.spec = spec
        return ScheduleUpdate(schedule=schedule)

    try:
        await client.create_schedule(
            temporal.WATCHDOG,
            Schedule(
                action=ScheduleActionStartWorkflow(
                    temporal.WATCHDOG,
                    id=temporal.WATCHDOG,
                    task_queue=temporal.TASK_QUEUE,
                    static_summary="The watchdog looks whether all that should run does",
                    static_details=temporal.ABOUT_THE_WATCHDOG,
                ),
                spec=spec,
            ),
            trigger_immediately=True,
        )
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(temporal.WATCHDOG).update(as_often)


async def run(settings: Settings) -> None:
    """Work until SIGINT or SIGTERM, then finish what is under way.

    A neighbour that is away is waited for, at the start as later. Raises SchemaDiffers,
    DatabaseTooOld, TemporalUnfit or TurnedAway for what waiting does not mend.
    """
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, _stop, stop)
    with closing(Database(settings.database)) as watched:
        await until_there(DATABASE, lambda: asyncio.to_thread(require_current, watched), stop)
        client = await until_there(TEMPORAL, lambda: _temporal(settings), stop)
        if client is not None:
            async with BlockingPortal() as portal:
                await _work(settings, watched, client, stop, portal)


def _stop(stop: asyncio.Event) -> None:
    """Let everything come to its end, and do not wait for what hangs."""
    stop.set()
    last = threading.Timer(STOP_WITHIN_SECONDS, _leave)
    last.daemon = True
    last.start()


def _leave() -> None:
    """No thread can be stopped that waits for a database which never answers."""
    log.warning("Work under way hangs and is left. Nothing is lost: it is tried again.")
    sys.stdout.flush()
    os._exit(0)


async def _temporal(settings: Settings) -> Client:
    """Connect, and see to it that the server is fit and the watchdog goes round."""
    async with asyncio.timeout(TRY_WITHIN_SECONDS):
        client = await temporal.connect(settings.temporal_address)
        await fitness.require_fit(client)
        await watch(client)
    return client


async def _work(
    settings: Settings,
    watched: Database,
    client: Client,
    stop: asyncio.Event,
    portal: BlockingPortal,
) -> None:
    """The lookout waits for the `watched` database as long as it takes, so that work need not."""
    sandbox = settings.development
    if not settings.alarm_webhook_url:
        log.warning("Take note: %s.", BY_MAIL_ONLY)
    lookout = Lookout(
        {
            DATABASE: partial(ask_database, watched),
            TEMPORAL: behind_temporal(portal, client)[TEMPORAL],
            MAIL_SERVICE: partial(ask_mail_service, settings.mail_service, sandbox=sandbox),
        },
        meanwhile="Work waits, nothing is lost, and it goes on by itself.",
    )
    database = Database(
        settings.database,
        hangs=partial(lookout.is_silent, DATABASE),
        told_events=settings.tells_events,
    )
    with closing(database), ThreadPoolExecutor(THREADS) as threads, lookout.watching():
        async with Worker(
            client,
            task_queue=temporal.TASK_QUEUE,
            build_id=build(),
            workflows=WORKFLOWS,
            workflow_runner=UnsandboxedWorkflowRunner(),  # the tests run them in the sandbox
            activities=activities(settings, database, client),
            activity_executor=threads,
            max_concurrent_activities=THREADS,
            interceptors=[PulseInterceptor(), IncidentInterceptor()],
            graceful_shutdown_timeout=FINISH_WITHIN,
        ):
            gc.freeze()  # what is there now stays: nobody looks for garbage in it any more
            print("worker: ready", flush=True)  # noqa: T201 - for whoever started it
            await stop.wait()


def _share_heaps() -> None:
    """Let all threads have their memory from a few heaps, so that it does not grow with a campaign:
    glibc gives nearly each of them its own, which keeps the most that its largest batch took."""
    with suppress(AttributeError):  # other libraries have one heap anyway
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)


def main() -> int:
    """Exit codes: 0 stopped, 2 settings refused, 3 what waiting does not mend."""
    _share_heaps()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(run(load_settings()))
    except (SettingsRefused, TemporalSettingsRefused, DataMapRefused) as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201
        return 2
    except (SchemaDiffers, DatabaseTooOld, TemporalUnfit, TurnedAway) as fault:
        print(f"The worker stopped: {fault}", file=sys.stderr)  # noqa: T201
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
