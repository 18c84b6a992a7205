"""Keep closed candles beside the exchange: what is known without a hole is never asked for again.

The store behind it may fail or be absent: then everything is asked of the exchange, and nobody notices.
"""

import logging
from collections.abc import Sequence
from typing import Protocol

from twap_server.domain.clock import Nanos
from twap_server.domain.errors import TwapError
from twap_server.domain.market.events import Candle
from twap_server.domain.market.known_candles import KnownRange, Series

_log = logging.getLogger(__name__)


class CandleArchive(Protocol):
    """Where closed candles are kept; each call may raise a TwapError."""

    async def newest_range(self, series: Series, before: Nanos) -> KnownRange | None:
        """Return the range that begins at ``before`` or latest before it."""
        ...

    async def read(self, series: Series, within: KnownRange) -> Sequence[Candle]:
        """Return the candles that open within, oldest first."""
        ...

    async def keep(self, series: Series, known: KnownRange, candles: Sequence[Candle]) -> None:
        """Take in closed candles, and that nothing else was traded within."""
        ...


class NoArchive:
    """Knows nothing and keeps nothing."""

    async def newest_range(self, series: Series, before: Nanos) -> KnownRange | None:
        """Nothing."""
        return None

    async def read(self, series: Series, within: KnownRange) -> Sequence[Candle]:
        """Nothing: no range was named."""
        return ()

    async def keep(self, series: Series, known: KnownRange, candles: Sequence[Candle]) -> None:
        """Nothing."""


class TolerantArchive:
    """Another archive, whose failures are logged and cost nothing else."""

    def __init__(self, archive: CandleArchive) -> None:
        self._archive = archive

    async def newest(self, series: Series, wanted: KnownRange) -> tuple[KnownRange, Sequence[Candle]] | None:
        """Return the newest part of what is wanted that is known, and its candles; None: nothing of it is."""
        try:
            known = await self._archive.newest_range(series, wanted.last)
            if known is None or known.last < wanted.first:
                return None
            within = KnownRange(max(known.first, wanted.first), min(known.last, wanted.last))
            return within, await self._archive.read(series, within)
        except TwapError as error:
            _log.warning("%s candles are not read from the store: %s", series.instrument, error)
            return None

    async def keep(self, series: Series, known: KnownRange, candles: Sequence[Candle]) -> None:
        """Keep them, if that can be done."""
        try:
            await self._archive.keep(series, known, candles)
        except TwapError as error:
            _log.warning("%s candles are not kept: %s", series.instrument, error)
