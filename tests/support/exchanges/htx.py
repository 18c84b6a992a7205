"""What the shared tests need to know of HTX. Its frames are packed: its own tests read those as recorded."""

import base64
import gzip
import json
import re
from collections.abc import Sequence
from typing import Any

from support.exchanges.case import GONE, ExchangeCase
from twap_server.exchanges.htx.adapter import HtxExchange

PING = '{"ping":1787348157834}'
ENTRY = {
    "symbol": "btcusdt",
    "sn": "BTC/USDT",
    "bc": "btc",
    "qc": "usdt",
    "pp": 1,
    "ap": 8,
    "sp": "main",
    "state": "online",
    "at": "enabled",
    "minoa": 1e-05,
    "minov": 5,
}


def book(step: int, native: str = "btcusdt") -> str:
    """A whole book, each a little different."""
    tick = (
        f'{{"bids":[[60000.1,0.{step + 1}],[59999.0,1.5]],"asks":[[60001.0,2.0],[60002.5,{step}.25]],'
        f'"version":{100_000_000_000 + step},"ts":1787348157830}}'
    )
    return f'{{"ch":"market.{native}.depth.step0","ts":{1_787_348_157_834 + step},"tick":{tick}}}'


def trades(*entries: Any, at: int = 1_787_348_157_834) -> str:
    """What was traded of btcusdt."""
    tick = {"id": 100182534526, "ts": at, "data": entries}
    return json.dumps({"ch": "market.btcusdt.trade.detail", "ts": at, "tick": tick}, separators=(",", ":"))


TRADE = {
    "id": 100182534526255757567432481,
    "ts": 1_787_348_157_830,
    "tradeId": 100045088885,
    "amount": 0.0123,
    "price": 60000.1,
    "direction": "sell",
}
BEST = (
    '{"ch":"market.btcusdt.bbo","ts":1787348157834,"tick":{"seqId":103273695595,"ask":60001.0,"askSize":2.0,'
    '"bid":60000.1,"bidSize":1.5,"quoteTime":1787348157833,"symbol":"btcusdt"}}'
)


def _acks(text: str) -> Sequence[str]:
    """One, with the request's id."""
    asked = json.loads(text)
    if "pong" in asked:
        return []
    kind = "sub" if "sub" in asked else "unsub"
    told = {"id": asked["id"], "status": "ok", f"{kind}bed": asked[kind], "ts": 1787348157000}
    return [json.dumps(told)]


def _as_objects(rows: Sequence[Any]) -> list[Any]:
    """Rows as the objects that they are here; what is no row stays what it is."""
    keys = ("id", "open", "high", "low", "close", "amount", "x", "y", "z")
    return [dict(zip(keys, row, strict=False)) if isinstance(row, list | tuple) else row for row in rows]


CASE = ExchangeCase(
    shape=HtxExchange,
    native=lambda base, quote: f"{base}{quote}".lower(),
    tick="0.1",
    pairs=("BTC-USDT", "TRIO-ETH", "BOR-USDT", "PROPY-ETH", "ZEN-ETH", "YFI-HUSD", "FIL3S-USDT"),
    recordings={
        "htx/spot-6-symbols-2021-04-17.jsonl.gz": {
            "frames": 226,
            "booksnapshot": 171,
            "applied": 171,
            "trade": 59,  # seven more are of before the subscription
            "reply": 6,
            "subscribed": 12,
            "faults": 0,
            "live": 6,
        }
    },
    frame_of=lambda text: gzip.decompress(base64.b64decode(text)),
    on_wire=lambda text: gzip.compress(text.encode()),
    named=re.compile(rb'"ch": ?"market\.([^."]+)\.'),
    frames=(
        '{"id":"1","status":"ok","subbed":"market.btcusdt.depth.step0","ts":1787348157000}',
        *(book(step) for step in range(7)),
        trades(TRADE),
        BEST,
        PING,
        '{"status":"error","ts":1787348157834,"id":"3","err-code":"bad-request",'
        '"err-msg":"invalid topic market.nope.depth.step0"}',
    ),
    answers=(
        json.dumps({"status": "ok", "data": [ENTRY], "ts": "1787348157834", "full": 1}),
        '{"status":"ok","ch":"market.btcusdt.kline.1min","ts":1,"data":[{"id":1754006400,"open":60000.1,"close":60001,'
        '"low":59999.9,"high":60002,"amount":12.5,"vol":750012.5,"count":3}]}',
        '{"status":"ok","ch":"market.btcusdt.depth.step0","ts":1,"tick":{"bids":[[60000.1,1.5]],"asks":[],"version":1}}',
        '{"status":"error","err-code":"invalid-parameter","err-msg":"invalid symbol","ts":1787348157834}',
    ),
    entry=ENTRY,
    entry_name="btcusdt",
    bad_entries=(
        {"bc": None},
        {"pp": "1"},
        {"ap": 1.5},
        {"minoa": "one"},
        {"state": GONE},
    ),
    new_entries=(
        ({"state": "Suspend", "new": {"deep": [None]}}, "suspend"),
        ({"at": "Disabled", "sp": None}, "disabled"),
        ({"minov": 0}, "trading"),
    ),
    list_body=lambda entries: {"status": "ok", "data": entries},
    candle=(60, 1, 3, 0.5, 2, 7),
    candle_body=lambda rows: {"status": "ok", "data": _as_objects(rows)},
    level=(1, 2),
    book_body=lambda bids: {"status": "ok", "tick": {"bids": bids, "asks": []}},
    acks=_acks,
    subscribes_book=lambda text: '"sub"' in text and "depth" in text,
    opens=(book(0),),
    garbage=(
        b'{"ch":"market.btcusdt.depth.step0","ts":1,"tick":{"bids":[["1",2]],"asks":[]}}',
        b'{"ch":"market.btcusdt.depth.step0","ts":1,"tick":{"bids":[]}}',
        b'{"ch":"market.btcusdt.depth.step9","ts":1,"tick":{"bids":[]}}',
        b'{"ch":"market.btcusdt.trade.detail","ts":1,"tick":{"data":[{"ts":1}]}}',
        gzip.compress(b"{}"),
        gzip.compress(b" " * (2 << 20)),
        gzip.compress(book(0).encode())[:-9],
    ),
)
