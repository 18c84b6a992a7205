"""What the shared tests need to know of Gate."""

import json
import re
import time
from collections.abc import Sequence

from support.exchanges.case import GONE, ExchangeCase
from twap_server.exchanges.gate.adapter import GateExchange

_ASKS, _BIDS = '[["60001.00","2"]]', '[["60000.10","1.5"],["59999.00","0"]]'
ENTRY = {
    "id": "BTC_USDT",
    "base": "BTC",
    "quote": "USDT",
    "precision": 1,
    "amount_precision": 6,
    "min_base_amount": "0.000001",
    "min_quote_amount": "3",
    "trade_status": "tradable",
}


def update(first: int, last: int, *, bids: str = "[]", asks: str = "[]") -> str:
    """A message about changes of BTC_USDT."""
    return (
        '{"time":1682689045,"time_ms":1682689045562,"channel":"spot.order_book_update","event":"update","result":{'
        f'"t":1682689045398,"e":"depthUpdate","E":1682689045,"s":"BTC_USDT","U":{first},"u":{last},'
        f'"b":{bids},"a":{asks}}}}}'
    )


def _acks(text: str) -> Sequence[str]:
    """One, with the request's id; a time that is not now is refused."""
    asked = json.loads(text)
    told = {key: asked[key] for key in ("time", "id", "channel", "event") if key in asked}
    if abs(asked["time"] - time.time()) > 60:
        return [json.dumps(told | {"error": {"code": 2, "message": "time is too far off"}, "result": None})]
    if asked["channel"] == "spot.ping":
        return ['{"time":1545404023,"channel":"spot.pong","event":"","error":null,"result":null}']
    return [json.dumps(told | {"error": None, "result": {"status": "success"}})]


CASE = ExchangeCase(
    shape=GateExchange,
    native=lambda base, quote: f"{base}_{quote}",
    tick="0.1",
    pairs=(
        "BTC-USDT",
        "BTC-USDC",
        "NEO-BTC",
        "OMG-USDT",
        "QTUM3S-USDT",
        "DIS-USDT",
        "FAST-USDT",
    ),
    recordings={
        "gate/v4-6-pairs-2021-04-22.jsonl.gz": {
            "bookchange": 148,
            "applied": 148,
            "trade": 7,
            "subscribed": 22,
            "faults": 0,
            "live": 6,
        }
    },
    named=re.compile(rb'"s": ?"([^"]+)"'),
    frames=(
        update(101, 102, bids=_BIDS, asks=_ASKS),
        '{"channel":"spot.order_book_update","event":"update","result":{"t":1682689045398,"full":true,"l":"100",'
        f'"s":"BTC_USDT","U":103,"u":104,"b":{_BIDS},"a":{_ASKS}}}}}',
        '{"time":1682689046,"time_ms":1682689046133,"channel":"spot.trades","event":"update","result":{"id":5541729598,'
        '"create_time":1682689046,"create_time_ms":"1682689046123.25","side":"buy","currency_pair":"BTC_USDT",'
        '"amount":"89.238","price":"60000.1"}}',
        '{"time":1682689046,"channel":"spot.tickers","event":"update","result":{"currency_pair":"BTC_USDT","last":"1"}}',
        '{"time":1682689046,"id":1,"channel":"spot.trades","event":"subscribe","error":null,"result":{"status":"success"}}',
        '{"time":1682689046,"id":2,"channel":"spot.order_book_update","event":"subscribe","error":{"code":2,'
        '"message":"unknown currency pair GIBBERISH_USD"},"result":null}',
    ),
    answers=(
        '[{"id":"BTC_USDT","base":"BTC","quote":"USDT","fee":"0.2","min_quote_amount":"3","amount_precision":6,"precision":1,'
        '"trade_status":"tradable","sell_start":0,"buy_start":0}]',
        '[["1754006400","971519.677","60001.0","60002.0","59999.9","60000.1","12.5","true"]]',
        f'{{"id":100,"current":1623898993123,"update":1623898993121,"asks":{_ASKS},"bids":[["60000.10","1.5"]]}}',
        '{"label":"INVALID_CURRENCY_PAIR","message":"Invalid currency pair"}',
    ),
    entry=ENTRY,
    entry_name="BTC_USDT",
    bad_entries=(
        {"base": None},
        {"precision": "1"},
        {"min_quote_amount": 3},
        {"min_base_amount": "1_0"},
        {"trade_status": GONE},
    ),
    new_entries=(
        ({"trade_status": "Sellable", "st_tag": False, "new": {"deep": [None]}}, "sellable"),
        ({"min_quote_amount": None, "min_base_amount": None}, "trading"),
    ),
    candle=("60", "9", "2", "3", "0.5", "1", "7", "true"),
    level=("1", "2"),
    book_body=lambda bids: {"id": 1, "current": 1, "update": 1, "asks": [], "bids": bids},
    acks=_acks,
    subscribes_book=lambda text: '"subscribe"' in text and "order_book_update" in text,
    opens=(update(2, 2, asks=_ASKS),),
    garbage=(b'{"channel":"spot.order_book_update","event":"update","result":{"t":NaN,"s":"BTC_USDT"}}',),
)
