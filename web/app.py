"""The website, put together."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import StatelessLifespan
from temporalio.client import Client
from temporalio.service import RPCError

import temporal
from clock import Clock
from database.engine import Database
from mail.delivery_events import load_public_keys
from settings import Settings, load_settings
from web import approvals, health, public, requests, webhooks
from web.faults import add_fault_pages
from web.middleware import Conduct
from web.rendering import Pages
from web.site import Site
from web.staff import access, operations, overview, policies
from web.staff import requests as staff_requests
from workflows.desk import Desk, NoticePeriods

SESSION_SECONDS = 12 * 3600
SITE_MAP = (
    public.router,  # /, /policies/...
    approvals.router,  # /approve/...
    requests.router,  # /requests/...
    access.router,  # /staff/sign-in
    overview.router,  # /staff
    policies.router,  # /staff/policies/...
    staff_requests.router,  # /staff/requests/...
    operations.router,  # /staff/ops
    webhooks.router,  # /webhooks/sendgrid/events
    health.router,  # /healthz, /readyz
)


def create_app(
    settings: Settings,
    *,
    database: Database,
    desk: Desk,
    temporal_answers: Callable[[], bool] | None = None,
    lifespan: StatelessLifespan[FastAPI] | None = None,
) -> FastAPI:
    """The website over a database and a desk. `temporal_answers` is what `/readyz` asks."""
    if settings.sendgrid_webhook_public_keys:
        load_public_keys(settings.sendgrid_webhook_public_keys)  # an unreadable key stops us here
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.site = Site(
        database=database,
        desk=desk,
        clock=desk.clock,
        company=settings.company,
        pages=Pages(settings.company, development=settings.development),
        link_keys=settings.link_key_bytes,
        events_keys=settings.sendgrid_webhook_public_keys,
        sending_period=timedelta(days=settings.sending_days),
        development=settings.development,
        temporal_ui=settings.temporal_ui,
        mail_service_url=settings.mail_service,
        inbox_url=settings.mail_service if settings.development else None,
        temporal_answers=temporal_answers,
    )
    for router in SITE_MAP:
        app.include_router(router)
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
    return app


def from_environment() -> FastAPI:
    """The website as the settings describe it: `uvicorn web.app:from_environment --factory`.

    Run it with uvicorn's own access log off: ours never writes a token.
    """
    settings = load_settings()
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("promisekeeper").setLevel(logging.INFO)
    resources = ExitStack()
    database = Database(settings.database)
    resources.callback(database.close)
    portal = resources.enter_context(start_blocking_portal())
    client = portal.call(partial(temporal.connect, settings.temporal_address, lazy=True))
    desk = Desk(
        database=database,
        clock=Clock(database, development=settings.development),
        company=settings.company,
        periods=NoticePeriods(
            notice_days=settings.notice_days,
            sending_period=timedelta(days=settings.sending_days),
        ),
        portal=portal,
        client=client,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with resources:
            yield

    return create_app(
        settings,
        database=database,
        desk=desk,
        temporal_answers=partial(_answers, portal, client),
        lifespan=lifespan,
    )


def _answers(portal: BlockingPortal, client: Client) -> bool:
    try:
        return portal.call(
            partial(client.service_client.check_health, timeout=timedelta(seconds=2))
        )
    except (RPCError, RuntimeError):
        return False
