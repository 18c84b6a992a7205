"""Bitstamp: whole books, channels as names, trades of the recording, what is listed, refusals."""

import json
from collections import Counter
from decimal import Decimal

import pytest

from support.asking import led, page, told
from support.exchanges import case_of
from support.exchanges.bitstamp import ENTRY, book, frame, trade
from support.recordings import recording, rows
from twap_models.enums import Interval, Side
from twap_server.books.live import LiveBook
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.errors import CrossedBook, WireFormatError
from twap_server.domain.market.events import (
    BookSnapshot,
    BookStatus,
    Heartbeat,
    Refused,
    ShutdownNotice,
    Subscribed,
    Trade,
)
from twap_server.domain.market.order_book import OrderBook
from twap_server.domain.market.refusal import RefusalKind
from twap_server.exchanges.base import Stream

CASE = case_of("bitstamp")
CHANGES = "bitstamp/v2-6-pairs-2022-01-05.jsonl.gz"
PAIRS = "bitstamp/rest-trading-pairs-2022-01-05.jsonl.gz"


@pytest.fixture
def stream() -> Stream:
    return CASE.taught().new_stream()


def snapshot(stream: Stream, raw: str) -> BookSnapshot:
    (event,) = stream.decode(raw)
    assert isinstance(event, BookSnapshot)
    return event


def test_each_message_is_the_whole_book_and_heals_what_was_before(stream: Stream) -> None:
    instrument = CASE.instrument("BTC", "USD")
    live = LiveBook(instrument.id, CASE.taught().new_sequencer(instrument), depth=100)
    live.resync("synchronising")
    first = snapshot(stream, book(0))
    assert first.ts_exchange == 1_772_723_362_377_013_000
    live.on_snapshot(first, Nanos(1))
    assert live.status is BookStatus.LIVE
    with pytest.raises(CrossedBook):
        live.on_snapshot(snapshot(stream, book(1).replace("60001.00", "60000.10")), Nanos(2))
    assert live.status is not BookStatus.LIVE
    live.on_snapshot(snapshot(stream, book(5)), Nanos(3))
    assert live.status is BookStatus.LIVE
    assert live.book.top_text(1) == ([("60000.10", "0.60000000")], [("60001.00", "2.00000000")])


def test_channels_say_whose_a_frame_is(stream: Stream) -> None:
    assert snapshot(stream, book(0, "ethusd")).symbol == "ETH-USD"
    assert list(stream.decode(book(0, "xyzusd"))) == []
    acks = [
        stream.decode(frame("bts:subscription_succeeded", f"{kind}_ethusd", {}))
        for kind in ("order_book", "live_trades", "diff_order_book")
    ]
    assert [list(one) for one in acks] == [
        [Subscribed(request_id=None, symbol="ETH-USD")],
        [Subscribed(request_id=None)],
        [Subscribed(request_id=None)],
    ]
    for event in ("bts:unsubscription_succeeded", "bts:something_new"):
        assert list(stream.decode(frame(event, "", {}))) == [Heartbeat()]
    assert list(stream.decode(frame("bts:request_reconnect", "", None))) == [ShutdownNotice()]


@pytest.mark.parametrize(
    ("raw", "doubted"),
    [
        (book(0).replace('"bids"', '"bid"'), ["BTC-USD"]),
        (book(0).replace('"data","', '"new","').replace('event":"data"', 'event":"new"'), ["BTC-USD"]),
        (book(0).replace('"channel"', '"chanel"'), None),
        (trade(5, 2), []),
        (trade(5, 0).replace('"0.07920000"', '"-1"'), []),
    ],
)
def test_what_cannot_be_read_doubts_its_book(stream: Stream, raw: str, doubted: list[str] | None) -> None:
    with pytest.raises(WireFormatError) as caught:
        stream.decode(raw)
    found = caught.value.doubted
    assert (None if found is None else list(found)) == doubted


def test_trades_state_the_takers_side_and_their_numbers_have_holes(stream: Stream) -> None:
    (bought,), (sold,) = stream.decode(trade(5, 0)), stream.decode(trade(6, 1))
    assert isinstance(bought, Trade) and isinstance(sold, Trade)
    assert (bought.taker_side, sold.taker_side) == (Side.BUY, Side.SELL)
    assert (bought.price, bought.quantity) == (Decimal("60000.10"), Decimal("0.07920000"))
    assert bought.ts_exchange == 1_772_723_362_596_000_000
    assert not bought.is_numbered


def test_the_recording_of_changes_has_its_trades_and_its_books_over_rest(stream: Stream) -> None:
    counts: Counter[str] = Counter()
    for row in rows(recording(CHANGES)):
        if row["dir"] == "in" and row["conn"].startswith("wss"):
            counts.update(type(one).__name__ for one in stream.decode(row["raw"]))
        elif row["dir"] == "in":
            read = told(CASE.taught().snapshot(CASE.instrument("ETH", "USD")), row["raw"].encode())
            OrderBook().replace(read)
            counts["books"] += 1
    assert counts == {"Heartbeat": 419, "Subscribed": 12, "Trade": 10, "books": 6}


