"""Gate: the snapshot from REST joined by its id, books sent whole, requests, refusals, candles."""

import json
from collections import Counter
from urllib.parse import parse_qs, urlparse

import pytest

from support.asking import led, page, told
from support.exchanges import case_of
from support.exchanges.gate import update
from support.recordings import recording, rows
from twap_models.enums import Side
from twap_server.books.live import LiveBook
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    BookStatus,
    Heartbeat,
    MarketEvent,
    Refused,
    ShutdownNotice,
    Trade,
)
from twap_server.domain.market.refusal import Refusal, RefusalKind
from twap_server.exchanges.gate import refusals
from twap_server.exchanges.gate.adapter import GateExchange

CASE = case_of("gate")


def decoded(raw: str) -> MarketEvent:
    (event,) = CASE.taught().new_stream().decode(raw)
    return event


def new_book() -> LiveBook:
    exchange, instrument = CASE.taught(), CASE.instrument()
    book = LiveBook(instrument.id, exchange.new_sequencer(instrument), depth=exchange.book_depth)
    book.resync("synchronising")
    return book


def test_recorded_books_join_their_recorded_snapshots() -> None:
    exchange, stream = CASE.taught(), CASE.taught().new_stream()
    books = {pair: new_book() for pair in CASE.pairs}
    applied: Counter[str] = Counter()
    for row in rows(recording("gate/v4-6-pairs-2021-04-22.jsonl.gz")):
        if row["dir"] != "in":
            continue
        if row["conn"].startswith("http"):
            native = parse_qs(urlparse(row["conn"]).query)["currency_pair"][0]
            instrument = CASE.instrument(*native.split("_"))
            snapshot = told(exchange.snapshot(instrument), row["raw"].encode())
            sequencer = books[instrument.id.symbol]._sequencer
            held = [one.last_id for one in sequencer._held]  # type: ignore[attr-defined]
            applied[instrument.id.symbol] += sum(one > snapshot.last_id for one in held)
            books[instrument.id.symbol].on_snapshot(snapshot, Nanos(1))
            continue
        for event in stream.decode(row["raw"]):
            if isinstance(event, BookChange):
                before = books[event.symbol].seq
                books[event.symbol].on_change(event, Nanos(1))
                applied[event.symbol] += books[event.symbol].seq > before
    live = {pair for pair, book in books.items() if book.status is BookStatus.LIVE}
    assert live == {"NEO-BTC", "OMG-USDT", "QTUM3S-USDT", "DIS-USDT", "FAST-USDT"}
    assert sum(applied.values()) == 139
    assert books["BTC-USDC"].awaits_first_change  # both its changes are older than its snapshot


def test_a_book_sent_whole_replaces_a_live_one_and_changes_go_on_from_it() -> None:
    book = new_book()
    level = '[["60000.1","1"]]'
    first, second = decoded(update(5, 6, bids=level)), decoded(update(21, 22, bids=level))
    whole = decoded(CASE.frames[1].replace('"u":104', '"u":20'))
    assert isinstance(first, BookChange) and isinstance(second, BookChange)
    assert isinstance(whole, BookSnapshot) and whole.last_id == 20
    book.on_change(first, Nanos(1))
    book.on_snapshot(BookSnapshot(symbol="BTC-USDT", bids=[], asks=[], last_id=5), Nanos(1))
    seen: list[BookStatus] = []
    book.on_status = lambda _: seen.append(book.status)
    book.on_snapshot(whole, Nanos(1))
    book.on_change(second, Nanos(1))
    assert not seen and book.status is BookStatus.LIVE
    assert [(str(one.price), str(one.quantity)) for one in book.view(9).bids] == [("60000.10", "1")]


def test_a_book_sent_whole_spares_the_snapshot_from_rest() -> None:
    book = new_book()
    whole = decoded(CASE.frames[1])
    assert isinstance(whole, BookSnapshot)
    book.on_snapshot(whole, Nanos(1))
    change = decoded(update(105, 106))
    assert isinstance(change, BookChange)
    book.on_change(change, Nanos(1))
    assert book.status is BookStatus.LIVE


