"""What is Bybit's own: a restart of its count, its pongs, throttling in bodies, two kinds of 403."""

import json

import pytest

from support.asking import led, page, told
from support.exchanges import case_of
from support.exchanges.following import follow
from twap_server.domain.clock import MILLISECOND
from twap_server.domain.errors import ExchangeUnavailable, Throttled, TwapError, UnknownSymbol
from twap_server.domain.market.errors import SequenceGap, WireFormatError
from twap_server.domain.market.events import Heartbeat, Refused, Subscribed, Trade
from twap_server.domain.market.refusal import RefusalKind
from twap_server.exchanges.bybit.market import BybitStream
from twap_server.exchanges.bybit.spot import BybitExchange

CASE = case_of("bybit")


def stream() -> BybitStream:
    made = CASE.taught().new_stream()
    assert isinstance(made, BybitStream)
    return made


def book(kind: str, number: int, *bids: tuple[str, str]) -> tuple[str, bytes]:
    data = {"s": "BTCUSDT", "b": bids, "a": [["9", "1"]], "u": number, "seq": number + 5}
    outer = {"topic": "orderbook.200.BTCUSDT", "ts": 1767225600123, "type": kind, "data": data}
    return "ws", json.dumps(outer).encode()


def bids_after(*frames: tuple[str, bytes]) -> list[tuple[str, str]]:
    followed = follow(CASE, frames)
    assert followed.faults == []
    return followed.books["BTC-USDT"].book.top_text(5)[0]


def test_a_second_snapshot_and_a_restart_replace_the_book() -> None:
    begun = (book("snapshot", 20, ("8", "1")), book("delta", 21, ("7", "1")), book("delta", 21, ("7", "1")))
    assert bids_after(*begun) == [("8", "1"), ("7", "1")]
    anew = (*begun, book("snapshot", 15, ("6", "1")), book("delta", 16, ("5", "1")))
    assert bids_after(*anew) == [("6", "1"), ("5", "1")]
    restarted = (*begun, book("delta", 1, ("4", "1")), book("delta", 2, ("3", "1")))
    assert bids_after(*restarted) == [("4", "1"), ("3", "1")]


def test_a_lost_message_is_a_gap() -> None:
    followed = follow(CASE, [book("snapshot", 20, ("8", "1")), book("delta", 22, ("7", "1"))])
    assert [type(one) for one in followed.faults] == [SequenceGap]


@pytest.mark.parametrize("op", ["ping", "pong"])
def test_a_pong_emits_nothing(op: str) -> None:
    raw = json.dumps({"success": True, "ret_msg": "pong", "conn_id": "0970e817", "op": op})
    assert list(stream().decode(raw)) == []


def test_other_frames() -> None:
    (trade,), (beat,), (ack,), (refused,) = [stream().decode(one) for one in CASE.frames[2:6]]
    assert isinstance(trade, Trade) and trade.trade_id == "2100000000012345678"
    assert isinstance(beat, Heartbeat)
    assert ack == Subscribed(request_id=1)
    assert isinstance(refused, Refused)
    assert (refused.request_id, refused.symbol, refused.kind) == (2, None, RefusalKind.UNKNOWN_SYMBOL)


def test_what_is_subscribed_already_is_acknowledged() -> None:
    told = {"success": False, "ret_msg": "error:already subscribed,topic:x", "req_id": "3", "op": "subscribe"}
    assert list(stream().decode(json.dumps(told))) == [Subscribed(request_id=3)]


def test_a_trade_that_cannot_be_read_costs_no_other_and_no_book() -> None:
    good = {"T": 1767225600309, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "2", "i": "3"}
    raw = json.dumps({"topic": "publicTrade.BTCUSDT", "data": [good | {"S": "?"}, good]})
    with pytest.raises(WireFormatError) as error:
        stream().decode(raw)
    assert error.value.doubted == ()
    assert [type(one) for one in error.value.readable] == [Trade]


def test_a_request_has_ten_topics_at_most() -> None:
    some = [CASE.instrument(f"A{place}") for place in range(BybitExchange.limits.symbols_per_request)]
    (request,) = stream().subscribe(some)
    assert len(json.loads(request.text)["args"]) == 10
    assert request.acks == 1
    assert json.loads(stream().ping()) == {"req_id": "1", "op": "ping"}


def test_candles_are_those_of_spot_up_to_the_end() -> None:
    wanted, rows = page(limit=2), json.dumps(CASE.candle_body([CASE.candle])).encode()
    (question,), _ = led(BybitExchange().candles(CASE.instrument(), wanted), rows)
    assert question.params == {
        "category": "spot",
        "symbol": "BTCUSDT",
        "interval": "1",
        "end": str(wanted.end // MILLISECOND),
        "limit": "2",
    }


@pytest.mark.parametrize(
    ("code", "text", "error"),
    [
        (10006, "Too many visits!", Throttled),
        (10001, "params error: Symbol Invalid", UnknownSymbol),
        (10029, "", UnknownSymbol),
        (10001, "params error: limit", ExchangeUnavailable),
        (10016, "Internal server error", ExchangeUnavailable),
    ],
)
def test_an_error_in_a_body_is_raised(code: int, text: str, error: type[TwapError]) -> None:
    body = json.dumps({"retCode": code, "retMsg": text, "result": {}}).encode()
    with pytest.raises(error) as raised:
        told(BybitExchange().snapshot(CASE.instrument()), body)
    assert isinstance(raised.value, Throttled) == (error is Throttled)


@pytest.mark.parametrize(
    ("status", "body", "kind", "wait_s"),
    [
        (403, b"access too frequent", RefusalKind.RATE, 600),
        (403, b"<html>blocked in your country</html>", RefusalKind.NOT_PERMITTED, 0),
        (429, b"", RefusalKind.RATE, 0),
        (400, b'{"retCode":10006}', RefusalKind.RATE, 0),
        (404, b"", RefusalKind.OTHER, 0),
        (502, b"<html>", RefusalKind.BUSY, 0),
    ],
)
def test_another_status_says_how_long_to_wait(
    status: int, body: bytes, kind: RefusalKind, wait_s: int
) -> None:
    refusal = BybitExchange().refusal(status, body)
    assert (refusal.kind, refusal.wait_s) == (kind, wait_s)
