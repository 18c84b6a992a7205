"""Offer the whole market in one place: exchanges, instruments, candles and live books."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from random import Random
from types import TracebackType
from typing import Self

from twap_server.books.health import BookHealth
from twap_server.books.interest import BookInterest
from twap_server.books.live import LiveBook, NewBook
from twap_server.books.registry import BookRegistry
from twap_server.collector.allowance import ExchangeAllowance
from twap_server.collector.candle_archive import CandleArchive
from twap_server.collector.collector import Collector
from twap_server.collector.config import CollectorConfig
from twap_server.collector.network import INTERNET, Network
from twap_server.collector.shown_market import ShownMarket
from twap_server.domain.clock import Clock
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.status import CollectedBook
from twap_server.exchanges.base import Exchange


class LiveMarket(ShownMarket[Collector]):
    """All exchanges. ``async with`` starts and stops collecting; ``run`` does both for a task group."""

    def __init__(
        self,
        exchanges: Iterable[type[Exchange]],
        config: CollectorConfig,
        *,
        registry: BookRegistry,
        interest: BookInterest,
        clock: Clock,
        rng: Random,
        cached: Mapping[str, Iterable[Instrument]] | None = None,
        on_instruments: Callable[[str, Mapping[str, Instrument]], None] = lambda *_: None,
        network: Network = INTERNET,
        archive: CandleArchive | None = None,
        new_book: NewBook = LiveBook,
        sharers: int = 1,
        allowances: dict[str, ExchangeAllowance] | None = None,
        watches_health: bool = True,
    ) -> None:
        """Build everything, start nothing.

        Args:
            exchanges: the registry's classes; those whose settings say so are left out.
            config: settings of all.
            registry: where books are kept.
            interest: what is wanted.
            clock: time.
            rng: chance, for jitter only.
            cached: instruments known from before, by exchange.
            on_instruments: called with an exchange's name and list each time it was loaded.
            network: how exchanges are reached.
            archive: where closed candles are kept; None keeps none.
            new_book: builds the books that readers see.
            sharers: how many, this one among them, share what each exchange allows one address.
            allowances: by exchange what those had spent who collected before; it is added to.
            watches_health: whether anybody asks for ``collected``; else it has no rates and no silence.
        """
        self._collectors: dict[str, Collector] = {}
        super().__init__(self._collectors, config, registry=registry, interest=interest, clock=clock)
        self._health, self._watches_health = BookHealth(registry, clock), watches_health
        self._group: asyncio.TaskGroup | None = None
        self._http = network.open_http(config)
        allowances = {} if allowances is None else allowances
        for shape in exchanges:
            own = config.exchange(shape.name)
            if not own.enabled:
                continue
            interest.want_always(InstrumentId(shape.name, symbol) for symbol in own.symbols)
            exchange = shape(ws_url=own.ws_url, rest_url=own.rest_url, depth=own.depth)
            exchange.share_limits(sharers)
            allowance = allowances.setdefault(shape.name, ExchangeAllowance.of(exchange, config, clock))
            self._collectors[shape.name] = Collector(
                exchange,
                config,
                registry=registry,
                interest=interest,
                clock=clock,
                rng=rng,
                http=self._http,
                network=network,
                instruments=(cached or {}).get(shape.name, ()),
                archive=archive,
                new_book=new_book,
                allowance=allowance,
                on_instruments=lambda found, name=shape.name: on_instruments(name, found),  # type: ignore[misc]
            )

    async def run(self) -> None:
        """Collect, for ever. Cancelling closes every connection."""
        async with self._http, asyncio.TaskGroup() as group:
            if self._watches_health:
                group.create_task(self._health.watch(), name="health of books")
            for name, collector in self._collectors.items():
                group.create_task(collector.run(), name=f"collector {name}")

    async def __aenter__(self) -> Self:
        """Start collecting."""
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        self._running = self._group.create_task(self.run(), name="market data")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop collecting and wait until every connection is closed."""
        assert self._group is not None
        self._running.cancel()
        if kind is not None and issubclass(kind, asyncio.CancelledError):
            await self._group.__aexit__(kind, error, trace)
        else:  # an error of the block is the block's own: it is not wrapped
            await self._group.__aexit__(None, None, None)

    def collected(self, exchange: str) -> list[CollectedBook]:
        """Tell how the books of an exchange fare that are collected now, by symbol.

        Raises:
            UnknownExchange: not collected here.
        """
        return [
            replace(one, reason=self.with_trading(one.instrument, one.reason))
            for one in self._health.of(self.source(exchange).name)
        ]

    def collector(self, exchange: str) -> Collector:
        """Return one exchange's collector.

        Raises:
            UnknownExchange: not collected here; the message names those that are.
        """
        return self.source(exchange)
