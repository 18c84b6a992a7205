"""What the shared tests need to know of Bitget.

Its recording is of an older protocol without numbers: frames of today's are made up, from the manual. The
recorded levels are tried in Bitget's own tests.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from support.exchanges.case import GONE, ExchangeCase
from twap_server.exchanges.bitget.adapter import BitgetExchange

FIRST = 427583461144
"""The number of the whole book."""
ENTRY = {
    "symbol": "BTCUSDT",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "minTradeAmount": "0",
    "maxTradeAmount": "900000000000000000000",
    "takerFeeRate": "0.002",
    "pricePrecision": "1",
    "quantityPrecision": "8",
    "quotePrecision": "8",
    "status": "online",
    "minTradeUSDT": "1",
}


def message(channel: str, action: str, *entries: Any, native: str = "BTCUSDT") -> str:
    """A message with data."""
    arg = {"instType": "SPOT", "channel": channel, "instId": native}
    told = {"action": action, "arg": arg, "data": entries, "ts": 1789456511968}
    return json.dumps(told, separators=(",", ":"))


def book(previous: int, number: int, *, bids: Sequence[Any] = (), asks: Sequence[Any] = ()) -> str:
    """Changes of the book, or with 0 for the predecessor all of it."""
    entry = {"asks": asks, "bids": bids, "ts": "1789456510736", "seq": number, "pseq": previous}
    return message("books", "update" if previous else "snapshot", entry)


SNAPSHOT = book(0, FIRST, bids=[["60000.1", "1.5"]], asks=[["60001", "2"]])
TRADE = {
    "ts": "1789456511796",
    "price": "60000.1",
    "size": "0.001373",
    "side": "sell",
    "tradeId": "1235671058980749319",
}


def _acks(text: str) -> Sequence[str]:
    """One for each argument."""
    if text == "ping":
        return ["pong"]
    request = json.loads(text)
    return [json.dumps({"event": request["op"], "arg": arg}) for arg in request["args"]]


def _body(data: Any) -> Any:
    return {"code": "00000", "msg": "success", "requestTime": 1789456511968, "data": data}


CASE = ExchangeCase(
    shape=BitgetExchange,
    native=lambda base, quote: f"{base}{quote}",
    tick="0.1",
    pairs=("BTC-USDT", "AVAX-USDT", "EOS-USDT", "GOG-USDT", "CULT-USDT", "VVS-USDT"),
    recordings={},
    named=re.compile(rb'"instId": ?"([^"]+)"'),
    frames=(
        '{"event":"subscribe","arg":{"instType":"SPOT","channel":"books","instId":"BTCUSDT"},"connId":"7c3b"}',
        SNAPSHOT,
        book(FIRST, FIRST + 57, bids=[["60000.1", "0"], ["60000", "0.5"]]),
        book(FIRST + 57, FIRST + 114, asks=[["60001", "0"], ["60001.5", "3.25"]]),
        message("trade", "update", TRADE),
        book(FIRST + 114, FIRST + 990, bids=[["59999.9", "0.00042"]]),
        book(FIRST + 990, FIRST + 1001, asks=[["60002", "1.5"]]),
        message(
            "ticker", "snapshot", {"instId": "BTCUSDT", "lastPr": "60000.1", "bidPr": "60000", "ts": "1"}
        ),
        "pong",
        book(FIRST + 1001, FIRST + 1700, asks=[["60001.5", "3"]]),
        book(FIRST + 1700, FIRST + 2405, bids=[["60000", "0.75"]]),
        book(FIRST + 2405, FIRST + 2406, asks=[["60002", "0"]]),
        '{"event":"unsubscribe","arg":{"instType":"SPOT","channel":"books","instId":"BTCUSDT"}}',
        '{"event":"error","code":30001,"msg":"instType:SPOT,channel:books,instId:NOPE doesn\'t exist",'
        '"arg":{"instType":"SPOT","channel":"books","instId":"NOPE"}}',
    ),
    answers=(
        json.dumps(_body([ENTRY])),
        json.dumps(_body([["1754006400000", "60000", "60010", "59990", "60001", "12.5", "75001", "75001"]])),
        json.dumps(_body({"asks": [["60001", "2"]], "bids": [["60000.1", "1.5"]], "ts": "1789456510736"})),
        '{"code":"40034","msg":"Parameter NOPE does not exist","requestTime":1789456511968,"data":null}',
    ),
    entry=ENTRY,
    entry_name="BTCUSDT",
    bad_entries=(
        {"baseCoin": None},
        {"pricePrecision": "-1"},
        {"quantityPrecision": "1_0"},
        {"minTradeAmount": "one"},
        {"status": GONE},
    ),
    new_entries=(
        ({"status": "Gray", "openTime": "", "new": {"deep": [None]}}, "gray"),
        ({"takerFeeRate": None, "quotePrecision": None}, "trading"),
    ),
    list_body=_body,
    candle=("60000", "1", "3", "0.5", "2", "7", "9", "9"),
    candle_body=_body,
    level=("1", "2"),
    book_body=lambda bids: _body({"asks": [], "bids": bids, "ts": "1789456510736"}),
    acks=_acks,
    subscribes_book=lambda text: '"subscribe"' in text and '"books"' in text,
    opens=(SNAPSHOT,),
    garbage=(
        message("books", "update", {"asks": [], "bids": [], "ts": "1", "seq": 5, "pseq": 0}).encode(),
        message("books", "update", {"asks": [], "bids": [], "ts": "now", "seq": 5, "pseq": 4}).encode(),
        message("books", "replace", {"asks": [], "bids": [], "ts": "1", "seq": 5, "pseq": 4}).encode(),
        message("books", "update").encode(),
        message("books9", "snapshot", {"asks": []}).encode(),
        message("trade", "update", {"ts": 1}).encode(),
    ),
)
