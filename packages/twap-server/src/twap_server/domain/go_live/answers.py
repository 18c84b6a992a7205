"""Answer one rule of an exchange's own TWAP for one order: whether it holds, and which figure would.

In: a rule, plain figures of an order, what is known of the pair. Out: an ``RuleAnswer``. Pure, exact.
"""

from dataclasses import dataclass
from decimal import Decimal

from twap_models.enums import GoLiveRule, Strategy
from twap_server.domain import exact
from twap_server.domain.exact import ZERO
from twap_server.domain.go_live.rules import (
    Absent,
    Divisible,
    Free,
    MultipleOf,
    OneOf,
    PairMinimum,
    Range,
    Required,
    Rule,
    Unknown,
)
from twap_server.domain.orders.schedule import slice_count

DOLLARS = frozenset({"USD", "USDT", "USDC", "FDUSD", "TUSD", "USDE", "PYUSD", "DAI"})
"""Quote currencies that count as one dollar each."""

_NANO = Decimal("1e-9")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMinimums:
    """An exchange's smallest order of the pair; zero where it states none."""

    quantity: Decimal
    value: Decimal
    """Quote currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """The order as the exchange would be asked for it. Times in nanoseconds, all lengths above 0."""

    quantity: Decimal
    quote: str
    lot_size: Decimal
    """Above 0; nearest quantities lie on it."""
    price: Decimal | None
    """What the quantity is valued with: the mid, or the limit; None if unknown."""
    limit: Decimal | None
    duration: int
    interval: int
    ends_in: int
    """From now to the end."""
    randomize: Decimal = ZERO
    """Percent; 0 is off."""
    strategy: Strategy = Strategy.TWAP
    participation: Decimal = ZERO
    """Percent, of a ``pov`` order."""

    @property
    def slices(self) -> int:
        """How many slices the order has."""
        return slice_count(self.duration, self.interval)

    @property
    def value(self) -> Decimal | None:
        """Quantity × price in quote currency, exact; None without a price."""
        return None if self.price is None else exact.multiply(self.quantity, self.price)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAnswer:
    """Whether the rule holds (None: it cannot be said), the order's own figure, the nearest that would do."""

    ok: bool | None
    yours: str = ""
    nearest: Decimal | None = None
    nearest_of: str = ""
    note: str = ""


_SETS = {
    GoLiveRule.DURATION: "duration",
    GoLiveRule.DURATION_STEP: "duration",
    GoLiveRule.DIVISIBILITY: "duration",
    GoLiveRule.HORIZON: "end",
    GoLiveRule.INTERVAL: "interval",
    GoLiveRule.INTERVAL_STEP: "interval",
    GoLiveRule.RANDOMIZE: "randomize",
}
"""What a user changes to keep the rule; the quantity for the others."""


def answer(rule: Rule, order: Proposed, pair: PairMinimums | None) -> RuleAnswer:
    """Answer one rule; ``pair`` is the pair's smallest order on that exchange where it is known."""
    match rule.bound:
        case Range() as bound:
            return _total(bound, order) if rule.unit == "USD" else _range(rule.what, bound, order)
        case MultipleOf(step=step):
            return _multiple(rule.what, step, order)
        case Divisible() as bound:
            return _divisible(bound, order)
        case PairMinimum() as bound:
            return _pair_minimum(bound, order, pair)
        case _:
            return _given(rule, order)


def _given(rule: Rule, order: Proposed) -> RuleAnswer:
    yours = _yours(rule.what, order)
    match rule.bound:
        case Free(note=note):
            return RuleAnswer(ok=True, yours=yours, note=note)
        case Unknown(why=why):
            return RuleAnswer(ok=None, yours=yours, note=why)
        case Required():
            return RuleAnswer(ok=order.limit is not None, yours=yours)
        case Absent(why=why):
            given = order.limit is not None
            return RuleAnswer(ok=None if given else True, yours=yours, note=why if given else "")
        case OneOf() as bound:
            return _one_of(bound, order)
        case _:
            raise TypeError(f"rule of an unknown kind: {rule.bound!r}")


def _yours(what: GoLiveRule, order: Proposed) -> str:
    match what:
        case GoLiveRule.LIMIT_PRICE:
            return "none" if order.limit is None else plain(order.limit)
        case GoLiveRule.RANDOMIZE:
            return f"{plain(order.randomize)} %"
        case GoLiveRule.PARTICIPATION:
            return f"{plain(order.participation)} %"
        case GoLiveRule.MINIMUM_PER_SLICE:
            return f"{plain(exact.ratio(order.quantity, Decimal(order.slices)))} a slice"
        case _:
            return f"{plain(_length(what, order))} s"


def _length(what: GoLiveRule, order: Proposed) -> Decimal:
    match _SETS[what]:
        case "interval":
            nanos = order.interval
        case "end":
            nanos = order.ends_in
        case _:
            nanos = order.duration
    return exact.multiply(Decimal(nanos), _NANO)


def _range(what: GoLiveRule, bound: Range, order: Proposed) -> RuleAnswer:
    value = _length(what, order)
    nearest = value
    if bound.low is not None:
        nearest = max(nearest, bound.low)
    if bound.high is not None:
        nearest = min(nearest, bound.high)
    ok = nearest == value
    return RuleAnswer(
        ok=ok, yours=f"{plain(value)} s", nearest=None if ok else nearest, nearest_of=_SETS[what]
    )


