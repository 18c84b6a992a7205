"""What the shared tests need to know of Crypto.com Exchange.

There is no recording of its stream, only single messages: the frames are made up, from the manual.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from support.exchanges.case import GONE, ExchangeCase
from twap_server.exchanges.cryptocom.adapter import CryptocomExchange

HEARTBEAT = '{"id":1787348157834,"method":"public/heartbeat","code":0}'
FIRST = 375554806244928
"""The number of the whole book."""
ENTRY = {
    "symbol": "BTC_USDT",
    "inst_type": "CCY_PAIR",
    "display_name": "BTC/USDT",
    "base_ccy": "BTC",
    "quote_ccy": "USDT",
    "quote_decimals": 2,
    "quantity_decimals": 5,
    "price_tick_size": "0.1",
    "qty_tick_size": "0.00001",
    "max_leverage": "50",
    "tradable": True,
}


def data(channel: str, subscription: str, entry: Any) -> str:
    """A message with data about BTC_USDT."""
    result: dict[str, Any] = {"instrument_name": "BTC_USDT", "subscription": subscription, "channel": channel}
    if subscription.startswith("book."):
        result["depth"] = 50
    told = {"id": -1, "method": "subscribe", "code": 0, "result": result | {"data": [entry]}}
    return json.dumps(told, separators=(",", ":"))


def whole(number: int, *, bids: Sequence[Any] = (), asks: Sequence[Any] = ()) -> str:
    """The whole book."""
    times = {"t": 1790114273395, "tt": 1790114273346, "u": number, "cs": -1183713967}
    return data("book", "book.BTC_USDT.50", {"asks": asks, "bids": bids} | times)


def update(previous: int, number: int, *, bids: Sequence[Any] = (), asks: Sequence[Any] = ()) -> str:
    """Changes of the book."""
    told = {"t": 1790114273495, "tt": 1790114273446, "u": number, "pu": previous, "cs": 380529173}
    return data("book.update", "book.BTC_USDT.50", {"update": {"asks": asks, "bids": bids}} | told)


SNAPSHOT = whole(FIRST, bids=[["60000.1", "0.0786", "2"]], asks=[["60001", "0.2008", "2"]])
TRADES = data(
    "trade",
    "trade.BTC_USDT",
    {
        "d": "4611686018428108636",
        "t": 1790114273770,
        "p": "60000.1",
        "q": "0.01163",
        "s": "SELL",
        "i": "BTC_USDT",
    },
)
_TICKER = {"i": "BTC_USDT", "b": "60000.1", "k": "60001", "a": "60000.1", "t": 1790114273936, "v": "16.9967"}


def _acks(text: str) -> Sequence[str]:
    """One for each book; a depth with changes is 10 or 50."""
    asked = json.loads(text)
    if asked["method"] == "public/respond-heartbeat":
        return []
    (channel,) = asked["params"]["channels"]
    told = {"id": asked["id"], "method": asked["method"], "code": 0, "channel": channel}
    return [json.dumps(told)] if channel.startswith("book.") else []


def _as_objects(rows: Sequence[Any]) -> list[Any]:
    """Rows as the objects that they are here; what is no row stays what it is."""
    keys = ("t", "o", "h", "l", "c", "v", "x", "y", "z")
    return [dict(zip(keys, row, strict=False)) if isinstance(row, list | tuple) else row for row in rows]


def _listed(entries: Sequence[Any]) -> Any:
    return {"id": -1, "method": "public/get-x", "code": 0, "result": {"data": list(entries)}}


CASE = ExchangeCase(
    shape=CryptocomExchange,
    native=lambda base, quote: f"{base}_{quote}",
    tick="0.1",
    pairs=("BTC-USDT", "DOGE-USDT"),
    recordings={},
    named=re.compile(rb'"instrument_name": ?"([^"]+)"'),
    frames=(
        HEARTBEAT,
        '{"id":1,"method":"subscribe","code":0,"channel":"book.BTC_USDT.50"}',
        SNAPSHOT,
        update(FIRST, FIRST),
        update(FIRST, FIRST + 55073, bids=[["60000", "0.5", "1"]]),
        update(FIRST + 55073, FIRST + 61000, asks=[["60001", "0", "0"], ["60001.5", "3.25", "0"]]),
        TRADES,
        update(FIRST + 61000, FIRST + 99421, bids=[["60000.1", "0", "0"]], asks=[["60002", "1.5", "1"]]),
        update(FIRST + 99421, FIRST + 120007, bids=[["59999.9", "0.00042", "1"]]),
        data("ticker", "ticker.BTC_USDT", _TICKER),
        update(FIRST + 120007, FIRST + 140021, asks=[["60001.5", "3", "1"]]),
        update(FIRST + 140021, FIRST + 150001, bids=[["60000", "0.75", "2"]]),
        update(FIRST + 150001, FIRST + 170003, asks=[["60002", "0", "0"]]),
        '{"id":2,"method":"subscribe","code":40003,"message":"Unknown symbol"}',
        '{"id":-1,"method":"ERROR","code":40001,"message":"Bad request","original":"{}"}',
    ),
    answers=(
        json.dumps(_listed([ENTRY])),
        json.dumps(
            _listed([{"o": "60000", "h": "60010", "l": "59990", "c": "60001", "v": "12.5", "t": 60000}])
        ),
        json.dumps(_listed([{"bids": [["60000.1", "1", "1"]], "asks": [], "t": 1790114273395}])),
        '{"id":-1,"method":"public/get-book","code":40004,"message":"Missing instrument_name param"}',
    ),
    entry=ENTRY,
    entry_name="BTC_USDT",
    bad_entries=(
        {"base_ccy": None},
        {"price_tick_size": 0.1},
        {"qty_tick_size": "1_0"},
        {"tradable": "yes"},
        {"tradable": GONE},
        {"inst_type": 5},
    ),
    new_entries=(
        ({"tradable": False, "product_type": "SPOT", "new": {"deep": [None]}}, "disabled"),
        ({"max_leverage": None, "quote_decimals": None}, "trading"),
    ),
    list_body=_listed,
    candle=(60000, "1", "3", "0.5", "2", "7"),
    candle_body=lambda rows: _listed(_as_objects(rows)),
    level=("1", "2", "0"),
    book_body=lambda bids: _listed([{"bids": bids, "asks": [], "t": 1790114273395}]),
    greeting=(HEARTBEAT,),
    acks=_acks,
    subscribes_book=lambda text: '"subscribe"' in text and '"book.' in text,
    opens=(SNAPSHOT,),
    garbage=(
        b'{"id":-1,"method":"subscribe","code":0}',
        update(-2, -1).encode(),
        data("book.update", "book.BTC_USDT.50", {"update": {"bids": []}, "t": 1, "u": 2, "pu": 1}).encode(),
        data("book.new", "book.BTC_USDT.50", {"asks": []}).encode(),
        data("trade", "trade.BTC_USDT", {"d": 5}).encode(),
    ),
)
