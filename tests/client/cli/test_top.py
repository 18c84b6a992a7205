"""twap top on a real server of the test kit: what it shows, and what its keys do."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from rich.console import Console
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from twap_client import ClientConfig, TwapClient
from twap_client.cli.session import Session
from twap_client.cli.top import TopApp
from twap_client.testing import ScriptedServer, book, exchange, order

UUID = "2b420b08-a601-472d-beee-95cfa3c878ad"


@pytest.fixture
async def session(server: ScriptedServer, config: ClientConfig) -> AsyncIterator[Session]:
    server.exchanges = [exchange("binance"), exchange("kraken", status="down", reason="refused")]
    server.orders = {token: order(token, status="Working") for token in ("o-1", UUID)}
    async with TwapClient(username="ada", password="correct horse", config=config) as client:
        yield Session(
            client=client, server=server.url, as_json=False, out=Console(quiet=True), err=Console(quiet=True)
        )


def cells(app: TopApp, name: str) -> list[list[str]]:
    table = app.query_one(f"#{name}", DataTable)
    return [[str(cell) for cell in table.get_row_at(row)] for row in range(table.row_count)]


async def seen(pilot: Pilot[str], condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await pilot.pause()


def told(app: TopApp) -> str:
    return str(app.query_one("#told", Static).content)


async def test_books_orders_and_health_are_shown(session: Session, server: ScriptedServer) -> None:
    app = TopApp(session, ["binance:BTC-USDT"])
    async with app.run_test(size=(100, 30)) as pilot:
        await server.subscribed("orders", "binance:BTC-USDT")
        server.push_book(book())
        await seen(pilot, lambda: len(cells(app, "books")) == 1 and len(cells(app, "health")) == 2)
        assert cells(app, "books")[0][:6] == [
            "binance:BTC-USDT",
            "● live",
            "61837.63",
            "61837.64",
            "0.01",
            "0.00",
        ]
        assert [row[:4] for row in cells(app, "orders")] == [
            ["o-1", "● Working", "buy", "1"],
            [UUID, "● Working", "buy", "1"],
        ]
        assert [row[:2] for row in cells(app, "health")] == [["binance", "● connected"], ["kraken", "● down"]]
        server.push_event("ended", order("o-1", status="Filled", filled_quantity=1))
        await seen(pilot, lambda: cells(app, "orders")[0][1] == "● Filled")
        assert "100.0 %" in cells(app, "orders")[0]
        server.push_event("accepted", order("o-3"))
        await seen(pilot, lambda: "o-3" in [row[0] for row in cells(app, "orders")])


async def test_a_lost_connection_leaves_no_book_current(session: Session, server: ScriptedServer) -> None:
    app = TopApp(session, ["binance:BTC-USDT"])
    async with app.run_test(size=(100, 30)) as pilot:
        await server.subscribed("orders", "binance:BTC-USDT")
        server.push_book(book())
        await seen(pilot, lambda: len(cells(app, "books")) == 1)
        await server.stop()
        await seen(pilot, lambda: cells(app, "books")[0][1] == "● stale")
        assert "connection lost" in told(app) or "cannot" in told(app)


async def test_keys_change_the_chosen_order(session: Session, server: ScriptedServer) -> None:
    app = TopApp(session, [])
    async with app.run_test(size=(80, 24)) as pilot:
        await seen(pilot, lambda: len(cells(app, "orders")) == 2)
        await pilot.press("down", "p")
        await seen(pilot, lambda: cells(app, "orders")[1][1] == "● Paused")
        await pilot.press("r")
        await seen(pilot, lambda: cells(app, "orders")[1][1] != "● Paused")
        await pilot.press("c")
        assert f"cancel {UUID}?" in told(app)
        await pilot.press("p")  # no y: nothing is canceled
        await pilot.press("y")
        assert cells(app, "orders")[1][1] != "● Canceled"
        await pilot.press("c", "y")
        await seen(pilot, lambda: cells(app, "orders")[1][1] == "● Canceled")
        await pilot.press("p")
        await seen(pilot, lambda: told(app) != "")
        assert server.orders["o-1"].status == "Working", "the other one was left alone"


async def test_enter_opens_and_q_leaves(session: Session) -> None:
    for key, result in (("enter", "o-1"), ("o", "o-1"), ("q", None)):
        app = TopApp(session, [])
        async with app.run_test(size=(80, 24)) as pilot:
            await seen(pilot, lambda shown=app: len(cells(shown, "orders")) == 2)  # type: ignore[misc]
            await pilot.press(key)
        assert app.return_value == result
