"""What is Gemini's own: a whole book that nothing marks, on each connection anew; numbers of all markets."""

import json

import pytest

from support.asking import led, page, told
from support.collector.parts import until
from support.exchanges import case_of
from support.exchanges.following import follow
from support.exchanges.gemini import BEST, FIRST, SNAPSHOT, TRADE, depth
from support.exchanges.loopback import collected
from support.recordings import recording, rows
from twap_models.enums import Side
from twap_server.domain.market.errors import SequenceGap, StreamGap, WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    Heartbeat,
    MarketEvent,
    Refused,
    Subscribed,
    Trade,
)
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.refusal import Refusal, RefusalKind
from twap_server.exchanges.gemini import refusals
from twap_server.exchanges.gemini.adapter import GeminiExchange
from twap_server.exchanges.gemini.stream import GeminiStream

CASE = case_of("gemini")
BTC = InstrumentId("gemini", "BTC-USD")
INSTRUMENT = CASE.instrument("BTC", "USD")


def stream() -> GeminiStream:
    made = CASE.taught().new_stream()
    assert isinstance(made, GeminiStream)
    return made


def decoded(raw: str | bytes) -> MarketEvent:
    (event,) = stream().decode(raw)
    return event


def kinds(made: GeminiStream, *frames: str) -> list[type[MarketEvent]]:
    return [type(event) for frame in frames for event in made.decode(frame)]


def acked(made: GeminiStream, request_id: int) -> None:
    assert made.decode(json.dumps({"id": str(request_id), "status": 200}))


def test_the_first_message_of_each_connection_is_the_whole_book() -> None:
    exchange, change = CASE.taught(), depth(FIRST, FIRST + 5)
    first, second = exchange.new_stream(), exchange.new_stream()
    assert [type(*first.decode(SNAPSHOT)), type(*first.decode(change))] == [BookSnapshot, BookChange]
    assert isinstance(*second.decode(SNAPSHOT), BookSnapshot)


def test_a_book_given_up_begins_anew_when_that_is_acknowledged() -> None:
    made = stream()
    late, again = depth(FIRST, FIRST + 5), depth(FIRST + 9, FIRST + 9)
    assert kinds(made, SNAPSHOT) == [BookSnapshot]
    leave, join = made.renew(INSTRUMENT)
    assert [json.loads(one.text)["method"] for one in (leave, join)] == ["unsubscribe", "subscribe"]
    assert kinds(made, late) == []  # of the subscription before
    acked(made, leave.request_id)
    assert kinds(made, again, depth(FIRST + 9, FIRST + 12)) == [BookSnapshot, BookChange]
    acked(made, join.request_id)
    assert kinds(made, depth(FIRST + 12, FIRST + 13)) == [BookChange]


def test_an_answer_to_a_later_request_tells_that_the_book_is_given_up() -> None:
    made = stream()
    kinds(made, SNAPSHOT)
    _, join = made.renew(INSTRUMENT)
    acked(made, join.request_id)
    assert kinds(made, depth(FIRST + 9, FIRST + 9)) == [BookSnapshot]


def test_a_book_that_begins_otherwise_costs_the_connection() -> None:
    with pytest.raises(StreamGap):
        decoded(depth(FIRST, FIRST + 5))


async def test_a_gap_is_healed_and_where_no_whole_book_comes_on_a_new_connection() -> None:
    async with collected(CASE) as (exchange, market):
        market.hold(BTC, "test")
        await market.wait_live(BTC, 10)
        (socket,) = exchange.sockets
        exchange.is_mute = True
        await socket.send(depth(FIRST + 1, FIRST + 5))
        await until(lambda: any('"unsubscribe"' in one for one in exchange.requests))
        await until(lambda: '"subscribe"' in exchange.requests[-1])
        exchange.is_mute = False
        await socket.send(depth(FIRST + 5, FIRST + 9))
        await until(lambda: exchange.connections == 2)
        await market.wait_live(BTC, 10)


def test_numbers_overlap_by_one_and_the_next_number_is_a_gap() -> None:
    frames = [SNAPSHOT, depth(FIRST, FIRST + 700), depth(FIRST + 700, FIRST + 701)]
    assert follow(CASE, [("ws", one.encode()) for one in frames]).faults == []
    late = follow(CASE, [("ws", one.encode()) for one in (*frames, depth(FIRST + 702, FIRST + 709))])
    assert [type(one) for one in late.faults] == [SequenceGap]


def test_an_empty_book_is_a_book() -> None:
    snapshot = decoded(depth(FIRST, FIRST))
    assert isinstance(snapshot, BookSnapshot) and (snapshot.bids, snapshot.asks) == ([], [])


@pytest.mark.parametrize(
    ("raw", "event"),
    [
        ('{"id":"7","status":200}', Subscribed(request_id=7)),
        (BEST, Heartbeat()),
        (CASE.frames[-1], Heartbeat()),
    ],
)
def test_other_frames(raw: str, event: MarketEvent) -> None:
    assert decoded(raw) == event


def test_a_trade_says_whether_the_maker_bought() -> None:
    sold, bought = decoded(TRADE), decoded(TRADE.replace("true", "false"))
    assert isinstance(sold, Trade) and isinstance(bought, Trade)
    assert (sold.taker_side, bought.taker_side, sold.is_numbered) == (Side.SELL, Side.BUY, False)
    assert (sold.trade_id, sold.ts_exchange) == ("2840141014190422", 1783981140085684200)


