"""stream/: trades and candles, deeper books and own impact, restored after a lost connection."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from twap_client import Disconnected, Reconnected, StreamItem, TwapClient
from twap_client.stream.mailbox import Mailbox
from twap_client.stream.names import wanted
from twap_client.testing import Reply, ScriptedServer, book, kline, trade
from twap_models import KlineMessage, Side, TradeMessage
from twap_models.stream import Subscribe, Unsubscribe

BTC = "binance:BTC-USDT"


async def take(stream: AsyncIterator[StreamItem], count: int) -> list[StreamItem]:
    async with asyncio.timeout(5):
        return [await anext(stream) for _ in range(count)]


def asked(server: ScriptedServer) -> list[dict[str, Any]]:
    return [
        item.model_dump(exclude_none=True, exclude={"type"}, mode="json")
        for item in server.feed.received
        if isinstance(item, Subscribe | Unsubscribe)
    ]


async def test_trades_candles_and_deeper_books(server: ScriptedServer, client: TwapClient) -> None:
    async with client.stream(
        [BTC],
        trades=[BTC, "aggregate:BTC-USDT"],
        klines=[("binance", "BTC-USDT", "5m"), "kraken:BTC-USD:1m", "kraken:ETH-USD"],
        depth=25,
        own=True,
    ) as stream:
        await stream.ready()
        assert asked(server) == [
            {"channel": "book", "exchange": "binance", "symbol": "BTC-USDT", "depth": 25, "own": True},
            {"channel": "trades", "exchange": "binance", "symbol": "BTC-USDT"},
            {"channel": "trades", "exchange": "aggregate", "symbol": "BTC-USDT"},
            {"channel": "klines", "exchange": "binance", "symbol": "BTC-USDT", "interval": "5m"},
            {"channel": "klines", "exchange": "kraken", "symbol": "BTC-USD", "interval": "1m"},
            {"channel": "klines", "exchange": "kraken", "symbol": "ETH-USD", "interval": "1m"},
        ]
        sent = [
            kline("binance:BTC-USDT:5m"),
            trade(BTC, id="1"),
            trade("kraken:BTC-USDT", id="1", aggregate=True),
        ]
        server.push_candle(kline("binance:BTC-USDT:5m"))
        server.push_trade(trade(BTC, id="1"))
        server.push_trade(trade("kraken:BTC-USDT", id="1", aggregate=True))
        assert sorted(map(repr, await take(stream, 3))) == sorted(map(repr, sent))


async def test_trades_and_own_impact_by_request(server: ScriptedServer, client: TwapClient) -> None:
    found = trade(BTC).model_dump(exclude={"type", "aggregate", "left_out"})
    server.script("GET", "/trades/binance/BTC-USDT", Reply(body=[found]))
    (one,) = await client.market.trades("binance", "BTC/USDT", limit=5)
    assert (one.price, one.side, one.time) == (trade(BTC).price, Side.BUY, trade(BTC).time)
    assert server.requests[-1].query == {"limit": "5"}
    assert "authorization" not in server.requests[-1].headers
    server.books[BTC] = book(BTC)
    await client.market.orderbook("binance", "BTC-USDT", own=True)
    assert server.requests[-1].query == {"own": "true"}
    assert "authorization" in server.requests[-1].headers, "it is asked for as somebody"


async def test_they_come_and_go_while_the_stream_is_open(server: ScriptedServer, client: TwapClient) -> None:
    async with client.stream() as stream:
        await stream.subscribe(trades=[BTC], klines=["binance:BTC-USDT:1h"])
        await stream.ready()
        await stream.unsubscribe(trades=[BTC], klines=[("binance", "BTC-USDT", "1h")])
        await stream.ready()
    market = {"exchange": "binance", "symbol": "BTC-USDT"}
    assert asked(server) == [
        {"channel": "trades", **market},
        {"channel": "klines", **market, "interval": "1h"},
        {"channel": "trades", **market},
        {"channel": "klines", **market, "interval": "1h"},
    ]


async def test_a_lost_connection_restores_them_and_repeats_no_trade(
    server: ScriptedServer, client: TwapClient
) -> None:
    name = f"trades:{BTC}"
    async with client.stream(trades=[BTC], klines=["binance:BTC-USDT:1m"], own=True) as stream:
        await server.subscribed(name)
        for number in "12":
            server.push_trade(trade(BTC, id=number))
        assert [getattr(one, "id", None) for one in await take(stream, 2)] == ["1", "2"]
        server.feed.drop()
        assert isinstance((await take(stream, 1))[0], Disconnected)
        await server.subscribed(name, "klines:binance:BTC-USDT:1m", times=2)
        assert isinstance((await take(stream, 1))[0], Reconnected)
        for number in "123":
            server.push_trade(trade(BTC, id=number))
        assert [getattr(one, "id", None) for one in await take(stream, 1)] == ["3"]


@pytest.mark.parametrize(
    "given",
    [
        {"books": ["BTC-USDT"]},
        {"trades": ["BTC-USDT"]},
        {"klines": ["binance"]},
        {"klines": ["binance:BTC-USDT:7m"]},
        {"klines": ["aggregate:BTC-USDT:1m"]},
        {"klines": [("binance", "", "1m")]},
    ],
)
def test_what_is_not_written_as_it_should_be_is_told(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        wanted(**given)


async def test_of_unread_trades_the_newest_are_kept_and_counted() -> None:
    mailbox = Mailbox(capacity=1)
    for number in range(1, 1_004):
        mailbox.put_trade(trade(BTC, id=str(number), left_out=5 if number == 2 else 0))
    mailbox.put_trade(trade("kraken:BTC-USDT", id="7"))
    first, other, second = [await mailbox.get() for _ in range(3)]
    assert isinstance(first, TradeMessage) and isinstance(other, TradeMessage)
    assert (first.id, first.left_out) == ("4", 8)
    assert (other.exchange, other.left_out) == ("kraken", 0)
    assert isinstance(second, TradeMessage) and (second.id, second.left_out) == ("5", 0)


async def test_of_unread_candles_the_newest_of_each_interval_is_kept_and_those_that_form_are_forgotten() -> (
    None
):
    mailbox = Mailbox(capacity=1)
    closed = kline(closed=True)
    for candle in (closed, kline(volume="1"), kline(volume="2"), kline("binance:BTC-USDT:5m")):
        mailbox.put_candle(candle)
    mailbox.put_book(book(BTC))
    seen = [await mailbox.get() for _ in range(4)]
    assert [getattr(one, "volume", None) for one in seen][:2] == [closed.volume, 2]
    mailbox.put_candle(kline())
    mailbox.put_candle(closed)
    mailbox.put_book(book(BTC))
    mailbox.forget_books()
    assert await mailbox.get() == closed
    assert isinstance(closed, KlineMessage)
