"""The scripted server as users of the library meet it in tests of their own programs."""

import asyncio
import inspect
import textwrap
from collections.abc import AsyncIterator

import pytest

from twap_client import NotFound, SubscriptionRefused, TwapClient, testing
from twap_client.testing import ScriptedServer, book
from twap_models import BookMessage, OrderEvent

FIELDS = {"exchange": "binance", "symbol": "BTC-USDT", "quantity": 1, "duration": 60, "slices": 6}


@pytest.fixture
async def desk() -> AsyncIterator[tuple[ScriptedServer, TwapClient]]:
    async with ScriptedServer() as server:
        server.add_account("ada", "correct horse")
        async with TwapClient(server.url, username="ada", password="correct horse") as client:
            yield server, client


async def test_the_docstrings_example_runs() -> None:
    text = inspect.getdoc(testing) or ""
    lines = text.partition("::\n\n")[2].partition("\n\n")[0]
    program = f"async def example():\n{textwrap.indent(textwrap.dedent(lines), '    ')}"
    names: dict[str, object] = {"ScriptedServer": ScriptedServer, "TwapClient": TwapClient}
    exec(program, names)
    await names["example"]()  # type: ignore[operator]


async def test_it_begins_with_a_market(desk: tuple[ScriptedServer, TwapClient]) -> None:
    _, client = desk
    assert [one.name for one in await client.market.exchanges()] == ["binance", "kraken"]
    assert [one.symbol for one in await client.market.symbols("kraken")] == ["BTC-USDT", "ETH-USDT"]
    assert (await client.market.orderbook("binance", "btcusdt")).status == "live"
    assert len(await client.market.klines("binance", "BTC-USDT")) == 3
    with pytest.raises(NotFound):
        await client.market.orderbook("binance", "DOGE-USDT")


async def test_what_is_submitted_and_changed_is_told(desk: tuple[ScriptedServer, TwapClient]) -> None:
    server, client = desk
    async with asyncio.timeout(10), client.stream(orders=True) as stream:
        await stream.ready()
        made = await client.orders.submit(FIELDS)
        await client.orders.submit(FIELDS | {"token_id": made.token_id})  # a repeat is no event
        await client.orders.resume(made)  # nor is what changes nothing
        await client.orders.pause(made)
        await client.orders.resume(made)
        await client.orders.amend(made, quantity=2)
        await client.orders.cancel(made)
        told = [item for item in [await anext(stream) for _ in range(5)] if isinstance(item, OrderEvent)]
    assert [item.event for item in told] == ["accepted", "paused", "resumed", "amended", "ended"]
    assert [item.seq for item in told] == [1, 2, 3, 4, 5]
    assert [each.event async for each in client.orders.events(made)] == [item.event for item in told]
    assert told[-1].order.status == "Canceled" == server.orders[made.token_id].status


async def test_a_book_is_there_at_once_and_an_unknown_one_is_refused(
    desk: tuple[ScriptedServer, TwapClient],
) -> None:
    server, client = desk
    async with (
        asyncio.timeout(10),
        client.stream(["binance:btc/usdt", "mtgox:BTC-USDT", "kraken:DOGE"]) as stream,
    ):
        await stream.ready()
        server.push_book(book("binance:btc/usdt", seq=9))
        items = [await anext(stream) for _ in range(3)]
    refused = [item for item in items if isinstance(item, SubscriptionRefused)]
    assert [item.code for item in refused] == ["unknown_exchange", "unknown_symbol"]
    assert isinstance(items[-1], BookMessage) and items[-1].symbol == "btc/usdt"


async def test_a_book_pushed_right_after_ready_arrives(desk: tuple[ScriptedServer, TwapClient]) -> None:
    server, client = desk
    for number in range(20):
        async with asyncio.timeout(10), client.stream(["aggregate:BTC-USDT"]) as stream:
            await stream.ready()
            server.push_book(book("aggregate:BTC-USDT", seq=10 + number))
            while (item := await anext(stream)) != book("aggregate:BTC-USDT", seq=10 + number):
                assert isinstance(item, BookMessage)
