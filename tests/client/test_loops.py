"""One client in several event loops says why not, and what to do; its background tasks end when told."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from twap_client import TwapClient, WrongEventLoop
from twap_client._background import Background
from twap_client.testing import Reply, ScriptedServer

CALLS: dict[str, Callable[[TwapClient], Coroutine[Any, Any, Any]]] = {
    "market": lambda client: client.market.exchanges(),
    "orders": lambda client: client.orders.get("o-1"),
    "sign-in": lambda client: client.accounts.login("ada", "correct horse"),
    "with": lambda client: client.__aenter__(),
}


async def elsewhere(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Do it in a second event loop, in a thread."""
    return await asyncio.to_thread(lambda: asyncio.run(work()))


@pytest.mark.parametrize("name", CALLS)
async def test_a_second_loop_is_told_at_once_what_to_do(
    server: ScriptedServer, client: TwapClient, name: str
) -> None:
    await client.accounts.me()
    asked = len(server.requests)
    said = r"used in another event loop.*make one TwapClient inside each asyncio\.run"
    with pytest.raises(WrongEventLoop, match=said):
        await elsewhere(lambda: CALLS[name](client))
    assert len(server.requests) == asked
    assert (await client.accounts.me()).username == "ada", "at home it goes on"


async def test_a_stream_belongs_to_the_loop_of_its_client(server: ScriptedServer, client: TwapClient) -> None:
    await client.accounts.me()

    async def follow() -> None:
        async with client.stream(["binance:BTC-USDT"]):
            raise AssertionError("it was started")

    with pytest.raises(WrongEventLoop):
        await elsewhere(follow)
    with pytest.raises(WrongEventLoop):
        await elsewhere(client.aclose)
    assert server.feed.received == []


async def test_one_client_in_two_runs_says_so_and_can_be_closed(server: ScriptedServer) -> None:
    client = TwapClient(server.url)
    # Otherwise the first loop would leave an open socket to the garbage collector.
    server.script("GET", "/exchanges", Reply(body=[], headers={"Connection": "close"}))
    assert await elsewhere(client.market.exchanges) == []
    with pytest.raises(WrongEventLoop):
        await elsewhere(client.market.exchanges)
    await elsewhere(client.aclose)


async def test_a_task_whose_own_time_runs_out_as_it_is_told_to_stop_stops() -> None:
    limits: list[asyncio.Timeout] = []

    async def wait_again_and_again() -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(None) as limit:
                    limits.append(limit)
                    await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        background = Background(group.create_task(wait_again_and_again()))
        while not limits:
            await asyncio.sleep(0)
        limits[0].reschedule(loop.time())  # runs out in the next turn of the loop, just before:
        loop.call_soon(background.stop)
        done, _ = await asyncio.wait([background.task], timeout=1)
        assert done


async def test_a_client_may_be_made_before_any_loop_runs(server: ScriptedServer) -> None:
    client = await asyncio.to_thread(TwapClient, server.url)
    async with client:
        assert await client.market.exchanges() == []
