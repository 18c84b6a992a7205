"""A PostgreSQL that several nodes share: never beside a server alone, migrated by one of them."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from support.clocks import LoopClock
from support.cutting import Cut, CuttingProxy
from support.postgres import PostgresServer
from support.store.builders import accepted, make_order
from support.store.databases import Outside, at_revision
from twap_models.enums import Interval
from twap_server.clock import SystemClock
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import CommitInDoubt, InvalidRequest, StoreTakenOver, StoreUnavailable
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.known_candles import KnownRange, Series
from twap_server.domain.ownership import lease_of_partition, partition_of
from twap_server.store import database as opening
from twap_server.store.candles import SqlCandleStore
from twap_server.store.config import StoreConfig
from twap_server.store.database import Database
from twap_server.store.leases import SqlLeaseStore
from twap_server.store.migrate import NEWEST, migrate
from twap_server.store.orders import SqlOrderStore

CUT_WRITERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name LIKE 'twap-server % process %' AND datname = current_database()
"""
ME = rf"process {os.getpid()} on "
MINE = lease_of_partition(partition_of("alice"))


@pytest.fixture
def url(migrated_url: str) -> str:
    return migrated_url


@pytest.fixture
def quick(url: str) -> StoreConfig:
    return StoreConfig(url=url, busy_timeout=timedelta(milliseconds=200))


async def test_nodes_share_a_database_and_no_server_gets_it(url: str, quick: StoreConfig) -> None:
    async with Database.shared(url) as first, Database.shared(url) as second:
        assert first.node_id != second.node_id
        with pytest.raises(
            StoreUnavailable, match=rf"nodes are using .*\({ME}.*, {ME}.*stop all of them first"
        ):
            async with Database.open(quick):
                pass
        for one in (first, second):
            async with one.transaction() as connection:
                await connection.execute(text("SELECT 1"))
    async with Database.open(quick):
        pass


async def test_no_node_joins_a_server_that_has_the_database_alone(url: str, quick: StoreConfig) -> None:
    async with Database.open(url) as server:
        with pytest.raises(StoreUnavailable, match=rf"{ME}.*\) is using the database alone: stop it first"):
            async with Database.shared(quick):
                pass
        await SqlOrderStore(server).commit([accepted(make_order())])
    async with Database.shared(quick):
        pass


async def test_who_lists_nodes_neither_migrates_nor_is_one(url: str, outside: Outside) -> None:
    outside("UPDATE alembic_version SET version_num = '0012'")
    with pytest.raises(StoreUnavailable, match="no tables of this version yet"):
        async with Database.watched(url):
            pass
    assert outside("SELECT version_num FROM alembic_version") == ["0012"]
    outside(f"UPDATE alembic_version SET version_num = '{NEWEST}'")
    async with Database.open(url), Database.watched(url) as watching:
        assert await SqlLeaseStore(watching).nodes() == []


async def test_sqlite_is_for_one_process(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="several nodes need a PostgreSQL") as caught:
        async with Database.shared(f"sqlite:///{tmp_path / 'twap.db'}"):
            pass
    with pytest.raises(InvalidRequest, match="several nodes need a PostgreSQL"):
        async with Database.watched(f"sqlite:///{tmp_path / 'twap.db'}"):
            pass
    assert caught.value.field == "database"


async def test_a_node_writes_over_several_connections_and_accounts_over_one(url: str) -> None:
    async with Database.shared(StoreConfig(url=url, writers=3)) as database, database.transaction():
        async with database.account_transaction(), asyncio.TaskGroup() as group:
            other = group.create_task(_one_of_accounts(database))
            for _ in range(20):
                async with database.transaction() as connection:
                    assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
            assert not other.done(), "one connection is free, but of accounts one writes at a time"
            other.cancel()
        await _one_of_accounts(database)


async def _one_of_accounts(database: Database) -> None:
    async with database.account_transaction() as connection:
        await connection.execute(text("SELECT 1"))


async def test_nodes_that_keep_the_same_candles_at_once_know_them_as_one_range(
    url: str, outside: Outside
) -> None:
    series, step = Series(InstrumentId("binance", "BTC-USDT"), Interval.M1), 60 * SECOND
    spans = [KnownRange(Nanos(n * step), Nanos((n + 5) * step)) for n in range(1, 9)]
    async with Database.shared(url) as first, Database.shared(url) as second:
        stores = [SqlCandleStore(one, SystemClock(), most=1_000) for one in (first, second)]
        await asyncio.gather(*(stores[n % 2].keep(series, span, ()) for n, span in enumerate(spans)))
    assert outside("SELECT first || ' ' || last FROM candle_ranges") == [f"{step} {13 * step}"]


@pytest.mark.parametrize("start", [None, "0012"])
async def test_of_nodes_that_start_together_one_migrates_and_the_others_wait(
    server_url: str, monkeypatch: pytest.MonkeyPatch, start: str | None
) -> None:
    if start is not None:
        await at_revision(server_url, start, monkeypatch)
    quick = StoreConfig(url=server_url, busy_timeout=timedelta(milliseconds=200))
    migrated = []

    def slowly(connection: Connection) -> None:
        migrate(connection)
        connection.exec_driver_sql("SELECT pg_sleep(0.6)")  # longer than a lock is waited for
        migrated.append(NEWEST)

    monkeypatch.setattr(opening, "migrate", slowly)
    async with AsyncExitStack() as stack, asyncio.timeout(60):
        await asyncio.gather(*(stack.enter_async_context(Database.shared(quick)) for _ in range(3)))
    assert migrated == [NEWEST]


