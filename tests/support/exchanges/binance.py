"""What the shared tests need to know of Binance."""

import json
import re

from support.exchanges.case import GONE, ExchangeCase
from twap_server.exchanges.binance.spot import BinanceExchange

_LEVELS = '[["60000.10","1.5"],["59999.00","0"]]'
ENTRY = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.002"},
        {"filterType": "NOTIONAL", "minNotional": "5"},
    ],
}

CASE = ExchangeCase(
    shape=BinanceExchange,
    native=lambda base, quote: f"{base}{quote}",
    tick="0.01",
    pairs=("BTC-USDT", "BTC-USD", "ETH-USD", "NKN-USDT", "BLZ-ETH"),
    recordings={
        "binance/spot-btcusdt-2024-08-08.jsonl.gz": {
            "bookchange": 6495,
            "applied": 6495,
            "trade": 19904,
            "faults": 0,
            "live": 1,
        },
        "binance/spot-nknusdt-blzeth-2021-10-12.jsonl.gz": {
            "bookchange": 160,
            "applied": 160,
            "faults": 0,
            "live": 2,
        },
    },
    named=re.compile(rb'"s": ?"([^"]+)"'),
    frames=(
        '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161254000,"s":"BTCUSDT","U":101,"u":102,'
        f'"b":{_LEVELS},"a":[["60001.00","2"]]}}}}',
        '{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161254001,"s":"BTCUSDT","t":5,"p":"60000.10","q":"0.1",'
        '"T":1723161254000,"m":true,"M":true}}',
        '{"result":null,"id":1}',
        '{"error":{"code":2,"msg":"Invalid request"},"id":2}',
    ),
    answers=(
        '{"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[{"filterType":'
        '"PRICE_FILTER","tickSize":"0.01000000"},{"filterType":"LOT_SIZE","minQty":"0.00001000","stepSize":"0.00001000"},'
        '{"filterType":"NOTIONAL","minNotional":"5.00000000"}]}]}',
        '[[1723161240000,"60000.1","60002.0","59999.9","60001.0","12.5",1723161299999,"750000.1",150,"6.1","366000.1","0"]]',
        f'{{"lastUpdateId":100,"bids":{_LEVELS},"asks":[["60001.00","2"]]}}',
        '{"code":-1003,"msg":"Way too much request weight used; IP banned until 1723161299999."}',
    ),
    entry=ENTRY,
    entry_name="BTCUSDT",
    bad_entries=(
        {"baseAsset": None},
        {"filters": GONE},
        {"filters": None},
        {"filters": [None]},
        {"filters": [{"filterType": "PRICE_FILTER", "tickSize": 0.01}]},
        {"filters": [{"filterType": "LOT_SIZE", "stepSize": None}]},
        {"filters": [{"filterType": "LOT_SIZE", "stepSize": "one"}]},
        {"status": 1},
    ),
    new_entries=(
        ({"status": "ON_HOLD", "permissionSets": [["X"]], "new": {"deep": [None]}}, "on_hold"),
        (
            {"filters": [*ENTRY["filters"], {"filterType": "NEW", "minQty": 7, "tickSize": None}]},
            "trading",
        ),
    ),
    list_body=lambda entries: {"timezone": "UTC", "symbols": entries},
    candle=(60_000, "1", "3", "0.5", "2", "7", 119_999, "9", 1, "1", "1", "0"),
    level=("1", "2"),
    book_body=lambda bids: {"lastUpdateId": 1, "bids": bids, "asks": []},
    acks=lambda text: [json.dumps({"result": None, "id": json.loads(text)["id"]})],
    subscribes_book=lambda text: '"SUBSCRIBE"' in text and "@depth" in text,
    opens=(
        '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161254000,"s":"BTCUSDT","U":2,"u":2,'
        '"b":[],"a":[["60001.00","2"]]}}',
    ),
    garbage=(
        b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT"',
        b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":NaN}}',
    ),
)
