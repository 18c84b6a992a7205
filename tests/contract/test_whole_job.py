"""The main job through the real client, the real server and a simulated exchange, over real sockets."""

import asyncio
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from support.live import serving, signed_in, simulated, until_listed
from twap_client import TwapClient, errors
from twap_models import BookMessage, OrderEvent, OrderStatus, exact_json
from twap_server.clock import SystemClock
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue

EXAMPLES = [
    {
        "token_id": "first",
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "quantity": 10.0,
        "price": 50000.0,
        "start_time": "2025-02-01T10:00:00",
        "end_time": "2025-02-01T11:00:00",
        "interval": 5,
    },
    {
        "token_id": "second",
        "exchange": "coinbasepro",
        "symbol": "BTC/USD",
        "side": "sell",
        "quantity": 1.5,
        "limit_price": 1,
        "start_time": "2025-02-01T10:00:00",
        "end_time": "2025-02-01T11:00:00",
        "interval": 60,
    },
]


async def test_submit_follow_and_finish(tmp_path: Path) -> None:
    async with simulated(tmp_path) as url, signed_in(url) as client:
        await until_listed(url, "binance", "kraken")
        order = await client.orders.submit(
            exchange="binance",
            symbol="btc/usdt",
            side="buy",
            quantity="0.05",
            duration=2,
            slices=4,
            token_id="job",
        )
        assert (order.status, order.slice_count, order.instrument) == (OrderStatus.ACCEPTED, 4, "BTC-USDT")
        assert order.symbol == "btc/usdt"
        events, books = [], []
        async with asyncio.timeout(20):
            async for message in client.stream(
                books=["binance:BTC-USDT", "aggregate:BTC-USDT"], orders=True, since=0
            ):
                if isinstance(message, BookMessage):
                    books.append(message)
                if isinstance(message, OrderEvent):
                    events.append(message)
                    if not message.order.status.is_open:
                        break
        done = await client.orders.get("job")
        assert done.status is OrderStatus.FILLED
        assert done.filled_quantity == Decimal("0.05") == sum(fill.quantity for fill in done.fills)
        notional = sum(fill.price * fill.quantity for fill in done.fills)
        assert done.average_price == (notional / done.filled_quantity).quantize(Decimal("1e-12"))
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert {book.exchange for book in books} == {"binance", "aggregate"}
        live = [book for book in books if book.status == "live"]
        assert live and all(
            len(book.bids) == 10 and book.bids[0][0] < book.asks[0][0]
            for book in live
            if book.exchange == "binance"
        )


async def test_the_examples_of_the_brief_are_answered_not_refused(tmp_path: Path) -> None:
    async with simulated(tmp_path) as url, signed_in(url) as client:
        token = await client.accounts.login("ada", "correct horse battery")
        headers = {"Authorization": f"Bearer {token.access_token}"}
        async with httpx.AsyncClient(base_url=url, headers=headers) as http:
            for body in (EXAMPLES[0], [EXAMPLES[1]], EXAMPLES):
                answer = await http.post("/orders/twap", json=body)
                assert answer.status_code == 400
                assert {item["status"] for item in answer.json()} == {"Rejected"}
                assert {item["reason"] for item in answer.json()} == {"window_elapsed"}
            listed = (await http.get("/orders", params={"status": "closed"})).json()
            assert {item["token_id"] for item in listed} == {"first", "second"}
            assert listed[0]["limit_price"] in (1, 50000)


