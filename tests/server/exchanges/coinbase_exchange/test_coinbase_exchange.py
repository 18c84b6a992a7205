"""Coinbase Exchange: the recording's own figures, frames and answers, REST bodies."""

import json
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import examples
from support.asking import led, page, told
from support.recordings import (
    COINBASE_BOOK,
    COINBASE_PRODUCTS,
    COINBASE_REST,
    COINBASE_SIX,
    recording,
    rows,
)
from support.scans import scan_fixture
from twap_models.enums import Side
from twap_server.books.live import LiveBook
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    BookStatus,
    Heartbeat,
    Refused,
    Subscribed,
    Trade,
)
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.order_book import OrderBook
from twap_server.domain.market.refusal import RefusalKind
from twap_server.exchanges.base import SnapshotFirst
from twap_server.exchanges.coinbase_exchange import adapter, mapper
from twap_server.exchanges.coinbase_exchange.adapter import CoinbaseExchangeFeed
from twap_server.exchanges.scan import not_scanned

PRODUCTS = (
    b'[{"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","quote_increment":"0.01",'
    b'"base_increment":"0.00000001","min_market_funds":"1","status":"online"},'
    b'{"id":"ETH-USD","base_currency":"ETH","quote_currency":"USD","quote_increment":"0.01",'
    b'"base_increment":"1e-08","status":"online","post_only":true},'
    b'{"id":"OLD-USD","base_currency":"OLD","quote_currency":"USD","quote_increment":"1",'
    b'"base_increment":"1","status":"delisted","trading_disabled":true},'
    b'{"id":"BAD-USD","base_currency":"BAD","quote_currency":"USD","quote_increment":"NaN",'
    b'"base_increment":"1"},{"id":5}]'
)


scan = scan_fixture(adapter)


@pytest.fixture
def exchange():
    found = CoinbaseExchangeFeed()
    found.learn(told(found.instruments(), PRODUCTS).found)
    return found


def frames():
    """The recording's received frames, decoded twice: by the adapter, and as plain JSON."""
    (products,) = rows(recording(COINBASE_PRODUCTS))
    exchange = CoinbaseExchangeFeed()
    exchange.learn(told(exchange.instruments(), products["raw"].encode()).found)
    for row in rows(recording(COINBASE_SIX)):
        if row["dir"] == "in":
            yield exchange.new_stream().decode(row["raw"].encode()), json.loads(row["raw"])


def test_the_recording_gives_books_that_equal_its_tickers():
    books, counts, matched = {}, Counter(), 0
    for events, plain in frames():
        counts[plain["type"]] += 1
        for event in events:
            if isinstance(event, BookSnapshot):
                books[event.symbol] = LiveBook(
                    InstrumentId("coinbase-exchange", event.symbol), SnapshotFirst()
                )
                books[event.symbol].on_snapshot(event, Nanos(1))
            elif isinstance(event, BookChange):
                books[event.symbol].on_change(event, Nanos(1))  # raises where the book is crossed
        if plain["type"] == "ticker":
            book = books[plain["product_id"]].book
            best = [Decimal(plain[key]) for key in ("best_bid", "best_ask")]
            matched += [book.best_bid().price, book.best_ask().price] == best
    assert counts["snapshot"] == 6
    assert counts["l2update"] == 6_348
    assert (matched, counts["ticker"]) == (84, 87)
    assert {book.status for book in books.values()} == {BookStatus.LIVE}
    assert sum(book.seq for book in books.values()) == 6_354


def test_the_recording_has_every_trade():
    found = {}
    for events, plain in frames():
        trades = [event for event in events if isinstance(event, Trade)]
        assert len(trades) == (plain["type"] == "match")
        for trade in trades:
            found.setdefault(trade.symbol, []).append(int(trade.trade_id))
            assert (trade.taker_side is Side.SELL) == (plain["side"] == "buy")
            assert [trade.price, trade.quantity] == [Decimal(plain[key]) for key in ("price", "size")]
    assert sum(map(len, found.values())) == 81
    for ids in found.values():
        assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_a_change_keeps_its_text_and_its_microseconds(exchange):
    raw = (
        b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","60000.10","0.40"],["sell","60000.20","0"],'
        b'["buy","60000.00","0.00000000"]],"time":"2021-04-17T16:43:37.075351Z"}'
    )
    (change,) = exchange.new_stream().decode(raw)
    assert change.bids == [("60000.10", "0.40"), ("60000.00", "0.00000000")]
    assert change.asks == [("60000.20", "0")]
    assert change.ts_exchange == 1_618_677_817_075_351_000


