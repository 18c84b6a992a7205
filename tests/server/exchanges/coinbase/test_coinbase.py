"""Coinbase Advanced Trade: the count of a connection, sides and makers, what is listed, pages of candles."""

import json
from decimal import Decimal

import pytest

from support.asking import led, page, told
from support.exchanges import case_of
from support.exchanges.coinbase import ENTRY, SNAPSHOT, book, message, trades
from twap_models.enums import Interval, Side
from twap_server.domain.clock import SECOND
from twap_server.domain.market.errors import StreamGap, WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    Heartbeat,
    Refused,
    Subscribed,
    Trade,
)
from twap_server.domain.market.refusal import RefusalKind
from twap_server.exchanges.base import Stream

CASE = case_of("coinbase")
CHANGE = book("update", "BTC-USD", ("bid", "60000.10", "0.40"), ("offer", "60000.20", "0"))


@pytest.fixture
def stream() -> Stream:
    return CASE.taught().new_stream()


def test_levels_keep_their_text_and_their_side_and_the_time_is_the_envelopes(stream: Stream) -> None:
    snapshot, change = stream.decode(message("l2_data", 0, SNAPSHOT, CHANGE))
    assert isinstance(snapshot, BookSnapshot) and isinstance(change, BookChange)
    assert (list(snapshot.bids), list(snapshot.asks)) == ([("60000.10", "1.5")], [("60001.00", "2")])
    assert (list(change.bids), list(change.asks)) == ([("60000.10", "0.40")], [("60000.20", "0")])
    assert change.ts_exchange == 1_767_225_600_123_456_000


ACK = {"subscriptions": {"level2": ["BTC-USD"]}}
BEAT = {"current_time": "", "heartbeat_counter": "1"}
RUN = (
    message("l2_data", 7, SNAPSHOT),
    message("subscriptions", 8, ACK),
    message("heartbeats", 9, BEAT),
    message("market_trades", 10, trades("snapshot", ("4", "60000.10", "BUY"))),
    message("something_new", 11, {"type": "update"}),
    message("l2_data", 12, book("update", "ETH-EUR")),
    message("l2_data", 13, CHANGE),
)


@pytest.mark.parametrize("lost", range(1, len(RUN) - 1))
def test_every_message_of_a_connection_is_counted_of_whatever_channel(stream: Stream, lost: int) -> None:
    whole = CASE.taught().new_stream()
    assert all(isinstance(whole.decode(frame), list | tuple) for frame in RUN)
    for frame in RUN[:lost]:
        stream.decode(frame)
    with pytest.raises(StreamGap):
        stream.decode(RUN[lost + 1])


@pytest.mark.parametrize("number", [0, 7, 9])
def test_a_number_that_does_not_follow_ends_the_connection(stream: Stream, number: int) -> None:
    stream.decode(message("l2_data", 7, SNAPSHOT))
    with pytest.raises(StreamGap):
        stream.decode(message("l2_data", number, CHANGE))


def test_a_frame_that_cannot_be_read_is_counted_too(stream: Stream) -> None:
    stream.decode(message("l2_data", 0, SNAPSHOT))
    with pytest.raises(WireFormatError) as caught:
        stream.decode(message("l2_data", 1, book("hold", "BTC-USD")))
    assert caught.value.doubted == ["BTC-USD"]
    assert stream.decode(message("l2_data", 2, CHANGE))
    with pytest.raises(WireFormatError) as caught:
        stream.decode(message("market_trades", 3, {"type": "update", "trades": [{}]}))
    assert caught.value.doubted == ()
    with pytest.raises(StreamGap):
        stream.decode(message("market_trades", 5, {"type": "update", "trades": [{}]}))


def test_a_frame_without_a_number_puts_every_book_in_doubt(stream: Stream) -> None:
    stream.decode(message("l2_data", 0, SNAPSHOT))
    for raw in (
        b"{",
        b'{"channel":"heartbeats","events":[]}',
        message("l2_data", 1, CHANGE).replace("_num", ""),
    ):
        with pytest.raises(WireFormatError) as caught:
            stream.decode(raw)
        assert caught.value.doubted is None
    assert stream.decode(message("l2_data", 5, CHANGE))
    with pytest.raises(StreamGap):
        stream.decode(message("l2_data", 7, CHANGE))


def test_a_message_of_two_books_doubts_both_and_any_where_one_has_no_name(stream: Stream) -> None:
    spoiled = message("l2_data", 0, CHANGE, book("update", "BTC-USDT", ("ask", "1", "1")))
    with pytest.raises(WireFormatError) as caught:
        stream.decode(spoiled)
    assert caught.value.doubted == ["BTC-USD", "BTC-USDT"]
    with pytest.raises(WireFormatError) as caught:
        stream.decode(message("l2_data", 1, CHANGE, {"type": "update"}))
    assert caught.value.doubted is None


