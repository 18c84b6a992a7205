"""Bad days, from the exchange's frame to the order's fills: what no honest book supports is not filled."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.collector.venues import ScriptedBinance, scripted
from support.kraken import LoopbackKraken, Pair
from support.live import serving, signed_in, until_listed
from twap_client import TwapClient
from twap_models import BookMessage, OrderStatus, TwapOrderDetail

OLD, NEW = Decimal(101), Decimal(150)
"""The best ask before and after the change that cannot be read."""
SETTINGS = {
    "backoff_initial_ms": 50, "backoff_max_s": 1, "snapshots_per_minute": 600, "quiet_proof_s": 0,
    "silence_s": 60, "borne_silence_ms": 60_000,
}  # fmt: skip
"""Heals at once; nothing is silent but where a test says how long silence is borne."""
ORDER: dict[str, Any] = {"side": "buy", "quantity": "3", "duration": 60, "interval": 0.2, "token_id": "bad"}
"""It never ends here: each test goes on once it has seen enough."""


class Binance:
    """BTC-USDT on Binance, with what may go wrong there."""

    name, symbol = "binance", "BTC-USDT"

    def __init__(self, venue: ScriptedBinance) -> None:
        self.venue, self.urls = venue, venue.urls

    async def speak(self) -> None:
        await self.venue.step()

    async def spoil(self) -> None:
        """Move the ask, tell it in a frame that nobody can read, and give no snapshot."""
        self.venue.ask = "150.00"
        self.venue.depth_answers = [(500, "")] * 1_000
        await self.venue.send(json.dumps(self._unreadable()))

    async def heal(self) -> None:
        self.venue.depth_answers = []

    def _unreadable(self) -> dict[str, Any]:
        change = json.loads(self.venue.change())
        change["data"]["a"] = [["101.00", "0", []], ["150.00", "1.0", []]]
        return change


class Kraken:
    """BTC-USD on Kraken, with what may go wrong there."""

    name, symbol = "kraken", "BTC-USD"

    def __init__(self, venue: LoopbackKraken) -> None:
        self.venue, self.urls = venue, venue.urls

    async def speak(self) -> None:
        await self.venue.change()

    async def spoil(self) -> None:
        """As on Binance; subscriptions are acknowledged, and no snapshot follows."""
        self.venue.pairs["BTC/USD"].ask, self.venue.mute = 150, {"BTC/USD"}
        level = '{"price":101.0,"qty":null},{"price":150.0,"qty":1.0}'
        data = f'{{"symbol":"BTC/USD","bids":[],"asks":[{level}],"checksum":1}}'
        for socket in self.venue.sockets:
            await socket.send(f'{{"channel":"book","type":"update","data":[{data}]}}')

    async def heal(self) -> None:
        self.venue.mute = set()


@asynccontextmanager
async def binance() -> AsyncIterator[Binance]:
    async with scripted() as venue:
        yield Binance(venue)


@asynccontextmanager
async def kraken() -> AsyncIterator[Kraken]:
    venue = LoopbackKraken("BTC", beats=False)
    async with venue.serving():
        yield Kraken(venue)


Make = Callable[[], AbstractAsyncContextManager[Any]]
BOTH = pytest.mark.parametrize("make", [binance, kraken], ids=lambda make: make.__name__)


@asynccontextmanager
async def trading(folder: Path, place: Any, **settings: Any) -> AsyncIterator[TwapClient]:
    """A signed-in client of a server whose book there is live, as long as the exchange speaks."""
    collector = SETTINGS | settings
    async with serving(folder, place.urls, collector=collector) as url, signed_in(url) as client:
        await until_listed(url, place.name)
        async with speaking(place):
            await book(client, place, lambda top: top.status == "live")
        yield client


@asynccontextmanager
async def speaking(place: Any) -> AsyncIterator[None]:
    """The exchange changes its book all the time until the block ends."""

    async def speak() -> None:
        while True:
            await place.speak()
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(speak())
        yield
        task.cancel()


async def book(client: TwapClient, place: Any, until: Callable[[BookMessage], bool]) -> BookMessage:
    """The book as the stream shows it, once it is as wanted."""
    async with asyncio.timeout(60):
        async for message in client.stream([f"{place.name}:{place.symbol}"]):
            if isinstance(message, BookMessage) and until(message):
                return message
    raise AssertionError("the stream ended")


async def order(client: TwapClient, until: Callable[[TwapOrderDetail], bool]) -> TwapOrderDetail:
    """The order as REST shows it, once it is as wanted."""
    async with asyncio.timeout(60):
        while not until(found := await client.orders.get("bad")):
            await asyncio.sleep(0.02)
    return found


def reasons(found: TwapOrderDetail) -> set[str]:
    """Why slices were missed, but for those that a busy machine was too late for."""
    late = {"engine_down", "overloaded", "storage"}
    return {str(one.reason) for one in found.slices if one.outcome == "missed"} - late


def missed(found: TwapOrderDetail, reason: str) -> int:
    return sum(one.reason == reason for one in found.slices)


@BOTH
async def test_nothing_is_filled_from_a_mute_connection(make: Make, tmp_path: Path) -> None:
    async with make() as place, trading(tmp_path, place, borne_silence_ms=300) as client:
        async with speaking(place):
            await client.orders.submit(exchange=place.name, symbol=place.symbol, **ORDER)
            await order(client, lambda found: len(found.fills) >= 2)
        top = await book(client, place, lambda top: top.status == "stale")
        assert "delivered nothing" in top.reason and top.asks[0][0] == OLD
        before = await client.orders.get("bad")
        after = await order(
            client, lambda found: missed(found, "stale_book") >= missed(before, "stale_book") + 2
        )
        assert after.fills == before.fills
        async with speaking(place):
            over = await order(client, lambda found: len(found.fills) > len(before.fills))
        assert reasons(over) == {"stale_book"}
        assert {fill.price for fill in over.fills} == {OLD}


@BOTH
async def test_nothing_is_filled_at_a_price_whose_end_could_not_be_read(make: Make, tmp_path: Path) -> None:
    async with make() as place, trading(tmp_path, place, ack_timeout_s=1) as client:
        await place.spoil()
        top = await book(client, place, lambda top: top.status == "resyncing")
        assert top.asks == []
        await client.orders.submit(exchange=place.name, symbol=place.symbol, **ORDER)
        found = await order(client, lambda found: missed(found, "resyncing") >= 2)
        assert found.fills == [] and reasons(found) == {"resyncing"}
        await place.heal()
        over = await order(client, lambda found: len(found.fills) >= 2)
        assert {fill.price for fill in over.fills} == {NEW}
        assert reasons(over) == {"resyncing"}


async def test_in_a_maintenance_an_order_waits_and_no_new_one_is_taken(tmp_path: Path) -> None:
    async with kraken() as place, trading(tmp_path, place) as client:
        asked = ORDER | {"exchange": place.name, "symbol": place.symbol}
        await client.orders.submit(**asked)
        await order(client, lambda found: len(found.fills) >= 1)
        await place.venue.turn("maintenance")
        found = await order(client, lambda found: missed(found, "not_tradable") >= 2)
        refused = await client.orders.submit(**asked | {"token_id": "another"})
        assert (refused.status, refused.reason) == (OrderStatus.REJECTED, "not_tradable")
        assert "maintenance" in refused.detail
        (exchange,) = await client.market.exchanges()
        assert (exchange.market_status, exchange.reason) == ("maintenance", "the exchange says: maintenance")
        top = await book(client, place, lambda top: "maintenance" in top.reason)
        assert (top.status, top.reason) == ("live", "not trading: maintenance")
        after = await order(
            client, lambda now: missed(now, "not_tradable") >= missed(found, "not_tradable") + 2
        )
        assert after.fills == found.fills
        await place.venue.turn("online")
        over = await order(client, lambda now: len(now.fills) > len(found.fills))
        assert reasons(over) == {"not_tradable"}


async def test_books_of_two_assets_are_neither_merged_nor_filled_across(tmp_path: Path) -> None:
    venue = LoopbackKraken()
    venue.pairs = {"BTC/USDT": Pair("BTC", "USDT", places=5)}
    venue.pairs["BTC/USDT"].bid, venue.pairs["BTC/USDT"].ask = 7, 8
    async with (
        scripted() as other,
        venue.serving(),
        serving(tmp_path, venue.urls | other.urls, collector=SETTINGS) as url,
        signed_in(url) as client,
    ):
        await until_listed(url, "binance", "kraken")
        place = SimpleNamespace(name="aggregate", symbol="BTC-USDT")
        top = await book(client, place, lambda top: "disagree" in top.reason)
        assert (top.bids, top.asks, sorted(top.missing)) == ([], [], ["binance", "kraken"])
        asked = ORDER | {"exchange": "aggregate", "symbol": "BTCUSDT"}
        preview = await client.orders.preview(**asked)
        assert preview.expected_cost is None and "disagree" in preview.cost_reason
        assert any("asset" in warning for warning in preview.warnings)
        accepted = await client.orders.submit(**asked)
        assert any("asset" in warning for warning in accepted.warnings)
        found = await order(client, lambda found: missed(found, "prices_disagree") >= 2)
        assert (found.fills, reasons(found)) == ([], {"prices_disagree"})
        venue.pairs["BTC/USDT"].bid, venue.pairs["BTC/USDT"].ask = 100, 101
        venue.spoilt = {"BTC/USDT"}
        await venue.change("BTC/USDT")
        venue.spoilt = set()
        over = await order(client, lambda found: len(found.fills) >= 1)
        assert {fill.price for fill in over.fills} == {OLD}
