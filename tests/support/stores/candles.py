"""Closed candles in memory, by the rules of the real store."""

from collections.abc import Sequence

from twap_server.domain.clock import Nanos
from twap_server.domain.market.candles import length
from twap_server.domain.market.events import Candle
from twap_server.domain.market.known_candles import KnownRange, Series, joined


class MemoryCandles:
    """Nothing is ever forgotten."""

    def __init__(self) -> None:
        self.ranges: dict[Series, list[KnownRange]] = {}
        self.candles: dict[Series, dict[Nanos, Candle]] = {}

    async def newest_range(self, series: Series, before: Nanos) -> KnownRange | None:
        found = [one for one in self.ranges.get(series, ()) if one.first <= before]
        return max(found, default=None)

    async def read(self, series: Series, within: KnownRange) -> Sequence[Candle]:
        held = self.candles.get(series, {})
        return [held[at] for at in sorted(held) if within.first <= at <= within.last]

    async def keep(self, series: Series, known: KnownRange, candles: Sequence[Candle]) -> None:
        held, step = self.candles.setdefault(series, {}), length(series.interval)
        for at in [one for one in held if known.first <= one <= known.last]:
            del held[at]
        held |= {one.open_time: one for one in candles}
        every = self.ranges.setdefault(series, [])
        touching = [one for one in every if one.first <= known.last + step and known.first <= one.last + step]
        self.ranges[series] = [
            *(one for one in every if one not in touching),
            joined(touching, known, step=step),
        ]
