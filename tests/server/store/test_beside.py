"""A database used beside the server that has it."""

import asyncio
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from support.store.databases import Outside
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import StoreUnavailable
from twap_server.store import accounts
from twap_server.store.accounts import SqlAccountStore
from twap_server.store.config import StoreConfig
from twap_server.store.database import Database


async def test_both_write_and_see_what_the_other_wrote(url: str) -> None:
    async with Database.open(url) as first, Database.beside(url) as second:
        await SqlAccountStore(first).users.create_user("u1", "ada", "hash", Nanos(1))
        await SqlAccountStore(second).users.create_user("u2", "bob", "hash", Nanos(2), is_admin=True)
        for database in (first, second):
            users = await SqlAccountStore(database).users.list_users()
            assert [(user.username, user.is_admin) for user in users] == [("ada", False), ("bob", True)]


async def test_the_right_of_the_server_stays_its_own(url: str) -> None:
    async with Database.open(url):
        async with Database.beside(url):
            pass
        impatient = StoreConfig(url=url, busy_timeout=timedelta(milliseconds=100))
        with pytest.raises(StoreUnavailable, match=f"process {os.getpid()}"):
            async with Database.open(impatient):
                pass
    async with Database.beside(url), Database.open(url) as server:
        assert not await SqlAccountStore(server).users.has_users()


async def test_no_sign_in_with_the_old_password_outlives_its_change(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_but_recorded, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(connection: AsyncConnection, user_id: str, *, keys: bool) -> Sequence[str]:
        ended = await revoke_all(connection, user_id, keys=keys)
        all_but_recorded.set()
        await go_on.wait()
        return ended

    revoke_all = accounts._revoke_all
    monkeypatch.setattr(accounts, "_revoke_all", slowly)
    async with Database.open(url) as first, Database.beside(url) as second:
        server, machine = SqlAccountStore(first), SqlAccountStore(second)
        await server.users.create_user("u1", "ada", "old", Nanos(1))

        async def sign_in() -> str:
            await server.sign_ins.add_refresh("t", "f1", "u1", Nanos(9), Nanos(1))
            user = await server.users.user("u1")
            return user.password_hash if user else ""

        async with asyncio.TaskGroup() as group:
            group.create_task(machine.users.change_password("u1", "new"))
            await all_but_recorded.wait()
            signing_in = group.create_task(sign_in())
            await asyncio.wait([signing_in], timeout=0.5)
            go_on.set()
        assert signing_in.result() == "new", "who signs in sees that the password is another"


async def test_without_a_server_it_makes_and_migrates_the_database(url: str) -> None:
    async with Database.beside(url) as database:
        assert not await SqlAccountStore(database).users.has_users()
        await SqlAccountStore(database).users.create_user("u1", "ada", "hash", Nanos(1))
        assert await SqlAccountStore(database).users.has_users()


async def test_a_newer_schema_is_not_written_to(url: str, outside: Outside) -> None:
    async with Database.open(url):
        pass
    outside("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreUnavailable, match="written by a newer twap-server"):
        async with Database.beside(url):
            pass


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a file away")
async def test_the_database_of_another_user_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "twap.sqlite3"
    async with Database.open(f"sqlite:///{file}"):
        pass
    os.chown(file, 65_534, 65_534)
    with pytest.raises(StoreUnavailable, match="belongs to another user"):
        async with Database.beside(f"sqlite:///{file}"):
            pass
