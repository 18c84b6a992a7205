"""The bridge's two doors: the stream and HTTP, for whoever knows the secret."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import websockets

from support.collector.parts import until
from support.scripted_ccxt import ScriptedApi, book
from twap_server.bridge.opening import Opened
from twap_server.bridge.service import Service
from twap_server.clock import SystemClock

MARKET: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "spot": True,
    "precision": {"price": 0.1, "amount": 0.001},
}


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Service, ScriptedApi, str]]:
    api = ScriptedApi(watchOrderBook=True)
    api.markets = {"BTC/USDT": MARKET}
    async with Service(Opened(api=api, version="4.5"), depth=10, clock=SystemClock()) as service:
        ready = service.ready()
        yield service, api, f"127.0.0.1:{ready.port}/{ready.secret}"


async def heard(socket: websockets.ClientConnection, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            found: dict[str, Any] = json.loads(await socket.recv())
            if found["type"] == kind:
                return found


def asked(number: int, op: str, symbol: str = "BTC/USDT") -> str:
    return json.dumps({"id": number, "op": op, "symbol": symbol})


async def test_who_does_not_know_the_secret_gets_nothing() -> None:
    async with served() as (service, _, _), httpx.AsyncClient() as http:
        port = service.ready().port
        for path in ("/", "/stream", "/secret/stream", "/secret/instruments?max_age=0"):
            assert (await http.get(f"http://127.0.0.1:{port}{path}")).status_code == 404
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(f"ws://127.0.0.1:{port}/secret/stream")


async def test_a_book_goes_to_all_who_listen_and_ends_with_the_last() -> None:
    async with served() as (service, api, at):
        async with (
            websockets.connect(f"ws://{at}/stream") as one,
            websockets.connect(f"ws://{at}/stream") as two,
        ):
            await one.send(asked(1, "subscribe"))
            assert (await heard(one, "done"))["id"] == 1
            await until(lambda: api.watched, 20)
            api.push(book(100.0))
            assert (await heard(one, "book"))["bids"] == [["100", "1"]]
            await two.send(asked(1, "subscribe"))
            assert (await heard(two, "book"))["bids"] == [["100", "1"]]
            await one.send(asked(2, "unsubscribe"))
            await heard(one, "done")
            assert service._feeds
        await until(lambda: not service._feeds, 20)


async def test_who_asks_and_gives_up_at_once_has_nothing() -> None:
    async with served() as (service, _, at), websockets.connect(f"ws://{at}/stream") as socket:
        await socket.send(asked(1, "subscribe"))
        await socket.send(asked(2, "unsubscribe"))
        await heard(socket, "done")
        assert (await heard(socket, "done"))["id"] == 2
        assert not service._feeds


async def test_an_unknown_symbol_is_refused_on_both() -> None:
    async with served() as (_, _, at), httpx.AsyncClient() as http:
        async with websockets.connect(f"ws://{at}/stream") as socket:
            await socket.send(asked(7, "subscribe", "NO/PE"))
            refused = await heard(socket, "refused")
        assert (refused["id"], refused["kind"]) == (7, "unknown_symbol")
        answer = await http.get(f"http://{at}/book", params={"symbol": "NO/PE"})
        assert (answer.status_code, answer.json()["kind"]) == (404, "unknown_symbol")
        listed = await http.get(
            f"http://{at}/instruments", params={"max_age": "0", "symbols": "BTC/USDT NO/PE"}
        )
        assert [one["symbol"] for one in listed.json()] == ["BTC/USDT"]
