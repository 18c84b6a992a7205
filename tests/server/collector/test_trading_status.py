"""What an exchange says of itself and of its instruments reaches whoever trades there, on a real socket."""

from contextlib import asynccontextmanager

import pytest

from support.collector.parts import HastyClock, collecting, until
from support.collector.venues import INFO, scripted
from support.kraken import LoopbackKraken
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId

BTC, ETH = InstrumentId("kraken", "BTC-USD"), InstrumentId("kraken", "ETH-USD")
TETHER = InstrumentId("binance", "BTC-USDT")


@asynccontextmanager
async def kraken(*instruments, **settings):
    venue = LoopbackKraken()
    async with venue.serving(), collecting(venue.urls, **settings) as market:
        for one in instruments:
            market.hold(one, "test")
        for one in instruments:
            await market.wait_live(one, 10)
        yield venue, market


def statuses(market, *instruments):
    return [market.trading_status(one) for one in instruments]


@pytest.mark.parametrize("word", ["maintenance", "cancel_only", "post_only", "limit_only"])
async def test_a_state_of_the_exchange_counts_for_all_it_lists_until_it_says_otherwise(word):
    async with kraken(BTC) as (venue, market):
        await venue.turn(word)
        await until(lambda: statuses(market, BTC, ETH) == [word, word])
        (told,) = market.exchanges()
        assert (told.state, told.market_status, told.reason) == (
            "connected",
            word,
            f"the exchange says: {word}",
        )
        view = market.view(BTC, 1)
        assert (view.status, view.reason) == (BookStatus.LIVE, f"not trading: {word}")
        assert market.find_instrument("kraken", "BTCUSD").status == word
        await venue.turn("online")
        await until(lambda: statuses(market, BTC, ETH) == ["trading", "trading"])
        assert (market.exchanges()[0].reason, market.view(BTC, 1).reason) == ("", "")


async def test_a_pair_is_halted_alone_and_its_own_state_outlives_that_of_the_exchange():
    async with kraken(BTC) as (venue, market):
        await venue.turn_pair("BTC/USD", "cancel_only")
        await until(lambda: statuses(market, BTC, ETH) == ["cancel_only", "trading"])
        await venue.turn("limit_only")
        await until(lambda: statuses(market, BTC, ETH) == ["cancel_only", "limit_only"])
        await venue.turn("online")
        await venue.turn_pair("BTC/USD", "online")
        await until(lambda: statuses(market, BTC, ETH) == ["trading", "trading"])


async def test_who_connects_learns_the_state_at_once():
    venue = LoopbackKraken()
    venue.system = "maintenance"
    async with venue.serving(), collecting(venue.urls) as market:
        market.hold(BTC, "test")
        await until(lambda: market.exchanges()[0].market_status == "maintenance")


async def test_what_only_the_stream_tells_is_not_kept_when_nobody_listens():
    async with kraken(BTC, linger_s=0) as (venue, market):
        await venue.turn("maintenance")
        await venue.turn_pair("ETH/USD", "cancel_only")
        await until(lambda: statuses(market, BTC, ETH) == ["maintenance", "cancel_only"])
        market.release(BTC, "test")
        venue.pairs["ETH/USD"].status = "online"
        await until(lambda: statuses(market, BTC, ETH) == ["trading", "trading"])
        assert (market.exchanges()[0].state, venue.sockets) == ("idle", [])


async def test_a_pair_that_the_stream_calls_delisted_is_delisted():
    async with kraken(BTC) as (venue, market):
        await venue.turn_pair("BTC/USD", "delisted")
        await until(lambda: statuses(market, BTC, ETH) == ["delisted", "trading"])


async def test_where_the_stream_does_not_tell_the_exchange_is_asked():
    async with scripted() as venue, collecting(venue.urls, quiet_proof_s=0, clock=HastyClock()) as market:
        market.hold(TETHER, "test")
        await market.wait_live(TETHER, 10)
        venue.info = {"symbols": [INFO["symbols"][0] | {"status": "HALT"}, INFO["symbols"][1]]}
        await until(lambda: market.trading_status(TETHER) == "halt")
        assert any("symbols=%5B%22BTCUSDT%22%5D" in str(one) for one in venue.requests)
        venue.info = INFO
        await until(lambda: market.trading_status(TETHER) == "trading")


async def test_what_left_the_list_is_delisted_only_when_its_exchange_does_not_know_it():
    settings = {"quiet_proof_s": 0, "instruments_refresh_s": 1, "clock": HastyClock()}
    async with scripted() as venue, collecting(venue.urls, **settings) as market:
        market.hold(TETHER, "test")
        await market.wait_live(TETHER, 10)
        venue.info = {"symbols": [INFO["symbols"][1]]}
        await until(lambda: market.trading_status(TETHER) == "not_listed")
        snapshots = venue.snapshots
        await until(lambda: venue.snapshots > snapshots)  # asked, and still known
        assert market.trading_status(TETHER) == "not_listed"
        venue.unknown = {"BTCUSDT"}
        await until(lambda: market.trading_status(TETHER) == "delisted")
        venue.unknown, venue.info = set(), INFO
        await until(lambda: market.trading_status(TETHER) == "trading")
        await market.wait_live(TETHER, 10)