def test_a_trade_has_the_takers_side_and_all_of_its_time() -> None:
    trade = decoded(CASE.frames[2])
    assert isinstance(trade, Trade)
    assert (trade.taker_side, trade.ts_exchange) == (Side.BUY, 1_682_689_046_123_250_000)


@pytest.mark.parametrize(
    ("depth", "speed", "levels"), [(0, "100ms", "100"), (20, "20ms", "20"), (1000, "100ms", "100")]
)
def test_as_many_levels_are_fetched_as_the_stream_keeps_right(depth: int, speed: str, levels: str) -> None:
    exchange = GateExchange(depth=depth)
    stream = exchange.new_stream()
    stream.wall_time = lambda: Nanos(1_700_000_000 * SECOND + 5)
    book, trades = (json.loads(one.text) for one in stream.subscribe([CASE.instrument()]))
    assert (book["time"], book["payload"]) == (1_700_000_000, ["BTC_USDT", speed])
    assert (trades["channel"], trades["payload"]) == ("spot.trades", ["BTC_USDT"])
    (question,), _ = led(exchange.snapshot(CASE.instrument()), b'{"id":1,"asks":[],"bids":[]}')
    assert (question.params["limit"], question.params["with_id"]) == (levels, "true")
    assert json.loads(stream.ping()) == {"time": 1_700_000_000, "channel": "spot.ping"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('{"time":1,"channel":"spot.tickers","event":"update","result":{}}', Heartbeat()),
        (
            '{"time":1,"channel":"spot.candlesticks","event":"update","result":{"n":"1m_BTC_USDT"}}',
            Heartbeat(),
        ),
        ('{"channel":"spot.book_ticker","event":"update","result":{"s":"BTC_USDT"}}', Heartbeat()),
        ('{"channel":"spot.system","event":"update","result":{"type":"upgrade"}}', ShutdownNotice()),
        ('{"channel":"spot.system","event":"upgrade","result":{}}', ShutdownNotice()),
    ],
)
def test_frames_that_are_no_data(raw: str, expected: MarketEvent) -> None:
    assert decoded(raw) == expected


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (2, "unknown currency pair GIBBERISH_USD", RefusalKind.UNKNOWN_SYMBOL),
        (2, "Alert sub", RefusalKind.OTHER),
        (3, "internal", RefusalKind.BUSY),
    ],
)
def test_a_refusal_on_the_stream_has_its_request_and_kind(code: int, text: str, kind: RefusalKind) -> None:
    frame = {
        "id": 7,
        "channel": "spot.trades",
        "event": "subscribe",
        "error": {"code": code, "message": text},
    }
    assert decoded(json.dumps(frame)) == Refused(request_id=7, symbol=None, kind=kind, message=text)


@pytest.mark.parametrize(
    ("status", "body", "refusal"),
    [
        (400, '{"label":"INVALID_CURRENCY_PAIR","message":"x"}', Refusal(RefusalKind.UNKNOWN_SYMBOL)),
        (400, '{"label":"INVALID_PARAM_VALUE","message":"x"}', Refusal(RefusalKind.OTHER)),
        (429, '{"label":"TOO_MANY_REQUESTS","message":"x"}', Refusal(RefusalKind.RATE, wait_s=10)),
        (429, "<html>", Refusal(RefusalKind.RATE, wait_s=10)),
        (403, "<html>", Refusal(RefusalKind.NOT_PERMITTED)),
        (500, '{"label":"SERVER_ERROR"}', Refusal(RefusalKind.BUSY)),
    ],
)
def test_refusals_over_rest(status: int, body: str, refusal: Refusal) -> None:
    assert refusals.of_http(status, body.encode()) == refusal


def test_candles_are_asked_for_by_times_alone() -> None:
    (question,), _ = led(CASE.taught().candles(CASE.instrument(), page(limit=1000)), b"[]")
    times = int(question.params["from"]), int(question.params["to"])
    assert (times[1] - times[0], times[1]) == (999 * 60, 1_755_496_680)
    assert "limit" not in question.params


def test_each_endpoint_has_a_budget_of_its_own() -> None:
    exchange, one = CASE.taught(), CASE.instrument()
    asked = [next(exchange.instruments()), next(exchange.candles(one, page())), next(exchange.snapshot(one))]
    assert {question.bucket for question in asked} == exchange.limits.rest.keys()
