"""An engine at work under virtual time, with what it stands on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count

from support.clocks import EPOCH, LoopClock
from support.stores.orders import MemoryStore
from support.trading import HandMarket, request
from twap_server.clock import SteadyClock
from twap_server.domain.orders.order import Order, OrderEvent
from twap_server.engine.config import EngineConfig
from twap_server.engine.engine import Engine
from twap_server.engine.entry.preview import Preview


@dataclass
class EngineAtWork:
    """An engine at work and all it stands on."""

    engine: Engine
    market: HandMarket
    store: MemoryStore
    clock: LoopClock
    told: list[OrderEvent]

    async def submit(self, **change: object) -> Order:
        return await self.submit_as("ada", **change)

    async def submit_as(self, user_id: str, **change: object) -> Order:
        results = await self.engine.submit(user_id, [request(self.clock.now(), **change)])  # type: ignore[arg-type]
        return results[0].order

    async def until(self, seconds: float) -> None:
        """Wait until so many seconds after the epoch."""
        await asyncio.sleep(seconds - (self.clock.now() - self.clock.jump - EPOCH) / 1e9)

    def now(self, order: Order) -> Order:
        return self.store.orders[order.terms.order_id]

    def reasons(self, order: Order) -> list[str]:
        return [(s.reason or s.outcome).value for s in self.store.results(order)]


@asynccontextmanager
async def working(
    store: MemoryStore | None = None, market: HandMarket | None = None, config: EngineConfig | None = None
) -> AsyncIterator[EngineAtWork]:
    clock, records = LoopClock(), store or MemoryStore()
    steady = SteadyClock(clock)  # as bootstrap gives it to all parts
    market = market or HandMarket(steady)
    told: list[OrderEvent] = []

    class Sink:
        def publish(self, user_id: str, event: OrderEvent) -> None:
            assert any(kept is event for _, kept in reversed(records.log)), "told before recorded"
            told.append(event)

    numbers = count(len(records.orders) + 1)
    engine = Engine(
        store=records,
        market=market,
        events=Sink(),
        clock=steady,
        config=config or EngineConfig(),
        new_id=lambda: f"o{next(numbers)}",
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(engine.run())
        await engine.ready.wait()
        try:
            yield EngineAtWork(engine, market, records, clock, told)
        finally:
            task.cancel()


async def preview(desk: EngineAtWork, **change: object) -> Preview:
    return (await desk.engine.preview("ada", [request(desk.clock.now(), **change)]))[0]  # type: ignore[arg-type]
