"""Match a slice against the opposite side of a book: aggressive, immediate-or-cancel (contract section 5).

Walk from the best level while the price is within the limit and the slippage cap, never beyond what is
displayed less what this user took there, one fill per level.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from twap_models.enums import Side, SliceReason
from twap_server.domain import exact
from twap_server.domain.exact import ZERO
from twap_server.domain.market import PriceLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Fills best first, at most one per level, and what stopped the walk (None: all was filled)."""

    fills: tuple[PriceLevel, ...]
    stopped_by: SliceReason | None

    @property
    def filled(self) -> Decimal:
        """Sum of the fills, base currency."""
        return exact.total(fill.quantity for fill in self.fills)


def within(side: Side, price: Decimal, bound: Decimal | None) -> bool:
    """Whether ``price`` is no worse than ``bound`` for this side; no bound allows everything."""
    if bound is None:
        return True
    return price <= bound if side is Side.BUY else price >= bound


def slippage_bound(side: Side, mid: Decimal, max_slippage_bps: Decimal | None) -> Decimal | None:
    """Worst price that ``max_slippage_bps`` from the mid allows; None without a cap."""
    if max_slippage_bps is None:
        return None
    share = exact.multiply(max_slippage_bps, Decimal("0.0001"))
    return exact.multiply(mid, exact.add(Decimal(1), side.sign * share))


def match(
    side: Side,
    wanted: Decimal,
    levels: Iterable[PriceLevel],
    *,
    limit: Decimal | None = None,
    cap: Decimal | None = None,
    available: Callable[[PriceLevel], Decimal] = lambda level: level.quantity,
) -> Match:
    """Walk the levels and take what is wanted.

    Args:
        side: the taker's side.
        wanted: base currency, above 0.
        levels: the side a taker takes, best first.
        limit: the order's limit.
        cap: the worst price the slippage cap allows.
        available: how much of a level this user can still take, at least 0.
    """
    fills: list[PriceLevel] = []
    left = wanted
    for level in levels:
        stop = _stop(side, level.price, limit, cap)
        if stop is not None:
            return Match(fills=tuple(fills), stopped_by=stop)
        take = min(left, available(level))
        if take > ZERO:
            fills.append(PriceLevel(level.price, take))
            left = exact.subtract(left, take)
        if not left:
            return Match(fills=tuple(fills), stopped_by=None)
    return Match(fills=tuple(fills), stopped_by=SliceReason.DEPTH_EXHAUSTED)


def match_at_touch(
    side: Side, wanted: Decimal, levels: Iterable[PriceLevel], *, limit: Decimal | None
) -> Match:
    """``fidelity=l1``: the whole slice at the best price, whatever its size. For comparison only."""
    best = next(iter(levels), None)
    if best is None:
        return Match(fills=(), stopped_by=SliceReason.DEPTH_EXHAUSTED)
    if not within(side, best.price, limit):
        return Match(fills=(), stopped_by=SliceReason.LIMIT_NOT_MET)
    return Match(fills=(PriceLevel(best.price, wanted),), stopped_by=None)


def _stop(side: Side, price: Decimal, limit: Decimal | None, cap: Decimal | None) -> SliceReason | None:
    if not within(side, price, limit):
        return SliceReason.LIMIT_NOT_MET
    return None if within(side, price, cap) else SliceReason.SLIPPAGE_CAP
