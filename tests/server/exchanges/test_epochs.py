"""Times that exchanges send as whole numbers: their digits tell whether they count seconds, ms, us or ns."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.asking import page, told
from support.exchanges import case_of
from twap_server.domain.clock import SECOND, from_epoch, unit_of
from twap_server.domain.market.errors import WireFormatError
from twap_server.exchanges.binance import mapper
from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.exchanges.coinbase_exchange import rest as coinbase
from twap_server.exchanges.decode import from_epoch as decoded
from twap_server.exchanges.kraken import rest as kraken

MOMENT = 1_723_161_240 * SECOND
UNITS = (SECOND, 1_000_000, 1_000, 1)
SYMBOLS = {"BTCUSDT": "BTC-USDT"}


@given(st.integers(100_000_000, 9_223_372_036), st.sampled_from(UNITS))
def test_every_second_since_1973_is_read_in_every_unit(seconds: int, unit: int) -> None:
    number = seconds * SECOND // unit
    assert unit_of(number) == unit
    assert from_epoch(number) == seconds * SECOND


@pytest.mark.parametrize("number", [-1, 10**10, 10**19, 10**30])
def test_no_time_at_all_is_refused(number: int) -> None:
    with pytest.raises(WireFormatError, match="a time is out of range"):
        decoded(number)


@pytest.mark.parametrize("unit", UNITS)
def test_binance_may_send_any_unit(unit: int) -> None:
    time = MOMENT // unit
    change = {"e": "depthUpdate", "E": time, "s": "BTCUSDT", "U": 1, "u": 2, "b": [["1", "2"]], "a": []}
    trade = {"e": "trade", "E": time, "T": time, "s": "BTCUSDT", "t": 1, "p": "1", "q": "2", "m": True}
    for data in (change, trade):
        raw = json.dumps({"stream": "btcusdt@x", "data": data})
        (event,) = mapper.spot_events(raw, SYMBOLS)
        assert event.ts_exchange == MOMENT  # type: ignore[union-attr]


@pytest.mark.parametrize("unit", UNITS)
def test_candles_may_come_in_any_unit(unit: int) -> None:
    begin, end = MOMENT // unit, (MOMENT + 60 * SECOND) // unit
    rows = json.dumps([[begin, "1", "2", "1", "2", "5", end, "6", 1, "1", "1", "0"]]).encode()
    (candle,) = told(BinanceExchange().candles(case_of("binance").instrument(), page()), rows).found
    assert (candle.open_time, candle.close_time) == (MOMENT, MOMENT + 60 * SECOND)
    body = json.dumps(
        {"error": [], "result": {"X": [[begin, "1", "2", "1", "2", "1", "5", 1]], "last": begin}}
    )
    (candle,) = kraken.candles(body.encode(), 1).found
    assert candle.open_time == MOMENT and 0 < candle.close_time - MOMENT < 60 * SECOND
    (candle,) = coinbase.candles(json.dumps([[begin, 1, 2, 1, 2, 5]]).encode(), 60).found
    assert candle.open_time == MOMENT and 0 < candle.close_time - MOMENT < 60 * SECOND
