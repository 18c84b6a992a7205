"""An exchange nobody wants anything of holds no connection, and that is no failure."""

from support.collector.parts import collecting, until
from support.kraken import LoopbackKraken
from twap_server.domain.market.instrument import InstrumentId

BTC, ETH = InstrumentId("kraken", "BTC-USD"), InstrumentId("kraken", "ETH-USD")


def state(market):
    (told,) = market.exchanges()
    return told.state, told.connections


async def test_a_connection_is_opened_for_somebody_and_closed_after_the_last():
    venue = LoopbackKraken()
    async with venue.serving(), collecting(venue.urls, linger_s=0) as market:
        await until(lambda: state(market) == ("idle", 0))
        assert (venue.connections, market.loaded("kraken")) == (0, True)
        assert "nobody wants a book" in market.exchanges()[0].reason
        for number in (1, 2):
            market.hold(BTC, "a")
            market.hold(ETH, "b")
            await market.wait_live(BTC, 10)
            await market.wait_live(ETH, 10)
            assert (state(market), venue.connections) == (("connected", 1), number)
            market.release(BTC, "a")
            await until(lambda: market.view(BTC, 1) is None)
            assert state(market) == ("connected", 1), "somebody wants the other"
            market.release(ETH, "b")
            await until(lambda: state(market) == ("idle", 0) and not venue.sockets)


async def test_what_is_collected_all_the_time_keeps_its_connection():
    venue = LoopbackKraken()
    async with venue.serving():
        urls = {"kraken": venue.urls["kraken"] | {"symbols": ("BTC-USD",)}}
        async with collecting(urls, linger_s=0) as market:
            await market.wait_live(BTC, 10)
            assert state(market) == ("connected", 1)


async def test_an_idle_exchange_whose_list_cannot_be_had_is_down(unused_tcp_port):
    nowhere = f"127.0.0.1:{unused_tcp_port}"
    urls = {"kraken": {"ws_url": f"ws://{nowhere}", "rest_url": f"http://{nowhere}"}}
    async with collecting(urls) as market:
        await until(lambda: "nothing listens there" in market.exchanges()[0].reason)
        assert state(market) == ("down", 0)