def test_both_spellings_of_zero_remove():
    book = LiveBook(InstrumentId("coinbase-exchange", "BTC-USD"), SnapshotFirst())
    levels = [("3", "1"), ("2", "1"), ("1", "1")]
    book.on_snapshot(BookSnapshot(symbol="BTC-USD", bids=levels, asks=[]), Nanos(1))
    gone = [("3", "0"), ("2", "0.00000000")]
    book.on_change(BookChange(symbol="BTC-USD", bids=gone, asks=[]), Nanos(2))
    assert book.book.top_text(5) == ([("1", "1")], [])


def test_changes_before_the_snapshot_are_ignored():
    sequencer = SnapshotFirst()
    change = BookChange(symbol="BTC-USD", bids=[], asks=[])
    assert not sequencer.admit(change)
    assert not sequencer.proven()
    assert sequencer.splice(BookSnapshot(symbol="BTC-USD", bids=[], asks=[])) == []
    assert sequencer.admit(change)
    sequencer.reset()
    assert not sequencer.admit(change)
    assert not sequencer.proven()


UPDATE = '{"type":"l2update","product_id":"BTC-USD","changes":[["%s","%s","%s"]],"time":"%s"}'
NOW = "2021-04-17T16:43:37.075351Z"


@pytest.mark.parametrize(
    "fields",
    [
        ("hold", "1", "1", NOW),
        ("sell", "1", "1", "yesterday"),
        ("sell", "1", "1", "2021-04-17T16:43:37.075351"),  # no offset
    ],
)
def test_a_known_message_of_another_shape_is_refused(exchange, fields):
    with pytest.raises(WireFormatError):
        exchange.new_stream().decode((UPDATE % fields).encode())
    assert exchange.new_stream().decode((UPDATE % ("buy", "1", "1", NOW)).encode())


@pytest.mark.parametrize("level", [("1e3", "1"), ("-1", "1"), ("1", "NaN"), ("٣", "1"), ("1", "")])
def test_levels_that_are_no_numbers_are_refused_by_the_book(exchange, level):
    (change,) = exchange.new_stream().decode((UPDATE % ("buy", *level, NOW)).encode())
    with pytest.raises(WireFormatError):
        OrderBook().apply(change)


SYMBOLS = {"BTC-USD": "BTC-USD", "X": "X-Y"}
NUMBER = st.text("0123456789.", max_size=8)
CHANGE = st.tuples(st.sampled_from(["buy", "sell"]), NUMBER, NUMBER)


def frame(changes, product="BTC-USD"):
    shown = json.dumps(changes, separators=(",", ":"))
    return f'{{"type":"l2update","product_id":"{product}","changes":{shown},"time":"{NOW}"}}'.encode()


@given(changes=st.lists(CHANGE, min_size=1, max_size=5))
def test_the_short_cut_takes_every_usual_update(scan, changes):
    if scan is not_scanned:
        assert scan(frame(changes), SYMBOLS) is None
    else:
        found = scan(frame(changes), SYMBOLS)
        assert found.bids == [(price, size) for side, price, size in changes if side == "buy"]
        assert found.asks == [(price, size) for side, price, size in changes if side == "sell"]
    assert scan(frame(changes, "ETH-USD"), SYMBOLS) is None
    assert scan(frame(changes).decode(), SYMBOLS) is None


@settings(max_examples=examples.of(1_000), deadline=None)
@given(
    changes=st.lists(CHANGE, max_size=3),
    at=st.integers(0, 150),
    gone=st.integers(0, 3),
    fresh=st.one_of(
        st.binary(max_size=2), st.sampled_from([b'"', b"\\", b",", b"[", b"]", b" ", b"}", b"0"])
    ),
)
def test_the_short_cut_never_takes_what_json_would_read_otherwise(scan, changes, at, gone, fresh):
    raw = frame(changes, "X")
    raw = raw[:at] + fresh + raw[at + gone :]
    taken = scan(raw, SYMBOLS)
    if taken is not None:
        assert mapper.to_events(raw, SYMBOLS) == (taken,)


def test_other_types_are_ignored_as_the_manual_says(exchange):
    for kind in ("ticker", "status", "something_new", "last_match", "heartbeat"):
        assert exchange.new_stream().decode(f'{{"type":"{kind}","product_id":"BTC-USD"}}') == (Heartbeat(),)


def test_acknowledgements_name_every_book(exchange):
    channels = (
        '{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD"]},'
        '{"name":"level2_50","product_ids":["ETH-USD","BTC-USD","XYZ-USD"],"account_ids":null}]}'
    )
    assert [(one.request_id, one.symbol) for one in exchange.new_stream().decode(channels)] == [
        (None, "ETH-USD"),
        (None, "BTC-USD"),
    ]
    only = '{"type":"subscriptions","channels":[{"name":"heartbeat","product_ids":["BTC-USD"]}]}'
    assert list(exchange.new_stream().decode(only)) == [Subscribed(request_id=None)]


