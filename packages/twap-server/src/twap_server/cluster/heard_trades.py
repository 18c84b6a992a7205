"""Count the trades that a collector tells, and make up for those that were lost.

Each message says what all trades of its epoch add up to. What was not counted here was lost: it is counted
then, though who listens to each trade does not hear of it. What is counted here never goes down.
"""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from twap_server.books.recent_trades import MOST_RECENT
from twap_server.books.registry import BookRegistry
from twap_server.cluster.market_messages import TradedSoFar, TradeTold
from twap_server.domain import exact
from twap_server.domain.clock import Clock
from twap_server.domain.exact import ZERO
from twap_server.domain.market.events import Trade
from twap_server.domain.market.instrument import InstrumentId

_Totals = tuple[Decimal, Decimal]
_NOTHING: Final = (ZERO, ZERO)


class HeardTrades:
    """Of one instrument, since its book is wanted here."""

    def __init__(self, instrument: InstrumentId, registry: BookRegistry, clock: Clock) -> None:
        """Count from now on: what was traded before is not counted."""
        self.epoch = 0
        self._instrument, self._registry, self._clock = instrument, registry, clock
        self._number: int | None = None
        """Of the last trade that was counted; None: nothing is known yet."""
        self._due = 0
        """A number that the last pulse told and that had not come then."""
        self._begin: _Totals = _NOTHING
        """What the collector had counted when it had told nothing here yet."""
        self._before: _Totals = registry.trades.totals(instrument)
        """What was counted here then."""
        self._recent: deque[tuple[int, Trade]] = deque(maxlen=MOST_RECENT)

    def hear(self, told: TradeTold) -> None:
        """Count a trade."""
        if not self._is_of_now(told.epoch) or (self._number is not None and told.number <= self._number):
            return
        trade = told.trade(self._instrument.symbol)
        own = (trade.quantity, exact.multiply(trade.price, trade.quantity))
        before = _less((told.base, told.quote), own)
        if self._number is None:
            self._begin = before
        self._make_up(before)
        self._number = told.number
        self._recent.append((told.number, trade))
        self._registry.trades.add(self._instrument, trade)

    def compare(self, epoch: int, told: TradedSoFar) -> None:
        """Compare with a pulse. A trade that it knows, and that has not come by the one after, is lost."""
        if not self._is_of_now(epoch):
            return
        if self._number is None:
            self._begin_with(told)
        elif told.number == self._number or self._number < self._due <= told.number:
            self._number = told.number
            self._make_up((told.base, told.quote))
        self._due = told.number

    def show(self, epoch: int, newest: Sequence[Trade], told: TradedSoFar) -> None:
        """Show the newest trades as the collector has them, and those heard after."""
        if not self._is_of_now(epoch):
            return
        if self._number is None:
            self._begin_with(told)
        later = [trade for number, trade in self._recent if number > told.number]
        self._registry.recent_trades.replace(self._instrument, [*newest, *later])

    def _is_of_now(self, epoch: int) -> bool:
        """Whether this collector owns the exchange, as far as is known; a new one counts from nothing."""
        if epoch > self.epoch:
            if self.epoch:
                self._number, self._begin = 0, _NOTHING
                self._before = self._registry.trades.totals(self._instrument)
            self.epoch, self._due = epoch, 0
            self._recent.clear()
        return epoch == self.epoch

    def _begin_with(self, told: TradedSoFar) -> None:
        """Count what comes after this: nothing was known before."""
        self._number, self._begin = told.number, (told.base, told.quote)

    def _make_up(self, told: _Totals) -> None:
        """Count what the collector has counted and we have not."""
        counted = _less(self._registry.trades.totals(self._instrument), self._before)
        base, quote = _less(_less(told, self._begin), counted)
        if base > 0 or quote > 0:
            self._registry.trades.make_up(self._instrument, base, quote, self._clock.now())


def _less(totals: _Totals, others: _Totals) -> _Totals:
    return exact.subtract(totals[0], others[0]), exact.subtract(totals[1], others[1])
