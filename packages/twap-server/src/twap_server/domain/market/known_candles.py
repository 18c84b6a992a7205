"""Name which closed candles are known without a hole, so that none of them is asked for again."""

from collections.abc import Iterable
from typing import NamedTuple

from twap_models.enums import Interval
from twap_server.domain.clock import Nanos
from twap_server.domain.market.instrument import InstrumentId


class Series(NamedTuple):
    """The candles of one market in an interval that its exchange has itself."""

    instrument: InstrumentId
    interval: Interval


class KnownRange(NamedTuple):
    """Every candle that opens within is known, both ends included; what is missing there was not traded."""

    first: Nanos
    last: Nanos


def joined(ranges: Iterable[KnownRange], added: KnownRange, *, step: int) -> KnownRange:
    """Join a range to those that it overlaps or touches: all given are such.

    Args:
        ranges: those that overlap or touch the new one.
        added: the new one.
        step: nanoseconds from one candle to the next, the longest where they differ.
    """
    every = [added, *ranges]
    assert all(one.first <= added.last + step and added.first <= one.last + step for one in every)
    return KnownRange(min(one.first for one in every), max(one.last for one in every))
