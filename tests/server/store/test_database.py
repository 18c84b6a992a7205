"""Opening, refusing to open, surviving: on both databases."""

import asyncio
import re
import subprocess
import sys
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from support import children
from support.store.builders import accepted, make_order, sliced
from support.store.databases import Outside
from twap_server.domain.errors import StoreUnavailable
from twap_server.store.config import StoreConfig
from twap_server.store.database import Database
from twap_server.store.migrate import SCRIPTS
from twap_server.store.orders import SqlOrderStore
from twap_server.store.tables import OPEN_STATUSES, metadata

TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
}


async def test_a_read_sees_one_moment(url: str) -> None:
    async with Database.open(url) as database:
        orders = SqlOrderStore(database)
        async with database.reading() as connection:
            count = text("SELECT count(*) FROM orders")
            assert (await connection.execute(count)).scalar_one() == 0
            await orders.commit([accepted(make_order())])
            assert (await connection.execute(count)).scalar_one() == 0, "still the same moment"
        assert len(await orders.open_orders()) == 1


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(StoreUnavailable):
        async with database.reading() as connection:
            await connection.execute(text("DELETE FROM orders"))


async def test_an_error_inside_takes_everything_back(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await connection.execute(text("INSERT INTO instruments VALUES ('a', 'b', 'c')"))
            raise RuntimeError
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM instruments"))).scalar_one() == 0


async def test_writers_wait_for_each_other_without_a_limit(url: str) -> None:
    async with Database.open(StoreConfig(url=url, busy_timeout=timedelta(milliseconds=1))) as database:
        orders = SqlOrderStore(database)
        async with asyncio.TaskGroup() as group, database.transaction():
            waiting = group.create_task(orders.commit([accepted(make_order())]))
            for _ in range(50):
                await orders.open_orders()
            assert not waiting.done()
        assert await orders.open_orders() == [make_order()]


async def test_no_sql_reaches_a_message(database: Database) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        async with database.reading() as connection:
            await connection.execute(text("SELECT secret FROM nowhere"))
    assert "secret" not in str(caught.value)
    assert "nowhere" not in str(caught.value)


def partial_index(connection: Connection) -> tuple[str, ...]:
    """What the index of open orders holds; SQLAlchemy does not compare it."""
    kept = {
        "sqlite": "SELECT sql FROM sqlite_master WHERE name = 'ix_orders_open'",
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_orders_open'",
    }
    made = connection.execute(text(kept[connection.dialect.name])).scalar_one()
    return tuple(re.findall(r"'(\w+)'", made.partition("WHERE")[2]))


async def test_migrations_make_exactly_the_tables(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(partial_index) == OPEN_STATUSES


async def test_reopening_keeps_everything(url: str) -> None:
    async with Database.open(url) as database:
        await SqlOrderStore(database).commit([accepted(make_order())])
    async with Database.open(url) as database:
        assert await SqlOrderStore(database).open_orders() == [make_order()]


async def test_a_schema_from_the_future_is_refused(url: str, outside: Outside) -> None:
    async with Database.open(url):
        pass
    outside("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreUnavailable, match="written by a newer twap-server"):
        async with Database.open(url):
            pass


async def test_a_migration_that_fails_leaves_nothing(url: str, outside: Outside) -> None:
    outside("CREATE TABLE fills (mine TEXT)")
    with pytest.raises(StoreUnavailable):
        async with Database.open(url):
            pass
    assert outside(TABLES[make_url(url).get_backend_name()]) == ["fills"]


def test_migrations_lie_in_the_package() -> None:
    assert (SCRIPTS / "env.py").is_file()
    assert [path.name[:4] for path in sorted((SCRIPTS / "versions").glob("*.py"))] == [
        "0001",
        "0002",
        "0003",
        "0004",
        "0005",
        "0006",
        "0007",
        "0008",
        "0009",
        "0010",
        "0011",
        "0012",
        "0013",
        "0014",
    ]


async def test_a_closed_database_says_so(url: str) -> None:
    async with Database.open(url) as database:
        pass
    with pytest.raises(StoreUnavailable, match="closed"):
        await SqlOrderStore(database).open_orders()
    with pytest.raises(StoreUnavailable, match="closed"):
        await SqlOrderStore(database).commit([accepted(make_order())])


DIES = """
import asyncio, os, sys
from support.store.builders import accepted, make_order, sliced
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore

async def main():
    async with Database.open(sys.argv[1]) as database:
        orders = SqlOrderStore(database)
        order = make_order()
        await orders.commit([accepted(order, seq=1)])
        await orders.commit([sliced(order, seq=2)])
        async with database.transaction() as connection:
            await connection.exec_driver_sql("DELETE FROM order_events")
            os._exit(9)

asyncio.run(main())
"""


async def test_what_was_committed_survives_a_kill(url: str) -> None:
    environment = children.environment()
    command = [sys.executable, "-c", DIES, url]
    died = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, check=False)
    assert died.returncode == 9, died.stderr.decode()
    async with Database.open(url) as database:
        orders = SqlOrderStore(database)
        write = sliced(make_order(), seq=2)
        assert await orders.open_orders() == [write.order]
        found = await orders.detail("alice", "token-1")
        assert found is not None and (found.slices, found.fills) == (write.slices, write.fills)
        assert await orders.last_event_seq("alice") == 2, "the open transaction was taken back"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("mysql://localhost/x", "'mysql' are not supported"),
        ("nonsense", "cannot be read"),
        ("postgresql://u:p@one:1,two:2/x", "cannot be read"),
    ],
)
async def test_other_urls_are_refused(url: str, says: str) -> None:
    with pytest.raises(StoreUnavailable, match=says):
        async with Database.open(url):
            pass


def test_a_password_in_the_url_is_not_shown() -> None:
    assert "hunter2" not in repr(StoreConfig(url="postgresql://u:hunter2@localhost/x"))
