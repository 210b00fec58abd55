"""What `promisekeeper doctor` looks at: each check says how a part is, and what mends it."""

import asyncio
import platform
import shutil
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import urllib3
from anyio.from_thread import start_blocking_portal
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, func, select
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from urllib3.util import parse_url

import temporal
from clock import Clock, real_now
from database.engine import Database
from database.migrate import Tables, tables
from database.outbox import waiting_for_ops
from database.silence import reason, remedy, turns_us_away
from database.tables import DeliveryEvent, OutboxMail
from database.versions import DatabaseTooOld, require_supported, version_of
from embedded.temporal_server import RETENTION_PERIOD
from health import fitness
from health.build import build
from health.imports import imports
from mail.reach import Reach, reach, reach_with_key
from settings import Settings
from workflows.watchdog import EVERY

ANSWER_WITHIN_SECONDS = 3.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
START_IT = "start the stack: promisekeeper up"
RESTART_IT = (
    "ask again on a busy machine; else look at that process and its log: restart it, "
    "or end it when it is not ours"
)
ASK_AGAIN = "ask again: promisekeeper doctor"
SETTINGS_OF = {
    "database": "PROMISEKEEPER_DATABASE_URL",
    "Temporal": "TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE",
    "Temporal UI": "PROMISEKEEPER_TEMPORAL_UI_URL",
    "mail service": "PROMISEKEEPER_SENDGRID_HOST",
    "mail sandbox": "PROMISEKEEPER_SENDGRID_HOST",
    "website": "PROMISEKEEPER_BASE_URL",
}
LEAST_FREE_GIB = 1.0
LONGEST_WAIT = timedelta(minutes=1)
LATE_ROUND = timedelta(minutes=1)
SILENCE = (RPCError, RuntimeError, TimeoutError)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One part: `state` is ok, fault, missing (a service does not answer), not asked or advice."""

    part: str
    state: str
    finding: str
    remedy: str = ""


Look = Callable[[Client], Awaitable[Check]]


def ok(part: str, finding: str) -> Check:
    """All is well with a part."""
    return Check(part=part, state="ok", finding=finding)


def fault(part: str, finding: str, remedy: str) -> Check:
    """Something is set wrong."""
    return Check(part=part, state="fault", finding=finding, remedy=remedy)


def missing(part: str, finding: str, remedy: str) -> Check:
    """A service does not answer."""
    return Check(part=part, state="missing", finding=finding, remedy=remedy)


def not_asked(part: str, finding: str, remedy: str) -> Check:
    """Nobody looked, or not in time: nothing is known."""
    return Check(part=part, state="not asked", finding=finding, remedy=remedy)


def advice(part: str, finding: str, remedy: str) -> Check:
    """Nothing is wrong, and somebody should look."""
    return Check(part=part, state="advice", finding=finding, remedy=remedy)


def checkups(settings: Settings) -> Mapping[str, Callable[[], Iterator[Check]]]:
    """Everything to look at, by part, each to be run in a thread of its own."""
    return {
        "this code": _this_code,
        "data directory": partial(_data_directory, settings),
        "database": partial(_database, settings),
        "Temporal": partial(_temporal, settings),
        "Temporal UI": partial(_temporal_ui, settings),
        "mail sandbox" if settings.development else "mail service": partial(
            _mail_service, settings
        ),
        "website": partial(_website, settings),
        "Chromium": partial(_browser, settings),
    }


def remedy_of(part: str) -> str:
    """What mends a part that does not answer."""
    if part == "worker":
        return f"{START_IT}; elsewhere run: python worker.py"
    return f"{START_IT}; elsewhere check {SETTINGS_OF[part]}" if part in SETTINGS_OF else START_IT


def late(settings: Settings, part: str, seconds: float) -> Check:
    """A part that said nothing in time: it hangs when its port is open, and else is not there."""
    address = _addresses(settings).get(part, "")
    if address and not _listens(address):
        return missing(part, f"{address} is silent", remedy_of(part))
    where = f"{address} takes connections, and" if address else "it"
    finding = f"{where} has not answered within {seconds:.0f} s"
    named = f". Another address: {SETTINGS_OF[part]}" if part in SETTINGS_OF else ""
    return missing(part, finding, f"{RESTART_IT}{named}")


def _addresses(settings: Settings) -> Mapping[str, str]:
    database = make_url(settings.database)
    return {
        "database": f"{database.host}:{database.port or 5432}" if database.host else "",
        "Temporal": temporal.address(settings.temporal_address),
        "Temporal UI": settings.temporal_ui,
        "mail service": settings.mail_service,
        "mail sandbox": settings.mail_service,
        "website": settings.website,
    }


def _this_code() -> Iterator[Check]:
    yield ok("this code", f"Promisekeeper {build()}, Python {platform.python_version()}")


def _data_directory(settings: Settings) -> Iterator[Check]:
    path = settings.data_dir.resolve()
    if path.is_dir():
        free = shutil.disk_usage(path).free / 2**30
        finding = f"{path}, {free:.1f} GiB free"
        if free < LEAST_FREE_GIB:
            yield fault("data directory", finding, "make room: a full disk stops all writing")
        else:
            yield ok("data directory", finding)
    elif not settings.database_url:
        there = f"{START_IT}, or set PROMISEKEEPER_DATA_DIR to where it was started"
        yield missing("data directory", f"there is no {path}", there)


def _database(settings: Settings) -> Iterator[Check]:
    name = make_url(settings.database).render_as_string(hide_password=True)
    database = Database(settings.database)
    try:
        with database.engine.connect() as connection:
            version = version_of(connection)
            require_supported(version)
        standing = tables(database)
        if standing is Tables.CURRENT:
            yield ok("database", f"{name}, {version}, tables up to date")
            yield from _work_in(database, settings)
        elif standing is Tables.BEHIND:
            old = f"{name}, {version}: it has tables older than this code, or none"
            yield fault("database", old, "promisekeeper database migrate")
        else:
            new = f"{name}, {version}: it has tables newer than this code"
            yield fault("database", new, "run the newest version of Promisekeeper")
    except DatabaseTooOld as old_server:
        yield fault("database", str(old_server), "use a newer one")
    except SQLAlchemyError as silence:
        if turns_us_away(silence):
            refused = f"{name} turns us away: {reason(silence)}"
            yield fault("database", refused, "check PROMISEKEEPER_DATABASE_URL")
        else:
            finding = f"{name} does not answer: {reason(silence)}"
            yield missing("database", finding, remedy(settings.database))
    finally:
        database.close()


def _work_in(database: Database, settings: Settings) -> Iterator[Check]:
    clock = Clock(database, development=settings.development)
    with database.session() as session:
        yield _mails(session)
        yield _delivery_events(session)
        yield _imports(session, clock.now())
    if settings.development:
        yield ok("clock", _ahead(clock.offset()))


def _ahead(offset: timedelta) -> str:
    """In days, or below one to the second: nobody reads microseconds."""
    days = f"{offset.days} {'day' if offset.days == 1 else 'days'}"
    passed = days if offset.days else str(timedelta(seconds=round(offset.total_seconds())))
    return f"{passed} ahead of real time" if offset else "real time"


def _mails(session: Session) -> Check:
    waiting = len(waiting_for_ops(session))
    if not waiting:
        return ok("mails", "none waits for a decision")
    many = "100 or more" if waiting == 100 else str(waiting)
    return advice("mails", f"{many} of unknown outcome wait for ops", "promisekeeper mail unknown")


def _delivery_events(session: Session) -> Check:
    last: datetime | None = session.exec(select(func.max(col(DeliveryEvent.recorded_at)))).one()
    if last is not None:
        return ok("delivery events", f"last came {last:%Y-%m-%d %H:%M} UTC")
    accepted = session.exec(select(OutboxMail.id).where(OutboxMail.state == "accepted").limit(1))
    if accepted.first() is None:
        return ok("delivery events", "none came, and no mail is out")
    return advice(
        "delivery events",
        "mails are out, and no event ever came",
        "check the event webhook's address and PROMISEKEEPER_SENDGRID_WEBHOOK_PUBLIC_KEYS",
    )


def _imports(session: Session, now: datetime) -> Check:
    found = imports(session, now)
    if found.well:
        return ok("imports", found.word)
    return advice("imports", found.word, f"see {found.remedy} in docs/failures.md")


def _temporal(settings: Settings) -> Iterator[Check]:
    with start_blocking_portal() as portal:
        try:
            client = portal.call(partial(temporal.connect, settings.temporal_address, lazy=True))
        except temporal.TemporalSettingsRefused as refusal:
            yield fault("Temporal", str(refusal), "change the environment")
            return
        try:
            yield portal.call(_in_time, _server, client)
        except SILENCE as silence:
            yield _without(client, silence)
            for part in BEHIND_TEMPORAL:
                yield not_asked(part, "only Temporal can say", "mend Temporal first")
        else:
            yield from portal.call(_behind, client)


def _without(client: Client, silence: Exception) -> Check:
    if temporal.turns_us_away(silence):
        return _turned_away("Temporal", silence)
    address = client.service_client.config.target_host
    return _silent("Temporal", address, f"{address} is silent{_why(silence)}")


def _turned_away(part: str, refusal: Exception) -> Check:
    check = "check TEMPORAL_NAMESPACE and TEMPORAL_API_KEY"
    return fault(part, f"turns us away{_why(refusal)}", check)


async def _behind(client: Client) -> list[Check]:
    """What a Temporal that answers knows, side by side: one late look holds up no other."""
    looks = (_look(part, look, client) for part, look in BEHIND_TEMPORAL.items())
    return await asyncio.gather(*looks)


async def _look(part: str, look: Look, client: Client) -> Check:
    try:
        return await _in_time(look, client)
    except TimeoutError:
        return not_asked(part, "Temporal answers, and did not say this in time", ASK_AGAIN)
    except RPCError as silence:
        if temporal.turns_us_away(silence):
            return _turned_away(part, silence)
        return not_asked(part, f"Temporal did not say{_why(silence)}", ASK_AGAIN)


async def _in_time(look: Look, client: Client) -> Check:
    return await asyncio.wait_for(look(client), ANSWER_WITHIN_SECONDS)


async def _server(client: Client) -> Check:
    version = await fitness.server_version(client)
    finding = f"server {version} at {client.service_client.config.target_host}"
    if fitness.is_too_old(version):
        needed = ".".join(map(str, fitness.OLDEST))
        return fault("Temporal", finding, f"upgrade it to {needed} or newer")
    return ok("Temporal", finding)


async def _retention(client: Client) -> Check:
    part = "namespace"
    try:
        period = await fitness.retention(client)
    except RPCError as answer:
        if answer.status is not RPCStatusCode.NOT_FOUND:
            raise
        there = "set TEMPORAL_NAMESPACE, or create it: temporal operator namespace create"
        return fault(part, f"there is no {client.namespace}", there)
    finding = f"{client.namespace}, keeps closed workflows for {period.days} days"
    if period >= RETENTION_PERIOD:
        return ok(part, finding)
    return fault(part, finding, f"set its retention to {RETENTION_PERIOD.days} days")


async def _search_attributes(client: Client) -> Check:
    lacking = await fitness.missing_search_attributes(client)
    if not lacking:
        return ok("search attributes", "all registered")
    command = fitness.how_to_register(lacking)
    return fault("search attributes", f"not registered: {', '.join(lacking)}", command)


async def _worker(client: Client) -> Check:
    now = real_now()
    at_work = (await fitness.queue(client)).at_work(now)
    if not at_work:
        nobody = "nobody takes work; workflows wait and lose nothing"
        return missing("worker", nobody, remedy_of("worker"))
    seconds = (now - max(worker.asked_at for worker in at_work)).total_seconds()
    builds = sorted({worker.build for worker in at_work})
    finding = f"{len(at_work)} at work, code {', '.join(builds)}, asked {max(seconds, 0):.0f} s ago"
    if builds == [build()]:
        return ok("worker", finding)
    return fault("worker", f"{finding}; this code is {build()}", "restart the workers")


async def _queue(client: Client) -> Check:
    queue = await fitness.queue(client)
    if queue.oldest <= LONGEST_WAIT:
        return ok("work", f"{queue.waiting} tasks wait" if queue.waiting else "nothing waits")
    oldest = timedelta(seconds=round(queue.oldest.total_seconds()))
    finding = f"{queue.waiting} tasks wait for a worker, the oldest for {oldest}"
    return fault("work", finding, "look into the worker's log; more than one worker may run")


async def _watchdog(client: Client) -> Check:
    rounds = await fitness.rounds(client)
    if rounds is None:
        return fault("watchdog", "has no schedule", "start a worker: it makes one")
    if rounds.paused:
        return fault("watchdog", "is paused", "resume the schedule watchdog in the Temporal UI")
    if rounds.last_at is None:
        return ok("watchdog", "has its schedule, and is about to go its first round")
    finding = f"last went round {rounds.last_at:%Y-%m-%d %H:%M} UTC"
    if real_now() - rounds.last_at > EVERY + LATE_ROUND:
        return fault("watchdog", finding, "trigger the schedule watchdog in the Temporal UI")
    if rounds.last is None:
        return ok("watchdog", finding)
    if not rounds.last.completed:
        failed = f"{finding}; the round that ended {rounds.last.ended_at:%H:%M} UTC went wrong"
        return fault("watchdog", failed, "look into the worker's log: it has the incident")
    return ok("watchdog", f"{finding}. {rounds.last.found}")


BEHIND_TEMPORAL: Mapping[str, Look] = {
    "namespace": _retention,
    "search attributes": _search_attributes,
    "worker": _worker,
    "work": _queue,
    "watchdog": _watchdog,
}


def _temporal_ui(settings: Settings) -> Iterator[Check]:
    yield _answers("Temporal UI", settings.temporal_ui)


def _mail_service(settings: Settings) -> Iterator[Check]:
    part = "mail sandbox" if settings.development else "mail service"
    host = settings.mail_service
    if settings.development:
        found = reach(host, sandbox=True, within_seconds=ANSWER_WITHIN_SECONDS)
    else:
        key = settings.sendgrid_api_key.get_secret_value()
        found = reach_with_key(host, key, within_seconds=ANSWER_WITHIN_SECONDS)
    match found:
        case Reach.ANSWERS:
            yield ok(part, host)
        case Reach.KEY_REFUSED:
            mend = "put a key that may send mail into PROMISEKEEPER_SENDGRID_API_KEY"
            yield fault(part, f"{host} refuses our key", mend)
        case Reach.STRANGER:
            yield fault(part, f"{host} is another program", _move("MAIL_SANDBOX_PORT"))
        case Reach.TROUBLED:
            yield missing(part, f"{host} answers with an error", "wait; mails stay queued")
        case Reach.SILENT | Reach.HANGS:
            yield _silent(part, host)


def _website(settings: Settings) -> Iterator[Check]:
    get = partial(urllib3.request, "GET", timeout=ANSWER_WITHIN_SECONDS, retries=False)
    try:
        alive = get(f"{settings.website}/healthz")
        if b'"website"' not in alive.data:
            taken = f"{settings.website} is another program"
            yield fault("website", taken, _move("WEB_PORT"))
            return
        ready = get(f"{settings.website}/readyz")
    except urllib3.exceptions.HTTPError:
        yield _silent("website", settings.website)
        return
    if ready.status == 200:
        yield ok("website", f"{settings.website}, ready")
    else:
        unwell = "; ".join(f"{name} {seen['state']}" for name, seen in ready.json().items())
        finding = f"{settings.website} answers, and cannot serve people: {unwell}"
        yield missing("website", finding, "mend what is missing; it comes back by itself")


def _answers(part: str, url: str) -> Check:
    try:
        answer = urllib3.request("GET", url, timeout=ANSWER_WITHIN_SECONDS, retries=False)
    except urllib3.exceptions.HTTPError:
        return _silent(part, url)
    if answer.status >= 500:
        return fault(part, f"{url} answers {answer.status}", "look into its log")
    return ok(part, url)


def _browser(settings: Settings) -> Iterator[Check]:
    if not settings.development:
        return
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found:
        yield ok("Chromium", found)
    else:
        only = "not found; only `make test` needs it"
        yield advice("Chromium", only, "apt-get install chromium")


def _silent(part: str, address: str, finding: str = "") -> Check:
    """A part that hangs is told from one that is not there: starting mends only the second."""
    if _listens(address):
        taken = f"{address} is taken by a program that does not answer as it should"
        return missing(part, taken, RESTART_IT)
    return missing(part, finding or f"{address} is silent", remedy_of(part))


def _listens(address: str) -> bool:
    url = parse_url(address)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        with socket.create_connection((str(url.hostname), port), timeout=1.0):
            return True
    except OSError:
        return False


def _move(name: str) -> str:
    return f"end that program, or move ours with PROMISEKEEPER_{name}"


def _why(silence: Exception) -> str:
    said = temporal.reason(silence)
    return f": {said}" if said else ""
