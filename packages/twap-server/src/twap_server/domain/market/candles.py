"""Build candles of an interval that the exchange lacks from a finer one. Pure.

Buckets are the same on every exchange: 3d counts from 1970-01-01, 1w begins on Monday, 1M is the calendar
month, all UTC. A missing part means that nothing was traded in it, for exchanges leave such intervals out:
the bucket is whole with what is there. A bucket without any trade is left out, never invented.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from twap_models.enums import Interval
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos, to_datetime, to_nanos
from twap_server.domain.market.events import Candle

_MINUTE = 60 * SECOND
_HOUR = 60 * _MINUTE
DAY = 24 * _HOUR

_UNITS = {"m": _MINUTE, "h": _HOUR, "d": DAY, "w": 7 * DAY, "M": 31 * DAY}
_FIRST_MONDAY = 4 * DAY


def length(interval: Interval) -> int:
    """Return nanoseconds of an interval; a month counts as 31 days."""
    return int(interval.value[:-1]) * _UNITS[interval.value[-1]]


def source_of(interval: Interval, native: Collection[Interval]) -> Interval:
    """Choose what to ask the exchange for: the interval itself, or the coarsest that divides it.

    No adapter lists 3d: exchanges disagree about where it begins, so it is always built here.

    Raises:
        ValueError: the exchange has none that will do.
    """
    if interval in native:
        return interval
    if length(interval) > DAY:
        return source_of(Interval.D1, native)
    finer = (one for one in native if length(one) < length(interval))
    return max((one for one in finer if length(interval) % length(one) == 0), key=length)


def bucket_start(moment: Nanos, interval: Interval) -> Nanos:
    """Return the open time of the bucket a moment lies in."""
    if interval is Interval.MONTH:
        day = to_datetime(moment)
        return to_nanos(datetime(day.year, day.month, 1, tzinfo=UTC))
    shift = _FIRST_MONDAY if interval is Interval.W1 else 0
    size = length(interval)
    return Nanos((moment - shift) // size * size + shift)


def bucket_end(start: Nanos, interval: Interval) -> Nanos:
    """Return the open time of the following bucket."""
    if interval is Interval.MONTH:
        return to_nanos((to_datetime(start) + timedelta(days=32)).replace(day=1))
    return Nanos(start + length(interval))


def first_whole(known_from: Nanos, interval: Interval) -> Nanos:
    """Return the open time of the first bucket of which nothing lies before ``known_from``."""
    start = bucket_start(known_from, interval)
    return start if start == known_from else bucket_end(start, interval)


def aggregate(
    parts: Sequence[Candle],
    *,
    part: Interval,
    interval: Interval,
    known_from: Nanos,
    silent: bool,
    now: Nanos,
) -> list[Candle]:
    """Build candles of ``interval`` from candles of ``part``, both oldest first.

    Args:
        parts: every candle there is from ``known_from`` on.
        part: their interval.
        interval: the one to build.
        known_from: buckets that begin before it are left out: some of their parts may be missing.
        silent: whether a missing part means that nothing was traded; else its bucket is left out.
        now: the time the parts are of; a bucket that ends later is still growing.
    """
    built = []
    for start, group in groupby(parts, key=lambda one: bucket_start(one.open_time, interval)):
        members, end = list(group), bucket_end(start, interval)
        begun = min(end, bucket_end(bucket_start(now, part), part))
        if start >= known_from and (silent or len(members) * length(part) >= begun - start):
            built.append(_merge(members, start, end, closed=end <= now))
    return built


def _merge(members: Sequence[Candle], start: Nanos, end: Nanos, *, closed: bool) -> Candle:
    return Candle(
        open_time=start,
        close_time=Nanos(end - MILLISECOND),
        open=members[0].open,
        high=max(one.high for one in members),
        low=min(one.low for one in members),
        close=members[-1].close,
        volume=exact.total(one.volume for one in members),
        closed=closed and all(one.closed for one in members),
    )
