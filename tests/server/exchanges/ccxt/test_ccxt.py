"""The protocol with the process that runs ccxt, from the server's end."""

import json
from decimal import Decimal
from typing import Any

import pytest

from support.asking import page, told
from twap_models.enums import InstrumentKind as Kind
from twap_models.enums import Integrity, Interval, Side
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookLost, BookSnapshot, Heartbeat, Refused, Subscribed, Trade
from twap_server.domain.market.refusal import RefusalKind
from twap_server.exchanges.base import Stream
from twap_server.exchanges.ccxt.adapter import CcxtExchange, ccxt_exchange

READY = {
    "type": "ready",
    "port": 4711,
    "secret": "s" * 43,
    "intervals": ["1s", "1m", "4h", "1d", "1M"],
    "polls": False,
    "version": "4.5",
}
SPOT = {
    "symbol": "BTC/KRW",
    "base": "BTC",
    "quote": "KRW",
    "tick": "1000",
    "lot": "0.00000001",
    "min_quantity": "0",
    "min_notional": "5000",
    "status": "trading",
    "alias": "KRW-BTC",
}
SWAP = SPOT | {
    "symbol": "BTC/USDT:USDT",
    "quote": "USDT",
    "settle": "USDT",
    "contract_size": "0.01",
    "alias": "",
}


def exchange(*markets: dict[str, Any], **more: Any) -> CcxtExchange:
    shape = ccxt_exchange("ccxt-upbit")
    assert shape is not None
    made = shape(**more)
    made.learn(told(made.instruments(), json.dumps(markets or (SPOT, SWAP)).encode()).found)
    return made


def stream() -> Stream:
    return exchange().new_stream()


def test_a_class_by_name_says_what_it_is() -> None:
    shape = ccxt_exchange("ccxt-upbit")
    assert shape is not None and shape is ccxt_exchange("ccxt-upbit")
    assert (shape.name, shape.feed_of, shape.integrity) == ("ccxt-upbit", (), Integrity.NONE)
    for wrong in ("binance", "ccxt-", "ccxt-Up", "ccxt-a/b", "ccxt-" + "a" * 40):
        assert ccxt_exchange(wrong) is None


def test_what_to_run_and_where_it_speaks_elsewhere() -> None:
    bridge = exchange(ws_url="ws://127.0.0.1:9/x", depth=25).bridge
    assert bridge.module == "twap_server.bridge"
    assert bridge.arguments == ("upbit", "--depth", "25", "--ws-url", "ws://127.0.0.1:9/x")


def test_the_first_line_says_where_it_listens_and_which_candles_it_has() -> None:
    made = exchange()
    word = made.hear_bridge(json.dumps(READY).encode())
    assert word.failure == "" and "ccxt 4.5" in word.remark
    assert made.ws_url == f"ws://127.0.0.1:4711/{READY['secret']}/stream"
    assert made.rest_url == f"http://127.0.0.1:4711/{READY['secret']}"
    assert dict(made.klines.native) == {Interval.M1: "1m", Interval.H4: "4h"}
    assert "asks for each book" in made.hear_bridge(json.dumps(READY | {"polls": True}).encode()).remark
    assert made.hear_bridge(b'{"type":"alive"}').failure == ""
    assert made.hear_bridge(b'{"type":"failed","why":"no such thing"}').failure == "no such thing"


@pytest.mark.parametrize(
    "change", [{"port": 0}, {"port": 70_000}, {"secret": "short"}, {"secret": "a/b" * 9}, {"type": "else"}]
)
def test_a_first_line_that_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(WireFormatError):
        exchange().hear_bridge(json.dumps(READY | change).encode())


def test_the_list_of_markets() -> None:
    made = exchange()
    spot, swap = told(made.instruments(), json.dumps([SPOT, SWAP]).encode()).found
    assert (str(spot.id), spot.native, spot.aliases) == ("ccxt-upbit:BTC-KRW", "BTC/KRW", ("KRW-BTC",))
    assert (str(swap.id), swap.kind, swap.multiplier) == (
        "ccxt-upbit:BTC-USDT-PERP",
        Kind.PERPETUAL,
        Decimal("0.01"),
    )
    assert not spot.fault and not swap.fault


def test_a_market_that_cannot_be_read_costs_no_other() -> None:
    bad = [SPOT | {"symbol": "A/B", "tick": "x"}, SPOT | {"symbol": "C/D", "base": None}]
    found = told(exchange().instruments(), json.dumps([SPOT, *bad]).encode())
    assert (len(found.found), found.left_out) == (1, ("A/B", "C/D"))


