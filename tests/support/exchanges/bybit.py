"""What the shared tests need to know of Bybit."""

import json
import re
from collections.abc import Sequence

from support.exchanges.case import GONE, ExchangeCase
from twap_server.exchanges.bybit.spot import BybitExchange

SNAPSHOT = (
    '{"topic":"orderbook.200.BTCUSDT","ts":1767225600123,"type":"snapshot","data":{"s":"BTCUSDT",'
    '"b":[["60000.1","1.25"]],"a":[["60001","0.5"]],"u":18521288,"seq":7961638724},"cts":1767225600120}'
)
ENTRY = {
    "symbol": "BTCUSDT",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "innovation": "0",
    "status": "Trading",
    "lotSizeFilter": {
        "basePrecision": "0.000001",
        "quotePrecision": "0.01",
        "minOrderQty": "0.00001",
        "minOrderAmt": "5",
    },
    "priceFilter": {"tickSize": "0.1"},
}


def acks(text: str) -> Sequence[str]:
    """One for each request, a ping among them."""
    request = json.loads(text)
    told = {"success": True, "ret_msg": request["op"], "conn_id": "0970e817", "req_id": request["req_id"]}
    if request["op"] == "ping":
        told["ret_msg"] = "pong"
    return [json.dumps(told | {"op": request["op"]})]


CASE = ExchangeCase(
    shape=BybitExchange,
    native=lambda base, quote: f"{base}{quote}",
    tick="0.1",
    depth=50,
    pairs=("BTC-USDT",),
    recordings={
        "bybit/v5-spot-btcusdt-ob50-2026-08-24.jsonl.gz": {
            "frames": 10,
            "booksnapshot": 1,
            "bookchange": 8,
            "applied": 9,
            "subscribed": 1,
            "faults": 0,
            "live": 1,
        }
    },
    named=re.compile(rb'"s": ?"([^"]+)"'),
    frames=(
        SNAPSHOT,
        '{"topic":"orderbook.200.BTCUSDT","ts":1767225600223,"type":"delta","data":{"s":"BTCUSDT","b":[["60000.1","0"],'
        '["60000","2"]],"a":[],"u":18521289,"seq":7961638731},"cts":1767225600221}',
        '{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1767225600310,"data":[{"T":1767225600309,"s":"BTCUSDT",'
        '"S":"Sell","v":"0.02","p":"60000.1","i":"2100000000012345678","BT":false,"RPI":false,"seq":7961638733}]}',
        '{"topic":"tickers.BTCUSDT","ts":1767225600310,"type":"snapshot","cs":7961638733,"data":{"symbol":"BTCUSDT",'
        '"lastPrice":"60000.1","highPrice24h":"61000","lowPrice24h":"59000"}}',
        '{"success":true,"ret_msg":"subscribe","conn_id":"2324d924","req_id":"1","op":"subscribe"}',
        '{"success":false,"ret_msg":"error:handler not found,topic:orderbook.500.BTCUSDT","conn_id":"2",'
        '"req_id":"2","op":"subscribe"}',
        '{"success":true,"ret_msg":"pong","conn_id":"0970e817","op":"ping"}',
    ),
    answers=(
        '{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[{"symbol":"BTCUSDT","baseCoin":"BTC","quoteCoin":'
        '"USDT","status":"Trading","lotSizeFilter":{"basePrecision":"0.000001","minOrderQty":"0.00001","minOrderAmt":"5"},'
        '"priceFilter":{"tickSize":"0.1"}}]},"retExtInfo":{},"time":1767225600000}',
        '{"retCode":0,"retMsg":"OK","result":{"category":"spot","symbol":"BTCUSDT","list":[["1767225600000","60000",'
        '"60010","59990","60001","12.5","750012.5"],["1767225540000","60000","60010","59990","60000","2","120000"]]}}',
        '{"retCode":0,"retMsg":"OK","result":{"s":"BTCUSDT","b":[["60000.1","1.5"]],"a":[["60001","2"]],"ts":1767225600123,'
        '"u":1234567,"seq":9876543,"cts":1767225600120}}',
        '{"retCode":10006,"retMsg":"Too many visits!","result":{},"retExtInfo":{},"time":1767225600000}',
    ),
    entry=ENTRY,
    entry_name="BTCUSDT",
    bad_entries=(
        {"baseCoin": None},
        {"lotSizeFilter": GONE},
        {"lotSizeFilter": {"basePrecision": 0.1}},
        {"lotSizeFilter": {"basePrecision": "one"}},
        {"priceFilter": {}},
        {"status": 1},
    ),
    new_entries=(({"status": "PreLaunch", "new": {"deep": [None]}, "symbolType": "xstocks"}, "prelaunch"),),
    list_body=lambda entries: {"retCode": 0, "retMsg": "OK", "result": {"category": "spot", "list": entries}},
    candle=("60000", "1", "3", "0.5", "2", "7", "9"),
    candle_body=lambda rows: {"retCode": 0, "result": {"symbol": "BTCUSDT", "list": rows}},
    level=("1", "2"),
    book_body=lambda bids: {"retCode": 0, "result": {"s": "BTCUSDT", "b": bids, "a": [], "u": 7}},
    acks=acks,
    subscribes_book=lambda text: '"subscribe"' in text and "orderbook." in text,
    opens=(SNAPSHOT,),
    garbage=(
        b'{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1,"data":{"s":"ETHUSDT","b":[],"a":[],"u":2}}',
        b'{"topic":"orderbook.200.BTCUSDT","type":"new","ts":1,"data":{"s":"BTCUSDT","b":[],"a":[],"u":2}}',
        b'{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1,"data":{"s":"BTCUSDT","b":[],"a":[],"u":0}}',
    ),
)
