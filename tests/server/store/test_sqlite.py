"""What only SQLite has: a file, its lock, its pragmas, its damage."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from support.store.builders import accepted, make_order
from twap_server.domain.errors import StoreUnavailable
from twap_server.store import database as opening
from twap_server.store.config import StoreConfig
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore


@pytest.fixture
def url(file_url: str) -> str:
    return file_url


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


async def test_a_writer_holds_the_write_lock_from_its_start(database: Database, url: str) -> None:
    other = sqlite3.connect(file_of(url), timeout=0, isolation_level=None)
    async with database.transaction():
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()


async def test_another_program_that_writes_is_named(url: str) -> None:
    async with Database.open(StoreConfig(url=url, busy_timeout=timedelta(0))) as database:
        other = sqlite3.connect(file_of(url), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked by another program"):
            await SqlOrderStore(database).commit([accepted(make_order())])
        other.close()
        await SqlOrderStore(database).commit([accepted(make_order())])


async def test_another_program_that_writes_is_waited_for(url: str) -> None:
    async with Database.open(url) as database, asyncio.TaskGroup() as group:
        other = sqlite3.connect(file_of(url), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writing = group.create_task(SqlOrderStore(database).commit([accepted(make_order())]))
        for _ in range(20):
            assert await SqlOrderStore(database).open_orders() == []
        assert not writing.done()
        other.close()
    assert writing.done()


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


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux locks a file by its descriptor")


def other_names(url: str, tmp_path: Path) -> Iterator[Path]:
    """The same file: hard link, symbolic link, relative path, and a mount where that is allowed."""
    file, folder = file_of(url), tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "hard.db").hardlink_to(file)
    yield folder / "hard.db"
    (folder / "soft.db").symlink_to(file)
    yield folder / "soft.db"
    yield Path(os.path.relpath(file))
    (folder / "mounted.db").touch()
    mounted = subprocess.run(
        ["mount", "--bind", file, folder / "mounted.db"], capture_output=True, check=False
    )
    if mounted.returncode == 0:
        try:
            yield folder / "mounted.db"
        finally:
            subprocess.run(["umount", "--lazy", folder / "mounted.db"], check=True)


@linux_only
async def test_a_second_server_is_refused_under_whatever_name(url: str, tmp_path: Path) -> None:
    async with Database.open(url) as database:
        seen = []
        for name in other_names(url, tmp_path):
            with pytest.raises(
                StoreUnavailable, match=rf"another server \(process {os.getpid()}\b.* is using"
            ):
                async with Database.open(f"sqlite:///{name}"):
                    pass
            seen.append(name.name)
            await SqlOrderStore(database).commit([accepted(make_order(len(seen)))])
        assert len(seen) >= 3
        assert len(await SqlOrderStore(database).open_orders()) == len(seen)
    async with Database.open(url):
        pass


def locks() -> str:
    return Path("/proc/locks").read_text(encoding="ascii")


_HOLD = """
import asyncio, sys
from twap_server.store.database import Database

async def main():
    async with Database.open(sys.argv[1]):
        print("open", flush=True)
        sys.stdin.read()

asyncio.run(main())
"""


@linux_only
async def test_the_server_that_uses_a_hard_link_is_named_with_its_name(url: str, tmp_path: Path) -> None:
    async with Database.open(url):
        pass
    link = tmp_path / "link.db"
    link.hardlink_to(file_of(url))
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLD, f"sqlite:///{link}",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert first.stdout is not None
    assert await first.stdout.readline() == b"open\n"
    with pytest.raises(StoreUnavailable, match=rf"process {first.pid}, which calls it {link}\) is using"):
        async with Database.open(url):
            pass
    await first.communicate(b"")
    async with Database.open(url):
        pass


@linux_only
async def test_a_refused_second_server_leaves_the_first_one_its_locks(url: str, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(file_of(url))
    async with Database.open(url) as database:
        with pytest.raises(StoreUnavailable):
            async with Database.open(f"sqlite:///{tmp_path / 'link.db'}"):
                pass
        hard = tmp_path / "hard.db"
        hard.hardlink_to(file_of(url))
        with pytest.raises(StoreUnavailable):
            async with Database.open(f"sqlite:///{hard}"):
                pass
        async with database.transaction():
            assert f":{file_of(url).stat().st_ino} 1073741826 1073742335" in locks(), "SQLite's shared lock"


async def test_a_log_beside_another_name_is_not_left_behind(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = file_of(url)
    async with Database.open(url):
        pass
    other = file.with_name("other.db")
    other.hardlink_to(file)
    log = file.with_name("other.db-wal")
    log.write_bytes(b"what was committed last")
    with pytest.raises(
        StoreUnavailable, match=r"is also called other.db, and other.db-wal holds .* start with"
    ):
        async with Database.open(url):
            pass
    log.unlink()
    async with Database.open(url):
        assert "has 2 names (hard links): use only one of them" in caplog.text


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


async def test_a_writer_does_not_wait_for_ever_for_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_TURN_WITHIN_S", 0.05)
    async with database.transaction():
        with pytest.raises(StoreUnavailable, match="too much waits to be written"):
            async with database.transaction():
                pytest.fail("two transactions at once")
    async with database.transaction():
        """The turn is free again."""
