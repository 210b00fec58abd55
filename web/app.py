"""The website, put together."""

import gc
import logging
import multiprocessing
import os
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from anyio import CapacityLimiter
from anyio.from_thread import start_blocking_portal
from fastapi import Depends, FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import StatelessLifespan

import temporal
from clock import Clock
from database.engine import Database
from database.migrate import SchemaDiffers, require_current
from database.silence import is_silence
from database.storage import Storage
from database.versions import DatabaseTooOld
from health.lookout import Lookout, Question
from health.neighbours import (
    DATABASE,
    MAIL_SERVICE,
    ask_database,
    ask_mail_service,
    behind_temporal,
)
from mail.delivery_events import PublicKeysRefused, load_public_keys
from settings import Settings, SettingsRefused, load_settings
from temporal import TemporalSettingsRefused
from web import health, webhooks
from web.api import accounts, description, suppressions
from web.api import requests as api_requests
from web.api.problems import add_problems
from web.approvals import approvals, new_links
from web.faults import add_fault_pages
from web.mail import preferences, unsubscribe
from web.middleware import Conduct
from web.pace import Pace
from web.policies import policy_links, public
from web.requests import copies, ends, erasures, handoffs, identity, minors, requests
from web.samples import paper_letters, sample_mails
from web.site import Site
from web.staff import (
    access,
    attachments,
    colleagues,
    controls,
    data_corrections,
    holds,
    instructions,
    intake,
    late_reply,
    letters,
    not_reached,
    operations,
    overview,
    packages,
    policies,
    recipients,
    reports,
    request_metrics,
    request_queue,
    restrictions,
    sources,
    tasks,
)
from web.staff import minors as staff_minors
from web.staff import requests as staff_requests
from workflows.desk import Desk, NoticePeriods
from workflows.messenger import Messenger

SESSION_SECONDS = 12 * 3600
SITE_MAP = (
    public.router,  # /, /policies/...
    policy_links.router,  # /policies/.../policy-link.js
    new_links.router,  # /approve/new-link
    approvals.router,  # /approve/...
    unsubscribe.router,  # /unsubscribe/...
    handoffs.router,  # /requests/signed-in/...
    preferences.router,  # /preferences/..., /unsubscribe/(purpose)/...
    copies.router,  # /requests/copy/...
    requests.router,  # /requests/...
    minors.router,  # /minor/...
    erasures.router,  # /requests/.../erase-at-once, keep-my-data
    identity.router,  # /requests/.../code, new-code, not-mine
    ends.router,  # /requests/.../withdraw, again, appeal, files
    access.router,  # /staff/sign-in
    overview.router,  # /staff
    policies.router,  # /staff/policies/...
    not_reached.router,  # /staff/policies/.../not-reached
    reports.router,  # /staff/policies/.../report
    intake.router,  # /staff/requests/new
    letters.router,  # /staff/requests/letters, /staff/requests/.../letters/...
    data_corrections.router,
    recipients.router,  # /staff/requests/recipients
    sources.router,  # /staff/requests/.../sources/...
    packages.router,  # /staff/requests/.../copy
    request_metrics.router,  # /staff/requests/metrics, /metrics
    request_queue.router,  # /staff/requests, /staff/requests/find
    staff_requests.router,  # /staff/requests/...
    attachments.router,  # /staff/requests/.../files
    restrictions.router,  # /staff/restrictions
    staff_minors.router,  # /staff/minors
    holds.router,  # /staff/holds
    tasks.router,  # /staff/tasks
    instructions.router,  # /staff/instructions
    late_reply.router,  # /staff/late-reply
    colleagues.router,  # /staff/colleagues
    operations.router,  # /staff/ops
    controls.router,  # pause, resume, withdraw; stop and start mail
    webhooks.router,  # /webhooks/sendgrid/events
    accounts.router,  # /api/v1/accounts/..., /api/v1/policies/...
    api_requests.router,  # /api/v1/requests, /api/v1/handoffs
    suppressions.router,  # /api/v1/suppressions/..., /api/v1/purposes/..., restrictions
    description.router,  # /api/docs, /api/openapi.json
)
READINESS_QUESTIONS = 4  # threads for /readyz, beside those for people
MEANWHILE = (
    "Pages that cannot do without it say so; what was confirmed to anybody is kept, and what can "
    "wait goes on when it is back."
)


