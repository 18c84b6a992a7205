"""KuCoin: its numbers step by step, requests, answers of each kind, errors in bodies, candles."""

import json

import pytest

from support.asking import led, page, told
from support.exchanges import case_of
from support.exchanges.kucoin import SNAPSHOT, book
from support.recordings import recording, rows
from twap_models.enums import Side
from twap_server.books.live import LiveBook
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import ExchangeUnavailable, Throttled, UnknownSymbol
from twap_server.domain.market.errors import SequenceGap, WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    BookStatus,
    Heartbeat,
    MarketEvent,
    Refused,
    Trade,
)
from twap_server.domain.market.refusal import Refusal, RefusalKind
from twap_server.exchanges.kucoin import refusals
from twap_server.exchanges.kucoin.adapter import KucoinExchange

CASE = case_of("kucoin")
LAST = 35866811940
"""The snapshot's number."""


def decoded(raw: str | bytes) -> MarketEvent:
    (event,) = CASE.taught().new_stream().decode(raw)
    return event


def feed(target: LiveBook, raw: str) -> None:
    event = decoded(raw)
    if isinstance(event, BookSnapshot):
        target.on_snapshot(event, Nanos(1))
    else:
        assert isinstance(event, BookChange)
        target.on_change(event, Nanos(1))


def new_book() -> LiveBook:
    exchange, instrument = CASE.taught(), CASE.instrument()
    made = LiveBook(instrument.id, exchange.new_sequencer(instrument), depth=exchange.book_depth)
    made.resync("synchronising")
    return made


def best_bid(target: LiveBook) -> str:
    return str(target.view(1).bids[0].quantity)


def test_its_numbers_prove_a_book() -> None:
    live = new_book()
    feed(live, book("delta", LAST - 1, LAST, bids='[["60000.1","9"]]'))  # before the snapshot: dropped
    assert live.status is BookStatus.RESYNCING
    feed(live, SNAPSHOT)
    assert live.status is BookStatus.LIVE and best_bid(live) == "1.5"
    feed(live, book("delta", LAST - 2, LAST, bids='[["60000.1","9"]]'))  # in the snapshot already
    assert best_bid(live) == "1.5"
    feed(live, book("delta", LAST - 2, LAST + 2, bids='[["60000.1","7"]]'))  # begins before, ends behind
    feed(live, book("delta", LAST + 3, LAST + 3))
    assert live.status is BookStatus.LIVE and best_bid(live) == "7"
    with pytest.raises(SequenceGap):
        feed(live, book("delta", LAST + 5, LAST + 5))
    assert live.status is BookStatus.RESYNCING
    feed(live, SNAPSHOT)
    assert live.status is BookStatus.LIVE


def test_a_snapshot_may_come_at_any_time() -> None:
    live = new_book()
    feed(live, SNAPSHOT)
    seen: list[BookStatus] = []
    live.on_status = lambda _: seen.append(live.status)
    feed(live, SNAPSHOT.replace(str(LAST), str(LAST + 50)).replace('"1.5"', '"3"'))
    feed(live, book("delta", LAST + 51, LAST + 51))
    assert not seen and best_bid(live) == "3"


def test_a_trade_has_the_takers_side_and_all_of_its_time() -> None:
    trade = decoded(CASE.frames[6])
    assert isinstance(trade, Trade)
    assert (trade.taker_side, trade.ts_exchange) == (Side.SELL, 1_787_348_155_897_000_000)


def test_requests_are_about_one_symbol_each() -> None:
    stream = KucoinExchange().new_stream()
    first, trades = (json.loads(one.text) for one in stream.subscribe([CASE.instrument()]))
    assert first == {
        "id": "1",
        "action": "subscribe",
        "channel": "obu",
        "tradeType": "SPOT",
        "symbol": "BTC-USDT",
        "depth": "increment@10ms",
    }
    assert trades == {key: one for key, one in first.items() if key != "depth"} | {
        "id": "2",
        "channel": "trade",
    }
    renewed = [json.loads(one.text)["action"] for one in stream.renew(CASE.instrument())]
    assert renewed == ["unsubscribe", "subscribe"]
    assert json.loads(stream.ping()) == {"id": "5", "type": "ping"}


