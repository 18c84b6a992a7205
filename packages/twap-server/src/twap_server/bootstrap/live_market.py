"""Build what collects the chosen exchanges, with what the store remembers of them."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Iterable, Mapping

from twap_models.names import CCXT
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.bootstrap.chosen import OWN, shapes_of
from twap_server.bootstrap.recording import exchanges_of
from twap_server.collector.connection import check_library
from twap_server.collector.market_data import LiveMarket
from twap_server.collector.network import Network
from twap_server.collector.proxies import check_proxies
from twap_server.domain.clock import Clock
from twap_server.domain.errors import TwapError
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Exchange
from twap_server.settings import Settings
from twap_server.store.candles import SqlCandleStore
from twap_server.store.database import Database
from twap_server.store.instruments import SqlInstrumentStore

log = logging.getLogger(__name__)


async def remembering(
    settings: Settings,
    *,
    database: Database,
    network: Network,
    clock: Clock,
    rng: random.Random,
    group: asyncio.TaskGroup,
) -> LiveMarket:
    """Build the market with the lists of instruments that the store knows, and keep newer ones there."""
    lists = SqlInstrumentStore(database)
    return live_market(
        settings,
        network=network,
        clock=clock,
        rng=rng,
        cached={name: await lists.load(name) for name in settings.exchanges},
        on_instruments=lambda name, listed: _start(group, _remember(lists, name, listed)),
        archive=_archive(settings, database, clock),
    )


def live_market(
    settings: Settings,
    *,
    network: Network,
    clock: Clock,
    rng: random.Random,
    cached: Mapping[str, Mapping[str, Instrument]],
    on_instruments: Callable[[str, Mapping[str, Instrument]], None],
    archive: SqlCandleStore | None,
) -> LiveMarket:
    """Build what collects the exchanges of the settings; start nothing."""
    check_library(settings.collector)
    shapes = shapes_of(settings.exchanges)
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


def _tell_own_feeds(shapes: Iterable[type[Exchange]]) -> None:
    """Say where an exchange that ccxt collects can be had with a proof."""
    for shape in shapes:
        own = [name for name in shape.feed_of if shape.name.startswith(f"{CCXT}-") and name in OWN]
        if own:
            flags = " or ".join(f"--exchange {name}" for name in own)
            log.warning("%s: this market is collected without ccxt too: %s", shape.name, flags)
