"""Build what collects exchanges, with what the store remembers of them."""

import asyncio
import logging
import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from twap_models.names import CCXT
from twap_server.books.interest import DEFAULT_LINGER_S, BookInterest
from twap_server.books.live import LiveBook, NewBook
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


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketBuilder:
    """Builds markets of the settings' exchanges, that begin with the lists that the store knows."""

    settings: Settings
    network: Network
    clock: Clock
    rng: random.Random
    group: asyncio.TaskGroup
    """Keeps newer lists in the store."""
    lists: SqlInstrumentStore
    archive: SqlCandleStore | None
    known: Mapping[str, Mapping[str, Instrument]]
    """Lists from before, by exchange."""

    @classmethod
    async def remembering(
        cls,
        settings: Settings,
        *,
        database: Database,
        network: Network,
        clock: Clock,
        rng: random.Random,
        group: asyncio.TaskGroup,
    ) -> Self:
        """Read the lists from the store, and check how the exchanges are to be reached."""
        lists, most = SqlInstrumentStore(database), settings.collector.candles_kept
        check_library(settings.collector)
        for exchange in exchanges_of(settings):
            check_proxies((exchange.ws_url, exchange.rest_url))
        _tell_own_feeds(shapes_of(settings.exchanges))
        return cls(
            settings=settings,
            network=network,
            clock=clock,
            rng=rng,
            group=group,
            lists=lists,
            archive=SqlCandleStore(database, clock, most=most) if most else None,
            known={name: await lists.load(name) for name in settings.exchanges},
        )

    def market(
        self,
        exchanges: Collection[str],
        new_book: NewBook = LiveBook,
        *,
        linger_s: int = DEFAULT_LINGER_S,
    ) -> LiveMarket:
        """Build what collects these exchanges; start nothing. ``linger_s``: see ``BookInterest``."""
        own = {name: one for name, one in self.settings.exchanges.items() if name in exchanges}
        return LiveMarket(
            shapes_of(own),
            self.settings.collector.model_copy(update={"exchanges": own}),
            registry=BookRegistry(),
            interest=BookInterest(self.clock, linger_s=linger_s),
            clock=self.clock,
            rng=self.rng,
            cached={name: self.known[name].values() for name in own},
            on_instruments=self._keep,
            archive=self.archive,
            network=self.network,
            new_book=new_book,
        )

    def _keep(self, exchange: str, listed: Mapping[str, Instrument]) -> None:
        self.group.create_task(self._remember(exchange, listed), name=f"list of {exchange}")

    async def _remember(self, exchange: str, listed: Mapping[str, Instrument]) -> None:
        """Keep the list for the next start; without it that one would have to wait for the exchange."""
        try:
            await self.lists.save(exchange, listed.values())
        except TwapError as error:
            log.warning("exchange=%s the instruments could not be kept: %s", exchange, error)


def _tell_own_feeds(shapes: Iterable[type[Exchange]]) -> None:
    """Say where an exchange that ccxt collects can be had with a proof."""
    for shape in shapes:
        own = [name for name in shape.feed_of if shape.name.startswith(f"{CCXT}-") and name in OWN]
        if own:
            flags = " or ".join(f"--exchange {name}" for name in own)
            log.warning("%s: this market is collected without ccxt too: %s", shape.name, flags)
