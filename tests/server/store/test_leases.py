"""Leases in a real PostgreSQL: one owner at a time, and an owner that was replaced writes nothing."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Text, bindparam, func, select

from support import children
from support.store.builders import accepted, make_order, sliced
from support.store.databases import Outside
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import LeaseLost, StoreUnavailable
from twap_server.domain.ownership import (
    PARTITIONS,
    Lease,
    Node,
    lease_of_exchange,
    lease_of_partition,
    partition_of,
    partition_of_lease,
)
from twap_server.store import leases as table
from twap_server.store import queries
from twap_server.store.config import StoreConfig
from twap_server.store.database import Database
from twap_server.store.leases import SqlLeaseStore
from twap_server.store.orders import SqlOrderStore

TTL = 3 * SECOND
MINE = lease_of_partition(partition_of("alice"))
"""Of the user whose orders the tests write."""


@pytest.fixture
def url(migrated_url: str) -> str:
    return migrated_url


@asynccontextmanager
async def nodes(url: str, count: int) -> AsyncIterator[list[tuple[Database, SqlLeaseStore]]]:
    async with AsyncExitStack() as stack:
        found = [await stack.enter_async_context(Database.shared(url)) for _ in range(count)]
        yield [(one, SqlLeaseStore(one)) for one in found]


async def take_mine(store: SqlLeaseStore, database: Database, *, ttl: int = TTL) -> Lease:
    (lease,) = await store.take([MINE], database.node_id, ttl, most=1)
    return lease


async def test_a_lease_has_one_owner_and_each_taking_another_epoch(url: str) -> None:
    names = [lease_of_partition(n) for n in range(8)]
    async with nodes(url, 2) as ((a, at_a), (b, at_b)):
        both = await asyncio.gather(
            at_a.take(names, a.node_id, TTL, most=5), at_b.take(names, b.node_id, TTL, most=5)
        )
        rest = await at_b.take(names, b.node_id, TTL, most=8)
        held = [lease for some in (*both, rest) for lease in some]
        assert sorted(lease.name for lease in held) == names and {lease.epoch for lease in held} == {1}
        assert await at_a.take(names, a.node_id, TTL, most=8) == []
        await at_a.release(held)
        again = await at_b.take(names, b.node_id, TTL, most=8)
        assert sorted((one.name, one.epoch) for one in again) == [(name, 2) for name in names]


async def test_what_was_taken_by_another_is_not_renewed_nor_given_back(url: str) -> None:
    async with nodes(url, 2) as ((a, at_a), (b, at_b)):
        old = await take_mine(at_a, a)
        kept = (await at_a.take([lease_of_exchange("kraken")], a.node_id, TTL, most=1))[0]
        assert await at_a.renew([old, kept], TTL) == [old, kept]
        await at_a.renew([old], 0)
        new = await take_mine(at_b, b)
        assert await at_a.renew([old, kept], TTL) == [kept]
        await at_a.release([old])
        assert [(one.lease, one.node_id, 0 < one.left <= TTL) for one in await at_b.leases()] == [
            (kept, a.node_id, True),
            (new, b.node_id, True),
        ]


async def test_a_lease_that_ran_out_is_still_its_owners_until_somebody_takes_it(url: str) -> None:
    async with nodes(url, 2) as ((a, at_a), (b, at_b)):
        lease = await take_mine(at_a, a, ttl=0)
        assert await at_a.renew([lease], TTL) == [lease]
        assert await at_b.take([MINE], b.node_id, TTL, most=1) == []


async def test_what_was_given_back_is_renewed_by_no_try_that_is_late(url: str) -> None:
    """It would be held by nobody, and free for nobody."""
    async with nodes(url, 2) as ((a, at_a), (b, at_b)):
        lease = await take_mine(at_a, a)
        await at_a.release([lease])
        assert await at_a.renew([lease], TTL, anew=True) == []
        assert (await take_mine(at_b, b)).epoch == 2


async def test_a_renewal_waits_for_no_other_question_nor_for_one_before_it(url: str) -> None:
    async with nodes(url, 1) as ((a, at_a),), asyncio.timeout(10):
        held = [await take_mine(at_a, a)]
        async with a.lease_transaction():
            assert await at_a.renew(held, TTL) == held
            async with a.renewal(anew=False):
                assert await at_a.renew(held, TTL, anew=True) == held


async def test_leases_are_read_while_every_connection_for_reading_is_taken(url: str) -> None:
    """Whoever takes over looks at them first."""
    async with Database.shared(StoreConfig(url=url, pool_size=1)) as a, a.reading():
        store = SqlLeaseStore(a)
        lease = await take_mine(store, a)
        async with asyncio.timeout(1):
            assert [one.lease for one in await store.leases()] == [lease]


async def test_two_renewals_at_once_lock_rows_in_one_order(url: str) -> None:
    """Else each could wait for the other, until PostgreSQL ends one of them."""
    names = [lease_of_partition(number) for number in range(8)]
    async with nodes(url, 1) as ((a, at_a),):
        held = await at_a.take(names, a.node_id, TTL, most=8)
        await at_a.renew(
            [one for one in held if one.name == min(names)], TTL
        )  # its row lies behind the others now
        first, last = "SELECT name FROM leases WHERE name = $1 FOR NO KEY UPDATE", max(names)
        async with a.transaction() as connection:
            await connection.exec_driver_sql(first, (min(names),))
            renewing = asyncio.ensure_future(at_a.renew(held[::-1], TTL))
            await asyncio.sleep(0.3)
            await connection.exec_driver_sql(f"{first} NOWAIT", (last,))
        assert len(await renewing) == 8


async def test_a_replaced_owner_writes_nothing(url: str) -> None:
    async with nodes(url, 2) as ((a, at_a), (b, at_b)):
        old = SqlOrderStore(a, await take_mine(at_a, a, ttl=0))
        await old.commit([accepted(make_order())])
        new = SqlOrderStore(b, await take_mine(at_b, b))
        with pytest.raises(LeaseLost, match=rf"another node has {MINE} now"):
            await old.commit([accepted(make_order(2))])
        with pytest.raises(LeaseLost):
            await old.was_recorded([accepted(make_order(2))])
        assert await new.open_orders() == [make_order()]
        await new.commit([sliced(make_order())])
        with pytest.raises(LeaseLost):
            await old.commit([sliced(make_order())])


async def test_a_taker_waits_for_a_commit_under_way(url: str) -> None:
    async with nodes(url, 2) as ((a, at_a), (b, at_b)):
        old = await take_mine(at_a, a)
        async with a.transaction() as connection:
            await table.guard(connection, old, decided=Nanos(0))
            assert await at_a.renew([old], 0) == [old], "to renew it is not in a commit's way"
            assert await at_b.take([MINE], b.node_id, TTL, most=1) == []
        new = await take_mine(at_b, b)
        assert new.epoch == old.epoch + 1


async def test_a_commit_that_begins_while_the_lease_is_taken_writes_nothing(url: str) -> None:
    async with nodes(url, 2) as ((a, at_a), (b, _)):
        old = await take_mine(at_a, a, ttl=0)
        async with b.transaction() as taking:
            statement = (
                "UPDATE leases SET epoch = epoch + 1 WHERE name = (SELECT name FROM leases FOR UPDATE)"
            )
            await taking.exec_driver_sql(statement)
            committing = asyncio.ensure_future(SqlOrderStore(a, old).commit([accepted(make_order())]))
            await _until_somebody_waits(b)
            assert not committing.done()
        with pytest.raises(LeaseLost):
            await committing
        assert await SqlOrderStore(b).open_orders() == []


async def _until_somebody_waits(database: Database) -> None:
    while True:
        async with database.reading() as connection:
            statement = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            if (await connection.exec_driver_sql(statement)).scalar_one():
                return
        await asyncio.sleep(0.01)


async def test_what_became_of_a_commit_is_said_only_when_none_is_under_way(url: str) -> None:
    quick = StoreConfig(url=url, busy_timeout=timedelta(milliseconds=200))
    async with Database.shared(quick) as a:
        lease = await take_mine(SqlLeaseStore(a), a)
        store = SqlOrderStore(a, lease)
        async with a.transaction() as connection:
            await table.guard(connection, lease, decided=Nanos(0))
            with pytest.raises(StoreUnavailable, match="locked"):
                await store.was_recorded([accepted(make_order())])
        assert not await store.was_recorded([accepted(make_order())])
        await store.commit([accepted(make_order())])
        assert await store.was_recorded([accepted(make_order())])


async def test_a_node_records_no_order_without_a_lease(url: str) -> None:
    async with nodes(url, 1) as ((a, _),):
        with pytest.raises(LeaseLost, match="only with the lease of their partition"):
            await SqlOrderStore(a).commit([accepted(make_order())])


async def test_an_owner_takes_up_the_orders_of_its_partition(url: str) -> None:
    users = [f"user-{n}" for n in range(40)]
    async with nodes(url, 1) as ((a, at_a),):
        names = [lease_of_partition(n) for n in range(PARTITIONS)]
        held = await at_a.take(names, a.node_id, TTL, most=PARTITIONS)
        stores = {lease.name: SqlOrderStore(a, lease) for lease in held}
        for user in users:
            writes = [accepted(make_order(n, user_id=user)) for n in range(2)]
            await stores[lease_of_partition(partition_of(user))].commit(writes)
        found = {
            partition_of_lease(name): {order.terms.user_id for order in await store.open_orders()}
            for name, store in stores.items()
        }
    assert found == {
        number: {user for user in users if partition_of(user) == number} for number in range(PARTITIONS)
    }


async def test_the_database_knows_the_partitions_as_we_do(url: str) -> None:
    ids = list[str]()

    @given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=50))
    def gather(some: list[str]) -> None:
        ids.extend(some)

    gather()
    ids += ["", "größer", "用户", "🦊" * 50, *(f"01K{n:023}" for n in range(2_000))]
    async with nodes(url, 1) as ((a, _),), a.reading() as connection:
        some = select(func.unnest(bindparam("ids", ids, type_=table.postgresql.ARRAY(Text))).label("id"))
        column = some.subquery().c.id
        rows = (await connection.execute(select(column, queries.partition_of(column)))).all()
    assert len(rows) == len(ids) and {row[1] for row in rows} == set(range(PARTITIONS))
    assert [row for row in rows if partition_of(row[0]) != row[1]] == []


def test_a_lease_of_something_else_is_of_no_partition() -> None:
    assert partition_of_lease("partition/63") == 63
    with pytest.raises(ValueError, match="exchange/kraken is no lease of a partition"):
        partition_of_lease(lease_of_exchange("kraken"))


async def test_a_lease_is_renewed_while_all_who_write_are_busy(url: str) -> None:
    async with Database.shared(StoreConfig(url=url, writers=2)) as a:
        store = SqlLeaseStore(a)
        lease = await take_mine(store, a)
        async with a.transaction(), a.transaction():
            assert await store.renew([lease], TTL) == [lease]


async def test_nodes_are_seen_by_the_databases_clock(url: str, outside: Outside) -> None:
    async with nodes(url, 2) as ((a, at_a), (b, at_b)):
        first = Node(node_id=a.node_id, host="h1", roles=("engine",), version="1", started=Nanos(1))
        other = Node(
            node_id=b.node_id,
            host="h2",
            roles=("collector", "gateway"),
            version="2",
            started=Nanos(2),
            address="http://h2:1",
            remark="größer",
        )
        before = float(outside("SELECT extract(epoch FROM clock_timestamp())")[0])
        moment = await at_a.seen(first)
        assert before <= moment / SECOND < before + 60
        await at_b.seen(other)
        assert await at_a.seen(first) > moment
        found = await at_b.living(60 * SECOND)
        assert [(one.node_id, one.host, one.roles, one.version, one.started) for one in found] == [
            (a.node_id, "h1", ("engine",), "1", 1),
            (b.node_id, "h2", ("collector", "gateway"), "2", 2),
        ]
        assert (found[1].address, found[1].remark) == ("http://h2:1", "größer")
        assert all(0 <= one.silence < 60 * SECOND for one in found)
        outside(f"UPDATE nodes SET seen = seen - {10 * SECOND} WHERE node_id = '{b.node_id}'")
        assert [one.node_id for one in await at_a.living(5 * SECOND)] == [a.node_id]
        assert len(await at_a.nodes()) == 2
        outside(f"UPDATE nodes SET seen = seen - {3_600 * SECOND}")
        await at_a.seen(first)
        assert [one.node_id for one in await at_a.nodes()] == [a.node_id], "the other is forgotten"
        await at_a.gone(a.node_id)
        assert await at_a.nodes() == []


HOLDER = """
import asyncio, sys
from twap_server.domain.errors import StoreUnavailable
from twap_server.store.database import Database
from twap_server.store.leases import SqlLeaseStore, guard

