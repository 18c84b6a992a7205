"""When slices are due and how much the curve wants by then. Pure, exact, computed on demand.

Contract section 4: slice *i* is due at ``start + i·interval``, all strictly before the end; the target after
slice *i* is ``C_i = floor_lot(Q · min((i+1)·interval, T) / T)`` and the last equals ``Q``. Cumulative
rounding, so nothing drifts and no dust is left. Integers carry the curve: lots and nanoseconds.
"""

from dataclasses import dataclass
from decimal import Decimal

from twap_server.domain import exact
from twap_server.domain.clock import Nanos

CATCH_UP_CAP = 3
"""A catching-up slice wants at most this many times the equal slice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """An order's time grid and target curve. ``quantity`` lies on the lot grid."""

    quantity: Decimal
    lot_size: Decimal
    start: Nanos
    end: Nanos
    interval: int
    count: int

    def due(self, index: int) -> Nanos:
        """When slice ``index`` is due."""
        return Nanos(self.start + index * self.interval)

    def window_end(self, index: int) -> Nanos:
        """When the next slice is due, or the end."""
        return Nanos(min(self.due(index + 1), self.end))

    def target(self, index: int) -> Decimal:
        """Cumulative quantity wanted once slice ``index`` is done; 0 before the first."""
        if index < 0:
            return Decimal(0)
        if index >= self.count - 1:
            return self.quantity
        elapsed = min((index + 1) * self.interval, self.end - self.start)
        return exact.multiply(Decimal(self._lots() * elapsed // (self.end - self.start)), self.lot_size)

    def size(self, index: int) -> Decimal:
        """The slice's own part of the curve: sizes sum to the quantity exactly."""
        return exact.subtract(self.target(index), self.target(index - 1))

    def index_at(self, moment: Nanos) -> int:
        """The last slice due at or before ``moment``; -1 before the first, at most the last."""
        if moment < self.start:
            return -1
        return min((moment - self.start) // self.interval, self.count - 1)

    def catch_up_cap(self) -> Decimal:
        """Most that a slice may want while catching up: 3 × the equal slice, rounded up to the lot."""
        equal = -(-self._lots() // self.count)
        return exact.multiply(Decimal(CATCH_UP_CAP * equal), self.lot_size)

    def _lots(self) -> int:
        return exact.whole(self.quantity, self.lot_size)


def slice_count(length: int, interval: int) -> int:
    """``ceil(T / interval)``, at least one."""
    return max(1, -(-length // interval))
