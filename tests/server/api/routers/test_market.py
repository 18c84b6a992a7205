"""Exchanges, instruments, candles, snapshots; health and metrics."""

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from support.api.desk import Desk
from support.api.fakes import NobodyTook, listed, trade, view
from support.api.live import Live
from support.clocks import START
from twap_client import NotFound, TwapClient
from twap_models import BookHealth, BookTop, Candle, MarketMode, StatusChange, exact_json
from twap_models.enums import Integrity, Interval, Side
from twap_server.api.http.metrics import Metrics
from twap_server.api.stream.book_messages import BookSource
from twap_server.books.counters import BookCounters
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos, to_datetime
from twap_server.domain.errors import EngineBusy
from twap_server.domain.market import events
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.status import CollectedBook, StateSince
from twap_server.feed.bus import BookTopic
from twap_server.runtime.durations import Durations, Family

KRAKEN = InstrumentId("kraken", "BTC-USDT")


async def test_exchanges_and_symbols(desk: Desk) -> None:
    names = [one["name"] for one in (await desk.http.get("/exchanges")).json()]
    assert names == ["binance", "kraken"]
    answer = await desk.http.get("/exchanges/Binance/symbols", params={"base": "eth", "q": "thus"})
    (one,) = exact_json.loads(answer.content)
    assert one["symbol"] == "ETH-USDT"
    assert one["lot_size"] == Decimal("0.00000001")
    assert b"e-" not in answer.content.lower().replace(b"e-u", b"")


async def test_symbols_of_one_kind(desk: Desk) -> None:
    spot = (await desk.http.get("/exchanges/binance/symbols", params={"kind": "spot"})).json()
    assert [(one["symbol"], one["settle"], one["contract_size"]) for one in spot] == [
        ("BTC-USDT", "USDT", 1),
        ("ETH-USDT", "USDT", 1),
    ]
    assert (await desk.http.get("/exchanges/binance/symbols", params={"kind": "perpetual"})).json() == []
    perpetual = replace(listed("binance", "BTC-USDT-PERP"), settle="USDC", multiplier=Decimal("0.01"))
    desk.market.listed["binance"]["BTC-USDT-PERP"] = perpetual
    answer = await desk.http.get("/exchanges/binance/symbols", params={"kind": "perpetual", "base": "btc"})
    (one,) = exact_json.loads(answer.content)
    assert (one["symbol"], one["base"], one["quote"], one["kind"]) == (
        "BTC-USDT-PERP",
        "BTC",
        "USDT",
        "perpetual",
    )
    assert (one["settle"], one["contract_size"]) == ("USDC", Decimal("0.01"))
    assert (await desk.http.get("/exchanges/binance/symbols", params={"kind": "future"})).status_code == 422


async def test_an_instrument_says_how_many_digits_its_prices_have(desk: Desk) -> None:
    few = replace(listed("binance", "BTC-USDT"), price_digits=5, whole_prices=True)
    desk.market.listed["binance"]["BTC-USDT"] = few
    shown = (await desk.http.get("/exchanges/binance/symbols")).json()
    assert [(one["symbol"], one["price_digits"], one["whole_prices"]) for one in shown] == [
        ("BTC-USDT", 5, True),
        ("ETH-USDT", 0, False),
    ]


