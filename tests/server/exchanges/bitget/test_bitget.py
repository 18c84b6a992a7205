"""What is Bitget's own: its chain, its word for silence, a value in USDT, candles in two places."""

import json
import zlib
from decimal import Decimal
from itertools import zip_longest

import pytest

from support.asking import led, page, told
from support.exchanges import case_of
from support.exchanges.bitget import FIRST, SNAPSHOT, TRADE, book, message
from support.exchanges.following import follow
from support.recordings import recording, rows
from twap_models.enums import Interval, Side
from twap_server.books.live import LiveBook
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.errors import ExchangeUnavailable, Throttled, TwapError, UnknownSymbol
from twap_server.domain.market.errors import SequenceGap, WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    Heartbeat,
    MarketEvent,
    Refused,
    Subscribed,
    Trade,
)
from twap_server.domain.market.refusal import Refusal, RefusalKind
from twap_server.exchanges.base import SnapshotFirst
from twap_server.exchanges.bitget import refusals
from twap_server.exchanges.bitget.adapter import BitgetExchange

CASE = case_of("bitget")
MINUTE = 60 * SECOND


def decoded(raw: str | bytes) -> MarketEvent:
    (event,) = CASE.taught().new_stream().decode(raw)
    return event


def test_the_first_change_may_straddle_the_whole_book_and_none_after_it() -> None:
    frames = [
        SNAPSHOT,
        book(FIRST - 20, FIRST + 57, bids=[["60000", "7"]]),
        book(FIRST + 57, FIRST + 60, bids=[["59999", "1"]]),
    ]
    followed = follow(CASE, [("ws", one.encode()) for one in frames])
    assert (followed.faults, followed.figures["applied"]) == ([], 3)
    late = follow(CASE, [("ws", one.encode()) for one in (*frames, book(FIRST + 58, FIRST + 70))])
    assert [type(one) for one in late.faults] == [SequenceGap]


def test_a_change_that_follows_nothing_costs_its_book_alone() -> None:
    with pytest.raises(WireFormatError) as caught:
        decoded(SNAPSHOT.replace("snapshot", "update"))
    assert caught.value.doubted == ["BTC-USDT"]


def test_numbers_may_be_texts() -> None:
    snapshot = decoded(SNAPSHOT.replace(str(FIRST), f'"{FIRST}"'))
    assert isinstance(snapshot, BookSnapshot) and snapshot.last_id == FIRST


@pytest.mark.parametrize(
    "raw",
    [
        "pong",
        b"pong",
        message("trade", "snapshot", TRADE),
        message("books", "snapshot", {}, native="NOPEUSDT"),
        '{"event":"login","code":0}',
    ],
)
def test_what_says_nothing_emits_nothing(raw: str | bytes) -> None:
    assert list(CASE.taught().new_stream().decode(raw)) == []


def test_other_frames() -> None:
    assert decoded(CASE.frames[0]) == Subscribed(request_id=None, symbol="BTC-USDT")
    assert decoded(CASE.frames[0].replace("books", "trade")) == Subscribed(request_id=None)
    assert decoded(CASE.frames[7]) == Heartbeat()
    assert decoded(message("candle1m", "update", ["1"])) == Heartbeat()


def test_a_refusal_names_its_book() -> None:
    refused = decoded(CASE.frames[-1].replace("NOPE", "BTCUSDT"))
    assert isinstance(refused, Refused)
    assert (refused.symbol, refused.kind) == ("BTC-USDT", RefusalKind.UNKNOWN_SYMBOL)
    nameless = decoded('{"event":"error","code":"30006","msg":"too many requests"}')
    assert isinstance(nameless, Refused) and (nameless.symbol, nameless.kind) == (None, RefusalKind.RATE)


def test_trades_are_told_oldest_first_and_a_bad_one_costs_no_other() -> None:
    newest = TRADE | {"tradeId": "1235671058980749320", "side": "buy"}
    first, second = CASE.taught().new_stream().decode(message("trade", "update", newest, TRADE))
    assert isinstance(first, Trade) and isinstance(second, Trade)
    assert (first.taker_side, second.taker_side) == (Side.SELL, Side.BUY)
    with pytest.raises(WireFormatError) as caught:
        decoded(message("trade", "update", TRADE | {"side": "?"}, TRADE))
    assert (caught.value.doubted, [type(one) for one in caught.value.readable]) == ((), [Trade])


def test_one_request_asks_for_books_and_trades_of_all() -> None:
    every = [CASE.instrument(), CASE.instrument("ETH")]
    (request,) = CASE.taught().new_stream().subscribe(every)
    asked = json.loads(request.text)
    assert [(one["channel"], one["instId"]) for one in asked["args"]] == [
        ("books", "BTCUSDT"),
        ("books", "ETHUSDT"),
        ("trade", "BTCUSDT"),
        ("trade", "ETHUSDT"),
    ]
    assert {one["instType"] for one in asked["args"]} == {"SPOT"}
    assert (request.acks, request.symbols) == (2, ("BTC-USDT", "ETH-USDT"))
    most = [CASE.instrument("A" * 20)] * BitgetExchange.limits.symbols_per_request
    (longest,) = CASE.taught().new_stream().subscribe(most)
    assert len(longest.text) <= 4096


