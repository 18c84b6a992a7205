"""Define the standardised events of all exchanges (``MarketEvent``), and what readers of a book get.

Numbers of book events are the exchange's own text, made canonical by the exchange's mapper: within one
instrument the same price always has the same text. ``Decimal`` is made only when somebody reads
(a ``Decimal`` per level costs half the speed; measured). Events are msgspec structs: made five times as fast
as dataclasses, and never visited by the garbage collector, since they hold no cycles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from twap_models.enums import Side
from twap_server.domain.clock import Nanos
from twap_server.domain.market.refusal import RefusalKind

TextLevel: TypeAlias = tuple[str, str]
"""(price, quantity) as text; quantity is absolute, zero removes the level."""


class BookSnapshot(Struct, gc=False, kw_only=True):
    """Full state: discards what was there. ``last_id`` and ``checksum`` are 0 where the exchange has none."""

    symbol: str
    """Canonical symbol."""
    bids: Sequence[TextLevel]
    asks: Sequence[TextLevel]
    last_id: int = 0
    checksum: int | None = None
    ts_exchange: Nanos = Nanos(0)


class BookChange(Struct, gc=False, kw_only=True):
    """Difference: absolute quantities of changed levels, applied in order."""

    symbol: str
    bids: Sequence[TextLevel]
    asks: Sequence[TextLevel]
    first_id: int = 0
    last_id: int = 0
    checksum: int | None = None
    ts_exchange: Nanos = Nanos(0)


class Trade(Struct, gc=False, kw_only=True):
    """One public trade; ``taker_side`` is the aggressor's."""

    symbol: str
    trade_id: str
    price: Decimal
    quantity: Decimal
    taker_side: Side
    ts_exchange: Nanos
    ts_received: Nanos = Nanos(0)
    is_numbered: bool = True
    """Whether ids that are numbers have no holes within an instrument, so that one left out is a loss."""


class Subscribed(Struct, gc=False, kw_only=True):
    """The exchange acknowledged a request, named by its id, by the symbol, or by both."""

    request_id: int | None
    symbol: str | None = None


class Refused(Struct, gc=False, kw_only=True):
    """The exchange refused a request."""

    request_id: int | None
    symbol: str | None
    kind: RefusalKind
    message: str
    """The exchange's own words: for the log only."""


class Heartbeat(Struct, gc=False, kw_only=True):
    """A frame that only says the connection lives."""


class Reply(Struct, gc=False, kw_only=True):
    """The exchange asked something, and this is to be sent back at once."""

    text: str


class ShutdownNotice(Struct, gc=False, kw_only=True):
    """The exchange will soon close this connection: open the next one now."""


class BookLost(Struct, gc=False, kw_only=True):
    """The other side does not know a book any more: it is not to be trusted until the next snapshot."""

    symbol: str
    reason: str
    message: str
    """The other side's own words: for the log only."""


class TradingStatus(Struct, gc=False, kw_only=True):
    """What the exchange says of an instrument, or of itself as a whole."""

    symbol: str | None
    """Canonical symbol; None means the whole exchange."""
    status: str
    """``trading``, or the exchange's own word in lower case."""


MarketEvent: TypeAlias = (
    BookSnapshot
    | BookChange
    | Trade
    | Subscribed
    | Refused
    | Heartbeat
    | Reply
    | ShutdownNotice
    | BookLost
    | TradingStatus
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """One candle; ``close_time`` is exclusive minus one millisecond, as exchanges write it."""

    open_time: Nanos
    close_time: Nanos
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleRange:
    """Candles, oldest first."""

    candles: Sequence[Candle]
    oldest_available: Nanos | None = None
    """Set where there are fewer than asked for, because nothing that opens before this moment can be had."""


class PriceLevel(NamedTuple):
    """One price of a book."""

    price: Decimal
    quantity: Decimal


class BookStatus(StrEnum):
    """How far a book can be trusted. Only ``LIVE`` may be filled from."""

    LIVE = "live"
    STALE = "stale"
    RESYNCING = "resyncing"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookState:
    """What a reader gets: levels best first, and how far to trust them."""

    status: BookStatus
    reason: str
    """Why it is not live, or why nothing is filled from it all the same; empty when nothing is wrong."""
    bids: tuple[PriceLevel, ...]
    asks: tuple[PriceLevel, ...]
    ts_exchange: Nanos
    ts_received: Nanos
    seq: int
    """Counts the changes applied since the server started; never goes back."""
    lag: int | None = None
    """Nanoseconds from the exchange's time of the last change to its receipt, None where it is not known."""