async def test_how_collected_books_fare(desk: Desk) -> None:
    assert (await desk.http.get("/exchanges/binance/books")).json() == []
    now = desk.clock.now()
    begun = StateSince(time=Nanos(now - SECOND), status=BookStatus.RESYNCING, reason="synchronising")
    live = StateSince(time=now, status=BookStatus.LIVE, reason="")
    told = CollectedBook(
        instrument=KRAKEN,
        status=BookStatus.LIVE,
        reason="not trading: limit_only",
        since=now,
        changes=12,
        changes_per_second=Decimal("1.2"),
        resyncs=1,
        reconnects=2,
        last_change=Nanos(now - 79_999_999),
        lag=-1_500_000,
        history=(begun, live),
    )
    silent = replace(told, changes_per_second=None, last_change=None, lag=None, history=())
    desk.market.fates = [told, silent]
    answer = await desk.http.get("/exchanges/KRAKEN/books")
    first, second = TypeAdapter(list[BookHealth]).validate_python(exact_json.loads(answer.content))
    assert first == BookHealth(
        exchange="kraken",
        symbol="BTC-USDT",
        status="live",
        reason="not trading: limit_only",
        since=to_datetime(now),
        integrity=Integrity.SEQUENCE,
        messages_per_second=Decimal("1.2"),
        changes=12,
        resyncs=1,
        reconnects=2,
        last_change=to_datetime(Nanos(now - 79_999_999)),
        age_ms=79,
        lag_ms=-2,
        history=[
            StatusChange(time=to_datetime(begun.time), status="resyncing", reason="synchronising"),
            StatusChange(time=to_datetime(now), status="live"),
        ],
    )
    assert b'"messages_per_second":1.2,' in answer.content
    every = {one["name"]: one for one in (await desk.http.get("/exchanges")).json()}
    named = ("books", "live_books", "messages_per_second", "resyncs", "age_ms")
    assert [every["kraken"][name] for name in named] == [2, 2, 1.2, 2, 79]
    assert [every["binance"][name] for name in named] == [0, 0, None, 0, None]
    assert (second.messages_per_second, second.last_change, second.age_ms, second.lag_ms) == (None,) * 4
    assert (await desk.http.get("/exchanges/binance/books")).json() == []
    unknown = await desk.http.get("/exchanges/nowhere/books")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_exchange")


async def test_the_client_asks_what_runs_there_and_how_its_books_fare(live: Live) -> None:
    async with TwapClient(live.url.replace("ws://", "http://").removesuffix("/ws")) as client:
        assert (await client.market.server()).market == MarketMode.LIVE
        assert await client.market.books("binance") == []
        with pytest.raises(NotFound):
            await client.market.books("nowhere")


async def test_klines(desk: Desk) -> None:
    desk.market.candles = [
        events.Candle(
            open_time=START,
            close_time=Nanos(START + 60 * SECOND),
            open=Decimal("1.10"),
            high=Decimal("1e-8"),
            low=Decimal(1),
            close=Decimal("12345678901234567890.123456789"),
            volume=Decimal(0),
            closed=True,
        )
    ]
    answer = await desk.http.get("/klines/binance/BTC/USDT?interval=1M&limit=5&end_time=now")
    (candle,) = [Candle.model_validate(one) for one in exact_json.loads(answer.content)]
    assert candle.close == Decimal("12345678901234567890.123456789")
    assert candle.high == Decimal("0.00000001")
    assert desk.market.asked == [("binance", "BTC/USDT", Interval.MONTH, 5, None, desk.clock.now())]


async def test_candles_say_how_far_back_the_exchange_reaches(desk: Desk) -> None:
    path = "/klines/kraken/BTCUSDT"
    assert "x-oldest-available" not in (await desk.http.get(path)).headers
    desk.market.oldest_available = START
    cut = await desk.http.get(path, params={"end_time": "now"})
    assert (cut.status_code, cut.headers["x-oldest-available"]) == (200, "2026-09-21T14:13:20Z")
    beyond = await desk.http.get(path, params={"end_time": "2026-09-21T14:13:19Z", "interval": "5m"})
    (error,) = beyond.json()["errors"]
    assert (beyond.status_code, error["field"]) == (422, "end_time")
    assert "kraken has no 5m candles that open before 2026-09-21T14:13:20Z" in error["message"]
    assert (await desk.http.get(path, params={"end_time": "2026-09-21T14:13:20Z"})).status_code == 200


