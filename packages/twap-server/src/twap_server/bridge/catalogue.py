"""Keep ccxt's list of markets and read its candles."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from twap_server.bridge.markets import listed, size_of
from twap_server.bridge.numbers import ONE, price_of
from twap_server.bridge.opening import CcxtApi
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.exchanges.ccxt import wire

_MOST_PAGES: Final = 10
_PAGE: Final = 200


class BadSymbol(Exception):
    """There is no such market here; named as ccxt names it."""


class UnclearUnit(Exception):
    """ccxt does not say in which unit it counts."""


class Catalogue:
    """One exchange's."""

    def __init__(self, api: CcxtApi, clock: Clock, *, complain: Callable[[str], None]) -> None:
        """Args: complain: called with what cannot be read."""
        self._api, self._clock, self._complain = api, clock, complain
        self._loaded_at: Nanos | None = None
        self._lock = asyncio.Lock()

    async def load(self, max_age_s: int | None = None) -> None:
        """Load the markets, unless that was done within so many seconds; None: ever.

        Raises:
            Exception: whatever ccxt raises.
        """
        async with self._lock:
            if not self._is_fresh(max_age_s):
                await self._api.load_markets(self._loaded_at is not None)
                self._loaded_at = self._clock.monotonic()

    async def markets(self, max_age_s: int, symbols: Sequence[str] = ()) -> list[wire.Market]:
        """List what can be listed of these symbols, of all where none is named."""
        await self.load(max_age_s)
        known = self._api.markets or {}
        chosen = [known[one] for one in symbols if one in known] if symbols else list(known.values())
        return [found for one in chosen if (found := self._listed(one)) is not None]

    async def market(self, symbol: str) -> Mapping[str, Any]:
        """Find one.

        Raises:
            BadSymbol: there is none.
        """
        await self.load()
        found = (self._api.markets or {}).get(symbol)
        if found is None or self._listed(found) is None:
            raise BadSymbol(f"no market {symbol!r:.60}")
        return found

    async def candles(self, symbol: str, interval: str, start: int, end: int) -> list[wire.CandleRow]:
        """Read what opens within ``start``..``end``, milliseconds, page after page.

        Raises:
            UnclearUnit: a swap is counted in contracts, and ccxt does not say whether its candles are.
        """
        if size_of(await self.market(symbol)) != ONE:
            raise UnclearUnit("ccxt does not say in which unit the candles of this contract count")
        found: dict[int, wire.CandleRow] = {}
        since = start
        for _ in range(_MOST_PAGES):
            rows = [_row(one) for one in await self._api.fetch_ohlcv(symbol, interval, since, _PAGE)]
            found |= {row[0]: row for row in rows if start <= row[0] <= end}
            newest = max((row[0] for row in rows), default=0)
            if newest <= since or newest >= end:
                break
            since = newest + 1
        return [found[opens] for opens in sorted(found)]

    def _is_fresh(self, max_age_s: int | None) -> bool:
        if self._loaded_at is None:
            return False
        return max_age_s is None or self._clock.monotonic() - self._loaded_at < max_age_s * SECOND

    def _listed(self, market: Mapping[str, Any]) -> wire.Market | None:
        try:
            return listed(market, self._api.precisionMode)
        except (ValueError, KeyError, TypeError) as error:
            self._complain(f"a market is left out: {error}")
            return None


def _row(row: Sequence[Any]) -> wire.CandleRow:
    first, high, low, last, volume = (price_of(one or 0) for one in row[1:6])
    return int(row[0]), first, high, low, last, volume
