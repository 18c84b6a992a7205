"""Load one exchange's list of instruments, keep it current, and tell whoever needs it.

Three sources, the newest wins: the whole list, asked for now and then; the status of the instruments that are
wanted, asked for often where the stream does not tell it; what the stream tells. What the exchange says of
itself as a whole counts for each of its instruments.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from random import Random

from twap_server.collector.backoff import backoff_delays
from twap_server.collector.config import CollectorConfig
from twap_server.collector.failures import words_of
from twap_server.collector.history import History
from twap_server.collector.listing import by_symbol, in_words, merged, named_alike
from twap_server.collector.rate_limit import RateLimiter
from twap_server.domain.clock import Clock
from twap_server.domain.errors import TwapError, UnknownSymbol
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.events import TradingStatus
from twap_server.domain.market.instrument import DELISTED, NOT_LISTED, TRADING, UNUSABLE, Instrument, stricter
from twap_server.exchanges.base import Exchange

_log = logging.getLogger(__name__)
_RELOADS, _RELOADS_WINDOW_S = 6, 600
"""How often the whole list is asked for out of turn."""


class InstrumentList:
    """One exchange's instruments, by canonical symbol, with the status that counts now."""

    def __init__(
        self,
        exchange: Exchange,
        history: History,
        config: CollectorConfig,
        clock: Clock,
        rng: Random,
        *,
        known: Iterable[Instrument],
        wanted: Callable[[], Iterable[str]],
        on_change: Callable[[], None],
        on_loaded: Callable[[Mapping[str, Instrument]], None],
    ) -> None:
        """Build it; ask nothing yet.

        Args:
            exchange: whose.
            history: how to ask it.
            config: how often.
            clock: time.
            rng: chance, for jitter only.
            known: a list from before.
            wanted: the canonical symbols somebody wants now.
            on_change: called after every change.
            on_loaded: called with each newly loaded list, as the exchange gave it.
        """
        self.market_status = TRADING
        """What the exchange says of itself: ``trading``, or its own word."""
        self.failure = "the list of instruments is not loaded yet"
        """Why the list could not be loaded; empty once it was."""
        self._failed = ""
        """What was last logged of it."""
        self.is_loaded = asyncio.Event()
        self.instruments: Mapping[str, Instrument] = {}
        """With the status that counts: what the exchange says of itself is in it."""
        self.clashing: tuple[Instrument, ...] = ()
        """Left out of the newest list: several have one canonical name, and which is meant cannot be told."""
        self._exchange, self._history, self._config = exchange, history, config
        self._clock, self._rng = clock, rng
        self._wanted, self._on_change, self._on_loaded = wanted, on_change, on_loaded
        self._listed: dict[str, Instrument] = {}
        self._gone: dict[str, Instrument] = {}
        """Listed before and missing from the newest list."""
        self._reloads = RateLimiter(clock, amount=_RELOADS, window_s=_RELOADS_WINDOW_S)
        self._doubted = asyncio.Event()
        self._told: set[str] = set()
        """Symbols of which the stream told a change."""
        self._take({one.id.symbol: one for one in known})

    @property
    def gone(self) -> Mapping[str, Instrument]:
        """What was listed before and is missing from the newest list, by canonical symbol."""
        return self._gone

    def trading_status(self, symbol: str) -> str:
        """Return ``trading``, or why not; ``trading`` too while no list is known."""
        found = self.instruments.get(symbol) or self._gone.get(symbol)
        if found is not None:
            return found.status
        return NOT_LISTED if self._listed else TRADING

    def doubt(self) -> None:
        """Load the list anew soon: something shows that it is not true any more."""
        self._doubted.set()

    def hear(self, told: TradingStatus) -> None:
        """Take in what the stream tells of an instrument, or of the whole exchange."""
        if told.symbol is None:
            if told.status != self.market_status:
                _log.warning("%s reports its status: %s", self._exchange.name, told.status)
                self.market_status = told.status
                self._take(self._listed)
            return
        listed = self._listed.get(told.symbol)
        if listed is not None and listed.status != told.status:
            self._told.add(told.symbol)
            self._update([replace(listed, status=told.status)])

    def unheard(self) -> None:
        """Note that nobody listens to the stream: what it told may be over without our hearing of it."""
        self.hear(TradingStatus(symbol=None, status=TRADING))
        self._told = {one for one in self._told if self.trading_status(one) != TRADING}
        if self._told:
            self.doubt()

    async def keep(self) -> None:
        """Load the list now, then again and again, for ever."""
        waits = self._new_waits()
        while True:
            try:
                self._replace(await self._history.instruments())
            except TwapError as error:
                if words_of(error) != self._failed:
                    _log.warning("instruments not loaded: %s", error)
                self.failure, self._failed = str(error), words_of(error)
                await self._clock.sleep(next(waits))
                continue
            waits = self._new_waits()
            await self._until_due()

    async def watch(self) -> None:
        """Ask for the status of what is wanted, where the stream does not tell it, for ever."""
        while True:
            await self._clock.sleep(self._config.status_refresh_s)
            wanted = [self._listed[one] for one in sorted(self._wanted()) if one in self._listed]
            try:
                self._update(await self._history.statuses(wanted))
            except UnknownSymbol:
                self.doubt()
            except TwapError as error:
                _log.info("%s: status not known: %s", self._exchange.name, error)
            await self._look_for_the_gone()

    async def _look_for_the_gone(self) -> None:
        """Ask for the books of what left the list and is wanted: only the answer says that it is delisted."""
        for symbol in sorted(self._gone.keys() & set(self._wanted())):
            missing = self._gone[symbol]
            if missing.status == DELISTED:
                continue
            try:
                await self._history.snapshot(missing)
            except UnknownSymbol:
                if symbol in self._gone:
                    _log.warning("%s is delisted", missing.id)
                    self._gone[symbol] = replace(missing, status=DELISTED)
                    self._on_change()
            except TwapError as error:
                _log.info("%s: whether it is delisted is not known: %s", missing.id, error)

    async def _until_due(self) -> None:
        """Wait for the next turn, or until the list is doubted and may be asked for again."""
        try:
            async with asyncio.timeout(self._config.instruments_refresh_s):
                await self._doubted.wait()
        except TimeoutError:
            return
        await self._reloads.spend()
        self._doubted.clear()

    def _replace(self, found: Entries[Instrument]) -> None:
        if found.left_out:
            _log.warning("%s instruments: %s", self._exchange.name, in_words(found.left_out))
        own, self.clashing = by_symbol(found.found)
        if self.clashing:
            _log.warning("%s instruments: %s", self._exchange.name, named_alike(self.clashing))
        listed = merged(own, found.left_out, self._listed)
        gone = {**self._gone, **self._listed}
        self._gone = {
            symbol: one if one.status == DELISTED else replace(one, status=NOT_LISTED)
            for symbol, one in gone.items()
            if symbol not in listed
        }
        self.failure = self._failed = ""
        self._take(listed)
        self._on_loaded(listed)

    def _update(self, newer: Iterable[Instrument]) -> None:
        changed = [one for one in newer if self._listed.get(one.id.symbol, one) != one]
        for one in changed:
            if (before := self._listed[one.id.symbol].status) != one.status:
                _log.warning("%s: %s, was %s", one.id, one.status, before)
        if changed:
            self._take(self._listed | {one.id.symbol: one for one in changed})

    def _take(self, listed: dict[str, Instrument]) -> None:
        if not listed:
            return
        self._listed = listed
        self.instruments = {symbol: self._as_it_counts(one) for symbol, one in listed.items()}
        self._exchange.learn(listed.values())
        self.is_loaded.set()
        self._on_change()

    def _as_it_counts(self, one: Instrument) -> Instrument:
        status = stricter(self.market_status, one.status)
        if one.fault:
            status = UNUSABLE
        return one if status == one.status else replace(one, status=status)

    def _new_waits(self) -> Iterator[float]:
        return backoff_delays(
            self._rng, initial_ms=self._config.backoff_initial_ms, cap_s=self._config.backoff_max_s
        )
