"""A book that the other side says it has lost: not live from then on, and live again with the next one."""

import random

import msgspec

from support.collector.parts import QUICK, until
from support.scripted_ccxt import ScriptedApi, book
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.bridge.opening import Opened
from twap_server.bridge.service import Service
from twap_server.clock import SystemClock
from twap_server.collector.config import CollectorConfig, ExchangeConfig
from twap_server.collector.market_data import LiveMarket
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.ccxt import wire
from twap_server.exchanges.ccxt.adapter import CcxtExchange

BTC = InstrumentId("ccxt-scripted", "BTC-USDT")


def shape_at(ready: wire.Ready) -> type[CcxtExchange]:
    """An exchange whose bridge runs already."""

    class Scripted(CcxtExchange):
        name = BTC.exchange
        bridge = None  # type: ignore[assignment]

        def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
            super().__init__(depth=depth)
            self.hear_bridge(msgspec.json.encode(ready))

    return Scripted


async def test_a_lost_book_is_not_live_until_the_next() -> None:
    api, clock = ScriptedApi(watchOrderBook=True), SystemClock()
    precision = {"price": 0.1, "amount": 0.001}
    market = {"symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "spot": True, "precision": precision}
    api.markets = {"BTC/USDT": market}
    async with Service(Opened(api=api, version="4.5"), depth=10, clock=clock) as service:
        settings = ExchangeConfig(symbols=(BTC.symbol,))
        async with LiveMarket(
            [shape_at(service.ready())],
            CollectorConfig(exchanges={BTC.exchange: settings}, **QUICK),
            registry=BookRegistry(),
            interest=BookInterest(clock),
            clock=clock,
            rng=random.Random(1),
        ) as collected:

            def status() -> BookStatus | None:
                found = collected.view(BTC, 1)
                return found and found.status

            await until(lambda: api.watched, 20)
            api.push(book(100.0))
            await until(lambda: status() is BookStatus.LIVE, 20)
            api.push(ConnectionError("gone"))
            await until(lambda: status() is BookStatus.RESYNCING, 20)
            watched = api.watched
            await until(lambda: api.watched > watched, 20)
            api.push(book(101.0))
            await until(lambda: status() is BookStatus.LIVE, 20)
