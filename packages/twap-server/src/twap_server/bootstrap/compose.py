"""Build every part and own the one root task group: when a stage fails, all stop and the error is raised."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from twap_models.enums import MarketMode
from twap_models.health import DemoAccount
from twap_models.names import CCXT, exchange_name, split_market
from twap_server.api.auth.sign_in_upkeep import forget_ended
from twap_server.api.ended_elsewhere import follow
from twap_server.api.services import SelfReport, Services, build_services
from twap_server.api.stream.book_publisher import BookPublisher
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.bootstrap.first_user import make_first_user
from twap_server.bootstrap.ids import ordered_ids
from twap_server.bootstrap.recording import exchanges_of, recorded
from twap_server.bootstrap.signing_key import signing_key, tell_shared_folder
from twap_server.clock import SteadyClock
from twap_server.collector.config import ExchangeConfig
from twap_server.collector.connection import check_library
from twap_server.collector.market_data import LiveMarket
from twap_server.collector.network import Network
from twap_server.collector.proxies import check_proxies
from twap_server.domain.clock import Clock
from twap_server.domain.errors import InvalidRequest, TwapError
from twap_server.domain.market.instrument import Instrument
from twap_server.engine.engine import Engine
from twap_server.exchanges.base import Exchange
from twap_server.exchanges.registry import EXCHANGES, shape_of
from twap_server.feed.bus import Bus
from twap_server.runtime.loops import HttpParser, http_parser
from twap_server.runtime.vitals import Vitals
from twap_server.settings import Settings
from twap_server.store.accounts import SqlAccountStore
from twap_server.store.candles import SqlCandleStore
from twap_server.store.costs import SqlCostStore
from twap_server.store.database import Database
from twap_server.store.instruments import SqlInstrumentStore
from twap_server.store.orders import SqlOrderStore
from twap_server.store.proofs import SqlProofStore

log = logging.getLogger(__name__)
_OWN = tuple(one.name for one in EXCHANGES)
"""Exchanges that we speak with ourselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What else of the world a simulation replaces, beside the clock and the event loop."""

    rng: random.Random = field(default_factory=random.Random)
    """Chance, for jitter only."""
    new_id: Callable[[], str] | None = None
    """Gives ids of orders, users, sign-ins and keys, unique for ever; None: ``ordered_ids``."""
    open_database: Callable[[str], AbstractAsyncContextManager[Database]] = Database.open
    market: MarketMode = MarketMode.LIVE
    """What the server says of its market."""
    demo: DemoAccount | None = None
    """The public account of a demo server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server at work, without its HTTP side."""

    services: Services
    engine: Engine
    clock: SteadyClock
    """What all of it counts by."""
    group: asyncio.TaskGroup
    """The root task group: when a child dies, everything stops and the error surfaces."""
    vitals: Vitals
    """Of the process: nobody watches yet."""
    http_parser: HttpParser = "auto"


def choose(settings: Settings, exchanges: Sequence[str]) -> Settings:
    """Apply ``--exchange NAME[:SYMBOL,…]`` flags; without any, the usual ones and what is in the settings.

    Raises:
        InvalidRequest: no such exchange; the message lists those there are. Or two feeds of one market.
    """
    for name in settings.exchanges:
        _check_name(name, field=f"exchanges.{name}")
    chosen = _flagged(settings, exchanges) if exchanges else _usual(settings)
    _check_feeds(chosen)
    return settings.model_copy(update={"exchanges": chosen})


def _usual(settings: Settings) -> dict[str, ExchangeConfig]:
    own = [one.name for one in EXCHANGES if one.by_default or one.name in settings.exchanges]
    names = dict.fromkeys((*own, *settings.exchanges))
    return {name: settings.exchanges.get(name, ExchangeConfig()) for name in names}


def _flagged(settings: Settings, flags: Sequence[str]) -> dict[str, ExchangeConfig]:
    chosen: dict[str, ExchangeConfig] = {}
    for text in flags:
        spelling, _, symbols = split_market(text)
        name = exchange_name(spelling)
        _check_name(name, field="--exchange")
        wanted = tuple(symbol for symbol in symbols.split(",") if symbol)
        base = settings.exchanges.get(name, ExchangeConfig())
        before = chosen[name].symbols if name in chosen else ()  # named twice: with the symbols of both
        chosen[name] = base.model_copy(update={"symbols": (*before, *wanted) or base.symbols})
    return chosen


def _check_feeds(chosen: Mapping[str, ExchangeConfig]) -> None:
    """Refuse two feeds of one market: the merged book would count its quantities twice."""
    fed: dict[str, str] = {}
    for one in _shapes(name for name, own in chosen.items() if own.enabled):
        for market in one.feed_of or (one.name,):
            if market in fed:
                both = " and ".join(sorted((fed[market], one.name), key=lambda name: name != market))
                told = f"{both} are two feeds of one market: choose one of them"
                raise InvalidRequest(told, field="exchanges")
            fed[market] = one.name


def _shapes(names: Iterable[str]) -> list[type[Exchange]]:
    """The classes of these exchanges: our own first, in their order, then ccxt's."""
    found = {name: shape for name in names if (shape := shape_of(name)) is not None}
    return [found.pop(name) for name in _OWN if name in found] + list(found.values())


