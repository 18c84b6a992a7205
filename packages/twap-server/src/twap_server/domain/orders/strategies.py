"""Describe which curve a user chose, with its parameters, and draw it from what is known of the market.

Everything after the curve (limit, carry, caps, merging, walk, report) is the same for all strategies.
"""

from dataclasses import dataclass, replace
from decimal import Context, Decimal
from typing import ClassVar, TypeAlias

from msgspec import Struct

from twap_models.enums import Strategy, Urgency
from twap_server.domain import exact
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.exact import FINE, ZERO
from twap_server.domain.market.candles import DAY
from twap_server.domain.orders.almgren_chriss import Impact, kappa
from twap_server.domain.orders.curves import (
    LINEAR,
    AtOnce,
    Curve,
    Decay,
    Participation,
    VolumeProfile,
)
from twap_server.domain.orders.market_facts import MarketFacts

SECONDS_A_DAY = Decimal(86_400)
_HUNDRED = Decimal(100)
_HALF_LIVES = {Urgency.LOW: Decimal(1), Urgency.MEDIUM: Decimal(3), Urgency.HIGH: Decimal(6)}
"""How many half-lives the window has: after half of the window 44, 21 and 5 % of the order are left."""
_SPREAD_MOVES = Decimal("0.1")
"""Of a day's volume: trading so much moves the price by one spread for good (Almgren & Chriss 2000, 3.4)."""
_LEAST_SHARE = Decimal("0.01")
"""Percent: what is told as the nearest participation that would do."""
_SHORTEST = Decimal("0.000001")
"""Seconds: the shortest half-life that can be asked for."""
_KEPT = Context(prec=15)
"""Digits of a decay that are kept."""


class Twap(Struct, frozen=True, gc=False, tag=True):
    """The same in every equal part of the window."""

    name: ClassVar = Strategy.TWAP


class Vwap(Struct, frozen=True, gc=False, tag=True):
    """In step with the usual volume."""

    name: ClassVar = Strategy.VWAP
    DAYS: ClassVar = 14
    weights: tuple[Decimal, ...] | None = None
    """Of equal parts of the window; None: as the market's closed candles say."""
    days: int = DAYS
    """Of closed candles that are looked at; not used where weights are given."""


