"""Follow the candles of one instrument and interval: build the one that forms, fetch each that has ended.

Trades come by ``on_trade``, time by ``tick``. Of the exchange its own candle is asked for at the begin and
after a gap, until it is proven which trades that one holds (``domain/market/seed_proof.py``), and once for
each interval that has ended: what is told as closed is the exchange's own.
"""

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Final, TypeAlias

from twap_models.enums import Interval
from twap_server.api.ports import MarketData
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import TwapError
from twap_server.domain.market.candles import bucket_end
from twap_server.domain.market.events import BookStatus, Candle, Trade
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.live_candle import Ended, LiveCandle
from twap_server.domain.market.seed_proof import Seed

log = logging.getLogger(__name__)

_WAITS: Final = (2.0, 4.0, 3.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds from one question for the forming candle to the next, while it is not proven; the last again."""
_SETTLED: Final = 10 * SECOND
"""An exchange may still write to a candle so long after its end."""
_SURE: Final = 2 * SECOND
"""So long after the end all its trades have come."""
_CLOSING: Final = (2.0, 2.0, 3.0, 4.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds from the end of an interval to the first question for its candle, and then to the next ones."""

Spawn: TypeAlias = Callable[[Coroutine[Any, Any, None]], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleState:
    """What there is to tell of a candle that is forming."""

    candle: Candle
    is_exact: bool
    status: BookStatus
    reason: str


class CandleFollower:
    """One live candle, however many read it."""

    def __init__(
        self,
        market: MarketData,
        clock: Clock,
        instrument: InstrumentId,
        interval: Interval,
        *,
        spawn: Spawn,
        on_known: Callable[[], None],
        on_closed: Callable[[Candle], None],
    ) -> None:
        """Follow from now on.

        Args:
            market: books, trades and candles.
            clock: time.
            instrument: whose book is held.
            interval: of the candles.
            spawn: runs a task until it ends, or all of it does.
            on_known: told when there is a candle to show where there was none.
            on_closed: told of each candle that has ended; the exchange's own.
        """
        self._market, self._clock = market, clock
        self._instrument, self._interval = instrument, interval
        self._spawn, self._on_known, self._on_closed = spawn, on_known, on_closed
        self._is_over = False
        known = market.recent_trades(instrument)
        self._live = LiveCandle(interval, known[0].ts_received if known else clock.now())
        self._ended = [ended for trade in known for ended in self._live.add(trade)]
        """Of what was known, to be told with the start."""
        self._ended += self._live.advance(clock.now())
        self._live.doubt()
        self._was_lost = self._view()[0] is not BookStatus.LIVE
        self._proving: Nanos | None = None
        """Of the count that is being proven: since when it counts."""
        self._closing = Nanos(-1)
        """The newest interval whose own candle was asked for."""
        self._told: Candle | None = None
        """The newest that was told as closed."""

    def start(self) -> None:
        """Ask the exchange for what was traded before, and for the candle that ended last."""
        self._end(self._ended[-1:])

    def stop(self) -> None:
        """Ask nothing more and tell nothing more."""
        self._is_over = True

    def on_trade(self, trade: Trade) -> None:
        """Count a trade. Never blocks, never raises."""
        self._end(self._live.add(trade))

    def on_status(self) -> None:
        """Look at the feed: after it was lost trades may be missing."""
        status, _ = self._view()
        if status in (BookStatus.STALE, BookStatus.DOWN):
            self._was_lost = True
        elif status is BookStatus.LIVE and self._was_lost:
            self._was_lost = False
            self._live.interrupt(self._clock.now())

    def tick(self) -> None:
        """Let time pass."""
        self.on_status()
        self._end(self._live.advance(self._clock.now()))

    def state(self) -> CandleState | None:
        """The candle as it is; None while nothing is known to have been traded in its interval."""
        candle = self._live.current()
        if candle is None:
            return None
        status, reason = self._view()
        return CandleState(candle=candle, is_exact=self._live.is_exact, status=status, reason=reason)

    @property
    def newest_closed(self) -> Candle | None:
        """The newest candle that is known to have ended; None before one is known."""
        return self._told

    def _view(self) -> tuple[BookStatus, str]:
        view = self._market.view(self._instrument, 1)
        return (BookStatus.DOWN, "the book is being fetched") if view is None else (view.status, view.reason)

    async def _prove(self) -> None:
        """Ask for the forming candle until it is proven which trades it holds."""
        began = self._live.counting_since
        for wait in chain(_WAITS, repeat(_WAITS[-1])):
            if self._is_over or self._live.is_exact or self._live.counting_since != began:
                return
            try:
                self._take(await self._ask_forming(), began)
            except TwapError as error:
                log.debug("no forming candle of %s: %s", self._instrument, error)
            await self._clock.sleep(wait)

    def _take(self, seed: Seed, began: Nanos) -> None:
        was_known = self._live.current() is not None
        self._live.take(seed, began=began)
        if not (was_known or self._is_over) and self._live.current() is not None:
            self._on_known()

    async def _ask_forming(self) -> Seed:
        asked_at = self._clock.now()
        newest = await self._newest()
        answered_at = self._clock.now()
        if newest is not None and newest.closed:
            self._end([Ended(newest.open_time, None, False)])
        return Seed(newest, asked_at, answered_at)

    async def _newest(self, open_time: Nanos | None = None) -> Candle | None:
        """The newest candle, or the one that opens then."""
        found = await self._market.klines(
            self._instrument.exchange,
            self._instrument.symbol,
            interval=self._interval,
            limit=1,
            start=open_time,
            end=open_time,
        )
        return found.candles[-1] if found.candles else None

    def _end(self, ended: list[Ended]) -> None:
        for one in ended:
            if one.open_time > self._closing:
                self._closing = one.open_time
                self._spawn(self._close(one))
        if not self._live.is_exact and self._proving != self._live.counting_since:
            self._proving = self._live.counting_since
            self._spawn(self._prove())

    async def _close(self, ended: Ended) -> None:
        """Tell the exchange's own candle of an interval that has ended, once it is sure to be whole."""
        end = bucket_end(ended.open_time, self._interval)
        first, *waits = _CLOSING
        await self._clock.sleep((end - self._clock.now()) / SECOND + first)
        for wait in waits:
            if self._is_over:
                return
            asked_at = self._clock.now()
            try:
                found = await self._newest(ended.open_time)
            except TwapError as error:
                log.debug("no candle of %s: %s", self._instrument, error)
            else:
                if found is not None and _is_whole(found, ended, asked_at=asked_at, end=end):
                    self._tell(found)
                    return
                if found is None and asked_at >= end + (_SETTLED if ended.candle else _SURE):
                    return  # nothing was traded
            await self._clock.sleep(wait)

    def _tell(self, closed: Candle) -> None:
        is_new = self._told is None or closed.open_time > self._told.open_time
        if is_new and not self._is_over:
            self._told = closed
            self._on_closed(closed)


def _is_whole(found: Candle, ended: Ended, *, asked_at: Nanos, end: Nanos) -> bool:
    """Whether the exchange writes to it no more: it is what we counted ourselves, or old enough."""
    if not found.closed:
        return False
    ours = ended.candle
    is_ours = (
        ended.is_exact
        and ours is not None
        and (found.open, found.high, found.low, found.close, found.volume)
        == (ours.open, ours.high, ours.low, ours.close, ours.volume)
    )
    return asked_at >= end + (_SURE if is_ours else _SETTLED)
