"""Sign-ins that several nodes share go by the database's clock: that of one node may be wrong."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, update

from support.store.sign_ins import DAY, rotate
from twap_server.clock import SystemClock
from twap_server.domain.accounts import Rotation
from twap_server.domain.clock import SECOND, Nanos
from twap_server.store.accounts import SqlAccountStore
from twap_server.store.database import Database
from twap_server.store.tables import refresh_tokens as tokens

HOUR = 3_600 * SECOND
NEARLY = 60 * SECOND
"""What a test may take."""


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    async with Database.shared(migrated_url) as database:
        yield database


@pytest.fixture
async def accounts(database: Database) -> SqlAccountStore:
    accounts = SqlAccountStore(database)
    await accounts.users.create_user("u1", "ada", "hash", at(0))
    return accounts


def at(off: int) -> Nanos:
    """Now, by a clock that is so many nanoseconds off."""
    return Nanos(SystemClock().now() + off)


async def begin(accounts: SqlAccountStore, token: str = "t1", *, off: int = 0) -> None:
    now = at(off)
    await accounts.sign_ins.add_refresh(token, f"of {token}", "u1", Nanos(now + 30 * DAY), now)


@pytest.mark.parametrize("off", [-400 * DAY, -15 * SECOND, 32 * DAY, 400 * DAY])
async def test_who_refreshes_twice_at_once_is_no_thief_whatever_a_nodes_clock_says(
    accounts: SqlAccountStore, off: int
) -> None:
    await begin(accounts)
    assert (await rotate(accounts, "t1", "t2", at(off))).outcome is Rotation.OK
    assert (await rotate(accounts, "t1", "t2", at(0))).outcome is Rotation.RACED
    assert (await rotate(accounts, "t1", "t2", at(off))).outcome is Rotation.RACED


async def test_a_clock_ahead_gives_no_thief_more_time(accounts: SqlAccountStore, database: Database) -> None:
    await begin(accounts)
    assert (await rotate(accounts, "t1", "t2", at(HOUR))).outcome is Rotation.OK
    async with database.transaction() as connection:  # eleven seconds pass
        await connection.execute(update(tokens).values(used=tokens.c.used - 11 * SECOND))
    assert (await rotate(accounts, "t1", "t2", at(0))).outcome is Rotation.REUSED


@pytest.mark.parametrize("off", [-400 * DAY, 400 * DAY])
async def test_a_token_lives_as_long_whatever_a_nodes_clock_says(
    accounts: SqlAccountStore, database: Database, off: int
) -> None:
    await begin(accounts, off=off)
    await rotate(accounts, "t1", "t2", at(off))
    for row in await database.read(select(tokens)):
        assert abs(row["created"] - at(0)) < NEARLY
        assert row["expires"] - row["created"] == 30 * DAY


@pytest.mark.parametrize("off", [-400 * DAY, 32 * DAY])
async def test_what_has_ended_by_the_databases_clock_is_forgotten_and_nothing_else(
    accounts: SqlAccountStore, database: Database, off: int
) -> None:
    await begin(accounts, "lives")
    for token, since in (("just over", HOUR // 2), ("over", 2 * HOUR)):
        await begin(accounts, token)
        async with database.transaction() as connection:
            ended = update(tokens).where(tokens.c.token_hash == token)
            await connection.execute(ended.values(expires=at(-since)))
    await accounts.sign_ins.forget_ended(at(off), kept=HOUR)
    assert {row["token_hash"] for row in await database.read(select(tokens))} == {"lives", "just over"}
