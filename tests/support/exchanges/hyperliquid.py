"""What the shared tests need to know of Hyperliquid.

Its recording is of the book as it was in 2025: 20 levels a side, twice a second. Best prices, answers over
REST and refusals are made up.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from support.exchanges.case import GONE, ExchangeCase
from twap_models.enums import InstrumentKind
from twap_server.exchanges.hyperliquid.adapter import HyperliquidExchange

TIME = 1_790_232_236_546
ENTRY = {"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 56}
SPOT: dict[str, list[dict[str, Any]]] = {
    "tokens": [
        {
            "name": "USDC",
            "szDecimals": 8,
            "weiDecimals": 8,
            "index": 0,
            "tokenId": "0x6d",
            "isCanonical": True,
        },
        {
            "name": "PURR",
            "szDecimals": 0,
            "weiDecimals": 5,
            "index": 1,
            "tokenId": "0xc1",
            "isCanonical": True,
        },
        {
            "name": "HYPE",
            "szDecimals": 2,
            "weiDecimals": 8,
            "index": 150,
            "tokenId": "0x0d",
            "isCanonical": False,
        },
    ],
    "universe": [
        {"name": "PURR/USDC", "tokens": [1, 0], "index": 0, "isCanonical": True},
        {"name": "@107", "tokens": [150, 0], "index": 107, "isCanonical": False},
    ],
}


def frame(channel: str, data: Any) -> str:
    """As it comes over the wire."""
    return json.dumps({"channel": channel, "data": data}, separators=(",", ":"))


def level(price: str, quantity: str) -> dict[str, Any]:
    """A price, what is there, and of how many orders."""
    return {"px": price, "sz": quantity, "n": 3}


def book(step: int = 0, coin: str = "BTC", *, every_ms: int = 540) -> str:
    """A whole book, each a little different."""
    bids = [level("84143.0", f"10.2592{step}"), level("84142.0", "1.5")]
    asks = [level("84144.0", "50.66449"), level("84146.0", f"{step}.25")]
    return frame("l2Book", {"coin": coin, "time": TIME + step * every_ms, "levels": [bids, asks]})


def best(after_ms: int, bid: tuple[str, str] | None, ask: tuple[str, str] | None) -> str:
    """Best prices so long after the first book."""
    both = [None if one is None else level(*one) for one in (bid, ask)]
    return frame("bbo", {"coin": "BTC", "time": TIME + after_ms, "bbo": both})


def trade(after_ms: int, number: int, side: str = "B", coin: str = "BTC") -> dict[str, Any]:
    """One of a list of trades."""
    told = {"coin": coin, "side": side, "px": "84144.0", "sz": "0.38111", "time": TIME + after_ms}
    return {**told, "hash": "0x40d1", "tid": number, "users": ["0xe9ed", "0x6802"]}


def answer(method: str, kind: str, coin: str = "BTC") -> str:
    """The answer to a request."""
    about = {"type": kind, "coin": coin, "nSigFigs": None, "mantissa": None, "fast": True}
    return frame("subscriptionResponse", {"method": method, "subscription": about})


def _acks(text: str) -> Sequence[str]:
    """Each request is repeated; a ping has an answer of its own."""
    request = json.loads(text)
    if request["method"] == "ping":
        return ['{"channel":"pong"}']
    about = request["subscription"]
    return [answer(request["method"], about["type"], about["coin"])]


def _as_objects(rows: Sequence[Any]) -> list[Any]:
    """Rows as the objects that they are here; what is no row stays what it is."""
    keys = ("t", "o", "h", "l", "c", "v", "x", "y", "z")
    return [dict(zip(keys, row, strict=False)) if isinstance(row, list | tuple) else row for row in rows]


def _levels(rows: Sequence[Any]) -> list[Any]:
    """Levels as the objects that they are here."""
    return [
        dict(zip(("px", "sz", "n"), row, strict=False)) if isinstance(row, list | tuple) else row
        for row in rows
    ]


CASE = ExchangeCase(
    shape=HyperliquidExchange,
    native=lambda base, quote: base,
    kind=InstrumentKind.PERPETUAL,
    tick="0.1",
    depth=20,
    pairs=("BTC-USD-PERP", "BANANA-USD-PERP"),
    recordings={
        "hyperliquid/btc-2025-01-26.jsonl.gz": {
            "frames": 55,
            "booksnapshot": 46,
            "applied": 46,
            "trade": 34,  # without the 30 of before the first book
            "faults": 0,
            "live": 1,
        }
    },
    named=re.compile(rb'"coin": ?"([^"]+)"'),
    frames=(
        "Websocket connection established.",
        answer("subscribe", "l2Book"),
        book(),
        frame("trades", [trade(-20_000, 611279506717453), trade(900, 1016375172059570, "A")]),
        best(700, ("84143.5", "0.2"), ("84145.0", "7.5")),
        *(book(step) for step in range(1, 9)),
        best(5_000, None, ("84144.0", "1")),
        answer("unsubscribe", "l2Book"),
        frame("error", 'Already subscribed: {"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null}'),
        frame("error", "Error parsing JSON into valid websocket request: [1]"),
        frame("activeAssetCtx", {"coin": "BTC", "ctx": {"funding": "0.00004863", "markPx": "84143.5"}}),
        '{"channel":"pong"}',
    ),
    answers=(
        json.dumps({"universe": [ENTRY]}),
        json.dumps(SPOT),
        '[{"t":1790232180000,"T":1790232239999,"s":"BTC","i":"1m","o":"84140.0","c":"84143.0","h":"84150.0",'
        '"l":"84139.0","v":"12.5","n":123}]',
        json.dumps({"coin": "BTC", "time": TIME, "levels": [[level("84143.0", "1")], []]}),
        "null",
    ),
    entry=ENTRY,
    entry_name="BTC",
    bad_entries=({"szDecimals": "5"}, {"szDecimals": None}, {"szDecimals": GONE}, {"isDelisted": "no"}),
    new_entries=(
        ({"isDelisted": True}, "delisted"),
        ({"isDelisted": None, "onlyIsolated": True, "new": {"deep": [None]}}, "trading"),
    ),
    list_body=lambda entries: {"universe": entries, "marginTables": []},
    more_lists=(json.dumps({"tokens": [], "universe": []}),),
    candle=(60_000, "1", "3", "0.5", "2", "7"),
    candle_body=_as_objects,
    level=("1", "2"),
    book_body=lambda bids: {"coin": "BTC", "time": TIME, "levels": [_levels(bids), []]},
    acks=_acks,
    subscribes_book=lambda text: '"subscribe"' in text and '"l2Book"' in text,
    opens=(book(),),
    garbage=(
        b'{"channel":"l2Book","data":null}',
        b'{"channel":"l2Book","data":{"coin":"BTC","time":1,"levels":[[]]}}',
        b'{"channel":"l2Book","data":{"coin":"BTC","time":1,"levels":[[{"px":"x","sz":"1"}],[]]}}',
        b'{"channel":"bbo","data":{"coin":"BTC","time":1,"bbo":[{"px":"1","sz":"1"}]}}',
        b'{"channel":"trades","data":[{"coin":"BTC","side":"C","px":"1","sz":"1","time":1,"tid":1}]}',
        b'{"channel":"l3Book","data":{"coin":"BTC","levels":[[],[]]}}',
    ),
)
