"""Backups of both databases: of one moment, whole or absent, and restored as they were."""

import asyncio
import json
import os
import re
import sqlite3
import stat
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from support.postgres import PostgresServer
from support.store.builders import accepted, make_order, sliced
from support.store.databases import Outside, at_revision
from twap_server import settings
from twap_server.bootstrap import archive
from twap_server.bootstrap.backup import backup, restore
from twap_server.domain.errors import StoreUnavailable
from twap_server.store import database as opening
from twap_server.store import postgresql_copy, sqlite_copy
from twap_server.store.config import StoreConfig
from twap_server.store.database import Database
from twap_server.store.migrate import NEWEST, migrate
from twap_server.store.orders import SqlOrderStore

INSERT_USER = (
    "INSERT INTO users (user_id, username, username_key, password_hash, created)"
    " VALUES ('{0}', '{0}', '{0}', 'h', 1)"
)


def on(url: str) -> settings.Settings:
    return settings.load(file=None, flags={"database": url}, environment={})


@pytest.fixture
def pg_bin(url: str, request: pytest.FixtureRequest) -> Path | None:
    if url.startswith("sqlite"):
        return None
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.programs


async def add_orders(url: str, numbers: range) -> None:
    """Each order with one slice of two fills and two events, numbered on."""
    async with Database.open(url) as database:
        store = SqlOrderStore(database)
        for n in numbers:
            order = make_order(n)
            await store.commit([accepted(order, seq=2 * n - 1)])
            await store.commit([sliced(order, seq=2 * n)])


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def spoil(file: Path) -> None:
    file.write_bytes(b"no database at all")
    file.with_name(file.name + "-wal").write_bytes(b"rubbish")


async def orders_in(url: str) -> list[str]:
    async with Database.open(url) as database:
        return sorted(order.terms.token_id for order in await SqlOrderStore(database).open_orders())


