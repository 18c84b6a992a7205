"""Show a market to its readers: what is listed, and the books of a registry, whoever collects them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from twap_models.enums import AGGREGATE, Integrity, Interval
from twap_models.names import exchange_name
from twap_server.books.interest import BookInterest, Holding
from twap_server.books.live import LiveBook
from twap_server.books.registry import BookRegistry
from twap_server.books.waiting import become_live
from twap_server.collector.config import CollectorConfig
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import (
    BookUnavailable,
    ExchangeUnavailable,
    UnknownExchange,
    UnknownSymbol,
)
from twap_server.domain.market.events import BookState, CandleRange, Trade
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId
from twap_server.domain.market.status import ExchangeStatus
from twap_server.domain.market.symbology import Spellings, everywhere, not_listed, the_one
from twap_server.exchanges.taker_fees import published_fee


class ExchangeSource(Protocol):
    """One exchange, as a market knows it."""

    @property
    def name(self) -> str:
        """Of the exchange."""
        ...

    @property
    def integrity(self) -> Integrity:
        """How its books are proven."""
        ...

    @property
    def loaded(self) -> bool:
        """Whether the list of instruments is known."""
        ...

    def instruments(self) -> Mapping[str, Instrument]:
        """Canonical symbol to instrument: another mapping for each new list."""
        ...

    def clashing(self) -> Iterable[Instrument]:
        """The listed instruments that share their canonical name, and so cannot be found."""
        ...

    def trading_status(self, symbol: str) -> str:
        """``trading``, or why not; ``trading`` too while no list is known."""
        ...

    def status(self) -> ExchangeStatus:
        """How it is reached now."""
        ...

    async def klines(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start: Nanos | None,
        end: Nanos | None,
    ) -> CandleRange:
        """Candles, oldest first.

        Raises:
            UnknownSymbol, ExchangeUnavailable.
        """
        ...


Source = TypeVar("Source", bound=ExchangeSource)


class ShownMarket(Holding, Generic[Source]):
    """All exchanges; who makes one fills ``sources`` and the registry."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        config: CollectorConfig,
        *,
        registry: BookRegistry,
        interest: BookInterest,
        clock: Clock,
    ) -> None:
        """Args: sources: by the exchanges' names; registry: where the books are; interest: what is wanted."""
        super().__init__(interest)
        self.registry = registry
        self._sources, self._config, self._clock = sources, config, clock
        self._spellings: dict[str, tuple[Mapping[str, Instrument], Spellings]] = {}

    def exchanges(self) -> list[ExchangeStatus]:
        """List the exchanges and how each is reached."""
        return [source.status() for source in self._sources.values()]

    def loaded(self, exchange: str) -> bool:
        """Tell whether the exchange's instruments are known.

        Raises:
            UnknownExchange: not collected here.
        """
        return self.source(exchange).loaded

    def instruments(self, exchange: str) -> Mapping[str, Instrument]:
        """Return canonical symbol to instrument.

        Raises:
            UnknownExchange: not collected here.
            ExchangeUnavailable: the list is not loaded yet.
        """
        source = self.source(exchange)
        if not source.loaded:
            why = source.status().reason
            raise ExchangeUnavailable(f"the instruments of {source.name} are not known yet: {why}")
        return source.instruments()

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
            name = self.source(exchange).name
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
        for name in self._sources:
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
        source = self.source(exchange)
        return await source.klines(instrument, interval, limit=limit, start=start, end=end)

    def view(self, instrument: InstrumentId, depth: int) -> BookState | None:
        """Return at most ``depth`` levels a side, None where nobody wants the book.

        ``reason`` says so where the instrument does not trade, whatever the book is.
        """
        view = self.registry.view(instrument, depth)
        if view is None or self.trading_status(instrument) == TRADING:
            return view
        return replace(view, reason=self.with_trading(instrument, view.reason))

    def trading_status(self, instrument: InstrumentId) -> str:
        """Return ``trading``, or why it does not trade; ``trading`` too while no list is known.

        ``limit_only`` takes orders with a limit, ``delisted`` is for good, every other word may pass.
        """
        found = self._sources.get(instrument.exchange)
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
        return self.source(exchange).integrity is not Integrity.NONE

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
        is_live = await become_live(self, [instrument], self._clock, within=round(timeout * SECOND))
        view = self.registry.view(instrument, depth)
        if not is_live or view is None:
            raise BookUnavailable(self._why_not(instrument))
        return view

    def source(self, exchange: str) -> Source:
        """Return one exchange, as it is known here.

        Raises:
            UnknownExchange: not collected here; the message names those that are.
        """
        name = exchange_name(exchange)
        found = self._sources.get(name)
        if found is None:
            names = ", ".join(sorted(self._sources))
            if name == AGGREGATE:
                raise UnknownExchange(f"{name} has books and orders only: name one exchange of: {names}")
            raise UnknownExchange(f"no exchange {exchange[:40]!r} here; there are: {names}")
        return found

    def with_trading(self, instrument: InstrumentId, reason: str) -> str:
        """A book's reason, and before it that its instrument does not trade."""
        status = self.trading_status(instrument)
        return reason if status == TRADING else "; ".join(filter(None, (f"not trading: {status}", reason)))

    def _why_not(self, instrument: InstrumentId) -> str:
        view = self.view(instrument, 1)
        if view is not None:
            return f"no live book of {instrument}: {view.status.value} ({view.reason})"
        reason = self.source(instrument.exchange).status().reason or "nobody asked for it"
        return f"no live book of {instrument}: {reason}"

    def _known_lists(self) -> dict[str, Spellings]:
        return {name: self._listed(name) for name in self._sources if self.loaded(name)}

    def _listed(self, exchange: str) -> Spellings:
        """Every spelling of an exchange's instruments; made anew with each new list."""
        listed, source = self.instruments(exchange), self.source(exchange)
        name = source.name
        cached = self._spellings.get(name)
        if cached is None or cached[0] is not listed:
            made = Spellings(listed.values(), source.clashing())
            cached = self._spellings[name] = (listed, made)
        return cached[1]
