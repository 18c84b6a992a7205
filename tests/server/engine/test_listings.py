"""engine/: a grid is made once, and anew when the exchange changes what it is made of."""

from dataclasses import replace
from decimal import Decimal

import pytest

from support.clocks import LoopClock
from support.trading import BTC, HandMarket
from twap_models.enums import AGGREGATE
from twap_server.domain.errors import UnknownSymbol
from twap_server.engine.entry.instruments import Listings


def test_every_spelling_shares_one_grid() -> None:
    listings = Listings(HandMarket(LoopClock()))
    grid = listings.grid("binance", "BTCUSDT")
    assert listings.grid("binance", "BTC-USDT") is grid
    assert grid.name == "binance:BTC-USDT"
    assert listings.grid(AGGREGATE, "BTCUSDT").name == "aggregate:BTC-USDT"
    with pytest.raises(UnknownSymbol):
        listings.grid("binance", "DOGE")


def test_another_fee_or_lot_makes_another_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    market = HandMarket(LoopClock())
    listings = Listings(market)
    before = listings.grid("binance", "BTCUSDT")
    market.fee = Decimal("0.001")
    dearer = listings.grid("binance", "BTCUSDT")
    assert (before.legs[0].fee, dearer.legs[0].fee) == (0, Decimal("0.001"))
    coarser = replace(BTC, lot_size=Decimal("0.01"))
    monkeypatch.setattr(market, "find_instrument", lambda exchange, spelling: coarser)
    assert listings.grid("binance", "BTCUSDT").lot_size == Decimal("0.01")
    assert listings.grid(AGGREGATE, "BTCUSDT").lot_size == Decimal("0.01")
