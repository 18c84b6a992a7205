"""How much an order may have filled by its curve: a plain recomputation, with fractions and power series.

It reads the parameters that are kept with the plan, and none of the product's code that computes with them.
"""

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING

from twap_server.domain.orders.curves import AtOnce, Decay, Participation, VolumeProfile

if TYPE_CHECKING:
    from simulation.ledger import Recorded


_HAIR = Fraction(1, 10**50)
"""The server counts with 60 digits: what is less, after 200 half-lives, is nothing."""


def most_by_slice(record: "Recorded", index: int) -> Fraction:
    """Base currency that may be filled once that slice is done; the last may take all, but of ``pov``."""
    plan, lot = record.plan, Fraction(record.terms.lot_size)
    if isinstance(plan.curve, Participation):
        traded = sum((Fraction(one.traded or 0) for one in record.slices.values()), Fraction(0))
        ours = Fraction(plan.curve.percent) * traded / (100 - Fraction(plan.curve.percent))
        return min(Fraction(plan.quantity), ours // lot * lot)
    if index >= plan.slice_count - 1:
        return Fraction(plan.quantity)
    length = plan.end - plan.start
    elapsed = min((index + 1 - plan.first) * plan.interval, length)
    rise = Fraction(plan.quantity - plan.base) / lot
    return Fraction(plan.base) + int(rise * _share(record, elapsed, length)) * lot


def _share(record: "Recorded", elapsed: int, length: int) -> Fraction:
    curve, start = record.plan.curve, record.plan.start
    match curve:
        case AtOnce():
            return Fraction(1)
        case VolumeProfile():
            whole = _weight(curve, start, start + length)
            if whole:
                return _weight(curve, start, start + elapsed) / whole
        case Decay() if curve.kappa * length / 10**9 >= Decimal("1e-9"):
            with localcontext(prec=90):
                rest, all_of_it = (curve.kappa * span / 10**9 for span in (length - elapsed, length))
                return 1 - Fraction(_sinh(rest) / _sinh(all_of_it)) + _HAIR
    return Fraction(elapsed, length)


def _weight(curve: VolumeProfile, begin: int, end: int) -> Fraction:
    """Weight of a window: of each part of each period what lies in it."""
    many = len(curve.weights)
    part = Fraction(curve.period, many)
    first = (begin - curve.anchor) // part
    found, at = Fraction(0), int(first)
    while curve.anchor + at * part < end:
        opens, closes = curve.anchor + at * part, curve.anchor + (at + 1) * part
        inside = min(closes, Fraction(end)) - max(opens, Fraction(begin))
        found += curve.weights[at % many] * max(Fraction(0), inside)
        at += 1
    return found


def _sinh(value: Decimal) -> Decimal:
    return (value.exp() - (-value).exp()) / 2
