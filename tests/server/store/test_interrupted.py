"""A connection that breaks at COMMIT: what was recorded is looked up by key, never assumed."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from support.cutting import Cut, CuttingProxy
from support.postgres import PostgresServer
from support.store.builders import accepted, make_order, sliced
from support.store.databases import Outside
from support.stores.kinds import OrderStore
from twap_server.domain.errors import CommitInDoubt, StoreUnavailable
from twap_server.domain.orders.write import OrderWrite
from twap_server.store.config import StoreConfig
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore

KINDS = ["postgresql"]

ORDER = make_order()
FIRST, SECOND, THIRD = accepted(ORDER, seq=1), sliced(ORDER, seq=2), accepted(make_order(2), seq=3)


@pytest.fixture
async def proxy(postgres: PostgresServer) -> AsyncIterator[CuttingProxy]:
    async with CuttingProxy(postgres.port).listening() as proxy:
        yield proxy


@pytest.fixture
async def orders(url: str, proxy: CuttingProxy) -> AsyncIterator[SqlOrderStore]:
    through = re.sub(r":\d+/", f":{proxy.port}/", url)
    answer = timedelta(milliseconds=300)
    async with Database.open(StoreConfig(url=through, answer_timeout=answer)) as database:
        yield SqlOrderStore(database)


async def holds(orders: OrderStore, *writes: OrderWrite) -> None:
    """Exactly these writes were recorded, each once, and another can follow."""
    await orders.commit([THIRD])
    events = await orders.events("alice", 0, 99)
    assert events == [event for write in (*writes, THIRD) for event in write.events]
    found = await orders.find("alice", ["token-1"])
    assert found == ({"token-1": writes[-1].order} if writes else {})


@pytest.mark.parametrize("cut", [Cut.AFTER, Cut.SENT])
async def test_a_commit_whose_answer_was_lost_is_found(
    orders: OrderStore, proxy: CuttingProxy, cut: Cut
) -> None:
    proxy.cut = cut
    await orders.commit([FIRST])
    proxy.cut = cut
    await orders.commit([SECOND])
    await holds(orders, FIRST, SECOND)
    detail = await orders.detail("alice", "token-1")
    assert detail is not None and detail.order == SECOND.order
    assert (detail.slices, detail.fills) == (SECOND.slices, SECOND.fills)


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.SILENT])
async def test_a_commit_that_never_arrived_is_not_found(
    orders: OrderStore, proxy: CuttingProxy, cut: Cut
) -> None:
    proxy.cut = cut
    with pytest.raises(StoreUnavailable) as caught:
        await orders.commit([FIRST])
    assert not isinstance(caught.value, CommitInDoubt), "it was looked up"
    await orders.commit([FIRST])
    proxy.cut = cut
    with pytest.raises(StoreUnavailable):
        await orders.commit([SECOND])
    await holds(orders, FIRST)


async def test_a_commit_still_under_way_is_not_taken_for_lost(
    orders: OrderStore, proxy: CuttingProxy, postgres: PostgresServer, outside: Outside
) -> None:
    """The server waits for a standby that never comes, long after the connection broke."""
    postgres.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    postgres.sql("SELECT pg_reload_conf()")
    try:
        proxy.cut = Cut.SENT
        await orders.commit([FIRST])
    finally:
        postgres.sql("ALTER SYSTEM RESET synchronous_standby_names")
        postgres.sql("SELECT pg_reload_conf()")
    await holds(orders, FIRST)


@pytest.mark.parametrize(("cut", "is_recorded"), [(Cut.AFTER, True), (Cut.BEFORE, False)])
async def test_a_server_killed_in_the_commit_leaves_it_in_doubt(
    orders: OrderStore, proxy: CuttingProxy, postgres: PostgresServer, cut: Cut, is_recorded: bool
) -> None:
    proxy.cut, proxy.on_cut = cut, postgres.kill
    try:
        with pytest.raises(CommitInDoubt):
            await orders.commit([FIRST])
        with pytest.raises(StoreUnavailable):
            await orders.was_recorded([FIRST])
    finally:
        postgres.start()
    assert await orders.was_recorded([FIRST]) is is_recorded
    await holds(orders, *([FIRST] if is_recorded else []))


async def test_another_change_is_not_taken_for_ours(orders: OrderStore) -> None:
    await orders.commit([FIRST])
    assert not await orders.was_recorded([SECOND]), "the order is there, in its state before"
    assert not await orders.was_recorded([THIRD])
