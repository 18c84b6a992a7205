"""What the shared tests need to know of Bybit's linear contracts."""

import json
import re

from support.exchanges.bybit import acks
from support.exchanges.case import GONE, ExchangeCase
from twap_models.enums import InstrumentKind
from twap_server.exchanges.bybit.linear import BybitLinearExchange

SNAPSHOT = (
    '{"topic":"orderbook.200.BTCUSDT","type":"snapshot","ts":1767225600123,"data":{"s":"BTCUSDT",'
    '"b":[["60000.10","1.250"]],"a":[["60001.00","0.500"]],"u":177400507,"seq":66544703342},"cts":1767225600120}'
)
ENTRY = {
    "symbol": "BTCUSDT",
    "contractType": "LinearPerpetual",
    "status": "Trading",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "settleCoin": "USDT",
    "launchTime": "1584230400000",
    "deliveryTime": "0",
    "priceScale": "2",
    "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
    "lotSizeFilter": {
        "maxOrderQty": "1190.000",
        "minOrderQty": "0.002",
        "qtyStep": "0.001",
        "minNotionalValue": "5",
    },
    "fundingInterval": 480,
}


def native(base: str, quote: str) -> str:
    """What is paid in USDC has a name without it."""
    return f"{base}PERP" if quote == "USDC" else f"{base}{quote}"


CASE = ExchangeCase(
    shape=BybitLinearExchange,
    native=native,
    kind=InstrumentKind.PERPETUAL,
    tick="0.1",
    depth=1000,
    pairs=("BTC-USDT-PERP", "BTC-USDC-PERP", "XRP-USDT-PERP"),
    recordings={
        "bybit/v5-linear-xrpusdt-ob500-2024-12-01.jsonl.gz": {
            "frames": 50,
            "booksnapshot": 1,
            "bookchange": 49,
            "applied": 50,
            "faults": 0,
            "live": 1,
        }
    },
    named=re.compile(rb'"s": ?"([^"]+)"'),
    frames=(
        SNAPSHOT,
        '{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1767225600223,"data":{"s":"BTCUSDT","b":[["60000.10","0"],'
        '["60000.00","2"]],"a":[],"u":177400508,"seq":66544703350},"cts":1767225600221}',
        '{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1767225600310,"data":[{"T":1767225600309,"s":"BTCUSDT",'
        '"S":"Sell","v":"0.020","p":"60000.10","L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,'
        '"seq":66544703351}]}',
        '{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","bid1Price":"60000.10","bid1Size":"1.250",'
        '"ask1Price":"60001.00","ask1Size":"0.500"},"cs":66544703351,"ts":1767225600310}',
        '{"success":true,"ret_msg":"","conn_id":"3cd84cb1","req_id":"1","op":"subscribe"}',
        '{"success":false,"ret_msg":"error:handler not found,topic:orderbook.5.BTCUSDT","conn_id":"3",'
        '"req_id":"2","op":"subscribe"}',
        '{"success":true,"ret_msg":"pong","conn_id":"465772b1","req_id":"3","op":"ping"}',
    ),
    answers=(
        json.dumps({"retCode": 0, "retMsg": "OK", "result": {"list": [ENTRY], "nextPageCursor": ""}}),
        '{"retCode":0,"retMsg":"OK","result":{"category":"linear","symbol":"BTCUSDT","list":[["1767225600000","60000",'
        '"60010","59990","60001","12.5","750012.5"],["1767225540000","60000","60010","59990","60000","2","120000"]]}}',
        '{"retCode":0,"retMsg":"OK","result":{"s":"BTCUSDT","b":[["60000.10","1.500"]],"a":[["60001.00","2"]],'
        '"ts":1767225600123,"u":1234567,"seq":9876543,"cts":1767225600120}}',
        '{"retCode":10006,"retMsg":"Too many visits!","result":{},"retExtInfo":{},"time":1767225600000}',
    ),
    entry=ENTRY,
    entry_name="BTCUSDT",
    bad_entries=(
        {"baseCoin": None},
        {"contractType": 1},
        {"settleCoin": GONE},
        {"lotSizeFilter": {"basePrecision": "0.001"}},
        {"lotSizeFilter": {"qtyStep": 0.1}},
        {"lotSizeFilter": {"qtyStep": "one"}},
        {"priceFilter": {}},
        {"status": 1},
    ),
    new_entries=(({"status": "Settling", "new": {"deep": [None]}, "preListingInfo": None}, "settling"),),
    list_body=lambda entries: {"retCode": 0, "result": {"list": entries, "nextPageCursor": None}},
    candle=("60000", "1", "3", "0.5", "2", "7", "9"),
    candle_body=lambda rows: {"retCode": 0, "result": {"symbol": "BTCUSDT", "list": rows}},
    level=("1", "2"),
    book_body=lambda bids: {"retCode": 0, "result": {"s": "BTCUSDT", "b": bids, "a": [], "u": 7}},
    acks=acks,
    subscribes_book=lambda text: '"subscribe"' in text and "orderbook." in text,
    opens=(SNAPSHOT,),
    garbage=(
        b'{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1,"data":{"s":"ETHUSDT","b":[],"a":[],"u":2}}',
        b'{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1,"data":{"s":"BTCUSDT","b":[],"a":[],"u":0}}',
    ),
)