@pytest.mark.parametrize(
    ("raw", "doubted"),
    [
        (TRADE.replace('"p"', '"x"'), ()),
        ('{"id":"1","status":"200"}', ()),
        (SNAPSHOT.replace('"e"', '"x"'), ["BTC-USD"]),
        (SNAPSHOT.replace("depthUpdate", "depthNew"), ["BTC-USD"]),
        (SNAPSHOT.replace('"U"', '"x"'), ["BTC-USD"]),
        (SNAPSHOT.replace('"s"', '"x"'), None),
    ],
)
def test_what_cannot_be_read_names_its_book(raw: str, doubted: object) -> None:
    with pytest.raises(WireFormatError) as caught:
        decoded(raw)
    assert caught.value.doubted == doubted


def test_a_refusal_has_its_request_and_kind() -> None:
    refused = decoded(CASE.frames[-2])
    assert isinstance(refused, Refused)
    assert (refused.request_id, refused.kind) == (4, RefusalKind.UNKNOWN_SYMBOL)
    busy = decoded('{"id":"5","status":429,"error":{"code":-1003,"msg":"x"}}')
    assert isinstance(busy, Refused) and busy.kind is RefusalKind.RATE


def test_the_answer_to_a_ping_tells_nothing() -> None:
    made = stream()
    asked = json.loads(made.ping())
    assert asked["method"] == "ping"
    assert list(made.decode(json.dumps({"id": asked["id"], "status": 200}))) == []


def test_one_request_asks_for_a_book_and_its_trades() -> None:
    (request,) = stream().subscribe([INSTRUMENT])
    assert json.loads(request.text)["params"] == ["btcusd@depth@100ms", "btcusd@trade"]
    renewed = [json.loads(one.text)["params"] for one in stream().renew(INSTRUMENT)]
    assert renewed == [["btcusd@depth@100ms"]] * 2


def test_the_address_asks_for_whole_books() -> None:
    assert GeminiExchange().ws_url == "wss://ws.gemini.com/?snapshot=-1"
    assert GeminiExchange(ws_url="ws://127.0.0.1:1/").ws_url == "ws://127.0.0.1:1/?snapshot=-1"


def test_the_step_of_prices_is_not_called_tick() -> None:
    (one,) = told(GeminiExchange().instruments(), CASE.body(CASE.entry)).found
    assert (str(one.tick_size), one.lot_size.as_tuple().exponent, one.native) == ("0.01", -8, "btcusd")


def test_only_spot_is_listed() -> None:
    swap = CASE.entry | {"symbol": "BTCGUSDPERP", "product_type": "swap"}
    assert len(told(GeminiExchange().instruments(), CASE.body(swap, CASE.entry)).found) == 1


def test_candles_are_asked_for_without_a_time() -> None:
    body = b"[[1755496680000,1,3,0.5,2,7.00000001],[1755496620000,1,3,0.5,2,7]]"
    (question,), listed = led(CASE.taught().candles(INSTRUMENT, page(limit=2)), body)
    assert (question.path, dict(question.params)) == ("/v2/candles/btcusd/1m", {})
    assert [one.open_time // 10**9 for one in listed.found] == [1_755_496_620, 1_755_496_680]
    assert str(listed.found[1].volume) == "7.00000001"


@pytest.mark.parametrize(
    ("status", "body", "refusal"),
    [
        (
            400,
            '{"result":"error","reason":"InvalidSymbol","message":"x"}',
            Refusal(RefusalKind.UNKNOWN_SYMBOL),
        ),
        (429, '{"result":"error","reason":"RateLimit","message":"x"}', Refusal(RefusalKind.RATE, wait_s=60)),
        (503, "<html>", Refusal(RefusalKind.BUSY)),
    ],
)
def test_refusals_over_rest(status: int, body: str, refusal: Refusal) -> None:
    assert refusals.of_http(status, body.encode()) == refusal


def test_the_recorded_details_can_be_read() -> None:
    path = recording("gemini/rest-symbols-2021-06-24.jsonl.gz")
    details = [one["raw"] for one in rows(path) if "/details/" in one["conn"]]
    listed = told(GeminiExchange().instruments(), f"[{','.join(details)}]".encode())
    assert (len(listed.found), listed.left_out, [one for one in listed.found if one.fault]) == (71, (), [])
    by_name = {one.id.symbol: one for one in listed.found}
    assert str(by_name["ETH-DAI"].tick_size) == "0.01" and by_name["ETH-DAI"].status == "limit_only"


def test_recorded_levels_make_books_that_never_cross() -> None:
    """The older stream has the same levels and no numbers: these are added."""
    frames, counts = [], dict[str, int]()
    for raw in (row["raw"] for row in rows(recording("gemini/v2-6-symbols-2021-06-24.jsonl.gz"))):
        message = json.loads(raw)
        if message.get("type") != "l2_updates":
            continue
        native, sides = message["symbol"].lower(), {"buy": [], "sell": []}
        for side, price, amount in message["changes"]:
            sides[side].append([price, amount])
        last = counts.get(native, 0) or 1
        counts[native] = last + (native in counts)
        frames.append(depth(last, counts[native], bids=sides["buy"], asks=sides["sell"], native=native))
    followed = follow(CASE, [("ws", one.encode()) for one in frames])
    assert (followed.figures["booksnapshot"], followed.figures["frames"]) == (6, 576)
    assert (followed.faults, followed.figures["applied"], followed.figures["live"]) == ([], 576, 6)


def test_recorded_messages_of_todays_shape_are_read() -> None:
    raws = [one["raw"] for one in rows(recording("gemini/samples-v3.jsonl.gz"))]
    made = stream()
    made.decode(depth(1, 1, native="wifusd"))
    (change,) = made.decode(raws[0])
    assert isinstance(change, BookChange)
    assert change.bids == [("0.148800", "11129.36421900"), ("0.148900", "49574.82370100")]
    assert kinds(made, raws[1]) == [] and kinds(made, raws[2]) == [Heartbeat]
