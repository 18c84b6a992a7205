"""What the shared tests need to know of OKX."""

import json
import re
from collections.abc import Sequence

from support.exchanges.case import GONE, ExchangeCase
from twap_server.exchanges.okx.adapter import OkxExchange

_ARG = '"arg":{"channel":"books","instId":"BTC-USDT"}'
SNAPSHOT = (
    f'{{{_ARG},"action":"snapshot","data":[{{"asks":[["60001","2","0","1"]],"bids":[["60000.1","1.5","0","3"]],'
    '"ts":"1767225600123","checksum":0,"seqId":1000,"prevSeqId":-1}]}'
)
ENTRY = {
    "instType": "SPOT",
    "instId": "BTC-USDT",
    "baseCcy": "BTC",
    "quoteCcy": "USDT",
    "tickSz": "0.1",
    "lotSz": "0.00000001",
    "minSz": "0.00001",
    "state": "live",
    "ctVal": "",
    "listTime": "1548133413000",
}


def _acks(text: str) -> Sequence[str]:
    """One for each argument."""
    if text == "ping":
        return ["pong"]
    request = json.loads(text)
    told = {"id": request["id"], "event": request["op"], "connId": "a4d3ae55"}
    return [json.dumps(told | {"arg": arg}) for arg in request["args"]]


CASE = ExchangeCase(
    shape=OkxExchange,
    native=lambda base, quote: f"{base}-{quote}",
    tick="0.1",
    pairs=("BTC-USDT",),
    recordings={  # that of 2022 has no numbers yet, and checksums that are no more
        "okx/v5-btcusdt-2026-08-24.jsonl.gz": {
            "frames": 8,
            "booksnapshot": 1,
            "bookchange": 6,
            "applied": 7,
            "subscribed": 1,
            "faults": 0,
            "live": 1,
        }
    },
    named=re.compile(rb'"instId": ?"([^"]+)"'),
    frames=(
        SNAPSHOT,
        f'{{{_ARG},"action":"update","data":[{{"asks":[["60001","0","0","0"],["60001.2","3","0","2"]],"bids":[],'
        '"ts":"1767225600223","checksum":0,"seqId":1017,"prevSeqId":1000}]}',
        f'{{{_ARG},"action":"update","data":[{{"asks":[],"bids":[],"ts":"1767225660223","checksum":0,"seqId":1017,'
        '"prevSeqId":1017}]}',
        '{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"242720720","px":"60000.1",'
        '"sz":"0.02","side":"sell","ts":"1767225600300","count":"3","source":"0","seqId":1234}]}',
        '{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT","instId":"BTC-USDT","last":"60000.1",'
        '"askPx":"60001","askSz":"2","bidPx":"60000.1","bidSz":"1.5","ts":"1767225600300"}]}',
        '{"id":"1","event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a4d3ae55"}',
        '{"id":"2","event":"error","code":"60018","msg":"no channel:books,instId:NO-USDT here",'
        '"connId":"a4d3ae55"}',
        '{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade.",'
        '"connId":"a4d3ae55"}',
        "pong",
    ),
    answers=(
        '{"code":"0","msg":"","data":[{"instType":"SPOT","instId":"BTC-USDT","baseCcy":"BTC","quoteCcy":"USDT",'
        '"tickSz":"0.1","lotSz":"0.00000001","minSz":"0.00001","state":"live"}]}',
        '{"code":"0","msg":"","data":[["1767225600000","60000","60010","59990","60001","12.5","750012.5","750012.5","0"],'
        '["1767225540000","60000","60010","59990","60000","2","120000","120000","1"]]}',
        '{"code":"0","msg":"","data":[{"asks":[["60001","2","0","1"]],"bids":[["60000.1","1.5","0","3"]],'
        '"ts":"1767225600123","seqId":1000}]}',
        '{"code":"50011","msg":"Too Many Requests","data":[]}',
    ),
    entry=ENTRY,
    entry_name="BTC-USDT",
    bad_entries=(
        {"baseCcy": None},
        {"tickSz": 0.1},
        {"lotSz": "1_0"},
        {"minSz": "one"},
        {"state": GONE},
        {"instType": 5},
    ),
    new_entries=(
        ({"state": "Suspend", "new": {"deep": [None]}, "upcChg": []}, "suspend"),
        ({"ruleType": "rebase", "minSz": ""}, "trading"),
    ),
    list_body=lambda entries: {"code": "0", "msg": "", "data": entries},
    more_lists=('{"code":"0","msg":"","data":[]}',),  # of swaps
    candle=("60000", "1", "3", "0.5", "2", "7", "9", "9", "0"),
    candle_body=lambda rows: {"code": "0", "msg": "", "data": rows},
    level=("1", "2", "0", "1"),
    book_body=lambda bids: {
        "code": "0",
        "msg": "",
        "data": [{"asks": [], "bids": bids, "ts": "1767225600123", "seqId": 1}],
    },
    acks=_acks,
    subscribes_book=lambda text: '"subscribe"' in text and '"books"' in text,
    opens=(SNAPSHOT,),
    garbage=(
        f'{{{_ARG},"action":"update","data":[{{"asks":[],"bids":[],"ts":"now","seqId":2,"prevSeqId":1}}]}}'.encode(),
        f'{{{_ARG},"action":"replace","data":[{{"asks":[],"bids":[],"ts":"1","seqId":2,"prevSeqId":1}}]}}'.encode(),
        f'{{{_ARG},"action":"update","data":[]}}'.encode(),
        b'{"arg":{"channel":"new","instId":"BTC-USDT"},"data":[{"asks":[["1","2"]]}]}',
    ),
)
