"""Candles of an interval the exchange lacks, built from a finer one. Pure.

Buckets are the same on every exchange: 3d counts from 1970-01-01, 1w begins on Monday, 1M is the calendar
month, all UTC. A bucket with a missing part is left out, not made smaller; only the newest may still be
growing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

from twap_models.enums import Interval
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos, to_datetime, to_nanos
from twap_server.domain.market import Candle
from twap_server.exchanges.base import KlineRules

_MINUTE = 60 * SECOND
_HOUR = 60 * _MINUTE
DAY = 24 * _HOUR

_UNITS = {"m": _MINUTE, "h": _HOUR, "d": DAY, "w": 7 * DAY, "M": 31 * DAY}
_FIRST_MONDAY = 4 * DAY


def length(interval: Interval) -> int:
    """Return nanoseconds of an interval; a month counts as 31 days."""
    return int(interval.value[:-1]) * _UNITS[interval.value[-1]]


def source_of(interval: Interval, rules: KlineRules) -> Interval:
    """Choose what to ask the exchange for: the interval itself, or the coarsest that divides it.

    No adapter lists 3d: exchanges disagree about where it begins, so it is always built here.
    """
    if interval in rules.native:
        return interval
    if length(interval) > DAY:
        return Interval.D1
    finer = (one for one in rules.native if length(one) < length(interval))
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


def aggregate(parts: Sequence[Candle], *, part: Interval, interval: Interval, now: Nanos) -> list[Candle]:
    """Build candles of ``interval`` from consecutive candles of ``part``, both oldest first."""
    built = []
    for start, group in groupby(parts, key=lambda one: bucket_start(one.open_time, interval)):
        members = list(group)
        end = bucket_end(start, interval)
        expected = (end - start) // length(part)
        growing = end > now
        if members[0].open_time == start and (growing or len(members) == expected):
            built.append(_merge(members, end))
    return built


def with_closed(candles: Iterable[Candle], now: Nanos) -> list[Candle]:
    """Say of each candle whether its time is over; those that have not begun are left out."""
    return [replace(one, closed=one.close_time < now) for one in candles if one.open_time <= now]


def _merge(members: Sequence[Candle], end: Nanos) -> Candle:
    return Candle(
        open_time=members[0].open_time,
        close_time=Nanos(end - MILLISECOND),
        open=members[0].open,
        high=max(one.high for one in members),
        low=min(one.low for one in members),
        close=members[-1].close,
        volume=exact.total(one.volume for one in members),
        closed=False,
    )
