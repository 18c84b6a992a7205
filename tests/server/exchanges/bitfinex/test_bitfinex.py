"""What is Bitfinex's own: numbered connections, channels, checksums that come alone, numbers, lists."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from support.asking import led, page, told
from support.exchanges.bitfinex import BOOK, CASE, CHANGES, CONF, FLAGS, INFO, NUMBERED, TRADES, subscribed
from support.exchanges.following import follow
from support.recordings import ROOT, rows
from twap_models.enums import Interval, Side
from twap_server.domain.errors import ExchangeUnavailable, Throttled, UnknownSymbol
from twap_server.domain.market.errors import ChecksumMismatch, StreamGap, WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    Heartbeat,
    Refused,
    Reply,
    ShutdownNotice,
    Subscribed,
    Trade,
    TradingStatus,
)
from twap_server.domain.market.order_book import OrderBook
from twap_server.domain.market.refusal import RefusalKind
from twap_server.exchanges.bitfinex.sequencer import BitfinexSequencer, checksum, javascript
from twap_server.exchanges.bitfinex.stream import BitfinexStream
from twap_server.exchanges.decode import plain

USD = CASE.instrument("BTC", "USD")
VECTORS = ROOT / "checksum-vectors" / "vectors.jsonl.gz"


def opened(*, counted: bool = True) -> BitfinexStream:
    """A connection whose book and trades are open, and its snapshot read as number 1."""
    stream = CASE.taught().new_stream()
    assert isinstance(stream, BitfinexStream)
    if counted:
        stream.opening()
    book, trades = stream.subscribe([USD])
    stream.decode(CONF)
    stream.decode(subscribed("book", BOOK, request=book.request_id))
    stream.decode(subscribed("trades", TRADES, request=trades.request_id))
    stream.decode(f"[{BOOK},[[60000,1,1.5],[60001,1,-2]],1]")
    return stream


def test_numbers_and_checksums_are_asked_for_before_anything_else() -> None:
    stream = CASE.taught().new_stream()
    (conf,) = stream.opening()
    assert json.loads(conf.text) == {"event": "conf", "flags": FLAGS}
    assert stream.decode(CONF) == (Subscribed(request_id=conf.request_id),)


def test_a_book_is_asked_for_as_it_is_and_at_once() -> None:
    book, trades = CASE.taught().new_stream().subscribe([USD])
    assert json.loads(book.text) == {
        "event": "subscribe",
        "channel": "book",
        "symbol": "tBTCUSD",
        "prec": "P0",
        "freq": "F0",
        "len": "25",
        "subId": book.request_id,
    }
    assert json.loads(trades.text)["channel"] == "trades"


@pytest.mark.parametrize(
    "frame",
    [
        f"[{BOOK},[60000,1,2],3]",
        f"[{BOOK},[60000,1,2],1]",
        f"[{BOOK},[60000,1,2]]",
        f'[{BOOK},"hb",3]',
        f'[{BOOK},"cs",7,3]',
        f'[{TRADES},"te",[1,1755235069543,1,2],3]',
        "[5,[60000,1,2],2]",
    ],
)
def test_any_hole_in_the_numbers_of_the_connection_is_a_gap(frame: str) -> None:
    with pytest.raises(StreamGap):
        opened().decode(frame)


def test_every_array_counts_whatever_its_channel() -> None:
    stream = opened()
    for frame in (f'[{TRADES},"hb",2]', f'[{TRADES},"tu",[1],3]', f'[{BOOK},"cs",5,4]', f'[{BOOK},"hb",5]'):
        stream.decode(frame)
    assert stream.decode(f"[{BOOK},[60000,1,2],6]") == (
        BookChange(symbol="BTC-USD", bids=(("60000", "2"),), asks=()),
    )


@pytest.mark.parametrize("conf", ['"status":"FAILED"', '"status":"OK","flags":131072'])
def test_without_numbers_no_book_is_taken(conf: str) -> None:
    stream = CASE.taught().new_stream()
    stream.opening()
    (refused,) = stream.decode(f'{{"event":"conf",{conf}}}')
    assert isinstance(refused, Refused)
    stream.subscribe([USD])
    stream.decode(subscribed("book", BOOK))
    with pytest.raises(StreamGap, match="does not number"):
        stream.decode(f"[{BOOK},[[60000,1,1.5]]]")


def test_after_a_frame_that_cannot_be_read_the_count_begins_anew() -> None:
    stream = opened()
    with pytest.raises(WireFormatError) as failure:
        stream.decode(f"[{BOOK},[60000,1,")
    assert failure.value.doubted is None
    assert stream.decode(f"[{BOOK},[60000,1,2],9]")
    with pytest.raises(StreamGap):
        stream.decode(f"[{BOOK},[60000,1,2],11]")


@pytest.mark.parametrize(
    ("frame", "doubted"),
    [
        (f'[{BOOK},[60000,1,"x"],2]', ["BTC-USD"]),
        (f"[{BOOK},[60000,1,0],2]", ["BTC-USD"]),
        (f"[{BOOK},[60000,-1,2],2]", ["BTC-USD"]),
        (f"[{BOOK},[[60000,1,2]],2]", ["BTC-USD"]),
        (f'[{BOOK},"cs","x",2]', ["BTC-USD"]),
        (f'[{BOOK},"new",{{}},2]', ["BTC-USD"]),
        (f'[{TRADES},"te",[1,"x",1,2],2]', []),
        ('{"event":"subscribed","channel":"book","chanId":"x"}', []),
    ],
)
def test_what_cannot_be_read_names_its_book_and_is_counted(frame: str, doubted: list[str]) -> None:
    stream = opened()
    with pytest.raises(WireFormatError) as failure:
        stream.decode(frame)
    assert list(failure.value.doubted or ()) == doubted and failure.value.doubted is not None
    stream.decode(f"[{BOOK},[60000,1,2],{2 if frame[0] == '{' else 3}]")


@pytest.mark.parametrize(
    ("level", "change"),
    [
        ("[60000,3,0.5]", ("bids", "60000", "0.5")),
        ("[60001,1,-1e-8]", ("asks", "60001", "0.00000001")),
        ("[2.9e-7,1,1.25E-5]", ("bids", "0.00000029", "0.0000125")),
        ("[60000,0,1]", ("bids", "60000", "0")),
        ("[60001,0,-1]", ("asks", "60001", "0")),
    ],
)
def test_a_level_is_read_with_every_digit(level: str, change: tuple[str, str, str]) -> None:
    (event,) = opened().decode(f"[{BOOK},{level},2]")
    assert isinstance(event, BookChange)
    side, price, quantity = change
    assert getattr(event, side) == ((price, quantity),)
    assert len(event.bids) + len(event.asks) == 1


def test_an_empty_book_is_a_snapshot() -> None:
    stream = CASE.taught().new_stream()
    stream.decode(subscribed("book", BOOK))
    assert stream.decode(f"[{BOOK},[]]") == (BookSnapshot(symbol="BTC-USD", bids=[], asks=[]),)


def test_a_whole_book_removes_nothing() -> None:
    stream = CASE.taught().new_stream()
    stream.decode(subscribed("book", BOOK))
    with pytest.raises(WireFormatError) as failure:
        stream.decode(f"[{BOOK},[[60000,1,1.5],[60001,0,-1]]]")
    assert failure.value.doubted == ("BTC-USD",)


def test_the_taker_is_told_by_the_sign() -> None:
    (sold,) = opened().decode(f'[{TRADES},"te",[7,1755235069543,-0.5,60000],2]')
    (bought,) = opened().decode(f'[{TRADES},"te",[8,1755235069543,0.5,60000],2]')
    assert isinstance(sold, Trade) and isinstance(bought, Trade)
    assert (sold.taker_side, sold.quantity, sold.trade_id) == (Side.SELL, Decimal("0.5"), "7")
    assert bought.taker_side is Side.BUY and not bought.is_numbered


def test_a_book_is_renewed_on_a_new_channel_and_the_old_one_tells_nothing() -> None:
    stream = opened()
    leave, ask = stream.renew(USD)
    assert json.loads(leave.text) == {"event": "unsubscribe", "chanId": BOOK} and leave.acks == 0
    assert stream.decode(f"[{BOOK},[60000,1,2],2]") == ()
    stream.decode(f'{{"event":"unsubscribed","status":"OK","chanId":{BOOK}}}')
    assert stream.decode(subscribed("book", 5, request=ask.request_id)) == (
        Subscribed(request_id=ask.request_id, symbol="BTC-USD"),
    )
    (snapshot,) = stream.decode("[5,[[60000,1,1]],3]")
    assert isinstance(snapshot, BookSnapshot)
    assert json.loads(stream.renew(USD)[0].text)["chanId"] == 5


def test_what_was_given_up_before_its_channel_was_open_is_closed_then() -> None:
    stream = CASE.taught().new_stream()
    stream.opening()
    stream.subscribe([USD])
    assert stream.unsubscribe([USD]) == ()
    (reply,) = stream.decode(subscribed("book", BOOK))
    assert isinstance(reply, Reply)
    assert json.loads(reply.text) == {"event": "unsubscribe", "chanId": BOOK}
    assert stream.decode(f"[{BOOK},[[60000,1,1]],1]") == ()


def test_two_connections_share_nothing() -> None:
    exchange = CASE.taught()
    one, other = exchange.new_stream(), exchange.new_stream()
    one.decode(subscribed("book", BOOK))
    with pytest.raises(StreamGap, match="not opened"):
        other.decode(f"[{BOOK},[60000,1,2],2]")


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        (INFO, TradingStatus(symbol=None, status="trading")),
        (
            '{"event":"info","version":2,"platform":{"status":0}}',
            TradingStatus(symbol=None, status="maintenance"),
        ),
        ('{"event":"info","code":20051,"msg":"Stop"}', ShutdownNotice()),
        ('{"event":"info","code":20060,"msg":"x"}', TradingStatus(symbol=None, status="maintenance")),
        ('{"event":"new","x":[1]}', Heartbeat()),
        (
            '{"event":"error","msg":"symbol: invalid","code":10300,"channel":"book","symbol":"tBTCUSD",'
            '"subId":4}',
            Refused(
                request_id=4,
                symbol="BTC-USD",
                kind=RefusalKind.UNKNOWN_SYMBOL,
                message="symbol: invalid",
            ),
        ),
        (
            '{"event":"error","msg":"subscribe: limit","code":10305,"channel":"trades","symbol":"tBTCUSD"}',
            Refused(request_id=None, symbol=None, kind=RefusalKind.OTHER, message="subscribe: limit"),
        ),
        (
            '{"event":"error","msg":"subscribe: dup","code":10301,"channel":"book","symbol":"tBTCUSD",'
            '"subId":4}',
            Subscribed(request_id=4, symbol="BTC-USD"),
        ),
    ],
)
def test_what_the_exchange_says_of_itself_and_of_requests(answer: str, event: Any) -> None:
    assert list(CASE.taught().new_stream().decode(answer)) == [event]


def test_the_answer_to_our_own_ping_is_no_heartbeat() -> None:
    stream = CASE.taught().new_stream()
    assert (
        stream.decode(json.dumps({"event": "pong", "ts": 1, "cid": json.loads(stream.ping())["cid"]})) == ()
    )


def test_after_a_maintenance_everything_is_opened_anew() -> None:
    with pytest.raises(StreamGap, match="maintained"):
        opened().decode('{"event":"info","code":20061,"msg":"x"}')


def vectors() -> Iterator[dict[str, Any]]:
    """The published books of the exchange, with their checksums."""
    if not VECTORS.is_file():
        pytest.skip("no vectors: set TWAP_RECORDINGS to the folder that holds the recordings")
    return (json.loads(one["raw"]) for one in rows(VECTORS) if one["conn"] == "bitfinex-v2")


def test_published_checksums_come_out() -> None:
    books = list(vectors())
    assert len(books) == 3
    for book in books:
        bids, asks = (
            [(plain(price), plain(size)) for price, size in book[side]] for side in ("bids", "asks")
        )
        assert checksum(bids, asks) == book["crc32"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("60000", "60000"),
        ("1.50", "1.5"),
        ("5.0", "5"),
        ("0.000001", "0.000001"),
        ("0.00000025", "2.5e-7"),
        ("0.0000001", "1e-7"),
        ("0.00000001", "1e-8"),
        ("0.000000123450", "1.2345e-7"),
    ],
)
def test_numbers_are_written_as_javascript_does(text: str, written: str) -> None:
    assert javascript(text) == written


def test_a_checksum_that_comes_alone_is_compared_with_the_book_as_it_is_then() -> None:
    told = follow(CASE, [("ws", frame.encode()) for frame in NUMBERED])
    assert told.figures["faults"] == 0
    assert told.figures["applied"] == 1 + 2 * len(CHANGES)
    book, rule = OrderBook(), BitfinexSequencer()
    book.replace(BookSnapshot(symbol="BTC-USD", bids=[("100", "1.5")], asks=[("101", "2")]))
    right = BookChange(symbol="BTC-USD", bids=(), asks=(), checksum=3579485159)
    rule.verify(right, book)
    rule.verify(BookChange(symbol="BTC-USD", bids=(), asks=()), book)
    book.apply(BookChange(symbol="BTC-USD", bids=[("100", "1.6")], asks=()))
    with pytest.raises(ChecksumMismatch):
        rule.verify(right, book)


def test_a_signed_checksum_is_the_same_number() -> None:
    (event,) = opened().decode(f'[{BOOK},"cs",-715482137,2]')
    assert event == BookChange(symbol="BTC-USD", bids=(), asks=(), checksum=3579485159)


def test_levels_that_leave_the_depth_are_removed_by_the_exchange_alone() -> None:
    exchange = CASE.shape(depth=30)
    assert exchange.book_depth == 0
    (book, _) = exchange.new_stream().subscribe([USD])
    assert json.loads(book.text)["len"] == "100"


def listed(*pairs: str, told_names: Any = ()) -> dict[str, str]:
    """Canonical symbols by native, of a list."""
    body = json.dumps([[[one, [None, None, None, "1"]] for one in pairs], told_names]).encode()
    return {one.native: one.id.symbol for one in told_instruments(body)}


def told_instruments(body: bytes) -> Any:
    """The instruments that are read."""
    return told(CASE.shape().instruments(), body).found


@pytest.mark.parametrize(
    ("pair", "symbol"),
    [
        ("BTCUST", "BTC-USDT"),
        ("AVAX:USD", "AVAX-USD"),
        ("ALGUSD", "ALGO-USD"),
        ("LNXUSD", "LNX-USD"),
        ("LUNA:USD", "LUNC-USD"),
        ("LUNA2:USD", "LUNA-USD"),
        ("BTCF0:USTF0", None),
        ("TESTBTC:TESTUSD", None),
        ("AAABBB", None),
    ],
)
def test_pairs_have_the_usual_names_and_only_spot_is_listed(pair: str, symbol: str | None) -> None:
    names = [["UST", "USDt"], ["ALG", "ALGO"], ["LNX", "LN-BTC"], ["AAA", "TESTAAA"], ["BBB", "TESTBBB"]]
    assert listed(pair, told_names=names) == ({f"t{pair}": symbol} if symbol else {})


def test_a_pair_that_cannot_be_split_is_left_out_by_name() -> None:
    body = b'[[["ODDPAIR",[null,null,null,"1"]],["BTCUSD",[null,null,null,"0.00004"]]],[]]'
    entries = told(CASE.shape().instruments(), body)
    assert entries.left_out == ("ODDPAIR",)
    (one,) = entries.found
    assert (one.min_quantity, one.tick_size, one.aliases) == (
        Decimal("0.00004"),
        Decimal("0.00000001"),
        ("BTCUSD",),
    )
    assert (one.price_digits, one.whole_prices, one.fault) == (5, False, "")
    assert one.prices.floor(Decimal("118945.3")) == 118_940


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b'["error",11010,"ratelimit: error"]', Throttled),
        (b'{"error":"ERR_RATE_LIMIT"}', Throttled),
        (b'["error",10020,"symbol: invalid"]', UnknownSymbol),
        (b'["error",20060,"maintenance"]', ExchangeUnavailable),
    ],
)
def test_errors_in_bodies_are_raised(body: bytes, failure: type[Exception]) -> None:
    exchange = CASE.taught()
    for asking in (exchange.candles(USD, page()), exchange.snapshot(USD), exchange.instruments()):
        with pytest.raises(failure):
            told(asking, body)


@pytest.mark.parametrize(
    ("status", "body", "kind", "wait"),
    [
        (429, b'{"error":"ERR_RATE_LIMIT"}', RefusalKind.RATE, 60),
        (500, b'["error",10020,"symbol: invalid"]', RefusalKind.UNKNOWN_SYMBOL, 0),
        (500, b'["error",10020,"limit: invalid"]', RefusalKind.BUSY, 0),
        (503, b"<html>", RefusalKind.BUSY, 0),
    ],
)
def test_other_statuses_are_sorted(status: int, body: bytes, kind: RefusalKind, wait: int) -> None:
    refusal = CASE.shape().refusal(status, body)
    assert (refusal.kind, refusal.wait_s) == (kind, wait)


def test_candles_are_asked_for_by_their_times_from_their_own_budget() -> None:
    body = b"[[1755496620000,1,2,3,0.5,1e-8],[1755496680000,1,2,3,0.5,7,null]]"
    (question,), entries = led(CASE.taught().candles(USD, page(Interval.H6, limit=2)), body)
    assert question.path == "/candles/trade:6h:tBTCUSD/hist" and question.bucket == "candles"
    assert question.params == {
        "limit": "2",
        "start": "1755475080000",
        "end": "1755496680000",
        "sort": "1",
    }
    first, second = entries.found
    assert (first.open, first.high, first.low, first.close) == (1, 3, Decimal("0.5"), 2)
    assert (first.volume, second.volume) == (Decimal("1e-8"), 7)
    assert all(bucket in CASE.shape.limits.rest for bucket in ("candles", "conf", ""))
