"""Whether Temporal answers, and what only it can say: of the worker, its work and the watchdog."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial

from anyio.from_thread import start_blocking_portal
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

import temporal
from cli.checkups import check
from cli.checkups.check import (
    ASK_AGAIN,
    Check,
    fault,
    missing,
    not_asked,
    ok,
    remedy_of,
    unanswered,
)
from clock import real_now
from embedded.temporal_server import RETENTION_PERIOD
from health import fitness
from health.build import build
from settings import Settings
from workflows.watchdog import EVERY

LONGEST_WAIT = timedelta(minutes=1)
LATE_ROUND = timedelta(minutes=1)
SILENCE = (RPCError, RuntimeError, TimeoutError)
OPEN_WORKFLOWS = "open workflows"
Look = Callable[[Client], Awaitable[Check]]


def temporal_and_behind(settings: Settings) -> Iterator[Check]:
    """Temporal first; when it answers, all that stands behind it."""
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
    return unanswered("Temporal", address, f"{address} is silent{_why(silence)}")


def _turned_away(part: str, refusal: Exception) -> Check:
    mend = "check TEMPORAL_NAMESPACE and TEMPORAL_API_KEY"
    return fault(part, f"turns us away{_why(refusal)}", mend)


async def _behind(client: Client) -> list[Check]:
    """What a Temporal that answers knows, side by side: one late look holds up no other."""
    looks = (_look(part, look, client) for part, look in BEHIND_TEMPORAL.items())
    return await asyncio.gather(*looks)


async def _look(part: str, look: Look, client: Client) -> Check:
    try:
        return await _in_time(look, client)
    except TimeoutError:
        if part == OPEN_WORKFLOWS:
            return missing(part, "no worker answered for them in time", remedy_of("worker"))
        return not_asked(part, "Temporal answers, and did not say this in time", ASK_AGAIN)
    except RPCError as silence:
        if temporal.turns_us_away(silence):
            return _turned_away(part, silence)
        return not_asked(part, f"Temporal did not say{_why(silence)}", ASK_AGAIN)


async def _in_time(look: Look, client: Client) -> Check:
    return await asyncio.wait_for(look(client), check.ANSWER_WITHIN_SECONDS)


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


async def _open_workflows(client: Client) -> Check:
    found = await fitness.replayed(client)
    if found.misfits:
        finding = f"the worker's code does not fit {', '.join(found.misfits)}"
        mend = "go back to the former code, or terminate them: the watchdog starts them anew"
        return fault(OPEN_WORKFLOWS, finding, mend)
    fits = f"{found.asked} asked: the worker's code fits them" if found.asked else "none runs"
    return ok(OPEN_WORKFLOWS, fits)


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
    OPEN_WORKFLOWS: _open_workflows,
    "watchdog": _watchdog,
}


def _why(silence: Exception) -> str:
    said = temporal.reason(silence)
    return f": {said}" if said else ""
