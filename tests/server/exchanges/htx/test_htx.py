"""What is HTX's own: packed frames, its pings, trades that were told before, days of another time zone."""

import base64
import gzip
import json

import pytest

from support.asking import led, page, told
from support.collector.parts import until
from support.exchanges import case_of
from support.exchanges.htx import BEST, PING, TRADE, book, trades
from support.exchanges.loopback import collected
from support.recordings import recording, rows
from twap_models.enums import Interval, Side
from twap_server.domain.errors import ExchangeUnavailable, Throttled, TwapError, UnknownSymbol
from twap_server.domain.market.candles import source_of
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import (
    BookSnapshot,
    Heartbeat,
    MarketEvent,
    Refused,
    Reply,
    Subscribed,
    Trade,
)
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.refusal import Refusal, RefusalKind
from twap_server.exchanges.htx import refusals
from twap_server.exchanges.htx.adapter import HtxExchange

CASE = case_of("htx")
RECORDED = "htx/spot-6-symbols-2021-04-17.jsonl.gz"


def decoded(raw: str | bytes) -> MarketEvent:
    (event,) = CASE.taught().new_stream().decode(raw)
    return event


def test_recorded_frames_say_packed_what_they_say_unpacked() -> None:
    packed, plain, seen = CASE.taught().new_stream(), CASE.taught().new_stream(), 0
    for row in (one for one in rows(recording(RECORDED)) if one["dir"] == "in"):
        frame = base64.b64decode(row["raw"])
        assert packed.decode(frame) == plain.decode(gzip.decompress(frame))
        seen += 1
    assert seen == 226


def test_a_frame_is_unpacked_no_further_than_a_book_can_be() -> None:
    huge = gzip.compress(b'{"ch":"market.btcusdt.depth.step0","x":"' + b"0" * (50 << 20) + b'"}')
    assert len(huge) < 100_000
    with pytest.raises(WireFormatError, match="too large"):
        decoded(huge)
    with pytest.raises(WireFormatError, match="damaged"):
        decoded(huge[:50] + b"\xff\xff\xff\xff" + huge[54:])
    with pytest.raises(WireFormatError):
        decoded(gzip.compress(book(0).encode()) + b"more")


def test_a_ping_is_answered_with_its_number() -> None:
    assert decoded(gzip.compress(PING.encode())) == Reply(text='{"pong":1787348157834}')


async def test_pings_are_answered_over_a_connection() -> None:
    async with collected(CASE) as (exchange, market):
        wanted = InstrumentId("htx", "BTC-USDT")
        market.hold(wanted, "test")
        await market.wait_live(wanted, 10)
        (socket,) = exchange.sockets
        await socket.send(gzip.compress(PING.encode()))
        await until(lambda: exchange.requests[-1] == '{"pong":1787348157834}')


def test_numbers_with_an_exponent_keep_their_digits() -> None:
    snapshot = decoded(book(0).replace("60000.1", "9.121E-7").replace("1.5", "14.909001E+3"))
    assert isinstance(snapshot, BookSnapshot)
    assert snapshot.bids == [("0.0000009121", "0.1"), ("59999.0", "14909.001")]


def test_trades_from_before_the_subscription_are_no_news() -> None:
    stream = CASE.taught().new_stream()
    stream.decode('{"id":"2","status":"ok","subbed":"market.btcusdt.trade.detail","ts":1787348157000}')
    old, newer = TRADE | {"ts": 1787348156999}, TRADE | {"tradeId": 5, "direction": "buy"}
    assert list(stream.decode(trades(old))) == []
    first, second = stream.decode(trades(newer, TRADE, old))
    assert isinstance(first, Trade) and isinstance(second, Trade)
    assert [first.trade_id, second.trade_id] == ["100045088885", "5"]  # newest first there
    assert (first.taker_side, second.taker_side) == (Side.SELL, Side.BUY)


def test_a_trade_that_cannot_be_read_costs_no_other_and_no_book() -> None:
    with pytest.raises(WireFormatError) as caught:
        decoded(trades(TRADE | {"direction": "?"}, TRADE))
    assert (caught.value.doubted, [type(one) for one in caught.value.readable]) == ((), [Trade])


