"""What the shared tests need to know of Gemini.

Its recording is of an older stream without numbers: frames of today's are made up, from the manual. The
recorded levels are tried in Gemini's own tests.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from support.exchanges.case import GONE, ExchangeCase
from twap_server.exchanges.gemini.adapter import GeminiExchange

FIRST = 1764527605192163
"""The number of the whole book."""
_AT = 1789456740173524809
ENTRY = {
    "symbol": "BTCUSD",
    "base_currency": "BTC",
    "quote_currency": "USD",
    "tick_size": 1e-08,
    "quote_increment": 0.01,
    "min_order_size": "0.00001",
    "status": "open",
    "wrap_enabled": False,
    "product_type": "spot",
}


def depth(
    previous: int, number: int, *, bids: Sequence[Any] = (), asks: Sequence[Any] = (), native: str = "btcusd"
) -> str:
    """A message about a book; both numbers are the same where it is the whole book."""
    told = {"e": "depthUpdate", "E": _AT, "s": native, "U": previous, "u": number, "b": bids, "a": asks}
    return json.dumps(told, separators=(",", ":"))


SNAPSHOT = depth(FIRST, FIRST, bids=[["60000.10", "1.5000"]], asks=[["60001.00", "2.0000"]])
TRADE = '{"E":1783981140085684200,"s":"btcusd","t":2840141014190422,"p":"60000.10","q":"0.01625222","m":true}'
BEST = (
    '{"u":1764549594389752,"E":1783981140076872200,"s":"btcusd","b":"60000.10","B":"1.5","a":"60001.00","A":"",'
    '"c":"60000.10","C":"0.5"}'
)


def _acks(text: str) -> Sequence[str]:
    """One, with the request's id."""
    return [json.dumps({"id": json.loads(text)["id"], "status": 200})]


def _as_objects(rows: Sequence[Any]) -> list[Any]:
    """Levels as the objects that they are here; what is no level stays what it is."""
    keys = ("price", "amount", "timestamp")
    return [dict(zip(keys, row, strict=False)) if isinstance(row, list | tuple) else row for row in rows]


CASE = ExchangeCase(
    shape=GeminiExchange,
    native=lambda base, quote: f"{base}{quote}".lower(),
    tick="0.01",
    pairs=(
        "BTC-USDT",
        "BTC-USD",
        "WIF-USD",
        "GRT-USD",
        "ETH-EUR",
        "ANKR-USD",
        "LINK-ETH",
        "BTC-GBP",
        "FIL-USD",
    ),
    recordings={},
    named=re.compile(rb'"s": ?"([^"]+)"'),
    needs_past=True,
    frames=(
        SNAPSHOT,
        '{"id":"1","status":200}',
        depth(FIRST, FIRST + 57, bids=[["60000.10", "0.0000"], ["60000.00", "0.5000"]]),
        depth(FIRST + 57, FIRST + 114, asks=[["60001.00", "0.00"], ["60001.50", "3.2500"]]),
        TRADE,
        depth(FIRST + 114, FIRST + 990, bids=[["59999.90", "0.0004"]]),
        depth(FIRST + 990, FIRST + 1001, asks=[["60002.00", "1.5000"]]),
        BEST,
        depth(FIRST + 1001, FIRST + 1700, asks=[["60001.50", "3.0000"]]),
        depth(FIRST + 1700, FIRST + 2405, bids=[["60000.00", "0.7500"]]),
        depth(FIRST + 2405, FIRST + 2406, asks=[["60002.00", "0.0000"]]),
        '{"id":4,"status":400,"error":{"code":-1013,"msg":"Invalid stream name: nosuch@depth@100ms"}}',
        '{"e":"contractStatus","E":1789456740173524809,"s":"btcusd","status":"open"}',
    ),
    answers=(
        json.dumps([ENTRY]),
        "[[1754006400000,60000.1,60010,59990.5,60001,12.5]]",
        '{"bids":[{"price":"60000.10","amount":"1.5","timestamp":"1789456740"}],"asks":[]}',
        '{"result":"error","reason":"RateLimit","message":"Requests were made too frequently"}',
    ),
    entry=ENTRY,
    entry_name="BTCUSD",
    bad_entries=(
        {"base_currency": None},
        {"tick_size": "step"},
        {"quote_increment": []},
        {"min_order_size": "1_0"},
        {"status": GONE},
        {"product_type": 5},
    ),
    new_entries=(
        ({"status": "Auction_Only", "new": {"deep": [None]}}, "auction_only"),
        ({"status": "limit_only", "wrap_enabled": None}, "limit_only"),
        ({"product_type": None}, "trading"),
    ),
    candle=(60000, 1, 3, 0.5, 2, 7),
    level=("1", "2"),
    book_body=lambda bids: {"bids": _as_objects(bids), "asks": []},
    acks=_acks,
    subscribes_book=lambda text: '"subscribe"' in text and "@depth" in text,
    opens=(SNAPSHOT,),
    garbage=(
        depth(5, 0).encode(),
        b'{"e":"depthUpdate","E":1,"s":"btcusd","U":5,"u":5,"b":[["1"]],"a":[]}',
        b'{"e":"depthUpdate","E":1,"s":"btcusd","U":5,"u":5,"b":[]}',
        b'{"e":"depthNew","s":"btcusd","b":[["1","2"]],"a":[]}',
        b'{"E":1,"s":"btcusd","t":5,"p":"1","q":"2"}',
    ),
)
