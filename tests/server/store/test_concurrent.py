"""Many writers at once: keys and versions decide, not the isolation level (F34; invariants I1, I2, I10)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from support.changes import replace
from support.store.builders import accepted, make_order, sliced, with_terms
from twap_server.domain.errors import TwapError
from twap_server.domain.orders.write import OrderWrite
from twap_server.store import sqlite
from twap_server.store.config import StoreConfig
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore

SERVERS, EACH = 4, 6


def unlocked(url: str, isolation: str) -> Database:
    """One more server on the same database, as if the lock that keeps it out did not exist."""
    if url.startswith("sqlite"):
        path, config = Path(url.removeprefix("sqlite:///")), StoreConfig(url=url)
        return Database(
            writer=sqlite.connect_to(path, config, writing=True),
            readers=sqlite.connect_to(path, config, writing=False),
        )
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"), pool_size=2, isolation_level=isolation
    )
    return Database(writer=engine, readers=engine)


@pytest.fixture(params=["sqlite", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[list[SqlOrderStore]]:
    url = request.getfixturevalue("file_url" if request.param == "sqlite" else "server_url")
    async with Database.open(url), AsyncExitStack() as stack:
        databases = [unlocked(url, request.param) for _ in range(SERVERS)]
        for database in databases:
            stack.push_async_callback(database._close)
        yield [SqlOrderStore(database) for database in databases]


async def all_at_once(stores: list[SqlOrderStore], write: Callable[[int], OrderWrite]) -> list[int]:
    """Commit the ``n``-th write for every ``n``, spread over the servers; gives those that were recorded."""

    async def attempt(n: int) -> bool:
        try:
            await stores[n % len(stores)].commit([write(n)])
        except TwapError:
            return False
        return True

    async with asyncio.TaskGroup() as group:
        attempts = [group.create_task(attempt(n)) for n in range(SERVERS * EACH)]
    return [n for n, one in enumerate(attempts) if one.result()]


async def test_a_token_id_names_one_order(stores: list[SqlOrderStore]) -> None:
    won = await all_at_once(stores, lambda n: accepted(with_terms(make_order(), order_id=f"order-{n}")))
    assert len(won) == 1
    assert [order.terms.order_id for order in await stores[0].open_orders()] == [f"order-{won[0]}"]


async def test_a_slice_ends_once(stores: list[SqlOrderStore]) -> None:
    order = make_order()
    await stores[0].commit([accepted(order)])
    write = sliced(order)
    won = await all_at_once(stores, lambda n: replace(write, fills=write.fills[: n % 3]))
    assert len(won) == 1
    found = await stores[0].detail("alice", "token-1")
    assert found is not None and found.order == write.order
    assert (found.slices, found.fills) == (write.slices, write.fills[: won[0] % 3])


async def test_an_order_changes_once_from_each_version(stores: list[SqlOrderStore]) -> None:
    """Without a slice or an event the version alone is in the way."""
    order = make_order()
    await stores[0].commit([accepted(order)])
    progress = sliced(order).order.progress
    won = await all_at_once(
        stores, lambda n: OrderWrite(order=replace(order, progress=replace(progress, detail=str(n))))
    )
    assert len(won) == 1
    assert (await stores[0].open_orders())[0].progress.detail == str(won[0])


async def test_an_event_number_is_given_once(stores: list[SqlOrderStore]) -> None:
    won = await all_at_once(stores, lambda n: accepted(make_order(n), seq=1))
    assert len(won) == 1
    told = await stores[0].events("alice", 0, 99)
    assert [event.order.terms.order_id for event in told] == [make_order(won[0]).terms.order_id]
    assert len(await stores[0].open_orders()) == 1, "no order without its event"


async def test_opposite_orders_of_writing_do_not_lock_up(stores: list[SqlOrderStore]) -> None:
    """Two commits that want the same rows in opposite order: one wins, the other may be repeated."""
    book = [make_order(n) for n in range(2)]
    await stores[0].commit([accepted(order) for order in book])
    writes = [sliced(order) for order in book]

    async def attempt(store: SqlOrderStore, batch: list[OrderWrite]) -> bool:
        try:
            await store.commit(batch)
        except TwapError:
            return False
        return True

    async with asyncio.timeout(20):
        won = await asyncio.gather(
            *(attempt(one, writes[::step]) for one, step in zip(stores, [1, -1] * 2, strict=True))
        )
    assert won.count(True) == 1
    assert {order.progress.version for order in await stores[0].open_orders()} == {1}