async def test_digits_survive_from_the_body_to_the_answer(tmp_path: Path) -> None:
    async with simulated(tmp_path) as url, signed_in(url) as client:
        await until_listed(url, "binance", "kraken")
        token = await client.accounts.login("ada", "correct horse battery")
        body = (
            b'{"token_id":"x","exchange":"binance","symbol":"BTCUSDT","side":"buy","quantity":12345.67891,'
            b'"price":0.070000000000000001,"duration":60,"interval":5}'
        )
        headers = {"Authorization": f"Bearer {token.access_token}", "Content-Type": "application/json"}
        async with httpx.AsyncClient(base_url=url, headers=headers) as http:
            answer = await http.post("/orders/twap", content=body)
            assert answer.status_code == 201, answer.text
            item = exact_json.loads(answer.content)[0]
            assert (item["quantity"], item["limit_price"]) == (Decimal("12345.67891"), Decimal("0.07"))
            assert "e-" not in answer.text.lower().replace("-0", "")


async def test_users_see_only_their_own(tmp_path: Path) -> None:
    async with simulated(tmp_path) as url, signed_in(url) as ada, signed_in(url, "bob") as bob:
        await until_listed(url, "binance", "kraken")
        fields = {
            "exchange": "kraken",
            "symbol": "ETH-USDT",
            "side": "sell",
            "quantity": 1,
            "duration": 60,
            "interval": 5,
        }
        await ada.orders.submit(token_id="mine", **fields)  # type: ignore[call-overload]
        assert (await bob.orders.submit(token_id="mine", **fields)).status is OrderStatus.ACCEPTED  # type: ignore[call-overload]
        await ada.orders.submit(token_id="only", **fields)  # type: ignore[call-overload]
        with pytest.raises(errors.NotFound):
            await bob.orders.get("only")
        with pytest.raises(errors.NotFound):
            await bob.orders.cancel("only")
        assert (await ada.orders.cancel("only")).status is OrderStatus.CANCELED
        with pytest.raises(errors.Conflict):
            await ada.orders.cancel("only")


async def test_orders_go_on_after_a_restart(tmp_path: Path) -> None:
    async with simulated(tmp_path) as url, signed_in(url) as client:
        await until_listed(url, "binance", "kraken")
        await client.orders.submit(
            exchange="binance",
            symbol="BTCUSDT",
            side="buy",
            quantity="0.1",
            duration=6,
            slices=12,
            token_id="long",
        )
    async with simulated(tmp_path) as url, TwapClient(url) as client, asyncio.timeout(20):
        await client.accounts.login("ada", "correct horse battery")
        async for message in client.stream(orders=True, since=0):
            if isinstance(message, OrderEvent) and not message.order.status.is_open:
                break
        done = await client.orders.get("long")
        assert done.status is OrderStatus.FILLED
        assert [piece.index for piece in done.slices] == list(range(12))


async def test_without_a_network_it_starts_and_says_what_is_down(tmp_path: Path) -> None:
    nowhere = {"ws_url": "ws://127.0.0.1:9/none", "rest_url": "http://127.0.0.1:9/none"}
    async with serving(tmp_path, {"binance": nowhere}) as url, signed_in(url) as client:
        async with asyncio.timeout(10):
            while (down := (await client.market.exchanges())[0]).status != "down":
                await asyncio.sleep(0.02)
        assert down.reason
        with pytest.raises(errors.Unavailable) as refused:
            await client.market.orderbook("binance", "BTC-USDT")
        assert refused.value.retry_after
        assert (await client.orders.list()) == []


async def test_a_book_that_stops_being_live_is_announced_at_once(tmp_path: Path) -> None:
    clock = SystemClock()
    async with (
        Venue(SyntheticSource(seed=7, clock=clock), clock=clock) as venue,
        serving(tmp_path, venue.urls()) as url,
        signed_in(url) as client,
    ):
        await until_listed(url, "binance", "kraken")
        statuses: list[str] = []
        async with asyncio.timeout(15), client.stream(books=["binance:BTC-USDT"]) as stream:
            async for message in stream:
                if isinstance(message, BookMessage):
                    statuses.append(message.status)
                    assert message.status == "live" or not message.bids
                    if statuses.count("live") == 2:
                        venue.inject("gap", venue="binance")
                    if statuses[-1] == "live" and "resyncing" in statuses[statuses.index("live") :]:
                        break