def _tell_own_feeds(shapes: Iterable[type[Exchange]]) -> None:
    """Say where an exchange that ccxt collects can be had with a proof."""
    for shape in shapes:
        own = [name for name in shape.feed_of if shape.name.startswith(f"{CCXT}-") and name in _OWN]
        if own:
            flags = " or ".join(f"--exchange {name}" for name in own)
            log.warning("%s: this market is collected without ccxt too: %s", shape.name, flags)


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
        lists = SqlInstrumentStore(database)
        market = _market(
            settings,
            network=network,
            clock=clock,
            rng=world.rng,
            cached={name: await lists.load(name) for name in settings.exchanges},
            on_instruments=lambda name, listed: _start(group, _remember(lists, name, listed)),
            archive=_archive(settings, database, clock),
        )
        vitals = Vitals(settings.runtime, clock)
        engine, services = _assemble(
            settings, world, clock=clock, database=database, market=market, vitals=vitals
        )
        await make_first_user(settings.api, services.auth.accounts.users, services.auth.registration)
        publisher = BookPublisher(services.books, services.bus, clock)
        market.registry.listen(publisher.announce)
        market.registry.listen(services.live_candles.on_status)
        market.registry.trades.listen(services.trades.on_trade)
        market.registry.trades.listen(services.live_candles.on_trade)
        working = group.create_task(engine.run(), name="engine")
        others = _beside(group, services, market, publisher, database)
        parser = http_parser(settings.runtime.http_parser)
        try:
            yield Running(
                services=services, engine=engine, clock=clock, group=group, vitals=vitals, http_parser=parser
            )
        finally:
            engine.stop()
            await asyncio.wait([working])
            for task in others:
                task.cancel()
            services.threads.close()


def _beside(
    group: asyncio.TaskGroup,
    services: Services,
    market: LiveMarket,
    publisher: BookPublisher,
    database: Database,
) -> Sequence["asyncio.Task[None]"]:
    """What runs beside the engine until it has ended."""
    clock, auth = services.clock, services.auth
    return (
        group.create_task(market.run(), name="market data"),
        group.create_task(publisher.run(), name="book ticker"),
        group.create_task(services.trades.run(), name="trades"),
        group.create_task(services.live_candles.run(), name="candles"),
        group.create_task(services.sessions.check_sign_ins(clock), name="sign-ins"),
        group.create_task(auth.key_uses.keep(auth.accounts.keys, clock), name="uses of API keys"),
        group.create_task(follow(services.sessions, auth.accounts.users, clock), name="ended sign-ins"),
        group.create_task(
            forget_ended(
                auth.accounts.sign_ins, clock, access_lifetime=services.config.tokens.access_lifetime
            ),
            name="sign-ins that have ended",
        ),
        group.create_task(database.hold(clock), name="database"),
    )


def _assemble(
    settings: Settings,
    world: Outside,
    *,
    clock: SteadyClock,
    database: Database,
    market: LiveMarket,
    vitals: Vitals,
) -> tuple[Engine, Services]:
    store, bus = SqlOrderStore(database), Bus()
    new_id = world.new_id or ordered_ids(clock)
    engine = Engine(
        store=store, market=market, events=bus, clock=clock, config=settings.engine, new_id=new_id
    )
    services = build_services(
        orders=engine,
        records=store,
        costs=SqlCostStore(database),
        proofs=SqlProofStore(database),
        accounts=SqlAccountStore(database),
        market=market,
        bus=bus,
        clock=clock,
        signing_key=signing_key(settings),
        config=settings.api,
        engine=settings.engine,
        new_id=new_id,
        self_report=SelfReport(
            not_ready=_readiness(engine),
            remarks=lambda: [*clock.remarks(), *_clock_warnings(market)],
            gauges={"twap_open_orders": lambda: engine.open_orders},
            durations=vitals.durations,
            market=world.market,
            demo=world.demo,
        ),
    )
    return engine, services


def _clock_warnings(market: LiveMarket) -> list[str]:
    return [f"{one.name}: {one.clock_warning}" for one in market.exchanges() if one.clock_warning]


def _market(
    settings: Settings,
    *,
    network: Network,
    clock: Clock,
    rng: random.Random,
    cached: Mapping[str, Mapping[str, Instrument]],
    on_instruments: Callable[[str, Mapping[str, Instrument]], None],
    archive: SqlCandleStore | None,
) -> LiveMarket:
    check_library(settings.collector)
    shapes = _shapes(settings.exchanges)
    _tell_own_feeds(shapes)
    for exchange in exchanges_of(settings):
        check_proxies((exchange.ws_url, exchange.rest_url))
    return LiveMarket(
        shapes,
        settings.collector.model_copy(update={"exchanges": settings.exchanges}),
        registry=BookRegistry(),
        interest=BookInterest(clock),
        clock=clock,
        rng=rng,
        cached={name: listed.values() for name, listed in cached.items()},
        on_instruments=on_instruments,
        archive=archive,
        network=network,
    )


def _archive(settings: Settings, database: Database, clock: Clock) -> SqlCandleStore | None:
    most = settings.collector.candles_kept
    return SqlCandleStore(database, clock, most=most) if most else None


async def _remember(store: SqlInstrumentStore, exchange: str, listed: Mapping[str, Instrument]) -> None:
    """Keep the list for the next start; without it that start would only have to wait for the exchange."""
    try:
        await store.save(exchange, listed.values())
    except TwapError as error:
        log.warning("exchange=%s the instruments could not be kept: %s", exchange, error)


def _start(group: asyncio.TaskGroup, work: Coroutine[None, None, None]) -> None:
    group.create_task(work)


def _readiness(engine: Engine) -> Callable[[], Awaitable[list[str]]]:
    async def reasons() -> list[str]:
        return [] if engine.ready.is_set() else ["open orders are being taken up"]

    return reasons


def _check_name(name: str, *, field: str) -> None:
    if shape_of(name) is None:
        known = f"one of {', '.join(_OWN)}, or {CCXT}:NAME for one of ccxt's"
        raise InvalidRequest(f"{field}: unknown exchange {name[:40]!r}, expected {known}", field=field)
