"""Offer the whole market in one place: exchanges, instruments, candles and live books."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random
from types import TracebackType
from typing import Self

from twap_models.enums import AGGREGATE, Integrity, Interval
from twap_models.names import exchange_name
from twap_server.books.health import BookHealth
from twap_server.books.interest import BookInterest, Holding
from twap_server.books.live import LiveBook
from twap_server.books.registry import BookRegistry
from twap_server.collector.candle_archive import CandleArchive
from twap_server.collector.collector import Collector
from twap_server.collector.config import CollectorConfig
from twap_server.collector.network import INTERNET, Network
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.errors import (
    BookUnavailable,
    ExchangeUnavailable,
    UnknownExchange,
    UnknownSymbol,
)
from twap_server.domain.market.events import BookState, BookStatus, CandleRange, Trade
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.domain.market.status import CollectedBook, ExchangeStatus
from twap_server.domain.market.symbology import Spellings, everywhere, not_listed, the_one
from twap_server.exchanges.base import Exchange
from twap_server.exchanges.taker_fees import published_fee

_POLL_S = 0.02


class LiveMarket(Holding):
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
    ) -> None:
        """Build everything, start nothing.

        Args:
            exchanges: the registry's classes; those whose settings say so are left out.
            config: settings of all.
            keeper: where books are kept.
            demand: what is wanted.
            clock: time.
            rng: chance, for jitter only.
            cached: instruments known from before, by exchange.
            on_instruments: called with an exchange's name and list each time it was loaded.
            network: how exchanges are reached.
            archive: where closed candles are kept; None keeps none.
        """
        super().__init__(interest)
        self.registry = registry
        self._health = BookHealth(registry, clock)
        self._config = config
        self._clock = clock
        self._group: asyncio.TaskGroup | None = None
        self._http = network.open_http(config)
        self._collectors: dict[str, Collector] = {}
        self._spellings: dict[str, tuple[Mapping[str, Instrument], Spellings]] = {}
        for shape in exchanges:
            own = config.exchange(shape.name)
            if not own.enabled:
                continue
            interest.want_always(InstrumentId(shape.name, symbol) for symbol in own.symbols)
            self._collectors[shape.name] = Collector(
                shape(ws_url=own.ws_url, rest_url=own.rest_url, depth=own.depth),
                config,
                registry=registry,
                interest=interest,
                clock=clock,
                rng=rng,
                http=self._http,
                network=network,
                instruments=(cached or {}).get(shape.name, ()),
                archive=archive,
                on_instruments=lambda found, name=shape.name: on_instruments(name, found),  # type: ignore[misc]
            )

    async def run(self) -> None:
        """Collect, for ever. Cancelling closes every connection."""
        async with self._http, asyncio.TaskGroup() as group:
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

    def exchanges(self) -> list[ExchangeStatus]:
        """List the exchanges and how each is reached."""
        return [collector.status() for collector in self._collectors.values()]

    def collected(self, exchange: str) -> list[CollectedBook]:
        """Tell how the books of an exchange fare that are collected now, by symbol.

        Raises:
            UnknownExchange: not collected here.
        """
        collector = self.collector(exchange)
        return [
            replace(one, reason=self._with_trading(one.instrument, one.reason))
            for one in self._health.of(collector.exchange.name)
        ]

    def loaded(self, exchange: str) -> bool:
        """Tell whether the exchange's instruments are known.

        Raises:
            UnknownExchange: not collected here.
        """
        return self.collector(exchange).loaded

    def instruments(self, exchange: str) -> Mapping[str, Instrument]:
        """Return canonical symbol to instrument.

        Raises:
            UnknownExchange: not collected here.
            ExchangeUnavailable: the list is not loaded yet.
        """
        collector = self.collector(exchange)
        if not collector.loaded:
            why = collector.status().reason
            raise ExchangeUnavailable(
                f"the instruments of {collector.exchange.name} are not known yet: {why}"
            )
        return collector.instruments()

    def find_instrument(self, exchange: str, spelling: str) -> Instrument:
        """Look an instrument up by any spelling: BTC-USDT, BTCUSDT, btc/usdt, XBT/USD, the exchange's own.

        Raises:
            UnknownExchange: not collected here; the message names those that are.
            UnknownSymbol: no listed instrument fits, or several do; the message names what would do.
            ExchangeUnavailable: the list is not loaded yet.
        """
        listed = self._listed(exchange)
        found = listed.find(spelling)
        if not found:
            name = self.collector(exchange).exchange.name
            raise UnknownSymbol(not_listed(spelling, name, self._known_lists()))
        return the_one(spelling, found, exchange)

    def find_everywhere(self, spelling: str) -> list[Instrument]:
        """Look an instrument up on every exchange by its canonical name, wherever it is listed.

        Raises:
            UnknownSymbol: no exchange lists it, or it fits several; the message names what would do.
            ExchangeUnavailable: no list that is known has it, and not every list is known.
        """
        lists: dict[str, Spellings] = {}
        unreached: list[ExchangeUnavailable] = []
        for name in self._collectors:
            try:
                lists[name] = self._listed(name)
            except ExchangeUnavailable as error:
                unreached.append(error)
        try:
            return everywhere(spelling, lists)
        except UnknownSymbol as unknown:
            if not unreached:
                raise
            reasons = "; ".join(map(str, (*([unknown] if lists else ()), *unreached)))
        # the spelling may well be right: an exchange that cannot be asked may list it
        raise ExchangeUnavailable(f"whether any exchange lists it is not known yet: {reasons}")

    async def klines(
        self,
        exchange: str,
        spelling: str,
        interval: Interval,
        *,
        limit: int = 100,
        start: Nanos | None = None,
        end: Nanos | None = None,
    ) -> CandleRange:
        """Fetch candles, oldest first: the latest ``limit`` that open within ``start``..``end``.

        Raises:
            UnknownExchange, UnknownSymbol: as ``find_instrument``.
            ExchangeUnavailable: no answer; ``retry_after`` says when to try again.
        """
        instrument = self.find_instrument(exchange, spelling)
        history = self.collector(exchange).history
        return await history.klines(instrument, interval, limit=limit, start=start, end=end)

    def view(self, instrument: InstrumentId, depth: int) -> BookState | None:
        """Return at most ``depth`` levels a side, None where nobody wants the book.

        ``reason`` says so where the instrument does not trade, whatever the book is.
        """
        view = self.registry.view(instrument, depth)
        if view is None or self.trading_status(instrument) == TRADING:
            return view
        return replace(view, reason=self._with_trading(instrument, view.reason))

    def trading_status(self, instrument: InstrumentId) -> str:
        """Return ``trading``, or why it does not trade; ``trading`` too while no list is known.

        ``limit_only`` takes orders with a limit, ``delisted`` is for good, every other word may pass.
        """
        found = self._collectors.get(instrument.exchange)
        return TRADING if found is None else found.trading_status(instrument.symbol)

    def live_book(self, instrument: InstrumentId) -> LiveBook | None:
        """Return the book itself, None where nobody wants it."""
        return self.registry.live_book(instrument)

    def traded_since(self, instrument: InstrumentId, since: Nanos) -> Decimal:
        """Return the base currency traded since then, by time of receipt, as far as it is remembered."""
        return self.registry.trades.volume_since(instrument, since)

    def traded(self, instrument: InstrumentId) -> tuple[Decimal, Decimal]:
        """Return base and quote currency traded since the server started."""
        return self.registry.trades.totals(instrument)

    def recent_trades(self, instrument: InstrumentId) -> Sequence[Trade]:
        """Return the newest trades received since the book is collected, oldest first."""
        return self.registry.recent_trades.of(instrument)

    def is_proven(self, exchange: str) -> bool:
        """Tell whether the exchange lets us prove that its books are whole.

        Raises:
            UnknownExchange: not collected here.
        """
        return self.collector(exchange).exchange.integrity is not Integrity.NONE

    def taker_fee(self, exchange: str) -> Decimal:
        """Return the taker fee as a share of the notional, 0 where none is set."""
        return self._config.exchange(exchange_name(exchange)).taker_fee

    def published_fee(self, instrument: InstrumentId) -> Decimal | None:
        """Return what the exchange publishes as the taker fee of its first tier, None where not known."""
        return published_fee(instrument)

    async def wait_live(self, instrument: InstrumentId, timeout: float, *, depth: int = 100) -> BookState:
        """Wait until the book is live; the caller holds it.

        Args:
            instrument: which book.
            timeout: seconds.
            depth: levels per side of the answer.

        Raises:
            BookUnavailable: not live in time; the message says why.
        """
        try:
            async with asyncio.timeout(timeout):
                while True:
                    view = self.registry.view(instrument, depth)
                    if view is not None and view.status is BookStatus.LIVE:
                        return view
                    await self._clock.sleep(_POLL_S)
        except TimeoutError:
            raise BookUnavailable(self._why_not(instrument)) from None

    def collector(self, exchange: str) -> Collector:
        """Return one exchange's collector.

        Raises:
            UnknownExchange: not collected here; the message names those that are.
        """
        name = exchange_name(exchange)
        found = self._collectors.get(name)
        if found is None:
            names = ", ".join(sorted(self._collectors))
            if name == AGGREGATE:
                raise UnknownExchange(f"{name} has books and orders only: name one exchange of: {names}")
            raise UnknownExchange(f"no exchange {exchange[:40]!r} here; there are: {names}")
        return found

    def _with_trading(self, instrument: InstrumentId, reason: str) -> str:
        """A book's reason, and before it that its instrument does not trade."""
        status = self.trading_status(instrument)
        return reason if status == TRADING else "; ".join(filter(None, (f"not trading: {status}", reason)))

    def _why_not(self, instrument: InstrumentId) -> str:
        view = self.view(instrument, 1)
        if view is not None:
            return f"no live book of {instrument}: {view.status.value} ({view.reason})"
        reason = self.collector(instrument.exchange).status().reason or "nobody asked for it"
        return f"no live book of {instrument}: {reason}"

    def _known_lists(self) -> dict[str, Spellings]:
        return {name: self._listed(name) for name in self._collectors if self.loaded(name)}

    def _listed(self, exchange: str) -> Spellings:
        """Every spelling of an exchange's instruments; made anew with each new list."""
        listed, collector = self.instruments(exchange), self.collector(exchange)
        name = collector.exchange.name
        cached = self._spellings.get(name)
        if cached is None or cached[0] is not listed:
            made = Spellings(listed.values(), collector.clashing())
            cached = self._spellings[name] = (listed, made)
        return cached[1]
