"""What exchanges write: frames of their WebSockets and bodies of their REST, through the adapters."""

import json
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from fuzz.case import Finding, Parser
from fuzz.mutate import of_bytes, of_json, of_lines
from support.recordings import ROOT, rows
from twap_server.domain.errors import ExchangeUnavailable
from twap_server.domain.market.errors import FeedError, WireFormatError
from twap_server.domain.market.events import BookChange, BookSnapshot
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.order_book import OrderBook
from twap_server.exchanges.base import Exchange
from twap_server.exchanges.registry import EXCHANGES

RECORDED = {"binance": "spot-*.jsonl.gz", "kraken": "v2-*.jsonl.gz", "coinbase": "exchange-6-*.jsonl.gz"}
"""Recordings of frames, where ``TWAP_RECORDINGS`` names their folder; else the few below must do."""
BETWEEN = b"\x1e"
"""Stands between the frames of one input: no exchange sends it."""
_FRAMES = 6
"""Of one input, one after another."""
_AT_ONCE = 4
_PAIRS = ("BTC-USDT", "BTC-USD", "ETH-USD", "NKN-USDT", "BLZ-ETH")
_LEVELS = '[["60000.10","1.5"],["59999.00","0"]]'
WRITTEN = {
    "binance": (
        '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161254000,"s":"BTCUSDT","U":101,"u":102,'
        f'"b":{_LEVELS},"a":[["60001.00","2"]]}}}}',
        '{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161254001,"s":"BTCUSDT","t":5,"p":"60000.10","q":"0.1",'
        '"T":1723161254000,"m":true,"M":true}}',
        '{"result":null,"id":1}',
        '{"error":{"code":2,"msg":"Invalid request"},"id":2}',
    ),
    "kraken": (
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
    "coinbase": (
        '{"type":"snapshot","product_id":"BTC-USD","asks":[["60001.00","2"]],"bids":[["60000.10","1.5"]],'
        '"time":"2021-04-17T00:00:00.000000Z"}',
        '{"type":"l2update","product_id":"BTC-USD","changes":[["buy","60000.10","0.5"],["sell","60001.00","0"]],'
        '"time":"2021-04-17T00:00:00.000001Z"}',
        '{"type":"match","trade_id":5,"maker_order_id":"a","taker_order_id":"b","side":"buy","size":"0.1","price":"60000.1",'
        '"product_id":"BTC-USD","sequence":6,"time":"2021-04-17T00:00:00.000002Z"}',
        '{"type":"heartbeat","last_trade_id":5,"product_id":"BTC-USD","sequence":7,"time":"2021-04-17T00:00:01.000000Z"}',
        '{"type":"subscriptions","channels":[{"name":"level2","product_ids":["BTC-USD"]}]}',
        '{"type":"error","message":"Failed to subscribe","reason":"BTC-USD is not a valid product"}',
    ),
}
ANSWERS = {
    "binance": (
        '{"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[{"filterType":'
        '"PRICE_FILTER","tickSize":"0.01000000"},{"filterType":"LOT_SIZE","minQty":"0.00001000","stepSize":"0.00001000"},'
        '{"filterType":"NOTIONAL","minNotional":"5.00000000"}]}]}',
        '[[1723161240000,"60000.1","60002.0","59999.9","60001.0","12.5",1723161299999,"750000.1",150,"6.1","366000.1","0"]]',
        f'{{"lastUpdateId":100,"bids":{_LEVELS},"asks":[["60001.00","2"]]}}',
        '{"code":-1003,"msg":"Way too much request weight used; IP banned until 1723161299999."}',
    ),
    "kraken": (
        '{"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","base":"XXBT","quote":"ZUSD","pair_decimals":1,'
        '"lot_decimals":8,"ordermin":"0.0001","costmin":"0.5","tick_size":"0.1","status":"online"}}}',
        '{"error":[],"result":{"XXBTZUSD":[[1762777020,"106038.2","106040.0","106030.0","106038.2","106035.1","0.5",12]],'
        '"last":1762777020}}',
        '{"error":[],"result":{"XXBTZUSD":{"asks":[["60001.0","2.0",1762777020]],"bids":[["60000.1","1.5",1762777020]]}}}',
        '{"error":["EAPI:Rate limit exceeded"]}',
    ),
    "coinbase": (
        '[{"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","quote_increment":"0.01","base_increment":"0.00000001",'
        '"min_market_funds":"1","status":"online","trading_disabled":false,"post_only":false,"limit_only":false}]',
        "[[1754006400,59999.9,60002.0,60000.1,60001.0,12.5],[1754006340,59999.9,60002.0,60000.1,60001.0,12.5]]",
        '{"bids":[["60000.1","1.5",3]],"asks":[["60001.0","2.0",1]],"sequence":9,"time":"2026-08-07T00:00:00.000000Z"}',
        '{"message":"Rate limit exceeded"}',
    ),
}


def parsers() -> list[Parser]:
    """Two of each exchange."""
    made = []
    for shape in EXCHANGES:
        name = shape.name
        answers = [text.encode() for text in (*ANSWERS[name], *_recorded_answers(name))]
        made += [
            Parser(
                name=f"{name}-frames",
                samples=_runs(name),
                mutate=of_lines(of_json, BETWEEN),
                feed=partial(_follow, shape),
            ),
            Parser(
                name=f"{name}-rest",
                samples=answers,
                mutate=of_json,
                feed=partial(_read_answer, shape),
            ),
            Parser(
                name=f"{name}-bytes",
                samples=[text.encode() for text in WRITTEN[name]],
                mutate=of_bytes,
                feed=partial(_follow, shape),
            ),
        ]
    return made


def taught(shape: type[Exchange]) -> Exchange:
    """An adapter that knows a few instruments."""
    exchange = shape()
    exchange.learn([_instrument(shape.name, pair) for pair in _PAIRS])
    return exchange


def _instrument(exchange: str, symbol: str) -> Instrument:
    base, _, quote = symbol.partition("-")
    return Instrument(
        id=InstrumentId(exchange, symbol),
        native=symbol if exchange == "coinbase" else f"{base}{quote}",
        base=base,
        quote=quote,
        tick_size=Decimal("0.1"),
        lot_size=Decimal("1e-8"),
        min_quantity=Decimal(0),
        min_notional=Decimal(0),
        status="trading",
    )


def _follow(shape: type[Exchange], data: bytes) -> None:
    """Decode frames and keep books of what they say, as a session does."""
    exchange = taught(shape)
    instruments = {symbol: _instrument(shape.name, symbol) for symbol in _PAIRS}
    books = {symbol: (exchange.new_sequencer(one), OrderBook()) for symbol, one in instruments.items()}
    for frame in data.split(BETWEEN):
        try:
            events = exchange.decode(frame)
        except WireFormatError as error:
            str(error).encode()
            events = error.readable
        for event in events:
            if isinstance(event, BookChange | BookSnapshot):
                _keep(event, *books[event.symbol])


def _keep(event: BookChange | BookSnapshot, sequencer: Any, book: OrderBook) -> None:
    try:
        if isinstance(event, BookSnapshot):
            sequencer.splice(event)
            book.replace(event)
        elif sequencer.admit(event):
            book.apply(event)
        sequencer.verify(event, book)
        book.truncate(1_000)
    except FeedError as error:
        str(error).encode()


def _read_answer(shape: type[Exchange], body: bytes) -> None:
    """As each of the answers that it might be."""
    exchange = taught(shape)
    instrument = _instrument(shape.name, "BTC-USD")
    reads = (
        exchange.parse_instruments,
        lambda data: exchange.parse_klines(data, next(iter(exchange.klines.native.values()))),
        lambda data: exchange.parse_depth(data, instrument),
    )
    for read in reads:
        try:
            read(body)
        except (WireFormatError, ExchangeUnavailable) as error:
            str(error).encode(errors="backslashreplace")
    for status in (400, 418, 429, 451, 500):
        if exchange.refusal(status, body) is None:
            raise Finding(f"no refusal of {status}")


def _runs(name: str) -> list[bytes]:
    """Frames as they came, a few at a time: those of a recording, and those above."""
    raw = [text.encode() for text in WRITTEN[name]]
    recorded = [one for one in _recorded_frames(name) if len(one) < 8_000]
    found = [*raw, *recorded]
    return [BETWEEN.join(found[place : place + _FRAMES]) for place in range(0, len(found), _FRAMES)]


def _recorded_frames(name: str) -> list[bytes]:
    found: list[bytes] = []
    for path in sorted((ROOT / name).glob(RECORDED[name])):
        received = (row["raw"] for row in rows(path) if row["dir"] == "in" and row["conn"].startswith("ws"))
        found += [raw.encode() for raw in islice(received, 200)]
    return found


def _recorded_answers(name: str) -> Iterator[str]:
    for path in sorted((ROOT / name).glob("*rest*.jsonl.gz")):
        for row in islice(rows(path), 6):
            if row["conn"].startswith("http"):
                yield json.dumps(trimmed(json.loads(row["raw"])))


def trimmed(value: Any) -> Any:
    """The same with few of its many entries."""
    if isinstance(value, list):
        return [trimmed(one) for one in value[:_AT_ONCE]]
    if isinstance(value, dict):
        many = len(value) > 40
        return {key: trimmed(one) for key, one in islice(value.items(), _AT_ONCE if many else None)}
    return value
