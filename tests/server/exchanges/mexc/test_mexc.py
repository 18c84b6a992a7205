"""What is MEXC's own: protobuf and JSON on one connection, answers by channel, a late book over REST."""

import json

import pytest

from support.asking import led, page, told
from support.exchanges import case_of
from support.exchanges.following import follow
from support.exchanges.mexc import BEST, FIRST, TRADE, deals, depth, field, pushed, varint
from twap_models.enums import Interval, Side
from twap_server.books.live import LiveBook
from twap_server.domain.clock import MILLISECOND, Nanos
from twap_server.domain.market.candles import source_of
from twap_server.domain.market.errors import SequenceGap, SnapshotTooOld, WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    BookStatus,
    Heartbeat,
    MarketEvent,
    Refused,
    Subscribed,
    Trade,
)
from twap_server.domain.market.refusal import Refusal, RefusalKind
from twap_server.exchanges.mexc import refusals
from twap_server.exchanges.mexc.adapter import MexcExchange
from twap_server.exchanges.mexc.protobuf import Message

CASE = case_of("mexc")
DEPTH = "spot@public.aggre.depth.v3.api.pb@100ms@"
SAMPLE = bytes.fromhex(
    "0a2f73706f74407075626c69632e61676772652e64657074682e76332e6170692e7062403130306d7340425443555344541a07425443555344"
    "543080d8c1a28c34ca134b0a0c0a053130302e321203302e35120a0a053130302e311201301a2773706f74407075626c69632e6167677265"
    "2e64657074682e76332e6170692e7062403130306d73220231312a023132"
)
"""Made by the description of the messages alone, with another encoder than that of the case."""


def decoded(raw: str | bytes) -> MarketEvent:
    (event,) = CASE.taught().new_stream().decode(raw)
    return event


def of_hex(text: str) -> MarketEvent:
    return decoded(bytes.fromhex(text))


def test_a_message_is_read_by_the_numbers_of_its_fields() -> None:
    assert decoded(SAMPLE) == BookChange(
        symbol="BTC-USDT",
        bids=[("100.1", "0")],
        asks=[("100.2", "0.5")],
        first_id=11,
        last_id=12,
        ts_exchange=Nanos(1_790_000_000_000 * MILLISECOND),
    )


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**32, 2**63 - 1])
def test_a_whole_number_of_any_length_is_read(value: int) -> None:
    assert Message(field(6, value)).whole(6) == value


def test_unknown_fields_of_any_type_are_skipped() -> None:
    unknown = (
        field(99, 5) + field(900, "new") + varint(7 << 3 | 1) + b"8 bytes!" + varint(8 << 3 | 5) + b"four"
    )
    assert decoded(unknown + SAMPLE + unknown) == decoded(SAMPLE)
    assert Message(unknown).text(1) == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"\x0a\xff\xff\xff\xff\x0f",  # a length beyond the end
        b"\x30" + b"\xff" * 11,  # a number without an end
        b"\x33",  # a group, which is no more in use
        b"\x02\x01a",  # a field without a number
        b"\x31four",  # eight bytes that are four
        SAMPLE[:-1],
    ],
)
def test_a_message_that_breaks_off_is_none(raw: bytes) -> None:
    with pytest.raises(WireFormatError) as caught:
        decoded(raw)
    assert caught.value.doubted is None


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        (pushed(DEPTH, b""), ["BTC-USDT"]),
        (pushed(DEPTH, field(313, 7)), ["BTC-USDT"]),
        (pushed(DEPTH, field(313, b"\x0a\x05")), ["BTC-USDT"]),
        (pushed(DEPTH[:-1], field(313, b"")), None),
        ((field(1, DEPTH + "BTCUSDT") + field(3, "NOPE")).hex(), None),
        ((field(1, DEPTH) + field(313, b"")).hex(), None),
        (pushed("spot@public.aggre.deals.v3.api.pb@100ms@", b""), ()),
    ],
)
def test_what_cannot_be_read_names_its_book(text: str, doubted: object) -> None:
    with pytest.raises(WireFormatError) as caught:
        of_hex(text)
    assert caught.value.doubted == doubted


def test_a_trade_has_the_takers_side() -> None:
    sold = of_hex(deals(TRADE))
    assert isinstance(sold, Trade)
    assert (sold.taker_side, sold.trade_id, sold.is_numbered) == (Side.SELL, "592486513914052608X1", False)
    bought = of_hex(deals((*TRADE[:2], 1, *TRADE[3:])))
    assert isinstance(bought, Trade) and bought.taker_side is Side.BUY


def test_a_trade_that_cannot_be_read_costs_no_other_and_no_book() -> None:
    with pytest.raises(WireFormatError) as caught:
        of_hex(deals((*TRADE[:2], 9, *TRADE[3:]), TRADE))
    assert (caught.value.doubted, [type(one) for one in caught.value.readable]) == ((), [Trade])