async def test_a_migration_needs_the_database_alone(url: str, quick: StoreConfig, outside: Outside) -> None:
    async with Database.shared(url):
        outside("UPDATE alembic_version SET version_num = '0001'")
        with pytest.raises(StoreUnavailable, match="nodes are using"):
            async with Database.shared(quick):
                pass
        outside("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(StoreUnavailable, match="written by a newer twap-server"):
            async with Database.shared(quick):
                pass


async def test_nodes_that_were_cut_off_go_on(url: str, outside: Outside) -> None:
    async with Database.shared(url) as first, Database.shared(url) as second:
        store = SqlLeaseStore(first)
        (lease,) = await store.take([MINE], first.node_id, 60 * SECOND, most=1)
        assert set(outside(CUT_WRITERS)) == {"t"}
        async with Database.shared(url):
            await SqlOrderStore(first, lease).commit([accepted(make_order())])
            assert await store.renew([lease], 60 * SECOND) == [lease]
            assert await SqlOrderStore(second).find("alice", ["token-1"])


@pytest.mark.parametrize("how", ["a server", "a migration"])
async def test_a_node_notices_that_the_database_was_used_alone_meanwhile(
    url: str, outside: Outside, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async with Database.shared(url) as old:
        store = SqlLeaseStore(old)
        (lease,) = await store.take([MINE], old.node_id, 60 * SECOND, most=1)
        assert set(outside(CUT_WRITERS)) == {"t"}
        if how == "a server":
            async with Database.open(url):
                pass
        else:
            outside("UPDATE alembic_version SET version_num = '0012'")
            monkeypatch.setattr(opening, "migrate", _say_it_is_newest)
        async with Database.shared(url):
            for doing in (
                SqlOrderStore(old, lease).commit([accepted(make_order())]),
                store.renew([lease], SECOND),
                old.hold(LoopClock()),
            ):
                with pytest.raises(StoreTakenOver, match="took the database over"):
                    await doing


def _say_it_is_newest(connection: Connection) -> None:
    connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{NEWEST}'")


async def test_a_server_notices_that_nodes_used_the_database_meanwhile(
    url: str, quick: StoreConfig, outside: Outside
) -> None:
    async with Database.open(quick) as old:
        assert outside(CUT_WRITERS) == ["t"]
        async with Database.shared(url):
            with pytest.raises(StoreTakenOver, match="nodes took the database over"):
                await SqlOrderStore(old).commit([accepted(make_order())])
        with pytest.raises(StoreTakenOver, match="nodes took the database over"):
            await SqlOrderStore(old).commit([accepted(make_order())])


async def test_an_idle_node_keeps_its_share_of_the_right(url: str, outside: Outside) -> None:
    holders = "SELECT DISTINCT mode FROM pg_locks WHERE locktype = 'advisory' AND granted"
    async with Database.shared(url) as database, asyncio.TaskGroup() as group:
        holding = group.create_task(database.hold(SystemClock()))
        assert set(outside(CUT_WRITERS)) == {"t"}
        async with asyncio.timeout(10):
            while outside(holders) != ["ShareLock"]:
                await asyncio.sleep(0.05)
        holding.cancel()


class HurriedClock(SystemClock):
    """Waits for nobody."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


async def test_while_the_database_is_away_the_log_has_a_line_for_each_reason(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away, starting = StoreUnavailable("nobody listens; try again"), StoreUnavailable("it starts; try again")
    outcomes = iter([away, away, away, starting, None, None, StoreTakenOver("the end")])

    @asynccontextmanager
    async def transaction(database: Database) -> AsyncIterator[None]:
        if (outcome := next(outcomes)) is not None:
            raise outcome
        yield

    async with Database.shared(url) as database:
        monkeypatch.setattr(Database, "transaction", transaction)
        with pytest.raises(StoreTakenOver):
            await database.hold(HurriedClock())
    assert [record.getMessage() for record in caplog.records] == [
        "nobody listens; it is tried every second",
        "it starts; it is tried every second",
        "the database can be used again",
    ]


async def test_commands_about_accounts_work_beside_nodes(url: str) -> None:
    async with Database.shared(url), Database.beside(url) as beside, beside.account_transaction() as writing:
        await writing.execute(text("SELECT 1"))


@pytest.fixture
async def proxied(postgres: PostgresServer, url: str) -> AsyncIterator[tuple[CuttingProxy, StoreConfig]]:
    async with CuttingProxy(postgres.port).listening() as proxy:
        through = re.sub(r":\d+/", f":{proxy.port}/", url)
        yield proxy, StoreConfig(url=through, answer_timeout=timedelta(milliseconds=300))


@pytest.mark.parametrize(("cut", "is_recorded"), [(Cut.AFTER, True), (Cut.SENT, True), (Cut.BEFORE, False)])
async def test_a_commit_of_a_node_whose_answer_was_lost_is_looked_up(
    proxied: tuple[CuttingProxy, StoreConfig], cut: Cut, is_recorded: bool
) -> None:
    proxy, config = proxied
    async with Database.shared(config) as database:
        (lease,) = await SqlLeaseStore(database).take([MINE], database.node_id, 60 * SECOND, most=1)
        store = SqlOrderStore(database, lease)
        proxy.cut = cut
        if is_recorded:
            await store.commit([accepted(make_order())])
        else:
            with pytest.raises(StoreUnavailable) as caught:
                await store.commit([accepted(make_order())])
            assert not isinstance(caught.value, CommitInDoubt), "it was looked up"
        assert await store.was_recorded([accepted(make_order())]) is is_recorded
