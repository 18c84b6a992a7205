"""Accounts, sessions and keys."""

import asyncio

import pytest
from sqlalchemy import inspect

from support.store.sign_ins import DAY, END, START, later, rotate
from support.stores.kinds import AccountStore
from twap_models.enums import Scope
from twap_server.domain.accounts import Adding, ApiKey, Rotation, RotationResult, UserRecord
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import StoreConflict
from twap_server.store.database import Database


async def add(
    accounts: AccountStore,
    key_id: str,
    key_hash: str,
    user_id: str = "u1",
    *,
    created: Nanos = START,
    scopes: tuple[Scope, ...] = tuple(Scope),
    expires: Nanos | None = None,
) -> ApiKey:
    key = ApiKey(key_id=key_id, user_id=user_id, name="bot", created=created, scopes=scopes, expires=expires)
    assert await accounts.keys.add_key(key, key_hash, family_id=None, most=50) is Adding.ADDED
    return key


@pytest.fixture
async def session(accounts: AccountStore) -> AccountStore:
    await accounts.sign_ins.add_refresh("t1", "f1", "u1", END, START)
    return accounts


async def test_a_user_is_found_in_any_case(accounts: AccountStore) -> None:
    alice = UserRecord(user_id="u1", username="Alice", password_hash="hash", created=Nanos(1))
    assert await accounts.users.find_user("aLICE") == alice
    assert await accounts.users.user("u1") == alice
    assert await accounts.users.find_user("bob") is None
    assert await accounts.users.user("u2") is None
    assert "hash" not in repr(alice).replace("password_hash", "")


async def test_a_name_is_taken_in_any_case(accounts: AccountStore) -> None:
    with pytest.raises(StoreConflict):
        await accounts.users.create_user("u2", "ALICE", "hash", Nanos(1))
    assert await accounts.users.user("u2") is None


async def test_a_refresh_uses_the_token_up(session: AccountStore) -> None:
    result = await rotate(session, "t1", "t2", later(900))
    assert result == RotationResult(
        outcome=Rotation.OK,
        user_id="u1",
        family_id="f1",
        expires=Nanos(later(900) + 30 * DAY),
        successor_hash="t2",
    )
    again = await rotate(session, "t2", "t3", later(1_800))
    assert (again.outcome, again.expires) == (Rotation.OK, later(1_800) + 30 * DAY)


async def test_two_calls_at_once_are_a_race(session: AccountStore) -> None:
    first = await rotate(session, "t1", "t2", later(900))
    raced = await rotate(session, "t1", "t3", later(910))
    assert raced == RotationResult(
        outcome=Rotation.RACED, user_id="u1", family_id="f1", expires=first.expires, successor_hash="t2"
    )
    assert (await rotate(session, "t3", "t4", later(911))).outcome is Rotation.UNKNOWN


async def test_fifty_at_once_have_one_winner(session: AccountStore) -> None:
    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(rotate(session, "t1", f"n{n}", later(1))) for n in range(50)]
    results = [one.result() for one in tries]
    assert sorted(result.outcome.name for result in results) == ["OK"] + ["RACED"] * 49
    assert len({result.successor_hash for result in results}) == 1


async def test_a_used_token_that_comes_back_is_told(session: AccountStore) -> None:
    await rotate(session, "t1", "t2", later(900))
    reused = await rotate(session, "t1", "t3", Nanos(later(910) + 1))
    assert reused == RotationResult(outcome=Rotation.REUSED, user_id="u1", family_id="f1", expires=END)
    assert await session.sign_ins.revoke_family("f1")
    assert (await rotate(session, "t2", "t3", later(920))).outcome is Rotation.REVOKED
    assert not await session.sign_ins.is_family_active("f1")
    assert not await session.sign_ins.revoke_family("f1"), "already revoked"


async def test_unknown_and_expired(session: AccountStore) -> None:
    assert await rotate(session, "t9", "t2", START) == RotationResult(outcome=Rotation.UNKNOWN)
    assert (await rotate(session, "t1", "t2", END)).outcome is Rotation.EXPIRED
    assert (await rotate(session, "t1", "t2", Nanos(END - 1))).outcome is Rotation.OK


async def test_an_unknown_token_takes_no_turn_at_writing(session: AccountStore, database: Database) -> None:
    async with database.transaction(), asyncio.timeout(5):
        assert (await rotate(session, "a stranger's", "t9", later(1))).outcome is Rotation.UNKNOWN


