"""What the shared tests need to know of Coinbase Advanced Trade."""

import json
import re
from collections.abc import Sequence
from typing import Any

from support.exchanges.case import ExchangeCase
from twap_server.exchanges.coinbase.adapter import CoinbaseExchange

ENTRY = {
    "product_id": "BTC-USD",
    "base_currency_id": "BTC",
    "quote_currency_id": "USD",
    "product_type": "SPOT",
    "price_increment": "0.01",
    "quote_increment": "0.01",
    "base_increment": "0.00000001",
    "base_min_size": "0.00000001",
    "quote_min_size": "1",
    "status": "online",
    "alias": "",
    "is_disabled": False,
}
_TIME = "2026-01-01T00:00:00.123456789Z"
_NUMBERS = {
    ("subscribe", "heartbeats"): 0,
    ("subscribe", "level2"): 1,  # the snapshot is 2
    ("subscribe", "market_trades"): 3,
    ("unsubscribe", "level2"): 4,
    ("unsubscribe", "market_trades"): 5,
}
"""Of the acknowledgements, as one book is asked for and given up: the whole connection is counted."""


def message(channel: str, number: int, *events: Any) -> str:
    """A frame."""
    outer = {"channel": channel, "timestamp": _TIME, "sequence_num": number, "events": list(events)}
    return json.dumps(outer, separators=(",", ":"))


def book(kind: str, product: str, *levels: tuple[str, str, str]) -> Any:
    """A snapshot or an update."""
    keys = ("side", "price_level", "new_quantity")
    updates = [{"event_time": "1970-01-01T00:00:00Z", **dict(zip(keys, one, strict=True))} for one in levels]
    return {"type": kind, "product_id": product, "updates": updates}


def trades(kind: str, *entries: tuple[str, str, str]) -> Any:
    """Trades of BTC-USD: id, price and the maker's side."""
    common = {"product_id": "BTC-USD", "size": "0.1", "time": "2026-01-01T00:00:00.789012Z"}
    shown = [{"trade_id": one, "price": price, "side": side, **common} for one, price, side in entries]
    return {"type": kind, "trades": shown}


def _acks(text: str) -> Sequence[str]:
    """All that is subscribed, whatever was asked."""
    request = json.loads(text)
    listed = {request["channel"]: request.get("product_ids", ["heartbeats"])}
    number = _NUMBERS[request["type"], request["channel"]]
    return [message("subscriptions", number, {"subscriptions": listed})]


def _with_keys(keys: Sequence[str], rows: Sequence[Any]) -> list[Any]:
    """Rows as the objects that they are here; what is no row stays what it is."""
    return [
        dict(zip([*keys, "x", "y", "z"], row, strict=False)) if isinstance(row, list | tuple) else row
        for row in rows
    ]


SNAPSHOT = book("snapshot", "BTC-USD", ("bid", "60000.10", "1.5"), ("offer", "60001.00", "2"))

CASE = ExchangeCase(
    shape=CoinbaseExchange,
    native=lambda base, quote: f"{base}-{quote}",
    tick="0.01",
    pairs=("BTC-USDT", "BTC-USD"),
    recordings={
        "coinbase/advanced-btcusd-2026-08-24.jsonl.gz": {
            "frames": 12,
            "booksnapshot": 1,
            "bookchange": 10,
            "applied": 11,
            "subscribed": 1,
            "faults": 0,
            "live": 1,
        }
    },
    named=re.compile(rb'"product_id": ?"([^"]+)"'),
    frames=(
        message("l2_data", 0, SNAPSHOT),
        message("subscriptions", 1, {"subscriptions": {"level2": ["BTC-USD"], "heartbeats": ["heartbeats"]}}),
        message(
            "l2_data", 2, book("update", "BTC-USD", ("bid", "60000.10", "0.5"), ("offer", "60001.00", "0"))
        ),
        message("market_trades", 3, trades("update", ("5", "60000.10", "BUY"))),
        message("heartbeats", 4, {"current_time": "2026-01-01 00:00:00 +0000 UTC", "heartbeat_counter": 7}),
        '{"type":"error","message":"too many L2 streams requested in a single session"}',
    ),
    answers=(
        json.dumps({"products": [ENTRY], "num_products": 1}),
        '{"candles":[{"start":"1754006400","low":"59999.9","high":"60002.0","open":"60000.1","close":"60001.0","volume":"12.5"}]}',
        '{"pricebook":{"product_id":"BTC-USD","bids":[{"price":"60000.1","size":"1.5"}],"asks":[],"time":"2026-01-01T00:00:00Z"}}',
        '{"error":"NOT_FOUND","error_details":"no such product","message":"no such product"}',
    ),
    entry=ENTRY,
    entry_name="BTC-USD",
    bad_entries=(
        {"base_currency_id": None},
        {"price_increment": 0.01},
        {"base_increment": "1_0"},
        {"post_only": "no"},
        {"status": None},
    ),
    new_entries=(
        ({"status": "Asleep", "new": None}, "asleep"),
        ({"price_increment": None, "view_only": None, "alias": None}, "trading"),
        ({"view_only": True}, "view_only"),
        ({"limit_only": True}, "limit_only"),
    ),
    list_body=lambda entries: {"products": entries, "num_products": len(entries)},
    candle=("60", "1", "3", "0.5", "2", "7"),
    candle_body=lambda rows: {
        "candles": _with_keys(("start", "open", "high", "low", "close", "volume"), rows)
    },
    level=("1", "2"),
    book_body=lambda bids: {"pricebook": {"bids": _with_keys(("price", "size"), bids), "asks": []}},
    acks=_acks,
    subscribes_book=lambda text: '"subscribe"' in text and '"level2"' in text,
    opens=(message("l2_data", 2, SNAPSHOT),),
    garbage=(
        b'{"channel":"l2_data","timestamp":"now","sequence_num":0,"events":[{"type":"update","product_id":"BTC-USD","updates":[]}]}',
        b'{"channel":"l2_data","timestamp":"2026-01-01T00:00:00Z","sequence_num":0,"events":null}',
        b'{"channel":"market_trades","sequence_num":0,"events":[{}]}',
    ),
)