def test_the_recorded_pairs() -> None:
    (row,) = rows(recording(PAIRS))
    listed = told(CASE.shape().instruments(), row["raw"].encode())
    assert (len(listed.found), listed.left_out) == (140, ())
    assert Counter(one.status for one in listed.found) == {"trading": 104, "limit_only": 36}
    named = {one.id.symbol: one for one in listed.found}
    ether = named["ETH-BTC"]
    assert (ether.native, ether.tick_size, ether.lot_size) == ("ethbtc", Decimal("1e-8"), Decimal("1e-8"))
    assert (ether.min_notional, named["BTC-USD"].min_notional) == (Decimal("0.0002"), Decimal("20.0"))


def test_the_newer_list_is_read_too_without_its_perpetuals() -> None:
    newer = {
        "name": "BTC/USD",
        "market_symbol": "btcusd",
        "base_decimals": 8,
        "counter_decimals": 0,
        "minimum_order_value": "10.00",
        "minimum_order_amount": "0.00001",
        "trading": "Enabled",
        "market_type": "SPOT",
    }
    perpetual = newer | {"name": "BTC/USD-PERP", "market_symbol": "btcusd-perp", "market_type": "PERPETUAL"}
    (one,) = told(CASE.shape().instruments(), CASE.body(perpetual, newer)).found
    assert (one.native, one.tick_size, one.min_quantity, one.min_notional) == (
        "btcusd",
        1,
        Decimal("0.00001"),
        10,
    )


@pytest.mark.parametrize("decimals", [-1, 10**12])
def test_a_grid_that_cannot_be_used_is_listed_and_said(decimals: int) -> None:
    (one,) = told(CASE.shape().instruments(), CASE.body(ENTRY | {"base_decimals": decimals})).found
    assert one.fault == "its lot size is not known"


def test_requests_are_short_and_name_one_channel_each(stream: Stream) -> None:
    ether = CASE.instrument("ETH", "USD")
    sent = [*stream.opening(), *stream.subscribe([ether]), *stream.renew(ether)]
    assert [tuple(json.loads(one.text).values()) for one in sent] == [
        ("bts:subscribe", {"channel": "diff_order_book_btcusd"}),
        ("bts:subscribe", {"channel": "order_book_ethusd"}),
        ("bts:subscribe", {"channel": "live_trades_ethusd"}),
        ("bts:unsubscribe", {"channel": "order_book_ethusd"}),
        ("bts:subscribe", {"channel": "order_book_ethusd"}),
    ]
    assert [one.is_book for one in sent] == [False, True, False, True, True]
    assert all(len(one.text) < 512 for one in sent)
    assert json.loads(stream.ping()) == {"event": "bts:heartbeat"}


def test_a_refusal_on_the_stream_is_for_nobody_it_does_not_name(stream: Stream) -> None:
    (refused,) = stream.decode(frame("bts:error", "", {"code": 4009, "message": "Bad subscription string."}))
    assert isinstance(refused, Refused)
    assert (refused.symbol, refused.kind) == (None, RefusalKind.OTHER)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b"<html>", RefusalKind.UNKNOWN_SYMBOL),
        (400, b'{"response_code":"400.002","response_explanation":"x"}', RefusalKind.RATE),
        (400, b'{"status":"error","reason":{"__all__":["x"]},"code":"API0001"}', RefusalKind.OTHER),
        (403, b'{"error":"Too many requests"}', RefusalKind.RATE),
        (503, b"<html>", RefusalKind.BUSY),
    ],
)
def test_refusals_over_rest(status: int, body: bytes, kind: RefusalKind) -> None:
    assert CASE.shape().refusal(status, body).kind is kind


def test_a_page_of_candles_is_asked_for_by_both_ends() -> None:
    end = 20_000 * 86_400
    asking = CASE.shape().candles(
        CASE.instrument("BTC", "USD"), page(Interval.H12, end=end * SECOND, limit=1000)
    )
    rows = [
        {
            "timestamp": str(end - 43_200 * one),
            **dict.fromkeys(("open", "high", "low", "close", "volume"), "1"),
        }
        for one in range(3)
    ]
    (request,), listed = led(asking, json.dumps({"data": {"pair": "BTC/USD", "ohlc": rows}}).encode())
    assert request.path == "/api/v2/ohlc/btcusd/"
    assert request.params == {
        "step": "43200",
        "limit": "1000",
        "start": str(end - 999 * 43_200),
        "end": str(end),
    }
    assert [one.open_time // SECOND for one in listed.found] == [end - 86_400, end - 43_200, end]