def _multiple(what: GoLiveRule, step: Decimal, order: Proposed) -> RuleAnswer:
    value = _length(what, order)
    nearest = _nearest_multiple(value, step)
    ok = nearest == value
    return RuleAnswer(
        ok=ok, yours=f"{plain(value)} s", nearest=None if ok else nearest, nearest_of=_SETS[what]
    )


def _divisible(bound: Divisible, order: Proposed) -> RuleAnswer:
    value, step = _length(GoLiveRule.DURATION, order), _length(GoLiveRule.INTERVAL, order)
    nearest = _nearest_multiple(value, step)
    yours = f"{plain(value)} s in steps of {plain(step)} s"
    if nearest == value:
        return RuleAnswer(ok=True, yours=yours)
    if nearest < bound.low:
        nearest = exact.multiply(Decimal(_lots(bound.low, step)), step)
    if nearest > bound.high:
        nearest = exact.multiply(Decimal(exact.whole(bound.high, step)), step)
    possible = nearest if bound.low <= nearest <= bound.high else None
    note = "what becomes of the rest is not documented" if bound.doubtful else ""
    return RuleAnswer(
        ok=None if bound.doubtful else False, yours=yours, nearest=possible, nearest_of="duration", note=note
    )


def _total(bound: Range, order: Proposed) -> RuleAnswer:
    if order.quote not in DOLLARS:
        return RuleAnswer(
            ok=None, yours="?", note=f"{order.quote} is not a dollar: its value is not known here"
        )
    if order.value is None or not order.price:
        return RuleAnswer(ok=None, yours="?", note="no price to value the order with")
    value, yours = order.value, f"{plain(order.value)} {order.quote}"
    below = bound.low is not None and (value < bound.low or (bound.strict and value == bound.low))
    above = bound.high is not None and (value > bound.high or (bound.strict and value == bound.high))
    if not below and not above:
        return RuleAnswer(ok=True, yours=yours)
    worth = exact.multiply(order.price, order.lot_size)
    if bound.low is not None and below:
        lots = _lots(bound.low, worth, strict=bound.strict)
        doubtful = bound.doubtful_low is not None and value >= bound.doubtful_low
    else:
        high = bound.high or ZERO
        lots = _lots(high, worth) - 1 if bound.strict else exact.whole(high, worth)
        doubtful = bound.doubtful_high is not None and value <= bound.doubtful_high
    return RuleAnswer(
        ok=None if doubtful else False,
        yours=yours,
        nearest=exact.multiply(Decimal(lots), order.lot_size) if lots > 0 else None,
        nearest_of="quantity",
        note="the exchange's own pages disagree" if doubtful else "",
    )


def _pair_minimum(bound: PairMinimum, order: Proposed, pair: PairMinimums | None) -> RuleAnswer:
    slices, parts = _slices(bound, order)
    each = exact.ratio(exact.multiply(order.quantity, parts), slices)
    yours = plain(each) + ("" if bound.whole_order else " a slice")
    if pair is None:
        return RuleAnswer(ok=None, yours=yours, note="the pair's smallest order is not known here")
    if pair.value and not order.price:
        return RuleAnswer(ok=None, yours=yours, note="no price to value a slice with")
    lot = exact.multiply(order.lot_size, parts)
    lots = _lots(exact.multiply(pair.quantity, slices), lot, strict=bound.strict)
    if pair.value and order.price:
        value = exact.multiply(exact.multiply(pair.value, bound.value_margin), slices)
        lots = max(lots, _lots(value, exact.multiply(order.price, lot)))
    needed = exact.multiply(Decimal(lots), order.lot_size)
    if order.quantity >= needed:
        return RuleAnswer(ok=True, yours=yours)
    return RuleAnswer(ok=False, yours=yours, nearest=needed, nearest_of="quantity")


def _slices(bound: PairMinimum, order: Proposed) -> tuple[Decimal, Decimal]:
    """How many slices the exchange counts, as numerator and denominator: exact."""
    if bound.whole_order:
        return Decimal(1), Decimal(1)
    if bound.seconds_per_slice is None:
        return Decimal(order.slices), Decimal(1)
    return _length(GoLiveRule.DURATION, order), bound.seconds_per_slice


def _one_of(bound: OneOf, order: Proposed) -> RuleAnswer:
    yours = f"{plain(order.randomize)} %"
    if order.randomize in bound.values:
        return RuleAnswer(ok=True, yours=yours)
    nearest = min(bound.values, key=lambda value: (abs(exact.subtract(value, order.randomize)), value))
    return RuleAnswer(
        ok=None if bound.doubtful else False,
        yours=yours,
        nearest=nearest,
        nearest_of="randomize",
        note="no such parameter was seen" if bound.doubtful else "",
    )


def _nearest_multiple(value: Decimal, step: Decimal) -> Decimal:
    """The multiple of ``step``, at least one step, next to ``value``; the upper one from the middle."""
    below = exact.multiply(Decimal(exact.whole(value, step)), step)
    above = exact.add(below, step)
    if below > ZERO and exact.subtract(value, below) < exact.subtract(above, value):
        return below
    return below if below == value else above


def _lots(value: Decimal, step: Decimal, *, strict: bool = False) -> int:
    """The least count of steps that reaches ``value``, or passes it where ``strict``."""
    count = exact.whole(value, step)
    reached = exact.multiply(Decimal(count), step)
    return count + (reached < value or (strict and reached == value))


def plain(value: Decimal) -> str:
    """All its digits, without trailing zeros and without exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
