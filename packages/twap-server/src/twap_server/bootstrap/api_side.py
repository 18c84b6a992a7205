"""Build what serves clients over a market and orders, in this process or on other nodes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from twap_server.api.auth.shared_limits import SharedLimits
from twap_server.api.auth.sign_in_upkeep import forget_ended
from twap_server.api.ended_elsewhere import follow
from twap_server.api.ports import MarketData, Orders
from twap_server.api.reports_itself import SelfReport
from twap_server.api.services import Services, build_services
from twap_server.api.stream.book_publisher import BookPublisher
from twap_server.books.registry import BookRegistry
from twap_server.bootstrap.ids import ordered_ids
from twap_server.bootstrap.outside import Outside
from twap_server.bootstrap.signing_key import signing_key
from twap_server.clock import SteadyClock
from twap_server.feed.bus import Bus
from twap_server.runtime.vitals import Vitals
from twap_server.settings import Settings
from twap_server.store.accounts import SqlAccountStore
from twap_server.store.costs import SqlCostStore
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore
from twap_server.store.proofs import SqlProofStore


class WatchedMarket(MarketData, Protocol):
    """A market whose books and trades can be listened to."""

    registry: BookRegistry

    async def run(self) -> None:
        """Keep it up, for ever."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What all parts of one server share."""

    settings: Settings
    world: Outside
    clock: SteadyClock
    database: Database
    bus: Bus
    vitals: Vitals
    new_id: Callable[[], str]


def around_of(settings: Settings, world: Outside, *, clock: SteadyClock, database: Database) -> Around:
    """Make what all parts share."""
    return Around(
        settings=settings,
        world=world,
        clock=clock,
        database=database,
        bus=Bus(),
        vitals=Vitals(settings.runtime, clock),
        new_id=world.new_id or ordered_ids(clock),
    )


def services_over(
    around: Around,
    market: WatchedMarket,
    orders: Orders,
    records: SqlOrderStore,
    *,
    not_ready: Callable[[], Awaitable[list[str]]],
    gauges: Mapping[str, Callable[[], float]],
    remarks: Callable[[], list[str]] = list,
    unfit: Callable[[], str] = str,
    limits: SharedLimits | None = None,
) -> Services:
    """Build the services; nothing runs yet. ``limits``: what several gateways limit callers by together."""
    settings, database, clock = around.settings, around.database, around.clock
    return build_services(
        orders=orders,
        records=records,
        costs=SqlCostStore(database),
        proofs=SqlProofStore(database),
        accounts=SqlAccountStore(database),
        market=market,
        bus=around.bus,
        clock=clock,
        signing_key=signing_key(settings),
        config=settings.api,
        engine=settings.engine,
        new_id=around.new_id,
        limits=limits,
        self_report=SelfReport(
            not_ready=not_ready,
            unfit=unfit,
            remarks=lambda: [*clock.remarks(), *_clock_warnings(market), *remarks()],
            gauges=gauges,
            durations=around.vitals.durations,
            market=around.world.market,
            demo=around.world.demo,
        ),
    )


def begin(
    group: asyncio.TaskGroup, services: Services, market: WatchedMarket
) -> Sequence["asyncio.Task[None]"]:
    """Let the services hear of a market that runs, and start what runs beside them."""
    clock, auth = services.clock, services.auth
    publisher = BookPublisher(services.books, services.bus, clock)
    market.registry.listen(publisher.announce)
    market.registry.listen(services.live_candles.on_status)
    market.registry.trades.listen(services.trades.on_trade)
    market.registry.trades.listen(services.live_candles.on_trade)
    return (
        group.create_task(publisher.run(), name="book ticker"),
        group.create_task(services.trades.run(), name="trades"),
        group.create_task(services.live_candles.run(), name="candles"),
        group.create_task(services.rate_limits.run(), name="rate limits"),
        group.create_task(services.sessions.check_sign_ins(clock), name="sign-ins"),
        group.create_task(auth.key_uses.keep(auth.accounts.keys, clock), name="uses of API keys"),
        group.create_task(follow(services.sessions, auth.accounts.users, clock), name="ended sign-ins"),
        group.create_task(
            forget_ended(
                auth.accounts.sign_ins, clock, access_lifetime=services.config.tokens.access_lifetime
            ),
            name="sign-ins that have ended",
        ),
    )


def _clock_warnings(market: MarketData) -> list[str]:
    return [f"{one.name}: {one.clock_warning}" for one in market.exchanges() if one.clock_warning]
