"""Leases of parts of an exchange in a real PostgreSQL: one division at a time, and epochs that compare."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

import pytest

from twap_server.domain.clock import SECOND
from twap_server.domain.errors import StoreUnavailable
from twap_server.domain.ownership import Lease, lease_of_exchange, part_of_lease, parts_of
from twap_server.store.database import Database
from twap_server.store.leases import SqlLeaseStore

TTL = 3 * SECOND
WHOLE = [lease_of_exchange("binance")]
HALVES, QUARTERS = ([one.lease for one in parts_of("binance", of)] for of in (2, 4))


@pytest.fixture
def url(migrated_url: str) -> str:
    return migrated_url


class Node:
    """A node that asks for leases of one division."""

    def __init__(self, database: Database, names: list[str] | None = None) -> None:
        self.database, self.store, self.names = database, SqlLeaseStore(database), names or []

    async def take(self, names: list[str] | None = None, *, most: int = 9, ttl: int = TTL) -> list[Lease]:
        return await self.store.take(names or self.names, self.database.node_id, ttl, most=most)

    async def live(self) -> set[str]:
        """Names of what is held by somebody."""
        return {one.lease.name for one in await self.store.leases() if one.left > 0 and one.node_id}


@asynccontextmanager
async def nodes(url: str, count: int) -> AsyncIterator[list[Node]]:
    async with AsyncExitStack() as stack:
        yield [Node(await stack.enter_async_context(Database.shared(url))) for _ in range(count)]


async def test_parts_of_one_division_are_shared(url: str) -> None:
    async with nodes(url, 2) as (a, b):
        first = await a.take(QUARTERS, most=1)
        rest = await b.take([*QUARTERS, lease_of_exchange("kraken")])
        assert len(first) == 1 and len(rest) == 4
        assert sorted(one.name for one in (*first, *rest)) == [*QUARTERS, "exchange/kraken"]
        assert await a.take(QUARTERS) == []
        assert await a.store.renew(first, TTL) == first
        assert sorted(await b.store.renew(rest, TTL), key=str) == sorted(rest, key=str)


@pytest.mark.parametrize(
    ("held", "wanted"), [(HALVES, QUARTERS), (HALVES, WHOLE), (WHOLE, HALVES), (QUARTERS, HALVES)]
)
async def test_no_other_division_is_taken_while_one_lease_of_one_is_held(
    url: str, held: list[str], wanted: list[str]
) -> None:
    async with nodes(url, 2) as (a, b):
        mine = await a.take(held)
        assert len(mine) == len(held)
        assert await b.take(wanted) == []
        await a.store.release(mine[:-1])
        if len(mine) > 1:
            assert await b.take(wanted) == [], "one is still held"
        assert await a.store.renew(mine[-1:], TTL) == mine[-1:]
        await a.store.release(mine[-1:])
        theirs = await b.take(wanted)
        assert sorted(one.name for one in theirs) == wanted, "at once"
        assert await a.take(held) == []


@pytest.mark.parametrize(
    ("before", "after"), [(HALVES, QUARTERS), (HALVES, WHOLE), (WHOLE, HALVES), (HALVES, HALVES)]
)
async def test_who_takes_what_ran_out_has_an_epoch_above_all_of_before(
    url: str, before: list[str], after: list[str]
) -> None:
    async with nodes(url, 2) as (a, b):
        highest = 0
        for _ in range(3):
            old = await a.take(before, ttl=0)
            assert len(old) == len(before) and min(one.epoch for one in old) > highest
            new = await b.take(after)
            assert len(new) == len(after)
            assert min(one.epoch for one in new) > max(one.epoch for one in old)
            assert len({one.epoch for one in new}) == len(new)
            assert await a.store.renew(old, TTL) == [], "it ran out, and others came"
            await a.store.release(old)
            assert await b.live() == set(after), "who is late gives nothing of others back"
            highest = max(one.epoch for one in new)
            await b.store.release(new)


async def test_a_part_that_ran_out_is_not_renewed(url: str) -> None:
    """Nobody may have seen that it was held: it is taken anew, with another epoch."""
    async with nodes(url, 1) as (a,):
        old = await a.take(HALVES, ttl=0)
        assert await a.store.renew(old, TTL) == []
        assert {one.name for one in await a.take(HALVES)} == set(HALVES)


OLD_TAKE = """
WITH free AS (
    SELECT name FROM leases WHERE name = 'exchange/binance'
    AND until <= extract(epoch FROM clock_timestamp()) * 1000000000 FOR UPDATE SKIP LOCKED
)
UPDATE leases SET epoch = epoch + 1, node = 'old',
    until = extract(epoch FROM clock_timestamp()) * 1000000000 + 3000000000
WHERE name IN (SELECT name FROM free) RETURNING epoch
"""
"""How a node of a release that knows of no parts takes the exchange."""


async def test_a_node_that_knows_of_no_parts_is_kept_out_and_keeps_out(url: str) -> None:
    async with nodes(url, 2) as (a, b):

        async def take_as_before() -> list[int]:
            async with b.database.lease_transaction() as connection:
                return list((await connection.exec_driver_sql(OLD_TAKE)).scalars())

        mine = await a.take(HALVES)
        assert await take_as_before() == []
        await a.store.release(mine[:1])
        assert await take_as_before() == []
        assert await a.store.renew(mine[1:], 0) == mine[1:]
        (epoch,) = await take_as_before()
        assert epoch > max(one.epoch for one in mine)
        assert await a.store.renew(mine, TTL) == [] == await a.take(HALVES)


async def test_one_who_stands_still_while_taking_a_part_keeps_nobody_from_renewing(url: str) -> None:
    async with nodes(url, 2) as (a, b):
        mine = await a.take(HALVES)
        async with AsyncExitStack() as stack:
            stuck = await stack.enter_async_context(b.database.lease_transaction())
            await stuck.exec_driver_sql("SELECT 1 FROM leases WHERE name = 'exchange/binance' FOR UPDATE")
            renewed = await a.store.renew(mine, TTL)
            with pytest.raises(StoreUnavailable):
                await stack.aclose()
        assert renewed == mine, "PostgreSQL ends the other after a second"
        assert await b.take(["exchange/kraken"]), "with another connection"


async def test_divisions_never_overlap_whoever_comes_when(url: str) -> None:
    """Nodes of three divisions take, renew and give back at once; the database is asked who has what."""
    async with nodes(url, 4) as (a, b, c, witness), asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_scramble(node, names, seed))
            for seed, (node, names) in enumerate([(a, HALVES), (b, QUARTERS), (c, WHOLE)])
        ]
        while not all(task.done() for task in tasks):
            assert len({part_of_lease(name).of for name in await witness.live()}) <= 1
    taken = [lease for task in tasks for lease in task.result()]
    assert len({one.epoch for one in taken}) == len(taken) >= 3 * _TIMES


_TIMES = 12


async def _scramble(node: Node, names: list[str], seed: int) -> list[Lease]:
    rng, taken = Random(seed), list[Lease]()
    while len(taken) < _TIMES:
        held = await node.take(names, ttl=rng.choice((SECOND // 100, SECOND)), most=rng.randint(1, 4))
        taken += held
        if rng.random() < 0.5:
            held = await node.store.renew(held, rng.choice((SECOND // 100, SECOND)))
        if rng.random() < 0.8:
            await node.store.release(held)
        await asyncio.sleep(rng.random() / 50)
    return taken
