"""What was traded lately, per instrument; bounded."""

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from itertools import takewhile
from typing import Final

from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.instrument import InstrumentId
from twap_server.domain.market import Trade

_MAX_TRADES: Final = 10_000


class Trades:
    """At most 10,000 trades an instrument; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._trades: dict[InstrumentId, deque[Trade]] = {}
        self._totals: dict[InstrumentId, tuple[Decimal, Decimal]] = {}
        self._listeners: list[Callable[[InstrumentId, Trade], None]] = []

    def listen(self, callback: Callable[[InstrumentId, Trade], None]) -> None:
        """Call ``callback`` on each trade; it must neither block nor raise."""
        self._listeners.append(callback)

    def add(self, instrument: InstrumentId, trade: Trade) -> None:
        """Remember a trade."""
        kept = self._trades.get(instrument)
        if kept is None:
            kept = self._trades[instrument] = deque(maxlen=_MAX_TRADES)
        kept.append(trade)
        base, quote = self.totals(instrument)
        self._totals[instrument] = (
            exact.add(base, trade.quantity),
            exact.add(quote, exact.multiply(trade.price, trade.quantity)),
        )
        for callback in self._listeners:
            callback(instrument, trade)

    def volume_since(self, instrument: InstrumentId, since: Nanos) -> Decimal:
        """Sum the quantity of the trades received after ``since``, in base currency.

        Only what is still remembered counts: of more than 10,000 trades the sum is too low, never too high.
        """
        kept = self._trades.get(instrument, deque())
        return exact.total(
            trade.quantity for trade in takewhile(lambda one: one.ts_received > since, reversed(kept))
        )

    def totals(self, instrument: InstrumentId) -> tuple[Decimal, Decimal]:
        """Base and quote currency traded since the start; never goes down."""
        return self._totals.get(instrument, (ZERO, ZERO))

    def since(self, instrument: InstrumentId, since: Nanos) -> list[Trade]:
        """List the trades at or after ``since`` (exchange time), oldest first."""
        kept = self._trades.get(instrument, deque())
        found = list(takewhile(lambda trade: trade.ts_exchange >= since, reversed(kept)))
        return found[::-1]

    def forget(self, instrument: InstrumentId) -> None:
        """Drop an instrument's trades; what they add up to stays."""
        self._trades.pop(instrument, None)
