"""Say what closed candles tell of a market: its usual volume by time of day, its volatility. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from itertools import pairwise

from twap_models.enums import Interval
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND, SECOND
from twap_server.domain.exact import FINE, ZERO
from twap_server.domain.market.candles import DAY, length
from twap_server.domain.market.events import Candle

_FEWEST = 30
"""Returns below which nothing is said of the volatility."""
_MINUTE = 60 * SECOND
_HOUR = 60 * _MINUTE
_HOURS = Decimal(24)
_HUNDRED = Decimal(100)
_LOGARITHMS = Context(prec=28)
"""A volatility is an estimate: with 60 digits its logarithms took a tenth of a second."""
_ENOUGH = Decimal("0.9")
"""Of the days that were asked for: with less an order is told how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """What a market was like before an order; None where it is not known."""

    day_volumes: tuple[Decimal, ...] = ()
    """Base currency, means of equal parts of the day from midnight UTC; empty where no candles are known."""
    volatility: Decimal | None = None
    """Standard deviation of the day's return, percent."""
    day_volume: Decimal | None = None
    """Base currency that a day trades."""
    missing: str = ""
    """Why something is not known, for people."""
    is_answered: bool = False
    """Whether asking again soon would say the same: the exchange answered, whatever it has."""
    notice: str = ""
    """What an order that goes by it has to know; empty: nothing."""


NO_FACTS = MarketFacts()


def facts_of(candles: Sequence[Candle], interval: Interval, *, days: int) -> MarketFacts:
    """What closed candles of one interval, oldest first, at least one, say.

    Volumes are means of each part of the day (UTC) over the days that the candles cover: an interval between
    them that is left out had no trade. A part that they do not cover counts as the mean of the others.
    Volatility is the standard deviation of the logarithms of each hour's closing price over the one before,
    times the root of 24.
    """
    size = length(interval)
    parts = DAY // size
    first, last = candles[0].open_time // size, candles[-1].open_time // size
    volumes = [ZERO] * parts
    for one in candles:
        part = one.open_time // size % parts
        volumes[part] = exact.add(volumes[part], one.volume)
    means = _means(volumes, first, last + 1 - first)
    whole = exact.total(means)
    covered = exact.ratio(Decimal(last + 1 - first), Decimal(parts))
    return MarketFacts(
        day_volumes=tuple(means) if whole else (),
        volatility=_volatility([one.close for one in candles if _closes_hour(one)]),
        day_volume=whole or None,
        is_answered=True,
        notice=_notice(covered, days),
    )


def _means(volumes: Sequence[Decimal], first: int, many: int) -> list[Decimal]:
    """The means of each part of the day, of sums over ``many`` intervals, the first one number ``first``."""
    parts = len(volumes)
    whole, rest = divmod(many, parts)
    times = [whole + ((part - first) % parts < rest) for part in range(parts)]
    usual = exact.ratio(exact.total(volumes), Decimal(many))
    return [
        exact.ratio(volume, Decimal(often)) if often else usual
        for volume, often in zip(volumes, times, strict=True)
    ]


def _notice(covered: Decimal, days: int) -> str:
    if covered >= exact.multiply(_ENOUGH, Decimal(days)):
        return ""
    return f"the exchange has candles of {covered:.1f} of the last {days} days: the curve goes by those"


def _closes_hour(candle: Candle) -> bool:
    return (candle.close_time + MILLISECOND) % _HOUR < _MINUTE


def _volatility(closes: Sequence[Decimal]) -> Decimal | None:
    """Percent a day, to 12 decimals, of hourly closing prices."""
    usable = [_LOGARITHMS.ln(close) for close in closes if close > ZERO]
    moves = [FINE.subtract(after, before) for before, after in pairwise(usable)]
    if len(moves) < _FEWEST:
        return None
    mean = FINE.divide(_sum(moves), Decimal(len(moves)))
    squares = [FINE.power(FINE.subtract(move, mean), 2) for move in moves]
    variance = FINE.divide(_sum(squares), Decimal(len(moves) - 1))
    return exact.ratio(FINE.multiply(_HUNDRED, FINE.sqrt(FINE.multiply(variance, _HOURS))), exact.ONE)


def _sum(values: Sequence[Decimal]) -> Decimal:
    found = ZERO
    for value in values:
        found = FINE.add(found, value)
    return found
