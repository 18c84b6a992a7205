"""Define what the protocols read: instruments, live books, trades, candles, and events as they happen.

A source drives one or more venues. Events are published one by one while the book is in the state
the event led to, so a protocol may read the book (for a checksum, a snapshot) as it renders.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from twap_server.venue.book import Level, VenueBook
from twap_server.venue.candles import CandleStore, VenueTrade

TRADES_KEPT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """An instrument: prices count 10^-``price_decimals``, ``step`` and ``min_qty`` count 10^-8."""

    symbol: str
    base: str
    quote: str
    price_decimals: int
    step: int
    min_qty: int
    min_notional: str
    contract: int = 0
    """Of a perpetual: how much of the base (10^-8) one contract is. 0: it is traded for cash."""


@dataclass(slots=True, kw_only=True)
class Pair:
    """The state of one instrument at one venue."""

    spec: Spec
    book: VenueBook = field(default_factory=VenueBook)
    candles: CandleStore = field(default_factory=CandleStore)
    trades: deque[VenueTrade] = field(default_factory=lambda: deque(maxlen=TRADES_KEPT))
    last_id: int = 0
    last_time: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BookEvent:
    """Changed levels, absolute; ``text`` is the recorded wire text where there is one."""

    venue: str
    symbol: str
    time: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    first_id: int = 0
    last_id: int = 0
    snapshot: bool = False
    text: str | None = None
    text_depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeEvent:
    """The trades of one taker order."""

    venue: str
    symbol: str
    time: int
    trades: tuple[VenueTrade, ...]
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TickerEvent:
    """A new best bid or ask, with its update id."""

    venue: str
    symbol: str
    time: int
    update_id: int
    bid: Level
    ask: Level
    text: str | None = None


Event = BookEvent | TradeEvent | TickerEvent


class Outlet(Protocol):
    """Where a source puts its events; implemented by the server."""

    def publish(self, event: Event) -> None:
        """Hand an event to every connection of its venue, at once."""
        ...

    async def room(self) -> None:
        """Wait until every connection can take more."""
        ...

    async def hang_up(self, venue: str) -> None:
        """Close every connection of a venue, after what was published."""
        ...


class Source(Protocol):
    """A market, recorded or made up."""

    @property
    def lossless(self) -> bool:
        """Whether the source waits for slow consumers instead of dropping them."""
        ...

    @property
    def venues(self) -> Sequence[str]:
        """The venues that are played."""
        ...

    def pairs(self, venue: str) -> Mapping[str, Pair]:
        """Instruments of a venue by the venue's own symbol; empty for a venue not played."""
        ...

    def wanted(self, venue: str, symbol: str) -> None:
        """Learn that somebody subscribed to a book."""
        ...

    def snapshot_text(self, symbol: str, limit: int) -> str | None:
        """Give a recorded REST book of Binance, byte for byte, while it is current."""
        ...

    async def run(self, outlet: Outlet) -> None:
        """Play until cancelled (or, for a recording without loop, to its end)."""
        ...
