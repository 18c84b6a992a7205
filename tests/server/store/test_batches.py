"""store/ and engine/: commands that come at once are one commit of a real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest

from support.trading import HandMarket, request
from twap_models.enums import OrderStatus
from twap_server.clock import SystemClock
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import StoreConflict
from twap_server.engine.config import EngineConfig
from twap_server.engine.engine import Engine
from twap_server.feed.bus import Bus
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore


@asynccontextmanager
async def working(store: SqlOrderStore) -> AsyncIterator[Engine]:
    clock, numbers = SystemClock(), count(1)
    engine = Engine(
        store=store,
        market=HandMarket(clock),
        events=Bus(),
        clock=clock,
        config=EngineConfig(),
        new_id=lambda: f"o{next(numbers)}",
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(engine.run())
        await engine.ready.wait()
        try:
            yield engine
        finally:
            engine.stop()


def submission(engine: Engine, user: str, token: str, **change: object) -> asyncio.Future[object]:
    now = SystemClock().now()
    window = {"start": Nanos(now + 3600 * SECOND), "end": Nanos(now + 7200 * SECOND)}
    return asyncio.ensure_future(engine.submit(user, [request(now, token, **(window | change))]))


async def test_fifty_submissions_at_once_are_one_commit(
    orders: SqlOrderStore, written: list[list[str]]
) -> None:
    async with working(orders) as engine:
        await submission(engine, "u0", "first")
        written.clear()
        answers = await asyncio.gather(*(submission(engine, "u0", str(n)) for n in range(50)))
        assert {verdict.order.status for (verdict,) in answers} == {OrderStatus.ACCEPTED}  # type: ignore[attr-defined]
        (statements,) = written
        assert 0 < len(statements) <= 4, statements
        assert len(await orders.find("u0", [str(n) for n in range(50)])) == 50
        assert [one.seq for one in await orders.events("u0", 0, 100)] == list(range(1, 52))


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    "broken", [{"symbol": "BTCUSDT\ud800"}, {"fingerprint": "\ud800"}], ids=["rejected", "accepted"]
)
async def test_a_value_that_no_database_takes_fails_alone(
    orders: SqlOrderStore, broken: dict[str, object]
) -> None:
    async with working(orders) as engine:
        several = [submission(engine, "ada", str(n), **(broken if n == 7 else {})) for n in range(20)]
        answers = await asyncio.gather(*several, return_exceptions=True)
        assert [n for n, answer in enumerate(answers) if isinstance(answer, Exception)] == [7]
        assert len(await orders.find("ada", [str(n) for n in range(20)])) == 19
        assert [one.seq for one in await orders.events("ada", 0, 100)] == list(range(1, 20))


async def test_a_token_id_that_somebody_else_recorded_meanwhile_fails_alone(
    orders: SqlOrderStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with working(orders) as engine:
        await submission(engine, "ada", "7")
        unseen = orders.find_all

        async def find_nothing(keys: object) -> dict[object, object]:
            return {}

        monkeypatch.setattr(orders, "find_all", find_nothing)
        answers = await asyncio.gather(
            *(submission(engine, "ada", str(n)) for n in range(20)), return_exceptions=True
        )
        monkeypatch.setattr(orders, "find_all", unseen)
        assert [type(answers[n]) for n in range(20) if isinstance(answers[n], Exception)] == [StoreConflict]
        assert len(await orders.find("ada", [str(n) for n in range(20)])) == 20
