"""Offer the market that other nodes collect, as ``LiveMarket`` offers the one that is collected here."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.cluster.messenger import Messenger
from twap_server.cluster.replica_exchange import ReplicaExchange
from twap_server.cluster.subjects import Subjects
from twap_server.collector.config import CollectorConfig
from twap_server.collector.shown_market import ShownMarket
from twap_server.domain.clock import Clock
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.status import CollectedBook
from twap_server.exchanges.base import Exchange


class ReplicaMarket(ShownMarket[ReplicaExchange]):
    """All exchanges: the engine's ``Market`` and the API's ``MarketData``."""

    def __init__(
        self,
        exchanges: Iterable[type[Exchange]],
        config: CollectorConfig,
        *,
        node: str,
        messenger: Messenger,
        subjects: Subjects,
        registry: BookRegistry,
        interest: BookInterest,
        clock: Clock,
        cached: Mapping[str, Iterable[Instrument]] | None = None,
    ) -> None:
        """Build everything, hear nothing yet.

        Args:
            exchanges: the registry's classes; those whose settings say so are left out.
            config: settings of all: fees, and the books that are collected in any case.
            node: its name, that of no other node.
            messenger: the way to other nodes.
            subjects: names of the cluster.
            registry: where books are kept.
            interest: what is wanted here.
            clock: time.
            cached: instruments known from before, by exchange: valid until a collector says otherwise.
        """
        self._exchanges: dict[str, ReplicaExchange] = {}
        super().__init__(self._exchanges, config, registry=registry, interest=interest, clock=clock)
        for shape in exchanges:
            own = config.exchange(shape.name)
            if not own.enabled:
                continue
            interest.count_nothing_for(InstrumentId(shape.name, symbol) for symbol in own.symbols)
            self._exchanges[shape.name] = ReplicaExchange(
                shape(ws_url=own.ws_url, rest_url=own.rest_url, depth=own.depth),
                node=node,
                registry=registry,
                interest=interest,
                clock=clock,
                messenger=messenger,
                subjects=subjects,
                cached=(cached or {}).get(shape.name, ()),
            )
        messenger.on_return(self._returned)

    async def run(self) -> None:
        """Follow all exchanges, for ever. Cancelling ends every subscription."""
        async with asyncio.TaskGroup() as group:
            for name, exchange in self._exchanges.items():
                group.create_task(exchange.run(), name=f"replica of {name}")

    def collected(self, exchange: str) -> Sequence[CollectedBook]:
        """Tell how the books of an exchange fare that are collected, as their collector said it lately.

        Raises:
            UnknownExchange: not collected here.
        """
        return self.source(exchange).collected()

    def _returned(self) -> None:
        for exchange in self._exchanges.values():
            exchange.returned()
