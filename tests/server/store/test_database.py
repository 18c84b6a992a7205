"""Opening, refusing to open, surviving."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from server.store.builders import accepted, make_order, sliced
from twap_server.domain.errors import StoreUnavailable
from twap_server.store.config import StoreConfig
from twap_server.store.database import Database
from twap_server.store.migrate import SCRIPTS
from twap_server.store.orders import SqlOrderStore
from twap_server.store.tables import metadata

TESTS = Path(__file__).parents[2]


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


async def pragma(connection: object, name: str) -> object:
    return (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()  # type: ignore[attr-defined]


async def test_every_connection_is_durable(url: str) -> None:
    async with (
        Database.open(StoreConfig(url=url, pool_size=3)) as database,
        database.reading() as a,
        database.reading() as b,
        database.reading() as c,
        database.transaction() as w,
    ):
        for connection, reads_only in ((a, 1), (b, 1), (c, 1), (w, 0)):
            assert await pragma(connection, "journal_mode") == "wal"
            assert await pragma(connection, "synchronous") == 2, "FULL"
            assert await pragma(connection, "foreign_keys") == 1
            assert await pragma(connection, "busy_timeout") == 5_000
            assert await pragma(connection, "query_only") == reads_only


async def test_a_read_sees_one_moment(url: str) -> None:
    async with Database.open(url) as database:
        orders = SqlOrderStore(database)
        async with database.reading() as connection:
            count = text("SELECT count(*) FROM orders")
            assert (await connection.execute(count)).scalar_one() == 0
            await orders.commit([accepted(make_order())])
            assert (await connection.execute(count)).scalar_one() == 0, "still the same moment"
        assert await orders.count_open("alice") == 1


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


async def test_a_writer_holds_the_write_lock_from_its_start(database: Database, url: str) -> None:
    other = sqlite3.connect(file_of(url), timeout=0, isolation_level=None)
    async with database.transaction():
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()


async def test_writers_wait_for_each_other_without_a_limit(url: str) -> None:
    async with Database.open(StoreConfig(url=url, busy_timeout=timedelta(milliseconds=1))) as database:
        orders = SqlOrderStore(database)
        async with asyncio.TaskGroup() as group, database.transaction():
            waiting = group.create_task(orders.commit([accepted(make_order())]))
            for _ in range(50):
                await orders.open_orders()
            assert not waiting.done()
        assert await orders.open_orders() == [make_order()]


async def test_another_program_that_writes_is_named(url: str) -> None:
    async with Database.open(StoreConfig(url=url, busy_timeout=timedelta(0))) as database:
        other = sqlite3.connect(file_of(url), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked by another program"):
            await SqlOrderStore(database).commit([accepted(make_order())])
        other.close()
        await SqlOrderStore(database).commit([accepted(make_order())])


async def test_no_sql_reaches_a_message(database: Database) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        async with database.reading() as connection:
            await connection.execute(text("SELECT secret FROM nowhere"))
    assert "secret" not in str(caught.value)
    assert "nowhere" not in str(caught.value)


async def test_files_are_private(url: str) -> None:
    file_of(url).parent.parent.chmod(0o755)
    async with Database.open(url) as database:
        await SqlOrderStore(database).commit([accepted(make_order())])
        folder = file_of(url).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        names = {path.name for path in folder.iterdir()}
        assert {"twap.db", "twap.db-wal", "twap.db.lock"} <= names
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


async def test_a_readable_file_becomes_private(url: str) -> None:
    file_of(url).parent.mkdir()
    file_of(url).touch(0o644)
    async with Database.open(url):
        assert stat.S_IMODE(file_of(url).stat().st_mode) == 0o600


async def test_migrations_make_exactly_the_tables(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    def indexes(connection: Connection) -> list[object]:
        made = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = 'ix_orders_open'"))
        return list(made.scalars())

    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []
        assert "WHERE status IN ('Accepted', 'Working', 'Paused')" in str(await connection.run_sync(indexes))


async def test_reopening_keeps_everything(url: str) -> None:
    async with Database.open(url) as database:
        await SqlOrderStore(database).commit([accepted(make_order())])
    async with Database.open(url) as database:
        assert await SqlOrderStore(database).open_orders() == [make_order()]


async def test_a_schema_from_the_future_is_refused(url: str) -> None:
    async with Database.open(url):
        pass
    with sqlite3.connect(file_of(url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreUnavailable, match="written by a newer twap-server"):
        async with Database.open(url):
            pass


async def test_a_migration_that_fails_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file_of(url).parent.mkdir()
    with sqlite3.connect(file_of(url)) as connection:
        connection.execute("CREATE TABLE fills (mine TEXT)")
    connection.close()
    with pytest.raises(StoreUnavailable):
        async with Database.open(url):
            pass
    with sqlite3.connect(file_of(url)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    connection.close()
    assert names == ["fills"]


def test_migrations_lie_in_the_package() -> None:
    assert (SCRIPTS / "env.py").is_file()
    assert [path.name[:4] for path in sorted((SCRIPTS / "versions").glob("*.py"))] == ["0001"]


async def test_a_second_server_is_refused(url: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(file_of(url).parent)
    async with Database.open(url) as database:
        for other in (url, f"sqlite:///{tmp_path}/link/twap.db"):
            with pytest.raises(StoreUnavailable, match=rf"process {os.getpid()}\) is using") as caught:
                async with Database.open(other):
                    pass
            assert "stop it first" in str(caught.value)
        await SqlOrderStore(database).commit([accepted(make_order())])
    async with Database.open(url):
        pass


async def test_a_closed_database_says_so(url: str) -> None:
    async with Database.open(url) as database:
        pass
    with pytest.raises(StoreUnavailable, match="closed"):
        await SqlOrderStore(database).open_orders()
    with pytest.raises(StoreUnavailable, match="closed"):
        await SqlOrderStore(database).commit([accepted(make_order())])


DIES = """
import asyncio, os, sys
from server.store.builders import accepted, make_order, sliced
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
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-c", DIES, url]
    died = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, check=False)
    assert died.returncode == 9, died.stderr.decode()
    async with Database.open(url) as database:
        orders = SqlOrderStore(database)
        write = sliced(make_order(), seq=2)
        assert await orders.open_orders() == [write.order]
        assert await orders.detail("alice", "token-1") == (write.order, list(write.slices), list(write.fills))
        assert await orders.last_event_seq("alice") == 2, "the open transaction was taken back"


