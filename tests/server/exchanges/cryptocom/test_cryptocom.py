"""What is Crypto.com's own: its heartbeat that wants an answer, answers that look like data, its chain."""

import json

import pytest

from support.asking import led, page, told
from support.collector.parts import until
from support.exchanges import case_of
from support.exchanges.cryptocom import FIRST, HEARTBEAT, SNAPSHOT, TRADES, data, update
from support.exchanges.following import follow
from support.exchanges.loopback import collected
from support.recordings import recording, rows
from twap_models.enums import Side
from twap_server.domain.clock import MILLISECOND
from twap_server.domain.errors import ExchangeUnavailable, Throttled, TwapError, UnknownSymbol
from twap_server.domain.market.errors import SequenceGap, WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    Heartbeat,
    MarketEvent,
    Refused,
    Reply,
    Subscribed,
    Trade,
)
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.refusal import Refusal, RefusalKind
from twap_server.exchanges.cryptocom import refusals
from twap_server.exchanges.cryptocom.adapter import CryptocomExchange

CASE = case_of("cryptocom")


def decoded(raw: str | bytes) -> MarketEvent:
    (event,) = CASE.taught().new_stream().decode(raw)
    return event


def test_a_heartbeat_is_answered_with_its_number() -> None:
    reply = decoded(HEARTBEAT)
    assert isinstance(reply, Reply)
    assert json.loads(reply.text) == {"id": 1787348157834, "method": "public/respond-heartbeat"}


async def test_the_answer_does_not_wait_for_the_second_after_connecting() -> None:
    async with collected(CASE) as (exchange, market):
        wanted = InstrumentId("cryptocom", "BTC-USDT")
        market.hold(wanted, "test")
        await until(lambda: bool(exchange.requests))
        assert json.loads(exchange.requests[0])["method"] == "public/respond-heartbeat"
        await market.wait_live(wanted, 10)
        assert [json.loads(one)["method"] for one in exchange.requests[1:]] == ["subscribe"] * 3


def test_numbers_jump_and_repeat_and_the_book_stays_live() -> None:
    frames = [SNAPSHOT, update(FIRST, FIRST + 55073), update(FIRST + 55073, FIRST + 55073)]
    frames.append(update(FIRST + 55073, FIRST + 90000, bids=[["60000.5", "7", "1"]]))
    followed = follow(CASE, [("ws", one.encode()) for one in frames])
    assert (followed.faults, followed.figures["applied"]) == ([], 4)
    assert followed.books["BTC-USDT"].book.top_text(1)[0] == [("60000.5", "7")]


def test_another_predecessor_is_a_gap_until_the_next_whole_book() -> None:
    frames = [SNAPSHOT, update(FIRST + 1, FIRST + 2), update(FIRST + 2, FIRST + 3), SNAPSHOT]
    followed = follow(CASE, [("ws", one.encode()) for one in frames])
    assert [type(one) for one in followed.faults] == [SequenceGap]
    assert followed.figures["live"] == 1


def test_a_level_without_orders_stays() -> None:
    frames = [SNAPSHOT, update(FIRST, FIRST + 9, bids=[["60000.5", "7", "0"]])]
    followed = follow(CASE, [("ws", one.encode()) for one in frames])
    assert followed.books["BTC-USDT"].book.top_text(1)[0] == [("60000.5", "7")]


def test_data_that_lost_its_result_is_no_acknowledgement() -> None:
    with pytest.raises(WireFormatError) as caught:
        decoded(SNAPSHOT.replace('"result"', '"results"'))
    assert caught.value.doubted is None


@pytest.mark.parametrize(
    ("raw", "event"),
    [
        (CASE.frames[1], Subscribed(request_id=1, symbol="BTC-USDT")),
        ('{"id":7,"method":"unsubscribe","code":0}', Subscribed(request_id=7)),
        (CASE.frames[9], Heartbeat()),
        (data("candlestick", "candlestick.1m.BTC_USDT", {"o": "1"}), Heartbeat()),
    ],
)
def test_other_frames(raw: str, event: MarketEvent) -> None:
    assert decoded(raw) == event


@pytest.mark.parametrize(
    ("raw", "request_id", "symbol", "kind"),
    [
        (
            '{"id":2,"method":"subscribe","code":40003,"message":"Unknown symbol"}',
            2,
            None,
            RefusalKind.UNKNOWN_SYMBOL,
        ),
        (
            '{"id":9,"method":"subscribe","code":40003,"message":"Bad depth","channel":"book.BTC_USDT.1"}',
            None,
            "BTC-USDT",
            RefusalKind.OTHER,
        ),
        (
            '{"id":9,"method":"subscribe","code":40003,"message":"unknown symbol","channel":"trade.X_Y"}',
            None,
            None,
            RefusalKind.UNKNOWN_SYMBOL,
        ),
        ('{"id":-1,"method":"ERROR","code":42901,"message":"x"}', None, None, RefusalKind.RATE),
    ],
)
def test_a_refusal_goes_by_its_channel_where_it_names_one(
    raw: str, request_id: int | None, symbol: str | None, kind: RefusalKind
) -> None:
    refused = decoded(raw)
    assert isinstance(refused, Refused)
    assert (refused.request_id, refused.symbol, refused.kind) == (request_id, symbol, kind)


