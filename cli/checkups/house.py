"""What this process can see for itself: its code, its data directory, its database."""

import platform
import shutil
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, func, select

from activities.requests.sources import opened_sources
from cli.checkups.check import START_IT, Check, advice, fault, missing, ok
from clock import Clock, real_now
from data_sources.map_file import DataMapRefused
from database.engine import Database
from database.mail.doubts import count_doubtful
from database.migrate import Tables, tables
from database.requests.late_replies import unapproved
from database.silence import reason, remedy, turns_us_away
from database.tables import DeliveryEvent, OutboxMail
from database.versions import DatabaseTooOld, require_supported, version_of
from health.alarms import alarms
from health.build import build
from health.imports import imports
from health.mails import takes_no_mail
from settings import Settings
from web.samples import late_replies

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LEAST_FREE_GIB = 1.0
ELSEWHERE = "or set PROMISEKEEPER_DATA_DIR to the data that the stack was started on"


def this_code() -> Iterator[Check]:
    """Which code asks."""
    yield ok("this code", f"Promisekeeper {build()}, Python {platform.python_version()}")


def data_directory(settings: Settings) -> Iterator[Check]:
    """Whether it is there, and has room."""
    path = settings.data_dir.resolve()
    if path.is_dir():
        free = shutil.disk_usage(path).free / 2**30
        finding = f"{path}, {free:.1f} GiB free"
        if free < LEAST_FREE_GIB:
            yield fault("data directory", finding, "make room: a full disk stops all writing")
        else:
            yield ok("data directory", finding)
    elif not settings.database_url:
        there = f"{START_IT}; {ELSEWHERE}"
        yield missing("data directory", f"there is no {path}", there)


def database(settings: Settings) -> Iterator[Check]:
    """Whether it answers with the tables of this code, and what waits in it."""
    name = make_url(settings.database).render_as_string(hide_password=True)
    ours = Database(settings.database)
    try:
        with ours.engine.connect() as connection:
            version = version_of(connection)
            require_supported(version)
        standing = tables(ours)
        if standing is Tables.CURRENT:
            yield ok("database", f"{name}, {version}, tables up to date")
            yield from _work_in(ours, settings)
        elif standing is Tables.BEHIND:
            old = f"{name}, {version}: it has tables older than this code, or none"
            yield fault("database", old, f"promisekeeper database migrate{_or_elsewhere(settings)}")
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
        ours.close()


def _or_elsewhere(settings: Settings) -> str:
    """A stack that was started on other data is not asked about by migrating these."""
    return "" if settings.database_url else f"; {ELSEWHERE}"


def _work_in(database: Database, settings: Settings) -> Iterator[Check]:
    clock = Clock(database, development=settings.development)
    with database.session() as session:
        yield from _mail_service(session, clock.now())
        yield _mails(session)
        yield _delivery_events(session)
        yield _imports(session, clock.now())
        yield _alarms(session, settings, clock.now())
        yield _late_reply(session, settings)
    if settings.development:
        yield ok("clock", clock.standing())


def _mail_service(session: Session, now: datetime) -> Iterator[Check]:
    fails = takes_no_mail(session, now)
    if fails:
        finding = f"{fails.answer.word}, since {fails.since:%Y-%m-%d %H:%M} UTC"
        yield fault("mail service", finding, f"see {fails.answer.remedy} in docs/failures.md")


def _mails(session: Session) -> Check:
    waiting = count_doubtful(session)
    if not waiting:
        return ok("mails", "none waits for a decision")
    finding = f"{waiting:,} of unknown outcome {'waits' if waiting == 1 else 'wait'} for ops"
    return advice("mails", finding, "promisekeeper mail unknown --groups")


def _late_reply(session: Session, settings: Settings) -> Check:
    words = {tag: reply.sha256 for tag, reply in late_replies(settings.languages).items()}
    missing_in = unapproved(session, words)
    if not missing_in:
        return ok("late reply", f"approved by two in {', '.join(words)}")
    finding = f"not approved by two of privacy in {', '.join(missing_in)} (P21)"
    return advice("late reply", finding, "they read it: /staff/late-reply")


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


def _alarms(session: Session, settings: Settings, now: datetime) -> Check:
    found = alarms(session, settings.alarm_webhook_url, now)
    if not found.remedy:
        return ok("alarms", found.word)
    return advice("alarms", found.word, f"see {found.remedy} in docs/failures.md")


def data_map(settings: Settings) -> Iterator[Check]:
    """Whether every source of the data map can be opened; none is asked anything."""
    try:
        sources = opened_sources(
            settings.data_map_file,
            urls=settings.source_urls,
            pseudonym_key=settings.suppression_key_bytes,
            outside_clock=real_now,
        )
    except DataMapRefused as refusal:
        yield fault("data map", str(refusal), "mend it: docs/data-sources.md explains every key")
    else:
        if settings.data_map_file is None:
            alone = "only our own database is asked when somebody wants to know, or be erased"
            yield advice("data map", alone, "name the map in PROMISEKEEPER_DATA_MAP")
        else:
            names = ", ".join(source.about.name for source in sources)
            yield ok("data map", f"it names {names}; each is asked when a request needs it")


def dead_man(settings: Settings) -> Iterator[Check]:
    """Whether somebody outside would notice that the watchdog stays away."""
    if settings.dead_man_url.get_secret_value():
        yield ok("dead-man switch", "the watchdog pings it after each complete round")
    else:
        unset = "none: nobody outside notices when the watchdog stays away"
        yield advice("dead-man switch", unset, "set PROMISEKEEPER_DEAD_MAN_URL")


def browser(settings: Settings) -> Iterator[Check]:
    """What the browser journeys need, in development."""
    if not settings.development:
        return
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found:
        yield ok("Chromium", found)
    else:
        only = "not found; only `make test` needs it"
        yield advice("Chromium", only, "apt-get install chromium")
