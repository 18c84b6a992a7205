"""Lists are read entry by entry: a bad one is named and costs no other; a book is read whole or not."""

import json
from decimal import Decimal

import pytest

from support.instruments import instrument
from support.listings import BINANCE, GONE, GOOD, read
from twap_server.domain.market.errors import FeedError, WireFormatError
from twap_server.domain.market.order_book import OrderBook
from twap_server.exchanges.binance.adapter import BinanceExchange
from twap_server.exchanges.coinbase.adapter import CoinbaseExchange
from twap_server.exchanges.kraken.adapter import KrakenExchange

FIRST = {"binance": "BTCUSDT", "kraken": "PAIR0", "coinbase": "BTC-USD"}
BAD = [
    ("binance", {"baseAsset": None}),
    ("binance", {"filters": GONE}),
    ("binance", {"filters": None}),
    ("binance", {"filters": [None]}),
    ("binance", {"filters": [{"filterType": "PRICE_FILTER", "tickSize": 0.01}]}),
    ("binance", {"filters": [{"filterType": "LOT_SIZE", "stepSize": None}]}),
    ("binance", {"filters": [{"filterType": "LOT_SIZE", "stepSize": "one"}]}),
    ("binance", {"status": 1}),
    ("kraken", {"altname": None}),
    ("kraken", {"wsname": 5}),
    ("kraken", {"pair_decimals": "1"}),
    ("kraken", {"ordermin": 0.0001}),
    ("kraken", {"tick_size": "NaN"}),
    ("coinbase", {"base_currency": None}),
    ("coinbase", {"quote_increment": 0.01}),
    ("coinbase", {"base_increment": "1_0"}),
    ("coinbase", {"post_only": "no"}),
]


@pytest.mark.parametrize(("name", "change"), BAD)
def test_a_bad_entry_is_named_and_costs_no_other(name, change):
    bad = {key: one for key, one in (GOOD[name] | change).items() if one is not GONE}
    listed = read(name, bad, GOOD[name])
    assert listed.left_out == (FIRST[name],)
    assert [one.id.symbol for one in listed.found] in (["BTC-USDT"], ["BTC-USD"])


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("bad", [None, 5, [], "text", {}])
def test_an_entry_that_is_no_entry_is_named_by_its_place(name, bad):
    listed = read(name, GOOD[name], bad, GOOD[name])
    assert listed.left_out == ("PAIR1" if name == "kraken" else "entry 1",)
    assert len(listed.found) == 2


NEW_FILTER = {"filterType": "NEW", "minQty": 7, "tickSize": None}


@pytest.mark.parametrize(
    ("name", "change", "status"),
    [
        ("binance", {"status": "ON_HOLD", "permissionSets": [["X"]], "new": {"deep": [None]}}, "on_hold"),
        ("binance", {"filters": [*BINANCE["filters"], NEW_FILTER]}, "trading"),
        ("kraken", {"status": "Paused", "fees": None, "new": [1]}, "paused"),
        ("coinbase", {"status": "Asleep", "new": None, "max_slippage_percentage": 0.1}, "asleep"),
    ],
)
def test_what_is_new_is_no_error(name, change, status):
    listed = read(name, GOOD[name] | change)
    (plain,), (one,) = read(name, GOOD[name]).found, listed.found
    assert (listed.left_out, one.status) == ((), status)
    assert (one.id, one.tick_size, one.lot_size) == (plain.id, plain.tick_size, plain.lot_size)


ROWS = {
    "binance": [60_000, "1", "3", "0.5", "2", "7", 119_999, "9", 1, "1", "1", "0"],
    "kraken": [60, "1", "3", "0.5", "2", "1.5", "7", 3],
    "coinbase": [60, 0.5, 3, 1, 2, 7],
}


def candles(name, *rows):
    body = {"error": [], "result": {"XBTUSD": rows, "last": 1}} if name == "kraken" else rows
    exchange, native = {
        "binance": (BinanceExchange(), "1m"),
        "kraken": (KrakenExchange(), "1"),
        "coinbase": (CoinbaseExchange(), "60"),
    }[name]
    return exchange.parse_klines(json.dumps(body).encode(), native)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("bad", [None, {}, [], "row", 0, 1, 2, 3, 4, 5])
def test_a_candle_that_cannot_be_read_is_left_out_and_named(name, bad):
    good, row = ROWS[name], bad
    if isinstance(bad, int):
        row = [*good[:bad], None, *good[bad + 1 :]]
    listed = candles(name, good, row, good)
    assert len(listed.found) == 2
    assert (listed.found[0].open, listed.found[0].high, listed.found[0].low) == (1, 3, Decimal("0.5"))
    assert (listed.found[0].close, listed.found[0].volume) == (2, 7)
    assert len(listed.left_out) == 1
    assert listed.left_out[0].startswith("row 1")


@pytest.mark.parametrize("name", ROWS)
def test_a_row_may_grow(name):
    listed = candles(name, [*ROWS[name], "new", None, {}])
    assert (listed.found, listed.left_out) == (candles(name, ROWS[name]).found, ())


LEVEL = {"binance": ["1", "2"], "kraken": ["1", "2", 3], "coinbase": ["1", "2", 3]}


@pytest.mark.parametrize("name", LEVEL)
@pytest.mark.parametrize(
    "bad", [None, {}, [], ["1"], ["1", None, 3], [1, "2", 3], ["x", "2", 3], ["1", "-2", 3]]
)
def test_a_snapshot_with_one_bad_level_is_none(name, bad):
    exchange = {"binance": BinanceExchange, "kraken": KrakenExchange, "coinbase": CoinbaseExchange}[name]()
    good = LEVEL[name]
    level = bad[: len(good)] if isinstance(bad, list) else bad
    book = {"lastUpdateId": 1, "bids": [good, level], "asks": []}
    body = {"error": [], "result": {"XBTUSD": book}} if name == "kraken" else book
    with pytest.raises(WireFormatError):
        OrderBook().replace(exchange.parse_depth(json.dumps(body).encode(), instrument(name)))
    book["bids"] = [good]
    OrderBook().replace(exchange.parse_depth(json.dumps(body).encode(), instrument(name)))


def test_the_whole_body_of_another_shape_is_refused():
    for exchange in (BinanceExchange(), KrakenExchange(), CoinbaseExchange()):
        for body in (b"null", b'"list"', b"5", b'{"symbols":null}', b""):
            with pytest.raises(FeedError):
                exchange.parse_instruments(body)
