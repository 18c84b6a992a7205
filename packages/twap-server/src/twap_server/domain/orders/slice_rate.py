"""Count how many slices a second orders have, in whole numbers, so that sums stay exact.

An order of interval *i* has ``1/i`` slices a second while it is open, whether it has begun or not. Counted in
units of 10⁻¹² slices a second, rounded down: what exactly fits a bound always fits.
"""

from decimal import Decimal

from twap_models.enums import RejectReason
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND, SECOND
from twap_server.domain.orders.terms import OrderRequest, Plan, Rejection

ONE = 10**12
"""One slice a second."""


def slice_rate_of(plan: Plan) -> int:
    """Slices a second of an order with this plan, in units of which ``ONE`` is one a second."""
    return ONE * SECOND // plan.interval


def too_fast(request: OrderRequest, plan: Plan, *, used: int, most: int) -> Rejection | None:
    """What is wrong with one more order at this pace, if anything.

    Args:
        request: what was asked.
        plan: what would become of it.
        used: pace of the user's open orders, in units.
        most: slices a second that a user may have.
    """
    left = ONE * most - used
    if slice_rate_of(plan) <= left:
        return None
    told = (
        f"{_rate(slice_rate_of(plan))} slices a second more are too many: "
        f"your open orders have {_rate(used)} of at most {most}"
    )
    nearest = None if left <= 0 else _up_to_millisecond(-(-ONE * SECOND // left))
    if nearest is None or nearest > plan.end - plan.start:
        return _rejection("interval" if request.slices is None else "slices", f"{told}: cancel some, or wait")
    if request.slices is None:
        seconds = exact.ratio(Decimal(nearest), Decimal(SECOND))
        return _rejection(
            "interval", f"{told}: use an interval of at least {_decimal(nearest, SECOND)} s", seconds
        )
    most_slices = (plan.end - plan.start) // nearest
    return _rejection("slices", f"{told}: use at most {most_slices} slices", Decimal(most_slices))


def _rejection(field: str, detail: str, nearest: Decimal | None = None) -> Rejection:
    reason = RejectReason.TOO_MANY_SLICES_PER_SECOND
    return Rejection(reason=reason, field=field, detail=f"{field}: {detail}", nearest=nearest)


def _up_to_millisecond(nanos: int) -> int:
    return -(-nanos // MILLISECOND) * MILLISECOND


def _rate(units: int) -> str:
    """For people: cut to thousandths."""
    return _decimal(units // (ONE // 1_000), 1_000)


def _decimal(number: int, unit: int) -> str:
    return exact.text(exact.ratio(Decimal(number), Decimal(unit)))
