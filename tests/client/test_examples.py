"""Every example runs against a server and ends well."""

import asyncio
import os
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from twap_client.testing import ScriptedServer, book, candle, exchange, instrument, order

EXAMPLES = Path(__file__).parents[2] / "examples"


async def run(server: ScriptedServer, name: str, *args: str) -> str:
    environ = os.environ | {
        "TWAP_SERVER_URL": server.url,
        "TWAP_USERNAME": "grace",
        "TWAP_PASSWORD": "battery staple",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / name),
        *args,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, err.decode()) == (0, "")
    return out.decode()


async def test_list_markets(server: ScriptedServer) -> None:
    server.exchanges, server.instruments = [exchange()], [instrument()]
    assert "BTC-USDT" in await run(server, "list_markets.py")


async def test_candles(server: ScriptedServer) -> None:
    server.candles = [candle(0), candle(1, closed=False)]
    assert "forming" in await run(server, "candles.py", "kraken", "ETH-USD", "1h")


async def test_submit_and_follow(server: ScriptedServer) -> None:
    async def trade() -> None:
        await server.subscribed("orders")
        await server.requested("POST", "/orders/twap")
        (token_id,) = server.orders
        server.push_event("working", order(token_id, status="Working"))
        server.push_event("ended", order(token_id, status="Filled"))

    async with asyncio.TaskGroup() as group:
        group.create_task(trade())
        running = group.create_task(run(server, "submit_and_follow.py"))
    assert "ended Filled" in running.result()


async def test_watch_book(server: ScriptedServer) -> None:
    async def push() -> None:
        await server.subscribed("aggregate:BTC-USDT")
        server.push_book(book("aggregate:BTC-USDT", status="stale", reason="no news"))

    async with asyncio.TaskGroup() as group:
        group.create_task(push())
        running = group.create_task(run(server, "watch_book.py", "1", "aggregate:BTC-USDT"))
    assert "mid 61837.635" in running.result() and "not current: stale no news" in running.result()


async def test_many_orders(server: ScriptedServer) -> None:
    assert (await run(server, "many_orders.py")).count("Canceled") == 5


async def test_amend_order(server: ScriptedServer) -> None:
    async def tell() -> None:
        await server.requested("POST", "/orders/twap")
        (token_id,) = server.orders
        server.push_event("accepted", server.orders[token_id])

    async with asyncio.TaskGroup() as group:
        group.create_task(tell())
        running = group.create_task(run(server, "amend_order.py"))
    (made,) = server.orders.values()
    assert (made.status, made.revision, made.quantity) == ("Canceled", 2, Decimal("0.2"))
    assert "revision 2" in running.result() and "accepted Accepted 0" in running.result()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 40


@pytest.mark.parametrize("name", ["submit_and_follow.py", "many_orders.py", "watch_book.py"])
async def test_without_an_account_an_example_says_what_to_set(name: str) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("TWAP_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / name), env=environ, stderr=asyncio.subprocess.PIPE
    )
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert (
        err.decode() == "set TWAP_USERNAME and TWAP_PASSWORD; the demo server's are demo and demo-password\n"
    )
