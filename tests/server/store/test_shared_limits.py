"""What gateways limit callers by together: two databases opened on one PostgreSQL, and the same in memory."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from support.postgres import PostgresServer
from support.stores.shared_limits import MemoryLimits
from twap_server.api.auth.shared_limits import SharedLimits, forget
from twap_server.api.auth.shared_lockout import KNOWN_FOR
from twap_server.clock import SystemClock
from twap_server.domain.accounts import Adding, ApiKey, KeyTries
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import StoreUnavailable
from twap_server.domain.hits import HeardHits
from twap_server.store import keys, shared_limits
from twap_server.store.accounts import SqlAccountStore
from twap_server.store.database import Database
from twap_server.store.shared_limits import SqlSharedLimits

KINDS = ["memory", "postgresql"]
HOUR = 3_600 * SECOND
SPANS = {"reads": HOUR, "over": 0}


@pytest.fixture
def place(postgres: PostgresServer, server_template: str) -> Iterator[str]:
    with postgres.database(template=server_template) as url:
        yield url


@pytest.fixture
async def gateways(kind: str, request: pytest.FixtureRequest) -> AsyncIterator[Sequence[SharedLimits]]:
    """Two of them."""
    async with AsyncExitStack() as stack:
        if kind == "memory":
            one: SharedLimits = MemoryLimits(SystemClock())
            yield one, one
            return
        url = request.getfixturevalue("place")
        opened = [await stack.enter_async_context(Database.beside(url)) for _ in range(2)]
        yield [SqlSharedLimits(database) for database in opened]


async def fail(limits: SharedLimits, pair: str, *others: str, kept: int = HOUR) -> None:
    """Begin an attempt, and let it fail."""
    async with limits.tries.beginning(pair, others) as held:
        for tries in held.of.values():
            await asyncio.sleep(0)
            tries.failures.pending += 1
            tries.kept_until = held.now + kept
    await limits.tries.ended([pair, *others], failed=True, known="", known_for=0, keep=kept)


async def counts(limits: SharedLimits, *keys: str) -> list[int]:
    seen = (await limits.tries.seen(keys)).of
    return [seen[key].failures.count for key in keys]


async def test_tries_counted_at_once_by_two_gateways_all_count(gateways: Sequence[SharedLimits]) -> None:
    several = [("pair 1", "ada", "bob"), ("pair 2", "bob", "ada"), ("pair 2", "bob", "cleo", "ada")]
    async with asyncio.TaskGroup() as group:
        for number in range(30):
            group.create_task(fail(gateways[number % 2], *several[number % 3]))
    asked = ("ada", "bob", "cleo", "nobody", "pair 1", "pair 2")
    assert await counts(gateways[0], *asked) == [30, 30, 10, 0, 10, 20]


async def test_what_is_kept_is_what_was_given(gateways: Sequence[SharedLimits]) -> None:
    first, second = gateways
    async with first.tries.beginning("pair", ["ada"]) as held:
        assert held.of == {"pair": KeyTries(), "ada": KeyTries()}
        now, tries = held.now, held.of["pair"]
        assert abs(now - SystemClock().now()) < 60 * SECOND
        tries.failures.count, tries.failures.pending, tries.failures.last = 1, 2, 3
        tries.begun, tries.known_until, tries.told, tries.kept_until = 4, 5, 6, now + HOUR
    seen = await second.tries.seen(["pair", "ada"])
    assert seen.of == {"pair": tries, "ada": KeyTries()} and seen.now >= now
    with pytest.raises(ZeroDivisionError):
        async with second.tries.beginning("pair", []) as held:
            held.of["pair"].failures.count = 9
            raise ZeroDivisionError
    assert await counts(first, "pair") == [1]


async def test_of_a_pair_that_is_known_nothing_else_is_taken(gateways: Sequence[SharedLimits]) -> None:
    first, second = gateways
    await fail(first, "pair", "ada")
    async with first.tries.beginning("pair", ["ada"]) as held:
        held.of["pair"].failures.pending += 1
    await first.tries.ended(["pair", "ada"], failed=False, known="pair", known_for=KNOWN_FOR, keep=HOUR)
    async with second.tries.beginning("pair", ["ada"]) as held:
        assert list(held.of) == ["pair"]
        tries = held.of["pair"]
        assert (tries.failures.count, tries.failures.pending) == (1, 0)
        assert held.now < tries.known_until - KNOWN_FOR + 60 * SECOND
        assert tries.kept_until >= tries.known_until
    assert (await second.tries.seen(["ada"])).of["ada"].known_until == 0


async def test_each_hears_what_others_told_once_and_in_order(gateways: Sequence[SharedLimits]) -> None:
    first, second = gateways[0].hits, gateways[1].hits
    seen: dict[str, int] = {}

    async def told(number: int, **hits: dict[str, int]) -> None:
        assert await first.exchange("a", number, hits, spans=SPANS, seen={}) == []

    async def heard() -> list[tuple[int, str, dict[str, int]]]:
        news = await second.exchange("b", 1, {}, spans=SPANS, seen=seen)
        assert all(isinstance(one, HeardHits) and 0 <= one.ago < 60 * SECOND for one in news)
        seen.update((one.gateway, one.number) for one in news)
        return [(one.number, one.limit, dict(one.hits)) for one in news]

    await told(1, reads={"2001:db8::/64": 3, "ä": -1}, over={"x": 1})
    await told(2, reads={"192.0.2.1": 2})
    assert await heard() == [(1, "reads", {"2001:db8::/64": 3, "ä": -1}), (2, "reads", {"192.0.2.1": 2})]
    assert await heard() == []
    await told(3)
    await told(4, reads={"192.0.2.1": 1})
    assert await heard() == [(4, "reads", {"192.0.2.1": 1})]


async def test_a_secret_is_given_out_once_and_in_time(gateways: Sequence[SharedLimits]) -> None:
    first, second = gateways[0].once, gateways[1].once
    await first.put("n1", "Attempt", '{"a": "ü"}', life=HOUR)
    await first.put("n2", "Attempt", "late", life=-1)
    assert await second.take("n1", "Grant") is None
    taken = await asyncio.gather(*(one.take("n1", "Attempt") for one in (first, second) * 5))
    assert sorted(taken, key=str) == [None] * 9 + ['{"a": "ü"}']
    assert await second.take("n2", "Attempt") is None


async def rows(database: Database) -> dict[str, int]:
    async with database.reading() as connection:
        tables = ("password_tries", "shared_hits", "once_secrets")
        return {
            name: (await connection.exec_driver_sql(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in tables
        }


async def test_what_is_over_is_swept_and_tables_are_bounded(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database.beside(place) as database:
        limits = SqlSharedLimits(database)
        for number in range(6):
            await fail(limits, f"k{number}", kept=HOUR + number * SECOND)
            await limits.once.put(f"a{number}", "Attempt", "", life=HOUR + number)
            await limits.once.put(f"g{number}", "Grant", "", life=number + HOUR // 2)
        await fail(limits, "short", kept=1)
        await limits.once.put("short", "Grant", "", life=0)
        await limits.hits.exchange("a", 1, {"over": {"x": 1}, "reads": {"x": 1}}, spans=SPANS, seen={})
        await forget(limits)
        assert await rows(database) == {"password_tries": 6, "shared_hits": 1, "once_secrets": 12}
        monkeypatch.setattr(shared_limits, "_MOST_TRIES", 2)
        monkeypatch.setattr(shared_limits, "_MOST_SECRETS", 4)
        await forget(limits)
        assert await rows(database) == {"password_tries": 2, "shared_hits": 1, "once_secrets": 8}
        assert await counts(limits, "k4", "k5") == [1, 1]
        assert await limits.once.take("g1", "Grant") is None
        assert await limits.once.take("g5", "Grant") == ""


async def test_after_a_restart_of_the_database_all_goes_on(place: str, postgres: PostgresServer) -> None:
    async with Database.beside(place) as database:
        limits = SqlSharedLimits(database)
        await fail(limits, "ada")
        await limits.once.put("n1", "Attempt", "kept", life=HOUR)
        postgres.stop()
        try:
            calls: list[Any] = [
                limits.tries.seen(["ada"]),
                limits.hits.exchange("a", 1, {"reads": {"x": 1}}, spans=SPANS, seen={}),
                limits.once.take("n1", "Attempt"),
            ]
            for call in calls:
                with pytest.raises(StoreUnavailable):
                    await call
        finally:
            postgres.start()
        await fail(limits, "ada")
        assert await counts(limits, "ada") == [2]
        assert await limits.once.take("n1", "Attempt") == "kept"


async def test_keys_added_by_two_gateways_at_once_are_no_more_than_allowed(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, go, count = asyncio.Event(), asyncio.Event(), keys._count

    async def count_and_wait(connection: AsyncConnection, user_id: str) -> int:
        found = await count(connection, user_id)
        if not counted.is_set():
            counted.set()
            await go.wait()
        return found

    monkeypatch.setattr(keys, "_count", count_and_wait)
    async with (
        Database.beside(place) as first,
        Database.beside(place) as second,
        asyncio.TaskGroup() as group,
    ):
        stores = [SqlAccountStore(database) for database in (first, second)]
        await stores[0].users.create_user("u1", "ada", "hash", Nanos(1))

        def adding(number: int) -> "asyncio.Task[Adding]":
            key = ApiKey(key_id=f"k{number}", user_id="u1", name="", created=Nanos(1), scopes=())
            return group.create_task(stores[number].keys.add_key(key, key.key_id, family_id=None, most=1))

        one = adding(0)
        await counted.wait()
        other = adding(1)
        while not other.done() and not await somebody_waits(first):
            """It has not come so far yet."""
        go.set()
        assert [await one, await other] == [Adding.ADDED, Adding.FULL]


async def somebody_waits(database: Database) -> bool:
    async with database.reading() as connection:
        waiting = await connection.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(waiting.scalar_one())
