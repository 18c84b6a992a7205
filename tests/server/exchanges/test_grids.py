"""A grid that cannot be used: the instrument is listed, takes no order, and says why; nothing is guessed."""

from decimal import Decimal

import pytest

from support.asking import told
from support.exchanges import case_of
from support.exchanges.case import GONE
from twap_server.domain.market.errors import WireFormatError
from twap_server.exchanges.decode import number

PRICE = {"filterType": "PRICE_FILTER", "tickSize": "0.01"}
LOT = {"filterType": "LOT_SIZE", "stepSize": "0.00001", "minQty": "0.00001"}


@pytest.mark.parametrize(
    ("name", "change", "fault"),
    [
        ("binance", {"filters": []}, "its tick size is not known"),
        ("binance", {"filters": [PRICE]}, "its lot size is not known"),
        ("binance", {"filters": [PRICE, LOT | {"stepSize": "0.00000000"}]}, "its lot size is not known"),
        ("binance", {"filters": [PRICE | {"tickSize": "-0.01"}, LOT]}, "its tick size cannot be used: -0.01"),
        ("binance", {"filters": [PRICE, LOT | {"stepSize": "1e-30"}]}, "its lot size cannot be used: 1E-30"),
        ("binance", {"filters": [PRICE, LOT | {"minQty": "-1"}]}, "its smallest quantity cannot be used: -1"),
        ("binance", {"filters": [PRICE, LOT]}, ""),
        ("binance", {"baseAsset": ""}, "one of its two assets has no name"),
        ("kraken", {"wsname": "XBT/"}, "one of its two assets has no name"),
        ("kraken", {"lot_decimals": GONE}, "its lot size is not known"),
        ("kraken", {"lot_decimals": 10**12}, "its lot size is not known"),
        ("kraken", {"lot_decimals": -3}, "its lot size is not known"),
        ("kraken", {"lot_decimals": 25}, "its lot size cannot be used: 1E-25"),
        ("kraken", {"pair_decimals": None, "tick_size": None}, "its tick size is not known"),
        ("kraken", {"pair_decimals": None}, ""),
        ("kraken", {"tick_size": "0"}, "its tick size is not known"),
        ("kraken", {"ordermin": "-1"}, "its smallest quantity cannot be used: -1"),
        ("kraken", {"costmin": "1e50"}, "its smallest value cannot be used: 1E+50"),
        ("coinbase", {"base_increment": GONE}, "its lot size is not known"),
        ("coinbase", {"price_increment": "0.00"}, "its tick size is not known"),
        ("coinbase", {"base_increment": "-1"}, "its lot size cannot be used: -1"),
        ("gate", {"precision": GONE}, "its tick size is not known"),
        ("gate", {"amount_precision": 25}, "its lot size cannot be used: 1E-25"),
        ("kucoin", {"priceIncrement": None}, "its tick size is not known"),
        ("kucoin", {"baseIncrement": "-1"}, "its lot size cannot be used: -1"),
        ("gate", {"precision": -1}, "its tick size is not known"),
        ("binance-usdm", {"filters": [PRICE]}, "its lot size is not known"),
        ("binance-usdm", {"filters": [PRICE, LOT]}, ""),
        ("coinbase-exchange", {"quote_increment": "0.00"}, "its tick size is not known"),
        ("cryptocom", {"price_tick_size": "0"}, "its tick size is not known"),
        ("cryptocom", {"qty_tick_size": "-1"}, "its lot size cannot be used: -1"),
        ("bitget", {"quantityPrecision": "25"}, "its lot size cannot be used: 1E-25"),
        ("bitget", {"pricePrecision": "31"}, "its tick size is not known"),
        ("bitget", {"minTradeUSDT": "-1"}, "its smallest value cannot be used: -1"),
        ("gemini", {"quote_increment": 0}, "its tick size is not known"),
        ("gemini", {"tick_size": 1e-30}, "its lot size cannot be used: 1E-30"),
        ("htx", {"pp": -1}, "its tick size is not known"),
        ("htx", {"minoa": -1}, "its smallest quantity cannot be used: -1"),
        ("htx", {"qc": ""}, "one of its two assets has no name"),
        ("mexc", {"baseAssetPrecision": 31}, "its lot size is not known"),
        ("mexc", {"quoteAmountPrecision": "-1"}, "its smallest value cannot be used: -1"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_guessed(name, change, fault):
    case = case_of(name)
    entry = {key: one for key, one in {**case.entry, **change}.items() if one is not GONE}
    listed = told(case.shape().instruments(), *case.lists(entry))
    assert listed.left_out == ()
    (one,) = listed.found
    assert one.fault == fault


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("0", True),
        ("9" * 30, True),
        ("0." + "0" * 17 + "1", True),
        ("1e-18", True),
        ("1e18", True),
        ("9" * 31, False),
        ("0." + "0" * 18 + "1", False),
        ("1e-19", False),
        ("1e19", False),
        ("-1", False),
        ("1" * 300, False),
    ],
)
def test_a_number_that_the_wire_cannot_say_is_refused_where_it_comes_in(text, is_said):
    if is_said:
        assert number(text) == Decimal(text)
        return
    with pytest.raises(WireFormatError):
        number(text)
