"""Sum up recent trades for each instrument; bounded, and small: sums are kept, not trades.

In: trades as they are received. Out: the volume since a moment, by subtracting two sums. Moments are cut to
the microsecond, as a recording has them: whoever plays it remembers the same ones, and forgets the same ones.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from twap_server.domain import exact
from twap_server.domain.clock import MICROSECOND, Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.market.events import Trade
from twap_server.domain.market.instrument import InstrumentId

_MOST: Final = 10_000
_SPARE: Final = 1_000
"""How many more are kept until as many are forgotten at once."""
_NOTHING: Final = (ZERO, ZERO)


class _Traded:
    """What was traded of one instrument: moments of receipt, ascending, and the base currency up to each."""

    __slots__ = ("before", "moments", "sums", "totals")

    def __init__(self) -> None:
        self.totals = _NOTHING
        """Base and quote currency."""
        self.forget()

    def forget(self) -> None:
        """Remember no moment."""
        self.before = self.totals[0]
        """Traded before the first moment that is remembered."""
        self.moments = array("q")
        self.sums: list[Decimal] = []

    def count(self, base: Decimal, quote: Decimal, moment: Nanos) -> None:
        """Count what was traded; a clock that goes back does not take the moments back with it."""
        base, quote = exact.add(self.totals[0], base), exact.add(self.totals[1], quote)
        self.totals = (base, quote)
        moment -= moment % MICROSECOND  # type: ignore[assignment]  # Nanos() costs as much again, each trade
        if self.moments and moment <= self.moments[-1]:
            self.sums[-1] = base
            return
        self.moments.append(moment)
        self.sums.append(base)
        if len(self.sums) > _MOST + _SPARE:
            self.before = self.sums[_SPARE - 1]
            del self.moments[:_SPARE], self.sums[:_SPARE]

    def since(self, moment: Nanos) -> Decimal:
        """Traded after a moment."""
        if not self.sums:
            return ZERO
        at = bisect_right(self.moments, moment)
        return exact.subtract(self.sums[-1], self.sums[at - 1] if at else self.before)


class TradedVolume:
    """The last 10,000 moments at which something was traded, of each instrument, and all it adds up to."""

    def __init__(self) -> None:
        self._traded: dict[InstrumentId, _Traded] = {}
        self._listeners: list[Callable[[InstrumentId, Trade], None]] = []

    def listen(self, callback: Callable[[InstrumentId, Trade], None]) -> None:
        """Call ``callback`` on each trade; it must neither block nor raise."""
        self._listeners.append(callback)

    def add(self, instrument: InstrumentId, trade: Trade) -> None:
        """Count a trade."""
        traded = self._traded.get(instrument) or self._begin(instrument)
        traded.count(trade.quantity, exact.multiply(trade.price, trade.quantity), trade.ts_received)
        for callback in self._listeners:
            callback(instrument, trade)

    def make_up(self, instrument: InstrumentId, base: Decimal, quote: Decimal, moment: Nanos) -> None:
        """Count what was traded and not received trade by trade, as of this moment; no listener hears of it.

        Args:
            instrument: of which.
            base, quote: in these currencies, not negative.
            moment: wall time at which it became known.
        """
        traded = self._traded.get(instrument) or self._begin(instrument)
        traded.count(base, quote, moment)

    def volume_since(self, instrument: InstrumentId, since: Nanos) -> Decimal:
        """Sum the quantity of the trades received after ``since``, in base currency.

        Only what is still remembered counts: of very many trades the sum is too low, never too high.
        """
        traded = self._traded.get(instrument)
        return ZERO if traded is None else traded.since(since)

    def totals(self, instrument: InstrumentId) -> tuple[Decimal, Decimal]:
        """Base and quote currency traded since the start; never goes down."""
        traded = self._traded.get(instrument)
        return _NOTHING if traded is None else traded.totals

    def _begin(self, instrument: InstrumentId) -> _Traded:
        traded = self._traded[instrument] = _Traded()
        return traded

    def forget(self, instrument: InstrumentId) -> None:
        """Remember no moment of an instrument any more; what its trades add up to stays."""
        if (traded := self._traded.get(instrument)) is not None:
            traded.forget()
