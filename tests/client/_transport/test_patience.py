"""A call that waits long: told after two seconds, once, and how long all of it took."""

import asyncio
from dataclasses import replace

import pytest

from support.client import Twap
from twap_client import ClientConfig, RequestTimedOut, TwapClient
from twap_client._transport.calls import Call
from twap_client._transport.patience import Patience
from twap_client.testing import Reply, ScriptedServer


def call(*, repeatable: bool) -> Call:
    return Call(method="GET", path="/exchanges", repeatable=repeatable)


@pytest.mark.looptime
@pytest.mark.parametrize(("repeatable", "left"), [(True, 4 * 15 + 3 * 5 - 2), (False, 13)])
async def test_after_two_seconds_it_is_told_once_until_when(repeatable: bool, left: float) -> None:
    spoken: list[float] = []
    with Patience(call(repeatable=repeatable), ClientConfig(on_wait=spoken.append)).speaking():
        await asyncio.sleep(1.9)
        assert spoken == []
        await asyncio.sleep(60)
    assert spoken == [left]


@pytest.mark.looptime
async def test_an_answer_in_time_says_nothing() -> None:
    spoken: list[float] = []
    with Patience(call(repeatable=True), ClientConfig(on_wait=spoken.append)).speaking():
        await asyncio.sleep(1.9)
    await asyncio.sleep(60)
    assert spoken == []


@pytest.mark.looptime
async def test_the_last_failure_tells_how_long_all_took() -> None:
    patience = Patience(call(repeatable=True), ClientConfig())
    patience.attempts = 4
    await asyncio.sleep(62)
    told = patience.told(RequestTimedOut("it did not answer within 15 s"))
    assert told.message == "it did not answer within 15 s; 4 attempts took 62 s in all"
    patience.attempts = 1
    assert patience.told(RequestTimedOut("no answer")).message == "no answer"


async def test_a_client_speaks_in_every_call(server: ScriptedServer, config: ClientConfig) -> None:
    spoken = asyncio.Event()
    server.script("GET", "/exchanges", Reply(silent=True))
    patient = replace(config, on_wait=lambda _: spoken.set())
    async with TwapClient(config=patient) as client, asyncio.TaskGroup() as group:
        asked = group.create_task(client.market.exchanges())
        async with asyncio.timeout(10):
            await spoken.wait()
        asked.cancel()


async def test_the_command_says_that_it_waits(
    twap: Twap, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWAP_TIMEOUT", "2100ms")
    server.script("GET", "/exchanges", Reply(silent=True))
    shown = await twap("exchanges")
    assert shown.code == 0 and shown.err.startswith(f"no answer yet from {server.url}, trying until ")
    assert shown.err.count("\n") == 1
