"""Say how much of an order should be filled by when: the curves that strategies draw, exact and pure.

A curve spreads whole lots over a window. It is drawn once, at acceptance, and kept as parameters from which
the same lots come again on any machine: integers, and ``Decimal`` at a fixed precision whose ``exp`` is
correctly rounded. No float decides a lot.

A curve is asked for the lots wanted by a moment between begin and end of a window, of so many lots in all; it
never falls, gives 0 at the begin and all at the end. :class:`Participation` is none of these: it follows what
others trade, not the time. Their classes' names tell them apart where they cross to another process.

It also says between which sizes all slices of a part of the window lie, whichever of them is asked for: so
many slices can be judged without looking at each.
"""

from collections.abc import Sequence
from decimal import Context, Decimal
from functools import cached_property, lru_cache
from itertools import accumulate
from math import ceil, floor
from typing import Self, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from twap_server.domain import exact
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.exact import FINE, ONE, QUICK, ZERO

_STRAIGHT = Decimal("1e-9")
"""Below so many half-lives a window is too short for the bend to move a lot: the line is straight."""
_LONG = Decimal("1e20")
"""Above so many half-lives the few digits of ``QUICK`` are not enough."""
_OFF = Decimal("1e-18")
"""So far they may be off, of all; see ``_decayed_lots``."""
_DIFFERENCE_OFF = 3 * _OFF
"""So far a difference of two may be off, with what is rounded in between."""
_REMEMBERED = 8_192
_HUNDRED = Decimal(100)

Span: TypeAlias = tuple[Nanos, Nanos]
"""Begin and end."""


class Linear(Struct, frozen=True, gc=False, tag=True):
    """The same in every equal part of the window: TWAP."""

    def lots(self, total: int, begin: Nanos, end: Nanos, moment: Nanos) -> int:
        """Lots wanted by ``moment``, of ``total``."""
        return total * (moment - begin) // (end - begin)

    def extent(self, total: int, window: Span, part: Span, length: int) -> tuple[int, int]:
        """The fewest and the most lots that a slice of ``length`` in ``part`` of the window can have.

        Its lots are the difference of two numbers rounded down: how far the curve rises, rounded down or up.
        """
        rise, whole = total * length, window[1] - window[0]
        return rise // whole, -(-rise // whole)


class AtOnce(Struct, frozen=True, gc=False, tag=True):
    """All from the begin on: a sweep."""

    def lots(self, total: int, begin: Nanos, end: Nanos, moment: Nanos) -> int:
        """Lots wanted by ``moment``, of ``total``."""
        return total if moment > begin else 0

    def extent(self, total: int, window: Span, part: Span, length: int) -> tuple[int, int]:
        """As of ``Linear``: the slice at the begin has all."""
        return (0, total) if part[0] == window[0] else (0, 0)


