"""Make minute candles for the time before a synthetic market began.

The closes are a random walk that ends at the first live price and is shared by the venues; what
happened inside a minute is drawn for each venue on its own. Higher intervals are sums of these.
"""

import itertools
import random

from twap_server.venue.candles import MINUTE_MS, VenueCandle
from twap_server.venue.source import Spec

_TRADES_A_MINUTE = 130
_VALUE_A_MINUTE = 1_000_000


def minute_closes(last: int, *, count: int, volatility_ppm: float, seed: str) -> list[float]:
    """Walk back from the last price: ``count`` + 1 prices, oldest first, ending at ``last``."""
    source = random.Random(seed)
    step = last * volatility_ppm / 1e6 * 60**0.5
    walk = [float(last)]
    for _ in range(count):
        walk.append(walk[-1] + source.gauss(0, step) + (last - walk[-1]) * 1e-3)
    return walk[::-1]


def minute_candles(closes: list[float], spec: Spec, *, end_ms: int, seed: str) -> list[VenueCandle]:
    """Make contiguous candles from closes; the newest is the last whole minute before ``end_ms``."""
    source = random.Random(f"{seed}:history")
    scale = 10**spec.price_decimals
    prices = [round(close * scale) for close in closes]
    first = end_ms // MINUTE_MS * MINUTE_MS - (len(prices) - 1) * MINUTE_MS
    return [
        _candle(first + index * MINUTE_MS, opens, closes_at, spec=spec, source=source)
        for index, (opens, closes_at) in enumerate(itertools.pairwise(prices))
    ]


def _candle(open_ms: int, opens: int, closes: int, *, spec: Spec, source: random.Random) -> VenueCandle:
    swing = max(1, round(opens * 5e-5))
    value = _VALUE_A_MINUTE * source.uniform(0.4, 1.6) * 1e8 * 10**spec.price_decimals
    volume = int(value / opens) // spec.step * spec.step
    bought = int(volume * source.uniform(0.3, 0.7)) // spec.step * spec.step
    mean = (opens + closes) // 2
    return VenueCandle(
        open_ms=open_ms,
        open=opens,
        high=max(opens, closes) + source.randrange(swing),
        low=min(opens, closes) - source.randrange(swing),
        close=closes,
        volume=volume,
        quote=volume * mean,
        count=source.randrange(_TRADES_A_MINUTE // 2, _TRADES_A_MINUTE * 2),
        taker_volume=bought,
        taker_quote=bought * mean,
    )
