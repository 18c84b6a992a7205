"""What is OKX's own: its chain, its word for silence, two endpoints for candles, its errors."""

import json

import pytest

from support.asking import led, page, told
from support.exchanges import case_of
from support.exchanges.following import follow
from twap_models.enums import Interval, Side
from twap_server.domain.clock import MILLISECOND, SECOND
from twap_server.domain.errors import ExchangeUnavailable, Throttled, TwapError, UnknownSymbol
from twap_server.domain.market.errors import SequenceGap, WireFormatError
from twap_server.domain.market.events import Heartbeat, Refused, ShutdownNotice, Subscribed, Trade
from twap_server.domain.market.refusal import RefusalKind
from twap_server.exchanges.okx.adapter import OkxExchange, OkxStream

CASE = case_of("okx")
MINUTE = 60 * SECOND


def stream() -> OkxStream:
    made = CASE.taught().new_stream()
    assert isinstance(made, OkxStream)
    return made


def book(action: str, previous: int, number: int, *bids: tuple[str, str]) -> tuple[str, bytes]:
    data = {
        "asks": [["9", "1", "0", "1"]] if action == "snapshot" else [],
        "bids": [[*one, "0", "1"] for one in bids],
    }
    ids = {"ts": "1767225600123", "checksum": 0, "seqId": number, "prevSeqId": previous}
    arg = {"channel": "books", "instId": "BTC-USDT"}
    return "ws", json.dumps({"arg": arg, "action": action, "data": [data | ids]}).encode()


def test_numbers_jump_repeat_and_begin_anew_and_the_book_stays_live() -> None:
    followed = follow(
        CASE,
        [
            book("snapshot", -1, 1000, ("8", "1")),
            book("update", 1000, 1093, ("7", "1")),
            book("update", 1093, 1093),
            book("update", 1093, 12, ("8", "0")),
            book("update", 12, 15, ("6", "4")),
        ],
    )
    assert (followed.faults, followed.figures["applied"]) == ([], 5)
    assert followed.books["BTC-USDT"].book.top_text(5)[0] == [("7", "1"), ("6", "4")]


def test_a_lost_message_is_a_gap_until_the_next_snapshot() -> None:
    frames = [
        book("snapshot", -1, 1000, ("8", "1")),
        book("update", 1007, 1010, ("7", "1")),
        book("update", 1010, 1011, ("7", "2")),
        book("snapshot", -1, 1020, ("5", "1")),
    ]
    followed = follow(CASE, frames)
    assert [type(one) for one in followed.faults] == [SequenceGap]
    assert followed.books["BTC-USDT"].book.top_text(5)[0] == [("5", "1")]
    assert followed.figures["live"] == 1


@pytest.mark.parametrize(
    "raw", ["pong", b"pong", '{"event":"channel-conn-count","connCount":"2","connId":"a"}']
)
def test_what_says_nothing_emits_nothing(raw: str | bytes) -> None:
    assert list(stream().decode(raw)) == []


def test_other_frames() -> None:
    made = [stream().decode(one) for one in CASE.frames[3:8]]
    (trade,), (beat,), (ack,), (refused,), (notice,) = made
    assert isinstance(trade, Trade) and (trade.trade_id, trade.taker_side) == ("242720720", Side.SELL)
    assert not trade.is_numbered, "its id is that of the last of several matches"
    assert isinstance(beat, Heartbeat) and isinstance(notice, ShutdownNotice)
    assert ack == Subscribed(request_id=1, symbol="BTC-USDT")
    assert isinstance(refused, Refused)
    assert (refused.request_id, refused.symbol, refused.kind) == (2, None, RefusalKind.UNKNOWN_SYMBOL)


def test_a_refusal_names_its_symbol_where_the_text_does() -> None:
    raw = '{"id":"7","event":"error","code":"60018","msg":"no channel:books,instId:BTC-USDT here."}'
    (refused,) = stream().decode(raw)
    assert isinstance(refused, Refused) and refused.symbol == "BTC-USDT"


def test_a_trade_that_cannot_be_read_costs_no_other_and_no_book() -> None:
    good = {"instId": "BTC-USDT", "tradeId": "1", "px": "2", "sz": "3", "side": "buy", "ts": "1767225600300"}
    raw = json.dumps(
        {"arg": {"channel": "trades", "instId": "BTC-USDT"}, "data": [good | {"side": "?"}, good]}
    )
    with pytest.raises(WireFormatError) as error:
        stream().decode(raw)
    assert error.value.doubted == ()
    assert [type(one) for one in error.value.readable] == [Trade]


