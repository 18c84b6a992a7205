"""Sign-ins that have ended leave nothing; a stolen token is known for as long as it might have counted."""

import pytest
from sqlalchemy import event, func, insert, select

from support.store.sign_ins import DAY, END, START, later, rotate
from support.stores.kinds import AccountStore
from twap_server.domain.accounts import Rotation
from twap_server.domain.clock import SECOND, Nanos
from twap_server.store import sign_ins
from twap_server.store.database import Database
from twap_server.store.tables import refresh_families as families
from twap_server.store.tables import refresh_tokens as tokens


async def left(database: Database) -> tuple[int, int]:
    """Families and tokens."""
    found = [
        (await database.read(select(func.count().label("many")).select_from(table)))[0]["many"]
        for table in (families, tokens)
    ]
    return found[0], found[1]


async def forget(accounts: AccountStore, now: Nanos) -> int:
    """Forget all there is to; gives how many calls that took."""
    calls, after = 1, await accounts.sign_ins.forget_ended(now)
    while after is not None:
        calls, after = calls + 1, await accounts.sign_ins.forget_ended(now, after=after)
    return calls


async def test_what_has_expired_leaves_nothing(accounts: AccountStore, database: Database) -> None:
    await accounts.sign_ins.add_refresh("t1", "f1", "u1", END, START)
    await rotate(accounts, "t1", "t2", later(900))
    await accounts.sign_ins.add_refresh("t9", "f9", "u1", Nanos(END + 31 * DAY), START)
    await forget(accounts, Nanos(END - 1))
    assert await left(database) == (2, 3)
    await forget(accounts, END)
    assert await left(database) == (2, 2), "its successor lives on"
    await forget(accounts, Nanos(END + 900 * SECOND))
    assert await left(database) == (1, 1)
    assert await accounts.sign_ins.is_family_active("f9") and not await accounts.sign_ins.is_family_active(
        "f1"
    )


async def test_a_theft_is_known_until_the_token_would_have_expired(accounts: AccountStore) -> None:
    await accounts.sign_ins.add_refresh("t1", "f1", "u1", END, START)
    for day in range(1, 30):
        await rotate(accounts, f"t{day}", f"t{day + 1}", Nanos(START + day * DAY))
        await forget(accounts, Nanos(START + day * DAY))
    stolen = await rotate(accounts, "t1", "x", Nanos(END - 1))
    assert (stolen.outcome, stolen.family_id) == (Rotation.REUSED, "f1")


async def test_the_newest_token_of_a_long_sign_in_counts_on(
    accounts: AccountStore, database: Database
) -> None:
    await accounts.sign_ins.add_refresh("t0", "f1", "u1", END, START)
    for day in range(100):
        now = Nanos(START + day * DAY)
        assert (await rotate(accounts, f"t{day}", f"t{day + 1}", now)).outcome is Rotation.OK
        await forget(accounts, now)
    assert await left(database) == (1, 30), "the newest, and those that may still be told for stolen"


async def test_what_was_ended_is_forgotten_and_ended_all_the_same(
    accounts: AccountStore, database: Database
) -> None:
    await accounts.sign_ins.add_refresh("t1", "f1", "u1", END, START)
    await accounts.sign_ins.revoke_family("f1")
    await forget(accounts, START)
    assert await left(database) == (0, 0)
    assert not await accounts.sign_ins.is_family_active("f1") and await accounts.users.ended_of(["f1"]) == [
        "f1"
    ]
    assert (await rotate(accounts, "t1", "t2", later(1))).outcome is Rotation.UNKNOWN


async def test_many_go_some_at_a_time(
    accounts: AccountStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_ins, "_FAMILIES_AT_ONCE", 10)
    monkeypatch.setattr(sign_ins, "_TOKENS_AT_ONCE", 7)
    old = [("old", f"f{number:03}", number % 9 + 1) for number in range(0, 100, 2)]
    new = [("new", f"f{number:03}", 1) for number in range(1, 100, 2)]
    rows = [
        {
            "token_hash": f"{family} {n}",
            "family_id": family,
            "user_id": "u1",
            "created": START,
            "expires": END if kind == "old" else Nanos(END + DAY),
        }
        for kind, family, many in (*old, *new)
        for n in range(many)
    ]
    async with database.transaction() as connection:
        await connection.execute(
            insert(families),
            [{"family_id": family, "user_id": "u1", "revoked": False} for _, family, _ in (*old, *new)],
        )
        await connection.execute(insert(tokens), rows)
    deleted: list[int] = []
    event.listen(
        database._writer.sync_engine,
        "after_cursor_execute",
        lambda *given: deleted.append(given[1].rowcount) if given[2].startswith("DELETE") else None,
    )
    assert await forget(accounts, END) == 11
    assert await left(database) == (50, 50)
    assert sum(deleted) == len(rows) - 50 + 50 and max(deleted) <= 7


async def test_where_nothing_has_ended_nobody_waits_for_it(
    accounts: AccountStore, database: Database
) -> None:
    await accounts.sign_ins.add_refresh("t1", "f1", "u1", END, START)
    async with database.transaction():
        assert await forget(accounts, later(1)) == 2
