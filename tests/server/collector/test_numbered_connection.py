"""A connection that is numbered as a whole: one lost message ends it, its books begin anew on the next."""

from support.collector.parts import until
from support.exchanges import case_of
from support.exchanges.coinbase import book, message
from support.exchanges.loopback import collected
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId

BTC = InstrumentId("coinbase", "BTC-USD")


async def test_a_lost_message_of_any_channel_ends_the_connection_and_the_book_comes_back() -> None:
    async with collected(case_of("coinbase")) as (exchange, market):
        market.hold(BTC, "test")
        await market.wait_live(BTC, 10)
        await until(lambda: len(exchange.requests) == 3)
        live = market.live_book(BTC)
        (socket,) = exchange.sockets
        await socket.send(message("l2_data", 4, book("update", "BTC-USD", ("bid", "60000.20", "3"))))
        await until(lambda: live.book.best_bid().quantity == 3)
        await socket.send(message("heartbeats", 6, {}))
        await until(lambda: exchange.connections == 2)
        await market.wait_live(BTC, 10)
        view = market.view(BTC, 1)
        assert view is not None and view.status is BookStatus.LIVE
        assert str(view.bids[0].price) == "60000.10"
