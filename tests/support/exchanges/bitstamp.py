"""What the shared tests need to know of Bitstamp.

Its recording is of the channel of changes, and another is read: frames of whole books are made up.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from support.exchanges.case import ExchangeCase
from twap_server.exchanges.bitstamp.adapter import BitstampExchange

ENTRY = {
    "name": "BTC/USD",
    "url_symbol": "btcusd",
    "base_decimals": 8,
    "counter_decimals": 2,
    "minimum_order": "10.00 USD",
    "trading": "Enabled",
    "instant_and_market_orders": "Enabled",
    "description": "Bitcoin / U.S. dollar",
}


def frame(event: str, channel: str, data: Any) -> str:
    """As it comes over the wire."""
    return json.dumps({"data": data, "channel": channel, "event": event}, separators=(",", ":"))


def book(step: int, market: str = "btcusd") -> str:
    """A whole book, each a little different."""
    micros = 1_772_723_362_377_013 + step * 100_000
    levels = {
        "bids": [["60000.10", f"0.{step + 1}0000000"], ["59999.00", "1.50000000"]],
        "asks": [["60001.00", "2.00000000"], ["60002.50", f"{step}.25000000"]],
    }
    times = {"timestamp": str(micros // 1_000_000), "microtimestamp": str(micros)}
    return frame("data", f"order_book_{market}", {**times, **levels})


def trade(number: int, kind: int, price: str = "60000.10") -> str:
    """A trade of BTC/USD."""
    data = {
        "id": number,
        "timestamp": "1772723362",
        "amount": 0.0792,
        "amount_str": "0.07920000",
        "price": float(price),
        "price_str": price,
        "type": kind,
        "microtimestamp": "1772723362596000",
        "buy_order_id": 1,
        "sell_order_id": 2,
    }
    return frame("trade", "live_trades_btcusd", data)


def _acks(text: str) -> Sequence[str]:
    """Each channel by name."""
    request = json.loads(text)
    done = {"bts:subscribe": "bts:subscription_succeeded", "bts:unsubscribe": "bts:unsubscription_succeeded"}
    return [frame(done[request["event"]], request["data"]["channel"], {})]


def _as_objects(rows: Sequence[Any]) -> list[Any]:
    """Rows as the objects that they are here; what is no row stays what it is."""
    keys = ("timestamp", "open", "high", "low", "close", "volume", "x", "y", "z")
    return [dict(zip(keys, row, strict=False)) if isinstance(row, list | tuple) else row for row in rows]


CASE = ExchangeCase(
    shape=BitstampExchange,
    native=lambda base, quote: f"{base}{quote}".lower(),
    tick="0.01",
    pairs=("BTC-USDT", "BTC-USD", "ETH-USD", "XRP-EUR", "BAT-EUR", "USDT-EUR", "USDT-USD", "SGB-EUR"),
    recordings={},
    named=re.compile(rb'"channel": ?"([^"]+)"'),
    frames=(
        frame("bts:subscription_succeeded", "diff_order_book_btcusd", {}),
        frame("bts:subscription_succeeded", "order_book_btcusd", {}),
        *(book(step) for step in range(5)),
        trade(216000477, 0),
        frame("data", "diff_order_book_btcusd", {"microtimestamp": "1", "bids": [["1", "0"]], "asks": []}),
        *(book(step) for step in range(5, 9)),
        frame("bts:heartbeat", "", {"status": "success"}),
        frame("bts:error", "", {"code": None, "message": "Bad subscription string."}),
        frame("bts:request_reconnect", "", None),
    ),
    answers=(
        json.dumps([ENTRY]),
        '{"data":{"pair":"BTC/USD","ohlc":[{"timestamp":"1754006400","open":"60000.1","high":"60002.0","low":"59999.9",'
        '"close":"60001.0","volume":"12.5"}]}}',
        '{"timestamp":"1","microtimestamp":"1000001","bids":[["60000.1","1.5"]],"asks":[["60001.0","2.0"]]}',
        '{"response_code":"400.002","response_explanation":"Request rate limit exceeded"}',
    ),
    entry=ENTRY,
    entry_name="BTC/USD",
    bad_entries=(
        {"base_decimals": "8"},
        {"counter_decimals": None},
        {"minimum_order": "ten USD"},
        {"trading": None},
        {"url_symbol": ""},
    ),
    new_entries=(
        ({"trading": "Paused", "new": None}, "paused"),
        ({"instant_and_market_orders": "Disabled"}, "limit_only"),
        ({"market_symbol": "btcusd", "market_type": "SPOT", "minimum_order_value": "10"}, "trading"),
    ),
    candle=("60", "1", "3", "0.5", "2", "7"),
    candle_body=lambda rows: {"data": {"pair": "BTC/USD", "ohlc": _as_objects(rows)}},
    level=("1", "2"),
    book_body=lambda bids: {"bids": bids, "asks": []},
    acks=_acks,
    subscribes_book=lambda text: '"bts:subscribe"' in text and '"order_book_' in text,
    opens=(book(0),),
    garbage=(
        b'{"event":"data","channel":"order_book_btcusd","data":null}',
        b'{"event":"data","channel":"order_book_btcusd","data":{"microtimestamp":"now","bids":[],"asks":[]}}',
        b'{"event":"trade","channel":"live_trades_btcusd","data":{"id":"5"}}',
        b'{"event":"new","channel":"new","data":{"bids":[]}}',
    ),
)
