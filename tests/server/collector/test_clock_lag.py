"""How late an exchange's changes arrive, on a real socket."""

from support.collector.parts import collecting, until
from support.collector.venues import scripted
from twap_server.clock import SystemClock
from twap_server.domain.clock import MILLISECOND, SECOND
from twap_server.domain.market.instrument import InstrumentId

BTC = InstrumentId("binance", "BTC-USDT")


async def test_a_clock_that_differs_is_told_once_and_where_exchanges_are_listed(caplog):
    clock = SystemClock()
    async with scripted() as venue, collecting(venue.urls, quiet_proof_s=0) as market:
        market.hold(BTC, "test")
        await market.wait_live(BTC, 10)
        assert market.view(BTC, 1).lag is None, "a snapshot has no time"
        assert market.exchanges()[0].lag is None
        venue.event_ms = clock.now() // MILLISECOND - 8_500
        await venue.step(3)
        await until(lambda: market.exchanges()[0].clock_warning)
        assert 8.5 * SECOND <= market.view(BTC, 1).lag < 20 * SECOND
        (status,) = market.exchanges()
        assert status.lag == market.view(BTC, 1).lag or status.lag < market.view(BTC, 1).lag
        assert "this server's clock is ahead, or the feed is late" in status.reason
        assert status.state == "connected"
    assert sum("the feed is late" in record.message for record in caplog.records) == 1