def test_trades_come_newest_first_and_a_bad_one_costs_no_other() -> None:
    trade = decoded(TRADES)
    assert isinstance(trade, Trade) and (trade.taker_side, trade.is_numbered) == (Side.SELL, False)
    message = json.loads(TRADES)
    (entry,) = message["result"]["data"]
    message["result"]["data"] = [entry | {"d": "3"}, entry | {"s": "?"}, entry | {"d": "1", "s": "BUY"}]
    with pytest.raises(WireFormatError) as caught:
        decoded(json.dumps(message))
    assert caught.value.doubted == ()
    assert [one.trade_id for one in caught.value.readable if isinstance(one, Trade)] == ["1", "3"]


def test_requests() -> None:
    stream = CASE.taught().new_stream()
    book, trades = stream.subscribe([CASE.instrument()])
    assert json.loads(book.text) == {
        "id": 1,
        "method": "subscribe",
        "params": {
            "channels": ["book.BTC_USDT.50"],
            "book_subscription_type": "SNAPSHOT_AND_UPDATE",
            "book_update_frequency": 100,
        },
    }
    assert json.loads(trades.text)["params"] == {"channels": ["trade.BTC_USDT"]}
    assert (book.acks, trades.acks, trades.is_book) == (1, 0, False)
    renewed = [json.loads(one.text) for one in stream.renew(CASE.instrument())]
    assert [one["method"] for one in renewed] == ["unsubscribe", "subscribe"]
    assert renewed[0]["params"] == {"channels": ["book.BTC_USDT.50"]}


def test_only_spot_is_listed() -> None:
    perpetual = {"symbol": "BTCUSD-PERP", "inst_type": "PERPETUAL_SWAP"}
    listed = told(CryptocomExchange().instruments(), CASE.body(perpetual, CASE.entry))
    assert ([one.native for one in listed.found], listed.left_out) == (["BTC_USDT"], ())


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('{"code":42901,"message":"x"}', Throttled),
        ('{"code":40003,"message":"Unknown symbol"}', UnknownSymbol),
        ('{"code":50001,"message":"x"}', ExchangeUnavailable),
    ],
)
def test_an_error_in_a_body_is_raised(body: str, error: type[TwapError]) -> None:
    with pytest.raises(error):
        told(CASE.taught().snapshot(CASE.instrument()), body.encode())


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, '{"id":-1,"code":40003,"message":"Invalid instrument_name"}', RefusalKind.UNKNOWN_SYMBOL),
        (429, '{"id":-1,"code":42901,"message":"Too many"}', RefusalKind.RATE),
        (429, "<html>", RefusalKind.RATE),
        (503, '{"id":-1,"code":1,"message":"x"}', RefusalKind.BUSY),
        (400, '{"id":-1,"code":40004,"message":"Missing instrument_name param"}', RefusalKind.OTHER),
    ],
)
def test_refusals_over_rest(status: int, body: str, kind: RefusalKind) -> None:
    assert refusals.of_http(status, body.encode()) == Refusal(kind)


def test_a_page_of_candles_holds_both_its_ends_however_they_are_counted() -> None:
    wanted = page(limit=2)
    body = json.dumps(CASE.candle_body([CASE.candle])).encode()
    (question,), _ = led(CASE.taught().candles(CASE.instrument(), wanted), body)
    assert question.params["start_ts"] == str(wanted.start // MILLISECOND - 1)
    assert question.params["end_ts"] == str(wanted.end // MILLISECOND + 59_999)


def test_recorded_messages_of_todays_shape_are_read() -> None:
    raws = [one["raw"] for one in rows(recording("cryptocom/samples.jsonl.gz"))]
    (change,) = [decoded(one) for one in raws if "DOGE_USDT" in one]
    assert isinstance(change, BookChange)
    assert (change.first_id, change.last_id) == (41261671841, 41261686400)
    assert (change.bids, change.asks) == ([("0.116116", "0")], [("0.136338", "1312")])
    trade = decoded(
        next(one for one in raws if "4611686018428108636" in one).replace("BTC_USDT", "DOGE_USDT")
    )
    assert isinstance(trade, Trade) and trade.trade_id == "4611686018428108636"
