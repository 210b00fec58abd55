"""The neighbours every process has, and how each is asked how it is."""

import asyncio
from collections.abc import Mapping

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from clock import real_now
from database.engine import Database
from database.migrate import Tables, tables
from health import fitness
from health.build import build
from health.lookout import Answer, Question, silent
from mail.reach import Reach, reach
from temporal import Portal

DATABASE = "database"
TEMPORAL = "Temporal server"
WORKER = "worker"
MAIL_SERVICE = "mail service"
ASK_WITHIN_SECONDS = 1.5  # so that the words here are heard before the lookout gives up
TABLES = {
    Tables.CURRENT: Answer(),
    Tables.BEHIND: Answer(
        word="has tables older than this code", well=False, remedy="tables-older"
    ),
    Tables.AHEAD: Answer(word="has tables newer than this code", remedy="tables-newer"),
}
MAIL = {
    Reach.ANSWERS: Answer(),
    Reach.SILENT: silent(MAIL_SERVICE),
    Reach.TROUBLED: Answer(word=Reach.TROUBLED, well=False, remedy="mail-service-silent"),
    Reach.STRANGER: Answer(word=Reach.STRANGER, well=False, remedy="mail-service-stranger"),
}


def ask_database(database: Database) -> Answer:
    """It answers, and its tables are those of this code."""
    return TABLES[tables(database)]


def ask_mail_service(host: str, *, sandbox: bool) -> Answer:
    """Somebody answers there; on a laptop, the mail sandbox and nobody else."""
    found = reach(host, sandbox=sandbox, within_seconds=ASK_WITHIN_SECONDS)
    if found is Reach.HANGS:
        raise TimeoutError(found)
    return MAIL[found]


def behind_temporal(portal: Portal, client: Client) -> Mapping[str, Question]:
    """The Temporal server, which has our namespace, and the worker that takes work from it."""
    return {
        TEMPORAL: lambda: portal.call(lambda: _server(client)),
        WORKER: lambda: portal.call(lambda: _worker(client)),
    }


async def _server(client: Client) -> Answer:
    try:
        async with asyncio.timeout(ASK_WITHIN_SECONDS):
            await fitness.retention(client)
    except RPCError as fault:
        if fault.status is RPCStatusCode.NOT_FOUND:
            return Answer(word="lacks our namespace", well=False, remedy="temporal-namespace")
        raise
    return Answer()


async def _worker(client: Client) -> Answer:
    try:
        async with asyncio.timeout(ASK_WITHIN_SECONDS):
            queue = await fitness.queue(client)
    except (RPCError, RuntimeError, TimeoutError):
        behind = silent(TEMPORAL)
        return Answer(word="cannot be asked while Temporal is silent", remedy=behind.remedy)
    at_work = queue.at_work(real_now())
    if not at_work:
        return Answer(word="does not take work", well=False, remedy="worker-missing")
    if any(worker.build != build() for worker in at_work):
        return Answer(word="takes work, with other code than this", remedy="worker-differs")
    return Answer(word="takes work")
