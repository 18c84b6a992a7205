"""An exchange that allows few connections: what there is no room for waits, is told, and gets its turn."""

from dataclasses import replace

import pytest

from support.collector.parts import collecting, until
from support.kraken import LoopbackKraken
from twap_server.domain.errors import BookUnavailable
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.base import Limits, Rate
from twap_server.exchanges.kraken.adapter import KrakenExchange

BOOKS = [InstrumentId("kraken", f"{coin}-USD") for coin in ("AAA", "BTC", "ETH")]


async def test_what_there_is_no_room_for_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(KrakenExchange.limits, symbols_per_connection=1, connections=4)
    monkeypatch.setattr(KrakenExchange, "limits", few)
    venue = LoopbackKraken("AAA", "BTC", "ETH")
    async with venue.serving(), collecting(venue.urls, linger_s=0) as market:
        for one in BOOKS:
            market.hold(one, "test")
        for one in BOOKS[:2]:
            await market.wait_live(one, 10)
        words = "books that are not collected, for it allows no further connection: 1"
        await until(lambda: market.exchanges()[0].reason == words)
        assert (market.exchanges()[0].connections, market.view(BOOKS[2], 1)) == (2, None)
        with pytest.raises(BookUnavailable, match="it allows no further connection: 1"):
            await market.wait_live(BOOKS[2], 0.01)
        market.release(BOOKS[0], "test")
        await market.wait_live(BOOKS[2], 10)
        await until(lambda: market.exchanges()[0].reason == "")


@pytest.mark.parametrize(("allowed", "kept"), [(0, 0), (1, 1), (2, 1), (10, 5)])
def test_each_connection_may_have_a_successor_beside_it(allowed: int, kept: int) -> None:
    assert Limits(connects=Rate(1, 1), connections=allowed).kept_connections == kept
