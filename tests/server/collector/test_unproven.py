"""Coinbase's Exchange feed proves nothing: a loss is not noticed but never stays; other faults are healed."""

from contextlib import asynccontextmanager

from support.coinbase_exchange import LoopbackCoinbaseExchange
from support.collector.parts import collecting, statuses, until
from twap_models.enums import Integrity
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId

BTC, ETH = InstrumentId("coinbase-exchange", "BTC-USD"), InstrumentId("coinbase-exchange", "ETH-USD")


@asynccontextmanager
async def live(*instruments, **settings):
    venue = LoopbackCoinbaseExchange()
    async with venue.serving(), collecting(venue.urls, **settings) as market:
        for one in instruments:
            market.hold(one, "test")
        for one in instruments:
            await market.wait_live(one, 10)
        yield venue, market


def quantity(market, instrument=BTC):
    view = market.view(instrument, 1)
    return int(view.bids[0].quantity) if view.status is BookStatus.LIVE else None


async def test_a_book_goes_live_and_follows_and_is_not_called_proven():
    async with live(BTC, ETH) as (venue, market):
        await venue.send(venue.change(), venue.change("ETH-USD"), venue.change())
        await until(lambda: (quantity(market), quantity(market, ETH)) == (3, 2))
        (status,) = market.exchanges()
        assert (status.state, status.integrity) == ("connected", Integrity.NONE)
        assert venue.asked("subscribe", "matches") == ["BTC-USD", "ETH-USD"]
        assert venue.asked("subscribe", "heartbeat")


async def test_what_is_lost_is_not_noticed_but_does_not_stay():
    async with live(BTC, refresh_s=2) as (venue, market), statuses(market, BTC) as seen:
        venue.change()
        await venue.send(venue.change(price="99.00"))
        await until(lambda: market.view(BTC, 2).bids[1:])
        assert (quantity(market), seen) == (1, [])
        await until(lambda: quantity(market) == venue.sizes["BTC-USD"])
        assert seen[0] == (BookStatus.RESYNCING, "asked for anew, because nothing proves it")
        assert seen[1][0] is BookStatus.LIVE
        assert venue.asked("unsubscribe", "level2_batch")[:1] == ["BTC-USD"]
        assert not venue.asked("unsubscribe", "matches")
        assert len(venue.sockets) == 1


async def test_a_crossed_book_is_never_live():
    async with live(BTC) as (venue, market), statuses(market, BTC) as seen:
        await venue.send(venue.change(price="101.00"))
        await until(lambda: seen)
        assert seen[0] == (BookStatus.RESYNCING, "the best bid is at or above the best ask")
        await until(lambda: quantity(market) == venue.sizes["BTC-USD"])


async def test_a_refused_product_stops_alone():
    venue = LoopbackCoinbaseExchange()
    venue.refused = {"ETH-USD"}
    async with venue.serving(), collecting(venue.urls) as market:
        market.hold(BTC, "test")
        market.hold(ETH, "test")
        await market.wait_live(BTC, 10)
        view = await until(lambda: (view := market.view(ETH, 1)) and "does not know" in view.reason and view)
        assert view.status is BookStatus.DOWN
        assert "valid product" not in view.reason
        assert market.view(BTC, 1).status is BookStatus.LIVE


async def test_nothing_acknowledged_means_another_connection():
    venue = LoopbackCoinbaseExchange()
    venue.mute_acks = True
    async with venue.serving(), collecting(venue.urls, ack_timeout_s=1) as market:
        market.hold(BTC, "test")
        await until(lambda: market.view(BTC, 1) and "acknowledge" in market.view(BTC, 1).reason)
        venue.mute_acks = False
        await until(lambda: market.view(BTC, 1).status is BookStatus.LIVE)


async def test_demand_is_followed_on_the_open_connection():
    async with live(BTC, linger_s=0) as (venue, market):
        market.hold(ETH, "a")
        await market.wait_live(ETH, 10)
        market.release(ETH, "a")
        await until(lambda: venue.asked("unsubscribe", "level2_batch") == ["ETH-USD"])
        await until(lambda: market.view(ETH, 1) is None)
        market.hold(ETH, "b")
        await market.wait_live(ETH, 10)
        assert market.view(BTC, 1).status is BookStatus.LIVE
        assert len(venue.sockets) == 1
