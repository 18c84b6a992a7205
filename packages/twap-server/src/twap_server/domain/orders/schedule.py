"""Compute when slices are due and how much should be filled by then. Pure, exact, on demand.

Contract section 4: slice *i* is due at ``start + i·interval``, all strictly before the end; the target after
slice *i* is what the curve wants by the end of its bucket, in whole lots, and the last equals ``Q``. For TWAP
that is ``C_i = floor_lot(Q · min((i+1)·interval, T) / T)``. Cumulative rounding, so nothing drifts and no
dust is left. A curve that is not straight may want less in a slice than an exchange takes: what it wants
then comes in steps of that size. One curve, ``pov``, follows the traded volume instead of the time.

After an amendment the same rule holds for what is left: slices ``first``… from ``start``, the curve rising
from ``base`` to the new quantity.

``randomize`` of r percent moves a slice later inside its bucket by up to r percent of it, and leaves up to r
percent of its size to the next slice: the curve stays the bound. What is drawn depends on the seed and the
slice alone, so a restart, a preview and a replay draw the same.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from twap_server.domain import exact
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.orders import draws
from twap_server.domain.orders.curves import LINEAR, AtOnce, Curve, Linear, Participation
from twap_server.domain.orders.terms import Plan

CATCH_UP_CAP = 3
"""A catching-up slice wants at most this many times the equal slice."""

_LAST_LOOK = SECOND
"""So long before the end an order that follows the volume looks for the last time: it counts what came."""
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """An order's time grid and target curve. ``quantity`` and ``base`` lie on the lot grid."""

    quantity: Decimal
    lot_size: Decimal
    start: Nanos
    end: Nanos
    interval: int
    count: int
    """Of the whole order, slices before ``first`` included."""
    first: int = 0
    base: Decimal = ZERO
    curve: Curve = LINEAR
    step: Decimal = ZERO
    """What the curve wants comes in multiples of this; 0: of the lot."""
    randomize: Decimal = ZERO
    """Percent, 0 to 50."""
    seed: bytes = b""
    lots: int = field(init=False, repr=False)
    """That the curve rises by."""
    most: Decimal = field(init=False, repr=False)
    """That a slice may want while catching up: 3 × the equal slice, rounded up to the lot; of a sweep all."""
    lots_a_step: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Work out once what every slice needs."""
        rise = exact.subtract(self.quantity, self.base)
        lots = exact.whole(rise, self.lot_size) if self.lot_size else 0  # none where nothing was recognised
        step = exact.whole(self.step, self.lot_size) if self.step else 1
        equal = max(step, -(-lots // max(1, self.count - self.first)))
        most = lots if isinstance(self.curve, AtOnce) else CATCH_UP_CAP * equal
        object.__setattr__(self, "lots", lots)
        object.__setattr__(self, "lots_a_step", step)
        object.__setattr__(self, "most", exact.multiply(Decimal(most), self.lot_size))

    def due(self, index: int) -> Nanos:
        """When slice ``index`` is due; never before its bucket begins."""
        begin = self.start + (index - self.first) * self.interval
        if index == self.count - 1 and self.follows_volume:
            return self.end - min(_LAST_LOOK, (self.end - begin) // 2)  # type: ignore[return-value]  # as below
        if self.randomize:
            begin += self._draw(index, b"time", self.window_end(index) - begin)
        return begin  # type: ignore[return-value]  # Nanos() costs as much again, several times a slice

    def begin(self, index: int) -> Nanos:
        """When the slice's bucket begins."""
        return self.start + (index - self.first) * self.interval  # type: ignore[return-value]  # as above

    def window_end(self, index: int) -> Nanos:
        """When the slice's bucket ends: the next one's begin, or the end."""
        if index >= self.count - 1:
            return self.end
        following = self.start + (index + 1 - self.first) * self.interval
        return following if following < self.end else self.end  # type: ignore[return-value]  # as above

    @property
    def follows_volume(self) -> bool:
        """Whether what others trade decides how much is wanted, instead of the time."""
        return isinstance(self.curve, Participation)

    def share_of(self, traded: Decimal) -> Decimal:
        """Cumulative quantity wanted when others have traded ``traded`` since the order began.

        Only where the curve ``follows_volume``; whatever was amended, it is a share of all of that.
        """
        assert isinstance(self.curve, Participation)
        whole = exact.whole(self.quantity, self.lot_size)
        wanted = self.curve.lots_for(traded, self.lot_size)
        wanted = whole if wanted >= whole else self._in_steps(wanted, whole)
        return exact.multiply(Decimal(wanted), self.lot_size)

    def target(self, index: int) -> Decimal:
        """Cumulative quantity wanted once slice ``index`` is done; ``base`` before the first.

        Where the curve follows the volume it is an estimate, as if that came evenly: see ``share_of``.
        """
        if index < self.first:
            return self.base
        if index >= self.count - 1:
            return self.quantity
        return exact.add(self.base, exact.multiply(Decimal(self.risen(index)), self.lot_size))

    def risen(self, index: int) -> int:
        """Whole lots above ``base`` of the target of a slice before the last one."""
        lots = self._curve(index)
        if self.randomize and not isinstance(self.curve, AtOnce):
            lots -= self._draw(index, b"size", lots - self._curve(index - 1))
        return self._in_steps(lots, self.lots)

    def extent(self, begin: int, end: int) -> tuple[int, int]:
        """The fewest and the most lots that each of the plain slices from ``begin`` up to ``end`` can have.

        The last one of the plan must not be among them: it may be longer, and takes the rest.
        """
        window, part = (self.start, self.end), (self.begin(begin), self.begin(end))
        fewest, most = self.curve.extent(self.lots, window, part, self.interval)
        step = self.lots_a_step
        if step > 1 and self._curve(end - 1) > self.lots - step:
            fewest = 0  # a step is kept for the last slice
        return fewest // step * step, -(-most // step) * step

    def size(self, index: int) -> Decimal:
        """The slice's own part of the curve: sizes sum to what was left at the plan's begin, exactly."""
        return exact.subtract(self.target(index), self.target(index - 1))

    def planned(self, index: int) -> Decimal:
        """What is known beforehand of the slice's size: nothing where the volume decides."""
        return ZERO if self.follows_volume else self.size(index)

    def most_of(self, index: int) -> Decimal:
        """What slice ``index`` may want while catching up: at least its own part of the curve."""
        return self.most if isinstance(self.curve, Linear) else max(self.most, self.size(index))

    def _curve(self, index: int) -> int:
        """Lots above ``base`` that the plain curve wants once slice ``index`` is done."""
        moment = self.start + max(0, index + 1 - self.first) * self.interval
        moment = moment if moment < self.end else self.end
        return self.curve.lots(self.lots, self.start, self.end, moment)  # type: ignore[arg-type]  # as above

    def _in_steps(self, lots: int, whole: int) -> int:
        """So many of them that this slice, and the last one after it, are a step at least or nothing."""
        step = self.lots_a_step
        return lots if step == 1 else max(0, min(lots, whole - step) // step * step)

    def _draw(self, index: int, what: bytes, most: int) -> int:
        """A whole number from 0 up to ``randomize`` percent of ``most``, the same whenever asked for."""
        share = exact.multiply(self.randomize, Decimal(draws.drawn(self.seed, what, index)))
        return exact.whole(exact.multiply(share, Decimal(most)), _HUNDRED * (1 << draws.BITS))


def schedule_of(plan: Plan, *, lot_size: Decimal, randomize: Decimal, seed: bytes) -> Schedule:
    """The grid and curve of a plan; ``seed`` is what ``randomize`` draws from."""
    return Schedule(
        quantity=plan.quantity,
        lot_size=lot_size,
        start=plan.start,
        end=plan.end,
        interval=plan.interval,
        count=plan.slice_count,
        first=plan.first,
        base=plan.base,
        curve=plan.curve,
        step=plan.step,
        randomize=randomize,
        seed=seed,
    )


def slice_count(length: int, interval: int) -> int:
    """``ceil(T / interval)``, at least one."""
    return max(1, -(-length // interval))


def merged(lots: int, *, smallest: int, length: int, interval: int) -> tuple[int, int]:
    """Interval and number of slices such that none is smaller than the smallest the exchange takes.

    Args:
        lots: what is to be sliced, at least ``smallest``.
        smallest: lots that each slice must have.
        length: nanoseconds from the first slice's begin to the end.
        interval: the interval asked for.

    Returns:
        The interval and the count. Where slices would be too small it is the whole window in equal parts, as
        many as there can be; a last slice cut too short by the end joins the one before it.
    """
    if lots * interval // length < smallest:
        interval = -(-length // max(1, lots // smallest))
    count = slice_count(length, interval)
    last = lots - lots * (count - 1) * interval // length
    return interval, count - 1 if count > 1 and last < smallest else count
