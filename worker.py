"""Connects to Temporal, builds the activities with what they need, and runs the workflows."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleSpec,
)
from temporalio.worker import Worker

import temporal
from activities.campaigns import CampaignActivities
from activities.interceptor import IncidentInterceptor
from activities.letters import Letters
from activities.outbox import OutboxActivities, Sender
from activities.publication import PublicationActivities
from activities.requests import RequestActivities
from activities.starting import StartingActivities
from clock import Clock
from database.engine import Database
from database.migrate import SchemaBehind, require_current
from mail.message import Templates
from mail.sendgrid import MailService
from settings import ROOT, Settings, SettingsRefused, load_settings
from workflows.campaign import CampaignWorkflow
from workflows.data_subject_request import DataSubjectRequestWorkflow
from workflows.mail_delivery import MailDeliveryWorkflow
from workflows.publication import PublicationWorkflow
from workflows.watchdog import EVERY, WatchdogWorkflow

WORKFLOWS: Sequence[type] = (
    PublicationWorkflow,
    CampaignWorkflow,
    DataSubjectRequestWorkflow,
    MailDeliveryWorkflow,
    WatchdogWorkflow,
)
THREADS = 20


def activities(
    settings: Settings, database: Database, client: Client
) -> Sequence[Callable[..., Any]]:
    """Every activity, with what it needs in its hands."""
    clock = Clock(database, development=settings.development)
    sender = Sender(
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
        batch_size=settings.mail_batch_size,
        settle_after=timedelta(seconds=settings.mail_settle_after_seconds),
    )
    publication = PublicationActivities(
        database=database, company=settings.company, sending_period=settings.sending_period
    )
    campaign = CampaignActivities(
        database=database,
        sender=sender,
        company=settings.company,
        leads=settings.campaign_leads,
    )
    request = RequestActivities(
        database=database, company=settings.company, officers=settings.officers
    )
    starting = StartingActivities(database=database, clock=clock, client=client)
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
        campaign.send_shard,
        campaign.fix_effective_date,
        campaign.take_step,
        campaign.escalate,
        campaign.finish_campaign,
        request.load_request,
        request.acknowledge_request,
        request.climb,
        request.record_decision,
        request.record_confirmation,
        OutboxActivities(sender).send_mail,
        starting.start_campaign,
        starting.patrol,
    )


async def watch(client: Client) -> None:
    """Make sure the watchdog goes round; harmless when it does already."""
    try:
        await client.create_schedule(
            "watchdog",
            Schedule(
                action=ScheduleActionStartWorkflow(
                    "watchdog", id="watchdog", task_queue=temporal.TASK_QUEUE
                ),
                spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)]),
            ),
            trigger_immediately=True,
        )
    except ScheduleAlreadyRunningError:
        return


async def run(settings: Settings) -> None:
    """Work until SIGINT or SIGTERM, then finish what is under way."""
    database = Database(settings.database)
    require_current(database)
    client = await temporal.connect(settings.temporal_address)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    with ThreadPoolExecutor(THREADS) as threads:
        async with Worker(
            client,
            task_queue=temporal.TASK_QUEUE,
            workflows=WORKFLOWS,
            activities=activities(settings, database, client),
            activity_executor=threads,
            max_concurrent_activities=THREADS,
            interceptors=[IncidentInterceptor()],
            graceful_shutdown_timeout=timedelta(seconds=10),
        ):
            await watch(client)
            print("worker: ready", flush=True)  # noqa: T201 - for whoever started it
            await stop.wait()
    database.close()


def main() -> int:
    """Exit codes: 0 stopped, 2 settings refused, 3 Temporal or the database is not ready."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(run(load_settings()))
    except SettingsRefused as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201
        return 2
    except (RuntimeError, SchemaBehind) as fault:
        print(f"The worker did not start: {fault}", file=sys.stderr)  # noqa: T201
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
