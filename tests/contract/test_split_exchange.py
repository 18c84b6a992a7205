"""An exchange whose symbols two collector nodes share, on a real NATS and a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from support import nats, postgres
from support.live import signed_in, until_listed
from support.nodes import answering
from support.postgres import PostgresServer
from support.several_nodes import Place, place, process_of, ready, running, until_held, until_ready
from twap_client import TwapClient
from twap_models import BookMessage, OrderStatus, TwapOrderDetail
from twap_server import bootstrap
from twap_server.cluster.config import Role
from twap_server.domain.ownership import part_of

WHY_NOT = nats.why_not() or postgres.why_not()
pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "-")]

BOOKS = {1: "BTC-USDT", 2: "ETH-USDT"}
"""One of each part of two."""
NAMES = [f"binance:{symbol}" for symbol in BOOKS.values()]


def test_there_is_a_book_of_each_part() -> None:
    assert {number: part_of(symbol, 2) for number, symbol in BOOKS.items()} == {1: 1, 2: 2}


@asynccontextmanager
async def readers(where: Place) -> AsyncIterator[tuple[str, TwapClient]]:
    """An engine and a gateway, which know nothing of parts but what they hear; gives a client."""
    async with running(where, Role.ENGINE, Role.GATEWAY) as urls, signed_in(urls[-1]) as client:
        await until_listed(urls[-1], "binance")
        yield urls[-1], client


async def until_owned(where: Place, url: str, *numbers: int) -> None:
    """Wait until the node there has these parts of two, and no other."""
    asked = f"""
        SELECT name FROM leases JOIN nodes ON node = node_id
        WHERE address = '{url}' AND until > extract(epoch FROM clock_timestamp()) * 1000000000 ORDER BY name
    """
    wanted = [f"exchange/binance/{number}-of-2" for number in numbers]
    async with asyncio.timeout(60):
        while (await asyncio.to_thread(where.sql, asked)).split() != wanted:
            await asyncio.sleep(0.1)


async def until_all(client: TwapClient, status: str) -> None:
    """Wait until the books of both parts were seen so."""
    left = set(BOOKS.values())
    async with asyncio.timeout(60):
        async for message in client.stream(NAMES):
            if isinstance(message, BookMessage) and message.status == status:
                left.discard(message.symbol)
            if not left:
                return


async def bought(client: TwapClient, symbol: str, *, duration: int = 4) -> TwapOrderDetail:
    """An order, once it has ended."""
    token_id = f"{symbol}-{duration}"
    await client.orders.submit(
        exchange="binance", symbol=symbol, side="buy", quantity="0.2", token_id=token_id,
        duration=duration, slices=duration * 2,
    )  # fmt: skip
    async with asyncio.timeout(duration + 30):
        while (order := await client.orders.get(token_id)).status.is_open:
            await asyncio.sleep(0.1)
    return order


async def test_orders_fill_from_the_books_of_both_parts(postgres: PostgresServer) -> None:
    async with place(postgres) as one, AsyncExitStack() as stack:
        where = one.split(2)
        collectors = await stack.enter_async_context(running(where, Role.COLLECTOR, Role.COLLECTOR))
        url, client = await stack.enter_async_context(readers(one))
        for collector in collectors:
            await until_held(where, collector, 1)
            await until_ready(collector, 200)
        await until_all(client, "live")
        async with asyncio.TaskGroup() as group:
            orders = [group.create_task(bought(client, symbol)) for symbol in BOOKS.values()]
        assert [order.result().status for order in orders] == [OrderStatus.FILLED, OrderStatus.FILLED]
        candles = [await client.market.klines("binance", symbol) for symbol in BOOKS.values()]
        assert all(candles)
        async with httpx.AsyncClient(base_url=url) as http:
            (exchange,) = (await http.get("/exchanges")).json()
        assert (exchange["status"], exchange["connections"]) == ("connected", 2)
        told: list[str] = []
        await bootstrap.list_nodes(where.settings, say=told.append)
        has = sorted(line.strip() for line in told if "binance" in line)
        assert has == ["has exchange binance (part 1 of 2)", "has exchange binance (part 2 of 2)"]


async def test_a_killed_part_goes_stale_alone_and_is_taken_over(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with place(postgres) as one, AsyncExitStack() as stack:
        where = one.split(2)
        (stays,) = await stack.enter_async_context(running(where, Role.COLLECTOR))
        killed, process = await stack.enter_async_context(process_of(where, Role.COLLECTOR, tmp_path / "log"))
        await until_held(where, killed, 1)
        await until_held(where, stays, 1)
        _, client = await stack.enter_async_context(readers(one))
        await until_all(client, "live")
        held = f"SELECT name FROM leases JOIN nodes ON node = node_id WHERE address = '{killed}'"
        number = int(where.sql(held).removeprefix("exchange/binance/")[0])
        lost, other = BOOKS[number], BOOKS[3 - number]
        process.kill()
        seen: dict[str, list[str]] = {lost: [], other: []}
        async with asyncio.timeout(60):
            async for message in client.stream(NAMES):
                if isinstance(message, BookMessage):
                    seen[message.symbol].append(message.status)
                if seen[lost][-1:] == ["live"] and "stale" in seen[lost]:
                    break
        assert set(seen[other]) == {"live"}
        await until_owned(where, stays, 1, 2)
        assert (await bought(client, lost)).status is OrderStatus.FILLED


async def test_nodes_that_disagree_never_collect_at_once_and_the_later_ones_wait(
    postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with place(postgres) as one, AsyncExitStack() as stack:
        halves, thirds = one.split(2), one.split(3)
        first = await stack.enter_async_context(AsyncExitStack())
        (before,) = await first.enter_async_context(running(halves, Role.COLLECTOR))
        await until_owned(halves, before, 1, 2)
        _, client = await stack.enter_async_context(readers(one))
        await until_all(client, "live")
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch_divisions(one))
            words = "other nodes collect binance in 2 parts, this one is to do so in 3 parts"
            after = await stack.enter_async_context(answering(thirds.settings, [Role.COLLECTOR]))
            unsplit = await stack.enter_async_context(answering(one.settings, [Role.COLLECTOR]))
            await until_ready(after, 503, words)
            await until_ready(unsplit, 503, "in 2 parts, this one is to do so unsplit: it waits until they")
            await until_waiting(one, 2)
            await until_owned(halves, before, 1, 2)
            assert (await ready(before))[0] == 200
            buying = group.create_task(bought(client, BOOKS[1], duration=12))
            assert sum(words in one.getMessage() for one in caplog.records) == 1
            told: list[str] = []
            await bootstrap.list_nodes(one.settings, say=told.append)
            assert sum(words in line for line in told) == 1
            await first.aclose()
            await until_all(client, "live")
            order = await buying
            watching.cancel()
        assert order.status is OrderStatus.FILLED
        assert sorted([(await ready(after))[0], (await ready(unsplit))[0]]) == [200, 503], (
            "one of them has it"
        )


async def until_waiting(where: Place, number: int) -> None:
    """Wait until so many nodes had three turns to take what they must not, and say that they wait."""
    waiting = "SELECT count(*) FROM nodes WHERE remark LIKE '%it waits%' AND seen - started > 3000000000"
    async with asyncio.timeout(60):
        while int(await asyncio.to_thread(where.sql, waiting)) != number:
            await asyncio.sleep(0.1)


async def watch_divisions(where: Place) -> None:
    """See, again and again, that leases of one division alone are held."""
    held = """
        SELECT count(DISTINCT substring(name FROM '-of-(.*)')) + max((name = 'exchange/binance')::int)
        FROM leases WHERE name LIKE 'exchange/%' AND node <> ''
        AND until > extract(epoch FROM clock_timestamp()) * 1000000000
    """
    while True:
        assert await asyncio.to_thread(where.sql, held) in ("", "1", "0")
        await asyncio.sleep(0.1)
