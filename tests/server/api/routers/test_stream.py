"""/ws on a real server on loopback: sign-in, books, order events without loss, limits, goodbye."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from support.api.desk import CHEAP
from support.api.fakes import trade, view
from support.api.live import Live, closed, hear, say, serving
from support.clocks import START
from support.trading import request
from twap_models.enums import Interval, Side
from twap_server.api.config import ApiConfig, StreamConfig
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.errors import StoreUnavailable
from twap_server.domain.market.candles import bucket_start
from twap_server.domain.market.events import BookStatus, Candle
from twap_server.domain.market.instrument import InstrumentId

BINANCE = InstrumentId("binance", "BTC-USDT")
KRAKEN = InstrumentId("kraken", "BTC-USDT")


def forming() -> Candle:
    """The minute that is forming when a test begins."""
    start = bucket_start(START, Interval.M1)
    return Candle(
        open_time=start,
        close_time=Nanos(start + 60 * SECOND - MILLISECOND),
        open=Decimal(98),
        high=Decimal(101),
        low=Decimal(97),
        close=Decimal(100),
        volume=Decimal(3),
        closed=False,
    )


async def test_the_first_message_signs_in(live: Live) -> None:
    async with connect(live.url) as socket:
        await say(socket, type="auth", token=await live.token())
        answer = await hear(socket)
        assert (answer["type"], answer["username"]) == ("authenticated", "ada")
        assert answer["expires_at"].endswith("Z")


async def test_the_upgrade_may_carry_the_token_or_a_key(live: Live) -> None:
    headers = await live.user()
    made = await live.http.post("/auth/keys", json={}, headers=headers)
    for sent in (headers, {"X-API-Key": made.json()["key"]}):
        async with connect(live.url, additional_headers=sent) as socket:
            assert (await hear(socket))["type"] == "authenticated"


@pytest.mark.parametrize("first", [{"type": "auth", "token": "x"}, {"type": "ping"}, {"type": "odd"}])
async def test_refused(live: Live, first: dict[str, Any]) -> None:
    async with connect(live.url) as socket:
        await say(socket, **first)
        assert (await hear(socket))["code"] == "not_authenticated"
        assert await closed(socket) == 1008


@pytest.mark.parametrize("call", ["is_family_active", "user"])
async def test_a_database_that_is_away_is_no_refusal_for_good(
    live: Live, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    token = await live.token()

    async def away(*_: object) -> None:
        raise StoreUnavailable("the database is away")

    monkeypatch.setattr(live.accounts, call, away)
    await live.clock.advance(60)
    async with connect(live.url) as socket:
        await say(socket, type="auth", token=token)
        assert (await hear(socket))["code"] == "storage_unavailable"
        assert await closed(socket) == 1013


async def test_a_token_in_the_url_does_not_count(live: Live) -> None:
    async with connect(f"{live.url}?token={await live.token()}") as socket:
        await say(socket, type="subscribe", channel="orders")
        assert (await hear(socket))["code"] == "not_authenticated"


async def test_silence_is_closed() -> None:
    stream = StreamConfig.model_validate({"sign_in_timeout": "PT0.05S"})
    async with serving(ApiConfig(passwords=CHEAP, stream=stream)) as live, connect(live.url) as socket:
        assert (await hear(socket))["code"] == "not_authenticated"
        assert await closed(socket) == 1008


async def test_foreign_pages_are_refused(live: Live) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(live.url, origin="https://evil.example"):  # type: ignore[arg-type]
            pass
    assert refused.value.response.status_code == 403
    ours = live.url.replace("ws:", "http:").removesuffix("/ws")
    async with connect(live.url, origin=ours):  # type: ignore[arg-type]
        pass


async def test_a_book_comes_at_once_and_then_each_tick(live: Live) -> None:
    async with live.stream() as socket:
        await say(socket, type="subscribe", channel="book", exchange="binance", symbol="btc/usdt")
        ack = await hear(socket)
        assert (ack["type"], ack["exchange"], ack["symbol"], ack["instrument"]) == (
            "subscribed",
            "binance",
            "btc/usdt",
            "BTC-USDT",
        )
        first = await hear(socket)
        assert (first["type"], first["symbol"], first["bids"]) == ("book", "btc/usdt", [[99, 1]])
        assert first["status"] == "live"
        await live.clock.advance(3)
        live.market.books[BINANCE] = view(status=BookStatus.STALE)
        await live.publisher.tick()
        second = await hear(socket)
        assert (second["status"], second["age_ms"]) == ("stale", 3_000)
        assert second["reason"]
        live.market.books[BINANCE] = view()
        live.publisher.announce(BINANCE)
        assert (await hear(socket))["status"] == "live"
        assert len(live.market.held) == 1
        await say(socket, type="unsubscribe", channel="book", exchange="binance", symbol="BTCUSDT")
        assert (await hear(socket))["type"] == "unsubscribed"
        assert not live.market.held
        assert not live.services.bus.book_topics()


async def test_the_consolidated_book(live: Live) -> None:
    async with live.stream() as socket:
        await say(socket, type="subscribe", channel="book", symbol="BTCUSDT")
        assert (await hear(socket))["exchange"] == "aggregate"
        book = await hear(socket)
        assert (book["exchange"], book["status"], book["missing"]) == ("aggregate", "live", ["kraken"])
        assert {held for held, _ in live.market.held} == {BINANCE, KRAKEN}
        live.market.books[KRAKEN] = view()
        await live.publisher.tick()
        book = await hear(socket)
        assert (book["bids"], book["sources"]["bids"]) == ([[99, 2]], [["binance", "kraken"]])


async def test_a_book_not_there_yet_is_announced_as_down(live: Live) -> None:
    async with live.stream() as socket:
        await say(socket, type="subscribe", channel="book", exchange="binance", symbol="ETHUSDT")
        await hear(socket)
        book = await hear(socket)
        assert (book["status"], book["bids"], book["ts_received"]) == ("down", [], None)


async def test_a_deeper_book_and_own_impact_take_the_place_of_the_book_before() -> None:
    prices = [str(200 - number) for number in range(120)]
    async with (
        serving(ApiConfig(passwords=CHEAP)) as live,
        live.stream("ada") as ada,
        live.stream("bob") as bob,
    ):
        live.market.books[BINANCE] = view(bids=[(price, "1") for price in prices])
        owner = live.accounts.users_by_name["ada"].user_id
        live.orders.taken[owner, BINANCE, Side.SELL, Decimal(150)] = Decimal("0.5")
        asked = {"type": "subscribe", "channel": "book", "exchange": "binance", "symbol": "BTC-USDT"}
        for depth in (None, 25, 100, 10):
            await say(ada, **asked, **({} if depth is None else {"depth": depth}))
            assert (await hear(ada))["type"] == "subscribed"
            told = await hear(ada)
            assert len(told["bids"]) == told["depth"] == (depth or 10)
            assert told["own"] is None
        await say(ada, **asked, depth=100, own=True)
        await hear(ada)
        assert (await hear(ada))["own"] == {"bids": [[150, 0.5]], "asks": []}
        assert live.orders.looked == [(owner, (BINANCE,))]
        await say(bob, **asked, depth=100, own=True)
        await hear(bob)
        assert (await hear(bob))["own"] == {"bids": [], "asks": []}, "nothing of another's"
        await live.publisher.tick()
        assert [(await hear(who))["own"]["bids"] for who in (ada, bob)] == [[[150, 0.5]], []]
        await say(ada, type="ping")
        assert (await hear(ada))["type"] == "pong", "one subscription, one message"
        assert len(live.services.bus.book_topics()) == 2
        assert len(live.market.held) == 2
        await say(ada, type="unsubscribe", channel="book", exchange="binance", symbol="BTC-USDT")
        assert (await hear(ada))["type"] == "unsubscribed"
        assert len(live.market.held) == 1


async def test_known_trades_come_first_and_then_each_new_one(live: Live) -> None:
    for number in range(1, 61):
        live.market.trade(BINANCE, trade(number))
    async with live.stream() as socket:
        await say(socket, type="subscribe", channel="trades", exchange="binance", symbol="btcusdt")
        ack = await hear(socket)
        assert (ack["type"], ack["channel"], ack["instrument"]) == ("subscribed", "trades", "BTC-USDT")
        known = [await hear(socket) for _ in range(50)]
        assert [one["id"] for one in known] == [str(number) for number in range(11, 61)]
        assert known[0] == {
            "type": "trade",
            "exchange": "binance",
            "symbol": "btcusdt",
            "instrument": "BTC-USDT",
            "time": "2026-09-21T14:13:20.011000Z",
            "price": 100,
            "quantity": 0.5,
            "side": "buy",
            "id": "11",
            "aggregate": False,
            "left_out": 0,
        }
        live.market.trade(KRAKEN, trade(1))
        live.market.trade(BINANCE, trade(61, side=Side.SELL))
        await live.services.trades.publish()
        told = await hear(socket)
        assert (told["id"], told["side"]) == ("61", "sell")
        assert {held for held, _ in live.market.held} == {BINANCE}, "its book is held"
        await say(socket, type="unsubscribe", channel="trades", exchange="binance", symbol="BTC-USDT")
        assert (await hear(socket))["type"] == "unsubscribed"
        assert not live.market.held
        live.market.trade(BINANCE, trade(62))
        await live.services.trades.publish()
        await say(socket, type="ping")
        assert (await hear(socket))["type"] == "pong"


async def test_asked_again_known_trades_do_not_come_again(live: Live) -> None:
    live.market.trade(BINANCE, trade(1))
    async with live.stream() as socket:
        for _ in range(2):
            await say(socket, type="subscribe", channel="trades", exchange="binance", symbol="BTC-USDT")
        await say(socket, type="ping")
        told = [(await hear(socket))["type"] for _ in range(4)]
        assert sorted(told) == ["pong", "subscribed", "subscribed", "trade"]
        await say(socket, type="subscribe", channel="trades", exchange="binance", symbol="btcusdt")
        assert (await hear(socket))["type"] == "subscribed"
        assert (await hear(socket))["symbol"] == "btcusdt"
        live.market.trade(BINANCE, trade(2))
        await live.services.trades.publish()
        assert (await hear(socket))["symbol"] == "btcusdt", "the newest spelling takes the place of others"
        await say(socket, type="ping")
        assert (await hear(socket))["type"] == "pong", "and each trade comes once"


async def test_trades_of_all_exchanges(live: Live) -> None:
    async with live.stream() as one, live.stream() as other:
        for socket in (one, other):
            await say(socket, type="subscribe", channel="trades", symbol="BTC-USDT")
            assert (await hear(socket))["exchange"] == "aggregate"
        assert {held for held, _ in live.market.held} == {BINANCE, KRAKEN}
        live.market.trade(KRAKEN, trade(1))
        live.market.trade(BINANCE, trade(2))
        await live.services.trades.publish()
        for socket in (one, other):
            told = [await hear(socket) for _ in range(2)]
            assert [(one["exchange"], one["id"], one["aggregate"]) for one in told] == [
                ("kraken", "1", True),
                ("binance", "2", True),
            ]


async def test_who_comes_later_gets_each_trade_once(live: Live) -> None:
    async with live.stream() as one, live.stream() as other:
        asked = {"type": "subscribe", "channel": "trades", "exchange": "binance", "symbol": "BTC-USDT"}
        await say(one, **asked)
        assert (await hear(one))["type"] == "subscribed"
        live.market.trade(BINANCE, trade(1))
        await say(other, **asked)
        assert (await hear(other))["type"] == "subscribed"
        live.market.trade(BINANCE, trade(2))
        await live.services.trades.publish()
        for socket in (one, other):
            assert [(await hear(socket))["id"] for _ in range(2)] == ["1", "2"]


async def test_of_too_many_trades_the_oldest_are_left_out_and_it_says_how_many(live: Live) -> None:
    async with live.stream() as socket:
        await say(socket, type="subscribe", channel="trades", exchange="binance", symbol="BTC-USDT")
        await hear(socket)
        for number in range(1, 31):
            live.market.trade(BINANCE, trade(number))
        await live.services.trades.publish()
        told = [await hear(socket) for _ in range(20)]
        assert [(one["id"], one["left_out"]) for one in told[:2]] == [("11", 10), ("12", 0)]
        assert told[-1]["id"] == "30"


async def test_a_slow_reader_loses_trades_and_nothing_else() -> None:
    """Its order events wait, its books are the newest; the trades that it lost are told."""
    async with serving(ApiConfig(passwords=CHEAP)) as live, live.stream() as socket:
        for message in (
            {"channel": "orders"},
            {"channel": "trades", "exchange": "binance", "symbol": "BTC-USDT"},
        ):
            await say(socket, type="subscribe", **message)
            assert (await hear(socket))["type"] == "subscribed"
        socket.transport.pause_reading()
        number = 0
        while number < 20_000:  # more than the systems' buffers on the way take
            for _ in range(20):
                number += 1
                live.market.trade(BINANCE, trade(number))
            await live.services.trades.publish()
        order = (await live.orders.submit(await live.owner(), [request(live.clock.now())]))[0].order
        socket.transport.resume_reading()
        seen, left_out, events = 0, 0, []
        while seen + left_out < number or not events:
            told = await hear(socket)
            if told["type"] == "order_event":
                events.append(told["token_id"])
            else:
                seen, left_out = seen + 1, left_out + told["left_out"]
        assert events == [order.terms.token_id]
        assert left_out > 0 and seen + left_out == number, "each was sent, or counted as left out"
        assert told["id"] == str(number)


async def test_the_candle_that_forms_comes_at_once_and_then_as_it_changes(live: Live) -> None:
    live.market.candles = [forming()]
    asked = {"channel": "klines", "exchange": "binance", "symbol": "btcusdt"}
    async with live.stream() as socket, live.stream() as other:
        await say(socket, type="subscribe", **asked)
        ack = await hear(socket)
        assert (ack["type"], ack["channel"], ack["interval"]) == ("subscribed", "klines", "1m")
        told = await hear(socket)
        assert (told["type"], told["symbol"], told["interval"]) == ("kline", "btcusdt", "1m")
        assert (told["open"], told["close"], told["volume"], told["closed"]) == (98, 100, 3, False)
        await say(other, type="subscribe", **asked, interval="1m")
        assert (await hear(other))["type"] == "subscribed"
        assert await hear(other) == told, "what is known, at once"
        assert len(live.market.asked) == 1, "the exchange was asked once for both"
        live.market.trade(BINANCE, trade(1_500, price="101"))
        live.market.trade(BINANCE, trade(1_501, price="102"))
        await live.clock.advance(1)
        for who in (socket, other):
            told = await hear(who)
            assert (told["high"], told["close"], told["volume"]) == (102, 102, 4), "once for all of a second"
        assert {held for held, _ in live.market.held} == {BINANCE}, "its book is held"
        await say(socket, type="unsubscribe", channel="klines", exchange="binance", symbol="BTC-USDT")
        assert (await hear(socket))["interval"] is None
        live.market.trade(BINANCE, trade(1_502))
        live.market.candles = [replace(forming(), volume=Decimal("4.5"))]  # it is asked once more
        await live.clock.advance(1)
        assert (await hear(other))["volume"] == 4.5
        await say(socket, type="ping")
        assert (await hear(socket))["type"] == "pong"
        assert len(live.market.held) == 1


async def test_books_trades_and_candles_count_together(live: Live) -> None:
    async with live.stream() as socket:
        asked = {"type": "subscribe", "exchange": "binance", "symbol": "BTC-USDT"}
        for more in ({"channel": "trades"}, {"channel": "klines"}, {"channel": "klines", "interval": "1h"}):
            await say(socket, **asked, **more)
            assert (await hear(socket))["type"] == "subscribed"
        await say(socket, **asked, channel="book")
        while (answer := await hear(socket))["type"] == "kline":
            pass
        assert answer["code"] == "too_many_subscriptions"
        await say(socket, **(asked | {"type": "unsubscribe"}), channel="klines", interval="1h")
        await say(socket, **asked, channel="book")
        seen = [await hear(socket) for _ in range(3)]
        assert {"unsubscribed", "subscribed", "book"} == {one["type"] for one in seen} - {"kline"}


async def test_a_deep_book_counts_as_several() -> None:
    stream = StreamConfig(max_subscriptions=12)
    async with serving(ApiConfig(passwords=CHEAP, stream=stream)) as live, live.stream() as socket:
        asked = {"type": "subscribe", "channel": "book", "exchange": "binance"}

        async def answer(**more: object) -> str:
            await say(socket, **asked, **more)
            while (told := await hear(socket))["type"] not in ("subscribed", "error"):
                pass
            return str(told.get("code", "subscribed"))

        assert await answer(symbol="BTC-USDT", depth=100) == "subscribed"
        assert await answer(symbol="ETH-USDT", depth=25) == "too_many_subscriptions"
        assert await answer(symbol="ETH-USDT") == "subscribed"
        assert await answer(symbol="BTC-USDT", depth=25) == "subscribed", "in place of the one before"
        assert await answer(symbol="ETH-USDT", depth=25) == "subscribed"
        assert await answer(symbol="BTC-USDT", depth=100) == "too_many_subscriptions"
        assert len(live.services.bus.book_topics()) == 2, "those before stay"


async def test_mistakes_are_answered_and_the_session_lives(live: Live) -> None:
    async with live.stream() as socket:
        for message, code in [
            (
                {"type": "subscribe", "channel": "book", "exchange": "binance", "symbol": "NOPE"},
                "unknown_symbol",
            ),
            (
                {"type": "subscribe", "channel": "book", "exchange": "no", "symbol": "BTCUSDT"},
                "unknown_exchange",
            ),
            ({"type": "subscribe", "channel": "book"}, "invalid_request"),
            ({"type": "subscribe", "channel": "trades"}, "invalid_request"),
            ({"type": "subscribe", "channel": "trades", "symbol": "NOPE"}, "unknown_symbol"),
            ({"type": "subscribe", "channel": "klines", "symbol": "BTC-USDT"}, "invalid_request"),
            (
                {"type": "subscribe", "channel": "klines", "exchange": "binance", "symbol": "NOPE"},
                "unknown_symbol",
            ),
            (
                {"type": "subscribe", "channel": "klines", "symbol": "BTC-USDT", "interval": "7m"},
                "invalid_request",
            ),
            ({"type": "subscribe", "channel": "book", "symbol": "BTC-USDT", "depth": 11}, "invalid_request"),
            ({"type": "subscribe", "channel": "odd"}, "invalid_request"),
            ({"type": "odd"}, "invalid_request"),
        ]:
            await say(socket, **message)
            assert (await hear(socket))["code"] == code, message
        await say(socket, type="ping", id="é")
        pong = await hear(socket)
        assert (pong["type"], pong["id"]) == ("pong", "é")


async def test_subscriptions_are_bounded(live: Live) -> None:
    async with live.stream() as socket:
        for spelling in ("BTCUSDT", "btcusdt", "BTC-USDT", "btc/usdt"):
            await say(socket, type="subscribe", channel="book", exchange="binance", symbol=spelling)
        codes = [(await hear(socket)).get("code") for _ in range(7)]
        assert codes.count("too_many_subscriptions") == 1
        await say(socket, type="unsubscribe", channel="book", exchange="binance", symbol="btc-usdt")
        assert not live.market.held or (await hear(socket))["type"]
    async with live.stream("bob") as one, live.stream("bob") as two, connect(live.url) as three:
        assert one and two
        await say(three, type="auth", token=await live.token("bob"))
        assert (await hear(three))["code"] == "rate_limited"
        assert await closed(three) == 1008


@pytest.mark.parametrize(
    ("sent", "code"), [("{", 1008), (b"{}", 1008), ("x" * 2_001, 1009), ('{"a":NaN}', 1008)]
)
async def test_rubbish_twice_closes(live: Live, sent: str | bytes, code: int) -> None:
    async with live.stream() as socket:
        await socket.send(sent)
        assert (await hear(socket))["type"] == "error"
        await socket.send(sent)
        assert await closed(socket) == code


async def test_floods_are_closed(live: Live) -> None:
    async with live.stream() as socket:
        for _ in range(25):
            await say(socket, type="ping")
        assert await closed(socket) == 1008


async def test_expiry_closes_unless_signed_in_again(live: Live) -> None:
    async with live.stream() as kept, live.stream() as lost:
        await live.clock.advance(800)
        await say(kept, type="auth", token=await live.token())
        assert (await hear(kept))["type"] == "authenticated"
        await live.clock.advance(101)
        assert (await hear(lost))["code"] == "not_authenticated"
        assert await closed(lost) == 1008
        await say(kept, type="ping")
        assert (await hear(kept))["type"] == "pong"


async def test_logging_out_ends_the_feed(live: Live) -> None:
    headers = await live.user()
    async with connect(live.url, additional_headers=headers) as socket:
        await hear(socket)
        await live.http.post("/auth/logout", headers=headers)
        await live.clock.advance(1)
        assert await closed(socket) == 1008


async def test_another_users_token_does_not_take_over(live: Live) -> None:
    async with live.stream("ada") as socket:
        await say(socket, type="auth", token=await live.token("eve"))
        assert (await hear(socket))["code"] == "not_permitted"
        assert await closed(socket) == 1008


async def test_the_server_says_come_back(live: Live) -> None:
    async with live.stream() as socket, connect(live.url) as waiting:
        await say(socket, type="subscribe", channel="book", symbol="BTCUSDT")
        await hear(socket)
        await live.services.sessions.close_all()
        assert await closed(socket) == 1012
        assert await closed(waiting) == 1012
        assert len(live.services.sessions) == 0
        assert not live.market.held
        with pytest.raises(InvalidStatus):
            async with connect(live.url):
                pass


async def test_readers_get_no_more_books_than_there_is_room_for() -> None:
    config = ApiConfig(passwords=CHEAP, max_books=1)
    async with serving(config) as live, live.stream() as one, live.stream() as two:
        await say(one, type="subscribe", channel="book", exchange="binance", symbol="BTC-USDT")
        assert (await hear(one))["type"] == "subscribed"
        await say(two, type="subscribe", channel="book", exchange="kraken", symbol="BTC-USDT")
        assert (await hear(two))["code"] == "book_unavailable"
        await say(two, type="subscribe", channel="book", exchange="binance", symbol="btcusdt")
        assert (await hear(two))["type"] == "subscribed", "a book that is collected anyway"
        answer = await live.http.get("/orderbook/kraken/BTC-USDT")
        assert (answer.status_code, answer.json()["code"]) == (503, "book_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        live.market.hold(KRAKEN, "an order")
        await say(two, type="subscribe", channel="book", exchange="kraken", symbol="BTC-USDT")
        while (answer := await hear(two))["type"] == "book":
            pass
        assert answer["type"] == "subscribed"