async def test_orders_wait_for_one_of_the_accounts_transactions_however_many_there_are(
    session: AccountStore, database: Database
) -> None:
    recorded: list[str] = []

    async def key(number: int) -> None:
        made = ApiKey(key_id=f"k{number}", user_id="u1", name="", created=START, scopes=tuple(Scope))
        await session.keys.add_key(made, f"digest {number}", family_id="f1", most=50)
        recorded.append("key")

    async def renewal() -> None:
        await rotate(session, "t1", "t2", later(1))
        recorded.append("renewal")

    async def order() -> None:
        async with database.transaction():
            recorded.append("order")

    async with asyncio.timeout(20), asyncio.TaskGroup() as group, database.transaction():
        for number in range(20):
            group.create_task(key(number))
        group.create_task(renewal())
        await asyncio.sleep(0)
        group.create_task(order())
        await asyncio.sleep(0)
    assert "order" in recorded[:2] and len(recorded) == 22


async def test_a_successor_that_is_taken_uses_nothing_up(session: AccountStore) -> None:
    with pytest.raises(StoreConflict):
        await rotate(session, "t1", "t1", START)
    assert (await rotate(session, "t1", "t2", START)).outcome is Rotation.OK


async def test_sign_out_everywhere(session: AccountStore) -> None:
    await session.users.create_user("u2", "bob", "hash", Nanos(1))
    await session.sign_ins.add_refresh("b1", "fb", "u2", END, START)
    await session.sign_ins.add_refresh("t5", "f2", "u1", END, START)
    assert sorted(await session.users.revoke_user("u1")) == ["f1", "f2"]
    assert [await session.sign_ins.is_family_active(family) for family in ("f1", "f2", "fb", "none")] == [
        False,
        False,
        True,
        False,
    ]
    assert await session.users.revoke_user("u1") == []


@pytest.mark.parametrize("seconds", [0, 3])
async def test_a_race_lasts_as_long_as_said(session: AccountStore, seconds: int) -> None:
    window = Nanos(seconds * SECOND)
    await session.sign_ins.rotate_refresh("t1", "t2", later(900), race_window=window)
    raced = await session.sign_ins.rotate_refresh("t1", "t3", later(900 + seconds), race_window=window)
    late = await session.sign_ins.rotate_refresh(
        "t1", "t3", Nanos(later(900 + seconds) + 1), race_window=window
    )
    assert (raced.outcome, late.outcome) == (Rotation.RACED, Rotation.REUSED)


async def test_a_new_password_ends_the_sign_ins_and_keeps_the_keys(session: AccountStore) -> None:
    await session.users.create_user("u2", "bob", "hash", Nanos(1))
    await session.sign_ins.add_refresh("b1", "fb", "u2", END, START)
    await add(session, "k1", "digest")
    assert await session.users.change_password("u1", "another") == ["f1"]
    users = [await session.users.user(user) for user in ("u1", "u2")]
    assert [user and user.password_hash for user in users] == ["another", "hash"]
    assert [await session.sign_ins.is_family_active(family) for family in ("f1", "fb")] == [False, True]
    assert await session.keys.find_key("digest")


async def test_all_keys_of_one_user_end_together(accounts: AccountStore) -> None:
    await accounts.users.create_user("u2", "bob", "hash", Nanos(1))
    for key, user in (("k1", "u1"), ("k2", "u1"), ("kb", "u2")):
        await add(accounts, key, key, user)
    assert sorted(await accounts.keys.revoke_keys("u1")) == ["k1", "k2"]
    assert await accounts.keys.revoke_keys("u1") == []
    assert await accounts.keys.list_keys("u1") == []
    assert await accounts.keys.find_key("kb")


async def test_tokens_need_their_user(accounts: AccountStore) -> None:
    with pytest.raises(StoreConflict):
        await accounts.sign_ins.add_refresh("t1", "f1", "nobody", END, START)
    with pytest.raises(StoreConflict):
        await add(accounts, "k1", "digest", "nobody")


async def test_keys(accounts: AccountStore) -> None:
    second = await add(accounts, "k2", "digest-2", created=later(2), scopes=(Scope.READ,), expires=END)
    first = await add(accounts, "k1", "digest-1", created=later(1))
    assert await accounts.keys.list_keys("u1") == [first, second]
    assert await accounts.keys.find_key("digest-1") == first
    assert await accounts.keys.find_key("digest-2") == second
    assert await accounts.keys.find_key("digest-3") is None
    with pytest.raises(StoreConflict):
        await add(accounts, "k3", "digest-1")
    assert "digest" not in repr(first)


async def test_a_revoked_key_does_not_count(accounts: AccountStore) -> None:
    await add(accounts, "k1", "digest-1")
    assert not await accounts.keys.revoke_key("u2", "k1"), "another user's key"
    assert await accounts.keys.find_key("digest-1")
    assert await accounts.keys.revoke_key("u1", "k1")
    assert not await accounts.keys.revoke_key("u1", "k1")
    assert await accounts.keys.find_key("digest-1") is None
    assert await accounts.keys.list_keys("u1") == []


async def test_orders_need_no_account(database: Database) -> None:
    """Whoever signs users in may be somebody else; only sessions and keys refer to an account."""
    async with database.reading() as connection:
        refers = await connection.run_sync(lambda inner: inspect(inner).get_foreign_keys("orders"))
    assert refers == []