def test_requests_are_numbered_and_named() -> None:
    speaking = stream()
    (spot,) = told(exchange().instruments(), json.dumps([SPOT]).encode()).found
    (asked,) = speaking.subscribe([spot])
    assert json.loads(asked.text) == {"id": asked.request_id, "op": "subscribe", "symbol": "BTC/KRW"}
    (given_up,) = speaking.unsubscribe([spot])
    assert (json.loads(given_up.text)["op"], given_up.request_id) == ("unsubscribe", asked.request_id + 1)


def test_a_book_and_trades() -> None:
    speaking = stream()
    raw = b'{"type":"book","symbol":"BTC/KRW","bids":[["1e2","1"]],"asks":[["101","0.5"]],"new":1}'
    (book,) = speaking.decode(raw)
    assert isinstance(book, BookSnapshot)
    assert (book.symbol, book.bids, book.asks) == ("BTC-KRW", [("100", "1")], [("101", "0.5")])
    row = '{"id":"a","price":"100","quantity":"2","side":"sell","time":0}'
    (trade,) = speaking.decode(f'{{"type":"trades","symbol":"BTC/USDT:USDT","trades":[{row}]}}')
    assert isinstance(trade, Trade)
    assert (trade.symbol, trade.price, trade.taker_side) == ("BTC-USDT-PERP", Decimal(100), Side.SELL)


def test_answers_beats_and_lost_books() -> None:
    speaking = stream()
    assert speaking.decode(b'{"type":"done","id":3}') == (Subscribed(request_id=3),)
    (refused,) = speaking.decode(b'{"type":"refused","id":4,"kind":"rate","message":"slow"}')
    assert isinstance(refused, Refused) and refused.kind is RefusalKind.RATE
    assert isinstance(speaking.decode(b'{"type":"beat"}')[0], Heartbeat)
    (lost,) = speaking.decode(b'{"type":"lost","symbol":"BTC/KRW","kind":"busy","message":"NetworkError"}')
    assert isinstance(lost, BookLost) and lost.symbol == "BTC-KRW"


@pytest.mark.parametrize(
    ("raw", "doubted"),
    [
        (b'{"type":"book","symbol":"BTC/KRW","bids":[["x","1"]],"asks":[]}', ["BTC-KRW"]),
        (b'{"type":"book","symbol":"BTC/KRW","bids":[[1,1]],"asks":[]}', ["BTC-KRW"]),
        (b'{"type":"book","symbol":"NO/PE","bids":7,"asks":[]}', []),
        (b'{"type":"book","bids":[],"asks":[]}', None),
        (b'{"type":"lost","symbol":"BTC/KRW"}', ["BTC-KRW"]),
        (b'{"type":"trades","symbol":"BTC/KRW","trades":[{}]}', []),
        (b'{"type":"new"}', []),
        (b"[1]", None),
        (b"\xff", None),
    ],
)
def test_what_cannot_be_read_names_the_books_that_it_may_have_been(
    raw: bytes, doubted: list[str] | None
) -> None:
    with pytest.raises(WireFormatError) as refused:
        stream().decode(raw)
    assert refused.value.doubted == doubted


def test_books_of_symbols_that_nobody_taught_are_left_out() -> None:
    assert not stream().decode(b'{"type":"book","symbol":"NO/PE","bids":[],"asks":[]}')
    assert not stream().decode(b'{"type":"lost","symbol":"NO/PE","kind":"busy","message":""}')


def test_candles() -> None:
    made = exchange()
    made.hear_bridge(json.dumps(READY).encode())
    (spot,) = told(made.instruments(), json.dumps([SPOT]).encode()).found
    body = b'[[1700000040000,"1","3","0.5","2","7"],["x"],[1700000100000,"1","3","0.5","2","7"]]'
    found = told(made.candles(spot, page(Interval.M1, end=1_700_000_100 * 10**9, limit=2)), body)
    assert [one.open_time // 10**9 for one in found.found] == [1_700_000_040, 1_700_000_100]
    assert (found.found[0].high, found.found[0].volume, len(found.left_out)) == (Decimal(3), Decimal(7), 1)


def test_refusals_over_http_name_their_kind() -> None:
    made = exchange()
    assert (
        made.refusal(404, b'{"kind":"unknown_symbol","message":"BadSymbol"}').kind
        is RefusalKind.UNKNOWN_SYMBOL
    )
    assert made.refusal(503, b"what").kind is RefusalKind.BUSY
