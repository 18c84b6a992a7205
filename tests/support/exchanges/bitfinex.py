"""What the shared tests need to know of Bitfinex.

The recording was made without the settings by which messages are numbered and checksums sent, so it shows
what can be shown without them. The made-up frames have both.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

from support.exchanges.case import ExchangeCase
from twap_server.exchanges.bitfinex.adapter import BitfinexExchange

FLAGS = 196_608
BOOK, TRADES = 943592, 943593
INFO = '{"event":"info","version":2,"serverId":"x","platform":{"status":1}}'
CONF = f'{{"event":"conf","status":"OK","flags":{FLAGS}}}'


def subscribed(kind: str, channel: int, symbol: str = "tBTCUSD", request: int = 2) -> str:
    """The acknowledgement of a channel."""
    told = {"event": "subscribed", "channel": kind, "chanId": channel, "symbol": symbol, "subId": request}
    return json.dumps(told | {"pair": symbol[1:]})


def checksum(levels: dict[str, str]) -> int:
    """Of a book with few levels whose numbers need no other writing: price to amount, signed."""
    bids = sorted((one for one in levels if levels[one][0] != "-"), key=float, reverse=True)
    asks = sorted((one for one in levels if levels[one][0] == "-"), key=float)
    parts: list[str] = []
    for place in range(25):
        parts += [
            text for side in (bids, asks) for one in side[place : place + 1] for text in (one, levels[one])
        ]
    told = crc32(":".join(parts).encode())
    return told - (1 << 32) if told >> 31 else told


def run(changes: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A numbered snapshot, then each change (price, amount; "0" removes) with its checksum."""
    book = {"60000": "1.5", "59999": "0.25", "60001": "-2.125"}
    rows = ",".join(f"[{price},1,{amount}]" for price, amount in book.items())
    yield f"[{BOOK},[{rows}],1]"
    number = 1
    for price, amount in changes:
        told = f"{price},1,{amount}"
        if amount == "0":
            told = f"{price},0,{'-1' if book.pop(price)[0] == '-' else '1'}"
        else:
            book[price] = amount
        yield f"[{BOOK},[{told}],{number + 1}]"
        yield f'[{BOOK},"cs",{checksum(book)},{number + 2}]'
        number += 2


CHANGES = (
    ("60000", "0.75"),
    ("60001", "-1.25"),
    ("59998", "3.5"),
    ("60002", "-0.75"),
    ("59999", "0"),
    ("60003", "-4.5"),
    ("59997", "0.125"),
    ("60002", "0"),
)
NUMBERED = (INFO, CONF, subscribed("book", BOOK), subscribed("trades", TRADES, request=3), *run(CHANGES))
_LAST = 1 + 2 * len(CHANGES)


def _acks(text: str) -> Sequence[str]:
    """What the exchange answers to a request."""
    request = json.loads(text)
    match request["event"]:
        case "conf":
            return [CONF]
        case "subscribe":
            kind = request["channel"]
            channel = BOOK if kind == "book" else TRADES
            return [subscribed(kind, channel, request["symbol"], request["subId"])]
        case "unsubscribe":
            return [json.dumps({"event": "unsubscribed", "status": "OK", "chanId": request["chanId"]})]
    return [json.dumps({"event": "pong", "ts": 1, "cid": request["cid"]})]


def _configs(entries: list[Any]) -> Any:
    """Entries as the exchange lists them, beside what it says of its names."""
    rows = [
        [one["pair"], [None, None, None, one["smallest"], "2000", None, *one.get("new", ())]]
        if isinstance(one, dict) and one
        else one
        for one in entries
    ]
    return [rows, [["UST", "USDt"], ["ALG", "ALGO"], ["LNX", "LN-BTC"]]]


CASE = ExchangeCase(
    shape=BitfinexExchange,
    native=lambda base, quote: f"t{base}{quote}",
    tick="0.00000001",
    pairs=("BTC-USDT", "BTC-USD"),
    depth=25,
    recordings={
        "bitfinex/v2-btcusd-2025-08-15.jsonl.gz": {
            "booksnapshot": 1,
            "bookchange": 3437,
            "applied": 3438,
            "trade": 8,
            "heartbeat": 60,
            "faults": 0,
            "live": 1,
        }
    },
    named=re.compile(rb"^\[(\d+)"),
    needs_past=True,
    shows_proof=False,
    frames=(
        *NUMBERED,
        f'[{TRADES},"te",[401597395,1755235069543,-0.00014761,60000],{_LAST + 1}]',
        f'[{TRADES},"tu",[401597395,1755235069543,-0.00014761,60000],{_LAST + 2}]',
        f'[{BOOK},"hb",{_LAST + 3}]',
        '{"event":"error","msg":"symbol: invalid","code":10300,"channel":"book","symbol":"tNOPE","subId":9}',
    ),
    answers=(
        '[[["BTCUSD",[null,null,null,"0.00004","2000",null,null,null,0.2,0.1,null,null]]],[["UST","USDt"]]]',
        "[[1755234900000,118930,118940,118950,118920.5,1.25],[1755234960000,118930,118940,118950,118920,1e-8]]",
        "[[118930,2,1.5],[118940,1,-1e-7]]",
        '["error",11010,"ratelimit: error"]',
    ),
    entry={"pair": "BTCUSD", "smallest": "0.00004"},
    entry_name="BTCUSD",
    bad_entries=({"smallest": None}, {"smallest": 1}, {"smallest": "one"}),
    new_entries=(({"new": [None, {"deep": 1}, "x"]}, "trading"),),
    list_body=_configs,
    candle=(60_000, 1, 2, 3, 0.5, 7),
    level=(1, 1, 2),
    book_body=list,
    acks=_acks,
    subscribes_book=lambda text: '"subscribe"' in text and '"book"' in text,
    opens=(f"[{BOOK},[[60000,1,1.5],[60001,1,-2.125]],1]",),
    greeting=(INFO,),
    garbage=(
        b'[943592,[60000,1,0.5],"x"',
        b'{"event":5}',
        b'{"event":"subscribed","channel":"book","symbol":"tBTCUSD"}',
    ),
)
