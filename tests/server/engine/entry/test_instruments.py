"""engine/: a grid is made once, and anew when the exchange changes what it is made of."""

from dataclasses import replace
from decimal import Decimal

import pytest

from support.clocks import LoopClock
from support.trading import BTC, HandMarket
from twap_models.enums import AGGREGATE, FeeSource, InstrumentKind
from twap_server.domain.errors import UnknownSymbol
from twap_server.domain.market.instrument import InstrumentId
from twap_server.engine.entry.instruments import RulesCache


def test_every_spelling_shares_one_grid() -> None:
    listings = RulesCache(HandMarket(LoopClock()))
    rules = listings.rules("binance", "BTCUSDT")
    assert listings.rules("binance", "BTC-USDT") is rules
    assert rules.name == "binance:BTC-USDT"
    assert listings.rules(AGGREGATE, "BTCUSDT").name == "aggregate:BTC-USDT"
    with pytest.raises(UnknownSymbol):
        listings.rules("binance", "DOGE")


def test_an_order_on_a_perpetual_is_told_what_is_not_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    market = HandMarket(LoopClock())
    rules = RulesCache(market)
    perpetual = replace(BTC, id=InstrumentId("binance-usdm", "BTC-USDT-PERP"), kind=InstrumentKind.PERPETUAL)
    assert rules.rules("binance", "BTC-USDT").notices == ()
    monkeypatch.setattr(market, "find_instrument", lambda exchange, spelling: perpetual)
    (notice,) = rules.rules("binance-usdm", "BTC-USDT-PERP").notices
    assert notice.startswith("BTC-USDT-PERP is a perpetual contract: funding and margin are not simulated")


def test_a_perpetual_that_is_named_as_spot_is_unusable() -> None:
    misnamed = replace(BTC, kind=InstrumentKind.PERPETUAL)
    assert misnamed.fault == "its name BTC-USDT is not that of a perpetual instrument"
    assert replace(misnamed, id=InstrumentId("binance", "BTC-USDT-PERP")).fault == ""


def test_another_fee_or_lot_makes_another_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    market = HandMarket(LoopClock())
    listings = RulesCache(market)
    before = listings.rules("binance", "BTCUSDT")
    market.fee = Decimal("0.001")
    dearer = listings.rules("binance", "BTCUSDT")
    assert (before.destinations[0].fee, dearer.destinations[0].fee) == (0, Decimal("0.001"))
    coarser = replace(BTC, lot_size=Decimal("0.01"))
    monkeypatch.setattr(market, "find_instrument", lambda exchange, spelling: coarser)
    assert listings.rules("binance", "BTCUSDT").lot_size == Decimal("0.01")
    assert listings.rules(AGGREGATE, "BTCUSDT").lot_size == Decimal("0.01")


def test_published_fees_take_the_place_of_those_of_the_settings() -> None:
    market = HandMarket(LoopClock())
    market.fee = Decimal("0.002")
    listings = RulesCache(market)
    published = listings.rules("binance", "BTCUSDT", FeeSource.PUBLISHED)
    assert (published.destinations[0].fee, published.notices) == (Decimal("0.001"), ())
    assert listings.rules("binance", "BTCUSDT").destinations[0].fee == Decimal("0.002")
    assert listings.rules("binance", "BTCUSDT", FeeSource.PUBLISHED) is published


def test_where_no_published_fee_is_known_that_of_the_settings_applies_and_is_told() -> None:
    market = HandMarket(LoopClock())
    market.fee, market.published = Decimal("0.002"), None
    rules = RulesCache(market).rules("binance", "BTCUSDT", FeeSource.PUBLISHED)
    assert rules.destinations[0].fee == Decimal("0.002")
    (notice,) = rules.notices
    assert notice == (
        "what binance publishes as its taker fee is not known: the fee of the settings applies, 0.2 %"
    )