async def test_an_end_before_the_start_is_refused_by_name(desk: Desk) -> None:
    times = {"start_time": "2026-01-02T00:00:00Z", "end_time": "2026-01-01T23:59:59Z"}
    refused = await desk.http.get("/klines/binance/BTCUSDT", params=times)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "end_time")
    assert not desk.market.asked
    same = dict.fromkeys(times, "2026-01-02T00:00:00Z")
    assert (await desk.http.get("/klines/binance/BTCUSDT", params=same)).status_code == 200


async def test_a_watched_book_is_answered_at_once(desk: Desk) -> None:
    top = BookTop.from_json((await desk.http.get("/orderbook/binance/btc-usdt?depth=1")).content)
    assert (top.symbol, top.instrument, top.status) == ("btc-usdt", "BTC-USDT", "live")
    assert top.bids == [(Decimal(99), Decimal(1))]
    assert not desk.market.held, "given back"


async def test_a_book_and_its_exchange_say_how_late_changes_came(desk: Desk) -> None:
    assert (await desk.http.get("/orderbook/binance/BTCUSDT")).json()["lag_ms"] is None
    binance = InstrumentId("binance", "BTC-USDT")
    desk.market.books[binance] = replace(view(), lag=8_512 * MILLISECOND)
    desk.market.books[KRAKEN] = replace(view(), lag=40 * MILLISECOND)
    single = (await desk.http.get("/orderbook/kraken/BTCUSDT")).json()
    merged = (await desk.http.get("/orderbook/aggregate/BTCUSDT")).json()
    assert (single["lag_ms"], merged["lag_ms"], merged["age_ms"]) == (40, 8_512, 0)
    exchanges = (await desk.http.get("/exchanges")).json()
    assert [one["lag_ms"] for one in exchanges] == [None, None]


async def test_an_unwatched_book_is_waited_for(desk: Desk) -> None:
    desk.market.coming[KRAKEN] = view([("98", "3")])
    assert (await desk.http.get("/orderbook/kraken/BTCUSDT")).json()["bids"] == [[98, 3]]
    assert not desk.market.held


async def test_aggregate(desk: Desk) -> None:
    alone = (await desk.http.get("/orderbook/aggregate/BTCUSDT")).json()
    assert (alone["status"], alone["missing"]) == ("live", ["kraken"])
    desk.market.books[KRAKEN] = view([("99", "0.00000001"), ("98", "1")])
    answer = await desk.http.get("/orderbook/aggregate/BTCUSDT")
    top = BookTop.from_json(answer.content)
    assert top.bids == [(Decimal(99), Decimal("1.00000001")), (Decimal(98), Decimal(1))]
    assert top.sources is not None
    assert top.sources["bids"] == [["binance", "kraken"], ["kraken"]]
    assert top.missing == []


async def test_aggregate_leaves_out_what_does_not_trade(desk: Desk) -> None:
    desk.market.books[KRAKEN] = view([("99", "1")])
    kraken = desk.market.listed["kraken"]
    kraken["BTC-USDT"] = replace(kraken["BTC-USDT"], status="maintenance")
    top = (await desk.http.get("/orderbook/aggregate/BTCUSDT")).json()
    assert (top["bids"], top["missing"]) == ([[99, 1]], ["kraken"])


async def test_books_whose_prices_disagree_are_not_merged_and_it_says_why(desk: Desk) -> None:
    desk.market.books[KRAKEN] = view([("0.07", "1000")], [("0.08", "1000")])
    top = (await desk.http.get("/orderbook/aggregate/BTCUSDT")).json()
    assert (top["status"], top["bids"], top["missing"]) == ("down", [], ["binance", "kraken"])
    assert "prices disagree" in top["reason"] and "kraken (mid 0.075)" in top["reason"]