def test_other_messages_say_that_the_connection_lives() -> None:
    assert of_hex(BEST) == Heartbeat()
    assert of_hex(pushed("spot@public.kline.v3.api.pb@", field(308, b""))) == Heartbeat()


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        (f"{DEPTH}BTCUSDT", "BTC-USDT"),
        (f"{DEPTH}NOPE", None),
        ("spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT", None),
    ],
)
def test_an_answer_names_its_channel(text: str, symbol: str | None) -> None:
    assert decoded(json.dumps({"id": 0, "code": 0, "msg": text})) == Subscribed(
        request_id=None, symbol=symbol
    )


@pytest.mark.parametrize(
    ("text", "symbol", "kind"),
    [
        (
            f"Not Subscribed successfully! [{DEPTH}BTCUSDT].  Reason: Blocked!",
            "BTC-USDT",
            RefusalKind.NOT_PERMITTED,
        ),
        (f"Not Subscribed successfully! [{DEPTH}NOPE].  Reason: x", None, RefusalKind.OTHER),
        ("no such method", None, RefusalKind.OTHER),
    ],
)
def test_a_refusal_has_the_code_of_a_success(text: str, symbol: str | None, kind: RefusalKind) -> None:
    refused = decoded(json.dumps({"id": 0, "code": 0, "msg": text}))
    assert isinstance(refused, Refused)
    assert (refused.request_id, refused.symbol, refused.kind) == (None, symbol, kind)


def test_an_unknown_answer_costs_no_book() -> None:
    with pytest.raises(WireFormatError) as caught:
        decoded('{"msg":"new"}')
    assert caught.value.doubted == ()
    assert list(CASE.taught().new_stream().decode(b'{"id":0,"code":0,"msg":"PONG"}')) == []


def test_versions_continue_each_other() -> None:
    frames = [depth(FIRST, FIRST + 4), depth(FIRST + 5, FIRST + 5), depth(FIRST + 7, FIRST + 9)]
    followed = follow(CASE, [("ws", bytes.fromhex(one)) for one in frames])
    assert [type(one) for one in followed.faults] == [SequenceGap]


def test_a_late_book_is_too_old_until_it_meets_what_is_held() -> None:
    live = LiveBook(CASE.instrument().id, CASE.taught().new_sequencer(CASE.instrument()))
    live.resync("synchronising")

    def snapshot(number: int) -> BookSnapshot:
        return BookSnapshot(symbol="BTC-USDT", bids=[("8", "1")], asks=[("9", "1")], last_id=number)

    for text in (depth(FIRST, FIRST + 4), depth(FIRST + 5, FIRST + 9, bids=[("8", "3")])):
        change = of_hex(text)
        assert isinstance(change, BookChange)
        live.on_change(change, Nanos(1))
    with pytest.raises(SnapshotTooOld):
        live.on_snapshot(snapshot(FIRST - 2), Nanos(1))
    live.on_snapshot(snapshot(FIRST + 3), Nanos(1))
    assert live.status is BookStatus.LIVE
    assert live.book.top_text(1)[0] == [("8", "3")]


def test_requests_stay_within_thirty_streams() -> None:
    stream, one = CASE.taught().new_stream(), CASE.instrument()
    book, trades = stream.subscribe([one])
    assert json.loads(book.text) == {"method": "SUBSCRIPTION", "params": [f"{DEPTH}BTCUSDT"]}
    assert (book.acks, book.is_book, trades.acks, trades.is_book) == (1, True, 0, False)
    (gone, _) = stream.unsubscribe([one])
    assert json.loads(gone.text)["method"] == "UNSUBSCRIPTION"
    assert json.loads(stream.ping()) == {"method": "PING"}
    each = MexcExchange.limits.symbols_per_connection * len(stream.subscribe([one]))
    assert each + len(stream.opening()) <= 30


def test_days_are_built_from_shorter_candles() -> None:
    assert source_of(Interval.D1, MexcExchange.klines.native) is Interval.H4


def test_a_page_of_candles_holds_both_its_ends() -> None:
    wanted = page(limit=2)
    body = json.dumps([CASE.candle]).encode()
    (question,), _ = led(CASE.taught().candles(CASE.instrument(), wanted), body)
    assert question.params["startTime"] == str(wanted.start // MILLISECOND)
    assert question.params["endTime"] == str(wanted.end // MILLISECOND + 59_999)


def test_the_book_over_rest_is_as_deep_as_the_one_that_is_kept() -> None:
    body = CASE.answers[2].encode()
    (question,), snapshot = led(CASE.taught().snapshot(CASE.instrument()), body)
    assert question.params == {"symbol": "BTCUSDT", "limit": "1000"}
    assert snapshot.last_id == 10_589_632_358
    assert told(MexcExchange(depth=300).snapshot(CASE.instrument()), body).bids == [("60000.1", "1.5")]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, '{"code":-1121,"msg":"Invalid symbol."}', RefusalKind.UNKNOWN_SYMBOL),
        (400, '{"code":10007,"msg":"x"}', RefusalKind.UNKNOWN_SYMBOL),
        (429, "", RefusalKind.RATE),
        (418, "<html>", RefusalKind.RATE),
        (400, '{"code":700003,"msg":"timestamp"}', RefusalKind.OTHER),
    ],
)
def test_refusals_over_rest(status: int, body: str, kind: RefusalKind) -> None:
    assert refusals.of_http(status, body.encode()) == Refusal(kind)
