"""Who is away is waited for; who answers that it will not serve us is not."""

import asyncio
import logging

import pytest
from temporalio.client import Client
from temporalio.service import RPCStatusCode

import temporal
from health.neighbours import TEMPORAL
from health.waiting import TurnedAway, until_there
from tests.refusing_temporal import refusing_temporal


async def connect_once() -> Client | None:
    """Look for Temporal, and be told to stop meanwhile: waiting ends after the first try."""
    stop = asyncio.Event()

    async def look() -> Client:
        stop.set()
        return await temporal.connect("127.0.0.1:9")

    return await until_there(TEMPORAL, look, stop)


@pytest.mark.parametrize(
    "status",
    [
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.INVALID_ARGUMENT,
    ],
)
async def test_a_server_that_turns_us_away_is_not_waited_for(
    status: RPCStatusCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing_temporal(status, "Request unauthorized.") as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        with pytest.raises(TurnedAway, match=r"turns us away: Request unauthorized.*API_KEY"):
            await connect_once()


@pytest.mark.parametrize(
    "status",
    [RPCStatusCode.UNAVAILABLE, RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.UNKNOWN],
)
async def test_a_server_that_cannot_just_now_is_waited_for(
    status: RPCStatusCode, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "promisekeeper.neighbours")
    with refusing_temporal(status, "Try later.") as address:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        assert await connect_once() is None
    assert "waits for the Temporal server, which does not answer (Try later.)" in caplog.text


async def test_nobody_there_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
    assert await connect_once() is None
    assert "Connection refused" in caplog.text


async def test_what_goes_wrong_on_our_side_is_no_neighbours_fault() -> None:
    async def look() -> None:
        raise RuntimeError("no running event loop")

    with pytest.raises(RuntimeError, match="no running event loop"):
        await until_there(TEMPORAL, look, asyncio.Event())
