"""Compare strategies for one order before it is submitted: curve, expected cost, risk, side by side.

In: a request, the books of this moment, what is known of the market. Out: a ``StrategyView`` each. Costs are
walked through the displayed books like those of a preview; where the price will go is not guessed: risk says
how far the cost may lie from what is expected, one standard deviation, if prices move as they did.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from heapq import heappop, heappush

from twap_models.enums import Strategy
from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.errors import ExchangeUnavailable
from twap_server.domain.exact import FINE
from twap_server.domain.execution.impact_forecast import ImpactForecast
from twap_server.domain.orders.curves import risk
from twap_server.domain.orders.rules import Admitted
from twap_server.domain.orders.schedule import Schedule, schedule_of
from twap_server.domain.orders.strategies import (
    SECONDS_A_DAY,
    AllAtOnce,
    Pov,
    Shortfall,
    StrategyChoice,
    Twap,
    Vwap,
)
from twap_server.domain.orders.terms import OrderRequest, Plan, seed_of
from twap_server.engine.entry.expected_cost import expected_cost
from twap_server.engine.entry.validation import Validation
from twap_server.engine.market.snapshot import MarketSnapshot

POINTS = 100
"""Of a curve that is shown, at most, beside its begin."""
_RISK_PARTS = 256
_USUAL: tuple[StrategyChoice, ...] = (Twap(), Vwap(), Shortfall(), Pov(Decimal(10)), AllAtOnce())
FOLLOWS = "it follows the volume: curve and cost are shown as if that came evenly"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """How much should be filled by when."""

    time: Nanos
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyView:
    """One strategy for an order, with the parameters that the order gives, or usual ones."""

    choice: StrategyChoice
    curve: tuple[CurvePoint, ...] = ()
    """Empty where it cannot be drawn."""
    cost_bps: Decimal | None = None
    """Of spread, depth and fees; None where no book is live."""
    risk_bps: Decimal | None = None
    """One standard deviation of the cost; None where the volatility is not known."""
    note: str = ""
    """What is not known, or not so."""

    @property
    def strategy(self) -> Strategy:
        """Which one."""
        name: Strategy = self.choice.name
        return name


def choices_of(request: OrderRequest) -> Iterator[StrategyChoice]:
    """The strategies to compare: the request's own as it is asked for, the others with usual parameters."""
    for usual in _USUAL:
        yield request.strategy if type(usual) is type(request.strategy) else usual


def view(
    user_id: str, request: OrderRequest, validation: Validation, snapshot: MarketSnapshot
) -> StrategyView:
    """One strategy, ``request.strategy``, on the books of a moment; its facts are those of the request.

    Args:
        user_id: whose order it would be.
        request: with the strategy and what is known of the market.
        validation: of that request, at that moment.
        snapshot: of that moment.
    """
    choice = request.strategy
    try:
        broken = next(validation.broken(), None)
    except ExchangeUnavailable as error:
        return StrategyView(choice=choice, note=str(error))
    rules = validation.rules
    if broken is not None or rules is None:
        return StrategyView(choice=choice, note=broken.detail if broken else "")
    admitted = validation.admitted()
    schedule = _schedule(user_id, request, admitted, lot_size=rules.lot_size)
    limit = admitted.plan.limit
    quotes = snapshot.quotes(rules.destinations, limited=limit is not None)
    cost = expected_cost(request, schedule, quotes, limit=limit, elapsed=admitted.elapsed)
    return StrategyView(
        choice=choice,
        curve=curve_of(schedule),
        cost_bps=cost.slices.total_bps if cost else None,
        risk_bps=_risk_bps(schedule, _volatility(request)),
        note=FOLLOWS if schedule.follows_volume else "",
    )


def forecast_of(request: OrderRequest, plan: Plan) -> ImpactForecast | None:
    """What the market's volume and volatility say, without a book; None where they are not known."""
    volatility, day_volume = _volatility(request), request.facts.day_volume
    if volatility is None or not day_volume:
        return None
    return ImpactForecast(
        quantity=plan.quantity,
        duration=Nanos(plan.end - plan.start),
        day_volume=day_volume,
        volatility=volatility,
    )


def _volatility(request: OrderRequest) -> Decimal | None:
    given = request.strategy.volatility if isinstance(request.strategy, Shortfall) else None
    return given or request.facts.volatility


def _schedule(user_id: str, request: OrderRequest, admitted: Admitted, *, lot_size: Decimal) -> Schedule:
    seed = seed_of(user_id, request.token_id)
    return schedule_of(admitted.plan, lot_size=lot_size, randomize=request.randomize, seed=seed)


def curve_of(schedule: Schedule) -> tuple[CurvePoint, ...]:
    """The plain curve at the ends of at most ``POINTS`` buckets, from its begin."""
    plain = replace(schedule, randomize=Decimal(0))
    first = CurvePoint(time=plain.start, quantity=plain.base)
    return (
        first,
        *(CurvePoint(time=plain.window_end(one), quantity=plain.target(one)) for one in _shown(plain)),
    )


def _risk_bps(schedule: Schedule, volatility: Decimal | None) -> Decimal | None:
    """``σ·√Σ τ·x²`` over what is left after each slice.

    Source: Almgren & Chriss 2000, equation 5, with the volatility of a day in percent.
    """
    if volatility is None:
        return None
    done, lengths = zip(*_held(schedule), strict=True)
    days = FINE.divide(risk(done, lengths), SECONDS_A_DAY)
    moved = FINE.multiply(volatility, FINE.sqrt(days))
    return exact.bps_of_percent(moved)


def _held(schedule: Schedule) -> Iterator[tuple[int, int]]:
    """Lots that are done, and for how many nanoseconds; all of them at last.

    Exact up to ``_RISK_PARTS`` slices. Of more, neighbours are taken together where that changes least: as if
    the square of what is left fell in a straight line from the first of them to the last.
    """

    def done(index: int) -> int:
        return exact.whole(schedule.target(index), schedule.lot_size)

    def part(begin: int, end: int) -> tuple[int, int, int]:
        left, rest = (whole - done(index) for index in (begin, end - 1))
        return (rest * rest - left * left) * (end - begin), begin, end

    last = schedule.count - 1
    whole = done(last)
    parts = [part(schedule.first, last)] if schedule.first < last else []
    while parts and parts[0][0] and len(parts) < _RISK_PARTS:
        _, begin, end = heappop(parts)
        heappush(parts, part(begin, (begin + end) // 2))
        heappush(parts, part((begin + end) // 2, end))
    for _, begin, end in parts:
        length = (end - begin) * schedule.interval
        yield done(begin), length - length // 2
        yield done(end - 1), length // 2
    yield whole, schedule.end - schedule.begin(last)


def _shown(schedule: Schedule) -> Sequence[int]:
    slices = range(schedule.first, schedule.count)
    if len(slices) <= POINTS:
        return slices
    return [slices[len(slices) * (point + 1) // POINTS - 1] for point in range(POINTS)]
