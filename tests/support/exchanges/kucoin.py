"""What the shared tests need to know of KuCoin.

There is no recording of the stream that is read: its frames are made up, from the manual.
"""

import json
import re
from collections.abc import Sequence

from support.exchanges.case import GONE, ExchangeCase
from twap_server.exchanges.kucoin.adapter import KucoinExchange

WELCOME = '{"sessionId":"7c3b","message":"welcome","pingInterval":18000,"pingTimeout":10000}'
ENTRY = {
    "symbol": "BTC-USDT",
    "baseCurrency": "BTC",
    "quoteCurrency": "USDT",
    "baseMinSize": "0.00001",
    "baseIncrement": "0.00000001",
    "priceIncrement": "0.1",
    "minFunds": "0.1",
    "enableTrading": True,
}


def book(kind: str, first: int, last: int, *, bids: str = "[]", asks: str = "[]") -> str:
    """A message about the book of BTC-USDT: a snapshot, or a delta."""
    return (
        f'{{"T":"obu.SPOT","dp":"increment@10ms","t":"{kind}","P":1787348157834794005,"d":{{"C":{last},'
        f'"M":1787348157830000000,"O":{first},"a":{asks},"b":{bids},"s":"BTC-USDT"}}}}'
    )


SNAPSHOT = book(
    "snapshot",
    35866811940,
    35866811940,
    bids='[["60000.1","1.5"],["59999.9","0.25"]]',
    asks='[["60001","2"],["60002.5","0"]]',
)


def _acks(text: str) -> Sequence[str]:
    """One, with the request's id; a symbol in the plural is refused."""
    asked = json.loads(text)
    if asked.get("type") == "ping":
        return [json.dumps({"id": asked["id"], "type": "pong", "ts": 1787348157834794005})]
    return [json.dumps({"id": asked["id"], "result": isinstance(asked["symbol"], str)})]


CASE = ExchangeCase(
    shape=KucoinExchange,
    native=lambda base, quote: f"{base}-{quote}",
    tick="0.1",
    pairs=("BTC-USDT", "ETH-USDT"),
    recordings={},
    named=re.compile(rb'"s": ?"([^"]+)"'),
    frames=(
        WELCOME,
        '{"id":"1","result":true}',
        SNAPSHOT,
        book("delta", 35866811941, 35866811943, bids='[["60000.1","0.00042"]]'),
        book("delta", 35866811944, 35866811944, asks='[["60001","0"],["60001.5","3"]]'),
        book("delta", 35866811945, 35866811949),
        '{"T":"trade.SPOT","P":1787348155899171700,"d":{"E":24021490985222144,"M":1787348155897000000,"S":"sell",'
        '"p":"60000.1","q":"0.00001374","s":"BTC-USDT","ti":"24021490985222144"}}',
        book("delta", 35866811950, 35866811950, bids='[["59999.9","0"]]', asks='[["60003","0.7"]]'),
        book("delta", 35866811951, 35866811952, bids='[["59998.7","12"]]'),
        '{"T":"ticker.SPOT","P":1787348157834794005,"d":{"A":"0.8210617","B":"0.00760914","E":35866825780,'
        '"M":1787348157830000000,"S":"SELL","a":"60001.5","b":"60000.1","l":"60000.1","q":"0.000161","s":"BTC-USDT"}}',
        book("delta", 35866811953, 35866811960, asks='[["60001.5","1.25"]]'),
        book("delta", 35866811961, 35866811961, bids='[["60000.1","0.5"]]'),
        book("delta", 35866811962, 35866811962, asks='[["60003","0"]]'),
        '{"id":"2","type":"pong","ts":1787348157834794005}',
        '{"id":"3","result":false,"message":"symbol not exists"}',
    ),
    answers=(
        '{"code":"200000","data":[{"symbol":"BTC-USDT","name":"BTC-USDT","baseCurrency":"BTC","quoteCurrency":"USDT",'
        '"feeCurrency":"USDT","market":"USDS","baseMinSize":"0.00001","baseIncrement":"0.00000001","priceIncrement":"0.1",'
        '"minFunds":"0.1","enableTrading":true}]}',
        '{"code":"200000","data":[["1754006400","60000.1","60001.0","60002.0","59999.9","12.5","750000.1"]]}',
        '{"code":"200000","data":{"time":1787348157834,"sequence":"35866811940","bids":[["60000.1","1.5"]],'
        '"asks":[["60001","2"]]}}',
        '{"code":"429000","msg":"Too Many Requests"}',
    ),
    entry=ENTRY,
    entry_name="BTC-USDT",
    bad_entries=(
        {"baseCurrency": None},
        {"priceIncrement": 0.1},
        {"baseIncrement": "1_0"},
        {"enableTrading": "yes"},
        {"enableTrading": GONE},
    ),
    new_entries=(
        ({"enableTrading": False, "st": True, "new": {"deep": [None]}}, "disabled"),
        ({"minFunds": None, "callauctionIsEnabled": False}, "trading"),
    ),
    list_body=lambda entries: {"code": "200000", "data": entries},
    candle=("60", "1", "2", "3", "0.5", "7", "9"),
    candle_body=lambda rows: {"code": "200000", "data": rows},
    level=("1", "2"),
    book_body=lambda bids: {"code": "200000", "data": {"sequence": "1", "bids": bids, "asks": []}},
    greeting=(WELCOME,),
    acks=_acks,
    subscribes_book=lambda text: '"subscribe"' in text and '"obu"' in text,
    opens=(SNAPSHOT,),
    garbage=(b'{"T":"obu.SPOT","dp":"increment@10ms","t":"delta","P":1,"d":{"O":NaN,"s":"BTC-USDT"}}',),
)
