"""API keys in both databases: how many, until when, made by whom, used when, ended with what (F145-F149)."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.engine import Engine

from support.store.databases import Outside, at_revision
from support.stores.kinds import AccountStore
from twap_models.enums import Scope
from twap_server.domain.accounts import Adding, ApiKey
from twap_server.domain.clock import SECOND, Nanos
from twap_server.store.accounts import SqlAccountStore
from twap_server.store.database import Database
from twap_server.store.tables import api_keys

START = Nanos(1_790_000_000 * SECOND)
END = Nanos(START + 3600 * SECOND)


def key(name: str, user: str = "u1", *, created: Nanos = START, expires: Nanos | None = None) -> ApiKey:
    return ApiKey(
        key_id=name, user_id=user, name="bot", created=created, scopes=tuple(Scope), expires=expires
    )


@pytest.fixture
async def signed_in(accounts: AccountStore) -> AccountStore:
    await accounts.sign_ins.add_refresh("t1", "f1", "u1", END, START)
    return accounts


async def add(accounts: AccountStore, one: ApiKey, family: str | None = "f1", most: int = 50) -> Adding:
    return await accounts.keys.add_key(one, f"digest of {one.key_id}", family_id=family, most=most)


async def rows(database: Database) -> int:
    found = await database.read(select(func.count().label("rows")).select_from(api_keys))
    return int(found[0]["rows"])


async def test_a_hundred_at_once_never_exceed_the_limit(signed_in: AccountStore) -> None:
    await signed_in.users.create_user("u2", "bob", "hash", Nanos(1))
    async with asyncio.TaskGroup() as group:
        mine = [group.create_task(add(signed_in, key(f"k{n}"), most=7)) for n in range(100)]
        group.create_task(add(signed_in, key("b1", "u2"), None, most=7))
    assert Counter(one.result() for one in mine) == {Adding.ADDED: 7, Adding.FULL: 93}
    assert [len(await signed_in.keys.list_keys(user)) for user in ("u1", "u2")] == [7, 1]


async def test_revoked_and_expired_keys_make_room_and_leave_no_rows(
    signed_in: AccountStore, database: Database
) -> None:
    for number in range(20):
        assert await add(signed_in, key(f"r{number}"), most=2) is Adding.ADDED
        assert await signed_in.keys.revoke_key("u1", f"r{number}")
    assert await add(signed_in, key("k1", expires=END), most=2) is Adding.ADDED
    assert await add(signed_in, key("k2"), most=2) is Adding.ADDED
    assert await add(signed_in, key("k3", created=Nanos(END - 1)), most=2) is Adding.FULL
    assert [one.key_id for one in await signed_in.keys.list_keys("u1")] == ["k1", "k2"]
    assert await add(signed_in, key("k3", created=END), most=2) is Adding.ADDED
    assert [one.key_id for one in await signed_in.keys.list_keys("u1")] == ["k2", "k3"]
    assert await rows(database) == 2


async def test_a_sign_in_that_has_ended_makes_no_key(signed_in: AccountStore) -> None:
    await signed_in.users.revoke_user("u1", keys=True)
    assert await add(signed_in, key("k1")) is Adding.SIGNED_OUT
    assert await add(signed_in, key("k1"), "no such family") is Adding.SIGNED_OUT
    assert await signed_in.keys.list_keys("u1") == []


@pytest.mark.parametrize("turn", range(5))
async def test_no_key_outlives_the_end_of_all_at_once_with_it(signed_in: AccountStore, turn: int) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(turn * 5):
            group.create_task(add(signed_in, key(f"early{number}")))
        ending = group.create_task(signed_in.users.revoke_user("u1", keys=True))
        for number in range(10):
            group.create_task(add(signed_in, key(f"late{number}")))
    assert "f1" in ending.result()
    assert await signed_in.keys.list_keys("u1") == []


@pytest.mark.parametrize("keys", [False, True])
async def test_sign_ins_and_keys_end_together_or_apart(signed_in: AccountStore, keys: bool) -> None:
    await signed_in.users.create_user("u2", "bob", "hash", Nanos(1))
    await add(signed_in, key("k1"))
    await add(signed_in, key("b1", "u2"), None)
    assert await signed_in.users.revoke_user("u1", keys=keys) == (["f1", "k1"] if keys else ["f1"])
    assert bool(await signed_in.keys.list_keys("u1")) is not keys
    assert await signed_in.keys.list_keys("u2")


@pytest.mark.parametrize("keys", [False, True])
async def test_a_new_password_ends_keys_where_asked(signed_in: AccountStore, keys: bool) -> None:
    await add(signed_in, key("k1"))
    assert await signed_in.users.change_password("u1", "new", keys=keys) == (["f1", "k1"] if keys else ["f1"])
    user = await signed_in.users.user("u1")
    assert user and user.password_hash == "new"
    assert bool(await signed_in.keys.list_keys("u1")) is not keys


@pytest.mark.usefixtures("database")
async def test_all_or_nothing_ends(signed_in: AccountStore) -> None:
    """Killed between the sign-ins and the keys: neither has ended."""
    await add(signed_in, key("k1"))

    def stop(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE api_keys"):
            raise RuntimeError("stopped here")

    event.listen(Engine, "before_cursor_execute", stop)
    try:
        with pytest.raises(RuntimeError):
            await signed_in.users.change_password("u1", "new", keys=True)
    finally:
        event.remove(Engine, "before_cursor_execute", stop)
    user = await signed_in.users.user("u1")
    assert user and user.password_hash == "hash"
    assert await signed_in.sign_ins.is_family_active("f1") and await signed_in.keys.list_keys("u1")


async def test_uses_are_recorded_many_at_a_time_and_never_go_back(signed_in: AccountStore) -> None:
    for name in ("k1", "k2", "k3"):
        await add(signed_in, key(name))
    others = {f"gone{number}": START for number in range(1_200)}
    await signed_in.keys.note_uses({"k1": END, **others, "k2": START})
    await signed_in.keys.note_uses({"k1": START})
    await signed_in.keys.note_uses({})
    listed = await signed_in.keys.list_keys("u1")
    assert [one.last_used for one in listed] == [END, START, None]


async def test_keys_from_before_scopes_read_and_trade_without_end(
    url: str, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at_revision(url, "0004", monkeypatch)
    false = "0" if url.startswith("sqlite") else "false"
    outside("INSERT INTO users VALUES ('u1', 'Ada', 'ada', 'hash', 5)")
    outside(f"INSERT INTO api_keys VALUES ('k1', 'u1', 'bot', 'digest', 7, {false})")
    async with Database.open(url) as database:
        accounts = SqlAccountStore(database)
        found = await accounts.keys.find_key("digest")
        assert found == ApiKey(
            key_id="k1",
            user_id="u1",
            name="bot",
            created=Nanos(7),
            scopes=(Scope.READ, Scope.TRADE),
        )
        await accounts.keys.note_uses({"k1": START})
        assert [one.last_used for one in await accounts.keys.list_keys("u1")] == [START]


async def test_a_key_that_another_process_ended_is_told_though_its_row_is_gone(
    signed_in: AccountStore, url: str, database: Database
) -> None:
    await add(signed_in, key("k1"))
    async with Database.beside(url) as beside:
        assert await SqlAccountStore(beside).keys.revoke_key("u1", "k1")
    await add(signed_in, key("k2"))
    assert await rows(database) == 1
    assert await signed_in.users.ended_of(["f1", "k1", "k2"]) == ["k1"]
