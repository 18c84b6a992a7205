"""Collect an exchange on this node, for as long as its lease is held: the ``work`` of a keeper of leases."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from twap_server.books.live import NewBook
from twap_server.cluster.market_answers import CollectedMarket
from twap_server.cluster.market_teller import MarketTeller
from twap_server.cluster.messenger import Messenger
from twap_server.cluster.subjects import Subjects
from twap_server.cluster.telling import Telling
from twap_server.domain.clock import Clock
from twap_server.domain.ownership import Lease, lease_of_exchange


class MakeMarket(Protocol):
    """Builds the market of one exchange; ``run`` of it collects."""

    def __call__(self, exchange: str, new_book: NewBook) -> CollectedMarket:
        """Build it; every book that readers see is to be made by ``new_book``."""
        ...


class CollectorRole:
    """What a collector node does with each exchange it holds the lease of."""

    def __init__(
        self,
        messenger: Messenger,
        subjects: Subjects,
        *,
        clock: Clock,
        make_market: MakeMarket,
        max_books: int,
        on_market: Callable[[str, CollectedMarket | None], None] = lambda *_: None,
    ) -> None:
        """Build it.

        Args:
            messenger: the way to other nodes.
            subjects: names of the cluster.
            clock: time.
            make_market: builds the market of one exchange.
            max_books: of one exchange, above which no further one is collected that no order wants.
            on_market: called with an exchange and its market when it is collected here, None once it is not.
        """
        self._messenger, self._subjects, self._clock = messenger, subjects, clock
        self._make_market, self._on_market = make_market, on_market
        self._max_books = max_books

    async def collect(self, lease: Lease) -> None:
        """Collect the exchange of this lease until cancelled."""
        exchange = lease.name.removeprefix(lease_of_exchange(""))
        telling = Telling(self._messenger, self._subjects, epoch=lease.epoch, clock=self._clock)
        market = self._make_market(exchange, telling.new_book)
        teller = MarketTeller(
            exchange,
            market,
            telling,
            messenger=self._messenger,
            subjects=self._subjects,
            clock=self._clock,
            max_books=self._max_books,
        )
        self._on_market(exchange, market)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(market.run(), name=f"market data of {exchange}")
                group.create_task(teller.run(), name=f"teller of {exchange}")
        finally:
            self._on_market(exchange, None)
