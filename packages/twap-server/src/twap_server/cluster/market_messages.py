"""Define what collectors and the readers of their books say to each other.

Each message of a book has a number, one more than the message before: a reader notices what is missing.
Those that come often are arrays: a field is only ever added at the end, with a default.
"""

from decimal import Decimal
from typing import Any, Final, TypeAlias

from msgspec import Struct

from twap_models.enums import Interval, Side
from twap_server.cluster.bounds import (
    Count,
    Epoch,
    Limit,
    Moment,
    Part,
    State,
    check_scale,
    check_sums,
    check_trades,
)
from twap_server.cluster.coding import decode
from twap_server.cluster.failures import Failure
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.market.events import BookStatus, CandleRange, TextLevel, Trade
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.status import CollectedBook, ExchangeStatus


class ChangeTold(Struct, array_like=True, tag=1, gc=False):
    """Levels changed, and the book is live: ``seq`` is one more than before."""

    epoch: Epoch
    number: Count
    ts_exchange: Moment
    ts_received: Moment
    bids: list[TextLevel]
    asks: list[TextLevel]


class StateTold(Struct, array_like=True, tag=2, gc=False):
    """The book is not live, and why; its levels are those of before."""

    epoch: Epoch
    number: Count
    status: BookStatus
    reason: str
    is_barred: bool
    awaits_first_change: bool


class CutTold(Struct, array_like=True, tag=3, gc=False):
    """All but the best ``depth`` levels of each side were dropped."""

    epoch: Epoch
    number: Count
    depth: Count


class AnewTold(Struct, array_like=True, tag=4, gc=False):
    """Another book stands in its place, too large to be told unasked."""

    epoch: Epoch
    number: Count


class WholeBook(Struct, array_like=True, tag=5, gc=False, kw_only=True):
    """A book as it is after message ``number``; told unasked where it has few levels."""

    epoch: Epoch
    number: Count
    seq: State
    status: BookStatus
    reason: str
    is_barred: bool
    awaits_first_change: bool
    bids: list[TextLevel]
    """As the exchange wrote them: not scaled."""
    asks: list[TextLevel]
    scale: Decimal
    depth: Count
    """Levels to keep per side after each change, 0 keeps all."""
    ts_exchange: Moment
    ts_received: Moment
    age: Count
    """Nanoseconds since the connection was last known to deliver."""
    is_of_changes: bool
    """Whether its times are those of a change: a snapshot is older than its receipt."""

    def __post_init__(self) -> None:
        """Refuse a scale that is none."""
        check_scale(self.scale)


BookTold: TypeAlias = ChangeTold | StateTold | CutTold | AnewTold | WholeBook
_BOOK_TOLD: Final[Any] = BookTold


def book_told(body: bytes) -> BookTold:
    """Read what is told of a book.

    Raises:
        WrongVersion.
    """
    told: BookTold = decode(body, _BOOK_TOLD)
    return told


class TradeTold(Struct, array_like=True, gc=False):
    """One trade, the ``number``-th of its instrument in this epoch, and what all of them add up to."""

    epoch: Epoch
    number: Count
    base: Decimal
    quote: Decimal
    trade_id: str
    price: Decimal
    quantity: Decimal
    taker_side: Side
    ts_exchange: Moment
    ts_received: Moment
    is_numbered: bool

    def __post_init__(self) -> None:
        """Refuse numbers that nobody could show."""
        check_trades([self])
        check_sums(self.base, self.quote)

    def trade(self, symbol: str) -> Trade:
        """The trade itself."""
        return Trade(
            symbol=symbol,
            trade_id=self.trade_id,
            price=self.price,
            quantity=self.quantity,
            taker_side=self.taker_side,
            ts_exchange=self.ts_exchange,
            ts_received=self.ts_received,
            is_numbered=self.is_numbered,
        )


class TradedSoFar(Struct, array_like=True, gc=False):
    """How many trades of an instrument were told in this epoch, and what they add up to."""

    number: Count = 0
    base: Decimal = ZERO
    quote: Decimal = ZERO

    def __post_init__(self) -> None:
        """Refuse what trades cannot add up to."""
        check_sums(self.base, self.quote)


class BookPulse(Struct, array_like=True, gc=False):
    """One collected book at the moment of a pulse."""

    symbol: str
    number: Count
    """Of the last message about it."""
    silence: Count
    """Nanoseconds since its connection spoke."""
    borne: Count
    """Nanoseconds of silence after which it is not to be trusted."""
    age: Count
    """Nanoseconds since its connection was last known to deliver."""
    traded: TradedSoFar


class ExchangePulse(Struct, kw_only=True, gc=False):
    """Told several times a second: the collector of an exchange, or of a part, lives; how its books are."""

    epoch: Epoch
    moment: Moment
    """By the collector's monotonic clock: whoever reads sees by it that pulses come late."""
    status: ExchangeStatus
    revision: Count
    """Of the list of instruments."""
    books: list[BookPulse]
    refused: list[str] = []
    """Symbols that somebody wants, and for which there is no room."""
    part: Part = 1
    """Which part of the exchange it is of."""
    parts: Part = 1
    """Into how many the exchange is divided; 1: it is not."""


class Wanted(Struct, kw_only=True):
    """Which books of an exchange a node wants: told again and again, for it is soon forgotten."""

    node: str
    symbols: list[str]
    of_orders: list[str]
    """Those of them that orders want."""


class AskBook(Struct, tag="book"):
    """What is the whole book?"""

    symbol: str


class AskListing(Struct, tag="listing"):
    """What is listed?"""


class AskCollected(Struct, tag="collected"):
    """How do the collected books fare?"""


class AskCandles(Struct, tag="candles", kw_only=True):
    """What are the candles?"""

    symbol: str
    interval: Interval
    limit: Limit
    start: Nanos | None
    end: Nanos | None


Question: TypeAlias = AskBook | AskListing | AskCollected | AskCandles
_QUESTION: Final[Any] = Question


def question(body: bytes) -> Question:
    """Read a question.

    Raises:
        WrongVersion.
    """
    asked: Question = decode(body, _QUESTION)
    return asked


class BookAnswer(Struct, kw_only=True):
    """A whole book, with the newest trades of its instrument; no book where it is not collected."""

    epoch: Epoch
    book: WholeBook | None
    trades: list[Trade]
    """Oldest first."""
    traded: TradedSoFar

    def __post_init__(self) -> None:
        """Refuse numbers that nobody could show."""
        check_trades(self.trades)


class ListingAnswer(Struct, kw_only=True):
    """What an exchange lists."""

    epoch: Epoch
    revision: Count
    instruments: list[Instrument]
    clashing: list[Instrument]
    gone: dict[str, str]
    """Symbol to status, of what was listed before."""


class CollectedAnswer(Struct, kw_only=True):
    """How the collected books fare."""

    books: list[CollectedBook]


class CandlesAnswer(Struct, kw_only=True):
    """Candles, or why there are none."""

    candles: CandleRange | None = None
    failed: Failure | None = None