class Shortfall(Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Trade early what the price could run away from: Almgren & Chriss 2000."""

    name: ClassVar = Strategy.IS
    risk_aversion: Decimal | None = None
    """``λ``, per quote currency."""
    half_life: int | None = None
    """``1/κ``, nanoseconds."""
    urgency: Urgency | None = None
    volatility: Decimal | None = None
    """Standard deviation of the day's return, percent; None: as closed candles say."""
    temporary_impact: Decimal | None = None
    """``η``, quote currency per base currency a second; None: as the live book says."""
    permanent_impact: Decimal | None = None
    """``γ``, quote currency per base currency; None: as spread and the day's volume say."""

    @property
    def pace(self) -> Urgency:
        """The urgency that decides where nothing else does."""
        return self.urgency or Urgency.MEDIUM

    @property
    def is_by_urgency(self) -> bool:
        """Whether the urgency decides how fast it trades."""
        return self.risk_aversion is None and self.half_life is None


class Pov(Struct, frozen=True, gc=False, tag=True):
    """A share of what everybody trades."""

    name: ClassVar = Strategy.POV
    participation: Decimal
    """Percent, above 0, below 100."""


class AllAtOnce(Struct, frozen=True, gc=False, tag=True):
    """A sweep of the books at the begin; what is left then by ``carry``."""

    name: ClassVar = Strategy.SWEEP


StrategyChoice: TypeAlias = Twap | Vwap | Shortfall | Pov | AllAtOnce

TWAP = Twap()


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFacts:
    """What the live books say when an order comes."""

    mid: Decimal
    half_spread: Decimal
    depth_cost: Decimal
    """What a base currency of a mean slice costs beyond the best price, quote currency."""


class CannotDraw(Exception):
    """Something that the curve needs is not known now; it may be later, unless a parameter ``is_wrong``."""

    def __init__(self, message: str, *, field: str, is_wrong: bool = False) -> None:
        """Args: field: of the request: what to give instead."""
        super().__init__(message)
        self.field, self.is_wrong = field, is_wrong


def needs_facts(choice: StrategyChoice) -> bool:
    """Whether the curve depends on what the market was like before."""
    match choice:
        case Vwap(weights=None):
            return True
        case Shortfall(risk_aversion=Decimal()):
            return choice.volatility is None or choice.permanent_impact is None
    return False


def needs_book(choice: StrategyChoice) -> bool:
    """Whether the curve depends on the books that are live when the order comes."""
    return isinstance(choice, Shortfall) and choice.risk_aversion is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveWindow:
    """What a curve is drawn over."""

    start: Nanos
    end: Nanos
    interval: int
    asked_start: Nanos
    """Before a late start shortened it: weights of a user cover the window that was asked for."""
    quantity: Decimal

    @property
    def length(self) -> int:
        """Nanoseconds."""
        return self.end - self.start

    @property
    def slices(self) -> int:
        """How many there are."""
        return max(1, -(-self.length // self.interval))


def draw(choice: StrategyChoice, window: CurveWindow, facts: MarketFacts, book: BookFacts | None) -> Curve:
    """The curve of an order.

    Raises:
        CannotDraw: what it needs is not known; says what to do.
    """
    match choice:
        case Vwap():
            return _profile(choice, window, facts)
        case Shortfall():
            return _decay(choice, window, facts, book)
        case Pov():
            return Participation(choice.participation)
        case AllAtOnce():
            return AtOnce()
    return LINEAR


def redrawn(choice: StrategyChoice, curve: Curve, *, end: Nanos) -> Curve:
    """The curve of an amended order: a user's weights stretch with the window to its new end."""
    is_users = isinstance(choice, Vwap) and choice.weights is not None
    return curve.stretched(end) if is_users and isinstance(curve, VolumeProfile) else curve


def broken_by(choice: StrategyChoice) -> tuple[str, str, Decimal | None] | None:
    """The first parameter that breaks a rule: its name, what is wrong, the nearest value that would do."""
    match choice:
        case Pov(participation=percent) if not ZERO < percent < _HUNDRED:
            nearest = _LEAST_SHARE if percent <= ZERO else exact.subtract(_HUNDRED, _LEAST_SHARE)
            told = f"{percent:f} must lie above 0 and below 100 percent: use {nearest}"
            return "participation", told, nearest
        case Vwap(weights=weights) if weights is not None and not any(weights):
            return "volume_profile", "must have at least one weight above 0", None
        case Shortfall():
            return _broken_shortfall(choice)
    return None


def _broken_shortfall(choice: Shortfall) -> tuple[str, str, Decimal | None] | None:
    for name in ("risk_aversion", "volatility", "temporary_impact"):
        value = getattr(choice, name)
        if value is not None and value <= ZERO:
            return name, f"{value:f} must be above 0", None
    if choice.permanent_impact is not None and choice.permanent_impact < ZERO:
        return "permanent_impact", f"{choice.permanent_impact:f} must be at least 0: use 0", ZERO
    if choice.half_life is not None and choice.half_life <= 0:
        return "half_life", "must be above 0 seconds", _SHORTEST
    return None


def _profile(choice: Vwap, window: CurveWindow, facts: MarketFacts) -> VolumeProfile:
    if choice.weights is not None:
        begin = window.asked_start
        return VolumeProfile(begin, window.end - begin, whole_weights(choice.weights))
    if not any(facts.day_volumes):
        raise CannotDraw(
            f"volume_profile auto needs closed candles{_because(facts)}: give a list of weights instead",
            field="volume_profile",
            is_wrong=facts.is_answered,
        )
    return VolumeProfile(Nanos(0), DAY, whole_weights(facts.day_volumes))


def whole_weights(weights: tuple[Decimal, ...]) -> tuple[int, ...]:
    """The same proportions in whole numbers."""
    finest = min(int(weight.as_tuple().exponent) for weight in weights)
    return tuple(int(weight.scaleb(-min(0, finest), FINE)) for weight in weights)


def _decay(choice: Shortfall, window: CurveWindow, facts: MarketFacts, book: BookFacts | None) -> Decay:
    if choice.risk_aversion is not None:
        return Decay(_optimal(choice, choice.risk_aversion, window, facts, book))
    if choice.half_life is not None:
        return Decay(_kept(FINE.divide(Decimal(SECOND), Decimal(choice.half_life))))
    half_lives = FINE.multiply(_HALF_LIVES[choice.pace], Decimal(SECOND))
    return Decay(_kept(FINE.divide(half_lives, Decimal(window.length))))


def _optimal(
    choice: Shortfall, risk_aversion: Decimal, window: CurveWindow, facts: MarketFacts, book: BookFacts | None
) -> Decimal:
    if book is None:
        raise CannotDraw(
            "risk_aversion needs a live book: send it again soon, or give half_life or urgency",
            field="risk_aversion",
        )
    impact = impact_of(choice, window, facts, book)
    interval = FINE.divide(Decimal(window.interval), Decimal(SECOND))
    if impact.bend(interval) <= ZERO:
        if choice.permanent_impact is not None:
            raise CannotDraw(
                "permanent_impact × interval / 2 must be below temporary_impact "
                f"({exact.text(_kept(impact.temporary))}): use a shorter interval, or half_life",
                field="permanent_impact",
                is_wrong=True,
            )
        impact = replace(impact, permanent=ZERO)
    found = kappa(
        risk_aversion=risk_aversion,
        variance=variance_of(choice, facts, book),
        impact=impact,
        interval=interval,
    )
    return _kept(found)


def variance_of(choice: Shortfall, facts: MarketFacts, book: BookFacts) -> Decimal:
    """``σ²``: quote currency squared a second, from a day's volatility in percent.

    Raises:
        CannotDraw: no volatility is known.
    """
    percent = choice.volatility if choice.volatility is not None else facts.volatility
    if percent is None:
        raise CannotDraw(
            f"risk_aversion needs closed candles{_because(facts)}: give volatility instead",
            field="volatility",
            is_wrong=facts.is_answered,
        )
    moved = FINE.divide(FINE.multiply(percent, book.mid), _HUNDRED)
    return FINE.divide(FINE.multiply(moved, moved), SECONDS_A_DAY)


def impact_of(choice: Shortfall, window: CurveWindow, facts: MarketFacts, book: BookFacts) -> Impact:
    """How the order moves its market, as given or as estimated.

    ``η``: what a mean slice costs beyond the best price in the live book, over the rate of that slice.
    ``γ``: one spread for each tenth of a day's volume (Almgren & Chriss 2000, section 3.4).

    Raises:
        CannotDraw: neither spread nor depth of the book says anything.
    """
    temporary = choice.temporary_impact
    if temporary is None:
        temporary = _temporary(window, book)
    permanent = choice.permanent_impact
    if permanent is None:
        permanent = _permanent(facts, book)
    return Impact(temporary=temporary, permanent=permanent)


def _temporary(window: CurveWindow, book: BookFacts) -> Decimal:
    """At least half the spread over that rate: of a slice within the best level nothing else is known."""
    mean = FINE.divide(window.quantity, Decimal(window.slices))
    rate = FINE.divide(mean, FINE.divide(Decimal(window.interval), Decimal(SECOND)))
    cost = max(book.depth_cost, book.half_spread)
    if not rate or not cost:
        raise CannotDraw(
            "the book says nothing of the order's impact: give temporary_impact, or half_life",
            field="temporary_impact",
        )
    return FINE.divide(cost, rate)


def _permanent(facts: MarketFacts, book: BookFacts) -> Decimal:
    if not facts.day_volume:
        return ZERO
    spread = FINE.multiply(book.half_spread, Decimal(2))
    return FINE.divide(spread, FINE.multiply(_SPREAD_MOVES, facts.day_volume))


def _because(facts: MarketFacts) -> str:
    return f" ({facts.missing})" if facts.missing else ""


def _kept(value: Decimal) -> Decimal:
    """To as many digits as are kept, without zeros at the end."""
    return _KEPT.normalize(value)