async def main(url, name, ttl):
    async with Database.shared(url) as database:
        (lease,) = await SqlLeaseStore(database).take([name], database.node_id, int(ttl), most=1)
        try:
            async with database.transaction() as connection:
                await guard(connection, lease, decided=0)
                print("taken", flush=True)
                await asyncio.to_thread(sys.stdin.readline)
            print("recorded", flush=True)
        except StoreUnavailable as error:
            print("refused", flush=True)

asyncio.run(main(*sys.argv[1:]))
"""
"""Takes a lease, and stands in the middle of a commit until it is told to go on."""


@asynccontextmanager
async def holder(url: str, *, ttl: int) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, url, MINE, str(ttl), stdin=PIPE, stdout=PIPE, env=children.environment()
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"taken\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _taken(store: SqlLeaseStore, database: Database) -> Lease:
    async with asyncio.timeout(20):
        while not (found := await store.take([MINE], database.node_id, TTL, most=1)):
            await asyncio.sleep(0.02)
    return found[0]


async def test_a_killed_owner_is_replaced(url: str) -> None:
    async with nodes(url, 1) as ((a, at_a),), holder(url, ttl=SECOND) as process:
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert (await _taken(at_a, a)).epoch == 2


async def test_an_owner_that_stands_still_in_a_commit_is_replaced_and_records_nothing(url: str) -> None:
    async with nodes(url, 1) as ((a, at_a),), holder(url, ttl=SECOND // 10) as process:
        process.send_signal(signal.SIGSTOP)
        assert (await _taken(at_a, a)).epoch == 2
        process.send_signal(signal.SIGCONT)
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"go on\n")
        assert await process.stdout.readline() == b"refused\n"
