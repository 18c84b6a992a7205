"""exchanges/taker_fees.py: every exchange has a line, with where its fee is published and who said so."""

from datetime import date
from decimal import Decimal

import pytest

from twap_models.enums import InstrumentKind
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.registry import EXCHANGES
from twap_server.exchanges.taker_fees import LOOKED_UP, TAKER_FEES, published_fee


def test_every_exchange_has_a_line() -> None:
    assert sorted(TAKER_FEES) == sorted(one.name for one in EXCHANGES)


@pytest.mark.parametrize("name", sorted(TAKER_FEES))
def test_a_line_says_where_it_is_from_or_that_it_is_not_known(name: str) -> None:
    fee = TAKER_FEES[name]
    assert fee.url.startswith("https://")
    assert fee.seen
    if fee.as_of != "undated":
        assert date.fromisoformat(fee.as_of) <= date.fromisoformat(LOOKED_UP)
    known = [value for value in (fee.spot, fee.perpetual) if value is not None]
    assert bool(known) is not fee.seen.startswith("not known")
    assert all(0 <= value <= Decimal("0.02") for value in known)


def test_a_perpetual_has_its_own_fee() -> None:
    assert published_fee(InstrumentId("hyperliquid", "BTC-USDC-PERP")) == Decimal("0.00045")
    assert published_fee(InstrumentId("hyperliquid", "HYPE-USDC")) == Decimal("0.0007")
    assert TAKER_FEES["binance"].of(InstrumentKind.PERPETUAL) is None


def test_of_an_exchange_that_ccxt_collects_nothing_is_known() -> None:
    assert published_fee(InstrumentId("poloniex", "BTC-USDT")) is None