async def test_the_number_of_a_book_never_falls(desk: Desk) -> None:
    """Whoever makes the message: the answer to a request, the ticker, another spelling."""
    binance = InstrumentId("binance", "BTC-USDT")
    counters = BookCounters()
    one, other = (
        BookSource(
            desk.market, desk.clock, counters, max_spread=Decimal("0.05"), own_impact=NobodyTook(), depth=10
        )
        for _ in range(2)
    )
    seen = []
    for books in (
        {binance: view(), KRAKEN: view()},
        {binance: view(), KRAKEN: view()},
        {binance: view()},
        {},
        {binance: replace(view(), seq=2)},
    ):
        desk.market.books = dict(books)
        told = [
            source.message(BookTopic(exchange, "BTC-USDT", asked)).seq
            for source, asked in ((one, "BTCUSDT"), (other, "btc-usdt"))
            for exchange in ("aggregate", "binance")
        ]
        assert told[:2] == told[2:], "one counter, and it stays while nothing changed"
        seen.append(told[:2])
    assert seen == [[1, 7], [1, 7], [2, 7], [3, 8], [4, 10]]


async def test_the_newest_trades_newest_first_of_one_exchange_or_of_all(desk: Desk) -> None:
    binance = InstrumentId("binance", "BTC-USDT")
    assert (await desk.http.get("/trades/binance/btcusdt")).json() == []
    for number in range(1, 104):
        desk.market.recent.add(binance, trade(number))
    desk.market.recent.add(KRAKEN, trade(50, price="101.10", quantity="0.00000001", side=Side.SELL))
    answer = await desk.http.get("/trades/binance/btcusdt")
    assert [one["id"] for one in answer.json()] == [str(number) for number in range(103, 3, -1)]
    assert exact_json.loads(answer.content)[0] == {
        "exchange": "binance",
        "symbol": "btcusdt",
        "instrument": "BTC-USDT",
        "time": "2026-09-21T14:13:20.103000Z",
        "price": Decimal(100),
        "quantity": Decimal("0.5"),
        "side": "buy",
        "id": "103",
    }
    desk.market.books[KRAKEN] = view()
    merged = exact_json.loads((await desk.http.get("/trades/aggregate/BTC-USDT?limit=55")).content)
    assert [one["exchange"] for one in merged].index("kraken") == 53, "by the time of receipt"
    assert (merged[53]["price"], merged[53]["side"]) == (Decimal("101.10"), "sell")
    assert len(merged) == 55


async def test_trades_are_refused_as_books_are(desk: Desk) -> None:
    for path, status, code in [
        ("/trades/nowhere/BTC-USDT", 404, "unknown_exchange"),
        ("/trades/binance/NOPE", 404, "unknown_symbol"),
        ("/trades/binance/ETH-USDT", 503, "book_unavailable"),
        ("/trades/binance/BTC-USDT?limit=101", 422, "invalid_request"),
    ]:
        answer = await desk.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
    assert not desk.market.held


async def test_own_impact_is_shown_to_whose_it_is(desk: Desk) -> None:
    ada, bob = await desk.user("ada"), await desk.user("bob")
    owner = desk.accounts.users_by_name["ada"].user_id
    binance = InstrumentId("binance", "BTC-USDT")
    for place, side, price, taken in [
        (binance, Side.BUY, "100", "0.25"),
        (KRAKEN, Side.BUY, "100", "0.5"),
        (binance, Side.SELL, "98", "1"),
    ]:
        desk.orders.taken[owner, place, side, Decimal(price)] = Decimal(taken)
    path = "/orderbook/binance/BTC-USDT?own=true"
    anonymous = await desk.http.get(path)
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "not_authenticated")
    assert "sign in" in anonymous.json()["detail"]
    assert (await desk.http.get(path, headers={"Authorization": "Bearer x"})).status_code == 401
    told = (await desk.http.get(path, headers=ada)).json()
    assert (told["own"], told["depth"]) == ({"bids": [], "asks": [[100, 0.25]]}, 10), "98 is not shown"
    assert (await desk.http.get(path, headers=bob)).json()["own"] == {"bids": [], "asks": []}
    assert (await desk.http.get("/orderbook/binance/BTC-USDT", headers=ada)).json()["own"] is None
    desk.market.books[KRAKEN] = view(bids=[("99", "1"), ("98", "1")])
    desk.market.books[binance] = view(bids=[("99", "1"), ("98", "1")])
    merged = (await desk.http.get("/orderbook/aggregate/BTC-USDT?own=true&depth=2", headers=ada)).json()
    assert (merged["own"], merged["depth"]) == ({"bids": [[98, 1]], "asks": [[100, 0.75]]}, 2)
    assert desk.orders.looked[0] == (owner, (binance,))
    assert desk.orders.looked[-1] == (owner, (binance, KRAKEN))
    assert len(desk.orders.looked) == 3, "nobody looks who does not ask for it"