@pytest.mark.parametrize(
    ("raw", "event"),
    [
        (CASE.frames[0], Subscribed(request_id=1, symbol="BTC-USDT")),
        (CASE.frames[0].replace("depth.step0", "trade.detail"), Subscribed(request_id=1)),
        ('{"id":"8","status":"ok","unsubbed":"market.btcusdt.depth.step0","ts":1}', Subscribed(request_id=8)),
        (BEST, Heartbeat()),
        ('{"ch":"market.btcusdt.detail","ts":1,"tick":{"open":1}}', Heartbeat()),
    ],
)
def test_other_frames(raw: str, event: MarketEvent) -> None:
    assert decoded(raw) == event


def test_a_refusal_has_its_request_and_kind() -> None:
    refused = decoded(CASE.frames[-1])
    assert isinstance(refused, Refused)
    assert (refused.request_id, refused.kind) == (3, RefusalKind.UNKNOWN_SYMBOL)


@pytest.mark.parametrize(
    ("raw", "doubted"),
    [
        (book(0).replace('"bids"', '"bid"'), ["BTC-USDT"]),
        (book(0).replace("depth.step0", "depth.step1"), ["BTC-USDT"]),
        (book(0).replace('"ch"', '"x"'), None),
        ('{"status":5}', ()),
        (BEST.replace('"ts":1787348157834', '"ts":"now"'), ()),
    ],
)
def test_what_cannot_be_read_names_its_book(raw: str, doubted: object) -> None:
    with pytest.raises(WireFormatError) as caught:
        decoded(raw)
    assert caught.value.doubted == doubted


def test_requests_are_about_one_topic_each() -> None:
    stream, one = CASE.taught().new_stream(), CASE.instrument()
    asked = [json.loads(request.text) for request in (*stream.subscribe([one]), *stream.renew(one))]
    assert asked == [
        {"sub": "market.btcusdt.depth.step0", "id": "1"},
        {"sub": "market.btcusdt.trade.detail", "id": "2"},
        {"unsub": "market.btcusdt.depth.step0", "id": "3"},
        {"sub": "market.btcusdt.depth.step0", "id": "4"},
    ]


def test_days_are_built_from_shorter_candles() -> None:
    """Its own begin at UTC+8."""
    native = HtxExchange.klines.native
    assert {source_of(one, native) for one in (Interval.D1, Interval.D3, Interval.W1, Interval.MONTH)} == {
        Interval.H4
    }


def test_candles_come_newest_first_and_are_all_asked_for() -> None:
    body = json.dumps(
        CASE.candle_body([(1_755_496_680, *CASE.candle[1:]), (1_755_496_620, *CASE.candle[1:])])
    )
    (question,), listed = led(CASE.taught().candles(CASE.instrument(), page(limit=2)), body.encode())
    assert dict(question.params) == {"symbol": "btcusdt", "period": "1min", "size": "2000"}
    assert [one.open_time // 10**9 for one in listed.found] == [1_755_496_620, 1_755_496_680]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("invalid symbol", UnknownSymbol),
        ("too many requests", Throttled),
        ("internal error", ExchangeUnavailable),
    ],
)
def test_an_error_in_a_body_is_raised(text: str, error: type[TwapError]) -> None:
    body = json.dumps({"status": "error", "err-code": "invalid-parameter", "err-msg": text})
    with pytest.raises(error):
        told(CASE.taught().snapshot(CASE.instrument()), body.encode())


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, '{"status":"error","err-code":"x","err-msg":"invalid symbol"}', RefusalKind.UNKNOWN_SYMBOL),
        (429, "<html>", RefusalKind.RATE),
        (503, '{"status":"error","err-code":"x","err-msg":"y"}', RefusalKind.BUSY),
    ],
)
def test_refusals_over_rest(status: int, body: str, kind: RefusalKind) -> None:
    assert refusals.of_http(status, body.encode()) == Refusal(kind)