async def damaged(url: str, content: bytes, *, at: int) -> StoreUnavailable:
    with file_of(url).open("r+b") as file:
        file.seek(at)
        file.write(content)
    with pytest.raises(StoreUnavailable) as caught:
        async with Database.open(url):
            pass
    return caught.value


async def test_a_file_that_is_no_database_is_refused(url: str) -> None:
    file_of(url).parent.mkdir()
    file_of(url).touch()
    error = await damaged(url, b"these are my notes, not a database\n" * 100, at=0)
    assert "not a database" in str(error)
    assert "restore it from a backup" in str(error)


async def test_a_damaged_file_is_refused(url: str) -> None:
    async with Database.open(url) as database:
        await SqlOrderStore(database).commit([accepted(make_order(n)) for n in range(500)])
    error = await damaged(url, os.urandom(4_096 * 3), at=4_096 * 20)
    assert "cannot be used" in str(error)
    assert "restore it from a backup" in str(error)
    assert str(file_of(url)) in str(error)


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="writable for this user"):
        async with Database.open(f"sqlite:///{tmp_path}/file/twap.db"):
            pass


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("mysql://localhost/x", "'mysql' are not supported"),
        ("nonsense", "cannot be read"),
    ],
)
async def test_other_urls_are_refused(url: str, says: str) -> None:
    with pytest.raises(StoreUnavailable, match=says):
        async with Database.open(url):
            pass


async def test_postgresql_names_what_is_missing() -> None:
    try:
        import asyncpg  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(StoreUnavailable, match="pip install asyncpg"):
            async with Database.open("postgresql://u:p@localhost/x"):
                pass


def test_a_password_in_the_url_is_not_shown() -> None:
    assert "hunter2" not in repr(StoreConfig(url="postgresql://u:hunter2@localhost/x"))
