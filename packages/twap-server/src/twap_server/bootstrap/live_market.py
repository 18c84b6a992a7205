"""Build what collects exchanges, with what the store remembers of them."""

import asyncio
import logging
import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from twap_models.names import CCXT
from twap_server.books.interest import DEFAULT_LINGER_S, BookInterest
from twap_server.books.live import LiveBook, NewBook
from twap_server.books.registry import BookRegistry
from twap_server.bootstrap.chosen import OWN, shapes_of
from twap_server.bootstrap.recording import exchanges_of
from twap_server.collector.allowance import ExchangeAllowance
from twap_server.collector.connection import check_library
from twap_server.collector.market_data import LiveMarket
from twap_server.collector.network import Network
from twap_server.collector.proxies import check_proxies
from twap_server.domain.clock import Clock
from twap_server.domain.errors import TwapError
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.ownership import ExchangePart
from twap_server.exchanges.base import Exchange
from twap_server.settings import Settings
from twap_server.store.candles import SqlCandleStore
from twap_server.store.database import Database
from twap_server.store.instruments import SqlInstrumentStore

log = logging.getLogger(__name__)

_LIST_WITHIN_S: Final = 1
"""Whoever takes an exchange over waits no longer for the list that is kept."""


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
    spent: dict[ExchangePart, dict[str, ExchangeAllowance]] = field(default_factory=dict)
    """What those spent who were built before, by part and exchange: the address is the same."""

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
        sharers: int = 1,
        keeps_list: bool = True,
        allowances: dict[str, ExchangeAllowance] | None = None,
    ) -> LiveMarket:
        """Build what collects these exchanges; start nothing.

        Args:
            exchanges: their names.
            new_book: builds the books that readers see.
            linger_s: see ``BookInterest``.
            sharers: see ``LiveMarket``.
            keeps_list: whether newly loaded lists are kept in the store.
            allowances: see ``LiveMarket``.
        """
        own = {name: one for name, one in self.settings.exchanges.items() if name in exchanges}
        return LiveMarket(
            shapes_of(own),
            self.settings.collector.model_copy(update={"exchanges": own}),
            registry=BookRegistry(),
            interest=BookInterest(self.clock, linger_s=linger_s),
            clock=self.clock,
            rng=self.rng,
            cached={name: self.known[name].values() for name in own},
            on_instruments=self._keep if keeps_list else lambda *_: None,
            archive=self.archive,
            network=self.network,
            new_book=new_book,
            sharers=sharers,
            allowances=allowances,
        )

    async def market_of_part(self, part: ExchangePart, new_book: NewBook) -> LiveMarket:
        """Build what collects those symbols of an exchange that belong to one part of it.

        Other parts may have the same address: each keeps to its share of what the exchange allows one. Their
        lists are the same: the first part's is kept in the store. It begins with the list that is there now,
        for whoever collected before may have kept a newer one than was there when this process began; and
        with what was spent by the same part in this process before.
        """
        own, config = self.settings.exchanges[part.exchange], self.settings.collector
        symbols = tuple(symbol for symbol in own.symbols if part.has(symbol))
        resubscribes = max(1, config.resubscribes_per_exchange // part.of)
        sharing = replace(
            self,
            settings=self.settings.model_copy(
                update={
                    "exchanges": {part.exchange: own.model_copy(update={"symbols": symbols})},
                    "collector": config.model_copy(update={"resubscribes_per_exchange": resubscribes}),
                }
            ),
            known={part.exchange: await self._newest_list(part.exchange)},
        )
        return sharing.market(
            [part.exchange],
            new_book,
            linger_s=0,
            sharers=part.of,
            keeps_list=part.number == 1,
            allowances=self.spent.setdefault(part, {}),
        )

    async def _newest_list(self, exchange: str) -> Mapping[str, Instrument]:
        """What the store has; nothing where it does not answer, for the exchange is asked in any case.

        It is not cancelled then: that would wait for the database once more.
        """
        found: dict[str, Instrument] = {}
        loading = self.group.create_task(self._load(exchange, found), name=f"known list of {exchange}")
        await asyncio.wait([loading], timeout=_LIST_WITHIN_S)
        return dict(found)

    async def _load(self, exchange: str, found: dict[str, Instrument]) -> None:
        try:
            found.update(await self.lists.load(exchange))
        except TwapError as error:
            log.warning("exchange=%s the list of before could not be read: %s", exchange, error)

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