class TestBoth:
    """SQLite and PostgreSQL."""

    async def test_what_was_backed_up_is_restored_and_what_was_there_is_kept(
        self, url: str, pg_bin: Path | None, tmp_path: Path
    ) -> None:
        file = tmp_path / "a.backup"
        await add_orders(url, range(1, 4))
        taken = await asyncio.to_thread(backup, on(url), file, pg_bin=pg_bin)
        assert (taken.contents.orders, taken.contents.fills, taken.contents.events) == (3, 6, 6)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert names_in(tmp_path) >= {"a.backup"} and not any(
            "partial" in name for name in names_in(tmp_path)
        )
        await add_orders(url, range(4, 6))
        restored = await asyncio.to_thread(restore, on(url), file, pg_bin=pg_bin)
        assert restored.about == taken
        assert await orders_in(url) == ["token-1", "token-2", "token-3"]
        assert restored.kept is not None and ".before-restore-2" in restored.kept.name
        assert stat.S_IMODE(restored.kept.stat().st_mode) == 0o600
        if url.startswith("sqlite"):
            assert len(await orders_in(f"sqlite:///{restored.kept}")) == 5
        else:
            await asyncio.to_thread(restore, on(url), restored.kept, pg_bin=pg_bin)
            assert len(await orders_in(url)) == 5

    async def test_a_backup_of_a_database_at_work_is_of_one_moment(
        self, url: str, pg_bin: Path | None, tmp_path: Path
    ) -> None:
        """Every record that was acknowledged before it began is in it, and no half of a later one."""
        async with Database.open(url) as database:
            store, stop, told = SqlOrderStore(database), asyncio.Event(), 0

            async def write() -> None:
                nonlocal told
                while not stop.is_set():
                    order = make_order(told + 1)
                    await store.commit([accepted(order, seq=2 * told + 1)])
                    await store.commit([sliced(order, seq=2 * told + 2)])
                    told += 1
                    await asyncio.sleep(0)

            async with asyncio.TaskGroup() as group:
                group.create_task(write())
                for n in range(3):
                    while told < 20 * (n + 1):
                        await asyncio.sleep(0.01)
                    before = told
                    done = await asyncio.to_thread(backup, on(url), tmp_path / f"{n}", pg_bin=pg_bin)
                    assert done.contents.orders >= before
                    assert done.contents.events - done.contents.orders in (0, done.contents.fills // 2)
                assert told > before, "who writes was not held up"
                stop.set()

    async def test_no_backup_is_restored_under_a_running_server(
        self, url: str, pg_bin: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        impatient = partial(StoreConfig, busy_timeout=timedelta(milliseconds=100))
        monkeypatch.setattr(postgresql_copy, "StoreConfig", impatient)
        await add_orders(url, range(1, 2))
        await asyncio.to_thread(backup, on(url), tmp_path / "a", pg_bin=pg_bin)
        async with Database.open(url) as database:
            with pytest.raises(StoreUnavailable, match="another server"):
                await asyncio.to_thread(restore, on(url), tmp_path / "a", pg_bin=pg_bin)
            assert await SqlOrderStore(database).open_orders()

    @pytest.mark.parametrize("damage", ["cut", "flipped", "no zip", "empty"])
    async def test_a_damaged_backup_is_refused_in_one_line_and_changes_nothing(
        self, url: str, pg_bin: Path | None, tmp_path: Path, damage: str
    ) -> None:
        file = tmp_path / "a"
        await add_orders(url, range(1, 2))
        await asyncio.to_thread(backup, on(url), file, pg_bin=pg_bin)
        content = bytearray(file.read_bytes())
        if damage == "cut":
            del content[len(content) // 2 :]
        elif damage == "flipped":
            content[len(content) // 2] ^= 1
        else:
            content = bytearray(b"SQLite format 3\0" * 100 if damage == "no zip" else b"")
        file.write_bytes(content)
        await add_orders(url, range(2, 3))
        with pytest.raises(StoreUnavailable, match="is damaged or no backup") as refused:
            await asyncio.to_thread(restore, on(url), file, pg_bin=pg_bin)
        assert "\n" not in str(refused.value)
        assert len(await orders_in(url)) == 2

    async def test_a_copy_that_is_not_what_its_digest_says_is_refused(
        self, url: str, pg_bin: Path | None, tmp_path: Path
    ) -> None:
        await add_orders(url, range(1, 2))
        about = await asyncio.to_thread(backup, on(url), tmp_path / "a", pg_bin=pg_bin)
        with archive.opened(tmp_path / "a") as (_, content):
            (tmp_path / "copy").write_bytes(content.read())
        for wrong in ({"sha256": "0" * 64}, {"size": about.size - 1}, {"size": about.size + 1}):
            with pytest.raises(StoreUnavailable, match="cannot be read back"):
                archive.write(
                    tmp_path / "b", replace(about, **wrong), tmp_path / "copy", draft=tmp_path / "draft"
                )
            (tmp_path / "draft").rename(tmp_path / "c")
            with pytest.raises(StoreUnavailable, match="is damaged"):
                await asyncio.to_thread(restore, on(url), tmp_path / "c", pg_bin=pg_bin)

    async def test_one_of_a_newer_version_or_of_the_other_kind_is_refused(
        self, url: str, pg_bin: Path | None, tmp_path: Path
    ) -> None:
        await add_orders(url, range(1, 2))
        about = await asyncio.to_thread(backup, on(url), tmp_path / "a", pg_bin=pg_bin)
        newer = replace(about, contents=replace(about.contents, revision="9999"))
        with archive.opened(tmp_path / "a") as (_, content):
            (tmp_path / "copy").write_bytes(content.read())
        archive.write(tmp_path / "b", newer, tmp_path / "copy", draft=tmp_path / "draft")
        with pytest.raises(StoreUnavailable, match="newer twap-server wrote it"):
            await asyncio.to_thread(restore, on(url), tmp_path / "b", pg_bin=pg_bin)
        other = "postgresql" if url.startswith("sqlite") else "sqlite"
        archive.write(
            tmp_path / "b", replace(about, kind=other), tmp_path / "copy", draft=tmp_path / "draft"
        )  # fmt: skip
        with pytest.raises(StoreUnavailable, match=f"is a backup of {other}"):
            await asyncio.to_thread(restore, on(url), tmp_path / "b", pg_bin=pg_bin)

    async def test_records_that_contradict_each_other_are_told(
        self, url: str, pg_bin: Path | None, tmp_path: Path, outside: Outside
    ) -> None:
        await add_orders(url, range(1, 3))
        change_fill = """
            UPDATE slices SET fills = replace(fills, '"64000.20","{old}"', '"64000.20","{new}"')
            WHERE order_id = 'order-alice-000001'
        """
        outside(change_fill.format(old="0.00000001", new="0.00000002"))
        with pytest.raises(StoreUnavailable, match=r"the fills of order order-alice-000001 come to"):
            await asyncio.to_thread(backup, on(url), tmp_path / "a", pg_bin=pg_bin)
        outside(change_fill.format(old="0.00000002", new="0.00000001"))
        outside("DELETE FROM order_events WHERE seq = 2")
        with pytest.raises(StoreUnavailable, match="user alice has 3 events, numbered 1 to 4"):
            await asyncio.to_thread(backup, on(url), tmp_path / "a", pg_bin=pg_bin)
        assert not (tmp_path / "a").exists()

    async def test_what_is_there_is_not_overwritten_unasked(
        self, url: str, pg_bin: Path | None, tmp_path: Path
    ) -> None:
        await add_orders(url, range(1, 2))
        file = tmp_path / "a"
        file.write_text("mine")
        with pytest.raises(StoreUnavailable, match="--force"):
            await asyncio.to_thread(backup, on(url), file, pg_bin=pg_bin)
        assert file.read_text() == "mine"
        await asyncio.to_thread(backup, on(url), file, force=True, pg_bin=pg_bin)
        assert zipfile.is_zipfile(file)

    async def test_where_there_is_no_database_it_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(StoreUnavailable, match="there is no database"):
            backup(on(f"sqlite:///{tmp_path / 'none'}"), tmp_path / "a")
        with pytest.raises(StoreUnavailable, match="there is no file"):
            restore(on(f"sqlite:///{tmp_path / 'none'}"), tmp_path / "a")
        assert not (tmp_path / "a").exists()


class TestSqlite:
    """What only SQLite has."""

    @pytest.fixture
    def url(self, file_url: str) -> str:
        return file_url

    async def test_a_long_copy_is_not_begun_anew_by_who_writes(
        self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between its pages others commit; what they commit is not in it, and it comes to its end."""
        await add_orders(url, range(1, 30))
        file = Path(url.removeprefix("sqlite:///"))
        writer = sqlite3.connect(file, isolation_level=None)
        steps = 0

        class Meddling(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                nonlocal steps
                steps += 1
                if steps <= 300:  # a copy that begins anew again and again comes to its end, too
                    writer.execute(INSERT_USER.format(steps))
                return False

        monkeypatch.setattr(sqlite_copy, "_PAGES", 1)
        monkeypatch.setattr(threading, "Event", Meddling)
        found = sqlite_copy.take(file, tmp_path / "copy")
        writer.close()
        assert steps > 20
        assert found.users == 0 and found.orders == 29

    async def test_one_from_before_a_migration_is_brought_up_to_date_by_the_next_start(
        self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as older:
            older.setattr(opening, "migrate", lambda connection: migrate(connection, revision="0002"))
            async with Database.open(url):
                pass
        taken = await asyncio.to_thread(backup, on(url), tmp_path / "a")
        assert taken.contents.revision == "0002"
        await asyncio.to_thread(restore, on(url), tmp_path / "a")
        assert await orders_in(url) == []
        assert (await asyncio.to_thread(backup, on(url), tmp_path / "b")).contents.revision == NEWEST

    async def test_the_replaced_one_is_whole_though_its_log_was_not_written_back(
        self, url: str, tmp_path: Path
    ) -> None:
        await add_orders(url, range(1, 2))
        await asyncio.to_thread(backup, on(url), tmp_path / "a")
        file = Path(url.removeprefix("sqlite:///"))
        killed = sqlite3.connect(file, isolation_level=None)
        killed.execute("PRAGMA wal_autocheckpoint=0")
        killed.execute(INSERT_USER.format("late"))
        wal = file.with_name(file.name + "-wal")
        left = wal.read_bytes()
        killed.close()
        wal.write_bytes(left)  # as a killed process leaves it
        done = await asyncio.to_thread(restore, on(url), tmp_path / "a")
        assert done.kept is not None
        kept = sqlite3.connect(done.kept)
        assert kept.execute("SELECT user_id FROM users").fetchall() == [("late",)]
        kept.close()
        now = sqlite3.connect(file)
        assert now.execute("SELECT count(*) FROM users").fetchone() == (0,)
        now.close()

    async def test_a_damaged_database_is_replaced_and_kept_as_it_is(self, url: str, tmp_path: Path) -> None:
        await add_orders(url, range(1, 2))
        await asyncio.to_thread(backup, on(url), tmp_path / "a")
        file = Path(url.removeprefix("sqlite:///"))
        spoil(file)
        with pytest.raises(StoreUnavailable, match="not a database"):
            await asyncio.to_thread(backup, on(url), tmp_path / "b")
        done = await asyncio.to_thread(restore, on(url), tmp_path / "a")
        assert done.kept is not None and done.kept.read_bytes() == b"no database at all"
        assert not file.with_name(file.name + "-wal").exists()
        assert await orders_in(url) == ["token-1"]

    @pytest.mark.parametrize("dies_in", ["link", "replace"])
    async def test_killed_in_the_middle_a_whole_database_is_in_its_place(
        self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_in: str
    ) -> None:
        await add_orders(url, range(1, 2))
        await asyncio.to_thread(backup, on(url), tmp_path / "a")
        await add_orders(url, range(2, 3))

        class Killed(BaseException):
            pass

        def die(*_: object) -> None:
            raise Killed

        with monkeypatch.context() as dying, pytest.raises(Killed):
            dying.setattr(*((os, "link") if dies_in == "link" else (Path, "replace")), die)
            await asyncio.to_thread(restore, on(url), tmp_path / "a")
        assert len(await orders_in(url)) == 2

    def test_a_damaged_page_is_told_of_the_database_and_not_of_the_draft(
        self, url: str, tmp_path: Path
    ) -> None:
        asyncio.run(add_orders(url, range(1, 30)))
        file = Path(url.removeprefix("sqlite:///"))
        reading = sqlite3.connect(file)
        (page,) = reading.execute("SELECT rootpage FROM sqlite_master WHERE name = 'slices'").fetchone()
        (size,) = reading.execute("PRAGMA page_size").fetchone()
        reading.close()
        content = bytearray(file.read_bytes())
        content[(page - 1) * size : page * size] = bytes(size)
        file.write_bytes(content)
        with pytest.raises(StoreUnavailable, match=re.escape(f"the database {file} ")):
            backup(on(url), tmp_path / "a")

    def test_the_database_of_another_program_is_none_of_ours(self, tmp_path: Path) -> None:
        other = sqlite3.connect(tmp_path / "other.db")
        other.execute("CREATE TABLE alembic_version (version_num TEXT)")
        other.close()
        with pytest.raises(StoreUnavailable, match="holds no tables of twap-server"):
            backup(on(f"sqlite:///{tmp_path / 'other.db'}"), tmp_path / "a")

    async def test_a_full_disk_under_a_restore_is_told_and_changes_nothing(
        self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await add_orders(url, range(1, 2))
        await asyncio.to_thread(backup, on(url), tmp_path / "a")
        await add_orders(url, range(2, 3))

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as filled, pytest.raises(StoreUnavailable, match="the disk is full"):
            filled.setattr(os, "fsync", full)
            await asyncio.to_thread(restore, on(url), tmp_path / "a")
        assert len(await orders_in(url)) == 2

    def test_a_full_disk_leaves_nothing(
        self, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asyncio.run(add_orders(url, range(1, 3)))
        before = sorted(tmp_path.iterdir())
        real: Callable[..., int] = os.fsync

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            backup(on(url), tmp_path / "a")
        monkeypatch.setattr(os, "fsync", real)
        assert sorted(tmp_path.iterdir()) == before


class TestPostgresql:
    """What only PostgreSQL has."""

    @pytest.fixture
    def url(self, server_url: str) -> str:
        return server_url

    async def test_missing_or_old_programs_are_told_with_what_to_do(
        self, url: str, tmp_path: Path, pg_bin: Path
    ) -> None:
        await add_orders(url, range(1, 2))
        with pytest.raises(StoreUnavailable, match=r"no pg_dump in .*--pg-bin"):
            await asyncio.to_thread(backup, on(url), tmp_path / "a", pg_bin=tmp_path)
        old = tmp_path / "pg_dump"
        old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.3'\n")
        old.chmod(0o755)
        with pytest.raises(StoreUnavailable, match=r"is of version 9, the database of 18"):
            await asyncio.to_thread(backup, on(url), tmp_path / "a", pg_bin=tmp_path)
        assert not (tmp_path / "a").exists()

    async def test_the_password_is_on_no_command_line(
        self, url: str, tmp_path: Path, pg_bin: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []
        real = asyncio.create_subprocess_exec

        async def noted(*command: str, **options: object) -> object:
            seen.extend(command)
            return await real(*command, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
        await add_orders(url, range(1, 2))
        await asyncio.to_thread(backup, on(url), tmp_path / "a", pg_bin=pg_bin)
        assert any(url.rpartition("/")[2] in word for word in seen)
        assert not any("correct-horse" in word for word in seen)

    async def test_a_server_that_lost_its_connection_notices_the_restore(
        self, url: str, tmp_path: Path, pg_bin: Path, outside: Outside
    ) -> None:
        """Its orders are of a moment that is gone: it must not go on with them."""
        await add_orders(url, range(1, 2))
        async with Database.open(url):
            number = int(outside("SELECT number FROM servers")[0])
            await asyncio.to_thread(backup, on(url), tmp_path / "a", pg_bin=pg_bin)
        await asyncio.to_thread(restore, on(url), tmp_path / "a", pg_bin=pg_bin)
        assert int(outside("SELECT number FROM servers")[0]) > number

    async def test_one_of_an_older_schema_needs_an_empty_database(
        self, url: str, tmp_path: Path, pg_bin: Path, outside: Outside
    ) -> None:
        """Tables that it does not know would stay, and stand in the way of the next upgrade."""
        await add_orders(url, range(1, 2))
        await asyncio.to_thread(backup, on(url), tmp_path / "a", pg_bin=pg_bin)
        outside("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(StoreUnavailable, match=r"the older 0.*into an empty database"):
            await asyncio.to_thread(restore, on(url), tmp_path / "a", pg_bin=pg_bin)
        assert outside("SELECT version_num FROM alembic_version") == ["9999"]

    async def test_a_table_is_not_replaced_by_a_view(
        self, url: str, tmp_path: Path, pg_bin: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await add_orders(url, range(1, 2))
        await asyncio.to_thread(backup, on(url), tmp_path / "a", pg_bin=pg_bin)
        outside("DROP SCHEMA public CASCADE")
        outside("CREATE SCHEMA public")
        await at_revision(url, "0009", monkeypatch)
        with pytest.raises(
            StoreUnavailable, match=r"schema 0009, the backup the newer .*start on the database"
        ):
            await asyncio.to_thread(restore, on(url), tmp_path / "a", pg_bin=pg_bin)
        async with Database.open(url):
            """Brings it up to date."""
        await asyncio.to_thread(restore, on(url), tmp_path / "a", pg_bin=pg_bin)
        assert len(await orders_in(url)) == 1

    async def test_a_restore_that_fails_leaves_what_was_there(
        self, url: str, tmp_path: Path, pg_bin: Path, outside: Outside
    ) -> None:
        await add_orders(url, range(1, 3))
        await asyncio.to_thread(backup, on(url), tmp_path / "a", pg_bin=pg_bin)
        outside("CREATE VIEW in_the_way AS SELECT * FROM users")
        with pytest.raises(StoreUnavailable, match="pg_restore failed"):
            await asyncio.to_thread(restore, on(url), tmp_path / "a", pg_bin=pg_bin)
        assert len(await orders_in(url)) == 2


def test_a_folder_that_is_not_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"there is no folder .*/backup: make it"):
        backup(on(f"sqlite:///{tmp_path / 'twap.sqlite3'}"), tmp_path / "backup" / "monday")
    assert names_in(tmp_path) == set()


def test_drafts_of_a_killed_backup_stand_in_nobodys_way(tmp_path: Path) -> None:
    """In containers, the next process has the same number."""
    with archive.work_folder(tmp_path / "a") as left, archive.work_folder(tmp_path / "a") as new:
        assert left != new and stat.S_IMODE(new.stat().st_mode) == 0o700
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize("where", ["a seek before the file", "a method that is none"])
def test_what_a_zip_says_of_its_parts_is_not_believed(tmp_path: Path, where: str) -> None:
    url = f"sqlite:///{tmp_path / 'twap.sqlite3'}"
    asyncio.run(add_orders(url, range(1, 2)))
    backup(on(url), tmp_path / "a")
    content = bytearray((tmp_path / "a").read_bytes())
    if where == "a seek before the file":
        end = content.rindex(b"PK\x05\x06")
        content[end + 16 : end + 20] = (end + 1).to_bytes(4, "little")
    else:
        content[content.index(b"PK\x01\x02") + 10] = 12  # bzip2, of what is none
        content[content.index(b"PK\x03\x04") + 8] = 12
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(StoreUnavailable, match="is damaged or no backup"):
        restore(on(url), tmp_path / "a")


def test_what_a_backup_says_of_itself_can_be_read_by_anybody(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'twap.sqlite3'}"
    asyncio.run(add_orders(url, range(1, 2)))
    backup(on(url), tmp_path / "a")
    with zipfile.ZipFile(tmp_path / "a") as read:
        about = json.loads(read.read("about.json"))
        assert read.testzip() is None
        read.extract("database.sqlite3", tmp_path)
    assert (about["format"], about["kind"], about["contents"]["orders"]) == ("twap-backup/1", "sqlite", 1)
    assert sqlite_copy.checked(tmp_path / "database.sqlite3").orders == 1
