"""Collect an exchange, or a part of one, as long as this node holds its lease: a keeper's ``work``."""

import asyncio
from typing import Protocol

from twap_server.books.live import NewBook
from twap_server.cluster.market_answers import CollectedMarket
from twap_server.cluster.market_teller import MarketTeller
from twap_server.cluster.messenger import Messenger
from twap_server.cluster.subjects import Subjects
from twap_server.cluster.telling import Telling
from twap_server.domain.clock import Clock
from twap_server.domain.ownership import ExchangePart, Lease, part_of_lease


class MakeMarket(Protocol):
    """Builds the market of a part of an exchange; ``run`` of it collects."""

    async def __call__(self, part: ExchangePart, new_book: NewBook) -> CollectedMarket:
        """Build it; every book that readers see is to be made by ``new_book``."""
        ...


class CollectorRole:
    """What a collector node does with each exchange, or part of one, that it holds the lease of."""

    def __init__(
        self,
        messenger: Messenger,
        subjects: Subjects,
        *,
        clock: Clock,
        make_market: MakeMarket,
        max_books: int,
    ) -> None:
        """Build it.

        Args:
            messenger: the way to other nodes.
            subjects: names of the cluster.
            clock: time.
            make_market: builds the market of a part of an exchange.
            max_books: of one part, above which no further one is collected that no order wants.
        """
        self._messenger, self._subjects, self._clock = messenger, subjects, clock
        self._make_market, self._max_books = make_market, max_books

    async def collect(self, lease: Lease) -> None:
        """Collect what this lease is for until cancelled."""
        part = part_of_lease(lease.name)
        telling = Telling(self._messenger, self._subjects, epoch=lease.epoch, clock=self._clock)
        market = await self._make_market(part, telling.new_book)
        teller = MarketTeller(
            part,
            market,
            telling,
            messenger=self._messenger,
            subjects=self._subjects,
            clock=self._clock,
            max_books=self._max_books,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(market.run(), name=f"market data of {part}")
            group.create_task(teller.run(), name=f"teller of {part}")