@pytest.mark.parametrize(
    "raw",
    [
        CASE.greeting[0],
        CASE.frames[9],
        '{"T":"callAuctionInfo.SPOT","P":1,"d":{"s":"BTC-USDT"}}',
    ],
)
def test_frames_that_are_no_data(raw: str) -> None:
    assert decoded(raw) == Heartbeat()


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"result": False, "message": "symbol not exists"}, RefusalKind.UNKNOWN_SYMBOL),
        ({"result": "false", "reason": "too many subscriptions"}, RefusalKind.RATE),
        ({"type": "error", "code": 429000, "msg": "x"}, RefusalKind.RATE),
        ({"result": False}, RefusalKind.OTHER),
    ],
)
def test_a_refusal_on_the_stream_has_its_request_and_kind(
    frame: dict[str, object], kind: RefusalKind
) -> None:
    refused = decoded(json.dumps({"id": "12", **frame}))
    assert isinstance(refused, Refused)
    assert (refused.request_id, refused.kind) == (12, kind)


@pytest.mark.parametrize(
    ("raw", "doubted"),
    [
        ('{"id":"1","result":[]}', ()),
        ('{"T":"trade.SPOT","d":{"s":"BTC-USDT","p":1}}', ()),
        ('{"T":"obu.SPOT","dp":"increment","t":"delta","d":{"s":"BTC-USDT"}}', ["BTC-USDT"]),
        ('{"T":"new.SPOT","d":{"s":"BTC-USDT","a":[]}}', ["BTC-USDT"]),
        ('{"T":"obu.SPOT","d":{"s":"XYZ-USDT"}}', []),
        ('{"T":"obu.SPOT"}', None),
    ],
)
def test_what_cannot_be_read_names_the_books_it_may_have_changed(
    raw: str, doubted: list[str] | tuple[()] | None
) -> None:
    with pytest.raises(WireFormatError) as caught:
        decoded(raw)
    assert caught.value.doubted == doubted


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('{"code":"429000","msg":"Too Many Requests"}', Throttled),
        ('{"code":"900001","msg":"x"}', UnknownSymbol),
        ('{"code":"400100","msg":"symbol not exists"}', UnknownSymbol),
        ('{"code":"400100","msg":"x"}', ExchangeUnavailable),
    ],
)
def test_an_error_in_a_body_is_raised(body: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        told(CASE.taught().snapshot(CASE.instrument()), body.encode())


@pytest.mark.parametrize(
    ("status", "body", "refusal"),
    [
        (429, '{"code":"429000","msg":"x"}', Refusal(RefusalKind.RATE, wait_s=30)),
        (429, "<html>", Refusal(RefusalKind.RATE, wait_s=30)),
        (400, '{"code":"900001","msg":"x"}', Refusal(RefusalKind.UNKNOWN_SYMBOL)),
        (403, "<html>", Refusal(RefusalKind.NOT_PERMITTED)),
        (500, '{"code":"500000","msg":"x"}', Refusal(RefusalKind.BUSY)),
    ],
)
def test_refusals_over_rest(status: int, body: str, refusal: Refusal) -> None:
    assert refusals.of_http(status, body.encode()) == refusal


def test_candles_come_newest_first_and_are_turned() -> None:
    rows_ = [[str(at), "1", "2", "3", "0.5", "7", "9"] for at in (1_755_496_680, 1_755_496_620)]
    body = json.dumps({"code": "200000", "data": rows_}).encode()
    (question,), listed = led(CASE.taught().candles(CASE.instrument(), page(limit=2)), body)
    assert question.params["startAt"] == "1755496620"
    assert question.params["endAt"] == "1755496739"  # in the last candle, not behind it
    assert [one.open_time // 10**9 for one in listed.found] == [1_755_496_620, 1_755_496_680]


def test_the_recorded_list_can_be_read() -> None:
    (row,) = rows(recording("kucoin/rest-symbols-2021-04-25.jsonl.gz"))
    listed = told(KucoinExchange().instruments(), row["raw"].encode())
    assert (len(listed.found), listed.left_out) == (len(json.loads(row["raw"])["data"]), ())
    assert not [one.fault for one in listed.found if one.fault]