@pytest.mark.parametrize(("quote", "least"), [("USDT", "1"), ("BTC", "0")])
def test_a_smallest_value_in_usdt_is_none_of_another_currency(quote: str, least: str) -> None:
    listed = told(BitgetExchange().instruments(), CASE.body({**CASE.entry, "quoteCoin": quote}))
    assert listed.found[0].min_notional == Decimal(least)


def test_days_and_longer_begin_in_utc() -> None:
    native = BitgetExchange.klines.native
    assert {one for one in native if native[one].endswith("utc")} == {
        Interval.H6,
        Interval.H12,
        Interval.D1,
        Interval.W1,
        Interval.MONTH,
    }


def rows_of(first: int, count: int) -> bytes:
    times = range(first, first + count * MINUTE, MINUTE)
    data = [[str(one // MILLISECOND), "1", "3", "0.5", "2", "7", "9", "9"] for one in times]
    return json.dumps({"code": "00000", "msg": "", "data": data}).encode()


def test_older_candles_come_from_the_other_endpoint() -> None:
    wanted = page(limit=200)
    recent, older = rows_of(wanted.end - 49 * MINUTE, 50), rows_of(wanted.start, 150)
    questions, listed = led(BitgetExchange().candles(CASE.instrument(), wanted), recent, older)
    assert [one.path.rpartition("/")[2] for one in questions] == ["candles", "history-candles"]
    assert [one.params["limit"] for one in questions] == ["200", "150"]
    assert int(questions[0].params["endTime"]) == wanted.end // MILLISECOND + 59_999
    assert int(questions[1].params["endTime"]) == (wanted.end - 49 * MINUTE) // MILLISECOND - 1
    times = [one.open_time for one in listed.found]
    assert times == list(range(wanted.start, wanted.end + MINUTE, MINUTE))


def test_candles_end_where_nothing_is_older() -> None:
    none = rows_of(0, 0)
    questions, listed = led(BitgetExchange().candles(CASE.instrument(), page(limit=10)), none, none)
    assert (len(questions), listed.found) == (2, [])


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('{"code":"429","msg":"x"}', Throttled),
        ('{"code":"40034","msg":"Parameter X does not exist"}', UnknownSymbol),
        ('{"code":"40309","msg":"x"}', UnknownSymbol),
        ('{"code":"45001","msg":"x"}', ExchangeUnavailable),
    ],
)
def test_an_error_in_a_body_is_raised(body: str, error: type[TwapError]) -> None:
    with pytest.raises(error):
        told(CASE.taught().snapshot(CASE.instrument()), body.encode())


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, '{"code":"40034","msg":"Parameter X does not exist"}', RefusalKind.UNKNOWN_SYMBOL),
        (429, '{"code":"429","msg":"Too Many Requests"}', RefusalKind.RATE),
        (429, "<html>", RefusalKind.RATE),
        (403, '{"code":"1","msg":"x"}', RefusalKind.NOT_PERMITTED),
    ],
)
def test_refusals_over_rest(status: int, body: str, kind: RefusalKind) -> None:
    assert refusals.of_http(status, body.encode()) == Refusal(kind)


def checksum(live: LiveBook) -> int:
    """Of the best 25 levels of both sides, each bid before its ask, over the digits as sent."""
    sides = live.book.top_text(25)
    texts = [text for pair in zip_longest(*sides) for level in pair if level for text in level]
    return zlib.crc32(":".join(texts).encode())


def test_recorded_levels_give_the_books_of_their_checksums() -> None:
    """The older protocol has checksums and no numbers: numbers are added, checksums are compared here."""
    exchange, books, compared = CASE.taught(), dict[str, LiveBook](), 0
    stream, path = exchange.new_stream(), recording("bitget/v1-spot-5-symbols-2022-04-07.jsonl.gz")
    for raw in (row["raw"] for row in rows(path) if row["dir"] == "in" and row["raw"] != "pong"):
        message_ = json.loads(raw)
        if message_["arg"]["channel"] != "books" or "data" not in message_:
            continue
        compared += 1
        (entry,) = message_["data"]
        entry |= {"seq": compared, "pseq": compared - 1, "ts": str(entry["ts"])}
        (event,) = stream.decode(json.dumps(message_))
        assert isinstance(event, BookSnapshot | BookChange)
        if isinstance(event, BookSnapshot):
            wanted = CASE.instrument(*event.symbol.split("-"))
            live = books[event.symbol] = LiveBook(wanted.id, SnapshotFirst())
            live.on_snapshot(event, Nanos(1))
        else:
            books[event.symbol].on_change(event, Nanos(1))
        assert checksum(books[event.symbol]) == entry["checksum"] & 0xFFFFFFFF
    assert (len(books), compared) == (5, 276)
