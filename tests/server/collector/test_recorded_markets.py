"""Recorded markets through the real collector over a loopback socket."""

import asyncio
import itertools
import json
from decimal import Decimal

import pytest

from support.coinbase_exchange import LoopbackCoinbaseExchange, recorded
from support.collector.parts import collecting, until
from support.recordings import (
    BINANCE_BTCUSDT,
    COINBASE_PRODUCTS,
    COINBASE_SIX,
    KRAKEN_BTCUSD,
    recording,
    rows,
)
from twap_server.books.live import LiveBook
from twap_server.clock import SystemClock
from twap_server.domain.market.events import BookChange
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.chain import Chain
from twap_server.exchanges.coinbase_exchange.adapter import CoinbaseExchangeStream
from twap_server.exchanges.kraken.sequencer import KrakenSequencer
from twap_server.venue.recording import RecordingSource
from twap_server.venue.server import Venue


class Patient(RecordingSource):
    """Plays the first rows, then waits until the snapshot was asked for: the recorded one then still fits."""

    rows_played = 0

    def snapshot_text(self, symbol, limit):
        self.asked.set()
        return super().snapshot_text(symbol, limit)

    async def _pace(self, offset, begun):
        self.rows_played += 1
        if self.rows_played > 12:
            await self.asked.wait()
        await super()._pace(offset, begun)


@pytest.mark.long
async def test_binance_every_link_and_every_best_price(monkeypatch):
    path = recording(BINANCE_BTCUSDT)
    tickers = {}
    for row in rows(path):
        if '@bookTicker"' in row["raw"]:
            data = json.loads(row["raw"])["data"]
            tickers[data["u"]] = data
    seen, best, faults = [], {}, []
    admit = Chain.admit

    def watched_admit(self, change):
        seen.append((change.first_id, change.last_id))
        return admit(self, change)

    def watched_verify(self, event, book):
        if isinstance(event, BookChange):
            best[event.last_id] = (book.best_bid(), book.best_ask())

    monkeypatch.setattr(Chain, "admit", watched_admit)
    monkeypatch.setattr(Chain, "verify", watched_verify)
    monkeypatch.setattr(LiveBook, "_fail", lambda self, error, change: faults.append(error))
    clock = SystemClock()
    bitcoin = InstrumentId("binance", "BTC-USDT")
    source = Patient(path, clock=clock, speed=0, loop=False)
    source.asked = asyncio.Event()
    async with (
        Venue(source, clock=clock) as venue,
        collecting({"binance": venue.urls()["binance"]}) as market,
    ):
        trades = []
        market.registry.trades.listen(lambda instrument, trade: trades.append(trade))
        market.hold(bitcoin, "test")
        await until(lambda: len(seen) >= 6_495 and len(trades) >= 19_904, seconds=60)

    assert not faults
    assert sum(after[0] == before[1] + 1 for before, after in itertools.pairwise(seen)) == 6_494
    assert len(best) == 6_493
    matched = [last_id for last_id in best if last_id in tickers]
    assert len(matched) == 1_072
    for last_id in matched:
        (bid, bid_quantity), (ask, ask_quantity) = best[last_id]
        ticker = tickers[last_id]
        assert [bid, bid_quantity, ask, ask_quantity] == [Decimal(ticker[key]) for key in "bBaA"]


@pytest.mark.long
async def test_kraken_every_checksum(monkeypatch):
    verified = []
    verify = KrakenSequencer.verify

    def watched(self, event, book):
        verify(self, event, book)
        assert event.checksum is not None
        verified.append(event.checksum)

    monkeypatch.setattr(KrakenSequencer, "verify", watched)
    clock = SystemClock()
    source = RecordingSource(recording(KRAKEN_BTCUSD), clock=clock, speed=0, loop=False)
    urls = {}
    async with Venue(source, clock=clock) as venue:
        urls["kraken"] = venue.urls()["kraken"]
        async with collecting(urls, depth=10) as market:
            bitcoin = market_instrument(await until(lambda: market.loaded("kraken") and market))
            market.hold(bitcoin, "test")
            await until(lambda: len(verified) >= 118, seconds=30)
            assert market.view(bitcoin, 10).status.value == "live"
    assert len(verified) == 118


def market_instrument(market):
    return market.find_instrument("kraken", "XBT/USD").id


@pytest.mark.long
async def test_coinbase_every_change_and_every_ticker(monkeypatch):
    (products,) = rows(recording(COINBASE_PRODUCTS))
    frames = list(recorded(recording(COINBASE_SIX)))
    names = sorted({json.loads(one)["product_id"] for one in frames if '"snapshot"' in one})
    changes, faults, tickers = [], [], []
    decode, change, fail = CoinbaseExchangeStream.decode, LiveBook.on_change, LiveBook._fail

    def watched_decode(self, raw):
        if b'"ticker"' in raw:
            data = json.loads(raw)
            book = market.live_book(InstrumentId("coinbase-exchange", data["product_id"])).book
            best = [str(one.price) for one in (book.best_bid(), book.best_ask())]
            tickers.append(best == [data["best_bid"], data["best_ask"]])
        return decode(self, raw)

    def watched_change(self, event, now):
        changes.append(event)
        change(self, event, now)

    def watched_fail(self, error, event):
        faults.append(error)
        fail(self, error, event)

    monkeypatch.setattr(CoinbaseExchangeStream, "decode", watched_decode)
    monkeypatch.setattr(LiveBook, "on_change", watched_change)
    monkeypatch.setattr(LiveBook, "_fail", watched_fail)
    venue = LoopbackCoinbaseExchange(products["raw"].encode(), plays=frames, when=set(names))
    async with venue.serving(), collecting(venue.urls) as market:
        trades = []
        market.registry.trades.listen(
            lambda instrument, trade: trades.append((instrument, int(trade.trade_id)))
        )
        for name in names:
            market.hold(InstrumentId("coinbase-exchange", name), "test")
        await until(lambda: len(changes) >= 6_348 and len(trades) >= 81, seconds=30)
        assert {market.view(InstrumentId("coinbase-exchange", name), 1).status.value for name in names} == {
            "live"
        }
    assert not faults
    assert (len(changes), sum(tickers), len(tickers)) == (6_348, 84, 87)
    for name in names:
        ids = [number for instrument, number in trades if instrument.symbol == name]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
