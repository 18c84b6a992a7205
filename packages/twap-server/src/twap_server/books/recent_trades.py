"""Keep the newest trades of each collected instrument, for readers who come later."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from twap_server.domain.market.events import Trade
from twap_server.domain.market.instrument import InstrumentId

MOST_RECENT: Final = 100
"""Trades kept of one instrument, some 40 KB."""


class RecentTrades:
    """The newest trades by instrument, in the order in which they were received."""

    def __init__(self) -> None:
        self._kept: dict[InstrumentId, deque[Trade]] = {}

    def add(self, instrument: InstrumentId, trade: Trade) -> None:
        """Keep a trade; of too many the oldest is forgotten."""
        kept = self._kept.get(instrument)
        if kept is None:
            kept = self._kept[instrument] = deque(maxlen=MOST_RECENT)
        kept.append(trade)

    def replace(self, instrument: InstrumentId, trades: Iterable[Trade]) -> None:
        """Keep these in place of those of before, oldest first."""
        self._kept[instrument] = deque(trades, maxlen=MOST_RECENT)

    def of(self, instrument: InstrumentId) -> Sequence[Trade]:
        """Those kept of an instrument, oldest first."""
        return tuple(self._kept.get(instrument, ()))

    def forget(self, instrument: InstrumentId) -> None:
        """Keep none of an instrument any more."""
        self._kept.pop(instrument, None)