def create_app(
    settings: Settings,
    *,
    database: Database,
    desk: Desk,
    lookout: Lookout | None = None,
    lifespan: StatelessLifespan[FastAPI] | None = None,
) -> FastAPI:
    """The website over a database and a desk. `lookout` is what `/readyz` asks."""
    if settings.sendgrid_webhook_public_keys:
        load_public_keys(settings.sendgrid_webhook_public_keys)  # an unreadable key stops us here
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.readiness = CapacityLimiter(READINESS_QUESTIONS)
    app.state.site = Site(
        database=database,
        desk=desk,
        clock=desk.clock,
        company=settings.company,
        link_keys=settings.link_key_bytes,
        events_keys=settings.sendgrid_webhook_public_keys,
        suppression_key=settings.suppression_key_bytes,
        metrics_token=settings.metrics_token.get_secret_value(),
        sending_period=settings.sending_period,
        mail_rate=settings.mail_rate_limit,
        identity=settings.identity,
        alarm_webhook_url=settings.alarm_webhook_url,
        api_pace=Pace(settings.api_rate_limit),
        development=settings.development,
        temporal_ui=settings.temporal_ui,
        temporal_namespace=temporal.namespace(),
        lookout=lookout or Lookout(own_neighbours(settings, database)),
        sample_mails=sample_mails(settings),
        paper_letters=paper_letters(settings),
        inbox_url=settings.mail_service if settings.development else None,
    )
    app.include_router(health.router)  # /healthz, /readyz
    for router in SITE_MAP:
        app.include_router(router, dependencies=[Depends(health.require_database)])
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.add_middleware(
        SessionMiddleware,
        secret_key=settings.session_key.get_secret_value(),
        session_cookie="promisekeeper_staff",
        path="/staff",
        max_age=SESSION_SECONDS,
        same_site="lax",
        https_only=not settings.development,
    )
    app.add_middleware(Conduct)
    add_fault_pages(app)
    add_problems(app)
    return app


def own_neighbours(settings: Settings, database: Database) -> Mapping[str, Question]:
    """Whom the website asks by itself; who is asked through Temporal comes with the client."""
    sandbox = settings.development
    return {
        DATABASE: partial(ask_database, database),
        MAIL_SERVICE: partial(ask_mail_service, settings.mail_service, sandbox=sandbox),
    }


def from_environment() -> FastAPI:
    """The website as the settings describe it: `uvicorn web.app:from_environment --factory`.

    uvicorn's own access log is off, whatever its options say: ours never writes a token. It starts
    whatever of its neighbours is away, and ends in words what waiting does not mend: exit code 2
    for settings, 3 for a database of another version. One of several `--workers` ends with the
    process that started it, however that ends.
    """
    _end_with_parent()
    logging.getLogger("uvicorn.access").disabled = True
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("promisekeeper").setLevel(logging.INFO)
    try:
        settings = load_settings()
        watched = Database(settings.database)
        _refuse_another_version(watched)
        return _started(settings, watched)
    except (SettingsRefused, TemporalSettingsRefused) as refusal:
        raise _stopped(str(refusal), 2) from None
    except PublicKeysRefused as refusal:
        raise _stopped(f"SENDGRID_WEBHOOK_PUBLIC_KEYS: {refusal}", 2) from None
    except (SchemaDiffers, DatabaseTooOld) as fault:
        raise _stopped(f"The website did not start. {fault}", 3) from None


def _end_with_parent() -> None:
    """Without it nobody could stop this process any more, and the port would stay taken."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait_for_its_end() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait_for_its_end, daemon=True).start()


def _refuse_another_version(database: Database) -> None:
    try:
        require_current(database)
    except SQLAlchemyError as fault:
        if not is_silence(fault):
            raise
        return  # people are told by the pages, ops by `/readyz` and the log


def _started(settings: Settings, watched: Database) -> FastAPI:
    """The lookout waits for the `watched` database as long as it takes, so that pages need not."""
    with ExitStack() as resources:
        resources.callback(watched.close)
        portal = resources.enter_context(start_blocking_portal())
        client = portal.call(partial(temporal.connect, settings.temporal_address, lazy=True))
        neighbours = {**own_neighbours(settings, watched), **behind_temporal(portal, client)}
        lookout = Lookout(neighbours, meanwhile=MEANWHILE)
        database = Database(
            settings.database,
            hangs=partial(lookout.is_silent, DATABASE),
            told_events=settings.tells_events,
        )
        resources.callback(database.close)
        clock = Clock(database, development=settings.development)
        desk = Desk(
            database=database,
            clock=clock,
            company=settings.company,
            suppression_key=settings.suppression_key_bytes,
            periods=NoticePeriods(
                notice_days=settings.notice_days,
                sending_period=settings.sending_period,
            ),
            storage=Storage(settings.storage_folder, settings.data_keys),
            data_map=settings.data_map_file,
            messenger=Messenger(portal=portal, client=client, clock=clock),
        )

        @asynccontextmanager
        async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
            with kept, lookout.watching():
                yield

        app = create_app(settings, database=database, desk=desk, lookout=lookout, lifespan=lifespan)
        kept = resources.pop_all()  # until the website stops
    gc.freeze()  # what is there now stays: nobody looks for garbage in it any more
    return app


def _stopped(said: str, code: int) -> SystemExit:
    """Say to whoever started us why it ends, and return what to raise."""
    print(said, file=sys.stderr)  # noqa: T201
    return SystemExit(code)