def test_a_refusal_names_its_symbol_where_it_can(exchange):
    error = '{"type":"error","message":"Failed to subscribe","reason":"%s"}'
    (named,) = exchange.new_stream().decode(error % "BTC-USD is not a valid product")
    assert named == Refused(
        request_id=None,
        symbol="BTC-USD",
        kind=RefusalKind.UNKNOWN_SYMBOL,
        message="Failed to subscribe: BTC-USD is not a valid product",
    )
    (unnamed,) = exchange.new_stream().decode(
        error % "level2, level3, and full channels now require authentication"
    )
    assert (unnamed.symbol, unnamed.kind) == (None, RefusalKind.NOT_PERMITTED)


def test_requests(exchange):
    (bitcoin, *_) = told(exchange.instruments(), PRODUCTS).found
    (request,) = exchange.new_stream().subscribe([bitcoin])
    assert json.loads(request.text) == {
        "type": "subscribe",
        "product_ids": ["BTC-USD"],
        "channels": ["level2_batch", "matches"],
    }
    texts = [json.loads(one.text) for one in exchange.new_stream().renew(bitcoin)]
    assert [(one["type"], one["channels"]) for one in texts] == [
        ("unsubscribe", ["level2_batch"]),
        ("subscribe", ["level2_batch"]),
    ]
    (opening,) = exchange.new_stream().opening()
    assert json.loads(opening.text)["channels"] == ["heartbeat"]


def test_instruments(exchange):
    bitcoin, ether, old = told(exchange.instruments(), PRODUCTS).found
    assert (bitcoin.id, bitcoin.native, bitcoin.status) == (
        InstrumentId("coinbase-exchange", "BTC-USD"),
        "BTC-USD",
        "trading",
    )
    assert (bitcoin.min_quantity, bitcoin.min_notional) == (0, 1)
    assert ether.lot_size == Decimal("0.00000001")
    assert (ether.status, old.status) == ("post_only", "delisted")
    with pytest.raises(WireFormatError):
        told(exchange.instruments(), b'{"message":"NotFound"}')


def test_the_recorded_products_and_candles(exchange):
    products, candles, other, _ = (row["raw"].encode() for row in rows(recording(COINBASE_REST)))
    found = {one.id.symbol: one for one in told(exchange.instruments(), products).found}
    assert len(found) == 717
    assert sum(one.status == "trading" for one in found.values()) == 436
    assert sum(one.status == "limit_only" for one in found.values()) == 20
    assert (found["BTC-USD"].tick_size, found["BTC-USD"].lot_size) == (Decimal("0.01"), Decimal("1e-8"))
    bitcoin = found["BTC-USD"]
    parsed = told(exchange.candles(bitcoin, page()), candles).found
    assert len(parsed) == 350
    assert [one.open_time for one in parsed] == sorted(one.open_time for one in parsed)
    assert all(one.low <= min(one.open, one.close) <= max(one.open, one.close) <= one.high for one in parsed)
    last = parsed[-1]
    assert last == told(exchange.candles(bitcoin, page()), other).found[-1]
    assert last.open_time == 1_755_496_620 * SECOND
    assert last.close_time == 1_755_496_680 * SECOND - 1_000_000
    assert [last.open, last.high, last.low, last.close, last.volume] == [
        Decimal(text) for text in ("115733.6", "115743.7", "115703.97", "115739.93", "0.61798602")
    ]


def test_a_page_of_candles_names_both_ends(exchange):
    (bitcoin, *_) = told(exchange.instruments(), PRODUCTS).found
    asking = exchange.candles(bitcoin, page(end=1_755_496_680 * SECOND, limit=300))
    (request,), _ = led(asking, b"[]")
    assert request.path == "/products/BTC-USD/candles"
    assert request.params == {"granularity": "60", "start": "1755478740", "end": "1755496680"}
    assert (1_755_496_680 - 1_755_478_740) // 60 + 1 == 300


def test_the_recorded_rest_book(exchange):
    (bitcoin, *_) = told(exchange.instruments(), PRODUCTS).found
    (row,) = rows(recording(COINBASE_BOOK))
    (request,), snapshot = led(exchange.snapshot(bitcoin), row["raw"].encode())
    assert (len(snapshot.bids), len(snapshot.asks)) == (18_376, 27_017)
    assert request.params == {"level": "2"}
