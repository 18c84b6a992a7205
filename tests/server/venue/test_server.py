"""The venue's life: binding, announcing, stopping, failing."""

import asyncio
import socket

import pytest
from websockets.exceptions import ConnectionClosed

from support.clocks import HurriedClock
from support.venue.wire_client import ask, connect, frames, get
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue, serve_venue
from twap_server.venue.source import Outlet


class BrokenSource(SyntheticSource):
    async def run(self, outlet: Outlet) -> None:
        await self._clock.sleep(0.1)
        raise RuntimeError("the tape tore")


async def test_urls_extend_like_the_real_ones(clock: HurriedClock) -> None:
    venue = Venue(SyntheticSource(seed=1, clock=clock), clock=clock)
    async with venue:
        place = f"127.0.0.1:{venue.port}"
        assert venue.urls() == {
            "binance": {"ws_url": f"ws://{place}/binance", "rest_url": f"http://{place}/binance"},
            "kraken": {"ws_url": f"ws://{place}/kraken/v2", "rest_url": f"http://{place}/kraken"},
        }


async def test_stopping_ends_connections_and_frees_the_port(clock: HurriedClock) -> None:
    begun = asyncio.get_running_loop().time()
    async with Venue(SyntheticSource(seed=1, clock=clock), clock=clock) as venue:
        client = await connect(venue.urls()["binance"]["ws_url"] + "/ws/btcusdt@trade")
        await frames(client, 2)
    with pytest.raises(ConnectionClosed):
        await frames(client, 10_000)
    await client.close()
    assert asyncio.get_running_loop().time() - begun < 2
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", venue.port))


async def test_a_taken_port_is_an_error(clock: HurriedClock) -> None:
    async with Venue(SyntheticSource(seed=1, clock=clock), clock=clock) as venue:
        second = Venue(SyntheticSource(seed=1, clock=clock), clock=clock, port=venue.port)
        with pytest.raises(OSError, match="in use"):
            async with second:
                pass


async def test_an_error_in_the_block_comes_out_as_it_is(clock: HurriedClock) -> None:
    with pytest.raises(KeyError):
        async with Venue(SyntheticSource(seed=1, clock=clock), clock=clock):
            raise KeyError("mine")


async def test_a_source_that_fails_ends_the_block(clock: HurriedClock) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with Venue(BrokenSource(seed=1, clock=clock), clock=clock):
            await asyncio.sleep(5)
    assert caught.group_contains(RuntimeError, match="tape tore")


async def test_unknown_faults_and_venues_are_refused(clock: HurriedClock) -> None:
    source = SyntheticSource(seed=1, clock=clock)
    with pytest.raises(ValueError, match="expected a fault"):
        Venue(source, clock=clock, faults=["nosuch"])
    async with Venue(source, clock=clock) as venue:
        with pytest.raises(ValueError, match="expected a venue"):
            venue.inject("gap", venue="nosuch")


async def test_serving_announces_the_urls_and_ends_on_cancellation(clock: HurriedClock) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    serving = serve_venue(
        SyntheticSource(seed=1, clock=clock),
        clock=clock,
        host="127.0.0.1",
        port=0,
        faults=[],
        announce=said.put_nowait,
    )
    task = asyncio.ensure_future(serving)
    lines = [await said.get() for _ in range(4)]
    assert [line.split()[:2] for line in lines] == [
        ["binance", "ws_url"],
        ["binance", "rest_url"],
        ["kraken", "ws_url"],
        ["kraken", "rest_url"],
    ]
    assert (await get(lines[1].split()[2] + "/api/v3/ping")).text == "{}"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_two_clients_have_their_own_subscriptions(clock: HurriedClock) -> None:
    venue = Venue(SyntheticSource(seed=1, clock=clock), clock=clock)
    async with venue:
        url = venue.urls()["binance"]["ws_url"]
        async with connect(url + "/ws") as one, connect(url + "/stream") as two:
            await ask(one, method="SUBSCRIBE", params=["ethusdt@depth@100ms"], id=1)
            await ask(two, method="SUBSCRIBE", params=["btcusdt@depth@100ms"], id=1)
            assert all('"s":"ETHUSDT"' in frame for frame in (await frames(one, 5))[1:])
            assert all('"s":"BTCUSDT"' in frame for frame in (await frames(two, 5))[1:])
