"""What the shared tests need to know of Kraken."""

import json
import re
from collections.abc import Sequence
from zlib import crc32

from support.exchanges.case import ExchangeCase
from twap_server.exchanges.kraken.adapter import KrakenExchange

ENTRY = {
    "altname": "XBTUSD",
    "wsname": "XBT/USD",
    "pair_decimals": 1,
    "lot_decimals": 8,
    "tick_size": "0.1",
    "ordermin": "0.0001",
    "costmin": "0.5",
    "status": "online",
}

_CHECKSUM = crc32(b"600010" + b"200000000" + b"600001" + b"150000000")
SNAPSHOT = (
    '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":60000.1,"qty":1.5}],'
    f'"asks":[{{"price":60001.0,"qty":2.00000000}}],"checksum":{_CHECKSUM}}}]}}'
)


def _acks(text: str) -> Sequence[str]:
    """One for each symbol; a request about none is acknowledged once."""
    request = json.loads(text)
    params = request.get("params", {})
    told = {"method": request["method"], "req_id": request["req_id"], "success": True}
    return [
        json.dumps(told | {"result": {"channel": params.get("channel"), **named}})
        for named in ([{"symbol": one} for one in params.get("symbol", ())] or [{}])
    ]


CASE = ExchangeCase(
    shape=KrakenExchange,
    native=lambda base, quote: f"{base}{quote}",
    tick="0.1",
    pairs=("BTC-USDT", "BTC-USD", "ETH-USD"),
    depth=10,
    recordings={
        "kraken/v2-btcusd-d10-2026-08-16.jsonl.gz": {
            "booksnapshot": 1,
            "bookchange": 117,
            "applied": 118,
            "heartbeat": 8,
            "faults": 0,
            "live": 1,
        }
    },
    named=re.compile(rb'"symbol": ?"([^"]+)"'),
    frames=(
        '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":60000.1,"qty":1.5}],'
        '"asks":[{"price":60001.0,"qty":2.00000000}],"checksum":12345}]}',
        '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":60000.1,"qty":0.0}],"asks":[],'
        '"checksum":777,"timestamp":"2026-08-16T12:00:00.123456Z"}]}',
        '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":60000.1,"qty":0.1,'
        '"ord_type":"market","trade_id":5,"timestamp":"2026-08-16T12:00:00.123456Z"}]}',
        '{"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"},"success":true,'
        '"time_in":"2026-08-16T12:00:00.1Z","time_out":"2026-08-16T12:00:00.2Z","req_id":3}',
        '{"channel":"heartbeat"}',
        '{"channel":"status","type":"update","data":[{"system":"online","api_version":"v2","connection_id":1,"version":"2"}]}',
    ),
    answers=(
        '{"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","base":"XXBT","quote":"ZUSD","pair_decimals":1,'
        '"lot_decimals":8,"ordermin":"0.0001","costmin":"0.5","tick_size":"0.1","status":"online"}}}',
        '{"error":[],"result":{"XXBTZUSD":[[1762777020,"106038.2","106040.0","106030.0","106038.2","106035.1","0.5",12]],'
        '"last":1762777020}}',
        '{"error":[],"result":{"XXBTZUSD":{"asks":[["60001.0","2.0",1762777020]],"bids":[["60000.1","1.5",1762777020]]}}}',
        '{"error":["EAPI:Rate limit exceeded"]}',
    ),
    entry=ENTRY,
    entry_name="PAIR0",
    place_name="PAIR{}",
    bad_entries=(
        {"altname": None},
        {"wsname": 5},
        {"pair_decimals": "1"},
        {"ordermin": 0.0001},
        {"tick_size": "NaN"},
    ),
    new_entries=(({"status": "Paused", "fees": None, "new": [1]}, "paused"),),
    list_body=lambda entries: {
        "error": [],
        "result": {f"PAIR{place}": entry for place, entry in enumerate(entries)},
    },
    candle=(60, "1", "3", "0.5", "2", "1.5", "7", 3),
    candle_body=lambda rows: {"error": [], "result": {"XBTUSD": rows, "last": 1}},
    level=("1", "2", 3),
    book_body=lambda bids: {"error": [], "result": {"XBTUSD": {"bids": bids, "asks": []}}},
    acks=_acks,
    subscribes_book=lambda text: '"subscribe"' in text and '"book"' in text,
    opens=(SNAPSHOT,),
    garbage=(b'{"channel":"book","type":"update","data":[{"symbol":NaN,"bids":"none"}]',),
)
