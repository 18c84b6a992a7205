"""How collected books fare, asked of the whole market while it collects."""

import pytest

from support.collector.parts import collecting, until
from support.collector.venues import scripted
from twap_server.domain.errors import UnknownExchange
from twap_server.domain.market.instrument import InstrumentId

BTC = InstrumentId("binance", "BTC-USDT")


async def test_a_gap_and_a_lost_connection_are_told_of_the_book_they_happened_to():
    async with scripted() as venue, collecting(venue.urls, quiet_proof_s=0) as market:
        assert market.collected("binance") == []
        market.hold(BTC, "test")
        await market.wait_live(BTC, 10)

        def told():
            (one,) = market.collected("BINANCE")
            return one

        assert (told().instrument, told().status, told().resyncs, told().reconnects) == (BTC, "live", 0, 0)
        before = told().changes
        await venue.step(3)
        await until(lambda: told().changes >= before + 3 and told().last_change)
        venue.last_id += 10
        await venue.step()
        await until(lambda: told().resyncs == 1)
        await until(lambda: told().status == "live")
        await until(lambda: told().changes_per_second, seconds=20)
        await venue.sockets[0].close()
        await until(lambda: told().reconnects == 1 and told().status == "live")
        names = [str(state.status) for state in told().history]
        assert names[-1] == "live"
        assert names.index("stale") > names.index("resyncing")
        with pytest.raises(UnknownExchange):
            market.collected("nowhere")


async def test_a_book_says_that_its_instrument_does_not_trade():
    async with scripted() as venue:
        venue.info = {"symbols": [{**one, "status": "HALT"} for one in venue.info["symbols"]]}
        async with collecting(venue.urls, quiet_proof_s=0) as market:
            market.hold(BTC, "test")
            await market.wait_live(BTC, 10)
            (told,) = market.collected("binance")
            assert (told.status, told.reason) == ("live", market.view(BTC, 1).reason)
            assert "not trading" in told.reason