class VolumeProfile(Struct, frozen=True, dict=True, tag=True):
    """In step with a market's usual volume: equal parts of a period have weights, and periods repeat.

    Within a part the line is straight. Over any window the weights are taken anew in proportion, so an order
    that came late or was amended follows what is left of the profile. Where the rest has no weight at all,
    the line is straight.
    """

    anchor: Nanos
    """When a period begins: midnight UTC of a day profile, the begin of the window for weights of a user."""
    period: int
    """Nanoseconds that the weights cover."""
    weights: tuple[int, ...]
    """Of equal parts of the period: at least one, none below 0, not all of them 0."""

    @cached_property
    def sums(self) -> tuple[int, ...]:
        """Weights of all parts before each part, and of all parts: added up once."""
        return (0, *accumulate(self.weights))

    def lots(self, total: int, begin: Nanos, end: Nanos, moment: Nanos) -> int:
        """Lots wanted by ``moment``, of ``total``."""
        before = self._until(begin)
        whole = self._until(end) - before
        if not whole:
            return Linear().lots(total, begin, end, moment)
        return total * (self._until(moment) - before) // whole

    def least(self, total: int, begin: Nanos, end: Nanos, length: int) -> int:
        """Lots that no slice of ``length`` nanoseconds falls below, of ``total`` over a window."""
        fewest, _ = self.extent(total, (begin, end), (begin, end), length)
        return fewest - 1 if self._until(end) > self._until(begin) else fewest

    def extent(self, total: int, window: Span, part: Span, length: int) -> tuple[int, int]:
        """As of ``Linear``: by the lightest and the heaviest of the weights that the part touches."""
        whole = self._until(window[1]) - self._until(window[0])
        if not whole:
            return Linear().extent(total, window, part, length)
        weights = self._touched(part)
        rise = total * len(self.weights) * length
        return rise * min(weights) // whole, -(-rise * max(weights) // whole)

    def _touched(self, part: Span) -> Sequence[int]:
        """The weights that hold somewhere between two moments."""
        many = len(self.weights)
        first, last = ((moment - self.anchor) * many // self.period for moment in (part[0], part[1] - 1))
        if last - first >= many:
            return self.weights
        begin, end = first % many, last % many + 1
        return self.weights[begin:end] if begin < end else self.weights[begin:] + self.weights[:end]

    def stretched(self, end: Nanos) -> Self:
        """The same weights from the same begin to another end."""
        return replace(self, period=end - self.anchor)

    def _until(self, moment: Nanos) -> int:
        """Weight from the anchor to a moment, in units of a part's weight times the period."""
        periods, rest = divmod(moment - self.anchor, self.period)
        part, within = divmod(rest * len(self.weights), self.period)
        sums = self.sums
        return (periods * sums[-1] + sums[part]) * self.period + self.weights[part] * within


class Decay(Struct, frozen=True, gc=False, tag=True):
    """Faster at the begin, by the trade-off between cost and risk: Almgren & Chriss 2000, linear impact.

    What is left after ``t`` of ``T`` is ``sinh(κ(T − t)) / sinh(κT)`` of the whole; κ is 1 / half-life.
    """

    kappa: Decimal
    """A second; 0 is a straight line."""

    def lots(self, total: int, begin: Nanos, end: Nanos, moment: Nanos) -> int:
        """Lots wanted by ``moment``, of ``total``."""
        if _bend(self.kappa, end - begin) < _STRAIGHT:
            return Linear().lots(total, begin, end, moment)
        return _decayed_lots(self.kappa, total, moment - begin, end - begin)

    def extent(self, total: int, window: Span, part: Span, length: int) -> tuple[int, int]:
        """As of ``Linear``: each slice is smaller than the one before."""
        whole = window[1] - window[0]
        if _bend(self.kappa, whole) < _STRAIGHT:
            return Linear().extent(total, window, part, length)
        first, last = part[0] - window[0], part[1] - window[0] - length
        most, fewest = (self._risen(total, since, whole, length) for since in (first, last))
        off = QUICK.multiply(Decimal(total), _DIFFERENCE_OFF)
        return max(0, floor(QUICK.subtract(fewest, off))), ceil(QUICK.add(most, off))

    def _risen(self, total: int, since: int, whole: int, length: int) -> Decimal:
        """Lots wanted after ``since`` within ``length``, off by ``_DIFFERENCE_OFF`` of all at most."""
        before, after = (self._nearly_left(elapsed, whole) for elapsed in (since, since + length))
        return QUICK.multiply(Decimal(total), QUICK.subtract(before, after))

    def _nearly_left(self, elapsed: int, whole: int) -> Decimal:
        """As ``left``, with few digits where they are enough."""
        is_enough = _bend(self.kappa, whole) <= _LONG
        return _nearly_left(self.kappa, elapsed, whole) if is_enough else self.left(elapsed, whole)

    def left(self, elapsed: int, length: int) -> Decimal:
        """Share of the whole that is left after ``elapsed`` of ``length``; both in nanoseconds."""
        return _left(FINE, _decayed(self.kappa, length), _decayed(self.kappa, length - elapsed), elapsed)


class Participation(Struct, frozen=True, gc=False, tag=True):
    """A share of what everybody trades: it follows the volume, whatever the time."""

    percent: Decimal
    """Our share of the whole volume, ours included; above 0, below 100."""

    def lots(self, total: int, begin: Nanos, end: Nanos, moment: Nanos) -> int:
        """For estimates only: as if the volume that is needed came evenly."""
        return Linear().lots(total, begin, end, moment)

    def extent(self, total: int, window: Span, part: Span, length: int) -> tuple[int, int]:
        """As of ``Linear``, for estimates only."""
        return Linear().extent(total, window, part, length)

    def lots_for(self, traded: Decimal, lot_size: Decimal) -> int:
        """Whole lots of ours when others traded ``traded``: p/(1 − p) of it, that is p of the whole."""
        ours = exact.multiply(self.percent, traded)
        return exact.whole(ours, exact.multiply(exact.subtract(_HUNDRED, self.percent), lot_size))


Curve: TypeAlias = Linear | AtOnce | VolumeProfile | Decay | Participation

LINEAR = Linear()


@lru_cache(maxsize=_REMEMBERED)
def _bend(kappa: Decimal, length: int) -> Decimal:
    """κ times a length in nanoseconds."""
    return FINE.divide(FINE.multiply(kappa, Decimal(length)), Decimal(SECOND))


@lru_cache(maxsize=_REMEMBERED)
def _decayed_lots(kappa: Decimal, total: int, elapsed: int, length: int) -> int:
    """Lots wanted after ``elapsed`` of ``length``; remembered, for the next slice asks for them again.

    1. Work out the share with few digits. For 1e-9 ≤ κT ≤ 1e20 it is less than 1e-18 off what ``FINE`` gives:
       the factors of e^(-κr) are off by 6e-29 at most, which 1 / κT makes larger.
    2. Where no whole number of lots is as near as that, both are rounded down to the same number.
    3. Else, as at the begin and the end, and beyond these bounds, ``FINE`` decides.
    """
    if _bend(kappa, length) <= _LONG:
        nearly = _done(QUICK, total, _nearly_left(kappa, elapsed, length))
        from_whole = QUICK.abs(QUICK.subtract(nearly, nearly.to_integral_value()))
        if from_whole > QUICK.multiply(Decimal(total), _OFF):
            return int(nearly)
    exactly = _left(FINE, _decayed(kappa, length), _decayed(kappa, length - elapsed), elapsed)
    return min(total, max(0, int(_done(FINE, total, exactly))))


@lru_cache(maxsize=_REMEMBERED)
def _nearly_left(kappa: Decimal, elapsed: int, length: int) -> Decimal:
    """What is left, with few digits; remembered, for neighbours ask for the same."""
    return _left(QUICK, _decayed(kappa, length), _nearly_decayed(kappa, length - elapsed), elapsed)


def _done(context: Context, total: int, left: Decimal) -> Decimal:
    return context.multiply(Decimal(total), context.subtract(ONE, left))


def _left(context: Context, whole: Decimal, rest: Decimal, elapsed: int) -> Decimal:
    """sinh(r) / sinh(w), from e^-w and e^-r."""
    if not rest:  # so many half-lives are to come that no number is as small
        return ZERO if elapsed else ONE
    # e^(r-w) · (1 - e^(-2r)) / (1 - e^(-2w)), which needs no large numbers
    above, below = _less_square(context, rest), _less_square(context, whole)
    return context.divide(context.multiply(whole, above), context.multiply(rest, below))


def _less_square(context: Context, value: Decimal) -> Decimal:
    """``1 - value²``."""
    return context.subtract(ONE, context.multiply(value, value))


@lru_cache(maxsize=_REMEMBERED)
def _decayed(kappa: Decimal, length: int) -> Decimal:
    """``e^(-κ·length)``."""
    return FINE.exp(FINE.minus(_bend(kappa, length)))


def _nearly_decayed(kappa: Decimal, length: int) -> Decimal:
    """The same with few digits, as a product: a power for each three digits of the length."""
    found, unit = ONE, 1
    while length > 0:
        length, part = divmod(length, 1_000)
        if part:
            found = QUICK.multiply(found, _power(kappa, part * unit))
        unit *= 1_000
    return found


@lru_cache(maxsize=_REMEMBERED)
def _power(kappa: Decimal, length: int) -> Decimal:
    """One of few thousand that all slices of an order are made of."""
    return QUICK.exp(FINE.minus(FINE.divide(FINE.multiply(kappa, Decimal(length)), Decimal(SECOND))))


def smallest_slice(curve: Curve, total: int, begin: Nanos, end: Nanos, *, interval: int, count: int) -> int:
    """Lots that no slice of a window falls below; 0 where nothing is known of it.

    Args:
        curve: over the window.
        total: lots of the whole.
        begin: of the window.
        end: of the window.
        interval: nanoseconds of a slice.
        count: slices; the last one may be shorter, or longer.
    """
    tail = end - begin - (count - 1) * interval
    match curve:
        case VolumeProfile():
            return max(0, curve.least(total, begin, end, min(interval, tail)))
        case Decay():  # each slice is smaller than the one before
            edges = [Nanos(begin + max(0, index) * interval) for index in (count - 2, count - 1)]
            before, last = (curve.lots(total, begin, end, edge) for edge in edges)
            return max(0, min(total - last, last - before if count > 1 else total) - 1)
    return 0


def risk(lots: Sequence[int], lengths: Sequence[int]) -> Decimal:
    """Σ τ·x², in seconds, of what is left after each slice: variance of the cost a unit of σ² and quantity².

    Args:
        lots: cumulative, after each slice; the last is all.
        lengths: nanoseconds until the next slice is due.

    Source: Almgren & Chriss 2000, equation 5.
    """
    whole = lots[-1] or 1
    found = ZERO
    for done, length in zip(lots, lengths, strict=True):
        left = FINE.divide(Decimal(whole - done), Decimal(whole))
        seconds = FINE.divide(Decimal(length), Decimal(SECOND))
        found = FINE.add(found, FINE.multiply(seconds, FINE.multiply(left, left)))
    return found
