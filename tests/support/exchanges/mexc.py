"""What the shared tests need to know of MEXC.

There is no recording of it: all frames are made up, from its manual and its published ``.proto`` files.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from support.exchanges.case import GONE, ExchangeCase
from twap_server.exchanges.mexc.adapter import MexcExchange

_DEPTH = "spot@public.aggre.depth.v3.api.pb@100ms@"
_AT = 1_787_348_157_834
FIRST = 10_589_632_359
ENTRY = {
    "symbol": "BTCUSDT",
    "status": "1",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 1,
    "quoteAssetPrecision": 1,
    "baseSizePrecision": "0.000001",
    "quoteAmountPrecision": "1",
    "isSpotTradingAllowed": True,
    "filters": [],
}


def varint(value: int) -> bytes:
    """A whole number as protobuf writes it."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def field(number: int, value: int | str | bytes) -> bytes:
    """One field of a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def pushed(channel: str, body: bytes, native: str = "BTCUSDT") -> str:
    """A message of market data, in hexadecimal."""
    named = field(1, channel + native) + field(3, native) + field(6, _AT)
    return (named + body).hex()


def depth(first: int, last: int, *, bids: Sequence[Any] = (), asks: Sequence[Any] = ()) -> str:
    """Changes of the book of BTCUSDT."""
    levels = [
        field(side, field(1, price) + field(2, quantity))
        for side, every in ((1, asks), (2, bids))
        for price, quantity in every
    ]
    told = b"".join(levels) + field(3, _DEPTH[:-1]) + field(4, str(first)) + field(5, str(last))
    return pushed(_DEPTH, field(313, told))


def deals(*entries: tuple[str | int, ...]) -> str:
    """Trades of BTCUSDT: price, quantity, side, time and id."""
    told = [field(1, b"".join(field(at, one) for at, one in enumerate(entry, 1))) for entry in entries]
    return pushed("spot@public.aggre.deals.v3.api.pb@100ms@", field(314, b"".join(told)))


BEST = pushed(
    "spot@public.aggre.bookTicker.v3.api.pb@100ms@", field(315, field(1, "60000.1") + field(2, "1.5"))
)
TRADE = ("60000.1", "0.0123", 2, _AT, "592486513914052608X1")


def _acks(text: str) -> Sequence[str]:
    """The channel."""
    asked = json.loads(text)
    if asked["method"] == "PING":
        return ['{"id":0,"code":0,"msg":"PONG"}']
    (channel,) = asked["params"]
    return [json.dumps({"id": 0, "code": 0, "msg": channel})]


CASE = ExchangeCase(
    shape=MexcExchange,
    native=lambda base, quote: f"{base}{quote}",
    tick="0.1",
    pairs=("BTC-USDT",),
    recordings={},
    on_wire=lambda text: text.encode() if text.startswith("{") else bytes.fromhex(text),
    named=re.compile(rb"\x1a.(BTCUSDT)"),
    frames=(
        '{"id":0,"code":0,"msg":"spot@public.aggre.depth.v3.api.pb@100ms@BTCUSDT"}',
        depth(FIRST, FIRST + 4, bids=[("60000.1", "1.5")], asks=[("60001", "2")]),
        depth(FIRST + 5, FIRST + 5, bids=[("60000.1", "0"), ("60000", "0.5")]),
        depth(FIRST + 6, FIRST + 10, asks=[("60001", "0.00000000"), ("60001.5", "3.25")]),
        deals(TRADE),
        depth(FIRST + 11, FIRST + 12, bids=[("59999.9", "0.00042")]),
        depth(FIRST + 13, FIRST + 13, asks=[("60002", "1.5")]),
        BEST,
        depth(FIRST + 14, FIRST + 20, asks=[("60001.5", "3")]),
        depth(FIRST + 21, FIRST + 21, bids=[("60000", "0.75")]),
        depth(FIRST + 22, FIRST + 29, asks=[("60002", "0")]),
        '{"id":0,"code":0,"msg":"PONG"}',
        '{"id":0,"code":0,"msg":"Not Subscribed successfully! [spot@public.aggre.depth.v3.api.pb@100ms@NOPE].'
        '  Reason: Blocked!"}',
    ),
    answers=(
        json.dumps({"timezone": "CST", "symbols": [ENTRY]}),
        '[[1754006400000,"60000.1","60002","59999.9","60001","12.5",1754006460000,"750012.5"]]',
        '{"lastUpdateId":10589632358,"bids":[["60000.1","1.5"]],"asks":[["60001","2"]],"timestamp":1}',
        '{"code":-1121,"msg":"Invalid symbol."}',
    ),
    entry=ENTRY,
    entry_name="BTCUSDT",
    bad_entries=(
        {"baseAsset": None},
        {"quoteAssetPrecision": "1"},
        {"baseAssetPrecision": 1.5},
        {"baseSizePrecision": "1_0"},
        {"status": GONE},
        {"isSpotTradingAllowed": "no"},
    ),
    new_entries=(
        ({"status": "2", "new": {"deep": [None]}}, "paused"),
        ({"status": "Auction", "filters": None}, "auction"),
        ({"status": "ENABLED", "quotePrecision": None}, "trading"),
        ({"isSpotTradingAllowed": False}, "disabled"),
    ),
    list_body=lambda entries: {"symbols": entries},
    candle=(60000, "1", "3", "0.5", "2", "7", 119999, "9"),
    level=("1", "2"),
    book_body=lambda bids: {"lastUpdateId": 1, "bids": bids, "asks": []},
    acks=_acks,
    subscribes_book=lambda text: '"SUBSCRIPTION"' in text and "aggre.depth" in text,
    opens=(depth(2, 2, asks=[("60001", "2")]),),
    garbage=(
        b"\x0a",
        b"\x0a\x05spot",
        b"\x9a\xce\x13\x00",
        bytes.fromhex(depth(5, 4)),
        bytes.fromhex(pushed(_DEPTH, b"")),
        bytes.fromhex(pushed(_DEPTH, field(313, field(4, "1") + field(5, "2") + field(1, field(1, "3"))))),
        bytes.fromhex(pushed(_DEPTH, field(313, 7))),
        bytes.fromhex(deals(("1", "2", 3, 4, "5"))),
    ),
)