async def test_a_book_is_not_shown_without_own_impact_that_cannot_be_known(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(user_id: str, instruments: object) -> None:
        raise EngineBusy("what you took of the book cannot be known now", retry_after=1)

    monkeypatch.setattr(desk.orders, "look", look)
    told = await desk.http.get("/orderbook/binance/BTC-USDT?own=true", headers=await desk.user("ada"))
    assert (told.status_code, told.headers["retry-after"]) == (503, "1")


async def test_a_key_that_may_not_read_sees_no_own_impact(desk: Desk) -> None:
    made = await desk.http.post("/auth/keys", json={"scopes": ["trade"]}, headers=await desk.user())
    headers = {"X-API-Key": made.json()["key"]}
    answer = await desk.http.get("/orderbook/binance/BTC-USDT?own=true", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


async def test_aggregate_without_any_live_book(desk: Desk) -> None:
    desk.market.books = {KRAKEN: view(status=BookStatus.STALE)}
    answer = await desk.http.get("/orderbook/aggregate/BTCUSDT")
    assert (answer.status_code, answer.json()["code"]) == (503, "book_unavailable")
    assert (await desk.http.get("/orderbook/aggregate/NOPE")).status_code == 404


async def test_health_ready_metrics(desk: Desk) -> None:
    assert (await desk.http.get("/health")).json()["status"] == "ok"
    assert (await desk.http.get("/ready")).status_code == 200
    await desk.http.get("/no/such/thing")
    text = (await desk.http.get("/metrics")).text
    assert 'twap_requests_total{method="any",route="unknown",status="404"} 1.0' in text
    assert "twap_open_orders 3.0" in text
    assert re.search(r"^twap_tasks [1-9]", text, re.MULTILINE)
    assert 'twap_exchanges{state="connected"} 2.0' in text
    await desk.services.sessions.close_all()
    assert (await desk.http.get("/ready")).status_code == 503


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_the_process_tells_what_it_holds() -> None:
    def open_files() -> float:
        found = re.search(r"^process_open_fds (\S+)$", Metrics().render().decode(), re.MULTILINE)
        assert found is not None
        return float(found[1])

    before = open_files()
    with Path("/dev/null").open() as _:
        assert open_files() == before + 1


def test_durations_are_a_histogram_in_seconds() -> None:
    took = Durations()
    for milliseconds in (1, 60, 70, 9_000):
        took.add(milliseconds * MILLISECOND)
    metrics = Metrics()
    metrics.add_durations(Family(name="pause_seconds", text="P.", label="kind", members={"full": took}))
    lines = metrics.render().decode().splitlines()
    assert 'pause_seconds_bucket{kind="full",le="0.001"} 1.0' in lines
    assert 'pause_seconds_bucket{kind="full",le="0.1"} 3.0' in lines
    assert 'pause_seconds_bucket{kind="full",le="5.0"} 3.0' in lines
    assert 'pause_seconds_bucket{kind="full",le="+Inf"} 4.0' in lines
    assert 'pause_seconds_sum{kind="full"} 9.131' in lines