def test_a_request_has_an_answer_for_each_argument() -> None:
    books, trades = stream().subscribe([CASE.instrument(), CASE.instrument("ETH")])
    assert json.loads(books.text) == {
        "id": "1",
        "op": "subscribe",
        "args": [{"channel": "books", "instId": "BTC-USDT"}, {"channel": "books", "instId": "ETH-USDT"}],
    }
    assert (books.acks, books.is_book, trades.acks, trades.is_book) == (2, True, 2, False)


def rows(first: int, count: int) -> bytes:
    """Candles of a minute, newest first."""
    times = reversed(range(first, first + count * MINUTE, MINUTE))
    data = [[str(one // MILLISECOND), "1", "3", "0.5", "2", "7", "9", "9", "1"] for one in times]
    return json.dumps({"code": "0", "msg": "", "data": data}).encode()


def test_what_is_older_than_the_recent_candles_comes_from_the_other_endpoint() -> None:
    wanted = page(limit=300)
    recent, older = rows(wanted.end - 49 * MINUTE, 50), rows(wanted.end - 149 * MINUTE, 100)
    oldest = rows(wanted.start, 150)
    questions, listed = led(OkxExchange().candles(CASE.instrument(), wanted), recent, older, oldest)
    assert [one.path.rpartition("/")[2] for one in questions] == [
        "candles",
        "history-candles",
        "history-candles",
    ]
    assert [one.params["limit"] for one in questions] == ["300", "250", "150"]
    assert int(questions[0].params["after"]) == wanted.end // MILLISECOND + 1
    assert int(questions[1].params["after"]) == (wanted.end - 49 * MINUTE) // MILLISECOND
    times = [one.open_time for one in listed.found]
    assert times == list(range(wanted.start, wanted.end + MINUTE, MINUTE))


def test_candles_end_where_nothing_is_older() -> None:
    wanted, none = page(limit=10), rows(0, 0)
    questions, listed = led(OkxExchange().candles(CASE.instrument(), wanted), none, none)
    assert (len(questions), listed.found) == (2, [])


def test_a_month_ends_with_its_last_day() -> None:
    january = 1_767_225_600_000
    body = json.dumps(
        {"code": "0", "data": [[str(january), "1", "3", "0.5", "2", "7", "9", "9", "0"]]}
    ).encode()
    wanted = page(Interval.MONTH, end=january * MILLISECOND, limit=1)
    questions, listed = led(OkxExchange().candles(CASE.instrument(), wanted), body)
    assert questions[0].params["bar"] == "1Mutc"
    assert (listed.found[0].close_time - listed.found[0].open_time) // MILLISECOND == 31 * 86_400_000 - 1


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("51001", UnknownSymbol),
        ("50011", Throttled),
        ("50013", ExchangeUnavailable),
        ("51000", ExchangeUnavailable),
    ],
)
def test_an_error_in_a_body_is_raised(code: str, error: type[TwapError]) -> None:
    body = json.dumps({"code": code, "msg": "words of the exchange", "data": []}).encode()
    with pytest.raises(error) as raised:
        told(OkxExchange().snapshot(CASE.instrument()), body)
    assert "words of the exchange" not in str(raised.value)
    assert isinstance(raised.value, Throttled) == (error is Throttled)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, "50011", RefusalKind.RATE),
        (429, "50013", RefusalKind.BUSY),
        (403, "", RefusalKind.NOT_PERMITTED),
        (400, "51001", RefusalKind.UNKNOWN_SYMBOL),
        (503, "50001", RefusalKind.BUSY),
    ],
)
def test_another_status_is_read_by_its_code(status: int, code: str, kind: RefusalKind) -> None:
    assert OkxExchange().refusal(status, json.dumps({"code": code}).encode()).kind is kind
    assert OkxExchange().refusal(403, b"<html>").kind is RefusalKind.NOT_PERMITTED


def test_few_statuses_are_asked_one_by_one() -> None:
    one, body = CASE.instrument(), CASE.body(CASE.entry)
    few, _ = led(OkxExchange().statuses([one, one]), body, body)
    assert [question.params.get("instId") for question in few] == ["BTC-USDT", "BTC-USDT"]
    many, _ = led(OkxExchange().statuses([one] * 6), body)
    assert [question.params for question in many] == [{"instType": "SPOT"}]
