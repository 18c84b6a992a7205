"""Build every part and own the one root task group: when a stage fails, all stop and the error is raised."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp

from twap_server.api.app import create_app
from twap_server.api.http.connection_gate import ConnectionGate
from twap_server.api.services import Services
from twap_server.bootstrap.api_side import Around, around_of, begin, services_over
from twap_server.bootstrap.first_user import make_first_user
from twap_server.bootstrap.live_market import MarketBuilder
from twap_server.bootstrap.outside import Outside
from twap_server.bootstrap.recording import recorded
from twap_server.bootstrap.signing_key import tell_shared_folder
from twap_server.clock import SteadyClock
from twap_server.collector.market_data import LiveMarket
from twap_server.domain.clock import Clock
from twap_server.engine.engine import Engine
from twap_server.settings import Settings
from twap_server.store.orders import SqlOrderStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server at work, without its HTTP side."""

    services: Services
    engine: Engine
    group: asyncio.TaskGroup
    """The root task group: when a child dies, everything stops and the error surfaces."""
    around: Around

    @property
    def clock(self) -> SteadyClock:
        """What all of it counts by."""
        return self.around.clock

    def app(self, gate: ConnectionGate) -> ASGIApp:
        """What answers requests."""
        return create_app(self.services, gate)

    async def close(self) -> None:
        """Let the engine finish its turn, and close the streams."""
        self.engine.stop()
        await self.services.sessions.close_all()


@asynccontextmanager
async def running(
    settings: Settings, *, clock: Clock, outside: Outside | None = None
) -> AsyncIterator[Running]:
    """Open the store and run collectors, engine and feed until the block ends, all by one steady clock."""
    world, clock = outside or Outside(), SteadyClock(clock)
    tell_shared_folder(settings)
    async with (
        world.open_database(settings.database_url) as database,
        recorded(settings, clock) as network,
        asyncio.TaskGroup() as group,
    ):
        markets = await MarketBuilder.remembering(
            settings, database=database, network=network, clock=clock, rng=world.rng, group=group
        )
        market = markets.market(settings.exchanges)
        around = around_of(settings, world, clock=clock, database=database)
        store = SqlOrderStore(database)
        engine = _engine(around, market, store)
        services = services_over(
            around,
            market,
            engine,
            store,
            not_ready=_readiness(engine),
            gauges={"twap_open_orders": lambda: engine.open_orders},
        )
        await make_first_user(settings.api, services.auth.accounts.users, services.auth.registration)
        working = group.create_task(engine.run(), name="engine")
        others = [
            group.create_task(market.run(), name="market data"),
            *begin(group, services, market),
            group.create_task(database.hold(clock), name="database"),
        ]
        try:
            yield Running(services=services, engine=engine, group=group, around=around)
        finally:
            engine.stop()
            await asyncio.wait([working])
            for task in others:
                task.cancel()
            services.threads.close()


def _engine(around: Around, market: LiveMarket, store: SqlOrderStore) -> Engine:
    return Engine(
        store=store,
        market=market,
        events=around.bus,
        clock=around.clock,
        config=around.settings.engine,
        new_id=around.new_id,
    )


def _readiness(engine: Engine) -> Callable[[], Awaitable[list[str]]]:
    async def reasons() -> list[str]:
        return [] if engine.ready.is_set() else ["open orders are being taken up"]

    return reasons
