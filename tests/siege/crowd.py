"""What a server has to do all day: ``python -m siege.crowd`` reads a job from standard input.

Clients that follow a book come and go, half of them without a word; some ask for all events since the
beginning. Traders keep so many orders open, and pause, amend and cancel some. It prints a line every ten
seconds.
"""

import asyncio
import json
import random
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from siege.target import loopback

_LIVES_S = (5.0, 60.0)
_REPLAYS = 0.1
"""This share of the clients asks for its user's events since the beginning."""
_BOOKS = [("binance", "BTC-USDT"), ("binance", "ETH-USDT"), ("kraken", "BTC-USDT"), ("aggregate", "ETH-USDT")]
_SIZES = {"BTC-USDT": 0.001, "ETH-USDT": 0.02}
"""Of one slice."""
_OF_A_LIST = 25
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How many of whom."""

    url: str
    keys: tuple[str, ...]
    clients: int
    orders: int
    seed: int

    def to_json(self) -> str:
        """Write it on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Crowd":
        """Read what ``to_json`` wrote."""
        fields = json.loads(text)
        return cls(**fields | {"keys": tuple(fields["keys"])})


class Busy:
    """All of them, until cancelled."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._stream = loopback(crowd.url).url.replace("http", "ws") + "/ws"
        self._rng = random.Random(crowd.seed)
        self._seen: Counter[str] = Counter()
        self._count = 0

    async def run(self) -> None:
        """Begin slowly: everybody at once is another test."""
        crowd = self._crowd
        each = -(-crowd.orders // len(crowd.keys))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._report())
            for key in crowd.keys:
                group.create_task(self._trade(key, each))
            for number in range(crowd.clients):
                group.create_task(self._come_and_go(crowd.keys[number % len(crowd.keys)]))
                await asyncio.sleep(0.02)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(10)
            print(json.dumps(self._seen), flush=True)

    # Clients

    async def _come_and_go(self, key: str) -> None:
        while True:
            try:
                async with connect(
                    self._stream, additional_headers={"X-API-Key": key}, compression=None, max_size=None
                ) as stream:
                    await self._stay(stream)
            except (OSError, WebSocketException, TimeoutError) as error:
                self._seen[f"stream: {type(error).__name__}"] += 1
            await asyncio.sleep(self._rng.uniform(0.5, 3))

    async def _stay(self, stream: ClientConnection) -> None:
        exchange, symbol = self._rng.choice(_BOOKS)
        wanted = [{"channel": "book", "exchange": exchange, "symbol": symbol}]
        if self._rng.random() < _REPLAYS:
            wanted.append({"channel": "orders", "since": 0})
        for one in wanted:
            await stream.send(json.dumps({"type": "subscribe"} | one))
        self._seen["came"] += 1
        try:
            async with asyncio.timeout(self._rng.uniform(*_LIVES_S)):
                async for _ in stream:
                    self._seen["messages"] += 1
                self._seen[f"stream closed with {stream.close_code}"] += 1
        except TimeoutError:
            if self._rng.random() < 0.5:
                stream.transport.abort()

    # Traders

    async def _trade(self, key: str, each: int) -> None:
        async with httpx.AsyncClient(
            base_url=self._crowd.url, headers={"X-API-Key": key}, timeout=_PATIENCE_S
        ) as http:
            while True:
                await asyncio.sleep(self._rng.uniform(1, 5))
                try:
                    await self._top_up(http, each)
                except httpx.HTTPError as error:
                    self._seen[f"trader: {type(error).__name__}"] += 1

    async def _top_up(self, http: httpx.AsyncClient, each: int) -> None:
        """Submit what is missing; of what is there, change one."""
        listed = await http.get("/orders", params={"status": "open", "limit": 100})
        orders = listed.raise_for_status().json()
        missing = each - len(orders)
        if missing > 0:
            bodies = [self._order() for _ in range(min(missing, _OF_A_LIST))]
            answer = await http.post("/orders/twap", json=bodies)
            self._seen[f"list {answer.status_code}"] += 1
        elif orders:
            await self._change(http, self._rng.choice(orders)["token_id"])

    async def _change(self, http: httpx.AsyncClient, token: str) -> None:
        roll = self._rng.random()
        if roll < 0.3:
            answer = await http.delete(f"/orders/{token}")
        elif roll < 0.6:
            answer = await http.patch(f"/orders/{token}", json={"price": None}, headers={"If-Match": "*"})
        else:
            await http.post(f"/orders/{token}/pause")
            answer = await http.post(f"/orders/{token}/resume")
        self._seen[f"change {answer.status_code}"] += 1

    def _order(self) -> dict[str, Any]:
        self._count += 1
        exchange, symbol = self._rng.choice(_BOOKS)
        slices, interval = self._rng.randint(5, 15), self._rng.choice((10, 15, 20))
        return {
            "token_id": f"crowd-{self._count}",
            "exchange": exchange,
            "symbol": symbol,
            "side": self._rng.choice(("buy", "sell")),
            "quantity": f"{_SIZES[symbol] * slices:.4f}",
            "duration": slices * interval,
            "interval": interval,
        }


def main() -> None:
    """Read the job and do it until killed."""
    asyncio.run(Busy(Crowd.from_json(sys.stdin.readline())).run())


if __name__ == "__main__":
    main()