def test_trades_state_the_makers_side_and_come_oldest_first(stream: Stream) -> None:
    fresh = trades("update", ("10", "60000.20", "BUY"), ("9", "60000.10", "SELL"))
    old = trades("snapshot", ("8", "60000.10", "BUY"))
    found = stream.decode(message("market_trades", 0, old, fresh))
    assert [(one.trade_id, one.taker_side, one.price) for one in found if isinstance(one, Trade)] == [
        ("9", Side.BUY, Decimal("60000.10")),
        ("10", Side.SELL, Decimal("60000.20")),
    ]
    assert len(found) == 2


def test_acknowledgements_list_every_book(stream: Stream) -> None:
    both = {"subscriptions": {"level2": ["BTC-USDT", "XYZ-USD", "BTC-USD"], "market_trades": ["BTC-USD"]}}
    assert list(stream.decode(message("subscriptions", 0, both))) == [
        Subscribed(request_id=None, symbol="BTC-USDT"),
        Subscribed(request_id=None, symbol="BTC-USD"),
    ]
    only = {"subscriptions": {"heartbeats": ["heartbeats"]}}
    assert list(stream.decode(message("subscriptions", 1, only))) == [Subscribed(request_id=None)]


def test_a_refusal_has_no_number_and_names_its_symbol_where_it_can(stream: Stream) -> None:
    stream.decode(message("heartbeats", 0, BEAT))
    (named,) = stream.decode('{"type":"error","message":"BTC-USD is not a valid product"}')
    assert isinstance(named, Refused)
    assert (named.symbol, named.kind) == ("BTC-USD", RefusalKind.UNKNOWN_SYMBOL)
    (unnamed,) = stream.decode(CASE.frames[-1])
    assert isinstance(unnamed, Refused)
    assert (unnamed.symbol, unnamed.kind) == (None, RefusalKind.RATE)
    assert list(stream.decode(message("heartbeats", 1, BEAT))) == [Heartbeat()]


def test_requests_name_one_channel_each(stream: Stream) -> None:
    bitcoin = CASE.instrument("BTC", "USD")
    sent = [*stream.opening(), *stream.subscribe([bitcoin]), *stream.renew(bitcoin)]
    assert [json.loads(one.text) for one in sent] == [
        {"type": "subscribe", "channel": "heartbeats"},
        {"type": "subscribe", "channel": "level2", "product_ids": ["BTC-USD"]},
        {"type": "subscribe", "channel": "market_trades", "product_ids": ["BTC-USD"]},
        {"type": "unsubscribe", "channel": "level2", "product_ids": ["BTC-USD"]},
        {"type": "subscribe", "channel": "level2", "product_ids": ["BTC-USD"]},
    ]


def test_second_names_and_futures_are_left_out_and_celo_has_its_own_name() -> None:
    usdc = ENTRY | {"product_id": "BTC-USDC", "quote_currency_id": "USDC", "alias": "BTC-USD"}
    perpetual = ENTRY | {"product_id": "BTC-PERP-INTX", "product_type": "FUTURE"}
    celo = ENTRY | {"product_id": "CGLD-USD", "base_currency_id": "CGLD", "price_increment": ""}
    listed = told(CASE.shape().instruments(), CASE.body(usdc, perpetual, ENTRY, celo))
    assert listed.left_out == ()
    assert [(one.id.symbol, one.native) for one in listed.found] == [
        ("BTC-USD", "BTC-USD"),
        ("CELO-USD", "CGLD-USD"),
    ]
    bitcoin = listed.found[0]
    assert (bitcoin.tick_size, bitcoin.min_quantity, bitcoin.min_notional) == (
        Decimal("0.01"),
        Decimal("0.00000001"),
        1,
    )


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b'{"error":"NOT_FOUND","message":"product not found"}', RefusalKind.UNKNOWN_SYMBOL),
        (404, b"<html>", RefusalKind.OTHER),
        (400, b'{"error":"INVALID_ARGUMENT","message":"invalid product_id"}', RefusalKind.UNKNOWN_SYMBOL),
        (400, b'{"error":"INVALID_ARGUMENT","message":"start is required"}', RefusalKind.OTHER),
        (429, b'{"message":"too many requests"}', RefusalKind.RATE),
        (403, b"", RefusalKind.NOT_PERMITTED),
        (500, b'{"error":"INTERNAL"}', RefusalKind.BUSY),
    ],
)
def test_refusals_over_rest(status: int, body: bytes, kind: RefusalKind) -> None:
    assert CASE.shape().refusal(status, body).kind is kind


@pytest.mark.parametrize(
    ("interval", "name", "step"),
    [(Interval.M1, "ONE_MINUTE", 60), (Interval.H2, "TWO_HOUR", 7_200), (Interval.D1, "ONE_DAY", 86_400)],
)
def test_a_page_of_candles_spans_no_more_than_may_be_asked_for(
    interval: Interval, name: str, step: int
) -> None:
    end = 20_000 * 86_400
    asking = CASE.shape().candles(CASE.instrument("BTC", "USD"), page(interval, end=end * SECOND, limit=350))
    (request,), _ = led(asking, b'{"candles":[]}')
    assert request.path == "/api/v3/brokerage/market/products/BTC-USD/candles"
    assert request.params == {
        "granularity": name,
        "start": str(end - 349 * step),
        "end": str(end + step - 1),
        "limit": "350",
    }
